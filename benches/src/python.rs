//! Python programs to measure beside: CPython as it is installed, and a virtual environment with uvloop, which is made
//! when it is first asked for.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// What runs CPython.
pub const PYTHON: &str = "python3";

const ECHO_SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/echo_server.py");

/// Beside the build, so that it goes with it.
const ENVIRONMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/uvloop");

/// The program could not be started, in words.
pub fn cannot_start(python: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{python} has to be in PATH, and it is not there: install Python 3.11 or later")
        }
        _ => format!("cannot start {python}: {error}"),
    }
}

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

/// A Python echo server in a process of its own, until it is dropped.
#[derive(Debug)]
pub struct EchoServer {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl EchoServer {
    /// Starts one; `kind` is `"streams"` or `"protocol"`.
    ///
    /// # Errors
    /// Says what went wrong.
    pub fn start(python: &Path, kind: &str, on_uvloop: bool) -> Result<Self, String> {
        let mut command = Command::new(python);
        command.args([ECHO_SERVER, kind]).args(on_uvloop.then_some("--uvloop"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| cannot_start(&python.to_string_lossy(), &error))?;
        let mut line = String::new();
        let port = process.stdout.take().and_then(|stdout| BufReader::new(stdout).read_line(&mut line).ok());
        match port.and_then(|_| line.trim().parse::<u16>().ok()) {
            Some(port) => Ok(Self { process, address: (Ipv4Addr::LOCALHOST, port).into() }),
            None => {
                // It has ended or never will.
                let _ = process.kill();
                let status = process.wait().map(|status| status.to_string()).unwrap_or_default();
                Err(format!("{} {ECHO_SERVER} {kind} printed no port ({status})", python.display()))
            }
        }
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        // The end of its input ends it; a server that does not see that must not stay.
        drop(self.process.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_tells_its_port_and_ends_when_it_is_dropped() {
        let server = EchoServer::start(Path::new(PYTHON), "protocol", false).expect("python3 serves");
        let address = server.address;
        std::net::TcpStream::connect(address).expect("it listens");
        drop(server);
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = EchoServer::start(Path::new("no-such-python3"), "streams", false).unwrap_err();
        assert!(error.contains("no-such-python3") && error.contains("3.11"), "{error}");
        let error = EchoServer::start(Path::new(PYTHON), "no-such-kind", false).unwrap_err();
        assert!(error.contains("no-such-kind"), "{error}");
    }
}
