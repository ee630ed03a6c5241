//! Squares transposed in registers: what packing a matrix the other way round is made of. An element at a time would
//! cost a quarter of a product with M = 128.

use std::arch::x86_64::*;

/// Writes the transpose of an 8 x 8 square: three rounds of exchanges, of neighbours, pairs and halves.
///
/// # Safety
/// * The processor has AVX.
/// * Both squares are valid at their strides, `from` for reading and `to` for writing, and do not overlap.
#[inline(always)]
pub(crate) unsafe fn transpose_8x8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    // SAFETY: the caller vouches for AVX and for the squares.
    unsafe {
        // Row i beside row i + 4, so that the exchange of halves is done by the loads.
        let pair = |i: usize, at: usize| {
            let low = _mm256_castps128_ps256(_mm_loadu_ps(from.add(i * stride + at)));
            _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(from.add((i + 4) * stride + at)))
        };
        for at in [0, 4] {
            let rows = [pair(0, at), pair(1, at), pair(2, at), pair(3, at)];
            let (low01, high01) = (_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[0], rows[1]));
            let (low23, high23) = (_mm256_unpacklo_ps(rows[2], rows[3]), _mm256_unpackhi_ps(rows[2], rows[3]));
            let to = to.add(at * to_stride);
            _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(low01, low23));
            _mm256_storeu_ps(to.add(to_stride), _mm256_shuffle_ps::<0xee>(low01, low23));
            _mm256_storeu_ps(to.add(2 * to_stride), _mm256_shuffle_ps::<0x44>(high01, high23));
            _mm256_storeu_ps(to.add(3 * to_stride), _mm256_shuffle_ps::<0xee>(high01, high23));
        }
    }
}

/// Writes the transpose of a 4 x 4 square, likewise.
///
/// # Safety
/// * The processor has AVX.
/// * Both squares are valid at their strides, `from` for reading and `to` for writing, and do not overlap.
#[inline(always)]
pub(crate) unsafe fn transpose_4x4(from: *const f64, stride: usize, to: *mut f64, to_stride: usize) {
    // SAFETY: the caller vouches for AVX and for the squares.
    unsafe {
        let pair = |i: usize, at: usize| {
            let low = _mm256_castpd128_pd256(_mm_loadu_pd(from.add(i * stride + at)));
            _mm256_insertf128_pd::<1>(low, _mm_loadu_pd(from.add((i + 2) * stride + at)))
        };
        for at in [0, 2] {
            let rows = [pair(0, at), pair(1, at)];
            let to = to.add(at * to_stride);
            _mm256_storeu_pd(to, _mm256_unpacklo_pd(rows[0], rows[1]));
            _mm256_storeu_pd(to.add(to_stride), _mm256_unpackhi_pd(rows[0], rows[1]));
        }
    }
}
