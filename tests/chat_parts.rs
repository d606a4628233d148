//! The unit tests of the chat example's parts, which `cargo test` does not run where they stand.
#![allow(clippy::disallowed_types, reason = "as in the example")]
#![allow(dead_code, reason = "the tests do not use all of each part")]

#[path = "../examples/chat/audit.rs"]
mod audit;
#[path = "../examples/chat/check.rs"]
mod check;
#[path = "../examples/chat/client.rs"]
mod client;
#[path = "../examples/chat/connection.rs"]
mod connection;
#[path = "../examples/common/latencies.rs"]
mod latencies;
#[path = "../examples/common/limits.rs"]
mod limits;
#[path = "../examples/chat/lines.rs"]
mod lines;
#[path = "../examples/chat/outbox.rs"]
mod outbox;
#[path = "../examples/chat/report.rs"]
mod report;
#[path = "../examples/chat/room.rs"]
mod room;
#[path = "../examples/chat/server.rs"]
mod server;
#[path = "../examples/common/tables.rs"]
mod tables;
#[path = "../examples/common/usage.rs"]
mod usage;
