//! What does it cost when everybody gets every message, or sees every change?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::{compare, compare_without_smol};
use raddle_benches::workloads::sync::fan_out::{Broadcast, Watch};

fn broadcast(criterion: &mut Criterion) {
    compare::<Broadcast>(criterion, "broadcast 1:10");
    compare_without_smol::<Watch>(criterion, "watch");
}

criterion_group!(benches, broadcast);
criterion_main!(benches);
