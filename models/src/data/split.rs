//! Holding rows out: which rows train and which only judge.
//!
//! The shuffle is a parameter, so that the engine's counter-based generator decides it from the run's seed and the
//! same seed always holds the same rows out. No stratification: over a shuffled part of a useful size the classes are
//! nearly in proportion anyway, and unlabelled data has none.

use super::memory::reserved;
use crate::error::{Error, Result};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// A part of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What a model is fitted to.
    Train,
    /// What it is judged by.
    Test,
}

/// Which rows of a source a finished model is put to use on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum PartName {
    /// The test part of the model's own data, all of any other that has no test part.
    #[default]
    Auto,
    /// What would be trained on.
    Train,
    /// What would be held out.
    Test,
    /// All.
    All,
}

/// Divides the rows `0..n` into (kept, held out), each ascending; `round(n * held_out)` rows are held out.
///
/// `permutation` is handed the rows `0..n` in order and shuffles them in place; the first ones are held out. A
/// fraction of exactly 0 holds nothing out and does not call it.
///
/// # Errors
/// If `held_out` is not in `[0, 1)`, if either part would be empty though a fraction was asked for, if `n` is 0 or
/// over `u32::MAX`, or if memory runs out.
pub fn split(n: usize, held_out: f64, permutation: impl FnOnce(&mut [u32])) -> Result<(Vec<u32>, Vec<u32>)> {
    if !(0.0..1.0).contains(&held_out) {
        return Err(Error::usage(format!("cannot hold out the fraction {held_out}; give one in [0, 1), such as 0.1")));
    }
    let last = u32::try_from(n)
        .ok()
        .filter(|&count| count > 0)
        .ok_or_else(|| Error::data(format!("cannot divide {n} rows; give a source with 1 to {} of them", u32::MAX)))?;
    let count = (n as f64 * held_out).round() as usize;
    if held_out > 0.0 && (count == 0 || count >= n) {
        return Err(Error::usage(format!(
            "holding out {held_out} of {n} rows leaves one part empty; give another fraction or more rows"
        )));
    }
    let mut kept = reserved(n, "the order of the rows")?;
    kept.extend(0..last);
    let mut held = reserved(count, "the rows held out")?;
    if count > 0 {
        permutation(&mut kept);
        held.extend(kept.drain(..count));
        kept.sort_unstable();
        held.sort_unstable();
    }
    Ok((kept, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_and_whole() {
        let (kept, held) = split(10, 0.25, |rows| rows.reverse()).unwrap();
        assert_eq!((kept, held), (vec![0, 1, 2, 3, 4, 5, 6], vec![7, 8, 9]));
        let (kept, held) = split(3, 0.0, |_| panic!("nothing to shuffle")).unwrap();
        assert_eq!((kept, held), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn refuses_senseless_fractions() {
        for held_out in [1.0, -0.1, 2.0, f64::NAN, f64::INFINITY] {
            assert!(split(10, held_out, |_| ()).is_err(), "{held_out}");
        }
        for (n, held_out) in [(10, 0.01), (2, 0.99), (1, 0.5), (0, 0.5), (0, 0.0)] {
            assert!(split(n, held_out, |_| ()).is_err(), "{held_out} of {n}");
        }
    }
}
