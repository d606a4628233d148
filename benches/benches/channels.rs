//! What does a message to one receiver cost?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::{compare, compare_without_smol};
use raddle_benches::workloads::sync::channels::{MpscBounded, MpscHandOff, MpscUnbounded, QueueOfThree};
use raddle_benches::workloads::sync::switch::OneshotRelay;

fn channels(criterion: &mut Criterion) {
    compare_without_smol::<OneshotRelay>(criterion, "oneshot");
    compare::<MpscBounded>(criterion, "mpsc bounded");
    compare::<MpscHandOff>(criterion, "mpsc hand-off");
    compare::<MpscUnbounded>(criterion, "mpsc unbounded");
    compare::<QueueOfThree>(criterion, "queue 1:3");
}

criterion_group!(benches, channels);
criterion_main!(benches);
