//! The two element types, `f32` and `f64`, and what a generic kernel must know of them.
//!
//! Code outside the engine cannot name [`Float`]: it writes [`Real`](crate::Real), which stands on it, and whose page
//! lists what numbers can do. The other methods lead to kernels.
#![forbid(unsafe_code)]

use super::kernels::{Activations, Elementwise, Updates};
use super::{Backend, Lanes, PhiloxKernels};
use std::fmt;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`. Sealed: the kernels exist for these two.
pub trait Float:
    sealed::Sealed
    + Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + bytemuck::Pod
    + fmt::Debug
    + fmt::Display
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::AddAssign
    + std::ops::Neg<Output = Self>
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;
    /// Whether it is not a number.
    fn is_nan(self) -> bool;
    /// "f32" or "f64"
    const NAME: &'static str;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The nearest number of this type.
    fn from_i32(x: i32) -> Self;
    /// The same number, which `f64` always holds.
    fn to_f64(self) -> f64;
    /// `a * b + c`, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;

    /// The element-wise kernels on `backend`.
    fn elementwise(backend: Backend) -> &'static Elementwise<Self>;
    /// The activations' kernels on `backend`.
    fn activations(backend: Backend) -> &'static Activations<Self>;
    /// The optimisers' kernels on `backend`.
    fn updates(backend: Backend) -> &'static Updates<Self>;
    /// The random generator's kernels on `backend`.
    fn random(backend: Backend) -> &'static PhiloxKernels<Self>;

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

macro_rules! float {
    ($t:ident) => {
        impl Float for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;

            #[inline(always)]
            fn is_nan(self) -> bool {
                $t::is_nan(self)
            }

            const NAME: &'static str = stringify!($t);

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }

            #[inline(always)]
            fn from_i32(x: i32) -> Self {
                x as $t
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $t::mul_add(self, b, c)
            }

            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }

            fn elementwise(backend: Backend) -> &'static Elementwise<Self> {
                Elementwise::<$t>::of(backend)
            }

            fn activations(backend: Backend) -> &'static Activations<Self> {
                Activations::<$t>::of(backend)
            }

            fn updates(backend: Backend) -> &'static Updates<Self> {
                Updates::<$t>::of(backend)
            }

            fn random(backend: Backend) -> &'static PhiloxKernels<Self> {
                PhiloxKernels::<$t>::of(backend)
            }

            float!(@unary $t, exp expm1 ln log1p tanh erf sigmoid softplus);

            #[inline(always)]
            fn sincospi<I: Lanes<$t>>(
                isa: I,
                x: I::V,
            ) -> (I::V, I::V) {
                super::math::sincospi::<$t, I>(isa, x)
            }
        }
    };
    (@unary $t:ident, $($name:ident)*) => {
        $(
            #[inline(always)]
            fn $name<I: Lanes<$t>>(isa: I, x: I::V) -> I::V {
                super::math::$name::<$t, I>(isa, x)
            }
        )*
    };
}

float!(f32);
float!(f64);
