//! Python programs to measure beside: CPython as it is installed, and a virtual environment with uvloop, which is made
//! when it is first asked for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::child::cannot_start;

/// What runs CPython.
pub const PYTHON: &str = "python3";

const ECHO_SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/echo_server.py");

/// Beside the build, so that it goes with it.
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/uvloop");

/// The Python that has uvloop. It is made once, which takes the network.
///
/// # Errors
/// Says what was missing.
pub fn with_uvloop() -> Result<&'static Path, String> {
    static PYTHON_WITH_UVLOOP: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let made = PYTHON_WITH_UVLOOP.get_or_init(|| {
        let python = Path::new(ENVIRONMENT).join("bin/python3");
        if finish(Command::new(&python).args(["-c", "import uvloop"])).is_err() {
            finish(Command::new(PYTHON).args(["-m", "venv", "--clear", ENVIRONMENT]))?;
            finish(Command::new(&python).args(["-m", "pip", "install", "--quiet", "uvloop"]))?;
        }
        Ok(python)
    });
    made.as_deref().map_err(Clone::clone)
}

/// Runs it to its end; its last words are the error.
fn finish(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(&program, &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(format!("{program} failed ({}): {last}", output.status))
}

/// A Python echo server; `kind` is `"streams"`, `"protocol"`, or one of both with `"-lines"` after it.
pub fn echo_server(python: &Path, kind: &str, on_uvloop: bool) -> Command {
    let mut command = Command::new(python);
    command.args([ECHO_SERVER, kind]).args(on_uvloop.then_some("--uvloop"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::EchoServer;

    #[test]
    fn a_server_tells_its_port_and_ends_when_it_is_dropped() {
        let server =
            EchoServer::start(echo_server(Path::new(PYTHON), "protocol", false)).expect("python3 serves");
        let address = server.address;
        std::net::TcpStream::connect(address).expect("it listens");
        drop(server);
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error =
            EchoServer::start(echo_server(Path::new("no-such-python3"), "streams", false)).unwrap_err();
        assert!(error.contains("no-such-python3") && error.contains("3.11"), "{error}");
        let error = EchoServer::start(echo_server(Path::new(PYTHON), "no-such-kind", false)).unwrap_err();
        assert!(error.contains("no-such-kind"), "{error}");
    }
}
