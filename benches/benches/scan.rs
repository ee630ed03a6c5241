//! Nearest neighbours: among codes and among pixels, for many queries and for one, and in bits. "Elements" are distances.
//!
//! What is found for the first query is checked against plain sums before it is timed.

use criterion::{BenchmarkId, Criterion, Throughput};
use narrows_benches::contenders::split;
use narrows_benches::{pool, within};
use narrows_engine::Context;
use narrows_engine::random::fill_uniform;
use narrows_engine::scan::{Distance, Request, nearest, nearest_hamming, pack_bits};
use std::time::Duration;

/// Neighbours of each query.
const K: usize = 10;
/// Rows to look among, the size of MNIST.
const ROWS: usize = 60_000;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for width in [30, 784] {
        for queries in [1, 1000] {
            numbers(&mut criterion, queries, width);
        }
    }
    for words in [1, 4] {
        for queries in [1, 1000] {
            bits(&mut criterion, queries, words);
        }
    }
    criterion.final_summary();
}

fn random(len: usize, stream: u64) -> Vec<f32> {
    let mut values = vec![0.0; len];
    fill_uniform(0, stream, 0, 0.0, 1.0, &mut values);
    values
}

fn name(threads: usize) -> &'static str {
    if threads == 1 { "1 thread" } else { "2 threads" }
}

fn numbers(criterion: &mut Criterion, count: usize, width: usize) {
    let pool = pool(2);
    let mut operands = None;
    for (distance, word) in [(Distance::Euclidean, "euclidean"), (Distance::Cosine, "cosine")] {
        let mut group = criterion.benchmark_group(format!("scan/{word} {count}x{ROWS}x{width}"));
        group.throughput(Throughput::Elements((count * ROWS) as u64));
        for threads in [1, 2] {
            group.bench_function(BenchmarkId::from_parameter(name(threads)), |bencher| {
                let (queries, rows) =
                    operands.get_or_insert_with(|| (random(count * width, 1), random(ROWS * width, 2)));
                let request = Request::new(queries, rows, width, K);
                let (mut indices, mut distances) = (vec![0; count * K], vec![0.0; count * K]);
                within(&pool, threads, || {
                    let context = Context::new(split(threads));
                    let mut run =
                        || nearest(context, &request, distance, &mut indices, &mut distances).expect("a scan");
                    run();
                    bencher.iter(run);
                });
                check(queries, rows, width, distance, distances[0]);
            });
        }
        group.finish();
    }
}

/// The first query's nearest distance.
fn check(queries: &[f32], rows: &[f32], width: usize, distance: Distance, found: f32) {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let query = &queries[..width];
    let least = rows.chunks_exact(width).map(|row| match distance {
        Distance::Euclidean => (dot(query, query) - 2.0 * dot(query, row) + dot(row, row)).sqrt(),
        Distance::Cosine => 1.0 - dot(query, row) / (dot(query, query) * dot(row, row)).sqrt(),
    });
    let least = least.fold(f64::INFINITY, f64::min);
    assert!((f64::from(found) - least).abs() < 1e-6 * least, "{found} for {least}");
}

fn bits(criterion: &mut Criterion, count: usize, words: usize) {
    let pool = pool(2);
    let mut operands = None;
    let mut group = criterion.benchmark_group(format!("scan/hamming {count}x{ROWS}x{} bits", 64 * words));
    group.throughput(Throughput::Elements((count * ROWS) as u64));
    for threads in [1, 2] {
        group.bench_function(BenchmarkId::from_parameter(name(threads)), |bencher| {
            let (queries, rows) = operands.get_or_insert_with(|| {
                let packed = |rows: usize, stream| {
                    let mut packed = vec![0; rows * words];
                    let values = random(rows * words * 64, stream);
                    pack_bits(&values, &vec![0.5; words * 64], &mut packed).expect("bits");
                    packed
                };
                (packed(count, 1), packed(ROWS, 2))
            });
            let request = Request::new(queries, rows, words, K);
            let (mut indices, mut distances) = (vec![0; count * K], vec![0; count * K]);
            within(&pool, threads, || {
                let context = Context::new(split(threads));
                let mut run = || nearest_hamming(context, &request, &mut indices, &mut distances).expect("a scan");
                run();
                bencher.iter(run);
            });
            let differ = |row: &[u64]| row.iter().zip(&*queries).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
            assert_eq!(rows.chunks_exact(words).map(differ).min(), Some(distances[0]));
        });
    }
    group.finish();
}
