//! An exponential moving average of the weights, `a += (1 − d)(p − a)`: an estimate of where noisy steps settle (Polyak
//! & Juditsky 1992; as used for evaluation by Szegedy et al. 2016).
//!
//! One pass over parameters and average; bound by memory, so that the compiler's own vectors are wide enough.

use super::method::check;
use crate::base::{Error, Split};
use crate::tape::{Parameters, Real};

/// Elements that one thread takes at least.
const GRAIN: usize = 16_384;

/// The decay after `steps` updates: `min(decay, (1 + steps) / (10 + steps))`, so that the start is soon forgotten.
pub fn average_decay(decay: f64, steps: u64) -> f64 {
    decay.min((1.0 + steps as f64) / (10.0 + steps as f64))
}

/// Moves `average` towards `parameters`; `decay`, in `[0, 1]`, is what stays of it. Where the two agree nothing
/// changes, not by a rounding: frozen parameters stay.
///
/// # Errors
/// When the two are laid out differently, or the decay is outside its range.
pub fn average<T: Real>(
    parameters: &Parameters<T>,
    average: &mut Parameters<T>,
    decay: f64,
    split: Split,
) -> Result<(), Error> {
    if parameters.layout() != average.layout() {
        return Err(Error::mismatch("the average was made of parameters of another layout; make it by `try_clone`"));
    }
    check((0.0..=1.0).contains(&decay), "the average's decay", decay, "in [0, 1]")?;
    let mix = T::from_f64(1.0 - decay);
    split.parts((parameters.flat(), average.flat_mut()), GRAIN, &|(p, a): (&[T], &mut [T])| {
        for (a, &p) in a.iter_mut().zip(p) {
            *a = *a + mix * (p - *a);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_follows_and_is_the_same_on_any_split() {
        let mut p = Parameters::<f64>::new();
        p.add("p", &[70_001]).unwrap();
        p.flat_mut().iter_mut().enumerate().for_each(|(i, p)| *p = i as f64);
        let mut a = Parameters::<f64>::new();
        a.add("p", &[70_001]).unwrap();
        let mut shared = a.try_clone().unwrap();
        average(&p, &mut a, 0.75, Split::Serial).unwrap();
        assert!(p.flat().iter().zip(a.flat()).all(|(p, a)| (a - 0.25 * p).abs() <= 1e-12 * p));
        crate::Threads::Current.run(|split| average(&p, &mut shared, 0.75, split)).unwrap();
        assert_eq!(a.flat(), shared.flat());
        let mut same = p.try_clone().unwrap();
        average(&p, &mut same, 0.9, Split::Serial).unwrap();
        assert_eq!(same.flat(), p.flat());
        assert_eq!((average_decay(0.999, 0), average_decay(0.9, 1_000)), (0.1, 0.9));
    }

    #[test]
    fn mistakes_are_errors() {
        let mut p = Parameters::<f32>::new();
        p.add("p", &[3]).unwrap();
        let mut other = Parameters::<f32>::new();
        other.add("q", &[3]).unwrap();
        assert!(average(&p, &mut other, 0.5, Split::Serial).is_err());
        let mut a = p.try_clone().unwrap();
        assert!([-0.1, 1.1, f64::NAN].into_iter().all(|decay| average(&p, &mut a, decay, Split::Serial).is_err()));
    }
}
