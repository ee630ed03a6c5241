//! The AVX-512 backend (F, BW, DQ, VL): 512-bit vectors, sixteen `f32` or eight `f64`, and real masks.
//!
//! Every method is one or a few intrinsics. They may be called because an [`Avx512`] token exists only where
//! detection found the instructions.

use super::avx2;
use crate::base::backend::InstructionSet;
use crate::simd::{Isa, Lanes};
use std::arch::x86_64::*;

/// What it states of itself.
pub(crate) static SET: InstructionSet = InstructionSet {
    name: "avx512",
    vector_bytes: 64,
    half: Some(&avx2::SET),
    is_detected: || {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
    },
};

/// The token: proof that this processor has AVX-512 F, BW, DQ and VL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// * The processor has AVX-512 F, BW, DQ and VL.
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

// SAFETY: a token is made only where detection found the instructions; `Lanes` is argued below.
unsafe impl Isa for Avx512 {
    type U = __m512i;

    #[inline(always)]
    fn u32_splat(self, x: u32) -> __m512i {
        by_token!(_mm512_set1_epi32(x as i32))
    }

    #[inline(always)]
    fn u32_load(self, from: &[u32]) -> __m512i {
        let from = &from[..16];
        by_token!(_mm512_loadu_si512(from.as_ptr().cast()))
    }

    #[inline(always)]
    fn u32_store(self, v: __m512i, to: &mut [u32]) {
        let to = &mut to[..16];
        by_token!(_mm512_storeu_si512(to.as_mut_ptr().cast(), v))
    }

    #[inline(always)]
    fn u32_add(self, a: __m512i, b: __m512i) -> __m512i {
        by_token!(_mm512_add_epi32(a, b))
    }

    #[inline(always)]
    fn u32_xor(self, a: __m512i, b: __m512i) -> __m512i {
        by_token!(_mm512_xor_si512(a, b))
    }

    #[inline(always)]
    fn u32_mul_wide(self, a: __m512i, b: __m512i) -> (__m512i, __m512i) {
        by_token!({
            let even = _mm512_mul_epu32(a, b);
            let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(a), _mm512_srli_epi64::<32>(b));
            let high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64::<32>(even), odd);
            let low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64::<32>(odd));
            (high, low)
        })
    }

    #[inline(always)]
    fn u32_top24(self, a: __m512i) -> __m512 {
        by_token!(_mm512_cvtepi32_ps(_mm512_srli_epi32::<8>(a)))
    }
}

/// The operations that differ between the element types only in an intrinsic's name.
macro_rules! common {
    ($t:ident, $v:ident, $mask:ident, $lanes:literal, $set1:ident, $loadu:ident, $storeu:ident, $maskload:ident,
     $maskstore:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, $max:ident,
     $min:ident, $sqrt:ident, $abs:ident, $and:ident, $or:ident, $xor:ident, $roundscale:ident, $cmp:ident,
     $blend:ident, $getexp:ident, $getmant:ident, $reduce:ident) => {
        type V = $v;
        type Mask = $mask;
        const LANES: usize = $lanes;
        const REGISTERS: usize = 32;

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
            unsafe { $maskload(((1u32 << count) - 1) as $mask, from) }
        }

        #[inline(always)]
        unsafe fn store_at(self, v: $v, to: *mut $t) {
            // SAFETY: the caller vouches for the elements, the token for the instruction.
            unsafe { $storeu(to, v) }
        }

        #[inline(always)]
        unsafe fn store_head_at(self, v: $v, to: *mut $t, count: usize) {
            // SAFETY: masked lanes are not accessed; the caller vouches for the first `count`.
            unsafe { $maskstore(to, ((1u32 << count) - 1) as $mask, v) }
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
            by_token!($abs(a))
        }

        #[inline(always)]
        fn neg(self, a: $v) -> $v {
            by_token!($xor($set1(-0.0), a))
        }

        #[inline(always)]
        fn copysign(self, magnitude: $v, sign: $v) -> $v {
            by_token!($or($abs(magnitude), $and($set1(-0.0), sign)))
        }

        #[inline(always)]
        fn round(self, a: $v) -> $v {
            by_token!($roundscale::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
        }

        #[inline(always)]
        fn lt(self, a: $v, b: $v) -> $mask {
            by_token!($cmp::<_CMP_LT_OQ>(a, b))
        }

        #[inline(always)]
        fn le(self, a: $v, b: $v) -> $mask {
            by_token!($cmp::<_CMP_LE_OQ>(a, b))
        }

        #[inline(always)]
        fn eq(self, a: $v, b: $v) -> $mask {
            by_token!($cmp::<_CMP_EQ_OQ>(a, b))
        }

        #[inline(always)]
        fn select(self, mask: $mask, a: $v, b: $v) -> $v {
            by_token!($blend(mask, b, a))
        }

        #[inline(always)]
        fn bits(self, mask: $mask) -> u32 {
            u32::from(mask)
        }

        #[inline(always)]
        fn split(self, a: $v) -> ($v, $v) {
            by_token!(($getmant::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(a), $getexp(a)))
        }

        #[inline(always)]
        fn sum(self, v: $v) -> $t {
            by_token!($reduce(v))
        }
    };
}

/// The sum of sixteen lanes: halves are added until one lane is left.
///
/// # Safety
/// * The processor has AVX-512 F and DQ.
#[inline(always)]
unsafe fn sum_ps(v: __m512) -> f32 {
    // SAFETY: only token holders call this.
    unsafe {
        let v = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v));
        let v = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
        _mm_cvtss_f32(_mm_add_ss(v, _mm_shuffle_ps::<1>(v, v)))
    }
}

/// The sum of eight lanes, likewise.
///
/// # Safety
/// * The processor has AVX-512 F and DQ.
#[inline(always)]
unsafe fn sum_pd(v: __m512d) -> f64 {
    // SAFETY: only token holders call this.
    unsafe {
        let v = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd::<1>(v));
        let v = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd::<1>(v));
        _mm_cvtsd_f64(_mm_add_sd(v, _mm_unpackhi_pd(v, v)))
    }
}

// SAFETY: as for `Isa`; `V` is a vector of so many elements, and each `_at` accesses those it names.
unsafe impl Lanes<f32> for Avx512 {
    common!(
        f32,
        __m512,
        __mmask16,
        16,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_maskz_loadu_ps,
        _mm512_mask_storeu_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_div_ps,
        _mm512_fmadd_ps,
        _mm512_fnmadd_ps,
        _mm512_max_ps,
        _mm512_min_ps,
        _mm512_sqrt_ps,
        _mm512_abs_ps,
        _mm512_and_ps,
        _mm512_or_ps,
        _mm512_xor_ps,
        _mm512_roundscale_ps,
        _mm512_cmp_ps_mask,
        _mm512_mask_blend_ps,
        _mm512_getexp_ps,
        _mm512_getmant_ps,
        sum_ps
    );

    const SQUARE: usize = 8;

    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller vouches for the squares, the token for the instructions.
        unsafe { avx2::transpose_8x8(from, stride, to, to_stride) }
    }

    #[inline(always)]
    fn unzip(self, a: __m512, b: __m512) -> (__m512, __m512) {
        by_token!({
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            (_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b))
        })
    }

    #[inline(always)]
    fn zip(self, a: __m512, b: __m512) -> (__m512, __m512) {
        by_token!({
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
        })
    }

    #[inline(always)]
    unsafe fn load_u8_at(self, from: *const u8) -> __m512 {
        // SAFETY: the caller vouches for sixteen bytes.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    fn pow2(self, n: __m512) -> __m512 {
        by_token!({
            let n = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(n))
        })
    }

    #[inline(always)]
    fn bits_sub(self, a: __m512, b: __m512) -> __m512 {
        by_token!(_mm512_castsi512_ps(_mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b))))
    }

    #[inline(always)]
    fn bits_value(self, a: __m512) -> __m512 {
        by_token!(_mm512_cvtepi32_ps(_mm512_castps_si512(a)))
    }
}

// SAFETY: as for `Isa`; `V` is a vector of so many elements, and each `_at` accesses those it names.
unsafe impl Lanes<f64> for Avx512 {
    common!(
        f64,
        __m512d,
        __mmask8,
        8,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_maskz_loadu_pd,
        _mm512_mask_storeu_pd,
        _mm512_add_pd,
        _mm512_sub_pd,
        _mm512_mul_pd,
        _mm512_div_pd,
        _mm512_fmadd_pd,
        _mm512_fnmadd_pd,
        _mm512_max_pd,
        _mm512_min_pd,
        _mm512_sqrt_pd,
        _mm512_abs_pd,
        _mm512_and_pd,
        _mm512_or_pd,
        _mm512_xor_pd,
        _mm512_roundscale_pd,
        _mm512_cmp_pd_mask,
        _mm512_mask_blend_pd,
        _mm512_getexp_pd,
        _mm512_getmant_pd,
        sum_pd
    );

    const SQUARE: usize = 4;

    #[inline(always)]
    unsafe fn transpose_at(self, from: *const f64, stride: usize, to: *mut f64, to_stride: usize) {
        // SAFETY: the caller vouches for the squares, the token for the instructions.
        unsafe { avx2::transpose_4x4(from, stride, to, to_stride) }
    }

    #[inline(always)]
    fn unzip(self, a: __m512d, b: __m512d) -> (__m512d, __m512d) {
        by_token!({
            let even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
            let odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
            (_mm512_permutex2var_pd(a, even, b), _mm512_permutex2var_pd(a, odd, b))
        })
    }

    #[inline(always)]
    fn zip(self, a: __m512d, b: __m512d) -> (__m512d, __m512d) {
        by_token!({
            let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
            let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
            (_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b))
        })
    }

    #[inline(always)]
    unsafe fn load_u8_at(self, from: *const u8) -> __m512d {
        // SAFETY: the caller vouches for eight bytes.
        unsafe { _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }

    #[inline(always)]
    fn pow2(self, n: __m512d) -> __m512d {
        by_token!({
            let n = _mm512_add_epi64(_mm512_cvtpd_epi64(n), _mm512_set1_epi64(1023));
            _mm512_castsi512_pd(_mm512_slli_epi64::<52>(n))
        })
    }

    #[inline(always)]
    fn bits_sub(self, a: __m512d, b: __m512d) -> __m512d {
        by_token!(_mm512_castsi512_pd(_mm512_sub_epi64(_mm512_castpd_si512(a), _mm512_castpd_si512(b))))
    }

    #[inline(always)]
    fn bits_value(self, a: __m512d) -> __m512d {
        by_token!(_mm512_cvtepi64_pd(_mm512_castpd_si512(a)))
    }
}
