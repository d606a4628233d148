//! The rows of asyncio's own model: composition, generator coroutines.

use super::Target::{Floor, Limit, Peers};
use super::{Group, PeerKind, Row, Start, Target, time_on};
use crate::peers::{Raddle, Tokio};
use crate::workloads::compose::{AsCompleted, Gather, Joined, Wait};
use crate::workloads::{Workload, coroutine};

/// The table's third part.
pub(super) fn rows() -> Vec<Row> {
    vec![
        Row { floor: Some(joined), ..ours::<Gather>("gather 100k", Floor(1.3)) },
        beside_tokio::<1_000>("as_completed 1k"),
        beside_tokio::<10_000>("as_completed 10k"),
        beside_tokio::<100_000>("as_completed 100k"),
        ours::<Wait<1_000>>("wait 1k", Limit(300.0)),
        ours::<Wait<10_000>>("wait 10k", Limit(300.0)),
        ours::<Wait<100_000>>("wait 100k", Limit(300.0)),
        row("coroutine send", Limit(15.0), vec![(PeerKind::Raddle, || Box::new(coroutine::send_ns))]),
    ]
}

fn row(name: &'static str, target: Target, starts: Vec<(PeerKind, Start)>) -> Row {
    Row { group: Group::Model, name, unit: "ns", target, floor: None, starts }
}

/// A row of what only Raddle has.
fn ours<W: Workload<Raddle>>(name: &'static str, target: Target) -> Row {
    row(name, target, vec![(PeerKind::Raddle, time_on::<Raddle, W>)])
}

fn beside_tokio<const N: usize>(name: &'static str) -> Row {
    let starts: Vec<(PeerKind, Start)> = vec![
        (PeerKind::Raddle, time_on::<Raddle, AsCompleted<N>>),
        (PeerKind::Tokio, time_on::<Tokio, AsCompleted<N>>),
    ];
    row(name, Peers(1.0), starts)
}

/// What spawning and joining one by one takes.
fn joined() -> f64 {
    time_on::<Raddle, Joined>()()
}
