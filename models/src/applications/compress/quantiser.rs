//! One dimension of a code as whole numbers: `q = round(c / step − centre / 8)`, and back `c ≈ (q + centre / 8) step`.
//!
//! A dimension is stored in four bytes or a few more: its step (bfloat16, which has f32's range), its mean in eighths of the
//! step, and its deviation on a scale of quarter octaves, which is all that the frequencies begin with: a bell
//! `(1 + x² / 7σ²)^-4`, near a normal distribution but with the tails of Student's t, in whole numbers alone.

use super::coder::{Reader, Writer};
use super::counts::Counts;
use crate::data::reserved;
use crate::{Error, Result};
use half::bf16;

/// Deviations in steps that can be said: `2^(k/4 − 4)`, from 1/16 to 2^32.
const SPREADS: u8 = 144;
/// The quarters of an octave, in 256ths of a step at the smallest: 16 · 2^(k/4).
const QUARTERS: [u64; 4] = [16, 19, 23, 27];
/// From this deviation on, in steps, several steps share a symbol.
const FINE: u64 = 32;
/// How many deviations the alphabet reaches; what is beyond is escaped.
const REACH: u64 = 6;
/// What the frequencies sum up to at the start, in addition to 1 each: as if 64 numbers had passed.
const BEGINNING: u64 = 1024;
/// Eighths of a step that a mean may be away from 0.
const FARTHEST: i64 = 1 << 40;

/// How one dimension of codes is quantised and coded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dimension {
    step: bf16,
    centre: i64,
    spread: u8,
}

impl Dimension {
    /// Quantises numbers of this mean and deviation by a step, or nearly that: by one that bfloat16 holds.
    pub fn new(step: f64, mean: f64, deviation: f64) -> Self {
        let step = bf16::from_f64(step);
        let step = if step.is_finite() && step > bf16::ZERO { step } else { bf16::ONE };
        let centre = (8.0 * mean / step.to_f64()).round().clamp(-(FARTHEST as f64), FARTHEST as f64) as i64;
        let quarter = (4.0 * (deviation / step.to_f64() * 16.0).log2()).round().clamp(0.0, f64::from(SPREADS - 1));
        Self { step, centre, spread: quarter as u8 }
    }

    /// As it is stored.
    ///
    /// # Errors
    /// A step that is no positive number; a mean or a deviation beyond what can be said.
    pub(super) fn stored(step: u16, centre: i64, spread: u8) -> Result<Self> {
        let step = bf16::from_bits(step);
        let fits = step.is_finite() && step > bf16::ZERO && centre.abs() <= FARTHEST && spread < SPREADS;
        match fits {
            true => Ok(Self { step, centre, spread }),
            false => Err(Error::data("its steps are damaged; compress the images again")),
        }
    }

    /// What is stored of it.
    pub(super) fn parts(&self) -> (u16, i64, u8) {
        (self.step.to_bits(), self.centre, self.spread)
    }

    /// The distance of neighbouring values.
    pub fn step(&self) -> f64 {
        self.step.to_f64()
    }

    /// The whole number nearest to a value; what is farther than 2^31 steps from the mean is cut off there.
    pub fn quantise(&self, value: f32) -> i32 {
        // A float's cast saturates.
        (f64::from(value) / self.step() - self.centre as f64 / 8.0).round() as i32
    }

    /// The value that a whole number stands for.
    pub fn restore(&self, number: i32) -> f32 {
        ((f64::from(number) + self.centre as f64 / 8.0) * self.step()) as f32
    }
}

/// The frequencies of one dimension's whole numbers.
#[derive(Debug)]
pub(super) struct Table {
    counts: Counts,
    /// So many of the lowest bits are coded as they are.
    shift: u32,
    /// The alphabet is −half..=half, and one symbol for what is beyond.
    half: i64,
}

impl Table {
    pub(super) fn new(dimension: &Dimension) -> Result<Self> {
        let spread = QUARTERS[usize::from(dimension.spread % 4)] << (dimension.spread / 4);
        let shift = if spread < FINE * 256 { 0 } else { spread.ilog2() - FINE.ilog2() - 7 };
        let spread = spread >> shift;
        let half = (REACH * spread).div_ceil(256) + 2;
        // Of a number's bin, a step wide, counts the middle: its width adds 1/12 to the variance.
        let scale = 7 * (spread * spread + 65536 / 12);
        let odd = u64::from(shift > 0);
        let weight = |place: u64| -> u64 {
            let bucket = place.abs_diff(half);
            // Twice the distance: a bucket of several steps reaches from its number upwards.
            let twice = if place >= half { 2 * bucket + odd } else { 2 * bucket - odd };
            let ratio = (scale << 16) / (scale + (twice * 128).pow(2));
            ((ratio * ratio) >> 16).pow(2) >> 16
        };
        let sum = (0..=2 * half).map(weight).sum::<u64>().max(1);
        let symbols = 2 * half + 2;
        let mut first = reserved(symbols as usize, "a table of frequencies")?;
        first.extend((0..=2 * half).map(|place| 1 + (weight(place) * BEGINNING / sum) as u32));
        first.push(1);
        Ok(Self { counts: Counts::new(&first)?, shift, half: half as i64 })
    }

    pub(super) fn write(&mut self, number: i32, writer: &mut Writer) -> Result<()> {
        let bucket = i64::from(number) >> self.shift;
        match bucket + self.half {
            place @ 0.. if bucket <= self.half => writer.symbol(place as usize, &mut self.counts)?,
            _ => {
                writer.symbol(self.counts.len() - 1, &mut self.counts)?;
                writer.bits(bucket as i32 as u32, 32)?;
            }
        }
        writer.bits(number as u32, self.shift)
    }

    pub(super) fn read(&mut self, reader: &mut Reader) -> Result<i32> {
        let symbol = reader.symbol(&mut self.counts)?;
        let bucket = match symbol == self.counts.len() - 1 {
            true => i64::from(reader.bits(32)? as i32),
            false => symbol as i64 - self.half,
        };
        let number = (bucket << self.shift) | i64::from(reader.bits(self.shift)?);
        i32::try_from(number).map_err(|_| Error::data("its codes are damaged; compress the images again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_engine::random::fill_normal;
    use proptest::prelude::*;

    /// Bytes of numbers, which are read again.
    fn coded(dimension: &Dimension, numbers: &[i32]) -> usize {
        let (mut writer, mut table) = (Writer::default(), Table::new(dimension).unwrap());
        numbers.iter().for_each(|&number| table.write(number, &mut writer).unwrap());
        let bytes = writer.finish().unwrap();
        let (mut reader, mut table) = (Reader::new(&bytes).unwrap(), Table::new(dimension).unwrap());
        assert!(numbers.iter().all(|&number| table.read(&mut reader).unwrap() == number));
        reader.finish().unwrap();
        bytes.len()
    }

    #[test]
    fn the_length_is_within_three_percent_of_the_entropy() {
        let mut values = vec![0.0f64; 20_000];
        fill_normal(3, 5, 0, 1.0, 2.0, &mut values);
        for step in [3.0, 1.0, 0.25, 0.01, 1e-5] {
            let dimension = Dimension::new(step, 1.0, 2.0);
            let numbers: Vec<i32> = values.iter().map(|&value| dimension.quantise(value as f32)).collect();
            let bits = coded(&dimension, &numbers) as f64 * 8.0 / numbers.len() as f64;
            // Of a fine step: ½ log2(2πe σ²/step²).
            let ideal = if step < 0.5 {
                0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E * (2.0f64 / step).powi(2)).log2()
            } else {
                entropy(&numbers)
            };
            assert!((0.99 * ideal..1.03 * ideal).contains(&bits), "step {step}: {bits} bits of {ideal}");
        }
    }

    fn entropy(numbers: &[i32]) -> f64 {
        let mut counts = std::collections::BTreeMap::new();
        numbers.iter().for_each(|number| *counts.entry(number).or_insert(0.0) += 1.0);
        let total = numbers.len() as f64;
        counts.values().map(|count: &f64| -count / total * (count / total).log2()).sum()
    }

    #[test]
    fn the_first_numbers_cost_little_more_than_a_normal_distributions() {
        let mut values = vec![0.0f64; 4000];
        fill_normal(8, 1, 0, 0.0, 1.0, &mut values);
        let dimension = Dimension::new(0.25, 0.0, 1.0);
        // Each dozen by itself, so that nothing is learned; the end of a stream is no part of it.
        let parts = values.chunks(20).map(|values| {
            let numbers: Vec<i32> = values.iter().map(|&value| dimension.quantise(value as f32)).collect();
            coded(&dimension, &numbers) as f64 * 8.0 - 24.0
        });
        let bits = parts.sum::<f64>() / values.len() as f64;
        assert!(bits < 4.047 * 1.05, "{bits}");
    }

    #[test]
    fn constants_and_rare_peaks_cost_next_to_nothing() {
        let zero = Dimension::new(1.0, 0.0, 0.0);
        assert!(coded(&zero, &[0; 10_000]) < 16);
        let peaks: Vec<i32> = (0..10_000).map(|at| if at % 1000 == 999 { i32::MIN } else { 0 }).collect();
        assert!(coded(&zero, &peaks) < 90);
    }

    proptest! {
        #[test]
        fn any_numbers_come_back(
            numbers in proptest::collection::vec(prop_oneof![-20i32..20, any::<i32>()], 0..60),
            step in any::<f64>(), mean in any::<f64>(), deviation in any::<f64>(),
        ) {
            let dimension = Dimension::new(step, mean, deviation);
            coded(&dimension, &numbers);
            let (step, centre, spread) = dimension.parts();
            prop_assert_eq!(Dimension::stored(step, centre, spread).unwrap(), dimension);
        }

        #[test]
        fn values_are_at_most_half_a_step_away(mean in -1e3f64..1e3, deviation in 0.01f64..100.0, x in -6f64..6.0) {
            let dimension = Dimension::new(deviation / 16.0, mean, deviation);
            let value = (mean + x * deviation) as f32;
            let back = dimension.restore(dimension.quantise(value));
            prop_assert!(f64::from((back - value).abs()) <= dimension.step() * 0.5 + 1e-4);
        }
    }
}
