//! The rows of TLS.

use super::{Group, PeerKind, Row, Start, Target, time_on};
use crate::peers::{Raddle, Tokio};
use crate::workloads::tls::TlsEcho;

pub(super) fn rows() -> Vec<Row> {
    vec![echo::<64>("tls echo 64 B"), echo::<16_384>("tls echo 16 KiB")]
}

/// Beside tokio-rustls. Both do what rustls does; what differs is the runtime.
fn echo<const SIZE: usize>(name: &'static str) -> Row {
    let starts: Vec<(PeerKind, Start)> = vec![
        (PeerKind::Raddle, time_on::<Raddle, TlsEcho<SIZE>>),
        (PeerKind::Tokio, time_on::<Tokio, TlsEcho<SIZE>>),
    ];
    Row { group: Group::Net, name, unit: "ns", target: Target::Peers(1.1), floor: None, starts }
}
