//! One named entry point per kernel, element type and instruction set, collected in a table of function pointers.
//!
//! `kernel_table!` takes signatures and the generic bodies behind them. Each entry is an `#[inline(never)]` function
//! that carries `#[target_feature]` and a readable path, such as `kernels::Elementwise::f32_avx2::exp`, so that a
//! profile names the kernel that ran; inside it the generic body is inlined whole. A signature may be an `unsafe fn`, for a
//! body that is handed pointers; so is then the table's method.

/// Declares a table: see the module.
macro_rules! kernel_table {
    (
        $(#[$table_doc:meta])*
        $vis:vis struct $Table:ident in $module:ident;
        $( $(#[$doc:meta])* $(unsafe $(@$unsafe:tt)?)? fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?
            = $body:ident; )*
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
                $vis $(unsafe $($unsafe)?)? fn $name(&self, $($arg: $type),*) $(-> $result)? {
                    // SAFETY: a table is only handed out by `of`, for a backend, which is the proof that the processor has
                    // the instructions; what else an `unsafe fn` asks for, its caller vouches for.
                    unsafe { (self.$name)($($arg),*) }
                }
            )*
        }

        /// The entry points of this table, a module per element type and instruction set.
        mod $module {
            use super::*;

            $crate::simd::arch::for_each_instruction_set! { kernel_table! @entries $Table {
                $( $(unsafe $($unsafe)?)? fn $name($($arg: $type),*) $(-> $result)? = $body; )*
            } }
        }

        impl $Table<f32> {
            /// The table of `backend`.
            $vis fn of(backend: $crate::base::Backend) -> &'static Self {
                $crate::simd::arch::for_each_instruction_set! { kernel_table! @find_f32 backend $module }
                &$module::f32_portable::TABLE
            }
        }

        impl $Table<f64> {
            /// The table of `backend`.
            $vis fn of(backend: $crate::base::Backend) -> &'static Self {
                $crate::simd::arch::for_each_instruction_set! { kernel_table! @find_f64 backend $module }
                &$module::f64_portable::TABLE
            }
        }
    };

    (@find_f32 $backend:ident $module:ident
     [$($cfg:tt)*] [$($compiled:tt)*] $folder:ident $Token:ident $f32:ident $f64:ident) => {
        #[$($cfg)*]
        if $backend.is(&$crate::simd::arch::$folder::SET) {
            return &$module::$f32::TABLE;
        }
    };

    (@find_f64 $backend:ident $module:ident
     [$($cfg:tt)*] [$($compiled:tt)*] $folder:ident $Token:ident $f32:ident $f64:ident) => {
        #[$($cfg)*]
        if $backend.is(&$crate::simd::arch::$folder::SET) {
            return &$module::$f64::TABLE;
        }
    };

    (@entries $Table:ident $functions:tt
     $cfg:tt $compiled:tt $folder:ident $Token:ident $f32:ident $f64:ident) => {
        kernel_table!(@module $Table, f32, $f32, $cfg, $compiled, $folder, $Token, $functions);
        kernel_table!(@module $Table, f64, $f64, $cfg, $compiled, $folder, $Token, $functions);
    };

    (@module $Table:ident, $t:ident, $module:ident, $cfg:tt, $feature:tt, $folder:ident, $Token:ident,
     { $( $(unsafe $(@$unsafe:tt)?)? fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $body:ident; )* }) => {
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
                    let isa = unsafe { $crate::simd::arch::$folder::$Token::new_unchecked() };
                    // SAFETY: of an unsafe body: passed on to the caller.
                    $(unsafe $($unsafe)?)? { super::super::$body(isa, $($arg),*) }
                }
            )*
        }
    };
}

pub(crate) use kernel_table;
