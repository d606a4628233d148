//! The rule on dependencies: a plain version, or the workspace's. What a build takes is then in one table and one lock.

use super::Note;

pub(super) fn check(text: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    for (line, section, name, value) in entries(text) {
        let Some(home) = Home::of(&section) else { continue };
        if !is_plain(home, &value) {
            notes.push(Note::new(
                line,
                format!("dependency `{name}` has neither a plain version nor `workspace = true`"),
            ));
        }
    }
    notes
}

/// Where a dependency is written.
#[derive(Clone, Copy, PartialEq)]
enum Home {
    Workspace,
    Crate,
}

impl Home {
    fn of(section: &str) -> Option<Self> {
        let last = section.rsplit('.').next().unwrap_or(section);
        let lists = ["dependencies", "dev-dependencies", "build-dependencies"];
        match section {
            "workspace.dependencies" => Some(Home::Workspace),
            _ => lists.contains(&last).then_some(Home::Crate),
        }
    }
}

/// `key = value` entries: line, section, key, value. A value may go on over lines until its brackets are closed; a
/// table of its own, `[dependencies.x]`, is read as the entry `x` of `[dependencies]`.
fn entries(text: &str) -> Vec<(usize, String, String, String)> {
    let mut found: Vec<(usize, String, String, String)> = Vec::new();
    let (mut section, mut table, mut open) = (String::new(), None, 0);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if open == 0 && line.starts_with('[') {
            (section, table) = split_table(line.trim_matches(['[', ']']));
            if let Some(name) = &table {
                found.push((number, section.clone(), name.clone(), String::new()));
            }
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match (line.split_once('='), found.last_mut()) {
            (_, Some(last)) if open > 0 || table.is_some() => last.3 += &format!("{line},"),
            (Some((key, value)), _) => {
                found.push((number, section.clone(), key.trim().into(), value.trim().into()));
            }
            _ => {}
        }
        open += count(line, ['[', '{']) - count(line, [']', '}']);
    }
    found
}

fn count(line: &str, brackets: [char; 2]) -> isize {
    line.matches(brackets).count() as isize
}

/// `dependencies.x` is the section and the name; any other header is a section.
fn split_table(header: &str) -> (String, Option<String>) {
    match header.rsplit_once('.') {
        Some((section, name)) if Home::of(section).is_some() => (section.into(), Some(name.into())),
        _ => (header.into(), None),
    }
}

fn is_plain(home: Home, value: &str) -> bool {
    let value: String = value.split_whitespace().collect();
    // `x.workspace = true` has the value `true`; the key says the rest.
    let shared = value == "true" || value.contains("workspace=true");
    let local = home == Home::Workspace && value.contains("path=");
    let version =
        if value.starts_with('"') { Some(value.as_str()) } else { value.split_once("version=").map(|v| v.1) };
    let version = version.and_then(|text| text.strip_prefix('"')?.split('"').next());
    let plain =
        version.is_some_and(|text| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.'));
    !value.contains("git=") && (plain || (version.is_none() && (shared || local)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check(text).iter().map(|note| note.line).collect()
    }

    #[test]
    fn plain_versions_and_the_workspaces_are_taken() {
        let text = r#"
            [package]
            version = "*"
            [dependencies]
            a = "1.2"
            b.workspace = true
            # c = "*"
            c = { workspace = true, features = ["x"] }
            [dev-dependencies]
            d = { version = "0.3.1" } # why
            [target.'cfg(loom)'.dependencies]
            e = { features = [
              "y",
            ], version = "1" }
            [features]
            f = ["g"]"#;
        assert_eq!(lines(text), []);
    }

    #[test]
    fn anything_else_is_found() {
        let text = r#"[dependencies]
            a = "*"
            b = ">=1, <3"
            c = "=1.0.0"
            d = { git = "https://x/y", version = "1" }
            e = { path = "../e" }
            [build-dependencies]
            f = { features = [] }
            [target.x.dependencies]
            g = "~1""#;
        assert_eq!(lines(text), [2, 3, 4, 5, 6, 8, 10]);
        assert!(check("[dependencies]\nab = \"*\"")[0].what.contains("`ab`"));
    }

    #[test]
    fn the_workspace_may_name_its_own_crates() {
        assert_eq!(
            lines(
                "[workspace.dependencies]\na = { path = \"a\" }\nb = { path = \"b\", version = \"0.1.0\" }"
            ),
            []
        );
        assert_eq!(lines("[workspace.dependencies]\na = { git = \"x\" }"), [2]);
    }

    #[test]
    fn a_table_for_one_dependency_is_read() {
        assert_eq!(
            lines("[dependencies.a]\nversion = \"1\"\nfeatures = [\"x\"]\n[dependencies]\nb = \"2\""),
            []
        );
        assert_eq!(lines("[dependencies.a]\ngit = \"x\"\n\n[dev-dependencies.b]\npath = \"b\""), [1, 4]);
    }
}
