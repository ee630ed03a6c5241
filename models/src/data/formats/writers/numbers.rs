//! Numbers as the bytes of arrays.

use super::header::Header;

/// The type that numbers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    U8,
    F32,
    F64,
}

impl Numbers {
    pub(super) fn of(header: &Header) -> Self {
        match (header.bytes, header.doubles) {
            (true, _) => Self::U8,
            (false, true) => Self::F64,
            (false, false) => Self::F32,
        }
    }

    /// As NumPy calls it.
    pub(super) fn numpy(self) -> &'static str {
        match self {
            Self::U8 => "|u1",
            Self::F32 => "<f4",
            Self::F64 => "<f8",
        }
    }

    /// As safetensors calls it.
    pub(super) fn safetensors(self) -> &'static str {
        match self {
            Self::U8 => "U8",
            Self::F32 => "F32",
            Self::F64 => "F64",
        }
    }

    /// `values` as bytes, the least first, in place of what `out` held.
    pub(super) fn bytes(self, values: &[f64], out: &mut Vec<u8>) {
        out.clear();
        match self {
            // NaN becomes 0, and what is beyond a byte its end.
            Self::U8 => out.extend(values.iter().map(|value| value.round() as u8)),
            Self::F32 => out.extend(values.iter().flat_map(|&value| (value as f32).to_le_bytes())),
            Self::F64 => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        }
    }
}
