//! # Adding an instruction set
//!
//! One folder of `engine/src/simd/arch` and one line in that folder's `mod.rs`. Detection, the variable `NARROWS_ISA`,
//! every kernel table (products, convolutions, element-wise loops, optimisers, random numbers) and every test that
//! walks [`Backend::available`](crate::Backend::available) are made from that line; nothing else in the crate names a
//! set.
//!
//! 1. **The folder**, say `simd/arch/neon/mod.rs`:
//!    * a token, a zero-size type that only `unsafe fn new_unchecked()` makes: proof that the processor has the
//!      instructions, which is why its methods may use them;
//!    * `impl Isa` and `impl Lanes<f32>`, `impl Lanes<f64>`: the vector operations, each one or a few intrinsics, all
//!      `#[inline(always)]`. `LANES` says how many elements a vector holds and `REGISTERS` how many vectors the
//!      processor keeps, from which the tiles of matrix products follow: NEON has vectors of 4 and 2 elements as SSE2
//!      has, but 32 registers as AVX-512 has, and says both;
//!    * `SET`, what the set states of itself: its name, the bytes of a vector, whether a set with vectors of half the
//!      width comes with it, and how it is detected.
//! 2. **The line** in `for_each_instruction_set!` of `simd/arch/mod.rs`: when the set exists (`cfg`), how a function is
//!    compiled for it (`target_feature`), its folder, its token, and the names of its kernels' modules, which profiles
//!    show:
//!
//!    ```text
//!    [cfg(target_arch = "aarch64")] [target_feature(enable = "neon")] neon Neon f32_neon f64_neon
//!    ```
//!
//!    Lines stand in the order of preference, the best last. That is all the order there is: a set need not include
//!    those above it, and whether it is used is asked of the processor for each by itself.
//!
//! The tests of `simd/math` (accuracy against f64), of the kernels, and the operations' cases then run on the new set
//! where the machine has it. On x86-64 the assembly gate of the benchmarks names the loops whose shape it watches; give
//! the new set its rules there.
//!
//! ```
//! use narrows_engine::Backend;
//!
//! // What this machine has, the preferred one last. `portable` is everywhere.
//! let available = Backend::available();
//! assert_eq!(available[0], Backend::portable());
//! assert!(available.iter().all(|&backend| Backend::named(backend.name()) == Some(backend)));
//! ```
