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
