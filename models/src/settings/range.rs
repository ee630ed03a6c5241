//! What a value may be by itself; what depends on other keys or on the data is checked where a model is made.

/// A condition on a value, and its words.
#[derive(Debug, Clone, Copy)]
pub struct Range<V: 'static + ?Sized> {
    /// What to give, as in `a whole number from 1 to 100`.
    pub words: &'static str,
    /// Whether a value is in it.
    pub holds: fn(&V) -> bool,
}

/// Counts are held below this, so that products of two of them do not overflow.
const MOST: u64 = u32::MAX as u64;

impl Range<usize> {
    /// Sizes and counts.
    pub const COUNT: Self =
        Self { words: "a whole number from 1 to 4294967295", holds: |&n| n > 0 && n as u64 <= MOST };
    /// Counts from 0.
    pub const NONE_OR_COUNT: Self = Self { words: "a whole number up to 4294967295", holds: |&n| n as u64 <= MOST };
    /// Rows and columns of a kernel.
    pub const KERNEL: Self =
        Self { words: "an odd number from 1 to 1023", holds: |&n| !n.is_multiple_of(2) && n < 1024 };
    /// From 1 to 100.
    pub const HUNDRED: Self = Self { words: "a whole number from 1 to 100", holds: |&n| (1..=100).contains(&n) };
    /// From 1 to 64.
    pub const SMALL: Self = Self { words: "a whole number from 1 to 64", holds: |&n| (1..=64).contains(&n) };
}

impl Range<u64> {
    /// Counts from 1.
    pub const COUNT: Self = Self { words: "a whole number from 1 to 4294967295", holds: |&n| n > 0 && n <= MOST };
    /// Counts from 0.
    pub const NONE_OR_COUNT: Self = Self { words: "a whole number up to 4294967295", holds: |&n| n <= MOST };
    /// What TOML holds.
    pub const WHOLE: Self =
        Self { words: "a whole number up to 9223372036854775807", holds: |&n| n <= i64::MAX as u64 };
}

impl Range<f64> {
    /// Rates and deviations.
    pub const POSITIVE: Self = Self { words: "a number above 0, up to 1e30", holds: |&x| x > 0.0 && x <= 1e30 };
    /// Weights of terms.
    pub const WEIGHT: Self = Self { words: "a number from 0 to 1e6", holds: |x| (0.0..=1e6).contains(x) };
    /// Limits, 0 for none.
    pub const LIMIT: Self = Self { words: "a number from 0 to 1e30", holds: |x| (0.0..=1e30).contains(x) };
    /// Shares and decays.
    pub const FRACTION: Self = Self { words: "a number from 0 to below 1", holds: |x| (0.0..1.0).contains(x) };
    /// Shares that are neither nothing nor all.
    pub const INSIDE: Self = Self { words: "a number between 0 and 1", holds: |&x| x > 0.0 && x < 1.0 };
    /// From 1 to 3.
    pub const ONE_TO_THREE: Self = Self { words: "a number from 1 to 3", holds: |x| (1.0..=3.0).contains(x) };
}

impl Range<Vec<usize>> {
    /// Sizes of layers.
    pub const LAYERS: Self = Self {
        words: "at most 64 layers, each with at least 1 unit",
        holds: |list| list.len() <= 64 && list.iter().all(|&n| n > 0 && n as u64 <= MOST),
    };
}
