//! What does it cost to wake another task and be woken by it?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::sync::switch::NotifyPingPong;

fn notify(criterion: &mut Criterion) {
    compare::<NotifyPingPong>(criterion, "notify");
}

criterion_group!(benches, notify);
criterion_main!(benches);
