//! How soon does a task run that the running task has just spawned?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::spawn::Chained;

fn chained(criterion: &mut Criterion) {
    compare::<Chained>(criterion, "chained spawn");
}

criterion_group!(benches, chained);
criterion_main!(benches);
