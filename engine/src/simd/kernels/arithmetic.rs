//! Sums, differences, products, quotients, reductions, the parts of softmax and of normalisation, and the scaling of
//! raw data while a batch is gathered.
#![forbid(unsafe_code)]

use super::{Elementary, InOut, Lanes, read, read_bytes, write};

macro_rules! binary {
    ($($name:ident |$isa:ident, $a:ident, $b:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Elementary, I: Lanes<T>>($isa: I, a: &[T], b: &[T], out: &mut [T]) {
                let len = out.len().min(a.len()).min(b.len());
                let (a, b, out) = (&a[..len], &b[..len], &mut out[..len]);
                let mut at = 0;
                while at < len {
                    let ($a, $b) = (read($isa, a, at), read($isa, b, at));
                    write($isa, $f, out, at);
                    at += I::LANES;
                }
            }
        )*
    };
}

binary! {
    add |isa, a, b| isa.add(a, b);
    sub |isa, a, b| isa.sub(a, b);
    mul |isa, a, b| isa.mul(a, b);
    div |isa, a, b| isa.div(a, b);
    // Where either is NaN the instructions give the second operand, so that a NaN in the first needs a selection.
    maximum |isa, a, b| isa.select(isa.eq(a, a), isa.max(a, b), a);
    minimum |isa, a, b| isa.select(isa.eq(a, a), isa.min(a, b), a);
}

/// `io = sqrt(io)`
#[inline(always)]
pub(super) fn sqrt<T: Elementary, I: Lanes<T>>(isa: I, mut io: InOut<'_, T>, _p: T) {
    let mut at = 0;
    while at < io.len() {
        io.store(isa, at, isa.sqrt(io.load(isa, at)));
        at += I::LANES;
    }
}

/// A kernel `io = f(saved, io, p)`, or `io += f(saved, io, p)`.
macro_rules! gradient {
    ($($name:ident |$isa:ident, $saved:ident, $dy:ident, $p:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Elementary, I: Lanes<T>>(
                $isa: I, saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool,
            ) {
                let $p = $isa.splat(p);
                let _ = $p;
                let len = io.len().min(saved.len());
                let (mut io, _) = io.split_at(len);
                let saved = &saved[..len];
                let mut at = 0;
                while at < len {
                    let ($saved, $dy) = (read($isa, saved, at), io.load($isa, at));
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

gradient! {
    sqrt_gradient |isa, y, dy, _p| isa.div(dy, isa.add(y, y));
    softmax_gradient |isa, y, dy, p| isa.mul(y, isa.sub(dy, p));
    log_softmax_gradient |isa, y, dy, p| isa.fnma(T::exp(isa, y), p, dy);
}

/// Four vectors of largest ones so far, for the latency; what is left of the slice one by one.
#[inline(always)]
pub(super) fn largest<T: Elementary, I: Lanes<T>>(isa: I, x: &[T], p: T) -> T {
    let lowest = T::from_f64(f64::NEG_INFINITY);
    let factor = isa.splat(p);
    let mut partial = [isa.splat(lowest); 4];
    let whole = x.len() - x.len() % I::LANES;
    let mut at = 0;
    while at < whole {
        for most in &mut partial {
            if at < whole {
                // Where x is NaN this gives the second.
                *most = isa.max(isa.mul(factor, read(isa, x, at)), *most);
                at += I::LANES;
            }
        }
    }
    let [a, b, c, d] = partial;
    // No vector has more than 16 lanes.
    let mut lanes = [lowest; 16];
    write(isa, isa.max(isa.max(a, b), isa.max(c, d)), &mut lanes, 0);
    let rest = x[whole..].iter().map(|&x| p * x);
    lanes.into_iter().chain(rest).fold(lowest, |most, x| if x > most { x } else { most })
}

#[inline(always)]
pub(super) fn scale_shift<T: Elementary, I: Lanes<T>>(isa: I, io: InOut<'_, T>, scale: &[T], shift: &[T], p: T) {
    let len = io.len().min(scale.len()).min(shift.len());
    let (mut io, _) = io.split_at(len);
    let (scale, shift, p) = (&scale[..len], &shift[..len], isa.splat(p));
    let mut at = 0;
    while at < len {
        let x = isa.mul(p, io.load(isa, at));
        io.store(isa, at, isa.fma(x, read(isa, scale, at), read(isa, shift, at)));
        at += I::LANES;
    }
}

/// Four vectors of partial sums hide the latency of the addition; the order is a function of the length alone.
#[inline(always)]
pub(super) fn sum<T: Elementary, I: Lanes<T>>(isa: I, x: &[T]) -> T {
    let mut partial = [isa.splat(T::ZERO); 4];
    let mut at = 0;
    while at < x.len() {
        for sum in &mut partial {
            if at < x.len() {
                *sum = isa.add(*sum, read(isa, x, at));
                at += I::LANES;
            }
        }
    }
    total::<T, I>(isa, partial)
}

/// As [`sum`], of the products.
#[inline(always)]
pub(super) fn dot<T: Elementary, I: Lanes<T>>(isa: I, a: &[T], b: &[T]) -> T {
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let mut partial = [isa.splat(T::ZERO); 4];
    let mut at = 0;
    while at < len {
        for sum in &mut partial {
            if at < len {
                *sum = isa.fma(read(isa, a, at), read(isa, b, at), *sum);
                at += I::LANES;
            }
        }
    }
    total::<T, I>(isa, partial)
}

/// The sum of four vectors of partial sums.
#[inline(always)]
pub(super) fn total<T: Elementary, I: Lanes<T>>(isa: I, partial: [I::V; 4]) -> T {
    isa.sum(isa.add(isa.add(partial[0], partial[1]), isa.add(partial[2], partial[3])))
}

/// Blocks of four vectors of columns, down all rows: the partial sums stay in registers.
#[inline(always)]
pub(super) fn column_sums<T: Elementary, I: Lanes<T>>(
    isa: I,
    x: &[T],
    columns: usize,
    out: &mut [T],
    accumulate: bool,
) {
    if columns == 0 || out.len() < columns {
        return;
    }
    let out = &mut out[..columns];
    let mut at = 0;
    while at < columns {
        let mut partial = [isa.splat(T::ZERO); 4];
        if accumulate {
            for (v, sum) in partial.iter_mut().enumerate() {
                if at + v * I::LANES < columns {
                    *sum = read(isa, out, at + v * I::LANES);
                }
            }
        }
        for row in x.chunks_exact(columns) {
            for (v, sum) in partial.iter_mut().enumerate() {
                if at + v * I::LANES < columns {
                    *sum = isa.add(*sum, read(isa, row, at + v * I::LANES));
                }
            }
        }
        for (v, sum) in partial.into_iter().enumerate() {
            if at + v * I::LANES < columns {
                write(isa, sum, out, at + v * I::LANES);
            }
        }
        at += 4 * I::LANES;
    }
}

#[inline(always)]
pub(super) fn scale_bytes<T: Elementary, I: Lanes<T>>(isa: I, x: &[u8], scale: &[T], shift: &[T], out: &mut [T]) {
    let len = out.len().min(x.len()).min(scale.len()).min(shift.len());
    let (x, scale, shift, out) = (&x[..len], &scale[..len], &shift[..len], &mut out[..len]);
    let mut at = 0;
    while at < len {
        write(isa, isa.fma(read_bytes(isa, x, at), read(isa, scale, at), read(isa, shift, at)), out, at);
        at += I::LANES;
    }
}

#[inline(always)]
pub(super) fn scale_values<T: Elementary, I: Lanes<T>>(isa: I, x: &[T], scale: &[T], shift: &[T], out: &mut [T]) {
    let len = out.len().min(x.len()).min(scale.len()).min(shift.len());
    let (x, scale, shift, out) = (&x[..len], &scale[..len], &shift[..len], &mut out[..len]);
    let mut at = 0;
    while at < len {
        let y = isa.fma(read(isa, x, at), read(isa, scale, at), read(isa, shift, at));
        write(isa, y, out, at);
        at += I::LANES;
    }
}
