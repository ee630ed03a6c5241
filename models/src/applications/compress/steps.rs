//! How finely each number of a code is quantised.
//!
//! An error of a number costs what the decoder makes of it. With `g_d` the squared error of a sample for a squared error of
//! number d, measured on some samples, steps `Δ_d ∝ 1/√g_d` give every number the same part of the loss, which at a fine
//! step is the fewest bits for the loss (reverse water-filling): a number that changes little in the picture is coded
//! coarsely, one that the decoder does not look at with no bits at all. The factor is told as `step`: that of a number whose
//! deviations weigh like the average, in units of its deviation, `Δ_d = step √(Σ_k g_k σ_k² / n) / √g_d`.
//!
//! Tried instead, on the 10,000 test images of MNIST (PSNR in dB at 3 and at 1.5 bits a number; bytes an image at the
//! default, a loss of 0.1 dB; 2026-11-25):
//!
//! | model | `1/√g_d` | in units of each deviation | all alike |
//! |---|---|---|---|
//! | variational, code 20 | 20.18, 17.51; 10.20 | 19.86, 16.29; 11.52 | 19.95, 16.64; 11.26 |
//! | 512,256, code 30, mse | 19.90, 16.87; 16.63 | 19.88, 16.81; 16.67 | 19.90, 16.88; 16.64 |
//! | 1000,500,250, code 30, bce | 16.27, 15.12; 12.92 | 16.23, 14.80; 13.38 | 16.26, 15.08; 13.14 |

use super::payload::{self, Content};
use super::quantiser::Dimension;
use super::rows::Samples;
use crate::data::reserved;
use crate::model::Session;
use crate::{Error, Result};

/// How fine codes are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// The coarsest steps that make the squared error on some samples larger by no more than so many decibels.
    Loss(f64),
    /// So many bits for each number of a code, on average over the numbers and the samples.
    Bits(f64),
    /// So many deviations of a number whose errors weigh like the average.
    Step(f64),
}

impl Default for Rate {
    /// A loss of 0.1 dB.
    fn default() -> Self {
        Self::Loss(0.1)
    }
}

/// The steps that can be asked for, in deviations.
const FINEST: f64 = 1.0 / 65536.0;
const COARSEST: f64 = 64.0;
/// Samples on which a loss is measured.
const JUDGED: usize = 512;
/// Samples and codes that weights are measured on.
const WEIGHED: usize = 64;
const WEIGHED_CODES: usize = 8192;
/// Of its deviation, how far a number is moved to see what it weighs.
const MOVED: f64 = 0.5;
/// Numbers whose bits are measured.
const CODED: usize = 1 << 18;
/// Halvings of the range of steps.
const ROUNDS: usize = 14;

/// What is known of codes.
pub(super) struct Steps {
    /// Of each number: its mean, its deviation, the step that is 1 deviation of an average number.
    numbers: Vec<(f64, f64, f64)>,
}

impl Steps {
    /// Measures the codes `[rows, code]` of samples.
    pub(super) fn measure(session: &mut Session, samples: &Samples<'_>, codes: &[f32]) -> Result<Self> {
        let width = session.model().code_size().max(1);
        let rows = codes.len() / width;
        let mut moments = reserved(width, "the moments of codes")?;
        moments.resize(width, (0.0f64, 0.0f64));
        for code in codes.chunks_exact(width) {
            moments.iter_mut().zip(code).for_each(|((sum, _), &c)| *sum += f64::from(c) / rows as f64);
        }
        for code in codes.chunks_exact(width) {
            let add = |((mean, square), &c): (&mut (f64, f64), &f32)| {
                *square += (f64::from(c) - *mean).powi(2) / rows as f64;
            };
            moments.iter_mut().zip(code).for_each(add);
        }
        let moments = moments.iter().map(|&(mean, variance)| (mean, variance.sqrt()));
        let moments: Vec<(f64, f64)> = moments.collect();
        let weights = weights(session, samples, codes, &moments)?;
        let total: f64 = weights.iter().zip(&moments).map(|(g, (_, deviation))| g * deviation.powi(2)).sum();
        let average = (total / width as f64).sqrt();
        let step = |(&g, &(mean, deviation)): (&f64, &(f64, f64))| {
            // A number that weighs nothing, or never changes, is told by its mean.
            let step = average / g.sqrt();
            let still = mean.abs().max(f64::MIN_POSITIVE);
            (mean, deviation, if step.is_finite() && step > 0.0 { step } else { deviation.max(still) * COARSEST })
        };
        Ok(Self { numbers: weights.iter().zip(&moments).map(step).collect() })
    }

    /// The dimensions at a step.
    pub(super) fn at(&self, step: f64) -> Vec<Dimension> {
        let of = |&(mean, deviation, unit): &(f64, f64, f64)| Dimension::new(unit * step, mean, deviation);
        self.numbers.iter().map(of).collect()
    }

    /// The step of a rate.
    pub(super) fn choose(
        &self,
        session: &mut Session,
        samples: &Samples<'_>,
        codes: &[f32],
        rate: Rate,
    ) -> Result<f64> {
        match rate {
            Rate::Step(step) if (FINEST..=COARSEST).contains(&step) => Ok(step),
            Rate::Step(step) => {
                Err(Error::usage(format!("a step of {step} deviations; give one from {FINEST} to {COARSEST}")))
            }
            Rate::Bits(bits) if bits > 0.0 && bits <= 24.0 => {
                let places = samples.some(CODED / self.numbers.len().max(1));
                let codes = gathered(codes, &places, self.numbers.len())?;
                bisect(|step| {
                    let dimensions = self.at(step);
                    let values = quantised(&dimensions, &codes)?;
                    let count = values.len() as f64;
                    let bytes = payload::write(&Content::Numbers { dimensions, values }, None)?.len();
                    Ok(bytes as f64 * 8.0 / count > bits)
                })
            }
            Rate::Bits(bits) => Err(Error::usage(format!("{bits} bits a number; give more than 0 and at most 24"))),
            Rate::Loss(loss) if loss > 0.0 => {
                let places = samples.some(JUDGED);
                let codes = gathered(codes, &places, self.numbers.len())?;
                let originals = samples.comparable(session, &places)?;
                let mut error = |codes: &[f32]| -> Result<f64> {
                    Ok(squared(&originals, &samples.decoded(session, codes, &places)?))
                };
                let bound = error(&codes)? * 10f64.powf(loss / 10.0);
                bisect(|step| {
                    let dimensions = self.at(step);
                    let values = quantised(&dimensions, &codes)?;
                    Ok(error(&restored(&dimensions, &values)?)? <= bound)
                })
            }
            Rate::Loss(loss) => Err(Error::usage(format!("a loss of {loss} dB; give one above 0"))),
        }
    }
}

/// The coarsest step at which something holds that holds at the finest, on a scale of octaves.
fn bisect(mut holds: impl FnMut(f64) -> Result<bool>) -> Result<f64> {
    let (mut low, mut high) = (FINEST.log2(), COARSEST.log2());
    for _ in 0..ROUNDS {
        let middle = 0.5 * (low + high);
        if holds(middle.exp2())? { low = middle } else { high = middle }
    }
    Ok(low.exp2())
}

/// `g_d`: how much a squared change of each number changes the samples that codes stand for, squared.
fn weights(session: &mut Session, samples: &Samples<'_>, codes: &[f32], moments: &[(f64, f64)]) -> Result<Vec<f64>> {
    let width = moments.len().max(1);
    let places = samples.some((WEIGHED_CODES / width).clamp(4, WEIGHED));
    let codes = gathered(codes, &places, width)?;
    let still = samples.decoded(session, &codes, &places)?;
    let mut moved = reserved(codes.len(), "codes")?;
    let mut weights = reserved(width, "the weights of a code")?;
    for (number, &(_, deviation)) in moments.iter().enumerate() {
        moved.clear();
        moved.extend_from_slice(&codes);
        for (row, code) in moved.chunks_exact_mut(width).enumerate() {
            // To either side, in turn.
            code[number] += (deviation * if row % 2 == 0 { MOVED } else { -MOVED }) as f32;
        }
        let change: f64 = moved.iter().zip(&codes).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let made = if change > 0.0 { squared(&still, &samples.decoded(session, &moved, &places)?) } else { 0.0 };
        weights.push(if change > 0.0 { made / change } else { 0.0 });
    }
    Ok(weights)
}

/// The rows at some places.
fn gathered(codes: &[f32], places: &[usize], width: usize) -> Result<Vec<f32>> {
    let mut out = reserved(places.len() * width, "codes")?;
    places.iter().for_each(|&place| out.extend_from_slice(&codes[place * width..(place + 1) * width]));
    Ok(out)
}

/// The sum of squared differences.
fn squared(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
}

/// Codes as whole numbers.
pub(super) fn quantised(dimensions: &[Dimension], codes: &[f32]) -> Result<Vec<i32>> {
    let mut values = reserved(codes.len(), "codes")?;
    let of_code = |code: &[f32]| -> Vec<i32> { code.iter().zip(dimensions).map(|(&c, d)| d.quantise(c)).collect() };
    codes.chunks_exact(dimensions.len().max(1)).for_each(|code| values.extend(of_code(code)));
    Ok(values)
}

/// And back.
pub(super) fn restored(dimensions: &[Dimension], values: &[i32]) -> Result<Vec<f32>> {
    let mut codes = reserved(values.len(), "codes")?;
    for code in values.chunks_exact(dimensions.len().max(1)) {
        codes.extend(code.iter().zip(dimensions).map(|(&value, dimension)| dimension.restore(value)));
    }
    Ok(codes)
}
