//! Memory that data decide the size of is asked for, never taken for granted.

use crate::error::{Error, Result};

/// An empty vector with room for exactly `count` elements, or an error that says what they were for.
pub(crate) fn reserved<T>(count: usize, purpose: &str) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| {
        let bytes = count.saturating_mul(size_of::<T>());
        Error::data(format!("not enough memory for {purpose}: {bytes} bytes; use less data or a larger machine"))
    })?;
    Ok(out)
}

/// `count` elements of the same value.
pub(super) fn filled<T: Copy>(count: usize, value: T, purpose: &str) -> Result<Vec<T>> {
    let mut out = reserved(count, purpose)?;
    out.resize(count, value);
    Ok(out)
}
