//! What a run shows of itself.
//!
//! [`Grid`] draws samples and reconstructions as PNG pictures.

mod grid;
pub mod html;

pub use grid::{Grid, Tile};

/// A count with its thousands grouped: `20,816`.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure with as many decimals as a reader compares: four significant digits.
pub fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..7.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    // In [0, 7] by the line above.
    let decimals = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
    format!("{value:.decimals$}")
}
