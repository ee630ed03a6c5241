//! Elementary functions of whole vectors: exp, ln and their relatives.
//!
//! * `constants`: the coefficients and thresholds of `f32` and `f64`; the functions are written once for both.
//!   `elementary`: the functions as methods of the types. `series`: polynomials and what else they share.
//! * `exp`: exp and expm1. `ln`: ln and log1p. `tanh`: tanh. `logistic`: sigmoid and softplus. `erf`: erf.
//!   `sincospi`: the sine and cosine of pi x. `tests`: bounds, special values and the exhaustive table of ACCURACY.md.
//!
//! Two rules hold in all of them. Every lane takes every path and a select chooses, so time does not depend on values;
//! for the same reason no arithmetic reads or writes a denormal number, which costs some processors a hundred cycles:
//! tiny inputs are replaced by 0 before the arithmetic, denormal results are put together from bits. And without FMA
//! the bounds hold too: where a rounding of the largest term would show, it is recovered by Dekker's fast two-sum.
#![cfg_attr(not(test), forbid(unsafe_code))]

mod constants;
mod elementary;
mod erf;
mod exp;
mod ln;
mod logistic;
mod series;
mod sincospi;
mod tanh;
#[cfg(test)]
mod tests;

pub(crate) use elementary::Elementary;
