//! What does a round trip over TCP cost, small and large?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::echo::Echo;

fn echo(criterion: &mut Criterion) {
    compare::<Echo<64>>(criterion, "echo 64 B");
    compare::<Echo<16_384>>(criterion, "echo 16 KiB");
}

criterion_group!(benches, echo);
criterion_main!(benches);
