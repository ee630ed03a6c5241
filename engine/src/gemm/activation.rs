//! The functions that an operation may be fused with, and all that the rest of the engine asks of one.
//!
//! [`Activation::traits`] is the one match over them: products and convolutions (how to apply it), `linear` and the
//! convolutions (what backward needs and which kernels it runs), the operations of their own, the Jacobian's norm and
//! the checks of parameters all walk what it gives. To add one: its function and derivative in
//! `simd::kernels::activation`, and here a variant with its arm.
#![forbid(unsafe_code)]

use crate::base::Backend;
use crate::simd::kernels::activation::{Activations, leaky, rectified};
use crate::simd::{Float, InOut, Lanes};

/// A function applied to every element of the result.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation<T> {
    /// `x`
    Identity,
    /// `max(x, 0)`, NaN staying NaN (Nair & Hinton 2010); the derivative at 0 is taken as 0.
    Relu,
    /// `x` where it is not negative, else `slope * x` (Maas et al. 2013); the slope in `1e-6..=1e6`.
    LeakyRelu(T),
    /// `x` where it is positive, else `alpha * (e^x - 1)` (Clevert et al. 2015); alpha in `1e-6..=1e6`.
    Elu(T),
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `ln(1 + e^x)`
    Softplus,
    /// `x / (1 + e^-x)` (Elfwing et al. 2017), also called swish; it has a minimum at -1.278.
    Silu,
}

impl<T: Float> Activation<T> {
    /// What it is; `None` for the identity, for which there is nothing to do anywhere.
    pub(crate) fn traits(self) -> Option<Traits<T>> {
        use Derivative::OfOutput;
        type Kernels<T> = Activations<T>;
        // What most are: a function without a parameter, that rises, and that is not applied in registers.
        let plain = |name, flops, function, gradients: (_, _), derivative| Traits {
            name,
            flops,
            parameter: None,
            function,
            gradient: gradients.0,
            gradient_sums: gradients.1,
            derivative,
            rises: true,
            registers: None,
        };
        Some(match self {
            Self::Identity => return None,
            Self::Relu => Traits {
                registers: Some(Applied::Relu),
                ..plain(
                    "relu",
                    1,
                    Kernels::relu,
                    (Kernels::relu_gradient, Kernels::relu_gradient_sums),
                    OfOutput(|y, _| (f64::from(u8::from(y > 0.0)), 0.0)),
                )
            },
            Self::LeakyRelu(slope) => Traits {
                parameter: Some((slope, positive)),
                registers: Some(Applied::LeakyRelu(slope)),
                ..plain(
                    "leaky_relu",
                    2,
                    Kernels::leaky_relu,
                    (Kernels::leaky_relu_gradient, Kernels::leaky_relu_gradient_sums),
                    OfOutput(|y, slope| (if y < 0.0 { slope } else { 1.0 }, 0.0)),
                )
            },
            Self::Elu(alpha) => Traits {
                parameter: Some((alpha, positive)),
                ..plain(
                    "elu",
                    20,
                    Kernels::elu,
                    (Kernels::elu_gradient, Kernels::elu_gradient_sums),
                    OfOutput(|y, alpha| if y > 0.0 { (1.0, 0.0) } else { (y + alpha, 1.0) }),
                )
            },
            Self::Sigmoid => plain(
                "sigmoid",
                22,
                Kernels::sigmoid,
                (Kernels::sigmoid_gradient, Kernels::sigmoid_gradient_sums),
                OfOutput(|y, _| (y * (1.0 - y), 1.0 - 2.0 * y)),
            ),
            Self::Tanh => plain(
                "tanh",
                25,
                Kernels::tanh,
                (Kernels::tanh_gradient, Kernels::tanh_gradient_sums),
                OfOutput(|y, _| (1.0 - y * y, -2.0 * y)),
            ),
            Self::Softplus => plain(
                "softplus",
                35,
                Kernels::softplus,
                (Kernels::softplus_gradient, Kernels::softplus_gradient_sums),
                OfOutput(|y, _| (-(-y).exp_m1(), (-y).exp())),
            ),
            Self::Silu => Traits {
                rises: false,
                ..plain(
                    "silu",
                    25,
                    Kernels::silu,
                    (Kernels::silu_gradient, Kernels::silu_gradient_sums),
                    Derivative::OfArgument,
                )
            },
        })
    }

    /// One of each, with a parameter where it takes one: what tests walk.
    #[cfg(test)]
    pub(crate) fn one_of_each(p: T) -> Vec<Self> {
        use Activation::{Elu, Identity, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh};
        vec![Identity, Relu, LeakyRelu(p), Elu(p), Sigmoid, Tanh, Softplus, Silu]
    }

    /// What operations, profiles and errors call it.
    pub fn name(self) -> &'static str {
        self.traits().map_or("identity", |traits| traits.name)
    }

    /// Whether it never falls, so that the largest argument gives the largest value: then it may as well come after max
    /// pooling.
    pub fn rises(self) -> bool {
        self.traits().is_none_or(|traits| traits.rises)
    }

    /// Whether its derivative is a function of its output alone.
    pub fn is_differentiated_from_output(self) -> bool {
        self.traits().is_none_or(|traits| matches!(traits.derivative, Derivative::OfOutput(_)))
    }

    /// Refuses a parameter that makes no sense.
    pub(crate) fn check(self) -> Result<(), String> {
        match self.traits().and_then(|traits| traits.parameter) {
            Some((parameter, check)) => check(parameter),
            None => Ok(()),
        }
    }

    /// As the kernels apply it.
    pub(crate) fn applied(self) -> Applied<T> {
        let Some(traits) = self.traits() else { return Applied::Nothing };
        traits.registers.unwrap_or(Applied::Function(traits.function, traits.p()))
    }

    /// Applies it in place.
    pub(crate) fn apply_to(self, backend: Backend, y: &mut [T]) {
        if let Some(traits) = self.traits() {
            traits.apply(backend, InOut::same(y));
        }
    }

    /// The gradient of the argument, in place of the gradient `dy` of the output, from what is [kept](Derivative).
    pub(crate) fn differentiate(self, backend: Backend, kept: &[T], dy: &mut [T]) {
        if let Some(traits) = self.traits() {
            traits.differentiate(backend, kept, InOut::same(dy), false);
        }
    }
}

/// What the derivative is a function of, which is what an operation keeps for its backward pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Derivative {
    /// Of the function's output; the function gives the derivative at an output, and what it changes by with that, for
    /// a parameter.
    OfOutput(fn(f64, f64) -> (f64, f64)),
    /// Of the function's argument: a fused operation's sum before the activation.
    OfArgument,
}

/// What refuses a parameter that makes no sense, in words.
type Check<T> = fn(T) -> Result<(), String>;
/// A kernel of a function, with its parameter.
type Function<T> = fn(&Activations<T>, InOut<'_, T>, T);
/// A kernel of a gradient, from what is kept, added if the last argument says so.
type Gradient<T> = fn(&Activations<T>, &[T], InOut<'_, T>, T, bool);
/// A kernel of a gradient in place, from what is kept, with the sums of so many columns.
type GradientSums<T> = fn(&Activations<T>, &[T], &mut [T], T, usize, &mut [T]);

/// What is to be known of an activation.
pub(crate) struct Traits<T> {
    /// What operations, profiles and errors call it.
    pub(crate) name: &'static str,
    /// Additions and multiplications per element, roughly.
    pub(crate) flops: u64,
    /// Its parameter, if it has one, and what refuses values that make no sense.
    pub(crate) parameter: Option<(T, Check<T>)>,
    function: Function<T>,
    gradient: Gradient<T>,
    gradient_sums: GradientSums<T>,
    /// What the derivative is a function of.
    pub(crate) derivative: Derivative,
    /// Whether it never falls.
    rises: bool,
    /// How kernels apply it to sums in registers, if it is that cheap.
    registers: Option<Applied<T>>,
}

impl<T: Float> Traits<T> {
    /// The parameter for the kernels.
    fn p(&self) -> T {
        self.parameter.map_or(T::ZERO, |(parameter, _)| parameter)
    }

    /// Applies it to what `io` reads.
    pub(crate) fn apply(&self, backend: Backend, io: InOut<'_, T>) {
        (self.function)(T::activations(backend), io, self.p());
    }

    /// The gradient of the argument from that of the output, which `io` reads, and from what is kept.
    pub(crate) fn differentiate(&self, backend: Backend, kept: &[T], io: InOut<'_, T>, accumulate: bool) {
        (self.gradient)(T::activations(backend), kept, io, self.p(), accumulate);
    }

    /// The same in place, for rows of `columns`, and the sum of each column.
    pub(crate) fn differentiate_and_sum(
        &self,
        backend: Backend,
        kept: &[T],
        dy: &mut [T],
        columns: usize,
        sums: &mut [T],
    ) {
        (self.gradient_sums)(T::activations(backend), kept, dy, self.p(), columns, sums);
    }
}

/// An activation as products and convolutions apply it: to sums in registers, or to finished rows in memory, which are
/// in L1 still.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Applied<T> {
    /// Not at all.
    Nothing,
    /// In registers.
    Relu,
    /// In registers, with this slope.
    LeakyRelu(T),
    /// By a pass over finished rows, with this parameter.
    Function(Function<T>, T),
}

impl<T: Float> Applied<T> {
    /// Applies what is applied in registers to the sums of a tile: by value, since sums that a pointer was taken of
    /// live in memory throughout the loop that makes them.
    #[inline(always)]
    pub(crate) fn in_registers<I: Lanes<T>, const NV: usize, const MR: usize>(
        self,
        isa: I,
        mut sums: [[I::V; NV]; MR],
    ) -> [[I::V; NV]; MR] {
        match self {
            Self::Relu => {
                for row in &mut sums {
                    for sum in row {
                        *sum = rectified(isa, *sum);
                    }
                }
            }
            Self::LeakyRelu(slope) => {
                let slope = isa.splat(slope);
                for row in &mut sums {
                    for sum in row {
                        *sum = leaky(isa, slope, *sum);
                    }
                }
            }
            Self::Nothing | Self::Function(..) => {}
        }
        sums
    }

    /// Whether it is left to [`Self::finish`].
    #[inline(always)]
    pub(crate) fn is_function(self) -> bool {
        matches!(self, Self::Function(..))
    }

    /// Applies what is not applied in registers.
    #[inline(never)]
    pub(crate) fn finish(self, backend: Backend, y: &mut [T]) {
        if let Self::Function(function, parameter) = self {
            function(T::activations(backend), InOut::same(y), parameter);
        }
    }
}

/// Refuses a slope that is not above 0: the derivative is found from the output's sign. The bounds keep that sign
/// where the slope or its products could underflow.
fn positive<T: Float>(p: T) -> Result<(), String> {
    let allowed = (T::from_f64(1e-6)..=T::from_f64(1e6)).contains(&p);
    if allowed { Ok(()) } else { Err(format!("its parameter is {p}; it must be in 1e-6..=1e6")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pass that also sums columns gives the derivative's bits, and those of the sums of its result.
    #[test]
    fn derivatives_with_sums_agree_with_both_passes() {
        let all: Vec<Traits<f32>> = Activation::one_of_each(0.2).into_iter().filter_map(Activation::traits).collect();
        for backend in Backend::available() {
            for columns in [1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 130] {
                for rows in [0, 1, 2, 7] {
                    let values = |shift: f32| (0..rows * columns).map(move |i| (i as f32 * 0.37 + shift).sin());
                    let (kept, dy): (Vec<f32>, Vec<f32>) = (values(0.0).collect(), values(1.0).collect());
                    for traits in &all {
                        let (mut one, mut other) = (dy.clone(), dy.clone());
                        let (mut sums, mut found) = (vec![0.0; columns], vec![7.0; columns]);
                        traits.differentiate(backend, &kept, InOut::same(&mut one), false);
                        f32::elementwise(backend).column_sums(&one, columns, &mut sums, false);
                        traits.differentiate_and_sum(backend, &kept, &mut other, columns, &mut found);
                        let what = format!("{}, {rows} x {columns}, {backend}", traits.name);
                        assert_eq!((&one, &sums), (&other, &found), "{what}");
                    }
                }
            }
        }
    }

    /// What one activation's traits say agrees: the gradient is the function's, and the Jacobian's slope the
    /// gradient's.
    #[test]
    fn traits_agree_with_each_other() {
        let x: Vec<f64> = (0..40).map(|i| (f64::from(i) - 19.5) * 0.2).collect();
        let h = 1e-6;
        let backend = Backend::current();
        for activation in Activation::one_of_each(0.2) {
            let at = |shift: f64| {
                let mut y: Vec<f64> = x.iter().map(|x| x + shift).collect();
                activation.apply_to(backend, &mut y);
                y
            };
            let (y, before, after) = (at(0.0), at(-h), at(h));
            let kept = if activation.is_differentiated_from_output() { &y } else { &x };
            let mut dy = vec![1.0; x.len()];
            activation.differentiate(backend, kept, &mut dy);
            for i in 0..x.len() {
                let (difference, name) = ((after[i] - before[i]) / (2.0 * h), activation.name());
                assert!((dy[i] - difference).abs() < 1e-8, "{name} at {}: {} for {difference}", x[i], dy[i]);
                assert!(dy[i] >= 0.0 || !activation.rises(), "{name} falls at {}", x[i]);
                if let Some(Traits { derivative: Derivative::OfOutput(slope), parameter, .. }) = activation.traits() {
                    let slope = slope(y[i], parameter.map_or(0.0, |(parameter, _)| parameter)).0;
                    assert!((slope - dy[i]).abs() < 1e-12, "{name} at {}: {slope} for {}", x[i], dy[i]);
                }
            }
        }
    }

    #[test]
    fn parameters_are_checked() {
        for p in [f32::NAN, 0.0, -1.0, 1e-7, f32::INFINITY] {
            assert!(Activation::LeakyRelu(p).check().is_err() && Activation::Elu(p).check().is_err(), "{p}");
        }
        assert!(Activation::Elu(1e-6f32).check().is_ok() && Activation::<f64>::Identity.check().is_ok());
    }
}
