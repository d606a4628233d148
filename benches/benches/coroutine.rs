//! What does it cost to send a generator coroutine a value and take the next one from it?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::workloads::coroutine::{SENDS, delegated, lives, sends};

fn coroutine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("coroutine");
    group.bench_function("1,000 sends", |bencher| bencher.iter_custom(sends));
    group.bench_function("a life of one yield", |bencher| bencher.iter_custom(lives));
    for depth in [1, 8] {
        let name = format!("1,000 sends through {depth} yield_from");
        group.bench_function(name, |bencher| bencher.iter_custom(|times| delegated(depth, times * SENDS)));
    }
    group.finish();
}

criterion_group!(benches, coroutine);
criterion_main!(benches);
