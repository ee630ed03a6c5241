//! What all functions of one number share: the shape rule, writing in place, sharing large inputs among threads.

use super::{GATE, GRAIN};
use crate::base::Error;
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec};

/// What the derivative is a function of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saves {
    Nothing,
    Input,
    Output,
}

/// A function of one number.
pub(crate) trait Pointwise<T: Real>: Send + Sync + 'static {
    const NAME: &'static str;
    const SAVES: Saves;
    /// Additions and multiplications per element, roughly.
    const FLOPS: u64;

    /// Refuses a parameter that makes no sense.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn forward(&self, kernels: &Elementwise<T>, io: InOut<'_, T>);
    fn gradient(&self, kernels: &Elementwise<T>, saved: &[T], io: InOut<'_, T>, accumulate: bool);
}

/// The operation made of a function of one number.
pub(crate) struct OfEach<P>(pub(crate) P);

impl<T: Real, P: Pointwise<T>> Operation<T> for OfEach<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        self.0.check()?;
        let mut spec = Spec::new(inputs[0], 1).flops_per_element(P::FLOPS);
        spec.reads_inputs = u64::from(P::SAVES == Saves::Input);
        spec.reads_output = P::SAVES == Saves::Output;
        spec.in_place = P::SAVES != Saves::Input;
        spec.gradient_in_place = true;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let io = InOut::len(&InOut::same(run.output));
        let split = run.context.split.gated(io, GATE);
        split.parts(run.unary()?, GRAIN, &|io| self.0.forward(kernels, io));
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let split = run.context.split.gated(run.output_gradient.len(), GATE);
        let saved = match P::SAVES {
            Saves::Input => run.inputs.get(0)?,
            Saves::Output => run.output()?,
            Saves::Nothing => &[],
        };
        let Some((io, accumulate)) = run.unary()? else { return Ok(()) };
        if P::SAVES == Saves::Nothing {
            split.parts(io, GRAIN, &|io| self.0.gradient(kernels, &[], io, accumulate));
        } else {
            split.parts((saved, io), GRAIN, &|(saved, io)| self.0.gradient(kernels, saved, io, accumulate));
        }
        Ok(())
    }
}

/// Declares a function of one number: the operation, the recording method on the tape, and the cases.
macro_rules! pointwise {
    (
        $(#[$doc:meta])*
        $method:ident($($p:ident: f64)?), $Name:ident, saves $saves:ident, flops $flops:literal,
        forward $forward:ident, gradient $gradient:ident $(, check $check:expr)?;
    ) => {
        use crate::ops::pointwise::{OfEach, Pointwise, Saves};
        use crate::simd::{InOut, kernels::Elementwise};
        use crate::tape::{Real, Tape, Var};

        struct $Name { p: f64 }

        impl<T: Real> Pointwise<T> for $Name {
            const NAME: &'static str = stringify!($method);
            const SAVES: Saves = Saves::$saves;
            const FLOPS: u64 = $flops;

            $(fn check(&self) -> Result<(), String> {
                let check: fn(f64) -> Result<(), String> = $check;
                check(self.p)
            })?

            fn forward(&self, kernels: &Elementwise<T>, io: InOut<'_, T>) {
                kernels.$forward(io, T::from_f64(self.p));
            }

            fn gradient(&self, kernels: &Elementwise<T>, saved: &[T], io: InOut<'_, T>, accumulate: bool) {
                let p = T::from_f64(self.p);
                $crate::ops::pointwise::pointwise!(@gradient $gradient, kernels, saved, io, p, accumulate);
            }
        }

        impl<T: Real> Tape<T> {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self, x: Var $(, $p: f64)?) -> Var {
                let p = 0.0 $(+ $p)?;
                self.record(OfEach($Name { p }), &[x])
            }
        }
    };
    (@gradient scale_by_p, $kernels:ident, $saved:ident, $io:ident, $p:ident, $accumulate:ident) => {{
        let _ = $saved;
        $kernels.scale_into($io, $p, $accumulate);
    }};
    (@gradient pass_on, $kernels:ident, $saved:ident, $io:ident, $p:ident, $accumulate:ident) => {{
        let _ = ($saved, $p);
        $kernels.scale_into($io, T::ONE, $accumulate);
    }};
    (@gradient $gradient:ident, $kernels:ident, $saved:ident, $io:ident, $p:ident, $accumulate:ident) => {
        $kernels.$gradient($saved, $io, $p, $accumulate);
    };
}
pub(crate) use pointwise;
