//! The loops that functions of one number are made into, as macros over one expression for a vector.
//!
//! Macros, because a closure that takes vectors is a call where the compiler does not inline it, and vectors then
//! travel through memory. `functions` and `activation` use them.
#![forbid(unsafe_code)]

/// A kernel `io = f(io, p)`.
macro_rules! unary {
    ($($name:ident |$isa:ident, $x:ident, $p:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Elementary, I: Lanes<T>>($isa: I, mut io: InOut<'_, T>, p: T) {
                let $p = $isa.splat(p);
                let _ = $p;
                let mut at = 0;
                while at < io.len() {
                    let $x = io.load($isa, at);
                    let y = $f;
                    io.store($isa, at, y);
                    at += I::LANES;
                }
            }
        )*
    };
}

/// A kernel `io = f(saved, io, p)`, or `io += f(saved, io, p)`.
macro_rules! gradient {
    ($($name:ident |$isa:ident, $saved:ident, $dy:ident, $p:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Elementary, I: Lanes<T>>(
                $isa: I,
                saved: &[T],
                io: InOut<'_, T>,
                p: T,
                accumulate: bool,
            ) {
                let $p = $isa.splat(p);
                let _ = $p;
                let len = io.len().min(saved.len());
                let (mut io, _) = io.split_at(len);
                let saved = &saved[..len];
                let mut at = 0;
                while at < len {
                    let $saved = read($isa, saved, at);
                    let $dy = io.load($isa, at);
                    let mut dx = $f;
                    if accumulate {
                        dx = $isa.add(io.load_target($isa, at), dx);
                    }
                    io.store($isa, at, dx);
                    at += I::LANES;
                }
            }
        )*
    };
}

/// A kernel `dy = f(saved, dy, p)` over rows of `columns`, with the sums of its columns, in the rows' order.
macro_rules! gradient_with_sums {
    ($($name:ident |$isa:ident, $saved:ident, $dy:ident, $p:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Elementary, I: Lanes<T>>(
                $isa: I, saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T],
            ) {
                if columns == 0 || sums.len() < columns {
                    return;
                }
                let $p = $isa.splat(p);
                let _ = $p;
                let mut from = 0;
                // Four vectors of columns, down all rows: the sums stay in registers.
                while from < columns {
                    let mut partial = [$isa.splat(T::ZERO); 4];
                    for (saved, dy) in saved.chunks_exact(columns).zip(dy.chunks_exact_mut(columns)) {
                        let mut at = from;
                        for sum in &mut partial {
                            if at < columns {
                                let $saved = read($isa, saved, at);
                                let $dy = read($isa, dy, at);
                                let dx = $f;
                                write($isa, dx, dy, at);
                                *sum = $isa.add(*sum, dx);
                            }
                            at += I::LANES;
                        }
                    }
                    for sum in partial {
                        if from < columns {
                            write($isa, sum, &mut sums[..columns], from);
                        }
                        from += I::LANES;
                    }
                }
            }
        )*
    };
}

pub(super) use {gradient, gradient_with_sums, unary};
