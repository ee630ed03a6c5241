//! The two element types, `f32` and `f64`, as numbers: what generic code must know of them before there are kernels.
#![forbid(unsafe_code)]

use std::fmt;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`. Sealed: the kernels exist for these two.
pub trait Number:
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
}

macro_rules! number {
    ($t:ident) => {
        impl Number for $t {
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
        }
    };
}

number!(f32);
number!(f64);
