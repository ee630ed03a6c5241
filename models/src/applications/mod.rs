//! Trained models put to use.

pub mod codes;
pub mod compress;
pub mod denoise;
pub mod detect;
pub mod encode;
mod encoded;
pub mod filters;
pub mod impute;
pub mod inpaint;
pub mod interpolate;
pub mod manifold;
pub mod mask;
pub mod median;
pub mod neighbours;
pub mod pages;
pub mod picture;
pub mod probe;
pub mod reconstruct;
pub mod sample;
pub mod samples;
pub mod search;
pub mod shown;
mod uses;

pub use uses::uses;
