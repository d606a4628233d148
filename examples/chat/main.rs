//! A chat server, and a check that it loses nothing.
//!
//! Without arguments, the server and 1,000 clients run in this process and talk over loopback; every client checks that
//! every line of its room reached it exactly once and in order, and a table says how fast that went. With
//! `--listen ADDR` the server serves people: `nc HOST PORT` is a client.
//!
//! Each connection is two tasks: one reads lines and sends them to the room, one writes what the room sent. Between
//! them is an outbox with a limit, so that whoever stops reading loses its own connection and delays nobody.
#![allow(
    clippy::disallowed_types,
    reason = "a program outside the runtime: std's locks and counters will do"
)]

mod audit;
mod check;
mod client;
mod connection;
#[path = "../common/latencies.rs"]
mod latencies;
#[path = "../common/limits.rs"]
mod limits;
mod lines;
mod outbox;
mod report;
mod room;
mod server;
#[path = "../common/tables.rs"]
mod tables;
#[path = "../common/usage.rs"]
mod usage;

use clap::Parser;
use clap::error::ErrorKind;
use std::process::ExitCode;

/// A chat server on Raddle, and a check of it with clients of its own.
#[derive(Parser, Debug)]
#[command(name = "chat")]
struct Args {
    /// Serve people at this address, e.g. 127.0.0.1:7000; without it, the self-check runs
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,

    /// Self-check: how many clients
    #[arg(long, default_value_t = 1000, value_name = "N", conflicts_with = "listen",
          value_parser = clap::value_parser!(u32).range(1..=20_000))]
    clients: u32,

    /// Self-check: over how many rooms they are spread
    #[arg(long, default_value_t = 10, value_name = "N", conflicts_with = "listen",
          value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rooms: u32,

    /// Self-check: how many lines each client sends
    #[arg(long, default_value_t = 20, value_name = "N", conflicts_with = "listen",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    lines: u32,

    /// The longest line that is taken, in bytes
    #[arg(long, default_value_t = 4096, value_name = "BYTES", value_parser = 16..=1024 * 1024)]
    max_line: i64,

    /// A client with more than this many bytes still to read is cut off
    #[arg(long, default_value_t = 256 * 1024, value_name = "BYTES", value_parser = 1024..=1024 * 1024 * 1024)]
    backlog: i64,
}

impl Args {
    fn limits(&self) -> server::Limits {
        let limits = server::Limits { max_line: self.max_line as usize, backlog: self.backlog as usize };
        let least = limits.max_line + connection::CHUNK;
        if limits.backlog < least {
            let text = format!("--backlog must be at least --max-line + {}: {least}", connection::CHUNK);
            <Self as clap::CommandFactory>::command().error(ErrorKind::ValueValidation, text).exit();
        }
        limits
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let limits = args.limits();
    let outcome = match args.listen {
        Some(addr) => raddle::run(server::serve_people(addr, limits)),
        None => {
            let size = check::Size { clients: args.clients, rooms: args.rooms, lines: args.lines };
            raddle::run(check::run(size, limits))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("chat: {message}");
            ExitCode::FAILURE
        }
    }
}
