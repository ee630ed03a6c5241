//! Matrix products: a group per shape, us in `f32` and `f64`, the peers in `f32`. "Elements" are flops (2MNK).
//!
//! Every result is checked against naive sums before it is timed.

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use narrows_benches::contenders::{self, Contender, split};
use narrows_benches::product::Product;
use narrows_benches::shapes::{Shape, TARGETS, layers};
use narrows_benches::{pool, within};
use rayon::ThreadPool;
use std::time::Duration;

fn main() {
    let contenders = contenders::all();
    let pool = pool(2);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for (family, shapes) in [("gemm", TARGETS.to_vec()), ("gemm-layers", layers())] {
        for shape in shapes {
            let mut group = criterion.benchmark_group(format!("{family}/{shape}"));
            group.throughput(Throughput::Elements(shape.flops()));
            single(&mut group, shape, &contenders, &pool);
            double(&mut group, shape, &pool);
            group.finish();
        }
    }
    criterion.final_summary();
}

fn id(name: &str, threads: usize) -> BenchmarkId {
    BenchmarkId::new(name, if threads == 1 { "1 thread" } else { "2 threads" })
}

/// `f32`. The operands are made by the first benchmark that the filter lets through.
fn single(group: &mut BenchmarkGroup<'_, WallTime>, shape: Shape, contenders: &[Contender], pool: &ThreadPool) {
    let mut operands = None;
    for contender in contenders {
        for &threads in contender.threads {
            group.bench_function(id(contender.name, threads), |bencher| {
                let product = operands.get_or_insert_with(|| Product::new(shape));
                within(pool, threads, || {
                    contender.verify(product, threads);
                    bencher.iter(|| contender.run(product, threads));
                });
            });
        }
    }
}

/// `f64`.
fn double(group: &mut BenchmarkGroup<'_, WallTime>, shape: Shape, pool: &ThreadPool) {
    let mut operands = None;
    for threads in [1, 2] {
        group.bench_function(id("narrows f64", threads), |bencher| {
            let product = operands.get_or_insert_with(|| Product::<f64>::new(shape));
            within(pool, threads, || {
                product.spoil();
                product.ours(split(threads));
                product.check("narrows f64");
                bencher.iter(|| product.ours(split(threads)));
            });
        });
    }
}
