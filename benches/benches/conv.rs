//! Convolutions: the layers of the reference networks, forward and with all gradients, us on one thread and on two, and
//! by the column matrix on one. "Elements" are flops: one pass forward, three with gradients. Then inference of the
//! whole reference networks, whose elements are samples.
//!
//! Every result is checked against the other way before it is timed.

use criterion::{BenchmarkId, Criterion, Throughput};
use narrows_benches::columns::{Columns, LAYERS, Ours, multipliers, verify};
use narrows_benches::contenders::split;
use narrows_benches::references::references;
use narrows_benches::{pool, within};
use std::time::Duration;

fn main() {
    let pool = pool(2);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let id = |name: &str, threads: usize| BenchmarkId::new(name, if threads == 1 { "1 thread" } else { "2 threads" });
    for layer in &LAYERS {
        for (kind, passes) in [("forward", 1), ("step", 3)] {
            let mut group = criterion.benchmark_group(format!("conv/{}/{kind}", layer.name));
            group.throughput(Throughput::Elements(passes * layer.flops()));
            for threads in [1, 2] {
                let mut ours = None;
                group.bench_function(id("narrows", threads), |bencher| {
                    within(&pool, threads, || {
                        let ours = ours.get_or_insert_with(|| Ours::new(layer).expect("memory for a layer"));
                        match kind {
                            "forward" => bencher.iter(|| ours.forward(split(threads)).len()),
                            _ => bencher.iter_custom(|times| (0..times).map(|_| ours.time_step(split(threads))).sum()),
                        }
                    });
                });
            }
            for (name, multiply) in multipliers() {
                let mut columns = None;
                group.bench_function(id(name, 1), |bencher| {
                    let columns = columns.get_or_insert_with(|| {
                        verify(layer, multiply);
                        Columns::new(layer, multiply)
                    });
                    bencher.iter(|| match kind {
                        "forward" => columns.forward().len(),
                        _ => columns.step()[0].len(),
                    });
                });
            }
            group.finish();
        }
    }
    for network in references().into_iter().filter(|network| network.name.starts_with("conv")) {
        let mut group = criterion.benchmark_group(format!("infer/{}", network.name));
        group.throughput(Throughput::Elements(network.batch as u64));
        for threads in [1, 2] {
            let mut step = None;
            group.bench_function(id("narrows", threads), |bencher| {
                within(&pool, threads, || {
                    let step = step.get_or_insert_with(|| (network.step)().expect("a network"));
                    bencher.iter(|| step.infer(split(threads)));
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
