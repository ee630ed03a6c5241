//! Philox 4x32-10 in vectors: a stream of random words that can be entered at any position.
//!
//! Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011). The key is the 64-bit seed;
//! of the 128-bit counter the low half numbers the blocks of four words and the high half is the stream.
//!
//! Sixteen blocks make a tile of 64 words: word `w` of block `b` is element `16 w + b`, so that vectors of 4, 8 or 16
//! blocks are stored as they are and no backend shows in the order. A number takes one word in `f32` and the words
//! `(0, 1)` or `(2, 3)` of a block in `f64`. Called by `random`; about 18 instructions a round and vector.

use super::access::{read, write};
use super::math::Elementary;
use super::{Isa, Lanes, kernel_table};

/// Words in a tile, which is also the elements in a tile of `u32` or `f32`; a tile of `f64` has half as many.
pub(crate) const TILE: usize = 64;
/// Blocks in a tile.
const BLOCKS: usize = 16;
const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
static BLOCK_NUMBERS: [u32; BLOCKS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const TWO_M24: f64 = 1.0 / 16_777_216.0;
const TWO_M32: f64 = 1.0 / 4_294_967_296.0;
const TWO_M53: f64 = 1.0 / 9_007_199_254_740_992.0;

kernel_table! {
    /// Fills with the elements `offset..offset + out.len()` of a stream.
    pub struct PhiloxKernels in philox_kernels;

    /// The raw words.
    fn bits(seed: u64, stream: u64, offset: u64, out: &mut [u32]) = fill_bits;
    /// Uniform in `[low, low + span)`, the same bits on every backend.
    fn uniform(seed: u64, stream: u64, offset: u64, low: T, span: T, out: &mut [T]) = fill_uniform;
    /// Normal, by Box and Muller's transformation.
    fn normal(seed: u64, stream: u64, offset: u64, mean: T, deviation: T, out: &mut [T]) = fill_normal;
}

/// Seed and stream: everything but the position.
#[derive(Clone, Copy)]
struct Source {
    seed: u64,
    stream: u64,
}

impl Source {
    /// The four words of `LANES` blocks of a tile, from `block` on.
    ///
    /// Within a tile the block index carries at most out of its lowest four bits, so only the first counter word
    /// differs between the lanes.
    #[inline(always)]
    fn words<I: Isa>(self, isa: I, tile: u64, block: usize) -> [I::U; 4] {
        let base = tile.wrapping_mul(BLOCKS as u64);
        let numbers = isa.u32_load(&BLOCK_NUMBERS[block..]);
        let mut c = [
            isa.u32_add(isa.u32_splat(base as u32), numbers),
            isa.u32_splat((base >> 32) as u32),
            isa.u32_splat(self.stream as u32),
            isa.u32_splat((self.stream >> 32) as u32),
        ];
        let [m0, m1] = MULTIPLIERS.map(|m| isa.u32_splat(m));
        let mut key = [self.seed as u32, (self.seed >> 32) as u32];
        for _ in 0..ROUNDS {
            let (high0, low0) = isa.u32_mul_wide(c[0], m0);
            let (high1, low1) = isa.u32_mul_wide(c[2], m1);
            c = [
                isa.u32_xor(high1, isa.u32_xor(c[1], isa.u32_splat(key[0]))),
                low1,
                isa.u32_xor(high0, isa.u32_xor(c[3], isa.u32_splat(key[1]))),
                low0,
            ];
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        c
    }

    /// A whole tile of words.
    #[inline(always)]
    fn word_tile<I: Isa>(self, isa: I, tile: u64, out: &mut [u32]) {
        let out = &mut out[..TILE];
        let mut block = 0;
        while block < BLOCKS {
            let words = self.words(isa, tile, block);
            for (w, word) in words.into_iter().enumerate() {
                isa.u32_store(word, &mut out[w * BLOCKS + block..]);
            }
            block += <I as Lanes<f32>>::LANES;
        }
    }
}

/// What makes a tile of elements `E`; the whole of a stream is its tiles one after the other.
trait Tiles<E, I> {
    /// Elements in a tile, at most [`TILE`].
    const LEN: usize;
    /// Writes the first `LEN` elements of `out`.
    fn tile(&self, isa: I, tile: u64, out: &mut [E]);
}

/// Writes the elements from `offset` on: whole tiles in place, a part of one by way of the stack.
#[inline(always)]
fn fill<E: Copy + Default, I: Copy, S: Tiles<E, I>>(isa: I, source: S, offset: u64, out: &mut [E]) {
    let mut tile = offset / S::LEN as u64;
    let skip = (offset % S::LEN as u64) as usize;
    let head_len = if skip == 0 { 0 } else { (S::LEN - skip).min(out.len()) };
    let (head, rest) = out.split_at_mut(head_len);
    let mut spare = [E::default(); TILE];
    if !head.is_empty() {
        source.tile(isa, tile, &mut spare);
        head.copy_from_slice(&spare[skip..skip + head.len()]);
        tile = tile.wrapping_add(1);
    }
    let mut whole = rest.chunks_exact_mut(S::LEN);
    for chunk in &mut whole {
        source.tile(isa, tile, chunk);
        tile = tile.wrapping_add(1);
    }
    let tail = whole.into_remainder();
    if !tail.is_empty() {
        source.tile(isa, tile, &mut spare);
        tail.copy_from_slice(&spare[..tail.len()]);
    }
}

struct Bits(Source);

impl<I: Isa> Tiles<u32, I> for Bits {
    const LEN: usize = TILE;

    #[inline(always)]
    fn tile(&self, isa: I, tile: u64, out: &mut [u32]) {
        self.0.word_tile(isa, tile, out);
    }
}

#[inline(always)]
fn fill_bits<I: Isa>(isa: I, seed: u64, stream: u64, offset: u64, out: &mut [u32]) {
    fill(isa, Bits(Source { seed, stream }), offset, out);
}

/// How an element type draws the variables that the distributions are made of.
trait Draw: Elementary {
    /// Elements in a tile.
    const LEN: usize;

    /// A tile of `u` in `[0, 1)`.
    fn unit_tile<I: Isa + Lanes<Self>>(isa: I, source: Source, tile: u64, out: &mut [Self]);
    /// The two halves of a tile: `u` in `(0, 1]`, and `v` in `[0, 1)`.
    fn polar_tile<I: Isa + Lanes<Self>>(isa: I, source: Source, tile: u64, out: &mut [Self]);
    /// Where the partners of element `i` of a half of a tile stand: of a pair's two variables.
    fn partners(i: usize) -> [usize; 2];
}

impl Draw for f32 {
    const LEN: usize = TILE;

    /// The top 24 bits of each word.
    #[inline(always)]
    fn unit_tile<I: Isa>(isa: I, source: Source, tile: u64, out: &mut [f32]) {
        let scale = <I as Lanes<f32>>::splat(isa, TWO_M24 as f32);
        let mut block = 0;
        while block < BLOCKS {
            for (w, word) in source.words(isa, tile, block).into_iter().enumerate() {
                let u = <I as Lanes<f32>>::mul(isa, isa.u32_top24(word), scale);
                write::<f32, I>(isa, u, out, w * BLOCKS + block);
            }
            block += <I as Lanes<f32>>::LANES;
        }
    }

    /// `u` has all 32 bits of its word, for the sake of the normal's tail: it ends at 6.66, not at 5.77.
    #[inline(always)]
    fn polar_tile<I: Isa>(isa: I, source: Source, tile: u64, out: &mut [f32]) {
        let scale = <I as Lanes<f32>>::splat(isa, TWO_M24 as f32);
        let fraction = <I as Lanes<f32>>::splat(isa, (TWO_M24 * TWO_M24) as f32);
        let last = <I as Lanes<f32>>::splat(isa, TWO_M32 as f32);
        let shift = isa.u32_splat(1 << 24);
        let mut block = 0;
        while block < BLOCKS {
            let words = source.words(isa, tile, block);
            for pair in 0..2 {
                let word = words[2 * pair];
                // The lowest 8 bits, moved up: 2^16 times their value as a number.
                let (_, low) = isa.u32_mul_wide(word, shift);
                let low = <I as Lanes<f32>>::fma(isa, isa.u32_top24(low), fraction, last);
                let u = <I as Lanes<f32>>::fma(isa, isa.u32_top24(word), scale, low);
                let v = <I as Lanes<f32>>::mul(isa, isa.u32_top24(words[2 * pair + 1]), scale);
                write::<f32, I>(isa, u, out, 2 * pair * BLOCKS + block);
                write::<f32, I>(isa, v, out, (2 * pair + 1) * BLOCKS + block);
            }
            block += <I as Lanes<f32>>::LANES;
        }
    }

    #[inline(always)]
    fn partners(i: usize) -> [usize; 2] {
        let first = i / BLOCKS * 2 * BLOCKS + i % BLOCKS;
        [first, first + BLOCKS]
    }
}

impl Draw for f64 {
    const LEN: usize = TILE / 2;

    /// 53 bits: a word and the upper 21 bits of the next.
    #[inline(always)]
    fn unit_tile<I: Isa>(isa: I, source: Source, tile: u64, out: &mut [f64]) {
        let mut words = [0; TILE];
        source.word_tile(isa, tile, &mut words);
        for (words, out) in words.chunks_exact(2 * BLOCKS).zip(out.chunks_exact_mut(BLOCKS)) {
            let (high, low) = words.split_at(BLOCKS);
            for ((out, high), low) in out.iter_mut().zip(high).zip(low) {
                *out = f64::from(*high) * TWO_M32 + f64::from(low >> 11) * TWO_M53;
            }
        }
    }

    #[inline(always)]
    fn polar_tile<I: Isa>(isa: I, source: Source, tile: u64, out: &mut [f64]) {
        Self::unit_tile(isa, source, tile, out);
        for u in &mut out[..BLOCKS] {
            *u += TWO_M53;
        }
    }

    #[inline(always)]
    fn partners(i: usize) -> [usize; 2] {
        [i, i + BLOCKS]
    }
}

struct Uniform<T> {
    source: Source,
    low: T,
    span: T,
}

impl<T: Draw, I: Isa + Lanes<T>> Tiles<T, I> for Uniform<T> {
    const LEN: usize = T::LEN;

    /// `low + span u`, rounded twice on every backend; where that gives the upper end itself, `low`.
    #[inline(always)]
    fn tile(&self, isa: I, tile: u64, out: &mut [T]) {
        T::unit_tile(isa, self.source, tile, out);
        let low = <I as Lanes<T>>::splat(isa, self.low);
        let span = <I as Lanes<T>>::splat(isa, self.span);
        let high = <I as Lanes<T>>::splat(isa, self.low + self.span);
        let mut at = 0;
        while at < T::LEN {
            let u = read::<T, I>(isa, out, at);
            let x = <I as Lanes<T>>::add(isa, <I as Lanes<T>>::mul(isa, u, span), low);
            let inside = <I as Lanes<T>>::lt(isa, x, high);
            write::<T, I>(isa, <I as Lanes<T>>::select(isa, inside, x, low), out, at);
            at += <I as Lanes<T>>::LANES;
        }
    }
}

#[inline(always)]
fn fill_uniform<T: Draw, I: Isa + Lanes<T>>(
    isa: I,
    seed: u64,
    stream: u64,
    offset: u64,
    low: T,
    span: T,
    out: &mut [T],
) {
    fill(isa, Uniform { source: Source { seed, stream }, low, span }, offset, out);
}

struct Normal<T> {
    source: Source,
    mean: T,
    deviation: T,
}

impl<T: Draw, I: Isa + Lanes<T>> Tiles<T, I> for Normal<T> {
    const LEN: usize = T::LEN;

    /// `r cos(2 pi v)` and `r sin(2 pi v)` with `r = sqrt(-2 ln u)`: Box and Muller (1958).
    #[inline(always)]
    fn tile(&self, isa: I, tile: u64, out: &mut [T]) {
        T::polar_tile(isa, self.source, tile, out);
        let mean = <I as Lanes<T>>::splat(isa, self.mean);
        let deviation = <I as Lanes<T>>::splat(isa, self.deviation);
        let minus_two = <I as Lanes<T>>::splat(isa, -(T::ONE + T::ONE));
        let mut i = 0;
        while i < T::LEN / 2 {
            let [first, second] = T::partners(i);
            let u = read::<T, I>(isa, out, first);
            let v = read::<T, I>(isa, out, second);
            let radius = <I as Lanes<T>>::sqrt(isa, <I as Lanes<T>>::mul(isa, minus_two, T::ln(isa, u)));
            let radius = <I as Lanes<T>>::mul(isa, radius, deviation);
            let (sin, cos) = T::sincospi(isa, <I as Lanes<T>>::add(isa, v, v));
            write::<T, I>(isa, <I as Lanes<T>>::fma(isa, radius, cos, mean), out, first);
            write::<T, I>(isa, <I as Lanes<T>>::fma(isa, radius, sin, mean), out, second);
            i += <I as Lanes<T>>::LANES;
        }
    }
}

#[inline(always)]
fn fill_normal<T: Draw, I: Isa + Lanes<T>>(
    isa: I,
    seed: u64,
    stream: u64,
    offset: u64,
    mean: T,
    deviation: T,
    out: &mut [T],
) {
    fill(isa, Normal { source: Source { seed, stream }, mean, deviation }, offset, out);
}
