//! An exponential moving average of the weights, `a += (1 − d)(p − a)`: an estimate of where noisy steps settle (Polyak & Juditsky
//! 1992; as used for evaluation by Szegedy et al. 2016).
//!
//! One pass over parameters and average; bound by memory.

use crate::base::parallel::Split;
use crate::simd::Float;

/// Elements that one thread takes at least.
const GRAIN: usize = 16_384;

/// The decay after `steps` updates: `min(decay, (1 + steps) / (10 + steps))`, so that the start is soon forgotten.
pub fn average_decay(decay: f64, steps: u64) -> f64 {
    decay.min((1.0 + steps as f64) / (10.0 + steps as f64))
}

/// Moves `average` towards `parameters`; only the common length is touched. `decay`, in `[0, 1]`, is what stays of it.
/// Where the two agree nothing changes, not by a rounding: frozen parameters stay.
pub fn average<T: Float>(split: Split, decay: f64, parameters: &[T], average: &mut [T]) {
    let len = parameters.len().min(average.len());
    run(split, T::from_f64(1.0 - decay), &parameters[..len], &mut average[..len]);
}

fn run<T: Float>(split: Split, mix: T, p: &[T], a: &mut [T]) {
    let middle = (p.len() / 2).next_multiple_of(GRAIN);
    if split != Split::Serial && middle < p.len() {
        let ((p, p_rest), (a, a_rest)) = (p.split_at(middle), a.split_at_mut(middle));
        split.join(|| run(split, mix, p, a), || run(split, mix, p_rest, a_rest));
        return;
    }
    // Bound by memory: the compiler's own vectors are wide enough.
    for (a, &p) in a.iter_mut().zip(p) {
        *a = *a + mix * (p - *a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_and_is_the_same_on_any_split() {
        let p: Vec<f64> = (0..70_001).map(f64::from).collect();
        let mut a = vec![0.0; p.len()];
        average(Split::Serial, 0.75, &p, &mut a);
        assert!(p.iter().zip(&a).all(|(p, a)| (a - 0.25 * p).abs() <= 1e-12 * p));
        let mut shared = vec![0.0; p.len()];
        crate::Threads::Current.run(|split| average(split, 0.75, &p, &mut shared));
        assert_eq!(a, shared);
        let before = p.clone();
        let mut same = p.clone();
        average(Split::Serial, 0.9, &before, &mut same);
        assert_eq!(same, before);
        assert_eq!((average_decay(0.999, 0), average_decay(0.9, 1_000)), (0.1, 0.9));
    }
}
