//! Programs that others have written, as peers.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::io::Write;
use std::process::{Child, Command, Stdio};

/// Starts `program` of the Debian package `package`.
pub(crate) fn start(program: &str, package: &str, args: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| {
        panic!("this test needs {program}: install the package {package} ({error})");
    })
}

/// What it prints when it is given `input` and its end. It blocks.
pub(crate) fn output(program: &str, package: &str, args: &[&str], input: &str) -> String {
    let mut child = start(program, package, args);
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("it prints text")
}
