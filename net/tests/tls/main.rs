//! TLS: with itself, with programs of others, with peers that do it wrong.

#[path = "../common/mod.rs"]
mod common;

#[path = "../common/calls.rs"]
mod calls;

mod certs;
mod endings;
mod faults;
mod fuzz;
mod peers;
mod protocols;
mod sessions;
mod start_tls;
mod stream_faults;
mod stream_peers;
mod streams;
mod traits;
