//! Time: the minimum of repeats, each contender in turn (A B C A B C), so that a slow moment of the machine meets all.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long a turn measures.
const TURN: Duration = Duration::from_millis(25);
/// Calls are timed together until they take this long, so that reading the clock does not count.
const BATCH: f64 = 2e-4;
/// Between turns: the threads of others (OpenBLAS) go on spinning for a while after their work.
const PAUSE: Duration = Duration::from_millis(40);

/// Keeps a measurement's contenders apart: call it between turns.
pub fn pause() {
    std::thread::sleep(PAUSE);
}

/// One turn: seconds a call of `work`, the best of as many batches as the turn has time for, after a warm-up.
pub fn turn(mut work: impl FnMut()) -> f64 {
    let once = seconds(1, &mut work).min(seconds(1, &mut work));
    let calls = (BATCH / once.max(1e-9)).ceil().clamp(1.0, 1e5) as u32;
    let start = Instant::now();
    let mut best = f64::INFINITY;
    while best.is_infinite() || start.elapsed() < TURN {
        best = best.min(seconds(calls, &mut work));
    }
    best
}

fn seconds(calls: u32, work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(&mut *work)();
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}
