//! Rules that need only the text: how a file opens, how long it is, how wide its lines are.

use super::Note;

const FILE_LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 120;

/// Files that may be longer: tables, each with the reason.
const LONG_FILES: &[&str] = &[];

pub(super) fn check(file: &str, text: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    if !text.starts_with("//!") {
        notes.push(Note::new(1, "does not open with `//!`"));
    }
    let count = text.lines().count();
    if count > FILE_LINES_MAX && !LONG_FILES.contains(&file) {
        notes.push(Note::new(count, format!("the file has {count} lines ({FILE_LINES_MAX})")));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let columns = line.chars().count();
        if columns > COLUMNS_MAX {
            notes.push(Note::new(number, format!("the line has {columns} columns ({COLUMNS_MAX})")));
        }
        if is_ignored_doctest(line) {
            notes.push(Note::new(number, "a documentation test is ignored: let it run, or make it `text`"));
        }
    }
    notes
}

fn is_ignored_doctest(line: &str) -> bool {
    let line = line.trim_start();
    let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
    let fence = doc.and_then(|text| text.trim_start().strip_prefix("```"));
    fence.is_some_and(|info| info.split([',', ' ']).any(|word| word == "ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(text: &str) -> Vec<Note> {
        check("a.rs", text)
    }

    #[test]
    fn a_file_opens_with_its_docs() {
        assert_eq!(notes("//! What it is.\nfn f() {}\n"), []);
        assert_eq!(notes("\n//! Late.\n")[0].what, "does not open with `//!`");
        assert_eq!(notes("").len(), 1);
    }

    #[test]
    fn a_file_has_at_most_500_lines() {
        assert_eq!(notes(&format!("//! x\n{}", "\n".repeat(499))), []);
        let long = notes(&format!("//! x\n{}", "\n".repeat(500)));
        assert_eq!(long, [Note::new(501, "the file has 501 lines (500)")]);
    }

    #[test]
    fn a_line_has_at_most_120_columns_of_any_width_in_bytes() {
        assert_eq!(notes(&format!("//! {}", "→".repeat(116))), []);
        let wide = notes(&format!("//! x\n{}", "→".repeat(121)));
        assert_eq!(wide, [Note::new(2, "the line has 121 columns (120)")]);
    }

    #[test]
    fn a_documentation_test_runs() {
        assert_eq!(notes("//! ```ignore\n//! x\n//! ```\n").len(), 1);
        assert_eq!(notes("//! x\n    /// ```rust,ignore\n").len(), 1);
        assert_eq!(notes("//! ```no_run\n//! ```text\n// ```ignore\n"), []);
    }
}
