//! Training steps of the reference networks: forward, backward, Adam. "Elements" are samples.

use criterion::{BenchmarkId, Criterion, Throughput};
use narrows_benches::contenders::split;
use narrows_benches::references::references;
use narrows_benches::{pool, within};
use std::time::Duration;

fn main() {
    let pool = pool(2);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for network in references() {
        let mut group = criterion.benchmark_group(format!("step/{}", network.name));
        group.throughput(Throughput::Elements(network.batch as u64));
        for threads in [1, 2] {
            let name = if threads == 1 { "1 thread" } else { "2 threads" };
            let mut step = None;
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                within(&pool, threads, || {
                    let step = step.get_or_insert_with(|| {
                        let mut step = (network.step)().expect("a network");
                        step.verify(split(threads));
                        step
                    });
                    bencher.iter(|| step.run(split(threads)));
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
