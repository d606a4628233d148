//! What does a timer cost, cancelled and fired?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::timers::{CancelledTimeouts, Sleeps};

fn timers(criterion: &mut Criterion) {
    compare::<CancelledTimeouts>(criterion, "cancelled time-outs");
    compare::<Sleeps>(criterion, "100k sleeps");
}

criterion_group!(benches, timers);
criterion_main!(benches);
