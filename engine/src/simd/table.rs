//! One named entry point per kernel, element type and instruction set, collected in a table of function pointers.
//!
//! `kernel_table!` takes signatures and the generic bodies behind them. Each entry is an `#[inline(never)]` function
//! that carries `#[target_feature]` and a readable path, such as `kernels::Elementwise::f32_avx2::exp`, so that a
//! profile names the kernel that ran; inside it the generic body is inlined whole. An entry declared `unsafe fn` has a
//! body that is one, and the table's method asks its callers for the same.

/// Declares a table: see the module. Its methods are the crate's own; after `, public` they are for everybody who can
/// name the table.
macro_rules! kernel_table {
    ($(#[$table_doc:meta])* $vis:vis struct $Table:ident in $module:ident; $($entries:tt)*) => {
        kernel_table! { @table pub(crate), $(#[$table_doc])* $vis struct $Table in $module; $($entries)* }
    };

    ($(#[$table_doc:meta])* $vis:vis struct $Table:ident in $module:ident, public; $($entries:tt)*) => {
        #[cfg(feature = "internals")]
        kernel_table! { @table pub, $(#[$table_doc])* $vis struct $Table in $module; $($entries)* }
        #[cfg(not(feature = "internals"))]
        kernel_table! { @table pub(crate), $(#[$table_doc])* $vis struct $Table in $module; $($entries)* }
    };

    (
        @table $methods:vis,
        $(#[$table_doc:meta])*
        $vis:vis struct $Table:ident in $module:ident;
        $( $(#[$doc:meta])* $(unsafe $(@ $never:tt)*)? fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $result:ty)?
            = $body:ident; )*
    ) => {
        $(#[$table_doc])*
        $vis struct $Table<T> {
            $( $name: unsafe fn($($type),*) $(-> $result)?, )*
        }

        impl<T: $crate::simd::Number> $Table<T> {
            $(
                $(#[$doc])*
                $(
                    #[doc = "\n\n# Safety\n* As for the kernel behind it, which says what it must be handed."]
                    $(@ $never)*
                )?
                #[inline]
                #[allow(clippy::too_many_arguments)]
                $methods $(unsafe $(@ $never)*)? fn $name(&self, $($arg: $type),*) $(-> $result)? {
                    // SAFETY: a table is only handed out by `of`, for a backend, which is the proof that the
                    // processor has the instructions; what an unsafe body asks besides, the caller of this unsafe
                    // method vouches for.
                    unsafe { (self.$name)($($arg),*) }
                }
            )*
        }

        /// The entry points of this table, a module per element type and instruction set.
        mod $module {
            use super::*;

            $crate::simd::arch::for_each_instruction_set! { kernel_table! @entries $Table {
                $( $(unsafe $(@ $never)*)? fn $name($($arg: $type),*) $(-> $result)? = $body; )*
            } }
        }

        impl $Table<f32> {
            /// The table of `backend`.
            $methods fn of(backend: $crate::base::Backend) -> &'static Self {
                $crate::simd::arch::for_each_instruction_set! { kernel_table! @find_f32 backend $module }
                &$module::f32_portable::TABLE
            }
        }

        impl $Table<f64> {
            /// The table of `backend`.
            $methods fn of(backend: $crate::base::Backend) -> &'static Self {
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
     {
        $( $(unsafe $(@ $never:tt)*)? fn $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = $body:ident; )*
     }) => {
        #$cfg
        pub(super) mod $module {
            use super::*;

            type T = $t;

            pub(in super::super) static TABLE: $Table<$t> = $Table { $($name),* };

            $(
                /// # Safety
                /// * The processor has the instructions of this module.
                /// * What the body asks, if it is unsafe.
                #$feature
                #[inline(never)]
                #[allow(clippy::too_many_arguments, unused_unsafe)]
                unsafe fn $name($($arg: $type),*) $(-> $result)? {
                    // SAFETY: the caller vouches for the instructions.
                    let isa = unsafe { $crate::simd::arch::$folder::$Token::new_unchecked() };
                    // SAFETY: the caller vouches for what an unsafe body asks; a safe one stands in no unsafe block.
                    $(unsafe $(@ $never)*)? { super::super::$body(isa, $($arg),*) }
                }
            )*
        }
    };
}

pub(crate) use kernel_table;
