//! One range for all features, measured on the training rows.
//!
//! Bytes need not fill 0 to 255 (digits end at 16, masks at 1), nor fractions 0 to 1 (spectra may end at 0.01): scaled
//! as if they did, they would be specks near 0, and the loss would hardly see them. So the type only proposes a range,
//! and it is taken if the values fill half of it. Otherwise the measured ends are rounded outwards, to a step between a
//! tenth and a fifth of what lies between them: the rows that are not in the training part may go a little beyond it.

use super::{Dataset, Samples};

/// A range, and the words that say where it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) why: &'static str,
}

/// The range of a data set whose training rows lie in `least..=greatest`; `None` where all are equal and neither source
/// nor type knows a range.
pub(super) fn of(dataset: &Dataset, least: f64, greatest: f64) -> Option<Range> {
    if let Some((min, max)) = dataset.raw_range() {
        return Some(Range { min, max, why: "of the source" });
    }
    let proposed = match dataset.samples() {
        Samples::U8(_) => Some((255.0, "of bytes, which the data fill")),
        _ if least >= 0.0 && greatest <= 1.0 => Some((1.0, "which the data fill")),
        _ => None,
    };
    let width = greatest - least;
    match proposed {
        Some((max, why)) if 2.0 * width >= max || width == 0.0 => Some(Range { min: 0.0, max, why }),
        _ if width > 0.0 => Some(rounded(least, greatest)),
        _ => None,
    }
}

/// The measured ends, rounded outwards; the lower one is 0 where it is nearer to 0 than to the upper one.
fn rounded(least: f64, greatest: f64) -> Range {
    let why = "measured";
    let low = if least > 0.0 && 2.0 * least < greatest { 0.0 } else { least };
    let fifth = (greatest - low) / 5.0;
    let power = fifth.log10().floor();
    // Beyond these powers of ten the steps themselves would round.
    if !(-200.0..200.0).contains(&power) {
        return Range { min: low, max: greatest, why };
    }
    let digit = [5.0, 2.0].into_iter().find(|digit| digit * 10f64.powf(power) <= fifth).unwrap_or(1.0);
    // Whole numbers over a power of ten give the decimals that a person would write.
    let (times, over) = if power < 0.0 { (1.0, 10f64.powf(-power)) } else { (10f64.powf(power), 1.0) };
    let steps = |x: f64| x * over / times / digit;
    let value = |steps: f64| steps * digit * times / over;
    // f32's 0.01 is a little more or less than 0.01, and no reason for another step.
    let slack = 1e-6;
    let min = value((steps(low) + slack).floor());
    let max = value((steps(greatest) - slack).ceil());
    Range { min, max, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[u8]) -> Option<(f64, f64)> {
        let (least, greatest) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        let data = Dataset::new("x", Samples::U8(values.to_vec()), 1).unwrap();
        of(&data, f64::from(*least), f64::from(*greatest)).map(|range| (range.min, range.max))
    }

    fn floats(least: f64, greatest: f64) -> Option<(f64, f64)> {
        let data = Dataset::new("x", Samples::F64(vec![least, greatest]), 1).unwrap();
        of(&data, least, greatest).map(|range| (range.min, range.max))
    }

    #[test]
    fn bytes_are_measured_and_not_supposed() {
        for (values, range) in [
            (&[0, 255][..], (0.0, 255.0)),
            (&[3, 131], (0.0, 255.0)),
            (&[0, 16], (0.0, 16.0)),
            (&[1, 15], (0.0, 16.0)),
            (&[0, 1], (0.0, 1.0)),
            (&[200, 210], (200.0, 210.0)),
            (&[0, 0], (0.0, 255.0)),
        ] {
            assert_eq!(bytes(values), Some(range), "{values:?}");
        }
    }

    #[test]
    fn fractions_and_others_are_rounded_outwards() {
        for (least, greatest, range) in [
            (0.0, 0.99, Some((0.0, 1.0))),
            (0.2, 0.75, Some((0.0, 1.0))),
            (0.0, f64::from(0.01f32), Some((0.0, 0.01))),
            (0.0001, 0.00973, Some((0.0, 0.01))),
            (0.0, 0.0123, Some((0.0, 0.014))),
            (-3.2, 4.7, Some((-4.0, 5.0))),
            (1000.0, 1003.0, Some((1000.0, 1003.0))),
            (0.5, 0.5, Some((0.0, 1.0))),
            (7.0, 7.0, None),
        ] {
            assert_eq!(floats(least, greatest), range, "{least} to {greatest}");
        }
        let (min, max) = floats(1e-290, 3e-290).unwrap();
        assert!(min <= 1e-290 && max >= 3e-290);
    }
}
