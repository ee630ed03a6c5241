//! L-BFGS (Nocedal 1980; Liu and Nocedal 1989): full-batch minimisation with the curvature of the last few steps.
//!
//! An iteration takes the two-loop recursion's direction (Nocedal and Wright 2006, algorithms 7.4 and 7.5); `wolfe`
//! searches it for a step, `space` does the sums, `config` holds the constants. Called by whoever can evaluate the loss
//! of all data. Layout: `2 history + 4` buffers as long as the parameters, in which only the trained ranges count; a
//! new pair is swapped into the ring, not copied.

mod config;
mod space;
mod wolfe;

pub use config::{Converged, Iteration, LbfgsConfig, MAX_HISTORY};

use super::optimizer::OptimizerError;
use crate::base::parallel::Split;
use crate::simd::{Backend, Buffer, Float};
use space::Space;
use std::ops::Range;
use wolfe::{Point, Wolfe};

/// What a checkpoint calls the steps `s` and the gradients' changes `y`, the oldest first.
const PAIR_NAMES: [[&str; MAX_HISTORY]; 2] = [
    [
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16",
        "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31", "s32",
        "s33", "s34", "s35", "s36", "s37", "s38", "s39", "s40", "s41", "s42", "s43", "s44", "s45", "s46", "s47", "s48",
        "s49", "s50", "s51", "s52", "s53", "s54", "s55", "s56", "s57", "s58", "s59", "s60", "s61", "s62", "s63", "s64",
        "s65", "s66", "s67", "s68", "s69", "s70", "s71", "s72", "s73", "s74", "s75", "s76", "s77", "s78", "s79", "s80",
        "s81", "s82", "s83", "s84", "s85", "s86", "s87", "s88", "s89", "s90", "s91", "s92", "s93", "s94", "s95", "s96",
        "s97", "s98", "s99",
    ],
    [
        "y0", "y1", "y2", "y3", "y4", "y5", "y6", "y7", "y8", "y9", "y10", "y11", "y12", "y13", "y14", "y15", "y16",
        "y17", "y18", "y19", "y20", "y21", "y22", "y23", "y24", "y25", "y26", "y27", "y28", "y29", "y30", "y31", "y32",
        "y33", "y34", "y35", "y36", "y37", "y38", "y39", "y40", "y41", "y42", "y43", "y44", "y45", "y46", "y47", "y48",
        "y49", "y50", "y51", "y52", "y53", "y54", "y55", "y56", "y57", "y58", "y59", "y60", "y61", "y62", "y63", "y64",
        "y65", "y66", "y67", "y68", "y69", "y70", "y71", "y72", "y73", "y74", "y75", "y76", "y77", "y78", "y79", "y80",
        "y81", "y82", "y83", "y84", "y85", "y86", "y87", "y88", "y89", "y90", "y91", "y92", "y93", "y94", "y95", "y96",
        "y97", "y98", "y99",
    ],
];

/// Computes the loss at the parameters and writes its gradient, all of it, over whatever the second slice holds.
pub type Evaluate<'a, T, E> = &'a mut dyn FnMut(&[T], &mut [T]) -> Result<f64, E>;

/// Fills a tensor of a checkpoint by its name.
pub type Read<'a, E, T> = &'a mut dyn FnMut(&'static str, &mut [T]) -> Result<(), E>;

/// L-BFGS for a flat buffer of parameters, of which some ranges are trained.
#[derive(Debug)]
pub struct Lbfgs<T> {
    config: LbfgsConfig,
    len: usize,
    trained: Vec<Range<usize>>,
    iterations: u64,
    /// The loss whose gradient `work.gradient` holds.
    loss: Option<f64>,
    pairs: Pairs<T>,
    work: Work<T>,
}

impl<T: Float> Lbfgs<T> {
    /// An optimiser for `len` parameters of which those in `ranges` are trained, which ascend and do not overlap.
    ///
    /// Reserves `2 history + 4` times the parameters' memory; iterations reserve none.
    ///
    /// # Errors
    /// When a constant is outside its range, a range is out of order, or the memory cannot be had.
    pub fn new(config: LbfgsConfig, len: usize, ranges: &[Range<usize>]) -> Result<Self, OptimizerError> {
        config.validate()?;
        let mut trained: Vec<Range<usize>> = room(ranges.len())?;
        let mut end = 0;
        for range in ranges {
            if range.start < end || range.end < range.start || range.end > len {
                return Err(OptimizerError::Range(range.clone()));
            }
            match trained.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => trained.push(range.clone()),
            }
            end = range.end;
        }
        let [gradient, trial, start, direction] = [(); 4].map(|()| Buffer::zeroed(len));
        let work = Work { gradient: gradient?, trial: trial?, start: start?, direction: direction? };
        Ok(Self { config, len, trained, iterations: 0, loss: None, pairs: Pairs::new(config.history, len)?, work })
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
    /// What `evaluate` fails with; [`OptimizerError::NotFinite`] for the loss or the gradient before the first step;
    /// [`OptimizerError::Length`]. The parameters are then as they were.
    pub fn iterate<E: From<OptimizerError>>(
        &mut self,
        split: Split,
        backend: Backend,
        parameters: &mut [T],
        evaluate: Evaluate<'_, T, E>,
    ) -> Result<Iteration, E> {
        if parameters.len() != self.len {
            let (what, expected, found) = ("parameters", self.len, parameters.len());
            return Err(OptimizerError::Length { what, expected, found }.into());
        }
        let space = Space { split, kernels: T::elementwise(backend), ranges: &self.trained };
        let mut line = Line { space, parameters, work: &mut self.work, evaluate, evaluations: 0 };
        let loss = match self.loss {
            Some(loss) => loss,
            None => line.begin()?,
        };
        self.loss = Some(loss);
        if space.largest(line.work.gradient.as_slice()) <= self.config.tolerance_gradient {
            return Ok(Iteration { loss, evaluations: line.evaluations, converged: Some(Converged::Gradient) });
        }
        space.scaled(1.0, line.parameters, line.work.start.as_mut_slice(), false);
        let found = line.descend(&mut self.pairs, loss, self.config.max_evaluations);
        let Ok(Some(point)) = found else {
            space.scaled(1.0, line.work.start.as_slice(), line.parameters, false);
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
    /// [`OptimizerError::Inconsistent`] for numbers or tensors that no iteration leaves behind, pairs beyond this
    /// history, or another number of trained parameters; what `read` fails with. There is no history then.
    pub fn restore<E: From<OptimizerError>>(&mut self, numbers: &[u64], read: Read<'_, E, T>) -> Result<(), E> {
        self.restart();
        let wrong = |what| Err(E::from(OptimizerError::Inconsistent(what)));
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

/// An empty vector with room for `len`.
fn room<V>(len: usize) -> Result<Vec<V>, crate::Error> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| crate::Error::out_of_memory(len.saturating_mul(size_of::<V>())))?;
    Ok(vector)
}

/// Buffers that an iteration works in.
#[derive(Debug)]
struct Work<T> {
    /// At the parameters between iterations.
    gradient: Buffer<T>,
    /// The gradient at the step tried last.
    trial: Buffer<T>,
    /// The parameters that a line search starts from.
    start: Buffer<T>,
    direction: Buffer<T>,
}

/// The ring of steps `s` and changes of the gradient `y`.
#[derive(Debug)]
struct Pairs<T> {
    s: Vec<Buffer<T>>,
    y: Vec<Buffer<T>>,
    /// `1 / sᵀy`
    rho: Vec<f64>,
    count: usize,
    /// The slot written next.
    next: usize,
    /// `sᵀy / yᵀy` of the newest pair: `H0` is this times the identity.
    scale: f64,
}

impl<T: Float> Pairs<T> {
    fn new(history: usize, len: usize) -> Result<Self, crate::Error> {
        let (mut s, mut y, mut rho) = (room(history)?, room(history)?, room(history)?);
        for _ in 0..history {
            s.push(Buffer::zeroed(len)?);
            y.push(Buffer::zeroed(len)?);
            rho.push(0.0);
        }
        Ok(Self { s, y, rho, count: 0, next: 0, scale: 1.0 })
    }

    fn clear(&mut self) {
        (self.count, self.next, self.scale) = (0, 0, 1.0);
    }

    /// Where the pair lies that `age` newer ones follow.
    fn slot(&self, age: usize) -> usize {
        (self.next + self.s.len() - 1 - age) % self.s.len()
    }

    /// `direction = -H gradient`: the two-loop recursion. Memory-bound: `8 count` slices read, `2 count` written.
    fn direct(&self, space: Space<'_, T>, gradient: &[T], direction: &mut [T]) {
        space.scaled(-1.0, gradient, direction, false);
        let mut alpha = [0.0; MAX_HISTORY];
        for (age, alpha) in alpha.iter_mut().enumerate().take(self.count) {
            let slot = self.slot(age);
            *alpha = self.rho[slot] * space.dot(self.s[slot].as_slice(), direction);
            space.scaled(-*alpha, self.y[slot].as_slice(), direction, true);
        }
        space.scale(self.scale, direction);
        for (age, alpha) in alpha.iter().enumerate().take(self.count).rev() {
            let slot = self.slot(age);
            let beta = self.rho[slot] * space.dot(self.y[slot].as_slice(), direction);
            space.scaled(alpha - beta, self.s[slot].as_slice(), direction, true);
        }
    }

    /// Takes the pair in, in exchange for the oldest one, if the loss curves upwards along it.
    fn offer(&mut self, space: Space<'_, T>, s: &mut Buffer<T>, y: &mut Buffer<T>) {
        let sy = space.dot(s.as_slice(), y.as_slice());
        let yy = space.dot(y.as_slice(), y.as_slice());
        let (rho, scale) = (sy.recip(), sy / yy);
        if sy <= f64::EPSILON * yy || !(rho.is_finite() && scale.is_finite()) {
            return;
        }
        std::mem::swap(&mut self.s[self.next], s);
        std::mem::swap(&mut self.y[self.next], y);
        (self.rho[self.next], self.scale) = (rho, scale);
        self.count = (self.count + 1).min(self.s.len());
        self.next = (self.next + 1) % self.s.len();
    }
}

/// One iteration's line, and how to evaluate the loss on it.
struct Line<'a, T: 'static, E> {
    space: Space<'a, T>,
    parameters: &'a mut [T],
    work: &'a mut Work<T>,
    evaluate: Evaluate<'a, T, E>,
    evaluations: usize,
}

impl<T: Float, E: From<OptimizerError>> Line<'_, T, E> {
    /// The loss where the parameters are, its gradient to `work.gradient`.
    fn begin(&mut self) -> Result<f64, E> {
        self.evaluations += 1;
        let loss = (self.evaluate)(self.parameters, self.work.gradient.as_mut_slice())?;
        let sound = [("loss", loss), ("gradient", self.space.largest(self.work.gradient.as_slice()))];
        match sound.into_iter().find(|(_, x)| !x.is_finite()) {
            Some((what, _)) => Err(OptimizerError::NotFinite(what).into()),
            None => Ok(loss),
        }
    }

    /// Searches along the history's direction, or the gradient if there is none or that fails.
    fn descend(&mut self, pairs: &mut Pairs<T>, loss: f64, limit: usize) -> Result<Option<Point>, E> {
        loop {
            let Work { gradient, direction, .. } = &mut *self.work;
            pairs.direct(self.space, gradient.as_slice(), direction.as_mut_slice());
            let first = if pairs.count > 0 { 1.0 } else { self.space.sum_abs(gradient.as_slice()).recip().min(1.0) };
            let found = self.search(loss, first, limit)?;
            if found.is_some() || pairs.count == 0 {
                return Ok(found);
            }
            pairs.clear();
        }
    }

    /// A step that meets the strong Wolfe conditions, or the best one with enough decrease once `limit` is reached;
    /// parameters and `work.trial` are left there. `None` where there is no such step.
    fn search(&mut self, loss: f64, first: f64, limit: usize) -> Result<Option<Point>, E> {
        let slope = self.space.dot(self.work.gradient.as_slice(), self.work.direction.as_slice());
        if !(f64::MIN..0.0).contains(&slope) {
            return Ok(None);
        }
        let mut wolfe = Wolfe::new(Point { step: 0.0, loss, slope });
        let (mut step, mut standing) = (first, 0.0);
        for _ in 0..limit {
            let Some(point) = self.at(step)? else {
                standing = 0.0;
                break;
            };
            standing = step;
            match wolfe.judge(point) {
                Some(next) => step = next,
                None => return Ok(Some(point)),
            }
        }
        let best = wolfe.low;
        if best.step == 0.0 || best.step == standing {
            return Ok((best.step > 0.0).then_some(best));
        }
        Ok(self.at(best.step)?.filter(|point| point.loss.is_finite()))
    }

    /// Moves the parameters to `start + step direction` and evaluates there; `None` where rounding undoes the move.
    fn at(&mut self, step: f64) -> Result<Option<Point>, E> {
        let Work { trial, start, direction, .. } = &mut *self.work;
        self.space.scaled(1.0, start.as_slice(), self.parameters, false);
        self.space.scaled(step, direction.as_slice(), self.parameters, true);
        if self.space.equal(start.as_slice(), self.parameters) {
            return Ok(None);
        }
        self.evaluations += 1;
        let loss = (self.evaluate)(self.parameters, trial.as_mut_slice())?;
        let slope = self.space.dot(trial.as_slice(), direction.as_slice());
        let finite = loss.is_finite() && slope.is_finite();
        Ok(Some(if finite {
            Point { step, loss, slope }
        } else {
            Point { step, loss: f64::INFINITY, slope: f64::NAN }
        }))
    }

    /// Offers `s = parameters - start` and `y = trial - gradient` to the history, and makes the trial the gradient.
    fn keep(&mut self, pairs: &mut Pairs<T>) {
        let Work { gradient, trial, start, direction } = &mut *self.work;
        self.space.scaled(1.0, self.parameters, direction.as_mut_slice(), false);
        self.space.scaled(-1.0, start.as_slice(), direction.as_mut_slice(), true);
        self.space.scaled(1.0, trial.as_slice(), start.as_mut_slice(), false);
        self.space.scaled(-1.0, gradient.as_slice(), start.as_mut_slice(), true);
        pairs.offer(self.space, direction, start);
        std::mem::swap(gradient, trial);
    }
}

#[cfg(test)]
mod tests;
