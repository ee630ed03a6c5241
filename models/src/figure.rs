//! Figures in words, as every message and page writes them.

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

/// A term of an objective with its weight, where that is not 1: `kl 25.3 x 0.5`.
pub fn weighted(name: &str, weight: f64, value: f64) -> String {
    match weight {
        // A term of weight 0 is only watched.
        0.0 | 1.0 => format!("{name} {}", short(value)),
        weight => format!("{name} {} x {}", short(value), short(weight)),
    }
}
