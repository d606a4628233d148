//! The layers of `runtime/src`: a module names only modules of its own floor and of the floors before it.

use super::paths::paths;
use super::{Note, Source};

/// Bottom to top. Modules of one floor may name each other.
const FLOORS: &[&[&str]] = &[
    &["prim"],
    &["budget", "rng", "report", "fork", "unwind"],
    &["wait"],
    &["task"],
    &["queue"],
    &["idle"],
    &["driver"],
    &["park"],
    &["worker"],
    &["blocking"],
    &["handle", "context", "block_on", "runtime", "builder", "config", "metrics"],
    &["spawn"],
    &["time"],
    &["compose"],
    &["io"],
    &["signal"],
    &["event_loop"],
    &["coroutine"],
    &["entry", "internals"],
];

/// A file and the module of a later floor that it names all the same, with the reason above each. This list only gets
/// shorter: an entry that is needed no more is a finding.
const EXCEPTIONS: &[(&str, &str)] = &[];

const HERE: &str = "xtask/src/tidy/layers.rs";

pub(super) fn check(sources: &[Source]) -> Vec<(&str, Note)> {
    check_with(sources, EXCEPTIONS)
}

fn check_with<'a>(sources: &'a [Source], exceptions: &[(&str, &str)]) -> Vec<(&'a str, Note)> {
    let mut findings = Vec::new();
    let mut unused = exceptions.to_vec();
    for source in sources {
        for (line, module, what) in faults(source) {
            let entry = (source.path.as_str(), module.as_str());
            unused.retain(|exception| *exception != entry);
            if !exceptions.contains(&entry) {
                findings.push((source.path.as_str(), Note::new(line, what)));
            }
        }
    }
    let stale = unused
        .iter()
        .map(|(file, module)| format!("{file} no longer names `{module}`: strike the exception"));
    findings.extend(stale.map(|what| (HERE, Note::new(1, what))));
    findings
}

/// The line, the module that is named, and what is wrong with that.
fn faults(source: &Source) -> Vec<(usize, String, String)> {
    let Some(own) = module_of(&source.path) else { return Vec::new() };
    let Some(floor) = floor_of(own) else {
        return vec![(1, own.into(), format!("module `{own}` stands on no floor: add it to {HERE}"))];
    };
    let mut found = Vec::new();
    for path in paths(source.tokens.clone()) {
        let [root, module, ..] = &path.segments[..] else { continue };
        let fault = match floor_of(module) {
            _ if root != "crate" => continue,
            Some(other) if other <= floor => continue,
            Some(_) => format!("`{own}` names `crate::{module}` of a later floor (order: {HERE})"),
            None => format!("`crate::{module}` stands on no floor: name its module, or add it to {HERE}"),
        };
        found.push((path.line, module.clone(), fault));
    }
    found.dedup();
    found
}

/// The top module that a file belongs to; none for the crate's root, which only puts them together.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("runtime/src/")?;
    let first = inside.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first)).filter(|module| *module != "lib")
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str, exceptions: &[(&str, &str)]) -> Vec<String> {
        let sources = [Source::parse(path, text).unwrap_or_else(|note| panic!("{note:?}"))];
        let findings = check_with(&sources, exceptions);
        findings.iter().map(|(file, note)| format!("{file}:{}: {}", note.line, note.what)).collect()
    }

    #[test]
    fn a_module_names_its_own_floor_and_those_before() {
        let text =
            "use crate::{prim::atomic, wait};\nuse crate::task::id;\nfn f() { crate::budget::spend(); }";
        assert!(found("runtime/src/task/mod.rs", text, &[]).is_empty());
        assert!(found("runtime/src/handle.rs", "use crate::context;", &[]).is_empty());
        assert!(found("runtime/src/lib.rs", "pub use crate::io::x;", &[]).is_empty());
        assert!(found("sync/src/lock.rs", "use crate::anything;", &[]).is_empty());
    }

    #[test]
    fn a_later_floor_is_found_in_imports_and_paths() {
        let text = "use crate::{prim, task::{cell, id}};\nfn f() { crate::worker::run() }";
        let fault = |line: usize, module: &str| {
            let what = format!("`wait` names `crate::{module}` of a later floor (order: {HERE})");
            format!("runtime/src/wait/queue.rs:{line}: {what}")
        };
        let expected = [fault(1, "task"), fault(2, "worker")];
        assert_eq!(found("runtime/src/wait/queue.rs", text, &[]), expected);
        assert!(found("runtime/src/wait.rs", "#[cfg(test)] mod tests { use crate::task; }", &[]).is_empty());
    }

    #[test]
    fn a_module_without_a_floor_is_found() {
        assert!(found("runtime/src/new.rs", "", &[])[0].contains("module `new` stands on no floor"));
        assert!(
            found("runtime/src/io/a.rs", "use crate::Thing;", &[])[0]
                .contains("`crate::Thing` stands on no floor")
        );
    }

    #[test]
    fn an_exception_holds_while_it_is_needed() {
        let exceptions = [("runtime/src/wait.rs", "task")];
        assert!(found("runtime/src/wait.rs", "use crate::task;", &exceptions).is_empty());
        let stale = found("runtime/src/wait.rs", "use crate::prim;", &exceptions);
        assert_eq!(
            stale,
            ["xtask/src/tidy/layers.rs:1: runtime/src/wait.rs no longer names `task`: strike the exception"]
        );
    }
}
