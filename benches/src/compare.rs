//! One workload as a criterion group, the runtimes beside one another.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};

use crate::peers::{Peer, Raddle, Smol, Tokio};
use crate::workloads::{Common, Workload};

/// Measures the workload on every runtime; the throughput is in the workload's operations.
pub fn compare<W: Common>(criterion: &mut Criterion, name: &str) {
    let mut group = start_group::<W>(criterion, name);
    bench::<Raddle, W>(&mut group);
    bench::<Tokio, W>(&mut group);
    bench::<Smol, W>(&mut group);
    group.finish();
}

/// The same without smol, which has no such thing.
pub fn compare_without_smol<W>(criterion: &mut Criterion, name: &str)
where
    W: Workload<Raddle> + Workload<Tokio>,
{
    let mut group = start_group::<W>(criterion, name);
    bench::<Raddle, W>(&mut group);
    bench::<Tokio, W>(&mut group);
    group.finish();
}

fn start_group<'a, W: Workload<Raddle>>(
    criterion: &'a mut Criterion,
    name: &str,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(W::OPERATIONS));
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    // Ten samples of at least one repetition, the longest of which takes 100 ms.
    let repetition = Duration::from_millis(100) / W::REPETITIONS as u32;
    group.warm_up_time(Duration::from_millis(50));
    group.measurement_time(Duration::from_millis(250) + 10 * repetition);
    group
}

fn bench<P: Peer, W: Workload<P>>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let runtime = P::start(W::BLOCKING_THREADS);
    group.bench_function(P::NAME, |bencher| {
        bencher.iter_custom(|repetitions| W::run(&runtime, repetitions));
    });
}
