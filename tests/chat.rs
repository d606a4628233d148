//! The chat example as its users meet it: a process of its own, clients on std sockets, and `nc` (S6.1).

#[path = "common/example.rs"]
mod example;

use example::{DEADLINE, Running, path, text};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn program() -> PathBuf {
    path("chat")
}

fn run(args: &[&str]) -> Output {
    example::run("chat", args)
}

struct Server {
    process: Running,
    addr: SocketAddr,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(["--listen", "127.0.0.1:0"]).args(args);
        Self::spawn(command)
    }

    fn spawn(command: Command) -> Self {
        let (process, addr) = Running::server(command);
        let addr = addr.parse().unwrap_or_else(|_| panic!("{addr:?} is no address"));
        Self { process, addr }
    }

    fn join(&self) -> Person {
        Person::greet(TcpStream::connect(self.addr).expect("the server accepts"))
    }

    fn interrupt(&self) {
        self.process.interrupt();
    }

    /// Waits for the end; gives the exit code and what it still said.
    fn end(self) -> (Option<i32>, String) {
        self.process.end()
    }
}

/// A client that has been greeted and is in the lobby.
struct Person {
    stream: BufReader<TcpStream>,
    name: String,
}

impl Person {
    fn greet(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
        stream.set_write_timeout(Some(DEADLINE)).expect("a time-out can be set");
        let name = stream.local_addr().expect("it is connected").to_string();
        let mut person = Self { stream: BufReader::new(stream), name };
        assert!(person.hear().starts_with(&format!("* welcome, {}", person.name)));
        let joined = format!("* {} joined lobby", person.name);
        // Others may come and go at the same time.
        while person.hear() != joined {}
        person
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the server reads");
    }

    /// The next line; empty at the end of the stream.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line comes before the deadline");
        line.trim_end_matches('\n').to_owned()
    }

    fn hears(&mut self, line: impl AsRef<str>) {
        assert_eq!(self.hear(), line.as_ref());
    }

    fn hears_end(&mut self) {
        assert_eq!(self.stream.read_to_end(&mut Vec::new()).expect("a clean end"), 0);
    }
}

/// Joins with a receive buffer that is soon full.
fn join_with_small_buffer(server: &Server) -> Person {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("the buffer can be small");
    socket.connect(&server.addr.into()).expect("the server accepts");
    Person::greet(socket.into())
}

/// Two people in the lobby who have seen each other come.
fn pair(server: &Server) -> (Person, Person) {
    let mut ann = server.join();
    let ben = server.join();
    ann.hears(format!("* {} joined lobby", ben.name));
    (ann, ben)
}

#[test]
fn s6_1_each_line_goes_to_all_with_the_senders_address_before_it() {
    let server = Server::start(&[]);
    let (mut ann, mut ben) = pair(&server);
    ann.send("hello\n");
    ben.send("grüß dich\r\n");
    let (from_ann, from_ben) = (format!("{}: hello", ann.name), format!("{}: grüß dich", ben.name));
    for person in [&mut ann, &mut ben] {
        let mut heard = [person.hear(), person.hear()];
        heard.sort_by_key(|line| *line != from_ann);
        assert_eq!(heard, [from_ann.clone(), from_ben.clone()]);
    }
}

#[test]
fn s6_1_leaving_is_announced_however_it_happens() {
    let server = Server::start(&[]);
    let (mut ann, mut ben) = pair(&server);
    let name = ben.name.clone();
    ben.send("/quit\n");
    ben.hears("* goodbye");
    ben.hears_end();
    ann.hears(format!("* {name} left"));

    let cid = server.join();
    let name = cid.name.clone();
    ann.hears(format!("* {name} joined lobby"));
    drop(cid);
    ann.hears(format!("* {name} left"));

    let dan = server.join();
    let name = dan.name.clone();
    ann.hears(format!("* {name} joined lobby"));
    let socket = socket2::SockRef::from(dan.stream.get_ref());
    socket.set_linger(Some(Duration::ZERO)).expect("the next close is a reset");
    drop(dan);
    assert!(ann.hear().starts_with(&format!("* {name} left: ")));
}

#[test]
fn rooms_are_apart() {
    let server = Server::start(&[]);
    let (mut ann, mut ben) = pair(&server);
    ben.send("/join attic\n");
    ben.hears(format!("* {} joined attic", ben.name));
    ann.hears(format!("* {} went to attic", ben.name));
    ben.send("anyone?\n/who\n");
    ben.hears(format!("{}: anyone?", ben.name));
    ben.hears(format!("* 1 in attic: {}", ben.name));
    ann.send("down here\n");
    ann.hears(format!("{}: down here", ann.name));
    ben.send("/join lobby\n");
    ann.hears(format!("* {} joined lobby", ben.name));
    ben.hears(format!("* {} joined lobby", ben.name));
    ben.send("/who\n");
    ben.hears(format!("* 2 in lobby: {}, {}", ann.name, ben.name));
}

#[test]
fn bad_commands_get_an_error_line() {
    let server = Server::start(&[]);
    let mut ann = server.join();
    for command in ["/", "/dance", "/quit now", "/who else", "/join", "/join a b", "/join ../etc"] {
        ann.send(format!("{command}\n"));
        let answer = ann.hear();
        assert!(answer.starts_with("! "), "{command}: {answer}");
    }
    ann.send("/join lobby\n");
    ann.hears("* you are in lobby already");
}

#[test]
fn a_line_over_the_limit_gets_an_error_line_and_its_rest_is_skipped() {
    let server = Server::start(&["--max-line", "100"]);
    let (mut ann, mut ben) = pair(&server);
    let longest = "x".repeat(100);
    ann.send(format!("{longest}\n{longest}y\nafter\n"));
    ann.hears(format!("{}: {longest}", ann.name));
    ann.hears("! that line is longer than 100 bytes: it was skipped");
    ann.hears(format!("{}: after", ann.name));
    // The error comes before the line ends, and once.
    ann.send("z".repeat(1000));
    ann.hears("! that line is longer than 100 bytes: it was skipped");
    ann.send("z".repeat(100_000));
    ann.send("\nback\n");
    ann.hears(format!("{}: back", ann.name));
    for line in [longest.as_str(), "after", "back"] {
        ben.hears(format!("{}: {line}", ann.name));
    }
}

#[test]
fn bytes_that_are_not_utf8_get_an_error_line() {
    let server = Server::start(&[]);
    let (mut ann, mut ben) = pair(&server);
    ann.send(b"ab\xff\xfe\ncd\n\xc3\n");
    ann.hears("! that line is not UTF-8: it was skipped");
    ann.hears(format!("{}: cd", ann.name));
    ann.hears("! that line is not UTF-8: it was skipped");
    ben.hears(format!("{}: cd", ann.name));
}

#[test]
fn half_a_line_at_the_end_is_a_line_and_its_sender_hears_all_before_the_close() {
    let server = Server::start(&[]);
    let (mut ann, mut ben) = pair(&server);
    ben.send("first\nlast words");
    ben.stream.get_ref().shutdown(Shutdown::Write).expect("still connected");
    let name = ben.name.clone();
    for person in [&mut ann, &mut ben] {
        person.hears(format!("{name}: first"));
        person.hears(format!("{name}: last words"));
    }
    ben.hears_end();
    ann.hears(format!("* {name} left"));
}

#[test]
fn a_client_that_stops_reading_is_cut_off_and_the_others_notice_nothing() {
    let server = Server::start(&["--backlog", "65536"]);
    let (mut ann, mut ben) = pair(&server);
    let stopped = join_with_small_buffer(&server);
    let name = stopped.name.clone();
    for person in [&mut ann, &mut ben] {
        person.hears(format!("* {name} joined lobby"));
    }

    let cut = format!("* {name} was cut off: it had more than 65536 bytes to read and did not");
    let filler = "x".repeat(4000);
    let mut is_cut = false;
    let mut number = 0;
    while !is_cut {
        assert!(number < 10_000, "40 MB unread, and it is not cut off");
        let line = format!("{}: {number} {filler}", ann.name);
        ann.send(format!("{number} {filler}\n"));
        number += 1;
        for person in [&mut ann, &mut ben] {
            let heard = person.hear();
            is_cut |= heard == cut;
            let heard = if heard == cut { person.hear() } else { heard };
            assert_eq!(heard, line);
        }
    }
    // Whoever has not been told yet is told now; everything goes on.
    ben.send("still here\n");
    for person in [&mut ann, &mut ben] {
        let heard = person.hear();
        let heard = if heard == cut { person.hear() } else { heard };
        assert!(heard.ends_with(": still here"), "{heard}");
    }
    let mut rest = Vec::new();
    // The end may be a reset: it was cut off.
    let _ = stopped.stream.into_inner().read_to_end(&mut rest);
    assert!(rest.len() < number * filler.len(), "it got everything, so it was not cut off");
}

#[test]
fn a_client_that_talks_without_pause_and_never_reads_is_cut_off_too() {
    let server = Server::start(&["--backlog", "65536"]);
    let mut ann = server.join();
    let mut flood = server.join();
    ann.hears(format!("* {} joined lobby", flood.name));
    flood.send("/join well\n");
    ann.hears(format!("* {} went to well", flood.name));
    let lines = "is anyone listening?\n".repeat(5000);
    let refused = (0..1000).any(|_| flood.stream.get_mut().write_all(lines.as_bytes()).is_err());
    assert!(refused, "100 MB said, nothing read, and it is not cut off");
    ann.send("quiet here\n");
    ann.hears(format!("{}: quiet here", ann.name));
}

#[test]
fn ctrl_c_says_goodbye_to_all_and_exits_with_0() {
    let server = Server::start(&[]);
    let (mut ann, mut ben) = pair(&server);
    ann.send("bye\n");
    ben.hears(format!("{}: bye", ann.name));
    server.interrupt();
    ann.hears(format!("{}: bye", ann.name));
    for mut person in [ann, ben] {
        person.hears("* goodbye: the server ends");
        person.hears_end();
    }
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    assert!(said.contains("everyone has left"), "{said}");
}

#[test]
fn ctrl_c_does_not_wait_for_clients_that_neither_read_nor_close() {
    let server = Server::start(&[]);
    let (_ann, _ben) = pair(&server);
    server.interrupt();
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn ctrl_c_without_clients_exits_with_0() {
    let server = Server::start(&[]);
    server.interrupt();
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn f36_without_descriptors_the_server_goes_on_and_accepts_when_there_are_some() {
    let mut command = Command::new("sh");
    let script = "ulimit -n 24; exec \"$0\" --listen 127.0.0.1:0";
    command.args(["-c", script]).arg(program());
    let server = Server::spawn(command);
    let mut ann = server.join();
    let waiting: Vec<_> = (0..40).map(|_| TcpStream::connect(server.addr).expect("queued")).collect();
    ann.send("I am in\n");
    let mut heard = ann.hear();
    while heard.starts_with("* ") {
        heard = ann.hear();
    }
    assert_eq!(heard, format!("{}: I am in", ann.name));
    let last = waiting.into_iter().next_back().expect("there are 40");
    let name = last.local_addr().expect("connected").to_string();
    assert!(Person::greet(last).name == name, "the last is served once the others have gone");
}

#[test]
fn a_bad_address_is_one_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let taken = taken.local_addr().map(|addr| (taken, addr.to_string())).expect("it is bound");
    for addr in ["nonsense", "127.0.0.1", "127.0.0.1:99999", "192.0.2.1:80", taken.1.as_str()] {
        let output = run(&["--listen", addr]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{addr}: {stderr}");
        assert!(stderr.starts_with("chat: ") && stderr.contains(addr), "{addr}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn bad_usage_exits_with_2() {
    for args in [
        &["--lines", "0"][..],
        &["--clients", "many"],
        &["--rooms", "-1"],
        &["--dance"],
        &["--listen"],
        &["--listen", "127.0.0.1:0", "--clients", "3"],
        &["--max-line", "1000000", "--backlog", "65536"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains("error: "), "{args:?}");
    }
}

#[test]
fn s6_1_the_self_check_passes_and_prints_its_table() {
    let output = run(&["--clients", "200", "--rooms", "7", "--lines", "10"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr, "", "no progress bar where there is no terminal");
    let rows = ["messages delivered", "per second", "latency p50", "p99", "CPU per message", "tasks stolen"];
    for row in rows {
        assert!(stdout.contains(row), "no {row} in:\n{stdout}");
    }
    // 200 clients in 7 rooms: four of 29 and three of 28; each hears everyone of its room 10 times.
    assert!(stdout.contains("57,160"), "{stdout}");
}

#[test]
fn one_client_alone_can_check() {
    let output = run(&["--clients", "1", "--rooms", "9", "--lines", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn too_low_a_limit_on_open_files_is_said_clearly() {
    let limited = ["-c", "ulimit -n 100; exec \"$0\""];
    let output = Command::new("sh").args(limited).arg(program()).output().expect("sh starts");
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("needs 2064 open files and the system allows 100"), "{stderr}");
}

#[test]
fn a_soft_limit_on_open_files_is_raised() {
    let limited = ["-c", "ulimit -S -n 50; exec \"$0\" --clients 100"];
    let output = Command::new("sh").args(limited).arg(program()).output().expect("sh starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn s6_1_nc_is_a_client() {
    let server = Server::start(&[]);
    let mut ann = server.join();
    let port = server.addr.port().to_string();
    let mut nc = Command::new("nc");
    nc.args(["127.0.0.1", &port]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut nc) = nc.spawn() else {
        eprintln!("nc is not installed: not tried");
        return;
    };
    let joined = ann.hear();
    let name = joined.split(' ').nth(1).expect("who joined").to_owned();
    let mut keyboard = nc.stdin.take().expect("stdin is piped");
    keyboard.write_all(b"hello from nc\n").expect("nc reads");
    ann.hears(format!("{name}: hello from nc"));
    ann.send("hello nc\n");
    ann.hears(format!("{}: hello nc", ann.name));
    keyboard.write_all(b"/quit\n").expect("nc reads");
    ann.hears(format!("* {name} left"));
    drop(keyboard);
    let screen = text(&nc.wait_with_output().expect("nc ends").stdout);
    for line in ["hello from nc", "hello nc", "* goodbye"] {
        assert!(screen.contains(line), "no {line} in:\n{screen}");
    }
}
