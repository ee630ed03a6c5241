//! An optimiser with its state, in the layout of the flat parameter buffer.
//!
//! A step takes what moves, its layout and the vector instructions from the plan, and the gradients from the workspace
//! on which the plan has just run backward, so that neither a frozen parameter nor another model's can be moved by
//! mistake. It allocates nothing. State is as many buffers as the method names, each as long as the parameters, so that
//! several plans over one [`Parameters`] may share an optimiser; a checkpoint reads and writes them by PyTorch's names.

use super::method::{Now, Run, check};
use super::methods::{OptimFloat, OptimizerConfig};
use crate::base::{Buffer, Context, Error, Split};
use crate::tape::{Parameters, Plan, Real, Workspace};

/// What changes from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOptions {
    lr: f64,
    clip: f64,
}

impl StepOptions {
    /// A learning rate, and no clipping.
    pub const fn new(lr: f64) -> Self {
        Self { lr, clip: 1.0 }
    }

    /// The same along the gradient times `factor`: see [`clip_factor`](super::clip_factor).
    #[must_use]
    pub const fn clip(self, factor: f64) -> Self {
        Self { clip: factor, ..self }
    }
}

/// Fills a tensor of a checkpoint by its name.
pub type Read<'a, E, T> = &'a mut dyn FnMut(&'static str, &mut [T]) -> Result<(), E>;

/// An optimiser for the parameters of one layout.
///
/// ```
/// use narrows_engine::optim::{Adam, Optimizer, StepOptions};
/// use narrows_engine::{Parameters, Split, Tape};
///
/// # fn main() -> Result<(), narrows_engine::Error> {
/// let mut parameters = Parameters::<f32>::new();
/// let weight = parameters.add("weight", &[3])?;
/// parameters.view_mut(weight).fill(2.0);
/// let tape = Tape::new(&parameters, 1);
/// let plan = tape.train(tape.mean(tape.square(tape.parameter(weight))))?;
/// let mut workspace = plan.workspace()?;
/// let mut optimizer = Optimizer::new(Adam::default(), &parameters)?;
/// for _ in 0..100 {
///     plan.forward(&parameters, &mut workspace, Split::Serial)?;
///     plan.backward(&parameters, &mut workspace, Split::Serial)?;
///     optimizer.step(&plan, &mut parameters, &workspace, StepOptions::new(0.1), Split::Serial)?;
/// }
/// assert!(parameters.view(weight)[0].abs() < 0.2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Optimizer<T> {
    config: OptimizerConfig,
    len: usize,
    layout: u64,
    steps: u64,
    state: Vec<Buffer<T>>,
}

impl<T: Real + OptimFloat> Optimizer<T> {
    /// An optimiser for all parameters of this layout, its state zero.
    ///
    /// # Errors
    /// When a constant is outside its range, or the memory cannot be had.
    pub fn new(config: impl Into<OptimizerConfig>, parameters: &Parameters<T>) -> Result<Self, Error> {
        let config = config.into();
        config.check()?;
        let (len, names) = (parameters.flat().len(), config.state_names());
        let zeros = |_| Buffer::<T>::zeroed(len).map_err(|error| error.within("the optimiser's state"));
        let state = names.iter().map(zeros).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { config, len, layout: parameters.layout(), steps: 0, state })
    }

    /// The optimiser's constants.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// How many steps were taken: the `t` of Adam's bias correction.
    pub fn steps_taken(&self) -> u64 {
        self.steps
    }

    /// Moves the parameters that `plan` trains by one step along the gradients in `workspace`; those that it freezes
    /// stay, whatever the weight decay.
    ///
    /// # Errors
    /// When `plan` has not just run backward on `workspace`, or is over other parameters than these or the optimiser's;
    /// when the learning rate or the clipping factor is negative or not finite. Nothing is changed then.
    pub fn step(
        &mut self,
        plan: &Plan<T>,
        parameters: &mut Parameters<T>,
        workspace: &Workspace<T>,
        options: StepOptions,
        split: Split,
    ) -> Result<(), Error> {
        plan.check_parameters(parameters)?;
        let gradients = workspace.gradients_of(plan)?;
        let fits = self.layout == plan.layout() && self.len == parameters.flat().len() && self.len == gradients.len();
        if !fits {
            let what =
                "the optimiser was made for parameters of another layout; make one for these by `Optimizer::new`";
            return Err(Error::mismatch(what));
        }
        let StepOptions { lr, clip } = options;
        for (name, value) in [("learning rate", lr), ("clipping factor", clip)] {
            let holds = value >= 0.0 && T::from_f64(value).is_finite();
            check(holds, name, value, "finite in the element type and not negative")?;
        }
        self.steps = self.steps.saturating_add(1);
        let mut run = Run {
            context: Context { backend: plan.backend(), split },
            parameters: parameters.flat_mut(),
            gradients,
            state: &mut self.state,
            ranges: plan.trained(),
            each: plan.trained_parameters(),
        };
        T::step(&self.config, Now { t: self.steps as f64, lr, clip }, &mut run)
    }

    /// The buffers of state by name, in a fixed order, for a checkpoint: "momentum", "exp_avg", "exp_avg_sq",
    /// "square_avg".
    pub fn state(&self) -> impl Iterator<Item = (&'static str, &[T])> {
        self.config.state_names().iter().copied().zip(self.state.iter().map(Buffer::as_slice))
    }

    /// Goes on after `steps` steps from the state that `read` fills in, by the names of [`Self::state`].
    ///
    /// # Errors
    /// What `read` fails with. The optimiser starts afresh then.
    pub fn restore<E>(&mut self, steps: u64, read: Read<'_, E, T>) -> Result<(), E> {
        let names = self.config.state_names().iter().copied();
        let filled = names.zip(&mut self.state).try_for_each(|(name, buffer)| read(name, buffer.as_mut_slice()));
        self.steps = if filled.is_ok() { steps } else { 0 };
        if filled.is_err() {
            self.state.iter_mut().for_each(|buffer| buffer.as_mut_slice().fill(T::ZERO));
        }
        filled
    }
}
