//! The echo example as its users meet it: a process of its own, and programs that others have written as clients.

#[path = "common/example.rs"]
mod example;
#[path = "common/program.rs"]
mod program;
#[path = "common/temp.rs"]
mod temp;

use example::{DEADLINE, Running, path, text};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Output};
use temp::TempDir;

fn run(args: &[&str]) -> Output {
    example::run("echo", args)
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(path("echo"));
    command.args(args);
    command
}

fn start(args: &[&str]) -> Running {
    Running::start(command(args))
}

/// A server, and where it says that it listens.
fn server(args: &[&str]) -> (Running, String) {
    Running::server(command(args))
}

fn port(addr: &str) -> &str {
    addr.rsplit_once(':').expect("host:port").1
}

/// The cells of the table's row that begins with `name`.
fn cells(table: &str, name: &str) -> Vec<String> {
    let row = table.lines().find(|line| line.trim_start_matches(['│', ' ']).starts_with(name));
    let row = row.unwrap_or_else(|| panic!("no {name} in:\n{table}"));
    row.split(['│', '┆']).skip(2).map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn the_check_passes_over_everything_and_prints_its_table() {
    let output = run(&["--clients", "20", "--messages", "20", "--size", "3000"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr, "", "no progress bar where there is no terminal");
    let columns = if cfg!(feature = "tls") { 4 } else { 3 };
    assert_eq!(cells(&stdout, "messages that came back"), vec!["400"; columns]);
    assert_eq!(cells(&stdout, "bytes each way"), vec!["1,200,000"; columns]);
    assert_eq!(cells(&stdout, "every byte right"), vec!["yes"; columns]);
    for row in ["messages per second", "latency p50", "latency p99", "worker 0: tasks stolen"] {
        assert_eq!(cells(&stdout, row).len(), columns);
    }
    assert_eq!(stdout.contains("tls is left out"), columns == 3, "{stdout}");
}

#[test]
fn messages_longer_than_all_buffers_on_the_way_come_back() {
    let output = run(&["--tcp", "--unix", "--clients", "2", "--messages", "2", "--size", "20000000"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(cells(&text(&output.stdout), "every byte right"), ["yes", "yes"]);
}

#[test]
fn nc_gets_back_what_it_sends() {
    let (server, addr) = server(&["--listen", "127.0.0.1:0"]);
    let said = program::output("nc", "netcat-openbsd", &["-N", "127.0.0.1", port(&addr)], "hello\nworld\n");
    assert_eq!(said, "hello\nworld\n");
    server.interrupt();
    let (code, table) = server.end();
    assert_eq!(code, Some(0));
    assert_eq!(cells(&table, "connections"), ["1"]);
    assert_eq!(cells(&table, "bytes sent back"), ["12"]);
}

#[test]
fn nc_gets_back_its_datagrams() {
    let (server, addr) = server(&["--listen", "127.0.0.1:0", "--udp"]);
    let said =
        program::output("nc", "netcat-openbsd", &["-u", "-w", "1", "127.0.0.1", port(&addr)], "hello\n");
    assert_eq!(said, "hello\n");
    server.interrupt();
    let (code, table) = server.end();
    assert_eq!(code, Some(0));
    assert_eq!(cells(&table, "datagrams sent back"), ["1"]);
}

#[test]
fn socat_gets_back_what_it_sends_over_a_unix_socket_which_is_gone_afterwards() {
    let dir = TempDir::new();
    let path = dir.join("echo.sock");
    let name = path.to_str().expect("plain text");
    let (server, addr) = server(&["--unix", "--listen", name]);
    assert_eq!(addr, name);
    assert_eq!(
        program::output("socat", "socat", &["-", &format!("UNIX-CONNECT:{name}")], "hello\n"),
        "hello\n"
    );
    server.interrupt();
    assert_eq!(server.end().0, Some(0));
    assert!(!path.exists());
}

#[test]
fn a_load_runs_against_a_server_elsewhere() {
    for over in ["--tcp", "--udp"] {
        let (_server, addr) = server(&["--listen", "127.0.0.1:0", over]);
        let output = run(&["--connect", &addr, over, "--clients", "5", "--messages", "7"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(cells(&text(&output.stdout), "messages that came back"), ["35"]);
    }
}

#[test]
fn a_server_that_changes_a_byte_is_found_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let addr = listener.local_addr().expect("it is bound").to_string();
    let load = start(&["--connect", &addr, "--clients", "1", "--messages", "9", "--size", "100"]);
    let (mut stream, _) = listener.accept().expect("a client");
    let mut message = [0; 100];
    for number in 0..3 {
        stream.read_exact(&mut message).expect("a message");
        message[50] ^= number / 2;
        stream.write_all(&message).expect("the client reads");
    }
    let (code, table) = load.end();
    assert_eq!(code, Some(1));
    assert_eq!(cells(&table, "messages that came back"), ["2"]);
    assert_eq!(cells(&table, "every byte right"), ["NO"]);
}

#[test]
fn ctrl_c_ends_a_load_with_the_table() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let addr = listener.local_addr().expect("it is bound").to_string();
    let load = start(&["--connect", &addr, "--clients", "1", "--messages", "9"]);
    let (mut stream, _) = listener.accept().expect("a client");
    let mut message = [0; 64];
    for _ in 0..3 {
        stream.read_exact(&mut message).expect("a message");
        stream.write_all(&message).expect("the client reads");
    }
    // The next one shows that the third came back; there is no answer to it.
    stream.read_exact(&mut message).expect("a message");
    load.interrupt();
    let (code, table) = load.end();
    assert_eq!(code, Some(130));
    assert_eq!(cells(&table, "messages that came back"), ["3"]);
    assert_eq!(cells(&table, "every byte right"), ["yes, up to the interrupt"]);
}

#[test]
fn ctrl_c_does_not_wait_for_clients_that_neither_read_nor_close() {
    let (server, addr) = server(&["--listen", "127.0.0.1:0"]);
    let mut mute = TcpStream::connect(&addr).expect("the server accepts");
    mute.write_all(b"x").expect("the server reads");
    server.interrupt();
    assert_eq!(server.end().0, Some(0));
}

#[test]
fn a_half_closed_client_gets_all_of_it() {
    let (_server, addr) = server(&["--listen", "127.0.0.1:0"]);
    let mut stream = TcpStream::connect(&addr).expect("the server accepts");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time-out can be set");
    stream.write_all(&[7; 50_000]).expect("the server reads");
    stream.shutdown(Shutdown::Write).expect("still connected");
    let mut got = Vec::new();
    stream.read_to_end(&mut got).expect("a clean end");
    assert!(got == [7; 50_000]);
}

#[test]
fn bad_addresses_are_one_line_that_names_them() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    let taken_addr = taken.local_addr().expect("it is bound").to_string();
    let long = format!("/tmp/{}", "x".repeat(200));
    for (args, names) in [
        (&["--listen", "nonsense"][..], "nonsense"),
        (&["--listen", "127.0.0.1:99999"], "99999"),
        (&["--listen", &taken_addr], taken_addr.as_str()),
        (&["--listen", "192.0.2.1:80", "--udp"], "192.0.2.1:80"),
        (&["--listen", &long, "--unix"], &long),
        (&["--listen", "/no/such/folder/x", "--unix"], "/no/such/folder/x"),
        (&["--connect", "/no/such/socket", "--unix"], "/no/such/socket"),
        (&["--connect", "no.such.host.invalid:7"], "no.such.host.invalid"),
    ] {
        let output = run(args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
        assert!(stderr.starts_with("echo: ") && stderr.contains(names), "{args:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(output.stdout.is_empty(), "{args:?}: {}", text(&output.stdout));
    }
}

#[test]
fn bad_usage_is_one_line_and_exits_with_2() {
    for args in [
        &["--messages", "0"][..],
        &["--clients", "many"],
        &["--dance"],
        &["--listen"],
        &["--listen", "127.0.0.1:0", "--clients", "3"],
        &["--listen", "127.0.0.1:0", "--tcp", "--udp"],
        &["--udp", "--size", "70000"],
        &["--cert-out", "/tmp/x", "--tcp"],
    ] {
        let output = run(args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.starts_with("echo: ") && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[cfg(feature = "tls")]
mod tls {
    use super::{cells, run, server, text};
    use crate::program::start;
    use crate::temp::TempDir;
    use std::io::{Read, Write};

    #[test]
    fn openssl_gets_back_what_it_sends_and_knows_the_certificate() {
        let dir = TempDir::new();
        let pem = dir.join("dev.pem");
        let pem = pem.to_str().expect("plain text");
        let (server, addr) = server(&["--tls", "--listen", "127.0.0.1:0", "--cert-out", pem]);
        let args = ["s_client", "-quiet", "-connect", &addr, "-CAfile", pem, "-verify_return_error"];
        let mut openssl = start("openssl", "openssl", &args);
        openssl.stdin.as_mut().expect("a pipe").write_all(b"hello\n").expect("it reads");
        let mut said = [0; 6];
        openssl.stdout.as_mut().expect("a pipe").read_exact(&mut said).expect("an answer");
        assert_eq!(&said, b"hello\n");
        // With -quiet it goes on when its input has ended.
        openssl.kill().and_then(|()| openssl.wait()).expect("it ends");
        let load = ["--connect", &addr, "--tls", "--trust", pem, "--clients", "3", "--messages", "5"];
        let output = run(&load);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        server.interrupt();
        let (code, table) = server.end();
        assert_eq!(code, Some(0));
        assert_eq!(cells(&table, "connections"), ["4"]);
    }

    #[test]
    fn a_certificate_that_nobody_trusts_or_that_is_not_there_is_named() {
        let (_server, addr) = server(&["--tls", "--listen", "127.0.0.1:0"]);
        let output = run(&["--connect", &addr, "--tls", "--clients", "1"]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("unknown authority") && stderr.contains("127.0.0.1"), "{stderr}");
        for args in [
            &["--connect", &addr, "--tls", "--trust", "/no/such.pem"][..],
            &["--listen", "127.0.0.1:0", "--tls", "--cert", "/no/such.pem", "--key", "/no/such.pem"],
            &["--listen", "127.0.0.1:0", "--tls", "--cert-out", "/no/such.pem"],
        ] {
            let output = run(args);
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{stderr}");
            assert!(stderr.contains("/no/such.pem") && stderr.lines().count() == 1, "{stderr}");
        }
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_the_feature_tls_says_how_to_get_it() {
    let output = run(&["--tls"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("--features tls") && stderr.lines().count() == 1, "{stderr}");
}
