//! The unit tests of the echo example's parts, which `cargo test` does not run where they stand.
#![allow(dead_code, reason = "the tests do not use all of each part")]

#[path = "../examples/echo/args.rs"]
mod args;
#[path = "../examples/echo/interrupt.rs"]
mod interrupt;
#[path = "../examples/common/latencies.rs"]
mod latencies;
#[path = "../examples/common/limits.rs"]
mod limits;
#[path = "../examples/echo/load.rs"]
mod load;
#[path = "../examples/echo/message.rs"]
mod message;
#[path = "../examples/echo/server.rs"]
mod server;
#[cfg(feature = "tls")]
#[path = "../examples/echo/tls.rs"]
mod tls;
#[path = "../examples/common/usage.rs"]
mod usage;
#[path = "../examples/echo/wire.rs"]
mod wire;
