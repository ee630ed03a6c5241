//! A training step allocates nothing, on one thread and on two. A test of its own, for it counts every allocation of
//! the process.

use narrows::config::{Config, LossName};
use narrows::data::digits;
use narrows::model::{DataInfo, Model};
use narrows::training::Trainer;
use narrows_engine::Threads;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNT: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_step_allocates_nothing_after_the_first() {
    let dataset = digits().unwrap();
    // Many rows share one packed operand between threads; wide layers and few rows are multiplied the other way round.
    let of = |hidden, batch| Config { hidden, batch, loss: LossName::Bce, clip: 1.0, ..Config::default() };
    let mut convolutional = of(Vec::new(), 256);
    convolutional.set("model", "convolutional").unwrap();
    let mut configs = vec![of(vec![500, 100], 500), of(vec![800, 700], 100), convolutional];
    let types: [(&str, &[(&str, &str)]); 9] = [
        ("overcomplete", &[("ema", "0.9")]),
        ("denoising", &[("corruption", "salt-and-pepper"), ("emphasis_clean", "0.5")]),
        ("denoising", &[("corruption", "masking-exact")]),
        ("denoising", &[("corruption", "gaussian"), ("corruption_clip", "true")]),
        ("sparse", &[("sparsity_mean", "running")]),
        ("k-sparse", &[]),
        ("contractive", &[]),
        ("variational", &[("beta_warmup", "3")]),
        ("stacked", &[("fine_tune", "classifier")]),
    ];
    for (model, settings) in types {
        let mut config = Config { loss: LossName::Bce, batch: 300, ..Config::of(model.parse().unwrap()) };
        settings.iter().for_each(|(key, value)| config.set(key, value).unwrap());
        configs.push(config);
    }
    for (config, threads) in configs.iter().flat_map(|config| [(config, 1), (config, 2)]) {
        let scaler = narrows::data::Scaler::fit(config.scaling, &dataset, &[0]).unwrap();
        let data = DataInfo::of(&dataset, scaler);
        let model = Model::new(config.clone(), data).unwrap();
        let mut trainer = Trainer::new(model, &dataset, (0..1797).collect(), Vec::new()).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let allocated = Threads::Pool(&pool).run(|split| {
            // The first steps fill the arenas of every thread and rayon's queues.
            for _ in 0..12 {
                trainer.take_step(split).unwrap();
            }
            // What a thread does for the first time may come late on a busy machine (rayon allocates at a thread's
            // first theft); what every step does comes in every window.
            let mut window = || {
                let before = COUNT.load(Ordering::Relaxed);
                for _ in 0..40 {
                    trainer.take_step(split).unwrap();
                }
                COUNT.load(Ordering::Relaxed) - before
            };
            (0..6).map(|_| window()).find(|&count| count == 0).unwrap_or_else(window)
        });
        assert_eq!(allocated, 0, "{allocated} allocations in each of seven windows of 40 steps on {threads} threads");
    }
}
