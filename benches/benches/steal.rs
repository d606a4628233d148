//! How evenly does the work of one task spread over the cores?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::steal::Steal;

fn steal(criterion: &mut Criterion) {
    compare::<Steal>(criterion, "256 CPU tasks");
}

criterion_group!(benches, steal);
criterion_main!(benches);
