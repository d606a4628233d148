//! What does it cost to hand a closure to the blocking pool and back?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::blocking::{Blocking, BlockingOnTwo};

fn blocking(criterion: &mut Criterion) {
    compare::<BlockingOnTwo>(criterion, "blocking pool of 2");
    compare::<Blocking>(criterion, "blocking pool");
}

criterion_group!(benches, blocking);
criterion_main!(benches);
