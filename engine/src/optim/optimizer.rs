//! An optimiser with its moments, in the layout of the flat parameter buffer.
//!
//! A step computes its constants in `f64`, rounds them once to the element type, and runs one kernel over the
//! parameters, halving the slices for threads; it allocates nothing. State is at most two buffers as long as the
//! parameters, which a checkpoint reads and writes by PyTorch's names.

use super::config::{OptimizerConfig, OutOfRange};
use crate::base::parallel::Split;
use crate::simd::kernels::{AdamStep, Descent, MomentumStep, RmsPropStep, Updates};
use crate::simd::{Backend, Buffer, Float};
use std::fmt;
use std::ops::Range;

/// Elements that one thread takes at least.
const GRAIN: usize = 16_384;

/// Why an optimiser could not be made, stepped or restored. Nothing has been changed then.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum OptimizerError {
    /// A constant, the learning rate or the clipping factor is outside its range.
    OutOfRange(OutOfRange),
    /// No memory for the moments.
    OutOfMemory(crate::Error),
    /// A slice is not as long as the parameters.
    Length {
        /// Which slice.
        what: &'static str,
        /// How many parameters the optimiser was made for.
        expected: usize,
        /// How long the slice is.
        found: usize,
    },
    /// A range ends before it starts, or behind the last parameter, or starts before its predecessor's end.
    Range(Range<usize>),
    /// This optimiser keeps no state of that name.
    UnknownState(String),
    /// The loss or the gradient is infinite or NaN where a minimisation starts: which of them.
    NotFinite(&'static str),
    /// A checkpoint does not fit this optimiser or contradicts itself: how. The optimiser starts afresh then.
    Inconsistent(&'static str),
}

impl fmt::Display for OptimizerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange(error) => error.fmt(f),
            Self::OutOfMemory(error) => write!(f, "the optimiser's state: {error}"),
            Self::Length { what, expected, found } => {
                write!(f, "{what}: {found} numbers, but the optimiser was made for {expected}")
            }
            Self::Range(range) => {
                write!(f, "the range {range:?} leaves the parameters or the order of the ranges")
            }
            Self::UnknownState(name) => write!(f, "this optimiser keeps no state named \"{name}\""),
            Self::NotFinite(what) => write!(f, "the {what} is not finite where the minimisation starts"),
            Self::Inconsistent(how) => write!(f, "the optimiser's saved state cannot be used: {how}"),
        }
    }
}

impl std::error::Error for OptimizerError {}

impl From<OutOfRange> for OptimizerError {
    fn from(error: OutOfRange) -> Self {
        Self::OutOfRange(error)
    }
}

impl From<crate::Error> for OptimizerError {
    fn from(error: crate::Error) -> Self {
        Self::OutOfMemory(error)
    }
}

/// An optimiser for a flat buffer of parameters.
#[derive(Debug)]
pub struct Optimizer<T> {
    config: OptimizerConfig,
    len: usize,
    steps: u64,
    first: Buffer<T>,
    second: Buffer<T>,
}

impl<T: Float> Optimizer<T> {
    /// An optimiser for `len` parameters, its moments zero.
    ///
    /// # Errors
    /// When a constant is outside its range, or the memory cannot be had.
    pub fn new(config: OptimizerConfig, len: usize) -> Result<Self, OptimizerError> {
        config.validate()?;
        let [first, second] = state_names(&config).map(|name| Buffer::zeroed(if name.is_some() { len } else { 0 }));
        Ok(Self { config, len, steps: 0, first: first?, second: second? })
    }

    /// The optimiser's constants.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// How many parameters it was made for.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many steps were taken: `t` of Adam's bias correction.
    pub fn steps_taken(&self) -> u64 {
        self.steps
    }

    /// Moves all parameters by one step of learning rate `lr` along the gradient times `clip`.
    ///
    /// # Errors
    /// When a slice has another length than the optimiser, or `lr` or `clip` is negative or not finite.
    pub fn step(
        &mut self,
        split: Split,
        backend: Backend,
        lr: f64,
        clip: f64,
        parameters: &mut [T],
        gradients: &[T],
    ) -> Result<(), OptimizerError> {
        let all = 0..self.len;
        self.step_ranges(split, backend, lr, clip, parameters, gradients, std::slice::from_ref(&all))
    }

    /// [`Self::step`] for the parameters in `ranges` only, which ascend and do not overlap; the others are frozen.
    ///
    /// # Errors
    /// As [`Self::step`], and when a range is not inside the parameters or not in order.
    #[allow(clippy::too_many_arguments)]
    pub fn step_ranges(
        &mut self,
        split: Split,
        backend: Backend,
        lr: f64,
        clip: f64,
        parameters: &mut [T],
        gradients: &[T],
        ranges: &[Range<usize>],
    ) -> Result<(), OptimizerError> {
        self.check(lr, clip, parameters.len(), gradients.len(), ranges)?;
        self.steps = self.steps.saturating_add(1);
        let pass = Pass::new(&self.config, self.steps, lr, clip);
        let kernels = T::updates(backend);
        for range in ranges {
            let slices = Slices {
                p: &mut parameters[range.clone()],
                g: &gradients[range.clone()],
                first: part(self.first.as_mut_slice(), range),
                second: part(self.second.as_mut_slice(), range),
            };
            pass.run(split, kernels, slices);
        }
        Ok(())
    }

    fn check(
        &self,
        lr: f64,
        clip: f64,
        parameters: usize,
        gradients: usize,
        ranges: &[Range<usize>],
    ) -> Result<(), OptimizerError> {
        for (field, value) in [("learning rate", lr), ("clipping factor", clip)] {
            if !(T::from_f64(value).is_finite() && value >= 0.0) {
                return Err(OutOfRange { field, value, allowed: "finite in the element type and not negative" }.into());
            }
        }
        self.check_len("parameters", parameters)?;
        self.check_len("gradients", gradients)?;
        let mut end = 0;
        for range in ranges {
            if range.start < end || range.end < range.start || range.end > self.len {
                return Err(OptimizerError::Range(range.clone()));
            }
            end = range.end;
        }
        Ok(())
    }

    fn check_len(&self, what: &'static str, found: usize) -> Result<(), OptimizerError> {
        if found == self.len { Ok(()) } else { Err(OptimizerError::Length { what, expected: self.len, found }) }
    }

    /// The moments by name, in a fixed order, for a checkpoint: "momentum", "exp_avg", "exp_avg_sq", "square_avg".
    pub fn state(&self) -> impl Iterator<Item = (&'static str, &[T])> {
        let buffers = [&self.first, &self.second];
        state_names(&self.config).into_iter().zip(buffers).filter_map(|(name, b)| Some((name?, b.as_slice())))
    }

    /// Puts back one of the moments of [`Self::state`].
    ///
    /// # Errors
    /// When this optimiser keeps no such state, or `values` has another length.
    pub fn restore(&mut self, steps: u64, name: &str, values: &[T]) -> Result<(), OptimizerError> {
        let which = state_names(&self.config).iter().position(|known| *known == Some(name));
        let which = which.ok_or_else(|| OptimizerError::UnknownState(name.to_owned()))?;
        let (what, _) = self.state().nth(which).ok_or_else(|| OptimizerError::UnknownState(name.to_owned()))?;
        self.check_len(what, values.len())?;
        let buffer = if which == 0 { &mut self.first } else { &mut self.second };
        buffer.as_mut_slice().copy_from_slice(values);
        self.steps = steps;
        Ok(())
    }

    /// Sets the number of steps taken, which is all the state that plain descent has.
    pub fn restore_steps(&mut self, steps: u64) {
        self.steps = steps;
    }
}

/// What the two buffers are called; `None` where there is none.
fn state_names(config: &OptimizerConfig) -> [Option<&'static str>; 2] {
    match *config {
        OptimizerConfig::Sgd { momentum, .. } => [(momentum != 0.0).then_some("momentum"), None],
        OptimizerConfig::Adam { .. } | OptimizerConfig::AdamW { .. } => [Some("exp_avg"), Some("exp_avg_sq")],
        OptimizerConfig::RmsProp { momentum, .. } => [Some("square_avg"), (momentum != 0.0).then_some("momentum")],
    }
}

/// The range's part of a moment, or nothing where there is no such moment.
fn part<'a, T>(buffer: &'a mut [T], range: &Range<usize>) -> &'a mut [T] {
    buffer.get_mut(range.clone()).unwrap_or_default()
}

/// The same elements of all buffers.
struct Slices<'a, T> {
    p: &'a mut [T],
    g: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

impl<'a, T> Slices<'a, T> {
    fn split_at(self, at: usize) -> (Self, Self) {
        let (p, p_rest) = self.p.split_at_mut(at);
        let (g, g_rest) = self.g.split_at(at);
        let (first, first_rest) = self.first.split_at_mut(at.min(self.first.len()));
        let (second, second_rest) = self.second.split_at_mut(at.min(self.second.len()));
        (Slices { p, g, first, second }, Slices { p: p_rest, g: g_rest, first: first_rest, second: second_rest })
    }
}

/// A kernel and this step's constants for it.
enum Pass<T> {
    Sgd(Descent<T>),
    Momentum(MomentumStep<T>),
    Adam(AdamStep<T>),
    RmsProp(RmsPropStep<T>),
    RmsPropMomentum(RmsPropStep<T>),
}

impl<T: Float> Pass<T> {
    fn new(config: &OptimizerConfig, steps: u64, lr: f64, clip: f64) -> Self {
        let t = T::from_f64;
        let descent = |rate, weight_decay| Descent { rate: t(rate), clip: t(clip), weight_decay: t(weight_decay) };
        let adam = |beta1: f64, beta2: f64, epsilon, weight_decay, keep| {
            let rate = lr / (1.0 - beta1.powf(steps as f64));
            let root_correction = (1.0 - beta2.powf(steps as f64)).sqrt().recip();
            Pass::Adam(AdamStep {
                descent: descent(rate, weight_decay),
                mix1: t(1.0 - beta1),
                beta2: t(beta2),
                mix2: t(1.0 - beta2),
                root_correction: t(root_correction),
                epsilon: t(epsilon),
                keep: t(keep),
            })
        };
        match *config {
            OptimizerConfig::Sgd { momentum: 0.0, weight_decay, .. } => Pass::Sgd(descent(lr, weight_decay)),
            OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                Pass::Momentum(MomentumStep { descent: descent(lr, weight_decay), momentum: t(momentum), nesterov })
            }
            OptimizerConfig::Adam { beta1, beta2, epsilon, weight_decay } => {
                adam(beta1, beta2, epsilon, weight_decay, 1.0)
            }
            OptimizerConfig::AdamW { beta1, beta2, epsilon, weight_decay } => {
                adam(beta1, beta2, epsilon, 0.0, 1.0 - lr * weight_decay)
            }
            OptimizerConfig::RmsProp { alpha, epsilon, momentum, weight_decay } => {
                let step = RmsPropStep {
                    descent: descent(lr, weight_decay),
                    alpha: t(alpha),
                    mix: t(1.0 - alpha),
                    epsilon: t(epsilon),
                    momentum: t(momentum),
                };
                if momentum == 0.0 { Pass::RmsProp(step) } else { Pass::RmsPropMomentum(step) }
            }
        }
    }

    fn run(&self, split: Split, kernels: &Updates<T>, slices: Slices<'_, T>) {
        let len = slices.p.len();
        let middle = (len / 2).next_multiple_of(GRAIN);
        if split != Split::Serial && middle < len {
            let (left, right) = slices.split_at(middle);
            split.join(|| self.run(split, kernels, left), || self.run(split, kernels, right));
            return;
        }
        let Slices { p, g, first, second } = slices;
        match self {
            Pass::Sgd(step) => kernels.sgd(p, g, step),
            Pass::Momentum(step) => kernels.momentum(p, g, first, step),
            Pass::Adam(step) => kernels.adam(p, g, first, second, step),
            Pass::RmsProp(step) => kernels.rmsprop(p, g, first, step),
            Pass::RmsPropMomentum(step) => kernels.rmsprop_momentum(p, g, first, second, step),
        }
    }
}
