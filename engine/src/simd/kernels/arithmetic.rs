//! Sums, differences, products, reductions, and the scaling of raw data while a batch is gathered.
#![forbid(unsafe_code)]

use super::{Float, Lanes, read, read_bytes, write};

macro_rules! binary {
    ($($name:ident |$isa:ident, $a:ident, $b:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Float, I: Lanes<T>>($isa: I, a: &[T], b: &[T], out: &mut [T]) {
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
}

/// Four vectors of partial sums hide the latency of the addition; the order is a function of the length alone.
#[inline(always)]
pub(super) fn sum<T: Float, I: Lanes<T>>(isa: I, x: &[T]) -> T {
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
pub(super) fn dot<T: Float, I: Lanes<T>>(isa: I, a: &[T], b: &[T]) -> T {
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

/// Elements in a vector.
#[inline(always)]
pub(super) fn lanes<T: Float, I: Lanes<T>>(_isa: I, _of: std::marker::PhantomData<T>) -> usize {
    I::LANES
}

/// The sum of four vectors of partial sums.
#[inline(always)]
pub(super) fn total<T: Float, I: Lanes<T>>(isa: I, partial: [I::V; 4]) -> T {
    isa.sum(isa.add(isa.add(partial[0], partial[1]), isa.add(partial[2], partial[3])))
}

/// Blocks of four vectors of columns, down all rows: the partial sums stay in registers.
#[inline(always)]
pub(super) fn column_sums<T: Float, I: Lanes<T>>(isa: I, x: &[T], columns: usize, out: &mut [T], accumulate: bool) {
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
pub(super) fn scale_bytes<T: Float, I: Lanes<T>>(isa: I, x: &[u8], scale: &[T], shift: &[T], out: &mut [T]) {
    let len = out.len().min(x.len()).min(scale.len()).min(shift.len());
    let (x, scale, shift, out) = (&x[..len], &scale[..len], &shift[..len], &mut out[..len]);
    let mut at = 0;
    while at < len {
        write(isa, isa.fma(read_bytes(isa, x, at), read(isa, scale, at), read(isa, shift, at)), out, at);
        at += I::LANES;
    }
}

#[inline(always)]
pub(super) fn scale_values<T: Float, I: Lanes<T>>(isa: I, x: &[T], scale: &[T], shift: &[T], out: &mut [T]) {
    let len = out.len().min(x.len()).min(scale.len()).min(shift.len());
    let (x, scale, shift, out) = (&x[..len], &scale[..len], &shift[..len], &mut out[..len]);
    let mut at = 0;
    while at < len {
        let y = isa.fma(read(isa, x, at), read(isa, scale, at), read(isa, shift, at));
        write(isa, y, out, at);
        at += I::LANES;
    }
}
