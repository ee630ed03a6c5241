//! Colours of plots, told apart with every common sort of colour blindness (after Okabe & Ito, "Color Universal
//! Design", 2008, darkened for white paper and lightened for a dark page): each has a contrast of 3:1 or more with its
//! ground.
//!
//! `plotters` writes colours as attributes, `stroke="#0072B2"`; the style sheet answers to these attributes, so that
//! the same SVG has other colours on a dark page, and its own where there is no style sheet.

use plotters::style::RGBColor;

/// What belongs to the paper: text, axes, mesh.
pub(super) const INK: RGBColor = RGBColor(0, 0, 0);
/// What belongs to no class of its own.
pub(super) const OTHERS: RGBColor = RGBColor(0x75, 0x75, 0x75);

/// On white, and on near black.
const COLOURS: [(u32, u32); 7] = [
    (0x0072B2, 0x56B4E9), // blue
    (0xD55E00, 0xFF8A3D), // vermilion
    (0x00875F, 0x2FC79A), // green
    (0xB8559A, 0xE38BC0), // purple
    (0x8F6A00, 0xF0C33C), // amber
    (0x332288, 0xA99CF5), // indigo
    (0x6B6B6B, 0xB8BCC2), // grey
];

/// How many colours there are before they begin again.
pub(super) const COUNT: usize = COLOURS.len();

/// The colour of that number, of a light page; they repeat.
pub(super) fn colour(number: usize) -> RGBColor {
    let [_, r, g, b] = COLOURS[number % COUNT].0.to_be_bytes();
    RGBColor(r, g, b)
}

/// The rules of a style sheet that plots are coloured by; the variable `--ink` is the page's text.
pub fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut rules =
        String::from("svg [fill=\"#000000\"]{fill:var(--ink)}svg [stroke=\"#000000\"]{stroke:var(--ink)}\n");
    for (number, (on_white, on_black)) in COLOURS.iter().enumerate() {
        light.push_str(&format!("--plot-{number}:#{on_white:06X};"));
        dark.push_str(&format!("--plot-{number}:#{on_black:06X};"));
        for attribute in ["fill", "stroke"] {
            rules.push_str(&format!("svg [{attribute}=\"#{on_white:06X}\"]{{{attribute}:var(--plot-{number})}}"));
        }
        rules.push('\n');
    }
    format!(":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{rules}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours (WCAG 2.1).
    fn contrast(a: u32, b: u32) -> f64 {
        let luminance = |colour: u32| {
            let [_, r, g, b] = colour.to_be_bytes().map(|byte| {
                let x = f64::from(byte) / 255.0;
                if x <= 0.03928 { x / 12.92 } else { ((x + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05
        };
        let (a, b) = (luminance(a), luminance(b));
        a.max(b) / a.min(b)
    }

    #[test]
    fn colours_show_on_both_grounds() {
        for (on_white, on_black) in COLOURS {
            assert!(contrast(on_white, 0xFFFFFF) >= 3.0, "{on_white:06X}");
            assert!(contrast(on_black, 0x17181A) >= 3.0, "{on_black:06X}");
        }
        assert_eq!(colour(0), RGBColor(0, 0x72, 0xB2));
        assert_eq!(colour(COUNT), colour(0));
        assert!(style().contains("svg [stroke=\"#D55E00\"]{stroke:var(--plot-1)}"));
    }
}
