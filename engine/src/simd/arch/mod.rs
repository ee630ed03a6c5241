//! The instruction sets, a folder each: its token, its vector operations, and what it states of itself.
//!
//! To add one: a folder with a token type that implements [`Isa`](super::Isa) and [`Lanes`](super::Lanes), and a `SET`
//! that says its name, its width and how it is detected; and its line in [`for_each_instruction_set`], from which
//! detection and every kernel table are made. Nothing else in the engine names a set.

/// Calls `$then!($fixed.. line)` for every instruction set, the preferred one last. A line is: when it exists, how a
/// function is compiled for it, its folder, its token, and the modules of its kernels for `f32` and `f64`.
macro_rules! for_each_instruction_set {
    ($then:ident! $($fixed:tt)*) => {
        $then! { $($fixed)*
            [cfg(all())]
            [allow(unused_unsafe)]
            portable Portable f32_portable f64_portable }
        $then! { $($fixed)*
            [cfg(target_arch = "x86_64")]
            [target_feature(enable = "avx2,fma")]
            avx2 Avx2Fma f32_avx2 f64_avx2 }
        $then! { $($fixed)*
            [cfg(target_arch = "x86_64")]
            [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            avx512 Avx512 f32_avx512 f64_avx512 }
    };
}
pub(crate) use for_each_instruction_set;

macro_rules! declare {
    ([$($cfg:tt)*] [$($compiled:tt)*] $folder:ident $Token:ident $($entries:ident)*) => {
        #[$($cfg)*]
        pub(crate) mod $folder;
    };
}
for_each_instruction_set! { declare! }

macro_rules! extend {
    ($all:ident [$($cfg:tt)*] [$($compiled:tt)*] $folder:ident $Token:ident $($entries:ident)*) => {
        #[$($cfg)*]
        $all.extend([&$folder::SET]);
    };
}

/// Every instruction set that this build knows, the preferred one last.
pub(crate) fn all() -> Vec<&'static crate::base::backend::InstructionSet> {
    let mut all = Vec::new();
    for_each_instruction_set! { extend! all }
    all
}
