//! The types that the elements of arrays have, and reading them.
//!
//! Bytes and truth values stay bytes, floats of up to 32 bits become f32, everything else f64, which holds every integer
//! of 32 bits; longer ones beyond 2^53 are rounded, and counted, so that it can be said.

use std::io::Read;

use half::{bf16, f16};

use crate::data::Samples;
use crate::data::incoming::Incoming;
use crate::error::Result;

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    Bf16,
    F32,
    F64,
}

impl Element {
    /// In bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// Reads `count` elements; `big` says that the first byte of each is its greatest. Gives them with the number of those
/// that were rounded. For `expected_bytes` see [`Incoming`].
pub(super) fn read(
    stream: &mut Incoming<'_, impl Read>,
    element: Element,
    big: bool,
    count: usize,
    expected_bytes: u64,
) -> Result<(Samples, usize)> {
    let samples = match element {
        Element::U8 => Samples::U8(stream.bytes(count, expected_bytes)?),
        Element::Bool => {
            let mut values = stream.bytes(count, expected_bytes)?;
            values.iter_mut().for_each(|value| *value = u8::from(*value != 0));
            Samples::U8(values)
        }
        Element::F16 => Samples::F32(stream.numbers(count, expected_bytes, |b| f16::from_le_bytes(le(b, big)).into())?),
        Element::Bf16 => {
            Samples::F32(stream.numbers(count, expected_bytes, |b| bf16::from_le_bytes(le(b, big)).into())?)
        }
        Element::F32 => Samples::F32(stream.numbers(count, expected_bytes, |b| f32::from_le_bytes(le(b, big)))?),
        Element::U64 | Element::I64 => return long(stream, element == Element::I64, big, count, expected_bytes),
        Element::I8 => Samples::F64(stream.numbers(count, expected_bytes, |b| i8::from_le_bytes(b).into())?),
        Element::U16 => Samples::F64(stream.numbers(count, expected_bytes, |b| u16::from_le_bytes(le(b, big)).into())?),
        Element::I16 => Samples::F64(stream.numbers(count, expected_bytes, |b| i16::from_le_bytes(le(b, big)).into())?),
        Element::U32 => Samples::F64(stream.numbers(count, expected_bytes, |b| u32::from_le_bytes(le(b, big)).into())?),
        Element::I32 => Samples::F64(stream.numbers(count, expected_bytes, |b| i32::from_le_bytes(le(b, big)).into())?),
        Element::F64 => Samples::F64(stream.numbers(count, expected_bytes, |b| f64::from_le_bytes(le(b, big)))?),
    };
    Ok((samples, 0))
}

/// Integers of 64 bits, with the number of those that f64 does not hold.
fn long(
    stream: &mut Incoming<'_, impl Read>,
    signed: bool,
    big: bool,
    count: usize,
    expected_bytes: u64,
) -> Result<(Samples, usize)> {
    let rounded = std::cell::Cell::new(0);
    let number = |bytes| {
        let bytes = le(bytes, big);
        let whole = if signed { i128::from(i64::from_le_bytes(bytes)) } else { i128::from(u64::from_le_bytes(bytes)) };
        let value = whole as f64;
        rounded.set(rounded.get() + usize::from(value as i128 != whole));
        value
    };
    let values = stream.numbers(count, expected_bytes, number)?;
    Ok((Samples::F64(values), rounded.get()))
}

/// Bytes with the least first.
fn le<const N: usize>(mut bytes: [u8; N], big: bool) -> [u8; N] {
    if big {
        bytes.reverse();
    }
    bytes
}
