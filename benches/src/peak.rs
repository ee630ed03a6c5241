//! The most multiplications and additions that the processor can do: independent chains of fused multiply-adds in
//! registers, on the instruction set that the engine uses. It is the denominator of every share of peak.

use narrows_engine::Backend;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

/// Chains, enough for two units of four cycles' latency, and few enough for the registers.
const CHAINS: usize = 12;
/// Steps of all chains in one measurement: some milliseconds.
const STEPS: usize = 2_000_000;
const REPEATS: usize = 12;

/// Flops per second of `threads` threads together on `backend`, in `f32`: the best of some repeats.
///
/// # Panics
/// When the system gives no threads.
pub fn flops_per_second(backend: Backend, threads: usize) -> f64 {
    let (chains, lanes): (fn(), usize) = match backend.name() {
        #[cfg(target_arch = "x86_64")]
        "avx512" => (avx512, 16),
        #[cfg(target_arch = "x86_64")]
        "avx2" => (avx2, 8),
        _ => (portable, 4),
    };
    let flops = (2 * lanes * CHAINS * STEPS * threads) as f64;
    let times = (0..REPEATS).map(|_| together(threads, chains));
    flops / times.fold(f64::INFINITY, f64::min)
}

/// Seconds until the last of `threads` threads, started together, has finished.
fn together(threads: usize, work: fn()) -> f64 {
    let barrier = Barrier::new(threads);
    std::thread::scope(|scope| {
        let one = || {
            barrier.wait();
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|thread| thread.join().expect("arithmetic")).fold(0.0, f64::max)
    })
}

#[cfg(target_arch = "x86_64")]
fn avx512() {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    /// # Safety
    /// The processor has AVX-512 F.
    #[target_feature(enable = "avx512f")]
    fn chains() {
        let mut x = black_box([_mm512_set1_ps(1.0); CHAINS]);
        let (factor, term) = black_box((_mm512_set1_ps(0.5), _mm512_set1_ps(0.5)));
        for _ in 0..STEPS {
            for chain in &mut x {
                *chain = _mm512_fmadd_ps(*chain, factor, term);
            }
        }
        black_box(x);
    }
    // SAFETY: a backend is the proof that the processor has it.
    unsafe { chains() }
}

#[cfg(target_arch = "x86_64")]
fn avx2() {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    fn chains() {
        let mut x = black_box([_mm256_set1_ps(1.0); CHAINS]);
        let (factor, term) = black_box((_mm256_set1_ps(0.5), _mm256_set1_ps(0.5)));
        for _ in 0..STEPS {
            for chain in &mut x {
                *chain = _mm256_fmadd_ps(*chain, factor, term);
            }
        }
        black_box(x);
    }
    // SAFETY: a backend is the proof that the processor has them.
    unsafe { chains() }
}

/// What the compiler makes of vectors of four; a multiplication and an addition, for SSE2 has no fused one.
fn portable() {
    let mut x = black_box([[1.0f32; 4]; CHAINS]);
    let (factor, term) = black_box(([0.5f32; 4], [0.5f32; 4]));
    for _ in 0..STEPS {
        for chain in &mut x {
            for lane in 0..4 {
                chain[lane] = chain[lane] * factor[lane] + term[lane];
            }
        }
    }
    black_box(x);
}
