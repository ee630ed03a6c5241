//! The vector operations that kernels are written in.
//!
//! A kernel is a generic `#[inline(always)]` function over an [`Isa`] token; a named entry point per instruction set
//! (see `table.rs`) instantiates it. A token is a zero-size proof: it exists only where the instructions do. All
//! methods must be inlined into such an entry point to become single instructions.
//!
//! Bit tricks that exp and ln need are stated as operations of their own, in terms of the floating-point format, so
//! that no kernel handles integer vectors except the random generator (through [`Isa::U`]).

/// A token for a set of vector instructions, with the 32-bit integer operations that the random generator needs.
///
/// # Safety
/// Whoever implements it sees to it that:
/// * a value of the type exists only where the processor has the instructions;
/// * the duties of [`Lanes`] are kept for both element types.
pub(crate) unsafe trait Isa: Copy + Send + Sync + 'static + Lanes<f32> + Lanes<f64> {
    /// A vector of `u32`, with as many lanes as there are in a vector of `f32`.
    type U: Copy;
    /// All lanes equal to `x`.
    fn u32_splat(self, x: u32) -> Self::U;
    /// The first lanes of `from`, which must hold a full vector.
    fn u32_load(self, from: &[u32]) -> Self::U;
    /// Writes a full vector to the start of `to`.
    fn u32_store(self, v: Self::U, to: &mut [u32]);
    /// Lane-wise wrapping sum.
    fn u32_add(self, a: Self::U, b: Self::U) -> Self::U;
    /// Lane-wise exclusive or.
    fn u32_xor(self, a: Self::U, b: Self::U) -> Self::U;
    /// The high and the low half of each 64-bit product.
    fn u32_mul_wide(self, a: Self::U, b: Self::U) -> (Self::U, Self::U);
    /// The upper 24 bits of each lane as a float in `[0, 2^24)`.
    fn u32_top24(self, a: Self::U) -> <Self as Lanes<f32>>::V;
}

/// Vectors of `T`.
///
/// The methods that end in `_at` read or write through raw pointers and say what must be valid; everything else is safe
/// once the token exists.
///
/// # Safety
/// Whoever implements it sees to it that:
/// * a value of the type exists only where the processor has the instructions, so that its safe methods may use them;
/// * [`Self::V`] is [`Self::LANES`] elements of `T` one after the other in memory, and `LANES` is 2, 4, 8 or 16;
/// * the methods that end in `_at` touch no memory but the elements that they name.
pub unsafe trait Lanes<T>: Copy + Send + Sync + 'static {
    /// A vector.
    type V: Copy;
    /// One truth value per lane.
    type Mask: Copy;
    /// Elements in a vector.
    const LANES: usize;
    /// Vectors that the processor keeps in registers, which decides how large a tile may be.
    const REGISTERS: usize;
    /// The side of the square that [`Self::transpose_at`] takes.
    const SQUARE: usize;

    /// All lanes equal to `x`.
    fn splat(self, x: T) -> Self::V;
    /// Reads [`Self::LANES`] elements.
    ///
    /// # Safety
    /// * `from` is valid for reading that many elements; no alignment is needed.
    unsafe fn load_at(self, from: *const T) -> Self::V;
    /// Reads `count` elements, at most [`Self::LANES`], and fills up with zeros.
    ///
    /// # Safety
    /// * `from` is valid for reading `count` elements.
    unsafe fn load_head_at(self, from: *const T, count: usize) -> Self::V;
    /// Writes [`Self::LANES`] elements.
    ///
    /// # Safety
    /// * `to` is valid for writing that many elements.
    unsafe fn store_at(self, v: Self::V, to: *mut T);
    /// Writes the first `count` elements, at most [`Self::LANES`].
    ///
    /// # Safety
    /// * `to` is valid for writing `count` elements.
    unsafe fn store_head_at(self, v: Self::V, to: *mut T, count: usize);
    /// Reads bytes as numbers 0..=255.
    ///
    /// # Safety
    /// * `from` is valid for reading [`Self::LANES`] bytes.
    unsafe fn load_u8_at(self, from: *const u8) -> Self::V;

    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, rounded once where the instructions can, twice otherwise.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a * b`, rounded as [`Self::fma`] is.
    fn fnma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where either is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where either is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The square root.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `|a|`
    fn abs(self, a: Self::V) -> Self::V;
    /// `-a`
    fn neg(self, a: Self::V) -> Self::V;
    /// `|magnitude|` with the sign of `sign`.
    fn copysign(self, magnitude: Self::V, sign: Self::V) -> Self::V;
    /// The nearest integer, halves to even.
    fn round(self, a: Self::V) -> Self::V;

    /// `a < b`, false where either is NaN.
    fn lt(self, a: Self::V, b: Self::V) -> Self::Mask;
    /// `a <= b`, false where either is NaN.
    fn le(self, a: Self::V, b: Self::V) -> Self::Mask;
    /// `a == b`, false where either is NaN.
    fn eq(self, a: Self::V, b: Self::V) -> Self::Mask;
    /// `a` where the mask holds, else `b`.
    fn select(self, mask: Self::Mask, a: Self::V, b: Self::V) -> Self::V;
    /// The truth values as bits, the first lane's lowest; no bit above those of the lanes is set.
    fn bits(self, mask: Self::Mask) -> u32;

    /// `2^n` for integral `n` whose power is a normal number.
    fn pow2(self, n: Self::V) -> Self::V;
    /// The difference of the bit patterns as integers, read as a number again.
    fn bits_sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// The bit pattern of a non-negative number, as an integer, converted to a number (rounded).
    fn bits_value(self, a: Self::V) -> Self::V;
    /// For positive normal `a = m * 2^e` with `m` in `[1, 2)`: `(m, e)`.
    fn split(self, a: Self::V) -> (Self::V, Self::V);

    /// The even and the odd lanes of `a` and then `b`.
    fn unzip(self, a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// The transpose of [`Self::unzip`]: lanes of `a` and `b` in turns, in two vectors.
    fn zip(self, a: Self::V, b: Self::V) -> (Self::V, Self::V);

    /// Writes the transpose of a square of [`Self::SQUARE`] by `SQUARE` elements: `to[j * to_stride + i] = from[i *
    /// stride + j]`.
    ///
    /// # Safety
    /// * `from` is valid for reading that many elements from each of that many rows at distance `stride`.
    /// * `to` is valid for writing as many at distance `to_stride`, and overlaps none of them.
    unsafe fn transpose_at(self, from: *const T, stride: usize, to: *mut T, to_stride: usize);

    /// The sum of all lanes, in a fixed order: halves are added until one lane is left.
    fn sum(self, v: Self::V) -> T;
}

// Why kernels are generic over `I: Lanes<T>` and not `I: Isa`: an `Isa` has lanes of both element types, and a method
// call on it would not say which is meant.
