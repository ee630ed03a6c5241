//! How far a reconstruction is from its sample, feature by feature: squared error and cross-entropy.
//!
//! Where values are missing, only those that are present count, and means per feature are over these.

use super::images::psnr;
use super::metric::{About, Figures, Metric, Sum, Vars, number};
use crate::Result;
use crate::figure::short;
use crate::objective::Reconstruction;
use narrows_engine::ops::{Axis, Reduction};
use narrows_engine::{Tape, Var, Workspace};

/// Of a class the error is half of that of its probabilities. `squared_error`, summed over features and averaged over samples; `mse`, the mean per feature; `psnr`, that in
/// decibels where the range of values is known.
#[derive(Debug, Clone, Default)]
pub struct SquaredError {
    /// The error (of a batch its mean over samples, or with a mask its sum), and how many values are present.
    recorded: Option<(Var, Option<Var>)>,
    per_sample: Sum,
    per_feature: Sum,
    about: About,
}

impl Metric for SquaredError {
    fn record(&mut self, tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        let recorded = match (vars.mask, vars.compared) {
            (mask, Reconstruction::Columns(columns)) => {
                let each = columns.squares(tape, vars.raw, vars.x);
                let rows = tape.sum_over(mask.map_or(each, |mask| tape.mul(each, mask)), Axis::Row);
                match mask {
                    Some(mask) => (tape.sum(rows), Some(tape.sum(mask))),
                    None => (tape.mean(rows), None),
                }
            }
            (None, _) => (tape.mean_squared_error(vars.reconstruction, vars.x, Reduction::SumOverFeatures), None),
            (Some(mask), _) => {
                let difference = tape.sub(vars.reconstruction, vars.x);
                (tape.sum(tape.square(tape.mul(difference, mask))), Some(tape.sum(mask)))
            }
        };
        self.recorded = Some(recorded);
        [Some(recorded.0), recorded.1].into_iter().flatten().collect()
    }

    fn start(&mut self, about: &About) -> Result<()> {
        (self.per_sample, self.per_feature, self.about) = (Sum::default(), Sum::default(), *about);
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let Some((error, present)) = self.recorded else { return Ok(()) };
        let rows = batch.rows() as f64;
        let (total, present) = match present {
            None => (rows * number(batch, error)?, rows * self.about.features as f64),
            Some(present) => (number(batch, error)?, number(batch, present)?),
        };
        self.per_sample.add(total, rows);
        self.per_feature.add(total, present);
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        let mse = self.per_feature.mean();
        figures.put("squared_error", self.per_sample.mean())?;
        figures.put("mse", mse)?;
        figures.put("psnr", self.about.range.map(|range| psnr(mse, range)))
    }

    fn words(&self, figures: &Figures) -> Option<String> {
        let psnr = figures.number("psnr").map(|psnr| format!(", psnr {} dB", short(psnr)));
        Some(format!("mse {}{}", short(figures.or_nan("mse")), psnr.unwrap_or_default()))
    }
}

/// `bce`, the binary cross-entropy per feature, in nats; null where the output is no sigmoid or the samples leave 0..1.
#[derive(Debug, Clone, Default)]
pub struct CrossEntropy {
    /// The entropy (of a batch its mean, or with a mask its sum), and how many values are present.
    recorded: Option<(Var, Option<Var>)>,
    sum: Sum,
    features: usize,
}

impl Metric for CrossEntropy {
    fn record(&mut self, tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        if !vars.sigmoid {
            return Vec::new();
        }
        let recorded = match vars.mask {
            None => (tape.binary_cross_entropy(vars.raw, vars.x, Reduction::Mean), None),
            Some(mask) => {
                // −x ln σ(a) − (1 − x) ln (1 − σ(a)) = softplus(a) − x a
                let each = tape.sub(tape.softplus(vars.raw), tape.mul(vars.x, vars.raw));
                (tape.sum(tape.mul(each, mask)), Some(tape.sum(mask)))
            }
        };
        self.recorded = Some(recorded);
        [Some(recorded.0), recorded.1].into_iter().flatten().collect()
    }

    fn start(&mut self, about: &About) -> Result<()> {
        (self.sum, self.features) = (Sum::default(), about.features);
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let Some((entropy, present)) = self.recorded else { return Ok(()) };
        match present {
            None => {
                let values = batch.rows() as f64 * self.features as f64;
                self.sum.add(values * number(batch, entropy)?, values);
            }
            Some(present) => self.sum.add(number(batch, entropy)?, number(batch, present)?),
        }
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        figures.put("bce", self.recorded.map(|_| self.sum.mean()))
    }

    fn words(&self, figures: &Figures) -> Option<String> {
        Some(format!("bce {}", short(figures.number("bce")?)))
    }
}
