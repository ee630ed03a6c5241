//! Matrix products: a group per shape, us and the peers in `f32` and `f64`, us with packed weights too. "Elements" are
//! flops (2MNK).
//!
//! Every result is checked against naive sums before it is timed.

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use narrows_benches::contenders::{self, Contender, Element, split};
use narrows_benches::product::Product;
use narrows_benches::shapes::{Shape, TARGETS, layers};
use narrows_benches::{pool, within};
use rayon::ThreadPool;
use std::time::Duration;

fn main() {
    let (single, double) = (contenders::all::<f32>(), contenders::all::<f64>());
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
            everybody(&mut group, shape, "", &single, &pool);
            everybody(&mut group, shape, " f64", &double, &pool);
            packed(&mut group, shape, &pool);
            group.finish();
        }
    }
    criterion.final_summary();
}

fn id(name: &str, threads: usize) -> BenchmarkId {
    BenchmarkId::new(name, if threads == 1 { "1 thread" } else { "2 threads" })
}

/// Us and the peers. The operands are made by the first benchmark that the filter lets through.
fn everybody<T: Element>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    shape: Shape,
    suffix: &str,
    contenders: &[Contender<T>],
    pool: &ThreadPool,
) {
    let mut operands = None;
    for contender in contenders {
        for &threads in contender.threads {
            group.bench_function(id(&format!("{}{suffix}", contender.name), threads), |bencher| {
                let product = operands.get_or_insert_with(|| Product::new(shape));
                within(pool, threads, || {
                    contender.verify(product, threads);
                    bencher.iter(|| contender.run(product, threads));
                });
            });
        }
    }
}

/// Us with a B that was packed beforehand, as weights are for inference.
fn packed(group: &mut BenchmarkGroup<'_, WallTime>, shape: Shape, pool: &ThreadPool) {
    let mut operands = None;
    for threads in [1, 2] {
        group.bench_function(id("narrows, B packed", threads), |bencher| {
            let (product, b) = operands.get_or_insert_with(|| {
                let product = Product::<f32>::new(shape);
                let b = product.packed();
                (product, b)
            });
            within(pool, threads, || {
                product.spoil();
                product.ours_packed(b, split(threads));
                product.check("narrows, B packed");
                bencher.iter(|| product.ours_packed(b, split(threads)));
            });
        });
    }
}
