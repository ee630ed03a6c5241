//! A session at work: raw samples to codes, one at a time and many, on one thread and on two. 784-512-256-32, the network
//! whose figures stand beside PyTorch's.

use criterion::{BenchmarkId, Criterion, Throughput};
use narrows::data::{Dataset, Samples};
use narrows::model::Session;
use narrows::training::{Config, prepare};
use narrows_benches::contenders::split;
use narrows_benches::{pool, within};
use std::hint::black_box;
use std::time::Duration;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("session/encode 784-512-256-32");
    let pool = pool(2);
    for batch in [1usize, 1024] {
        let rows: Vec<f32> = (0..batch * 784).map(|i| (i % 251) as f32 / 250.0).collect();
        group.throughput(Throughput::Elements(batch as u64));
        for threads in [1, 2] {
            group.bench_function(BenchmarkId::new(format!("batch {batch}"), threads), |bencher| {
                let mut session = session().on(split(threads));
                within(&pool, threads, || {
                    bencher.iter(|| black_box(session.encode(&rows).expect("codes").len()));
                });
            });
        }
    }
    group.finish();
    criterion.final_summary();
}

/// The network, untrained.
fn session() -> Session {
    let numbers: Vec<f32> = (0..784 * 64).map(|i| (i * 7919 % 251) as f32 / 250.0).collect();
    let dataset = Dataset::new("numbers", Samples::F32(numbers), 784).expect("data");
    let config = Config::of("undercomplete").and_then(|config| config.with(&[("hidden", "512,256"), ("code", "32")]));
    let rows: Vec<u32> = (0..64).collect();
    Session::new(prepare(&config.expect("keys"), &dataset, &rows).expect("a model").model)
}
