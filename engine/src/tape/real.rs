//! The element types of a tape.
#![forbid(unsafe_code)]

use crate::conv::ConvFloat;

/// `f32`, in which one trains, or `f64`, in which gradients are checked: the bound of code that is generic over them.
///
/// Sealed, for the kernels exist for these two. Besides arithmetic, comparison, `Copy`, `Send`, `Debug` and `Display`
/// numbers have:
///
/// | | |
/// |-|-|
/// | `T::ZERO`, `T::ONE`, `T::EPSILON` | 0, 1, and the distance from 1 to the next larger number |
/// | `T::NAME` | "f32" or "f64" |
/// | `T::from_f64(x)`, `T::from_i32(x)` | the nearest number of this type |
/// | `x.to_f64()` | the same number, which `f64` always holds |
/// | `x.mul_add(b, c)` | `x * b + c`, rounded once |
/// | `x.is_finite()`, `x.is_nan()` | neither infinite nor NaN; NaN |
///
/// Code that is generic over optimisers too asks for [`OptimFloat`](crate::optim::OptimFloat) beside it.
///
/// ```
/// use narrows_engine::Real;
///
/// fn mean<T: Real>(x: &[T]) -> T {
///     let sum = x.iter().fold(T::ZERO, |sum, &x| sum + x);
///     sum / T::from_f64(x.len() as f64)
/// }
/// assert_eq!(mean(&[1.0f32, 2.0]), 1.5);
/// ```
pub trait Real: ConvFloat {}

impl Real for f32 {}
impl Real for f64 {}
