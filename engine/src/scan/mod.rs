//! Nearest neighbours by an exact scan: of every query, the `k` rows that lie nearest, among all rows.
//!
//! * `request`: what is looked for among what, and its checks. `nearest`: the entry for numbers; `hamming`: for bits,
//!   which `pack_bits` makes of numbers.
//! * `product`: many queries. Squared distances by ‖a‖² − 2 a·b + ‖b‖², the middle term one matrix product over blocks
//!   of rows, each packed once. `direct`: few queries, or bits. Rows are read once and memory bounds it.
//! * `target`: one query: which rows a cheap distance cannot rule out, and their exact one. `best`: the k best so far.
//!   `prepare`: rows and queries centred or of length 1. `kernels`: the loops over vectors.
//!
//! What the cheap distance is off by is bounded, and it only rules out: a row that it leaves is measured again in
//! differences of `f64`, which no cancellation reaches, and in one order on every backend. So neighbours, order and
//! distances are the same at any number of threads and with any instructions. A margin of candidates (the k + 8 best by
//! the cheap distance) was let go: where data lie far from 0, or are alike, no margin is wide enough.

mod best;
mod direct;
mod hamming;
mod kernels;
mod nearest;
mod prepare;
mod product;
mod request;
mod target;
#[cfg(test)]
mod tests;

pub use hamming::{nearest_hamming, pack_bits};
pub use nearest::nearest;
pub use request::{Distance, NO_ROW, Request};
