//! Vectors: what the processor can do, chosen once at run time, and the loops over slices that use it.
//!
//! * [`backend`]: which instruction sets there are, detection, and the variable that lowers the choice.
//! * [`lanes`]: the vector operations as a trait; `portable`, `avx2` and `avx512` implement it.
//! * [`buffer`]: 64-byte-aligned memory, reserved fallibly.
//! * `math`: exp, ln, tanh and their relatives for whole vectors.
//! * `kernels`: the loops over slices, one named entry point per kernel and instruction set.
//!
//! `wide` picks its instructions when the crate is compiled, so it cannot serve a binary that must run anywhere and
//! use what it finds; wrapping it in `#[target_feature]` leaves it SSE2 (seen in the assembly). It is the portable
//! backend, and `std::arch` serves the others. This module knows nobody else in the crate.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod backend;
pub mod buffer;
mod float;
mod inout;
pub mod kernels;
pub mod lanes;
pub(crate) mod math;
mod philox;
mod portable;
#[macro_use]
mod table;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2Fma;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub use backend::Backend;
pub use buffer::{Buffer, OutOfMemory};
pub use float::Float;
pub use inout::InOut;
pub use lanes::{Isa, Lanes};
pub(crate) use philox::{PhiloxKernels, TILE as PHILOX_TILE};
pub use portable::Portable;
pub(crate) use table::kernel_table;

/// The tokens, made without a check, for the entry points of `table.rs` alone.
#[allow(non_snake_case)]
pub(crate) mod token {
    /// # Safety
    /// * None: every machine has it. Unsafe only for the sake of one macro for all.
    #[inline(always)]
    pub(crate) unsafe fn Portable() -> super::Portable {
        super::Portable
    }

    /// # Safety
    /// * The processor has AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) unsafe fn Avx2Fma() -> super::Avx2Fma {
        // SAFETY: passed on to the caller.
        unsafe { super::Avx2Fma::new_unchecked() }
    }

    /// # Safety
    /// * The processor has AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) unsafe fn Avx512() -> super::Avx512 {
        // SAFETY: passed on to the caller.
        unsafe { super::Avx512::new_unchecked() }
    }
}
