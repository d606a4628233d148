//! f36: a system that has no memory for datagrams (`ENOBUFS`) while the socket stays writable. `strace` plays that
//! system: it has every send call of a child process fail.
#![cfg(target_os = "linux")]

mod common;

use common::run;
use raddle_net::{SendBatch, UdpSocket};
use std::process::{Command, Stdio};

const SENDS: usize = 50;
const BATCHED: usize = 3;

/// Sends some datagrams one by one and some together, and says how many were refused. Here none is; in the child of
/// the other test all are.
#[test]
fn a_refused_datagram_is_an_error_at_once() {
    run(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let to = socket.local_addr().expect("an address");
        let mut refused = 0;
        for _ in 0..SENDS {
            if let Err(error) = socket.send_to(b"one", to).await {
                assert!(error.to_string().starts_with(&format!("send to {to}: No buffer space")), "{error}");
                refused += 1;
            }
        }
        let mut batch = SendBatch::new();
        // Of different lengths: these are no run.
        (1..=BATCHED).for_each(|len| batch.push(&[7; BATCHED][..len], to));
        if let Err(error) = socket.send_batch(&mut batch).await {
            assert!(error.to_string().starts_with(&format!("send to {to}: No buffer space")), "{error}");
        }
        println!("refused {}", refused + batch.len());
    });
}

#[test]
fn f36_each_send_is_one_call_and_nobody_spins() {
    let trace = std::env::temp_dir().join(format!("raddle-enobufs-{}.strace", std::process::id()));
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-qq",
        "-e",
        "trace=sendto,sendmmsg",
        "-e",
        "inject=sendto,sendmmsg:error=ENOBUFS",
        "-o",
    ]);
    strace.arg(&trace).arg(std::env::current_exe().expect("this program"));
    strace.args(["--exact", "a_refused_datagram_is_an_error_at_once", "--nocapture", "--test-threads=1"]);
    let output = strace.stdin(Stdio::null()).output().expect("this test needs strace in PATH");
    let calls = std::fs::read_to_string(&trace).expect("what strace wrote");
    std::fs::remove_file(&trace).expect("it was there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("refused {}", SENDS + BATCHED)), "{said}");
    let count = |name| calls.lines().filter(|line| line.contains(name)).count();
    assert_eq!((count("sendto("), count("sendmmsg(")), (SENDS, 1), "{calls}");
}
