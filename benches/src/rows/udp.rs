//! The rows of UDP.

use super::Target::{Floor, Peers};
use super::{Group, PeerKind, Row, time_on};
use crate::peers::Raddle;
use crate::workloads::udp::{Stream, UdpEcho};

pub(super) fn rows() -> Vec<Row> {
    let starts: Vec<(PeerKind, super::Start)> = vec![(PeerKind::Raddle, time_on::<Raddle, Stream<true>>)];
    vec![
        Row { group: Group::Net, floor: epoll(), ..Row::timed::<UdpEcho>("udp echo 64 B", Peers(1.0)) },
        Row {
            group: Group::Net,
            name: "udp batch",
            unit: "ns",
            target: Floor(0.5),
            floor: Some(one_by_one),
            starts,
        },
    ]
}

/// The same datagrams one by one.
fn one_by_one() -> f64 {
    time_on::<Raddle, Stream<false>>()()
}

#[cfg(target_os = "linux")]
fn epoll() -> Option<fn() -> f64> {
    Some(crate::epoll::udp::floor)
}

#[cfg(not(target_os = "linux"))]
fn epoll() -> Option<fn() -> f64> {
    None
}
