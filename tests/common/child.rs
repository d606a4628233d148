//! A test that needs a process of its own runs itself again in a child, and the parent judges the child.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const ROLE: &str = "TEST_CHILD_ROLE";

/// The role this process was started for, if it is a child.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A command that runs the test `name` of this binary, and nothing else, in the role `role`.
pub(crate) fn command(name: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its own path"));
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let settings = std::env::vars_os().map(|(name, _)| name);
    settings.filter(|name| name.to_string_lossy().starts_with("RADDLE_")).for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// Runs `command` to its end; fails if it hangs.
#[track_caller]
pub(crate) fn output(mut command: Command, limit: Duration) -> Output {
    let mut child = command.spawn().expect("the child starts");
    let began = Instant::now();
    while child.try_wait().expect("the child can be waited for").is_none() {
        if began.elapsed() > limit {
            let _ = child.kill();
            let output = child.wait_with_output().expect("its output");
            panic!("the child hangs after {limit:?}; it said: {}", text(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.wait_with_output().expect("its output")
}

/// Runs the test `name` in the role `role`, with more variables set.
#[track_caller]
pub(crate) fn run(name: &str, role: &str, env: &[(&str, &str)]) -> Output {
    let mut command = command(name, role);
    command.envs(env.iter().copied());
    output(command, super::HANGS)
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
