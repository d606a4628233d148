//! The rows of the table: which workload, on which scale, and what Raddle is to reach.

use clap::ValueEnum;

mod connect;
mod model;
#[cfg(target_os = "linux")]
mod streams;
mod sync;
mod tls;
mod udp;

use crate::peers::{Peer, Raddle, Smol, Tokio};
use crate::python;
use crate::workloads::blocking::{Blocking, BlockingOnTwo};
use crate::workloads::echo::Echo;
use crate::workloads::spawn::{Chained, SpawnDetachedInside, SpawnJoinInside, SpawnJoinOutside};
use crate::workloads::switch::{PingPong, Yield};
use crate::workloads::timers::{self, CancelledTimeouts, Sleeps};
use crate::workloads::{Common, Workload, parked, steal, steal::Steal};

/// One sample of a row.
pub type Sample = Box<dyn FnMut() -> f64>;

/// Starts a runtime or a server for a row; it lives until the samples' source is dropped.
pub type Start = fn() -> Sample;

/// A runtime under test, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it")]
pub enum PeerKind {
    Raddle,
    Tokio,
    Smol,
    /// CPython's own event loop
    Asyncio,
    /// uvloop under CPython's asyncio
    Uvloop,
}

impl PeerKind {
    /// Why it cannot be measured here, if so.
    pub fn missing(self) -> Option<String> {
        match self {
            Self::Uvloop => python::with_uvloop().err(),
            Self::Raddle | Self::Tokio | Self::Smol | Self::Asyncio => None,
        }
    }
}

/// What a row is about: each group is a table of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Tasks, timers, sockets
    Core,
    /// What tasks wait on each other with
    Sync,
    /// asyncio's own model: composition, coroutines
    Model,
    /// What is built on sockets
    Net,
}

/// What Raddle is to reach in a row. Except under a limit it must not be behind the better peer either.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// At most this times the better peer.
    Peers(f64),
    /// At most this times the floor.
    Floor(f64),
    /// At most this, in the row's unit.
    Limit(f64),
    /// At least this times uvloop's rate.
    Uvloop(f64),
}

/// One question, put to every runtime.
pub struct Row {
    /// Whose table the row is in.
    pub group: Group,
    /// What the row is called in the table and on the command line.
    pub name: &'static str,
    /// What the figures count.
    pub unit: &'static str,
    /// What Raddle is to reach.
    pub target: Target,
    /// The least that is possible, where something can tell: one sample per call.
    pub floor: Option<fn() -> f64>,
    /// The runtimes that have such a thing.
    pub starts: Vec<(PeerKind, Start)>,
}

impl Row {
    fn timed<W: Common>(name: &'static str, target: Target) -> Self {
        let starts = everywhere(time_on::<Raddle, W>, time_on::<Tokio, W>, time_on::<Smol, W>);
        Self { group: Group::Core, name, unit: "ns", target, floor: None, starts }
    }

    fn with_floor(self, floor: fn() -> f64) -> Self {
        Self { floor: Some(floor), ..self }
    }
}

/// All rows, in the tables' order.
pub fn rows() -> Vec<Row> {
    core().into_iter().chain(sync::rows()).chain(model::rows()).chain(net()).collect()
}

fn net() -> Vec<Row> {
    let mut rows = connect::rows();
    rows.extend(udp::rows());
    rows.extend(tls::rows());
    #[cfg(target_os = "linux")]
    rows.extend(streams::rows());
    rows
}

fn core() -> Vec<Row> {
    use Target::{Floor, Limit, Peers};
    vec![
        Row::timed::<SpawnJoinInside>("spawn+join inside", Peers(0.4)),
        Row::timed::<SpawnDetachedInside>("spawn detached", Peers(1.0)),
        Row::timed::<SpawnJoinOutside>("spawn+join outside", Peers(0.6)),
        Row::timed::<Yield>("yield", Peers(0.6)),
        Row::timed::<Chained>("chained spawn", Peers(0.25)),
        Row::timed::<PingPong>("ping-pong", Peers(0.5)),
        Row::timed::<Steal>("256 CPU tasks", Floor(1.03)).with_floor(steal::floor),
        Row::timed::<CancelledTimeouts>("cancelled time-outs", Peers(0.5)),
        Row::timed::<Sleeps>("100k sleeps", Peers(1.0)).with_floor(timers::sleeps_floor),
        Row::timed::<BlockingOnTwo>("blocking pool of 2", Peers(1.0)),
        Row::timed::<Blocking>("blocking pool", Peers(1.0)),
        Row { floor: epoll::<64>(), ..Row::timed::<Echo<64>>("echo 64 B", Floor(1.05)) },
        Row { floor: epoll::<16_384>(), ..Row::timed::<Echo<16_384>>("echo 16 KiB", Floor(1.05)) },
        Row {
            group: Group::Core,
            name: "parked task",
            unit: "bytes",
            target: Limit(96.0),
            floor: None,
            starts: everywhere(park_on::<Raddle>, park_on::<Tokio>, park_on::<Smol>),
        },
    ]
}

#[cfg(target_os = "linux")]
fn epoll<const SIZE: usize>() -> Option<fn() -> f64> {
    Some(crate::epoll::floor::<SIZE>)
}

#[cfg(not(target_os = "linux"))]
fn epoll<const SIZE: usize>() -> Option<fn() -> f64> {
    None
}

fn everywhere(raddle: Start, tokio: Start, smol: Start) -> Vec<(PeerKind, Start)> {
    vec![(PeerKind::Raddle, raddle), (PeerKind::Tokio, tokio), (PeerKind::Smol, smol)]
}

/// Nanoseconds per operation; the first repetition, in which threads start and memory is first touched, is
/// not counted.
fn time_on<P: Peer, W: Workload<P>>() -> Sample {
    let runtime = P::start(W::BLOCKING_THREADS);
    W::run(&runtime, 1);
    let operations = W::REPETITIONS * W::OPERATIONS;
    Box::new(move || W::run(&runtime, W::REPETITIONS).as_nanos() as f64 / operations as f64)
}

fn park_on<P: Peer>() -> Sample {
    let runtime = P::start(None);
    parked::bytes_per_task(&runtime);
    Box::new(move || parked::bytes_per_task(&runtime))
}
