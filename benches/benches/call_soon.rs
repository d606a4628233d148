//! What does a callback cost, from `call_soon` to its end?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use raddle_benches::peers::{Peer, Raddle};
use raddle_benches::workloads::call_soon::{CALLBACKS, call_soon, chain};

fn callbacks(criterion: &mut Criterion) {
    let runtime = Raddle::start(None);
    let mut group = criterion.benchmark_group("call_soon");
    group.throughput(Throughput::Elements(CALLBACKS as u64));
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(50)).measurement_time(Duration::from_millis(500));
    group.bench_function("batches", |bencher| {
        bencher.iter_custom(|repetitions| call_soon(&runtime, repetitions));
    });
    group.bench_function("chain", |bencher| bencher.iter_custom(|repetitions| chain(&runtime, repetitions)));
    group.finish();
}

criterion_group!(benches, callbacks);
criterion_main!(benches);
