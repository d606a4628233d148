//! An example as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

/// Nothing here takes long; what is not there after this is not coming.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// `cargo test` builds the package's examples before it runs its tests.
pub(crate) fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(2).expect("tests lie in deps/ of the target folder");
    let example = target.join("examples").join(name);
    assert!(example.exists(), "{} is not built: cargo build --example {name}", example.display());
    example
}

pub(crate) fn run(name: &str, args: &[&str]) -> Output {
    Command::new(path(name)).args(args).output().expect("the program starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A process that runs on; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, stdout }
    }

    /// A server, and where it says that it listens.
    pub(crate) fn server(command: Command) -> (Self, String) {
        let mut server = Self::start(command);
        let mut line = String::new();
        server.stdout.read_line(&mut line).expect("the server says where it listens");
        let addr = line.split(' ').nth(2).unwrap_or_else(|| panic!("no address in {line:?}"));
        let addr = addr.to_owned();
        (server, addr)
    }

    pub(crate) fn interrupt(&self) {
        // SAFETY: sends a signal to our own child, which has not been waited for.
        let rc = unsafe { libc::kill(self.child.id() as i32, libc::SIGINT) };
        assert_eq!(rc, 0);
    }

    /// Waits for the end; gives the exit code and what it still said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).expect("stdout is text");
        (self.child.wait().expect("it ends").code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
