//! An exponential moving average of the weights, `a += (1 − d)(p − a)`: an estimate of where noisy steps settle (Polyak & Juditsky
//! 1992; as used for evaluation by Szegedy et al. 2016).
//!
//! One pass over parameters and average, a cache's worth at a time; bound by memory.

use crate::parallel::Split;
use crate::simd::kernels::Elementwise;
use crate::simd::{Backend, Float, InOut};

/// Elements that one thread takes at least, and that two kernels go over while they are in the first-level cache.
const GRAIN: usize = 16_384;
const PIECE: usize = 2_048;

/// The decay after `steps` updates: `min(decay, (1 + steps) / (10 + steps))`, so that the start is soon forgotten.
pub fn average_decay(decay: f64, steps: u64) -> f64 {
    decay.min((1.0 + steps as f64) / (10.0 + steps as f64))
}

/// Moves `average` towards `parameters`; only the common length is touched. `decay`, in `[0, 1]`, is what stays of it.
pub fn average<T: Float>(split: Split, backend: Backend, decay: f64, parameters: &[T], average: &mut [T]) {
    let len = parameters.len().min(average.len());
    let (keep, mix) = (T::from_f64(decay), T::from_f64(1.0 - decay));
    let kernels = T::elementwise(backend);
    run(split, kernels, [keep, mix], &parameters[..len], &mut average[..len]);
}

fn run<T: Float>(split: Split, kernels: &Elementwise<T>, weights: [T; 2], p: &[T], a: &mut [T]) {
    let middle = (p.len() / 2).next_multiple_of(GRAIN);
    if split != Split::Serial && middle < p.len() {
        let ((p, p_rest), (a, a_rest)) = (p.split_at(middle), a.split_at_mut(middle));
        split.join(|| run(split, kernels, weights, p, a), || run(split, kernels, weights, p_rest, a_rest));
        return;
    }
    for (p, a) in p.chunks(PIECE).zip(a.chunks_mut(PIECE)) {
        kernels.scale(InOut::same(a), weights[0]);
        kernels.scale_into(InOut::pair(p, a), weights[1], true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_and_is_the_same_on_any_split() {
        let p: Vec<f64> = (0..70_001).map(f64::from).collect();
        let mut a = vec![0.0; p.len()];
        average(Split::Serial, Backend::current(), 0.75, &p, &mut a);
        assert!(p.iter().zip(&a).all(|(p, a)| (a - 0.25 * p).abs() <= 1e-12 * p));
        let mut shared = vec![0.0; p.len()];
        crate::Threads::Current.run(|split| average(split, Backend::current(), 0.75, &p, &mut shared));
        assert_eq!(a, shared);
        assert_eq!((average_decay(0.999, 0), average_decay(0.9, 1_000)), (0.1, 0.9));
    }
}
