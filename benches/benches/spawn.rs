//! What does it cost to start a task and, where it is joined, to learn that it ended?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::spawn::{SpawnDetachedInside, SpawnJoinInside, SpawnJoinOutside};

fn spawn(criterion: &mut Criterion) {
    compare::<SpawnJoinInside>(criterion, "spawn+join inside");
    compare::<SpawnDetachedInside>(criterion, "spawn detached");
    compare::<SpawnJoinOutside>(criterion, "spawn+join outside");
}

criterion_group!(benches, spawn);
criterion_main!(benches);
