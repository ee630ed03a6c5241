//! The AVX2 and FMA backend: 256-bit vectors, eight `f32` or four `f64`.
//!
//! Every method is one or a few intrinsics. They may be called because an [`Avx2Fma`] token exists only where
//! detection found the instructions.

mod squares;

use crate::base::backend::InstructionSet;
use crate::simd::{Isa, Lanes};
pub(super) use squares::{transpose_4x4, transpose_8x8};
use std::arch::x86_64::*;

/// What it states of itself.
pub(crate) static SET: InstructionSet = InstructionSet {
    name: "avx2",
    vector_bytes: 32,
    half: None,
    is_detected: || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
};

/// The token: proof that this processor has AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2Fma(());

impl Avx2Fma {
    /// # Safety
    /// * The processor has AVX2 and FMA.
    #[inline(always)]
    pub(crate) unsafe fn new_unchecked() -> Self {
        Self(())
    }
}

/// Wraps intrinsics: the token in `self` is the reason why they may be called.
macro_rules! by_token {
    ($e:expr) => {
        // SAFETY: the token proves that the processor has the instructions.
        unsafe { $e }
    };
}

/// A mask with the first `count` of eight 32-bit lanes set; from the middle of this table.
static HEAD_MASK: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
fn head32(_: Avx2Fma, count: usize) -> __m256i {
    let start = 8 - count.min(8);
    // SAFETY: `start <= 8`, so eight entries follow; the token proves that the processor has the instruction.
    unsafe { _mm256_loadu_si256(HEAD_MASK.as_ptr().add(start).cast()) }
}

#[inline(always)]
fn head64(_: Avx2Fma, count: usize) -> __m256i {
    let start = 8 - 2 * count.min(4);
    // SAFETY: as in `head32`.
    unsafe { _mm256_loadu_si256(HEAD_MASK.as_ptr().add(start).cast()) }
}

// SAFETY: a token is made only where detection found the instructions; `Lanes` is argued below.
unsafe impl Isa for Avx2Fma {
    type U = __m256i;

    #[inline(always)]
    fn u32_splat(self, x: u32) -> __m256i {
        by_token!(_mm256_set1_epi32(x as i32))
    }

    #[inline(always)]
    fn u32_load(self, from: &[u32]) -> __m256i {
        let from = &from[..8];
        by_token!(_mm256_loadu_si256(from.as_ptr().cast()))
    }

    #[inline(always)]
    fn u32_store(self, v: __m256i, to: &mut [u32]) {
        let to = &mut to[..8];
        by_token!(_mm256_storeu_si256(to.as_mut_ptr().cast(), v))
    }

    #[inline(always)]
    fn u32_add(self, a: __m256i, b: __m256i) -> __m256i {
        by_token!(_mm256_add_epi32(a, b))
    }

    #[inline(always)]
    fn u32_xor(self, a: __m256i, b: __m256i) -> __m256i {
        by_token!(_mm256_xor_si256(a, b))
    }

    #[inline(always)]
    fn u32_mul_wide(self, a: __m256i, b: __m256i) -> (__m256i, __m256i) {
        by_token!({
            let even = _mm256_mul_epu32(a, b);
            let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), _mm256_srli_epi64::<32>(b));
            let high = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
            let low = _mm256_blend_epi32::<0b1010_1010>(even, _mm256_slli_epi64::<32>(odd));
            (high, low)
        })
    }

    #[inline(always)]
    fn u32_top24(self, a: __m256i) -> __m256 {
        by_token!(_mm256_cvtepi32_ps(_mm256_srli_epi32::<8>(a)))
    }
}

/// The operations that differ between the element types only in an intrinsic's name.
macro_rules! common {
    ($t:ident, $v:ident, $lanes:literal, $set1:ident, $loadu:ident, $storeu:ident, $maskload:ident, $maskstore:ident,
     $head:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, $max:ident, $min:ident,
     $sqrt:ident, $and:ident, $andnot:ident, $or:ident, $xor:ident, $round:ident, $cmp:ident, $blend:ident) => {
        type V = $v;
        type Mask = $v;
        const LANES: usize = $lanes;
        const REGISTERS: usize = 16;

        #[inline(always)]
        fn splat(self, x: $t) -> $v {
            by_token!($set1(x))
        }

        #[inline(always)]
        unsafe fn load_at(self, from: *const $t) -> $v {
            // SAFETY: the caller vouches for the elements, the token for the instruction.
            unsafe { $loadu(from) }
        }

        #[inline(always)]
        unsafe fn load_head_at(self, from: *const $t, count: usize) -> $v {
            // SAFETY: masked lanes are not accessed; the caller vouches for the first `count`.
            unsafe { $maskload(from, $head(self, count)) }
        }

        #[inline(always)]
        unsafe fn store_at(self, v: $v, to: *mut $t) {
            // SAFETY: the caller vouches for the elements, the token for the instruction.
            unsafe { $storeu(to, v) }
        }

        #[inline(always)]
        unsafe fn store_head_at(self, v: $v, to: *mut $t, count: usize) {
            // SAFETY: masked lanes are not accessed; the caller vouches for the first `count`.
            unsafe { $maskstore(to, $head(self, count), v) }
        }

        #[inline(always)]
        fn add(self, a: $v, b: $v) -> $v {
            by_token!($add(a, b))
        }

        #[inline(always)]
        fn sub(self, a: $v, b: $v) -> $v {
            by_token!($sub(a, b))
        }

        #[inline(always)]
        fn mul(self, a: $v, b: $v) -> $v {
            by_token!($mul(a, b))
        }

        #[inline(always)]
        fn div(self, a: $v, b: $v) -> $v {
            by_token!($div(a, b))
        }

        #[inline(always)]
        fn fma(self, a: $v, b: $v, c: $v) -> $v {
            by_token!($fma(a, b, c))
        }

        #[inline(always)]
        fn fnma(self, a: $v, b: $v, c: $v) -> $v {
            by_token!($fnma(a, b, c))
        }

        #[inline(always)]
        fn max(self, a: $v, b: $v) -> $v {
            by_token!($max(a, b))
        }

        #[inline(always)]
        fn min(self, a: $v, b: $v) -> $v {
            by_token!($min(a, b))
        }

        #[inline(always)]
        fn sqrt(self, a: $v) -> $v {
            by_token!($sqrt(a))
        }

        #[inline(always)]
        fn abs(self, a: $v) -> $v {
            by_token!($andnot($set1(-0.0), a))
        }

        #[inline(always)]
        fn neg(self, a: $v) -> $v {
            by_token!($xor($set1(-0.0), a))
        }

        #[inline(always)]
        fn copysign(self, magnitude: $v, sign: $v) -> $v {
            by_token!($or($andnot($set1(-0.0), magnitude), $and($set1(-0.0), sign)))
        }

        #[inline(always)]
        fn round(self, a: $v) -> $v {
            by_token!($round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
        }

        #[inline(always)]
        fn lt(self, a: $v, b: $v) -> $v {
            by_token!($cmp::<_CMP_LT_OQ>(a, b))
        }

        #[inline(always)]
        fn le(self, a: $v, b: $v) -> $v {
            by_token!($cmp::<_CMP_LE_OQ>(a, b))
        }

        #[inline(always)]
        fn eq(self, a: $v, b: $v) -> $v {
            by_token!($cmp::<_CMP_EQ_OQ>(a, b))
        }

        #[inline(always)]
        fn select(self, mask: $v, a: $v, b: $v) -> $v {
            by_token!($blend(b, a, mask))
        }
    };
}

// SAFETY: as for `Isa`; `V` is a vector of so many elements, and each `_at` accesses those it names.
unsafe impl Lanes<f32> for Avx2Fma {
    common!(
        f32,
        __m256,
        8,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_maskload_ps,
        _mm256_maskstore_ps,
        head32,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_div_ps,
        _mm256_fmadd_ps,
        _mm256_fnmadd_ps,
        _mm256_max_ps,
        _mm256_min_ps,
        _mm256_sqrt_ps,
        _mm256_and_ps,
        _mm256_andnot_ps,
        _mm256_or_ps,
        _mm256_xor_ps,
        _mm256_round_ps,
        _mm256_cmp_ps,
        _mm256_blendv_ps
    );

    const SQUARE: usize = 8;

    #[inline(always)]
    fn bits(self, mask: __m256) -> u32 {
        by_token!(_mm256_movemask_ps(mask) as u32)
    }

    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller vouches for the squares, the token for the instructions.
        unsafe { transpose_8x8(from, stride, to, to_stride) }
    }

    #[inline(always)]
    fn unzip(self, a: __m256, b: __m256) -> (__m256, __m256) {
        by_token!({
            let (even, odd) = (_mm256_shuffle_ps::<0x88>(a, b), _mm256_shuffle_ps::<0xdd>(a, b));
            let order = |v| _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(_mm256_castps_pd(v)));
            (order(even), order(odd))
        })
    }

    #[inline(always)]
    fn zip(self, a: __m256, b: __m256) -> (__m256, __m256) {
        by_token!({
            let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            (_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
        })
    }

    #[inline(always)]
    unsafe fn load_u8_at(self, from: *const u8) -> __m256 {
        // SAFETY: the caller vouches for eight bytes.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }

    #[inline(always)]
    fn pow2(self, n: __m256) -> __m256 {
        by_token!({
            let n = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(n))
        })
    }

    #[inline(always)]
    fn bits_sub(self, a: __m256, b: __m256) -> __m256 {
        by_token!(_mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b))))
    }

    #[inline(always)]
    fn bits_value(self, a: __m256) -> __m256 {
        by_token!(_mm256_cvtepi32_ps(_mm256_castps_si256(a)))
    }

    #[inline(always)]
    fn split(self, a: __m256) -> (__m256, __m256) {
        by_token!({
            let bits = _mm256_castps_si256(a);
            let m =
                _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x007f_ffff)), _mm256_set1_epi32(0x3f80_0000));
            let e = _mm256_sub_epi32(_mm256_srli_epi32::<23>(bits), _mm256_set1_epi32(127));
            (_mm256_castsi256_ps(m), _mm256_cvtepi32_ps(e))
        })
    }

    #[inline(always)]
    fn sum(self, v: __m256) -> f32 {
        by_token!({
            let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
        })
    }
}

// SAFETY: as for `Isa`; `V` is a vector of so many elements, and each `_at` accesses those it names.
unsafe impl Lanes<f64> for Avx2Fma {
    common!(
        f64,
        __m256d,
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_maskload_pd,
        _mm256_maskstore_pd,
        head64,
        _mm256_add_pd,
        _mm256_sub_pd,
        _mm256_mul_pd,
        _mm256_div_pd,
        _mm256_fmadd_pd,
        _mm256_fnmadd_pd,
        _mm256_max_pd,
        _mm256_min_pd,
        _mm256_sqrt_pd,
        _mm256_and_pd,
        _mm256_andnot_pd,
        _mm256_or_pd,
        _mm256_xor_pd,
        _mm256_round_pd,
        _mm256_cmp_pd,
        _mm256_blendv_pd
    );

    const SQUARE: usize = 4;

    #[inline(always)]
    fn bits(self, mask: __m256d) -> u32 {
        by_token!(_mm256_movemask_pd(mask) as u32)
    }

    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f64, stride: usize, to: *mut f64, to_stride: usize) {
        // SAFETY: the caller vouches for the squares, the token for the instructions.
        unsafe { transpose_4x4(from, stride, to, to_stride) }
    }

    #[inline(always)]
    fn unzip(self, a: __m256d, b: __m256d) -> (__m256d, __m256d) {
        by_token!({
            let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            (_mm256_permute4x64_pd::<0xd8>(even), _mm256_permute4x64_pd::<0xd8>(odd))
        })
    }

    #[inline(always)]
    fn zip(self, a: __m256d, b: __m256d) -> (__m256d, __m256d) {
        by_token!({
            let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            (_mm256_permute2f128_pd::<0x20>(low, high), _mm256_permute2f128_pd::<0x31>(low, high))
        })
    }

    #[inline(always)]
    unsafe fn load_u8_at(self, from: *const u8) -> __m256d {
        // SAFETY: the caller vouches for four bytes.
        unsafe { _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(from.cast::<i32>().read_unaligned()))) }
    }

    #[inline(always)]
    fn pow2(self, n: __m256d) -> __m256d {
        by_token!({
            let n = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_cvtpd_epi32(n)), _mm256_set1_epi64x(1023));
            _mm256_castsi256_pd(_mm256_slli_epi64::<52>(n))
        })
    }

    #[inline(always)]
    fn bits_sub(self, a: __m256d, b: __m256d) -> __m256d {
        by_token!(_mm256_castsi256_pd(_mm256_sub_epi64(_mm256_castpd_si256(a), _mm256_castpd_si256(b))))
    }

    #[inline(always)]
    fn bits_value(self, a: __m256d) -> __m256d {
        // There is no conversion of 64-bit integers before AVX-512: two halves, each placed under a power of two.
        by_token!({
            let bits = _mm256_castpd_si256(a);
            let high = _mm256_or_si256(_mm256_srli_epi64::<32>(bits), _mm256_castpd_si256(_mm256_set1_pd(TWO_84)));
            let low = _mm256_blend_epi32::<0b1010_1010>(bits, _mm256_castpd_si256(_mm256_set1_pd(TWO_52)));
            let high = _mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_set1_pd(TWO_84 + TWO_52));
            _mm256_add_pd(high, _mm256_castsi256_pd(low))
        })
    }

    #[inline(always)]
    fn split(self, a: __m256d) -> (__m256d, __m256d) {
        by_token!({
            let bits = _mm256_castpd_si256(a);
            let m = _mm256_or_si256(
                _mm256_and_si256(bits, _mm256_set1_epi64x((1 << 52) - 1)),
                _mm256_castpd_si256(_mm256_set1_pd(1.0)),
            );
            let e = _mm256_or_si256(_mm256_srli_epi64::<52>(bits), _mm256_castpd_si256(_mm256_set1_pd(TWO_52)));
            (_mm256_castsi256_pd(m), _mm256_sub_pd(_mm256_castsi256_pd(e), _mm256_set1_pd(TWO_52 + 1023.0)))
        })
    }

    #[inline(always)]
    fn sum(self, v: __m256d) -> f64 {
        by_token!({
            let v = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
            _mm_cvtsd_f64(_mm_add_sd(v, _mm_unpackhi_pd(v, v)))
        })
    }
}

const TWO_52: f64 = 4_503_599_627_370_496.0;
const TWO_84: f64 = 4_503_599_627_370_496.0 * 4_294_967_296.0;
