//! The portable backend: `wide`'s 128-bit vectors, compiled for the crate's own target features.
//!
//! Four `f32` or two `f64` a vector: what SSE2, NEON and SIMD128 have. Bit tricks go through `bytemuck` casts, which
//! the compiler turns into nothing.

use crate::base::Backend;
use crate::base::backend::InstructionSet;
use crate::simd::{Isa, Lanes};
use bytemuck::cast;
use wide::{f32x4, f64x2, i32x4, i64x2, u32x4};

/// What it states of itself.
pub(crate) static SET: InstructionSet =
    InstructionSet { name: "portable", vector_bytes: 16, half: None, is_detected: || true };

/// The backend: every machine has it.
pub(crate) fn backend() -> Backend {
    // SAFETY: these are the instructions that the crate was compiled for.
    unsafe { Backend::assume(&SET) }
}

/// The token of the portable backend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Portable {
    /// # Safety
    /// * None: every machine has it. Unsafe only for the sake of one macro for all.
    #[inline(always)]
    pub(crate) unsafe fn new_unchecked() -> Self {
        Self
    }
}

// SAFETY: every machine has what the crate was compiled for; `Lanes` is argued below.
unsafe impl Isa for Portable {
    type U = u32x4;

    #[inline(always)]
    fn u32_splat(self, x: u32) -> u32x4 {
        u32x4::splat(x)
    }

    #[inline(always)]
    fn u32_load(self, from: &[u32]) -> u32x4 {
        u32x4::from([from[0], from[1], from[2], from[3]])
    }

    #[inline(always)]
    fn u32_store(self, v: u32x4, to: &mut [u32]) {
        to[..4].copy_from_slice(&v.to_array());
    }

    #[inline(always)]
    fn u32_add(self, a: u32x4, b: u32x4) -> u32x4 {
        a + b
    }

    #[inline(always)]
    fn u32_xor(self, a: u32x4, b: u32x4) -> u32x4 {
        a ^ b
    }

    #[inline(always)]
    fn u32_mul_wide(self, a: u32x4, b: u32x4) -> (u32x4, u32x4) {
        let (low, high) = a.mul_keep_low_high(b);
        (high, low)
    }

    #[inline(always)]
    fn u32_top24(self, a: u32x4) -> f32x4 {
        let top: i32x4 = cast(a >> 8);
        f32x4::from_i32x4(top)
    }
}

macro_rules! portable_lanes {
    (
        $t:ident, $v:ident, $lanes:literal, $bits:ident, $ints:ident,
        bias: $bias:literal, mantissa: $mantissa:literal
    ) => {
        // SAFETY: as for `Isa`; `V` is a vector of so many elements, and each `_at` accesses those it names.
        unsafe impl Lanes<$t> for Portable {
            type V = $v;
            type Mask = $v;
            const LANES: usize = $lanes;
            // SSE2 has no more; the compiler may have NEON's 32, and leaves half of them idle.
            const REGISTERS: usize = 16;
            const SQUARE: usize = 4;

            #[inline(always)]
            unsafe fn transpose_at(self, from: *const $t, stride: usize, to: *mut $t, to_stride: usize) {
                for (i, j) in (0..4).flat_map(|j| (0..4).map(move |i| (i, j))) {
                    // SAFETY: the caller vouches for both squares.
                    unsafe { *to.add(j * to_stride + i) = *from.add(i * stride + j) };
                }
            }

            #[inline(always)]
            fn splat(self, x: $t) -> $v {
                $v::splat(x)
            }

            #[inline(always)]
            unsafe fn load_at(self, from: *const $t) -> $v {
                // SAFETY: the caller vouches for LANES elements; an array has its element's alignment.
                $v::from(unsafe { *from.cast::<[$t; $lanes]>() })
            }

            #[inline(always)]
            unsafe fn load_head_at(self, from: *const $t, count: usize) -> $v {
                let mut array = [0.0; $lanes];
                for (lane, slot) in array.iter_mut().enumerate().take(count) {
                    // SAFETY: `lane < count`, and the caller vouches for `count` elements.
                    *slot = unsafe { *from.add(lane) };
                }
                $v::from(array)
            }

            #[inline(always)]
            unsafe fn store_at(self, v: $v, to: *mut $t) {
                // SAFETY: the caller vouches for LANES elements; an array has its element's alignment.
                unsafe { *to.cast::<[$t; $lanes]>() = v.to_array() };
            }

            #[inline(always)]
            unsafe fn store_head_at(self, v: $v, to: *mut $t, count: usize) {
                for (lane, x) in v.to_array().into_iter().enumerate().take(count) {
                    // SAFETY: `lane < count`, and the caller vouches for `count` elements.
                    unsafe { *to.add(lane) = x };
                }
            }

            #[inline(always)]
            unsafe fn load_u8_at(self, from: *const u8) -> $v {
                // SAFETY: the caller vouches for LANES bytes.
                let bytes = unsafe { *from.cast::<[u8; $lanes]>() };
                $v::from(bytes.map(<$t>::from))
            }

            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                a + b
            }

            #[inline(always)]
            fn sub(self, a: $v, b: $v) -> $v {
                a - b
            }

            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                a * b
            }

            #[inline(always)]
            fn div(self, a: $v, b: $v) -> $v {
                a / b
            }

            #[inline(always)]
            fn fma(self, a: $v, b: $v, c: $v) -> $v {
                a.mul_add(b, c)
            }

            #[inline(always)]
            fn fnma(self, a: $v, b: $v, c: $v) -> $v {
                a.mul_neg_add(b, c)
            }

            #[inline(always)]
            fn max(self, a: $v, b: $v) -> $v {
                b.simd_lt(a).bitselect(a, b)
            }

            #[inline(always)]
            fn min(self, a: $v, b: $v) -> $v {
                a.simd_lt(b).bitselect(a, b)
            }

            #[inline(always)]
            fn sqrt(self, a: $v) -> $v {
                a.sqrt()
            }

            #[inline(always)]
            fn abs(self, a: $v) -> $v {
                let bits: $ints = cast(a);
                cast(bits & $ints::splat($bits::MAX))
            }

            #[inline(always)]
            fn neg(self, a: $v) -> $v {
                let bits: $ints = cast(a);
                cast(bits ^ $ints::splat($bits::MIN))
            }

            #[inline(always)]
            fn copysign(self, magnitude: $v, sign: $v) -> $v {
                let (magnitude, sign): ($ints, $ints) = (cast(magnitude), cast(sign));
                cast((magnitude & $ints::splat($bits::MAX)) | (sign & $ints::splat($bits::MIN)))
            }

            #[inline(always)]
            fn round(self, a: $v) -> $v {
                // Adding and taking away 2^mantissa leaves the nearest integer, halves to even, of a positive number;
                // numbers that large are integers already.
                let magic = $v::splat((1u64 << $mantissa) as $t);
                let positive = <Self as Lanes<$t>>::abs(self, a);
                let rounded = <Self as Lanes<$t>>::copysign(self, (positive + magic) - magic, a);
                positive.simd_lt(magic).bitselect(rounded, a)
            }

            #[inline(always)]
            fn lt(self, a: $v, b: $v) -> $v {
                a.simd_lt(b)
            }

            #[inline(always)]
            fn le(self, a: $v, b: $v) -> $v {
                a.simd_le(b)
            }

            #[inline(always)]
            fn eq(self, a: $v, b: $v) -> $v {
                a.simd_eq(b)
            }

            #[inline(always)]
            fn unzip(self, a: $v, b: $v) -> ($v, $v) {
                let (a, b) = (a.to_array(), b.to_array());
                let at = |i: usize| if i < $lanes { a[i] } else { b[i - $lanes] };
                let [even, odd] = [0, 1].map(|phase| std::array::from_fn::<$t, $lanes, _>(|i| at(2 * i + phase)));
                ($v::from(even), $v::from(odd))
            }

            #[inline(always)]
            fn zip(self, a: $v, b: $v) -> ($v, $v) {
                let (a, b) = (a.to_array(), b.to_array());
                let at = |i: usize| if i % 2 == 0 { a[i / 2] } else { b[i / 2] };
                let [low, high] = [0, $lanes].map(|first| std::array::from_fn::<$t, $lanes, _>(|i| at(first + i)));
                ($v::from(low), $v::from(high))
            }

            #[inline(always)]
            fn select(self, mask: $v, a: $v, b: $v) -> $v {
                mask.bitselect(a, b)
            }

            #[inline(always)]
            fn bits(self, mask: $v) -> u32 {
                mask.to_bitmask()
            }

            #[inline(always)]
            fn pow2(self, n: $v) -> $v {
                // n + bias, converted by adding 2^mantissa: the integer then stands in the low bits of the pattern.
                let shifted: $ints = cast(n + $v::splat((1u64 << $mantissa) as $t + $bias as $t));
                cast(shifted << $mantissa)
            }

            #[inline(always)]
            fn bits_sub(self, a: $v, b: $v) -> $v {
                let (a, b): ($ints, $ints) = (cast(a), cast(b));
                cast(a - b)
            }

            #[inline(always)]
            fn bits_value(self, a: $v) -> $v {
                let bits: [$bits; $lanes] = cast(a);
                $v::from(bits.map(|x| x as $t))
            }

            #[inline(always)]
            fn split(self, a: $v) -> ($v, $v) {
                let bits: $ints = cast(a);
                let one = (1 as $t).to_bits() as $bits;
                let m = cast((bits & $ints::splat((1 << $mantissa) - 1)) | $ints::splat(one));
                // The exponent field, read as a number by placing it under 2^mantissa.
                let field = (bits >> $mantissa) | $ints::splat(((1u64 << $mantissa) as $t).to_bits() as $bits);
                let e: $v = cast(field);
                (m, e - $v::splat((1u64 << $mantissa) as $t + $bias as $t))
            }

            #[inline(always)]
            fn sum(self, v: $v) -> $t {
                let mut array = v.to_array();
                let mut half = $lanes / 2;
                while half > 0 {
                    for lane in 0..half {
                        array[lane] += array[lane + half];
                    }
                    half /= 2;
                }
                array[0]
            }
        }
    };
}

portable_lanes!(f32, f32x4, 4, i32, i32x4, bias: 127, mantissa: 23);
portable_lanes!(f64, f64x2, 2, i64, i64x2, bias: 1023, mantissa: 52);
