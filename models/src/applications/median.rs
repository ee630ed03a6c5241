//! The median of a neighbourhood: what a filter without any model makes of noise and of holes, for the figures of a
//! model to be read beside (Tukey 1971).
//!
//! At the border the window is cut to what lies inside. Of an even number of values it is the mean of the two in the
//! middle. Cost: a selection among side² values for each value.

use crate::data::{ImageShape, reserved};
use crate::{Error, Result};

/// Each value of images `[n, C, H, W]` becomes the median of the `side` x `side` window around it, channel by channel.
///
/// # Errors
/// A side that is even; numbers that are no whole images; no memory.
pub fn median_filter(images: &[f32], image: ImageShape, side: usize) -> Result<Vec<f32>> {
    if side.is_multiple_of(2) {
        return Err(Error::usage(format!("a window of {side} has no middle; give an odd side")));
    }
    let plane = whole_planes(images, image)?;
    let mut out = reserved(images.len(), "filtered images")?;
    let mut window = Vec::new();
    for values in images.chunks_exact(plane) {
        for at in 0..plane {
            window.clear();
            window.extend(neighbours(at, image, side / 2).map(|place| values[place]));
            out.push(median(&mut window).unwrap_or(values[at]));
        }
    }
    Ok(out)
}

/// Fills what is hidden of one image `[C, H, W]` from its edge inwards: round by round each hidden value beside known
/// ones becomes the median of those in its 3 x 3 window, and is known in the next round. `hidden` is for each pixel,
/// `[H, W]`; where nothing is known, values stay.
///
/// # Errors
/// An image or a mask of another size; no memory.
pub fn median_fill(values: &mut [f32], hidden: &[bool], image: ImageShape) -> Result<()> {
    let plane = whole_planes(values, image)?;
    if hidden.len() != plane {
        return Err(Error::data(format!("a mask of {} pixels for images of {image}", hidden.len())));
    }
    let (mut window, mut found) = (Vec::new(), Vec::new());
    for values in values.chunks_exact_mut(plane) {
        let mut unknown = hidden.to_vec();
        loop {
            found.clear();
            for at in (0..plane).filter(|&at| unknown[at]) {
                window.clear();
                window.extend(neighbours(at, image, 1).filter(|&place| !unknown[place]).map(|place| values[place]));
                found.extend(median(&mut window).map(|median| (at, median)));
            }
            if found.is_empty() {
                break;
            }
            for &(at, median) in &found {
                (values[at], unknown[at]) = (median, false);
            }
        }
    }
    Ok(())
}

/// The places of a pixel's window in its plane.
fn neighbours(at: usize, image: ImageShape, reach: usize) -> impl Iterator<Item = usize> {
    let (y, x) = (at / image.width, at % image.width);
    let columns = x.saturating_sub(reach)..=(x + reach).min(image.width - 1);
    (y.saturating_sub(reach)..=(y + reach).min(image.height - 1))
        .flat_map(move |y| columns.clone().map(move |x| y * image.width + x))
}

/// The pixels of a plane, of which there is a whole number.
fn whole_planes(values: &[f32], image: ImageShape) -> Result<usize> {
    match image.features() {
        Some(features) if values.len().is_multiple_of(features) => Ok(image.height * image.width),
        _ => Err(Error::data(format!("{} numbers are no images of {image}", values.len()))),
    }
}

fn median(values: &mut [f32]) -> Option<f32> {
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    let lower = if even { below.iter().copied().max_by(f32::total_cmp).unwrap_or(upper) } else { upper };
    Some(0.5 * (lower + upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 1, height: 3, width: 4 };

    #[test]
    fn a_grain_of_salt_is_gone_and_an_edge_stays() {
        let mut values = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0];
        values[4] = 1.0;
        let filtered = median_filter(&values, SHAPE, 3).unwrap();
        assert_eq!(filtered[4], 0.0);
        assert!(filtered[6] == 1.0 && filtered[2] == 1.0 && filtered[8] == 0.0);
        assert!(median_filter(&values, SHAPE, 4).is_err() && median_filter(&values[..5], SHAPE, 3).is_err());
        assert_eq!([median(&mut [3.0, 1.0]), median(&mut [])], [Some(2.0), None]);
    }

    #[test]
    fn holes_are_filled_from_their_edge() {
        let mut values = [5.0f32; 12];
        let hidden: Vec<bool> = (0..12).map(|at| at % 4 > 0).collect();
        values.iter_mut().zip(&hidden).filter(|(_, hidden)| **hidden).for_each(|(x, _)| *x = 0.0);
        median_fill(&mut values, &hidden, SHAPE).unwrap();
        assert_eq!(values, [5.0; 12]);
        // Nothing is known: nothing changes.
        let mut values = [7.0; 12];
        median_fill(&mut values, &[true; 12], SHAPE).unwrap();
        assert_eq!(values, [7.0; 12]);
    }
}
