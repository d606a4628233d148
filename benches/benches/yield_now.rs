//! What does it cost to give other tasks a turn?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::switch::Yield;

fn yield_now(criterion: &mut Criterion) {
    compare::<Yield>(criterion, "yield");
}

criterion_group!(benches, yield_now);
criterion_main!(benches);
