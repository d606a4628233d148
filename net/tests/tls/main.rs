//! TLS: with itself, with programs of others, with peers that do it wrong.

#[path = "../common/mod.rs"]
mod common;

mod certs;
mod endings;
mod faults;
mod fuzz;
mod peers;
mod sessions;
