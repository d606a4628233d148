//! An idle runtime costs nothing: no system calls, no CPU. In a process of its own, watched from outside.
//!
//! f14: an idle busy loop.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::{FOR_EVER, child, multi_thread, workers, yields};
use raddle::net::{
    Protocol, StreamReader, StreamWriter, TcpListener, TcpStream, create_server, start_server,
};
use raddle::runtime::Runtime;
use raddle::spawn;
use raddle::time::{Duration, sleep, timeout};
use std::future::pending;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Instant, SystemTime};

/// How long a child is watched.
const WATCHED: Duration = Duration::from_secs(5);
/// How long threads that are not needed may stay: spare workers two seconds, and those of the pool as the test says.
const SETTLES: Duration = Duration::from_millis(2_500);

/// A child that is idle in the way of `role`, traced from its birth if that can be; killed when dropped.
struct Idle {
    child: Child,
    /// The process itself, which is not `child` if that one traces.
    pid: String,
    trace: Option<PathBuf>,
}

impl Idle {
    fn start(test: &str, role: &str, traced: bool) -> Self {
        let plain = child::command(test, role);
        let trace = (traced && has_strace()).then(|| {
            std::env::temp_dir().join(format!("raddle-idle-{}-{test}-{role}.strace", std::process::id()))
        });
        let mut command = match &trace {
            Some(file) => traced_by_strace(&plain, file),
            None => plain,
        };
        let mut child = command.spawn().expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut lines = lines.map_while(Result::ok);
        let pid = lines.find_map(|line| Some(line.split_once("idle ")?.1.to_owned()));
        let Some(pid) = pid else {
            let mut said = String::new();
            let _ = child.stderr.take().expect("a pipe").read_to_string(&mut said);
            panic!("the child did not come to rest: {said}");
        };
        std::thread::sleep(SETTLES);
        Self { child, pid, trace }
    }

    /// Clock ticks of CPU, and how often its threads have been put to sleep or off the core.
    fn effort(&self) -> (u64, u64) {
        let switches = |thread: std::io::Result<std::fs::DirEntry>| {
            let status = std::fs::read_to_string(thread.expect("a thread").path().join("status"));
            let status = status.unwrap_or_default();
            let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
            counts.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok()).sum::<u64>()
        };
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid)).expect("procfs");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).expect("procfs");
        let after_name = stat.rsplit(')').next().expect("a stat line");
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = fields[11].parse::<u64>().expect("utime") + fields[12].parse::<u64>().expect("stime");
        (ticks, threads.map(switches).sum())
    }

    /// The system calls traced between two points in time, in seconds since 1970.
    fn calls_between(&self, from: f64, to: f64) -> Vec<String> {
        let file = self.trace.as_ref().expect("it is traced");
        let trace = std::fs::read_to_string(file).expect("what strace wrote");
        assert!(trace.lines().count() > 20, "strace traced nothing: {trace}");
        // "pid time call(...)"
        let time = |line: &&str| line.split_whitespace().nth(1).and_then(|time| time.parse::<f64>().ok());
        let inside = |line: &&str| time(line).is_some_and(|time| from < time && time < to);
        trace.lines().filter(inside).map(String::from).collect()
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-9", &self.pid]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(file) = &self.trace {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// `plain` under strace, which writes each call with its time to `file`.
fn traced_by_strace(plain: &Command, file: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-ttt", "-qq", "-o"]).arg(file).arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    strace.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    strace
}

fn has_strace() -> bool {
    Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// In the child: says that it is idle, and is.
fn rest(runtime: &Runtime) -> ! {
    println!("idle {}", std::process::id());
    runtime.block_on(pending())
}

/// Watches a child that is idle in the way of `role`.
fn assert_idle(test: &str, role: &str) {
    let child = Idle::start(test, role, true);
    let (before, from) = (child.effort(), seconds());
    std::thread::sleep(WATCHED);
    let (after, to) = (child.effort(), seconds());
    if child.trace.is_some() {
        let calls = child.calls_between(from, to);
        println!("{role}: {} system calls in {WATCHED:?}", calls.len());
        assert!(calls.is_empty(), "an idle runtime called the system ({role}): {calls:#?}");
    } else {
        println!("{role}: no strace; {} context switches in {WATCHED:?}", after.1 - before.1);
    }
    assert_eq!(after, before, "clock ticks of CPU and context switches of an idle runtime ({role})");
}

#[test]
fn f14_an_idle_runtime_of_eight_workers_makes_no_system_calls() {
    if let Some(role) = child::role() {
        let runtime = multi_thread(8).start_paused(role == "paused").build().unwrap();
        // What never ends keeps nobody awake, nor does a clock that nobody moves.
        (0..100).for_each(|_| runtime.spawn(pending::<()>()).detach());
        rest(&runtime);
    }
    std::thread::scope(|scope| {
        for role in ["fresh", "paused"] {
            let test = "f14_an_idle_runtime_of_eight_workers_makes_no_system_calls";
            scope.spawn(move || assert_idle(test, role));
        }
    });
}

#[test]
fn f14_a_runtime_that_has_been_busy_comes_to_rest() {
    if let Some(role) = child::role() {
        let builder = if role == "multi" { multi_thread(8) } else { multi_thread(1).current_thread() };
        let runtime = builder.thread_keep_alive(Duration::from_millis(100)).build().unwrap();
        let keep = exercise(&runtime);
        println!("{} things are waited for", keep.len());
        rest(&runtime);
    }
    std::thread::scope(|scope| {
        for role in ["multi", "current"] {
            scope.spawn(move || assert_idle("f14_a_runtime_that_has_been_busy_comes_to_rest", role));
        }
    });
}

/// A protocol that does nothing.
struct Quiet;

impl Protocol for Quiet {}

/// Servers with many connections, each used once, and one that keeps what its peer does not read.
async fn serve_idle() -> Vec<TcpStream> {
    let echo = |mut reader: StreamReader, writer: StreamWriter| async move {
        while let Ok(line) = reader.readline().await {
            writer.write(&line);
            if line == b"much\n" {
                writer.write(vec![0; 8 << 20]);
            }
        }
    };
    let streams = start_server(echo, "127.0.0.1:0").await.unwrap();
    let protocols = create_server(|| Quiet, "127.0.0.1:0").await.unwrap();
    let mut clients = Vec::new();
    for n in 0..100 {
        let mut client = TcpStream::connect(streams.sockets()[0]).await.unwrap();
        let line = if n == 0 { b"much\n" } else { b"once\n" };
        futures_lite::AsyncWriteExt::write_all(&mut client, line).await.unwrap();
        futures_lite::AsyncReadExt::read_exact(&mut client, &mut [0; 5]).await.unwrap();
        clients.push(client);
        clients.push(TcpStream::connect(protocols.sockets()[0]).await.unwrap());
    }
    while streams.connections() < 100 || protocols.connections() < 100 {
        yields(1).await;
    }
    clients
}

#[test]
fn f14_idle_servers_with_idle_connections_make_no_system_calls() {
    if child::role().is_some() {
        let runtime = workers(2);
        let clients = runtime.block_on(serve_idle());
        println!("{} clients do nothing", clients.len());
        rest(&runtime);
    }
    assert_idle("f14_idle_servers_with_idle_connections_make_no_system_calls", "servers");
}

/// Uses everything once: stuck polls, timers, blocking calls, sockets that are readable, closed, or full, and leaves
/// tasks behind that wait, and descriptors with events that nobody fetches.
fn exercise(runtime: &Runtime) -> Vec<raddle::task::JoinHandle<()>> {
    runtime.block_on(async {
        let is_multi = raddle::runtime::Handle::current().metrics().workers() > 1;
        let mut waits = Vec::new();
        for _ in 0..100 {
            waits.push(spawn(async { sleep(FOR_EVER).await }));
            waits.push(spawn(pending()));
            waits.push(spawn(async { assert!(timeout(FOR_EVER, Gate::new().wait()).await.is_ok()) }));
            timeout(FOR_EVER, yields(2)).await.unwrap();
        }
        let stuck = || spawn(async { std::thread::sleep(Duration::from_millis(150)) });
        let stuck: Vec<_> = (0..if is_multi { 10 } else { 1 }).map(|_| stuck()).collect();
        for task in stuck {
            task.await.unwrap();
        }
        raddle::spawn_blocking(|| ()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (unread, closed) =
            (TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap());
        let (mut peer, _) = listener.accept().await.unwrap();
        futures_lite::AsyncWriteExt::write_all(&mut peer, b"never read").await.unwrap();
        let (gone, _) = listener.accept().await.unwrap();
        drop(gone);
        // In the backlog, and never accepted.
        let backlog = TcpStream::connect(addr).await.unwrap();
        let full = [0; 65_536];
        while unread.try_write(&full).is_ok() {}
        waits.push(spawn(
            async move { drop((pending::<()>().await, listener, unread, closed, peer, backlog)) },
        ));
        sleep(Duration::from_millis(20)).await;
        waits
    })
}

/// What CPU a child took while it slept and woke a hundred times a second: the driver does not spin towards a deadline.
#[test]
fn f14_waiting_for_a_timer_takes_no_cpu() {
    if child::role().is_some() {
        let runtime = workers(4);
        println!("idle {}", std::process::id());
        runtime.block_on(async {
            let mut ticks = raddle::time::interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
            }
        });
    }
    let child = Idle::start("f14_waiting_for_a_timer_takes_no_cpu", "ticks", false);
    let (began, before) = (Instant::now(), child.effort().0);
    std::thread::sleep(Duration::from_secs(2));
    let ticks = child.effort().0 - before;
    println!("{ticks} clock ticks of CPU in {:?} at 100 timers a second", began.elapsed());
    // A hundredth of a second each: 10 is 5 % of a core.
    assert!(ticks <= 10, "{ticks} ticks");
}
