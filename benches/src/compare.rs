//! One workload as a criterion group, the runtimes beside one another.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};

use crate::peers::{Peer, Raddle, Smol, Tokio};
use crate::workloads::Workload;

/// Measures the workload on every runtime; the throughput is in the workload's operations.
pub fn compare<W: Workload>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(W::OPERATIONS));
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    // Ten samples of at least one repetition, the longest of which takes 100 ms.
    let repetition = Duration::from_millis(100) / W::REPETITIONS as u32;
    group.warm_up_time(Duration::from_millis(50));
    group.measurement_time(Duration::from_millis(250) + 10 * repetition);
    bench::<Raddle, W>(&mut group);
    bench::<Tokio, W>(&mut group);
    bench::<Smol, W>(&mut group);
    group.finish();
}

fn bench<P: Peer, W: Workload>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let runtime = P::start(W::BLOCKING_THREADS);
    group.bench_function(P::NAME, |bencher| {
        bencher.iter_custom(|repetitions| W::run(&runtime, repetitions));
    });
}
