//! What does it cost when two tasks wake one another?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::switch::PingPong;

fn ping_pong(criterion: &mut Criterion) {
    compare::<PingPong>(criterion, "ping-pong");
}

criterion_group!(benches, ping_pong);
criterion_main!(benches);
