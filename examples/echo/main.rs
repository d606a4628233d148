//! Echo over TCP, UDP, Unix sockets and TLS: a server, a load for it, and a check that every byte comes back.
//!
//! Without arguments, server and clients run in this process, over each of the four in turn, and a table says how fast
//! that went. With `--listen ADDR` the server serves others: `nc`, `nc -u`, `socat - UNIX-CONNECT:PATH` and
//! `openssl s_client` are clients. With `--connect ADDR` the clients load a server that runs elsewhere.
//!
//! TLS needs the feature of that name: `cargo run --features tls --example echo`.
#![cfg_attr(not(feature = "tls"), allow(dead_code, unused_variables, reason = "what only TLS needs"))]

mod args;
mod interrupt;
#[path = "../common/latencies.rs"]
mod latencies;
#[path = "../common/limits.rs"]
mod limits;
mod load;
mod message;
mod modes;
mod report;
mod server;
#[path = "../common/tables.rs"]
mod tables;
#[cfg(feature = "tls")]
mod tls;
#[path = "../common/usage.rs"]
mod usage;
mod wire;

use args::{Args, Mode};
use std::process::ExitCode;

/// After an interrupt before the end of what was asked for, as shells have it.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let mode = match Args::mode() {
        Ok(mode) => mode,
        Err(exit) => return exit,
    };
    let outcome = match mode {
        Mode::Listen { over, addr, certificate } => raddle::run(modes::listen(over, addr, certificate)),
        Mode::Connect { over, addr, trust, size } => raddle::run(modes::connect(over, addr, trust, size)),
        Mode::Check { over, certificate, size } => raddle::run(modes::check(over, certificate, size)),
    };
    match outcome {
        Ok(modes::End::Done) => ExitCode::SUCCESS,
        Ok(modes::End::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(message) => {
            eprintln!("echo: {message}");
            ExitCode::FAILURE
        }
    }
}
