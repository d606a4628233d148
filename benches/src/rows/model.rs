//! The rows of asyncio's own model: composition, callbacks, generator coroutines.

use super::Target::{Floor, Limit, Peers};
use super::{Group, PeerKind, Row, Sample, Start, Target, time_on};
use crate::peers::{Peer, Raddle, Tokio};
use crate::workloads::compose::{AsCompleted, Gather, Joined, Wait};
use crate::workloads::promise::{OneshotWakes, Oneshots, PromiseWakes, Promises};
use crate::workloads::{Workload, call_soon, coroutine};

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
        row("call_soon", Limit(114.0), vec![(PeerKind::Raddle, start_call_soon)]),
        Row { floor: Some(oneshot_wake), ..ours::<PromiseWakes>("promise wake", Floor(1.0)) },
        Row { floor: Some(oneshot), ..ours::<Promises>("promise relay", Floor(1.0)) },
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

/// Callbacks of an event loop.
fn start_call_soon() -> Sample {
    let runtime = Raddle::start(None);
    call_soon::call_soon(&runtime, 1);
    let operations = call_soon::REPETITIONS * call_soon::CALLBACKS as u64;
    Box::new(move || {
        call_soon::call_soon(&runtime, call_soon::REPETITIONS).as_nanos() as f64 / operations as f64
    })
}

/// The same completions through oneshot channels.
fn oneshot_wake() -> f64 {
    time_on::<Raddle, OneshotWakes>()()
}

/// The same relay through oneshot channels.
fn oneshot() -> f64 {
    time_on::<Raddle, Oneshots>()()
}

/// What spawning and joining one by one takes.
fn joined() -> f64 {
    time_on::<Raddle, Joined>()()
}
