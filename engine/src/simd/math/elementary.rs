//! The elementary functions as methods of the element types, for kernels that are generic over them.

use super::erf::erf;
use super::exp::{exp, expm1};
use super::ln::{ln, log1p};
use super::logistic::{sigmoid, softplus};
use super::sincospi::sincospi;
use super::tanh::tanh;
use crate::simd::{Lanes, Number};

/// An element type with functions of whole vectors.
pub trait Elementary: Number {
    /// `e^x`
    fn exp<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// `e^x - 1`
    fn expm1<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// The natural logarithm.
    fn ln<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// `ln(1 + x)`
    fn log1p<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// The hyperbolic tangent.
    fn tanh<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// The error function.
    fn erf<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// `1 / (1 + e^-x)`
    fn sigmoid<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// `ln(1 + e^x)`
    fn softplus<I: Lanes<Self>>(isa: I, x: I::V) -> I::V;
    /// `(sin(pi x), cos(pi x))`
    fn sincospi<I: Lanes<Self>>(isa: I, x: I::V) -> (I::V, I::V);
}

macro_rules! elementary {
    ($t:ident, $($name:ident)*) => {
        impl Elementary for $t {
            $(
                #[inline(always)]
                fn $name<I: Lanes<$t>>(isa: I, x: I::V) -> I::V {
                    $name::<$t, I>(isa, x)
                }
            )*

            #[inline(always)]
            fn sincospi<I: Lanes<$t>>(isa: I, x: I::V) -> (I::V, I::V) {
                sincospi::<$t, I>(isa, x)
            }
        }
    };
}
elementary!(f32, exp expm1 ln log1p tanh erf sigmoid softplus);
elementary!(f64, exp expm1 ln log1p tanh erf sigmoid softplus);
