//! The rows of what tasks wait on each other with. The aim with the channels is half of the better peer; the target is
//! not to be behind.

use super::Target::{Limit, Peers};
use super::{Group, PeerKind, Row, Start, everywhere, time_on};
use crate::peers::{Raddle, Smol, Tokio};
use crate::workloads::sync::channels::{MpscBounded, MpscHandOff, MpscUnbounded, QueueOfThree};
use crate::workloads::sync::fan_out::{Broadcast, Watch};
use crate::workloads::sync::locks::{MutexContended, MutexUncontended, ReadsAndWrites, SemaphoreContended};
use crate::workloads::sync::memory::{allocations_per_oneshot, bytes_per_idle_channel, bytes_per_mutex};
use crate::workloads::sync::switch::{NotifyPingPong, OneshotRelay};
use crate::workloads::{Common, Workload};

pub(super) fn rows() -> Vec<Row> {
    vec![
        timed::<MutexUncontended>("mutex uncontended"),
        timed::<MutexContended>("mutex contended"),
        timed::<ReadsAndWrites>("rwlock 9:1"),
        timed::<SemaphoreContended>("semaphore contended"),
        timed::<NotifyPingPong>("notify"),
        timed_without_smol::<OneshotRelay>("oneshot"),
        timed::<MpscBounded>("mpsc bounded"),
        timed::<MpscHandOff>("mpsc hand-off"),
        timed::<MpscUnbounded>("mpsc unbounded"),
        timed::<Broadcast>("broadcast 1:10"),
        timed_without_smol::<Watch>("watch"),
        timed::<QueueOfThree>("queue 1:3"),
        counted("mutex memory", "bytes", 32.0, mutexes()),
        counted("oneshot memory", "blocks", 1.0, oneshots()),
        counted("idle mpsc memory", "bytes", 800.0, channels()),
    ]
}

fn timed<W: Common>(name: &'static str) -> Row {
    Row { group: Group::Sync, ..Row::timed::<W>(name, Peers(1.1)) }
}

fn timed_without_smol<W>(name: &'static str) -> Row
where
    W: Workload<Raddle> + Workload<Tokio>,
{
    let starts = without_smol(time_on::<Raddle, W>, time_on::<Tokio, W>);
    Row { group: Group::Sync, name, unit: "ns", target: Peers(1.1), floor: None, starts }
}

fn counted(name: &'static str, unit: &'static str, limit: f64, starts: Vec<(PeerKind, Start)>) -> Row {
    Row { group: Group::Sync, name, unit, target: Limit(limit), floor: None, starts }
}

fn without_smol(raddle: Start, tokio: Start) -> Vec<(PeerKind, Start)> {
    vec![(PeerKind::Raddle, raddle), (PeerKind::Tokio, tokio)]
}

fn mutexes() -> Vec<(PeerKind, Start)> {
    everywhere(
        || Box::new(bytes_per_mutex::<Raddle>),
        || Box::new(bytes_per_mutex::<Tokio>),
        || Box::new(bytes_per_mutex::<Smol>),
    )
}

fn oneshots() -> Vec<(PeerKind, Start)> {
    without_smol(
        || Box::new(allocations_per_oneshot::<Raddle>),
        || Box::new(allocations_per_oneshot::<Tokio>),
    )
}

fn channels() -> Vec<(PeerKind, Start)> {
    everywhere(
        || Box::new(bytes_per_idle_channel::<Raddle>),
        || Box::new(bytes_per_idle_channel::<Tokio>),
        || Box::new(bytes_per_idle_channel::<Smol>),
    )
}
