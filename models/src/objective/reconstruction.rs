//! The term that compares a reconstruction with its sample: squared error, cross-entropy, a Gaussian's likelihood, or
//! that of a table's columns.
//!
//! Everything is summed over features and averaged over samples. With sums, `½‖x̂ − x‖² + β KL` has the minimum of
//! `mean squared error + w KL` for `w = 2β/d`: the two ways that people write a VAE's weight.

use super::columns::Columns;
use crate::data::Column;
use crate::settings::{settings, word};
use crate::{Error, Result};
use narrows_engine::ops::{Axis, Reduction};
use narrows_engine::{Parameters, Real, Tape, Var};
use std::f64::consts::{E, TAU};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// What a reconstruction is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum LossName {
    /// Follows the data: `bce` if all values lie in 0..1, else `mse`.
    Auto,
    /// The squared error, summed over features.
    Mse,
    /// The binary cross-entropy from logits, summed over features; the output is a sigmoid.
    Bce,
    /// The likelihood of each column of a table: a Gaussian of its own deviation, a softmax, or a Bernoulli.
    Columns,
}

word!(LossName, "loss");

/// The activation of a decoder's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum OutputName {
    /// A sigmoid for the cross-entropy, else linear.
    Auto,
    /// None.
    Linear,
    /// 1 / (1 + e^−x)
    Sigmoid,
}

word!(OutputName, "output");

settings! {
    /// The keys of a reconstruction.
    ReconstructionKeys {
        loss: LossName = LossName::Auto, "NAME", "what a reconstruction is compared by; auto follows the data's range";
        output: OutputName = OutputName::Auto, "NAME", "activation of the output";
    }
}

impl ReconstructionKeys {
    /// Settles what is left to the data, which lie in 0..1 or not, and says what it chose. `mixed`: they have columns
    /// that are no quantities; `linear`: the type has a linear output whatever the data are; `instead`: what to give where a cross-entropy does not fit.
    ///
    /// # Errors
    /// A loss or an output that does not fit the data.
    pub fn settle(&mut self, unit: bool, mixed: bool, linear: bool, instead: &str) -> Result<Vec<String>> {
        let mut decisions = Vec::new();
        if mixed || self.loss == LossName::Columns {
            return self.settle_columns(linear);
        }
        let linear = linear || self.output == OutputName::Linear;
        match self.loss {
            LossName::Auto => {
                self.loss = if unit && !linear { LossName::Bce } else { LossName::Mse };
                let why = match (linear, unit) {
                    (true, _) => "the output is linear",
                    (false, true) => "the scaled data lie in 0..1",
                    (false, false) => "the scaled data leave 0..1",
                };
                decisions.push(format!("loss: {}, for {why}", self.loss.name()));
            }
            LossName::Bce if !unit => {
                return Err(Error::usage(format!(
                    "the loss is the cross-entropy, but the scaled data leave 0..1; give {instead}, or --scaling range or minmax"
                )));
            }
            LossName::Bce | LossName::Mse | LossName::Columns => {}
        }
        if self.output == OutputName::Auto {
            self.output = if self.loss == LossName::Bce { OutputName::Sigmoid } else { OutputName::Linear };
        }
        if self.output == OutputName::Sigmoid && !unit {
            return Err(Error::usage(
                "output is sigmoid, but the scaled data leave 0..1; give output linear, or --scaling range or minmax",
            ));
        }
        Ok(decisions)
    }

    /// The same of a loss that is the columns' own.
    fn settle_columns(&mut self, linear: bool) -> Result<Vec<String>> {
        if linear || self.output == OutputName::Sigmoid || matches!(self.loss, LossName::Mse | LossName::Bce) {
            return Err(Error::usage(
                "the data have columns of words, whose numbers have no distances; leave loss and output auto, use a type that \
                 takes such columns (undercomplete, denoising, variational, importance-weighted and others), or leave these \
                 columns out by --columns",
            ));
        }
        let said = match self.loss {
            LossName::Auto => vec!["loss: columns, each column by its own likelihood".into()],
            _ => Vec::new(),
        };
        (self.loss, self.output) = (LossName::Columns, OutputName::Linear);
        Ok(said)
    }

    /// Whether the output is a sigmoid; the loss is settled.
    ///
    /// # Errors
    /// A loss that is still `auto`; an output that contradicts the loss.
    pub fn sigmoid(&self) -> Result<bool> {
        Ok(match (self.loss, self.output) {
            (LossName::Auto, _) => {
                return Err(Error::usage("loss is `auto`, which only data can resolve; give mse or bce"));
            }
            (LossName::Bce, OutputName::Linear) => {
                return Err(Error::usage(
                    "loss is bce and output is linear; the cross-entropy is of probabilities: give output sigmoid, or \
                     loss mse",
                ));
            }
            (LossName::Bce, _) | (LossName::Mse, OutputName::Sigmoid) => true,
            (LossName::Mse | LossName::Columns, _) => false,
        })
    }
}

/// How a reconstruction is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Reconstruction {
    /// `Σ_j −x_j ln x̂_j − (1−x_j) ln(1−x̂_j)` with x̂ = sigmoid(z), from the logits z: a Bernoulli's negative
    /// log-likelihood.
    CrossEntropy,
    /// `‖x̂ − x‖²`; x̂ = z or sigmoid(z).
    SquaredError {
        /// Whether the output is a sigmoid.
        sigmoid: bool,
    },
    /// `‖x̂ − x‖²/(2σ²) + d/2 ln(2πσ²)`: a Gaussian's negative log-likelihood.
    Gaussian {
        /// σ
        sigma: f64,
        /// Whether the output is a sigmoid.
        sigmoid: bool,
    },
    /// The likelihood of a row of a table; see [`Columns`].
    Columns(Columns),
    /// The same as `Gaussian` for the σ² that fits the batch best, its mean squared error: `d/2 ln(2πe MSE)` (Rybkin, Daniilidis &
    /// Levine 2020).
    OptimalGaussian {
        /// Whether the output is a sigmoid.
        sigmoid: bool,
    },
}

impl Reconstruction {
    /// What the keys ask for; the loss is settled. `columns` are those of a table.
    ///
    /// # Errors
    /// As for [`ReconstructionKeys::sigmoid`]; no memory.
    pub fn new<T: Real>(keys: &ReconstructionKeys, columns: &[Column], parameters: &mut Parameters<T>) -> Result<Self> {
        let sigmoid = keys.sigmoid()?;
        if keys.loss == LossName::Columns {
            return Columns::new(columns, parameters).map(Self::Columns);
        }
        Ok(if keys.loss == LossName::Bce { Self::CrossEntropy } else { Self::SquaredError { sigmoid } })
    }

    /// Whether the reconstruction is a sigmoid of what a decoder gives.
    pub fn is_sigmoid(&self) -> bool {
        match *self {
            Self::CrossEntropy => true,
            Self::Columns(_) => false,
            Self::SquaredError { sigmoid } | Self::Gaussian { sigmoid, .. } | Self::OptimalGaussian { sigmoid } => {
                sigmoid
            }
        }
    }

    /// Whether the value of a batch is not the mean of its samples' values.
    pub fn couples_samples(&self) -> bool {
        matches!(self, Self::OptimalGaussian { .. })
    }

    /// What a decoder gives, as a reconstruction.
    #[track_caller]
    pub fn output<T: Real>(&self, tape: &Tape<T>, raw: Var) -> Var {
        self.collapse(tape, self.expected(tape, raw))
    }

    /// What a decoder gives, as means and probabilities: what may be averaged over several codes.
    #[track_caller]
    pub fn expected<T: Real>(&self, tape: &Tape<T>, raw: Var) -> Var {
        match self {
            Self::Columns(columns) => columns.expected(tape, raw),
            _ if self.is_sigmoid() => tape.sigmoid(raw),
            _ => raw,
        }
    }

    /// Means and probabilities as a sample.
    #[track_caller]
    pub fn collapse<T: Real>(&self, tape: &Tape<T>, expected: Var) -> Var {
        if let Self::Columns(columns) = self { columns.collapse(tape, expected) } else { expected }
    }

    /// A draw around means and probabilities: of columns and of a Gaussian likelihood; of pixels these themselves, for grey
    /// values are no coin tosses.
    #[track_caller]
    pub fn draw<T: Real>(&self, tape: &Tape<T>, expected: Var) -> Var {
        match self {
            Self::Columns(columns) => columns.draw(tape, expected),
            Self::Gaussian { sigma, .. } => tape.add(expected, tape.scale(tape.normal_noise(expected), *sigma)),
            _ => expected,
        }
    }

    /// A new sample of what a decoder gives: a row of a table is drawn from its columns' distributions, for classes have no
    /// mean; anything else is the mean.
    #[track_caller]
    pub fn sampled<T: Real>(&self, tape: &Tape<T>, raw: Var) -> Var {
        match self {
            Self::Columns(columns) => columns.draw(tape, columns.expected(tape, raw)),
            _ => self.output(tape, raw),
        }
    }

    /// What layers see of samples: numbers as they are, classes one-hot.
    #[track_caller]
    pub fn widen<T: Real>(&self, tape: &Tape<T>, x: Var, mask: Option<Var>) -> Var {
        if let Self::Columns(columns) = self { columns.widen(tape, x, mask) } else { x }
    }

    /// The term for `raw`, what a decoder gives, against `x`, both `[N, features]`; `weights`, of the same shape, say
    /// what each component counts.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, raw: Var, x: Var, weights: Option<Var>) -> Var {
        if let Self::Columns(columns) = self {
            let each = columns.each(tape, raw, x, false);
            let counted = weights.map_or(each, |weights| tape.mul(each, weights));
            return tape.mean(tape.sum_over(counted, Axis::Row));
        }
        if let Some(weights) = weights {
            // The rare case: element by element, from operations that are there.
            let each = self.each(tape, raw, x);
            return tape.mean(tape.sum_over(tape.mul(each, weights), Axis::Row));
        }
        let features = tape.shape(x).sample_elements() as f64;
        let squares = |reduction| tape.mean_squared_error(self.output(tape, raw), x, reduction);
        match *self {
            Self::CrossEntropy => tape.binary_cross_entropy(raw, x, Reduction::SumOverFeatures),
            Self::SquaredError { .. } | Self::Columns(_) => squares(Reduction::SumOverFeatures),
            Self::Gaussian { sigma, .. } => {
                let scaled = tape.scale(squares(Reduction::SumOverFeatures), 0.5 / (sigma * sigma));
                tape.add_scalar(scaled, 0.5 * features * (TAU * sigma * sigma).ln())
            }
            Self::OptimalGaussian { .. } => {
                // A floor far below any error of f32 keeps the logarithm finite.
                let variance = tape.add_scalar(squares(Reduction::Mean), 1e-12);
                let log = tape.scale(tape.ln(variance), 0.5 * features);
                tape.add_scalar(log, 0.5 * features * (TAU * E).ln())
            }
        }
    }

    /// What each component adds, `[N, features]`: the cross-entropy or the square; of a column its negative log-likelihood,
    /// a Gaussian's without its constants.
    #[track_caller]
    pub fn each<T: Real>(&self, tape: &Tape<T>, raw: Var, x: Var) -> Var {
        match self {
            // softplus(z) − x z
            Self::CrossEntropy => tape.sub(tape.softplus(raw), tape.mul(raw, x)),
            Self::Columns(columns) => columns.each(tape, raw, x, true),
            _ => tape.square(tape.sub(self.output(tape, raw), x)),
        }
    }

    /// The negative log-likelihood of each sample, `[N, 1]`; `variance` is the Gaussian's where the best one is taken.
    /// With a mask of the sample's shape it is that of the components where the mask is 1.
    #[track_caller]
    pub fn of_samples<T: Real>(&self, tape: &Tape<T>, raw: Var, x: Var, mask: Option<Var>, variance: f64) -> Var {
        let each = match self {
            Self::Columns(columns) => columns.each(tape, raw, x, false),
            _ => self.each(tape, raw, x),
        };
        let sums = tape.sum_over(mask.map_or(each, |mask| tape.mul(each, mask)), Axis::Row);
        let variance = match *self {
            Self::CrossEntropy | Self::Columns(_) => return sums,
            Self::Gaussian { sigma, .. } => sigma * sigma,
            Self::SquaredError { .. } | Self::OptimalGaussian { .. } => variance.max(1e-12),
        };
        let (scaled, constant) = (tape.scale(sums, 0.5 / variance), 0.5 * (TAU * variance).ln());
        match mask {
            None => tape.add_scalar(scaled, constant * tape.shape(x).sample_elements() as f64),
            Some(mask) => tape.add(scaled, tape.scale(tape.sum_over(mask, Axis::Row), constant)),
        }
    }
}
