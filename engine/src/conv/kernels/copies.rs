//! The copies around the products: an image into its padded planes, planes of phases back into an image, lanes of sums
//! added up.
//!
//! With a stride of s the padded image is kept as s * s images of every s-th row and column (its phases), because then
//! every element of the kernel sees neighbours in neighbouring places, whatever the stride. Each copy passes over an
//! image once and is bound by loads and stores in L1 or L2.

use crate::simd::{Float, Lanes, read, write};

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

    /// Elements of the image.
    pub(super) fn image_elements(&self) -> usize {
        self.channels * self.image[0] * self.image[1]
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

/// Copies an image into its planes. The planes' other elements must be zeros, and are zeros again afterwards.
///
/// Every row is written in whole vectors, with zeros after its end: they fall on padding, or on the next row, which is
/// written later. (Masked stores, which would need no such care, wait: Zen 4.)
#[inline(always)]
pub(super) fn pad<T: Float, I: Lanes<T>>(isa: I, x: &Padded, from: &[T], to: &mut [T]) {
    match x.stride {
        [1, 1] => pad_phases::<T, I, 1, 1>(isa, x, from, to),
        [2, 2] => pad_phases::<T, I, 2, 2>(isa, x, from, to),
        [1, 2] => pad_phases::<T, I, 1, 2>(isa, x, from, to),
        [2, 1] => pad_phases::<T, I, 2, 1>(isa, x, from, to),
        _ => pad_strided(x, from, to),
    }
}

/// A stride of up to 2, the usual ones: what a row needs is counted along, and two phases of columns are copied at
/// once.
#[inline(always)]
fn pad_phases<T: Float, I: Lanes<T>, const DOWN: usize, const ACROSS: usize>(
    isa: I,
    x: &Padded,
    from: &[T],
    to: &mut [T],
) {
    let [height, width] = x.image;
    let plane = x.plane();
    // Elements of each phase of columns that are copied, and the place in a row of the first.
    let mut columns = [(0, 0); ACROSS];
    for (phase, column) in columns.iter_mut().enumerate() {
        let (first, count) = of_phase(phase, width, ACROSS, x.front[1], x.pitch);
        *column = ((first + x.front[1]) / ACROSS, count);
    }
    // The first pixel may be of the second phase.
    let evens_in = x.front[1] % ACROSS;
    let swapped = evens_in == 1;
    for channel in 0..x.channels {
        let to = &mut to[channel * DOWN * ACROSS * plane..][..DOWN * ACROSS * plane];
        let (mut vertical, mut line) = (x.front[0] % DOWN, x.front[0] / DOWN);
        for row in 0..height {
            if line >= x.rows {
                break;
            }
            let start = (channel * height + row) * width;
            let source = &from[start..start + width];
            // The next image, if there is one: asked for now, it is in L2 when it is copied.
            fetch(source.as_ptr().wrapping_add(x.channels * height * width));
            let band = vertical * ACROSS * plane;
            if ACROSS == 1 {
                let to = &mut to[band..band + plane];
                let at = line * x.pitch + columns[0].0;
                let source = &source[..columns[0].1];
                let mut column = 0;
                while column < source.len() {
                    write(isa, read(isa, source, column), to, at + column);
                    column += I::LANES;
                }
            } else {
                let (first, second) = to[band..band + 2 * plane].split_at_mut(plane);
                let (evens_to, odds_to) = if swapped { (second, first) } else { (first, second) };
                let ((left, evens), (right, odds)) = (columns[evens_in], columns[1 - evens_in]);
                let at = [line * x.pitch + left, line * x.pitch + right];
                // Pixels that have no room are read as zeros.
                let (of_even, of_odd) = (&source[..width.min(2 * evens)], &source[..width.min(2 * odds)]);
                let mut column = 0;
                while column < evens.max(odds) {
                    let (even, mut odd) =
                        isa.unzip(read(isa, of_even, 2 * column), read(isa, of_even, 2 * column + I::LANES));
                    if evens != odds {
                        (_, odd) = isa.unzip(read(isa, of_odd, 2 * column), read(isa, of_odd, 2 * column + I::LANES));
                    }
                    write(isa, even, evens_to, at[0] + column);
                    write(isa, odd, odds_to, at[1] + column);
                    column += I::LANES;
                }
            }
            vertical += 1;
            if vertical == DOWN {
                (vertical, line) = (0, line + 1);
            }
        }
    }
}

/// Any stride.
#[inline(always)]
fn pad_strided<T: Float>(x: &Padded, from: &[T], to: &mut [T]) {
    let ([height, width], across) = (x.image, x.stride[1]);
    for (row, from) in from.chunks_exact(width).take(x.channels * height).enumerate() {
        let (channel, row) = (row / height, row % height + x.front[0]);
        if row / x.stride[0] >= x.rows {
            continue;
        }
        for phase in 0..across {
            let (first, count) = of_phase(phase, width, across, x.front[1], x.pitch);
            if count > 0 {
                let at = x.place(channel, [row, first + x.front[1]]);
                let pixels = from[first..].iter().step_by(across);
                to[at..][..count].iter_mut().zip(pixels).for_each(|(to, from)| *to = *from);
            }
        }
    }
}

/// Asks for a line of memory; any address may be given.
#[inline(always)]
fn fetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching reads nothing and may be given any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Puts the phases of an image together: `from` holds, for every phase of rows and of columns in their order, the
/// `[channels, rows, columns]` of the image that fall in it. Adds to the image if `accumulate`.
#[inline(always)]
pub(super) fn weave<T: Float, I: Lanes<T>>(isa: I, x: &Padded, from: &[T], to: &mut [T], accumulate: bool) {
    let ([height, width], [down, across]) = (x.image, x.stride);
    let columns = |phase: usize| of_phase(phase, width, across, x.front[1], usize::MAX);
    // With few phases without a division a row.
    let few = [0, 1].map(|phase| of_phase(phase, height, down, x.front[0], usize::MAX).1);
    let bands = |phase: usize| match phase {
        0 | 1 => few[phase],
        _ => of_phase(phase, height, down, x.front[0], usize::MAX).1,
    };
    let (even, odd) = (columns(0), columns(1));
    let start = x.front[0] % down;
    let before_start: usize = (0..start).map(bands).sum();
    for channel in 0..x.channels {
        let plane = &mut to[channel * height * width..][..height * width];
        // Rows in their order, so that what is written past the end of one is overwritten.
        let (mut vertical, mut before, mut rows) = (start, before_start, bands(start));
        let (mut shown, mut index) = (0, 0);
        for row in 0..height {
            let band = &from[x.channels * before * width..][..x.channels * rows * width];
            let at = channel * rows + index;
            let to = &mut plane[row * width..];
            if across == 2 && !accumulate {
                let (first, second) = (&band[at * even.1..], &band[x.channels * rows * even.1 + at * odd.1..]);
                if even.0 == 0 {
                    interleave(isa, (first, even.1), (second, odd.1), to);
                } else {
                    interleave(isa, (second, odd.1), (first, even.1), to);
                }
            } else {
                let mut start = 0;
                for phase in 0..across {
                    let (left, count) = columns(phase);
                    let line = &band[start + at * count..][..count];
                    for (to, &from) in to[left.min(width)..width].iter_mut().step_by(across).zip(line) {
                        *to = if accumulate { *to + from } else { from };
                    }
                    start += x.channels * rows * count;
                }
            }
            // The next row is of the next phase; after the last begins the next row of each.
            before += rows;
            vertical += 1;
            if vertical == down {
                (vertical, before) = (0, 0);
            }
            rows = bands(vertical);
            shown += 1;
            if shown == down {
                (shown, index) = (0, index + 1);
            }
        }
    }
}

/// `low`, so many elements of it, at the even places, `high` at the odd ones, and something after them, as far as a
/// vector reaches and `to` goes.
#[inline(always)]
fn interleave<T: Float, I: Lanes<T>>(isa: I, (low, evens): (&[T], usize), (high, odds): (&[T], usize), to: &mut [T]) {
    let mut at = 0;
    while at < evens.max(odds) {
        let (first, second) = isa.zip(read(isa, low, at), read(isa, high, at));
        write(isa, first, to, 2 * at);
        write(isa, second, to, 2 * at + I::LANES);
        at += I::LANES;
    }
}

/// The sum of each vector's lanes.
#[inline(always)]
pub(super) fn sum_lanes<T: Float, I: Lanes<T>>(isa: I, vectors: &[T], to: &mut [T]) {
    for (vector, to) in vectors.chunks_exact(I::LANES).zip(to) {
        *to = isa.sum(read(isa, vector, 0));
    }
}
