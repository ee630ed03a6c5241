//! `y = f(x)` for an activation `f`: the operation behind `relu`, `tanh` and the others, each in a file of its own, and
//! behind an activation that is chosen at run time.
#![forbid(unsafe_code)]

use super::{GATE, GRAIN};
use crate::base::{Context, Error};
use crate::gemm::{Activation, Derivative, Traits};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// The operation.
struct Activate<T>(Traits<T>);

impl<T: Real> Tape<T> {
    /// `activation(x)`, as an operation of its own; `x` itself for the identity. The shape is kept. Where an operation
    /// can be fused with it ([`Self::linear`], [`Self::conv2d`] and their relatives take one), that costs less.
    #[track_caller]
    pub fn activation(&self, x: Var, activation: Activation<T>) -> Var {
        match activation.traits() {
            Some(traits) => self.record(Activate(traits), &[x]),
            None => x,
        }
    }
}

impl<T: Real> Operation<T> for Activate<T> {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        if let Some((parameter, check)) = self.0.parameter {
            check(parameter)?;
        }
        let mut spec = Spec::new(inputs[0], 1).flops_per_element(self.0.flops);
        spec.reads_inputs = u64::from(matches!(self.0.derivative, Derivative::OfArgument));
        spec.reads_output = matches!(self.0.derivative, Derivative::OfOutput(_));
        spec.in_place = true;
        spec.gradient_in_place = true;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let Context { backend, split } = run.context.gated(run.output.len(), GATE);
        split.parts(run.unary()?, GRAIN, &|io| self.0.apply(backend, io));
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let Context { backend, split } = run.context.gated(run.output_gradient.len(), GATE);
        let kept = match self.0.derivative {
            Derivative::OfArgument => run.inputs.get(0)?,
            Derivative::OfOutput(_) => run.output()?,
        };
        let Some((io, accumulate)) = run.unary()? else { return Ok(()) };
        split.parts((kept, io), GRAIN, &|(kept, io)| self.0.differentiate(backend, kept, io, accumulate));
        Ok(())
    }
}
