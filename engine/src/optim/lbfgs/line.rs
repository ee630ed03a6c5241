//! One iteration's line search over the parameters: evaluates where `wolfe` asks for it, and keeps what the history
//! needs.
//!
//! Called by `Lbfgs::iterate`. Four buffers as long as the parameters; nothing is reserved here.

use super::pairs::Pairs;
use super::space::Space;
use super::wolfe::{Point, Wolfe};
use crate::base::{Buffer, Error, ErrorKind};
use crate::tape::{Parameters, Real};

/// Computes the loss at the parameters and writes its gradient, all of it, over whatever the slice holds.
pub type Evaluate<'a, T, E> = &'a mut dyn FnMut(&Parameters<T>, &mut [T]) -> Result<f64, E>;

/// Buffers that an iteration works in.
#[derive(Debug)]
pub(super) struct Work<T> {
    /// At the parameters between iterations.
    pub(super) gradient: Buffer<T>,
    /// The gradient at the step tried last.
    pub(super) trial: Buffer<T>,
    /// The parameters that a line search starts from.
    pub(super) start: Buffer<T>,
    pub(super) direction: Buffer<T>,
}

/// One iteration's line, and how to evaluate the loss on it.
pub(super) struct Line<'a, T: 'static, E> {
    pub(super) space: Space<'a, T>,
    pub(super) parameters: &'a mut Parameters<T>,
    pub(super) work: &'a mut Work<T>,
    pub(super) evaluate: Evaluate<'a, T, E>,
    pub(super) evaluations: usize,
}

impl<T: Real, E: From<Error>> Line<'_, T, E> {
    /// The loss where the parameters are, its gradient to `work.gradient`.
    pub(super) fn begin(&mut self) -> Result<f64, E> {
        self.evaluations += 1;
        let loss = (self.evaluate)(self.parameters, self.work.gradient.as_mut_slice())?;
        let sound = [("loss", loss), ("gradient", self.space.largest(self.work.gradient.as_slice()))];
        match sound.into_iter().find(|(_, x)| !x.is_finite()) {
            Some((what, _)) => Err(not_finite(what).into()),
            None => Ok(loss),
        }
    }

    /// Searches along the history's direction, or the gradient if there is none or that fails.
    pub(super) fn descend(&mut self, pairs: &mut Pairs<T>, loss: f64, limit: usize) -> Result<Option<Point>, E> {
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
        self.space.scaled(1.0, start.as_slice(), self.parameters.flat_mut(), false);
        self.space.scaled(step, direction.as_slice(), self.parameters.flat_mut(), true);
        if self.space.equal(start.as_slice(), self.parameters.flat()) {
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
    pub(super) fn keep(&mut self, pairs: &mut Pairs<T>) {
        let Work { gradient, trial, start, direction } = &mut *self.work;
        self.space.scaled(1.0, self.parameters.flat(), direction.as_mut_slice(), false);
        self.space.scaled(-1.0, start.as_slice(), direction.as_mut_slice(), true);
        self.space.scaled(1.0, trial.as_slice(), start.as_mut_slice(), false);
        self.space.scaled(-1.0, gradient.as_slice(), start.as_mut_slice(), true);
        pairs.offer(self.space, direction, start);
        std::mem::swap(gradient, trial);
    }
}

#[cold]
fn not_finite(what: &str) -> Error {
    Error::new(ErrorKind::NotFinite, format!("the {what} is not finite where the minimisation starts"))
}
