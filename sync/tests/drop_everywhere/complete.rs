//! Whether every public async function of the crate is played.

use std::fs;
use std::path::Path;

/// Where they are, and their names. The named futures are `Event::wait`, `Notify::notified`, `oneshot::Receiver`.
const PLAYED: &[&str] = &[
    "barrier.rs: wait",
    "broadcast/receiver.rs: recv",
    "broadcast/sender.rs: closed",
    "condition.rs: wait",
    "condition.rs: wait_for",
    "mpsc/receiver.rs: recv",
    "mpsc/receiver.rs: recv_many",
    "mpsc/sender.rs: closed",
    "mpsc/sender.rs: reserve",
    "mpsc/sender.rs: reserve_many",
    "mpsc/sender.rs: reserve_owned",
    "mpsc/sender.rs: send",
    "mutex/mod.rs: lock",
    "mutex/mod.rs: lock_owned",
    "once_cell.rs: get_or_init",
    "once_cell.rs: get_or_try_init",
    "oneshot/mod.rs: closed",
    "queue/mod.rs: get",
    "queue/mod.rs: join",
    "queue/mod.rs: put",
    "rwlock/mod.rs: read",
    "rwlock/mod.rs: read_owned",
    "rwlock/mod.rs: write",
    "rwlock/mod.rs: write_owned",
    "semaphore/bounded.rs: acquire",
    "semaphore/bounded.rs: acquire_owned",
    "semaphore/mod.rs: acquire",
    "semaphore/mod.rs: acquire_many",
    "semaphore/mod.rs: acquire_many_owned",
    "semaphore/mod.rs: acquire_owned",
    "watch/receiver.rs: changed",
    "watch/receiver.rs: wait_for",
    "watch/sender.rs: closed",
];

/// The public async functions in the files below `dir`; those without a word on cancelling fail.
fn public_futures(root: &Path, dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).expect("the sources are there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            public_futures(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("it can be read");
            let file = path.strip_prefix(root).expect("it is below").display().to_string();
            in_file(&file, &text, found);
        }
    }
}

fn in_file(file: &str, text: &str, found: &mut Vec<String>) {
    let mut has_word = false;
    for line in text.lines().map(str::trim_start) {
        if let Some(rest) = line.strip_prefix("pub async fn ") {
            let name = rest.split(['(', '<']).next().expect("it has a name");
            assert!(has_word, "{file}: {name} has no section on cancel safety");
            found.push(format!("{file}: {name}"));
        }
        has_word &= line.starts_with("///") || line.starts_with("#[");
        has_word |= line.starts_with("/// # Cancel safety");
    }
}

#[test]
fn every_public_async_function_is_played() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    public_futures(&root, &root, &mut found);
    found.sort();
    assert_eq!(found, PLAYED, "a public async function needs an entry in this test, and a line here");
}
