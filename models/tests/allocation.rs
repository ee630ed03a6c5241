//! A training step allocates nothing, on one thread and on two. A test of its own, for it counts every allocation of
//! the process.

use narrows::data::digits;
use narrows::engine::Threads;
use narrows::model::Session;
use narrows::training::{Config, Prepared, Trainer, fit, prepare};
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
    type Settings = &'static [(&'static str, &'static str)];
    // Many rows share one packed operand between threads; wide layers and few rows are multiplied the other way round.
    let types: [(&str, Settings); 16] = [
        ("undercomplete", &[("hidden", "500,100"), ("batch", "500"), ("clip", "1")]),
        ("undercomplete", &[("hidden", "800,700"), ("batch", "100"), ("clip", "1")]),
        ("undercomplete", &[("norm", "batch"), ("dropout", "0.2")]),
        ("convolutional", &[("batch", "256"), ("clip", "1")]),
        ("overcomplete", &[("ema", "0.9")]),
        ("denoising", &[("corruption", "salt-and-pepper"), ("emphasis_clean", "0.5")]),
        ("denoising", &[("corruption", "masking-exact")]),
        ("denoising", &[("corruption", "gaussian"), ("corruption_clip", "true")]),
        ("sparse", &[("sparsity_mean", "running")]),
        ("k-sparse", &[]),
        ("contractive", &[]),
        ("variational", &[("beta_warmup", "3")]),
        ("stacked", &[("fine_tune", "classifier")]),
        ("vector-quantised", &[]),
        ("adversarial", &[]),
        ("importance-weighted", &[("samples", "3")]),
    ];
    let configs = types.map(|(kind, settings)| {
        let config = Config::of(kind).unwrap().with(&[("loss", "bce"), ("batch", "300")]).unwrap();
        config.with(settings).unwrap()
    });
    let rows: Vec<u32> = (0..1797).collect();
    for (config, threads) in configs.iter().flat_map(|config| [(config, 1), (config, 2)]) {
        let Prepared { model, config, .. } = prepare(config, &dataset, &rows).unwrap();
        let mut trainer = Trainer::new(model, config.training, &dataset, rows.clone(), Vec::new()).unwrap();
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

/// A session's calls allocate nothing after the first of their kind.
#[test]
fn a_session_allocates_nothing_after_the_first_call() {
    let config = Config::of("variational").unwrap().with(&[("epochs", "1")]).unwrap();
    let mut session = Session::new(fit(&config, &digits().unwrap()).unwrap());
    let samples: Vec<f32> = (0..64 * 700).map(|i| (i % 17) as f32).collect();
    let round = |session: &mut Session| {
        let sum = session.encode(&samples).unwrap().iter().sum::<f32>();
        let sum = sum + session.reconstruct(&samples).unwrap().iter().sum::<f32>();
        let sum = sum + session.score(&samples[..64]).unwrap().total[0];
        sum + session.sample(3, None, 1).unwrap()[0]
    };
    let first = round(&mut session);
    let allocated = (0..6).map(|_| {
        let before = COUNT.load(Ordering::Relaxed);
        assert_eq!(round(&mut session), first);
        COUNT.load(Ordering::Relaxed) - before
    });
    // The other test of this file may run beside it; what every call does comes every time.
    assert_eq!(allocated.min(), Some(0));
}
