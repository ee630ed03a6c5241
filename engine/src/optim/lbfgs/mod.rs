//! L-BFGS (Nocedal 1980; Liu and Nocedal 1989): full-batch minimisation with the curvature of the last few steps.
//!
//! An iteration takes the two-loop recursion's direction (Nocedal and Wright 2006, algorithms 7.4 and 7.5) from
//! `pairs`; `line` evaluates where `wolfe` asks for it, `space` does the sums, `config` holds the constants. Called by
//! whoever can evaluate the loss of all data. Layout: `2 history + 4` buffers as long as the parameters, in which only
//! the trained ranges count.

mod config;
mod line;
mod pairs;
mod space;
mod wolfe;

pub use config::{Converged, Iteration, LbfgsConfig, MAX_HISTORY};
pub use line::Evaluate;

use super::optimizer::Read;
use crate::base::{Backend, Buffer, Error, Split};
use crate::tape::{Parameters, Plan, Real};
use line::{Line, Work};
use pairs::{PAIR_NAMES, Pairs, room};
use space::Space;
use std::ops::Range;

/// L-BFGS for the parameters that a plan trains.
#[derive(Debug)]
pub struct Lbfgs<T> {
    config: LbfgsConfig,
    backend: Backend,
    layout: u64,
    len: usize,
    trained: Vec<Range<usize>>,
    iterations: u64,
    /// The loss whose gradient `work.gradient` holds.
    loss: Option<f64>,
    pairs: Pairs<T>,
    work: Work<T>,
}

impl<T: Real> Lbfgs<T> {
    /// An optimiser for the parameters that `plan` trains, on its vector instructions.
    ///
    /// Reserves `2 history + 4` times the parameters' memory; iterations reserve none.
    ///
    /// # Errors
    /// When a constant is outside its range, or the memory cannot be had.
    pub fn new(config: LbfgsConfig, plan: &Plan<T>) -> Result<Self, Error> {
        let optimizer = Self::over(config, plan.flat_len, plan.trained())?;
        Ok(Self { backend: plan.backend(), layout: plan.layout(), ..optimizer })
    }

    /// The same for some ranges of a buffer.
    fn over(config: LbfgsConfig, len: usize, ranges: &[Range<usize>]) -> Result<Self, Error> {
        config.check()?;
        let mut trained: Vec<Range<usize>> = room(ranges.len())?;
        let mut end = 0;
        for range in ranges {
            if range.start < end || range.end < range.start || range.end > len {
                let what = format!("the range {range:?} leaves the parameters or the order of the ranges");
                return Err(Error::mismatch(what));
            }
            match trained.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => trained.push(range.clone()),
            }
            end = range.end;
        }
        // All of it at once first: what cannot be had is refused before any of it is touched.
        let elements = len.checked_mul(2 * config.history + 4);
        Buffer::<T>::default().reserve(elements.ok_or_else(|| Error::out_of_memory(usize::MAX))?)?;
        let [gradient, trial, start, direction] = [(); 4].map(|()| Buffer::zeroed(len));
        let work = Work { gradient: gradient?, trial: trial?, start: start?, direction: direction? };
        let pairs = Pairs::new(config.history, len)?;
        let (backend, layout) = (Backend::current(), 0);
        Ok(Self { config, backend, layout, len, trained, iterations: 0, loss: None, pairs, work })
    }

    /// The optimiser's constants.
    pub fn config(&self) -> &LbfgsConfig {
        &self.config
    }

    /// How many iterations moved the parameters.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// Forgets the history and the gradient: for parameters or a loss that changed between two iterations.
    pub fn restart(&mut self) {
        self.pairs.clear();
        self.loss = None;
    }

    /// Moves the trained parameters to a lower loss along one direction.
    ///
    /// The first iteration evaluates the loss where the parameters are; a later one takes its predecessor's word for
    /// it. A loss or a slope that is not finite shortens the step. A line search that fails drops the history and is
    /// repeated along the gradient.
    ///
    /// # Errors
    /// What `evaluate` fails with; a loss or a gradient that is not finite before the first step; parameters of another
    /// layout than the plan's. The parameters are then as they were.
    pub fn iterate<E: From<Error>>(
        &mut self,
        parameters: &mut Parameters<T>,
        evaluate: Evaluate<'_, T, E>,
        split: Split,
    ) -> Result<Iteration, E> {
        if parameters.layout() != self.layout || parameters.flat().len() != self.len {
            let what = "these parameters are not laid out as those that the optimiser was made for";
            return Err(Error::mismatch(what).into());
        }
        self.descend(parameters, evaluate, split)
    }

    /// [`Self::iterate`] without looking at the layout.
    fn descend<E: From<Error>>(
        &mut self,
        parameters: &mut Parameters<T>,
        evaluate: Evaluate<'_, T, E>,
        split: Split,
    ) -> Result<Iteration, E> {
        let space = Space { split, kernels: T::elementwise(self.backend), ranges: &self.trained };
        let mut line = Line { space, parameters, work: &mut self.work, evaluate, evaluations: 0 };
        let loss = match self.loss {
            Some(loss) => loss,
            None => line.begin()?,
        };
        self.loss = Some(loss);
        if space.largest(line.work.gradient.as_slice()) <= self.config.tolerance_gradient {
            return Ok(Iteration { loss, evaluations: line.evaluations, converged: Some(Converged::Gradient) });
        }
        space.scaled(1.0, line.parameters.flat(), line.work.start.as_mut_slice(), false);
        let found = line.descend(&mut self.pairs, loss, self.config.max_evaluations);
        let Ok(Some(point)) = found else {
            space.scaled(1.0, line.work.start.as_slice(), line.parameters.flat_mut(), false);
            let converged = Some(Converged::LineSearch);
            return found.map(|_| Iteration { loss, evaluations: line.evaluations, converged });
        };
        line.keep(&mut self.pairs);
        let evaluations = line.evaluations;
        self.loss = Some(point.loss);
        self.iterations = self.iterations.saturating_add(1);
        let small = loss - point.loss <= self.config.tolerance_change * loss.abs().max(point.loss.abs());
        Ok(Iteration { loss: point.loss, evaluations, converged: small.then_some(Converged::Change) })
    }

    /// The tensors of a checkpoint by name, each as long as the parameters: "gradient", "s0", "s1", ..., "y0", ....
    ///
    /// There are none before the first iteration and `1 + 2 history` at most.
    pub fn state(&self) -> impl Iterator<Item = (&'static str, &[T])> {
        let gradient = self.loss.map(|_| ("gradient", self.work.gradient.as_slice()));
        let [s, y] = [(0, &self.pairs.s), (1, &self.pairs.y)].map(|(kind, buffers)| {
            let oldest_first = (0..self.pairs.count).rev().map(|age| buffers[self.pairs.slot(age)].as_slice());
            PAIR_NAMES[kind].into_iter().zip(oldest_first)
        });
        gradient.into_iter().chain(s).chain(y)
    }

    /// The numbers of a checkpoint, as bits: how many parameters are trained, the iterations, whether there is a loss,
    /// the loss, the scale of `H0`, and `1 / sᵀy` of every pair, the oldest first.
    pub fn numbers(&self) -> Vec<u64> {
        let (known, loss) = (u64::from(self.loss.is_some()), self.loss.unwrap_or(0.0));
        let head = [self.trained_elements(), self.iterations, known, loss.to_bits(), self.pairs.scale.to_bits()];
        let rho = (0..self.pairs.count).rev().map(|age| self.pairs.rho[self.pairs.slot(age)].to_bits());
        head.into_iter().chain(rho).collect()
    }

    /// Goes on from [`Self::numbers`] and the tensors of [`Self::state`], which `read` writes into the slices it is
    /// given, by name. With the same parameters and ranges, the same bits follow as without the interruption.
    ///
    /// # Errors
    /// Numbers or tensors that no iteration leaves behind, pairs beyond this history, or another number of trained
    /// parameters; what `read` fails with. There is no history then.
    pub fn restore<E: From<Error>>(&mut self, numbers: &[u64], read: Read<'_, E, T>) -> Result<(), E> {
        self.restart();
        let wrong = |how| {
            let what = format!("the optimiser's saved state cannot be used: {how}");
            Err(E::from(Error::mismatch(what)))
        };
        let Some((&[trained, iterations, known, loss, scale], rho)) = numbers.split_first_chunk() else {
            return wrong("there are too few numbers");
        };
        let [loss, scale] = [loss, scale].map(f64::from_bits);
        let positive = |x: f64| x > 0.0 && x.is_finite();
        if trained != self.trained_elements() {
            return wrong("other parameters are trained");
        }
        if rho.len() > self.config.history {
            return wrong("there are more pairs than the history holds");
        }
        let sound = known <= 1 && loss.is_finite() && positive(scale) && (known == 1 || rho.is_empty());
        if !sound || !rho.iter().all(|&rho| positive(f64::from_bits(rho))) {
            return wrong("the numbers contradict each other");
        }
        let pairs = &mut self.pairs;
        let gradient = (known == 1).then_some(("gradient", &mut self.work.gradient)).into_iter();
        let s = PAIR_NAMES[0].into_iter().zip(&mut pairs.s).take(rho.len());
        let y = PAIR_NAMES[1].into_iter().zip(&mut pairs.y).take(rho.len());
        for (name, buffer) in gradient.chain(s).chain(y) {
            let values = buffer.as_mut_slice();
            read(name, values)?;
            if !self.trained.iter().all(|range| values[range.clone()].iter().all(|x| x.is_finite())) {
                return wrong("a tensor holds something else than finite numbers");
            }
        }
        pairs.rho.iter_mut().zip(rho).for_each(|(to, &rho)| *to = f64::from_bits(rho));
        (pairs.count, pairs.next, pairs.scale) = (rho.len(), rho.len() % self.config.history, scale);
        (self.iterations, self.loss) = (iterations, (known == 1).then_some(loss));
        Ok(())
    }

    fn trained_elements(&self) -> u64 {
        self.trained.iter().map(|range| range.len() as u64).sum()
    }
}

#[cfg(test)]
mod tests;
