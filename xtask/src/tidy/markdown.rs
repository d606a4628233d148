//! The rule on prose: a path named in backticks is there.

use super::Note;

/// Files that speak of the past.
const HISTORY: &[&str] = &["CHANGELOG.md"];

/// Folders that only a build makes.
const BUILT: &str = "target/";

/// `exists` answers for a path from the repository's root.
pub(super) fn check(file: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Note> {
    if HISTORY.contains(&file) {
        return Vec::new();
    }
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut notes = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let dead = |path: &&str| is_path(path) && !exists(path) && !exists(&format!("{folder}/{path}"));
            let dead = line.split('`').skip(1).step_by(2).filter(dead);
            notes.extend(dead.map(|path| Note::new(number, format!("`{path}` does not exist"))));
        }
    }
    notes
}

/// A file that prose may point to, or a folder.
fn is_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let ends = text.ends_with('/') || [".rs", ".md", ".toml"].iter().any(|end| text.ends_with(end));
    plain && ends && text.contains('/') && !text.starts_with('/') && !text.starts_with(BUILT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(text: &str) -> Vec<Note> {
        let there = ["runtime/src/park.rs", "runtime/src/", "sync/README.md", "Cargo.toml"];
        check("runtime/README.md", text, &|path| there.contains(&path))
    }

    #[test]
    fn a_path_that_is_not_there_is_found() {
        let text = "See `runtime/src/park.rs`.\nAnd `runtime/src/gone.rs`, `runtime/src/`, `gone/`.";
        let expected =
            [Note::new(2, "`runtime/src/gone.rs` does not exist"), Note::new(2, "`gone/` does not exist")];
        assert_eq!(notes(text), expected);
    }

    #[test]
    fn a_path_may_start_at_the_files_own_folder() {
        assert_eq!(notes("`src/park.rs`"), []);
        assert_eq!(notes("`src/gone.rs`").len(), 1);
    }

    #[test]
    fn other_code_is_no_path() {
        let inline = "`gone.rs` `a/b` `/etc/x.toml` `*/x.rs` `target/loom/` `a::b/c.rs` gone/x.rs";
        assert_eq!(notes(inline), []);
        assert_eq!(notes("```text\n`gone/x.rs`\n```\n"), []);
    }

    #[test]
    fn the_changelog_may_name_what_was() {
        assert_eq!(check("CHANGELOG.md", "`gone/x.rs`", &|_| false), []);
    }
}
