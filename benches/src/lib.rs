//! What the suites and the binary `table` share.
//!
//! * [`shapes`]: the one table of matrix products. [`product`]: operands, our product, the check of a result.
//! * [`contenders`]: us and, with the feature `peers`, others, behind one call.
//! * [`columns`]: convolutions by the column matrix, beside the engine's.
//! * [`networks`], [`convolutional`]: the reference networks with their losses and Adam; [`references`]: all.
//! * [`bits`]: a digest of what each network and model has learned; [`models`]: the presets, trained a little.
//! * [`peak`]: the arithmetic that the processor can do. [`clock`]: minimum of repeats, taken in turns.

pub mod bits;
pub mod clock;
pub mod columns;
pub mod contenders;
pub mod convolutional;
pub mod models;
pub mod networks;
pub mod peak;
pub mod product;
pub mod references;
pub mod shapes;

/// A pool of `threads` workers, to be entered once around a measurement.
///
/// # Panics
/// When the system gives no threads.
pub fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads for a pool")
}

/// Runs `work` on the calling thread for one thread, else inside `pool`.
pub fn within<R: Send>(pool: &rayon::ThreadPool, threads: usize, work: impl FnOnce() -> R + Send) -> R {
    if threads == 1 { work() } else { pool.install(work) }
}
