//! Shapes of images, and running a function over the planes (one channel of one image) of a batch, on as many threads
//! as pay.

use super::{GATE, GRAIN};
use crate::base::{Context, Error};
use crate::conv::batch::{Images, ImagesMut};
use crate::tape::{Real, Shape};

/// A value of images: its numbers, and how many a plane has.
pub(super) struct Planes<'a, T>(pub(super) &'a [T], pub(super) usize);

/// The same, to be written.
pub(super) struct PlanesMut<'a, T>(pub(super) &'a mut [T], pub(super) usize);

/// Runs `work(plane of a, plane of b, plane of to)` for every plane.
pub(super) fn each<T: Real>(
    context: Context,
    a: Planes<'_, T>,
    b: Planes<'_, T>,
    to: PlanesMut<'_, T>,
    work: &(impl Fn(&[T], &[T], &mut [T]) -> Result<(), Error> + Sync),
) -> Result<(), Error> {
    let (Planes(a, of_a), Planes(b, of_b), PlanesMut(to, of_to)) = (a, b, to);
    let grain = GRAIN.div_ceil(of_a.max(of_to).max(1));
    let split = context.split.gated(a.len().max(to.len()), GATE);
    let items = ((Images { data: a, each: of_a }, Images { data: b, each: of_b }), ImagesMut { data: to, each: of_to });
    type Parts<'a, T> = ((Images<'a, T>, Images<'a, T>), ImagesMut<'a, T>);
    split.try_parts(items, grain, &|((a, b), to): Parts<'_, T>| {
        let mut planes = a.each().zip(b.each()).zip(to.data.chunks_exact_mut(of_to));
        planes.try_for_each(|((a, b), to)| work(a, b, to))
    })
}

/// Height and width of the images of `shape`.
///
/// # Errors
/// When it has none, which its shape rule refuses.
pub(super) fn sides(shape: &Shape) -> Result<[usize; 2], Error> {
    match *shape.sizes() {
        [.., height, width] => Ok([height, width]),
        _ => Err(Error::shape(format!("{shape} is no shape of images"))),
    }
}

/// Refuses anything but `[batch, channels, height, width]`; gives the channels and the sides.
pub(super) fn image(shape: &Shape) -> Result<(usize, [usize; 2]), String> {
    match (shape.is_batch(), shape.sizes()) {
        (true, &[channels, height, width]) | (false, &[_, channels, height, width]) => Ok((channels, [height, width])),
        _ => Err(format!("the input is {shape}; it must be [batch, channels, height, width]")),
    }
}

/// The sizes of one image without the batch, which is symbolic or the first size.
pub(super) fn one(shape: &Shape) -> &[usize] {
    if shape.is_batch() { shape.sizes() } else { shape.sizes().get(1..).unwrap_or_default() }
}

/// The shape of as many images as `like` has, with other sizes.
pub(super) fn shape_of(like: &Shape, [channels, height, width]: [usize; 3]) -> Shape {
    match (like.is_batch(), like.sizes().first(), one(like).len()) {
        (true, _, 2) => Shape::batch(&[channels, width]),
        (true, ..) => Shape::batch(&[channels, height, width]),
        (false, Some(&images), 2) => Shape::fixed(&[images, channels, width]),
        (false, images, _) => Shape::fixed(&[images.copied().unwrap_or(1), channels, height, width]),
    }
}

/// The words of an error, for a shape rule.
pub(super) fn words(error: Error) -> String {
    error.message().to_owned()
}
