//! What does a permit cost when more tasks ask than there are permits?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::sync::locks::SemaphoreContended;

fn semaphore(criterion: &mut Criterion) {
    compare::<SemaphoreContended>(criterion, "semaphore contended");
}

criterion_group!(benches, semaphore);
criterion_main!(benches);
