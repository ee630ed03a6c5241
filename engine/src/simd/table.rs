//! One named entry point per kernel, element type and instruction set, collected in a table of function pointers.
//!
//! `kernel_table!` takes signatures and the generic bodies behind them. Each entry is an `#[inline(never)]` function
//! that carries `#[target_feature]` and a readable path, such as `kernels::Elementwise::f32_avx2::exp`, so that a
//! profile names the kernel that ran; inside it the generic body is inlined whole.

/// Declares a table: see the module.
macro_rules! kernel_table {
    (
        $(#[$table_doc:meta])*
        $vis:vis struct $Table:ident in $module:ident;
        $( $(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:ident; )*
    ) => {
        $(#[$table_doc])*
        $vis struct $Table<T> {
            $( $name: unsafe fn($($type),*) $(-> $result)?, )*
        }

        impl<T: $crate::simd::Float> $Table<T> {
            $(
                $(#[$doc])*
                #[inline]
                #[allow(clippy::too_many_arguments)]
                $vis fn $name(&self, $($arg: $type),*) $(-> $result)? {
                    // SAFETY: a table is only handed out by `of`, which checks that the machine has the instructions.
                    unsafe { (self.$name)($($arg),*) }
                }
            )*
        }

        /// The entry points of this table, a module per element type and instruction set.
        mod $module {
            use super::*;

            kernel_table!(@entries $Table, f32, f32_portable, Portable, [allow(unused_unsafe)], [allow(unused_unsafe)], { $( fn $name($($arg: $type),*) $(-> $result)? = $body; )* });
            kernel_table!(@entries $Table, f64, f64_portable, Portable, [allow(unused_unsafe)], [allow(unused_unsafe)], { $( fn $name($($arg: $type),*) $(-> $result)? = $body; )* });
            kernel_table!(@entries $Table, f32, f32_avx2, Avx2Fma, [cfg(target_arch = "x86_64")], [target_feature(enable = "avx2,fma")], { $( fn $name($($arg: $type),*) $(-> $result)? = $body; )* });
            kernel_table!(@entries $Table, f64, f64_avx2, Avx2Fma, [cfg(target_arch = "x86_64")], [target_feature(enable = "avx2,fma")], { $( fn $name($($arg: $type),*) $(-> $result)? = $body; )* });
            kernel_table!(@entries $Table, f32, f32_avx512, Avx512, [cfg(target_arch = "x86_64")], [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")], { $( fn $name($($arg: $type),*) $(-> $result)? = $body; )* });
            kernel_table!(@entries $Table, f64, f64_avx512, Avx512, [cfg(target_arch = "x86_64")], [target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")], { $( fn $name($($arg: $type),*) $(-> $result)? = $body; )* });
        }

        kernel_table!(@of $vis $Table, $module, f32, f32_portable, f32_avx2, f32_avx512);
        kernel_table!(@of $vis $Table, $module, f64, f64_portable, f64_avx2, f64_avx512);
    };

    (@of $vis:vis $Table:ident, $module:ident, $t:ident, $portable:ident, $avx2:ident, $avx512:ident) => {
        impl $Table<$t> {
            /// The table of `backend`, or of the best one below it that the machine has.
            $vis fn of(backend: $crate::simd::Backend) -> &'static Self {
                #[cfg(target_arch = "x86_64")]
                {
                    use $crate::simd::Backend;
                    if backend == Backend::Avx512 && Backend::Avx512.is_available() {
                        return &$module::$avx512::TABLE;
                    }
                    if backend >= Backend::Avx2Fma && Backend::Avx2Fma.is_available() {
                        return &$module::$avx2::TABLE;
                    }
                }
                let _ = backend;
                &$module::$portable::TABLE
            }
        }
    };

    (@entries $Table:ident, $t:ident, $module:ident, $Isa:ident, $cfg:tt, $feature:tt,
     { $( fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $body:ident; )* }) => {
        #$cfg
        pub(super) mod $module {
            use super::*;

            type T = $t;

            pub(crate) static TABLE: $Table<$t> = $Table { $($name),* };

            $(
                /// # Safety
                /// * The processor has the instructions of this module.
                #$feature
                #[inline(never)]
                #[allow(clippy::too_many_arguments, unused_unsafe)]
                unsafe fn $name($($arg: $type),*) $(-> $result)? {
                    // SAFETY: the caller vouches for the instructions.
                    let isa = unsafe { $crate::simd::token::$Isa() };
                    super::super::$body(isa, $($arg),*)
                }
            )*
        }
    };
}

pub(crate) use kernel_table;
