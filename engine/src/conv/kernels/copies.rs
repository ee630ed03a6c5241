//! The copies around the products: an image into its padded planes, planes of phases back into an image, sums folded.
//!
//! With a stride of s the padded image is kept as s * s images of every s-th row and column (its phases), because then
//! every element of the kernel sees neighbours in neighbouring places, whatever the stride. Each copy passes over an image
//! once and is bound by loads and stores in L1 or L2.

use crate::simd::{Float, Lanes};

/// An image of `[channels, height, width]`, and its padded planes: channel by channel, for every phase of rows and of
/// columns, `rows` by `pitch` elements. Pixel `(i, j)` is element `((i + front) / stride, ..)` of phase
/// `((i + front) % stride, ..)`; pixels beyond the planes are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Padded {
    pub(crate) channels: usize,
    pub(crate) image: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) front: [usize; 2],
    pub(crate) rows: usize,
    pub(crate) pitch: usize,
}

/// Elements after the last plane that a vector may read.
const SLACK: usize = 16;

impl Padded {
    fn plane(&self) -> usize {
        self.rows * self.pitch
    }

    fn channel(&self) -> usize {
        self.stride[0] * self.stride[1] * self.plane()
    }

    /// Elements in all, or `None` where there are too many to count.
    pub(crate) fn len(&self) -> Option<usize> {
        let factors = [self.stride[0], self.stride[1], self.rows, self.pitch];
        factors.iter().try_fold(self.channels, |n, &factor| n.checked_mul(factor))?.checked_add(SLACK)
    }

    /// Where row `at[0]` and column `at[1]` of the padded image stand (the row and column of the image plus `front`).
    pub(crate) fn place(&self, channel: usize, at: [usize; 2]) -> usize {
        let [rows, columns] = self.stride;
        let phase = at[0] % rows * columns + at[1] % columns;
        channel * self.channel() + phase * self.plane() + at[0] / rows * self.pitch + at[1] / columns
    }
}

/// The pixels of one axis that fall in a phase: the first, and how many that phase has room for.
#[inline(always)]
fn of_phase(phase: usize, size: usize, stride: usize, front: usize, room: usize) -> (usize, usize) {
    let first = (phase + stride - front % stride) % stride;
    let count = size.saturating_sub(first).div_ceil(stride);
    (first, count.min(room.saturating_sub((first + front) / stride)))
}

/// Copies an image into its planes, whose other elements are left alone.
#[inline(always)]
pub(super) fn pad<T: Float, I: Lanes<T>>(isa: I, x: &Padded, from: &[T], to: &mut [T]) {
    let ([height, width], [down, across]) = (x.image, x.stride);
    for channel in 0..x.channels {
        let from = &from[channel * height * width..][..height * width];
        let to = &mut to[channel * x.channel()..][..x.channel()];
        for phase in 0..across {
            let (first, count) = of_phase(phase, width, across, x.front[1], x.pitch);
            if count == 0 {
                continue;
            }
            let left = (first + x.front[1]) / across;
            // Counted along, for a division a row would show.
            let (mut vertical, mut line) = (x.front[0] % down, x.front[0] / down);
            for from in from.chunks_exact(width) {
                if line >= x.rows {
                    break;
                }
                let to = &mut to[((vertical * across + phase) * x.rows + line) * x.pitch + left..][..count];
                match across {
                    1 => copy(isa, &from[..count], to),
                    2 => every_second(isa, &from[first..], to),
                    _ => to.iter_mut().zip(from[first..].iter().step_by(across)).for_each(|(to, from)| *to = *from),
                }
                vertical += 1;
                if vertical == down {
                    (vertical, line) = (0, line + 1);
                }
            }
        }
    }
}

/// Copies as many elements as both have, a row of an image: without the call that `copy_from_slice` is, and without masked
/// stores, which wait (Zen 4); the last piece is copied over what is done already.
#[inline(always)]
pub(super) fn copy<T: Float, I: Lanes<T>>(_: I, from: &[T], to: &mut [T]) {
    match from.len().min(to.len()) {
        16.. if size_of::<I::V>() == 64 => by_pieces::<T, 16>(from, to),
        8.. => by_pieces::<T, 8>(from, to),
        4.. => by_pieces::<T, 4>(from, to),
        _ => from.iter().zip(to).for_each(|(from, to)| *to = *from),
    }
}

/// Pieces of a fixed size are vectors to the compiler.
#[inline(always)]
fn by_pieces<T: Float, const N: usize>(from: &[T], to: &mut [T]) {
    let len = from.len().min(to.len());
    let mut next = 0;
    while next < len {
        let at = next.min(len - N);
        next = at + N;
        let (from, to) = (&from[at..][..N], &mut to[at..][..N]);
        for i in 0..N {
            to[i] = from[i];
        }
    }
}

/// Copies elements 0, 2, 4, .. of `from`, as many as `to` has; the last vector over what is done already.
#[inline(always)]
fn every_second<T: Float, I: Lanes<T>>(isa: I, from: &[T], to: &mut [T]) {
    let (count, lanes) = (to.len(), I::LANES);
    // The odd elements are read as well, and the last may not be there.
    let vectors = if from.len() >= 2 * count { count } else { count - 1 };
    let mut next = 0;
    while next < vectors && vectors >= lanes {
        let at = next.min(vectors - lanes);
        next = at + lanes;
        let (from, to) = (&from[2 * at..][..2 * lanes], &mut to[at..][..lanes]);
        // SAFETY: two vectors and one.
        unsafe {
            let (even, _) = isa.unzip(isa.load_at(from.as_ptr()), isa.load_at(from[lanes..].as_ptr()));
            isa.store_at(even, to.as_mut_ptr());
        }
    }
    let done = if vectors >= lanes { vectors } else { 0 };
    to[done..].iter_mut().zip(from[2 * done..].iter().step_by(2)).for_each(|(to, from)| *to = *from);
}

/// Puts the phases of an image together: `from` holds, for every phase of rows and of columns in their order, the
/// `[channels, rows, columns]` of the image that fall in it. Adds to the image if `accumulate`.
#[inline(always)]
pub(super) fn weave<T: Float, I: Lanes<T>>(isa: I, x: &Padded, from: &[T], to: &mut [T], accumulate: bool) {
    let ([height, width], [down, across]) = (x.image, x.stride);
    let all = usize::MAX;
    let mut rest = from;
    for vertical in 0..down {
        let (top, rows) = of_phase(vertical, height, down, x.front[0], all);
        let (band, after) = rest.split_at(x.channels * rows * width);
        rest = after;
        for channel in 0..x.channels {
            for row in 0..rows {
                let to = &mut to[(channel * height + top + row * down) * width..][..width];
                let mut start = 0;
                let line = |start: usize, count: usize| &band[start + (channel * rows + row) * count..][..count];
                if across == 2 {
                    // Both at once, by exchanges of lanes.
                    let [even, odd] = [0, 1].map(|phase| of_phase(phase, width, 2, x.front[1], all));
                    let (first, second) = (line(0, even.1), line(x.channels * rows * even.1, odd.1));
                    let (low, high) = if even.0 == 0 { (first, second) } else { (second, first) };
                    interleave(isa, low, high, to, accumulate);
                    continue;
                }
                for phase in 0..across {
                    let (left, count) = of_phase(phase, width, across, x.front[1], all);
                    let places = to[left.min(width)..].iter_mut().step_by(across);
                    for (to, &from) in places.zip(line(start, count)) {
                        *to = if accumulate { *to + from } else { from };
                    }
                    start += x.channels * rows * count;
                }
            }
        }
    }
}

/// `low` at the even places, `high` at the odd ones.
#[inline(always)]
fn interleave<T: Float, I: Lanes<T>>(isa: I, low: &[T], high: &[T], to: &mut [T], accumulate: bool) {
    let pairs = high.len();
    let (whole, last) = to.split_at_mut(2 * pairs);
    let lanes = I::LANES;
    if !accumulate && pairs >= lanes {
        let mut next = 0;
        while next < pairs {
            let at = next.min(pairs - lanes);
            next = at + lanes;
            let (low, high) = (&low[at..][..lanes], &high[at..][..lanes]);
            let to = &mut whole[2 * at..][..2 * lanes];
            // SAFETY: a vector each, and two.
            unsafe {
                let (first, second) = isa.zip(isa.load_at(low.as_ptr()), isa.load_at(high.as_ptr()));
                isa.store_at(first, to.as_mut_ptr());
                isa.store_at(second, to[lanes..].as_mut_ptr());
            }
        }
        if let (Some(to), Some(&low)) = (last.first_mut(), low.get(pairs)) {
            *to = low;
        }
        return;
    }
    let values = low.iter().zip(high).zip(whole.chunks_exact_mut(2));
    if accumulate {
        for ((&low, &high), to) in values {
            to[0] += low;
            to[1] += high;
        }
    } else {
        for ((&low, &high), to) in values {
            to[0] = low;
            to[1] = high;
        }
    }
    if let (Some(to), Some(&low)) = (last.first_mut(), low.get(pairs)) {
        *to = if accumulate { *to + low } else { low };
    }
}

/// The sum of each vector's lanes.
#[inline(always)]
pub(super) fn fold<T: Float, I: Lanes<T>>(isa: I, vectors: &[T], to: &mut [T]) {
    for (vector, to) in vectors.chunks_exact(I::LANES).zip(to) {
        // SAFETY: a chunk is a whole vector.
        *to = isa.sum(unsafe { isa.load_at(vector.as_ptr()) });
    }
}
