//! Processes of their own: echo servers, which cost nothing here and whose processor time can be told apart, and
//! clients with descriptors of their own. Those in Rust are this very program, called with another first argument.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::peers::{Peer, Raddle};
use crate::workloads::streams::{self, Kind};

/// The first argument of a program that is to be a child.
const CHILD: &str = "child";

/// What each connection of a [`Client`] has exchanged, in bytes.
const MESSAGE: usize = 1_024;

/// Is a child until its parent is done with it, if this process was started as one: then the answer is true, and
/// `main` returns.
///
/// # Panics
/// Panics where loopback sockets cannot be had, and where the arguments are not those of this module.
pub fn run() -> bool {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [CHILD, "serve", kind] => serve(Kind::of(kind).expect("a kind of server")),
        [CHILD, "connect", address] => connect(address.parse().expect("an address")),
        _ => return false,
    }
    true
}

fn this_program() -> Command {
    let mut command = Command::new(env::current_exe().expect("a program that runs has a path"));
    command.arg(CHILD);
    command
}

/// Says at which port, and serves until the parent is gone or wants no more.
fn serve(kind: Kind) {
    let runtime = Raddle::start(None);
    let server = runtime.block_on(streams::serve(kind)).expect("loopback works");
    println!("{}", server.sockets()[0].port());
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Opens as many connections more as each line asks for, and says when it has; they stay as long as the parent wants.
fn connect(address: SocketAddr) {
    let mut connections = Vec::new();
    for line in io::stdin().lines() {
        let count = line.ok().and_then(|line| line.parse().ok()).expect("a number");
        connections.extend((0..count).map(|_| exchange(address).expect("loopback works")));
        println!("{count}");
    }
}

fn exchange(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    let mut message = [b'\n'; MESSAGE];
    stream.write_all(&message)?;
    stream.read_exact(&mut message)?;
    Ok(stream)
}

/// A process, until it is dropped.
#[derive(Debug)]
struct Process {
    child: Child,
    says: BufReader<ChildStdout>,
    name: String,
}

impl Process {
    fn start(mut command: Command) -> Result<Self, String> {
        let words: Vec<&OsStr> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
        let name = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| cannot_start(&name, &error))?;
        let says = BufReader::new(child.stdout.take().expect("it is piped"));
        Ok(Self { child, says, name })
    }

    /// The number that it prints next.
    fn number<N: std::str::FromStr>(&mut self) -> Result<N, String> {
        let mut line = String::new();
        let said = self.says.read_line(&mut line).ok().and_then(|_| line.trim().parse().ok());
        said.ok_or_else(|| {
            // It has ended or never will.
            let _ = self.child.kill();
            let status = self.child.wait().map(|status| status.to_string()).unwrap_or_default();
            format!("{} printed no number ({status})", self.name)
        })
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        self.child.stdin.as_mut().expect("it is piped").write_all(format!("{line}\n").as_bytes())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input ends it; a child that does not see that must not stay.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program could not be started, in words.
pub fn cannot_start(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if program.contains("python3") => {
            format!("{program} has to be in PATH, and it is not there: install Python 3.11 or later")
        }
        _ => format!("cannot start {program}: {error}"),
    }
}

/// An echo server in a process of its own, until it is dropped.
#[derive(Debug)]
pub struct EchoServer {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl EchoServer {
    /// Starts Raddle's.
    ///
    /// # Errors
    /// Says what went wrong.
    pub fn of_raddle(kind: Kind) -> Result<Self, String> {
        let mut command = this_program();
        command.args(["serve", kind.name()]);
        Self::start(command)
    }

    /// Starts a program that prints its port and serves until its input ends.
    ///
    /// # Errors
    /// Says what went wrong.
    pub fn start(command: Command) -> Result<Self, String> {
        let mut process = Process::start(command)?;
        let port = process.number::<u16>()?;
        Ok(Self { process, address: (Ipv4Addr::LOCALHOST, port).into() })
    }

    /// Nanoseconds of processor time that it has taken so far, its system calls included.
    ///
    /// # Errors
    /// Where the system does not tell: Linux does.
    pub fn processor_ns(&self) -> io::Result<u64> {
        processor_ns(&format!("/proc/{}/task", self.process.child.id()), &[])
    }
}

/// A client that has connections, in a process of its own, until it is dropped.
#[derive(Debug)]
pub struct Client(Process);

impl Client {
    /// Starts one for the server at `address`.
    ///
    /// # Errors
    /// Says what went wrong.
    pub fn start(address: SocketAddr) -> Result<Self, String> {
        let mut command = this_program();
        command.args(["connect", &address.to_string()]);
        Process::start(command).map(Self)
    }

    /// Has it open so many connections more; each has echoed 1 KiB when this returns.
    ///
    /// # Errors
    /// Says what went wrong.
    pub fn open(&mut self, count: usize) -> Result<(), String> {
        self.0.tell(&count.to_string()).map_err(|error| format!("{}: {error}", self.0.name))?;
        self.0.number::<usize>().map(drop)
    }
}

/// Nanoseconds of processor time of all threads of this process but the calling one. A thread that makes a system
/// call, or is woken, takes some.
///
/// # Errors
/// Where the system does not tell: Linux does.
pub fn others_processor_ns() -> io::Result<u64> {
    let here = fs::read_link("/proc/thread-self")?;
    processor_ns("/proc/self/task", &[here.file_name().unwrap_or_default()])
}

fn processor_ns(tasks: &str, but: &[&OsStr]) -> io::Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(tasks)? {
        let task = task?;
        if but.contains(&task.file_name().as_os_str()) {
            continue;
        }
        let stat = fs::read_to_string(task.path().join("schedstat"))?;
        let ran = stat.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
        sum += ran.ok_or_else(|| io::Error::other(format!("schedstat says {stat:?}")))?;
    }
    Ok(sum)
}
