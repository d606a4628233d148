//! The seam: shared memory, threads and time come from the runtime's `prim` and its clock, so that a model sees the
//! first two and a test can stop the third.

use super::paths::{Named, imports, paths};
use super::{Note, Source};
use std::collections::HashMap;

/// What is behind the seam. `core` and `std` are the same here.
const BEHIND: &[&[&str]] = &[
    &["std", "sync", "atomic"],
    &["std", "sync", "Mutex"],
    &["std", "sync", "Condvar"],
    &["std", "sync", "RwLock"],
    &["std", "thread", "spawn"],
];

/// The clock, whoever's `Instant` it is.
const NOW: [&str; 2] = ["Instant", "now"];

/// Where the seam is made, and where `Instant` is the runtime's own.
const SEAM: &[&str] = &["runtime/src/prim/", "runtime/src/driver/clock.rs", "runtime/src/time/"];

/// Folders of code that runs beside the runtime, not in it.
const OUTSIDE: &[&str] = &["tests", "loom-tests", "benches", "examples", "xtask"];

pub(super) fn check(source: &Source) -> Vec<Note> {
    if is_free(&source.path) {
        return Vec::new();
    }
    let paths = paths(source.tokens.clone());
    let imports = imports(&paths);
    let mut notes = Vec::new();
    for path in &paths {
        let full = resolve(path, &imports);
        if let Some(name) = forbidden(&full) {
            notes.push(Note::new(path.line, format!("names `{name}` (only {})", SEAM.join(" and "))));
        }
    }
    notes.dedup();
    notes
}

fn is_free(path: &str) -> bool {
    let outside = |part: &str| OUTSIDE.contains(&part) || part == "tests.rs";
    SEAM.iter().any(|seam| path.starts_with(seam)) || path.split('/').any(outside)
}

/// The path from its root. One that begins with a name whose import is a finding already stays as it is.
fn resolve(path: &Named, imports: &HashMap<&str, &[String]>) -> Vec<String> {
    match imports.get(path.segments[0].as_str()) {
        Some(import) if !path.import && forbidden(import).is_none() => [import, &path.segments[1..]].concat(),
        _ => path.segments.clone(),
    }
}

fn forbidden(full: &[String]) -> Option<String> {
    if full.ends_with(&NOW.map(String::from)) {
        return Some(NOW.join("::"));
    }
    let is_at =
        |(at, word): (usize, &&str)| full.get(at).is_some_and(|s| s == word || (at == 0 && s == "core"));
    let found = BEHIND.iter().find(|behind| behind.iter().enumerate().all(is_at))?;
    Some(found.join("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        let source = Source::parse(path, text).unwrap_or_else(|note| panic!("{note:?}"));
        check(&source).iter().map(|note| note.line).collect()
    }

    #[test]
    fn what_is_behind_the_seam_is_found_at_its_import() {
        let text = "use std::sync::{Arc, Mutex};\nuse core::sync::atomic::{AtomicU8, Ordering};\n\
                    fn f() { Mutex::new(1); }";
        assert_eq!(found("sync/src/a.rs", text), [1, 2]);
    }

    #[test]
    fn what_is_behind_the_seam_is_found_through_an_import() {
        let text = "use std::{sync, thread};\nfn f() {\n thread::spawn(g);\n sync::RwLock::new(1);\n}";
        assert_eq!(found("net/src/a.rs", text), [3, 4]);
        assert_eq!(found("net/src/a.rs", "use std::thread as t;\nfn f() {\n t::spawn(g) }"), [3]);
        assert_eq!(found("net/src/a.rs", "type M = std::sync::Mutex<u8>;"), [1]);
    }

    #[test]
    fn the_clock_is_found_under_any_instant() {
        assert_eq!(found("src/a.rs", "use std::time::Instant;\nfn f() { Instant::now(); }"), [2]);
        assert_eq!(found("src/a.rs", "fn f() { std::time::Instant::now(); }"), [1]);
    }

    #[test]
    fn the_runtimes_own_are_no_finding() {
        let text = "use crate::prim::{atomic::AtomicU8, lock::Mutex, thread};\nfn f() { thread::spawn(g); }";
        assert_eq!(found("runtime/src/a.rs", text), []);
        assert_eq!(
            found("runtime/src/a.rs", "use std::sync::{Arc, OnceLock};\nuse std::thread::ThreadId;"),
            []
        );
    }

    #[test]
    fn the_seam_and_the_code_outside_are_free() {
        let text = "use std::sync::Mutex;";
        let free =
            ["runtime/src/prim/lock.rs", "runtime/src/driver/clock.rs", "tests/a.rs", "xtask/src/main.rs"];
        for path in free.iter().chain(&["sync/tests/a.rs", "examples/a.rs", "net/src/tls/tests.rs"]) {
            assert_eq!(found(path, text), [], "{path}");
        }
        assert_eq!(found("runtime/src/driver/turn.rs", text), [1]);
        assert_eq!(
            found("runtime/src/driver/turn.rs", "#[cfg(test)] mod tests { use std::sync::Mutex; }"),
            []
        );
    }
}
