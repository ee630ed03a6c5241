//! Shapes: a few sizes, the leading one possibly the batch, which is known only up to a maximum when recording.

use std::fmt;

/// The most dimensions a shape may have, the batch not counted.
pub(crate) const MAX_RANK: usize = 5;

/// The shape of a value: `[N, 784]` with the batch `N` symbolic, or fixed sizes. Row-major.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    batch: bool,
    rank: usize,
    sizes: [usize; MAX_RANK],
    valid: bool,
}

impl Shape {
    /// One sample has the sizes `sizes`, and there are as many as the batch holds. `batch(&[])` is one number a sample.
    pub fn batch(sizes: &[usize]) -> Self {
        Self::new(true, sizes)
    }

    /// All sizes known.
    pub fn fixed(sizes: &[usize]) -> Self {
        Self::new(false, sizes)
    }

    /// One number.
    pub fn scalar() -> Self {
        Self::new(false, &[])
    }

    fn new(batch: bool, sizes: &[usize]) -> Self {
        let fits = sizes.len() <= MAX_RANK && sizes.iter().try_fold(1usize, |n, &s| n.checked_mul(s)).is_some();
        let mut shape = Self { batch, rank: sizes.len().min(MAX_RANK), sizes: [0; MAX_RANK], valid: fits };
        shape.sizes[..shape.rank].copy_from_slice(&sizes[..shape.rank]);
        shape
    }

    /// Whether the leading dimension is the batch.
    pub fn is_batch(&self) -> bool {
        self.batch
    }

    /// The sizes without the batch.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// Numbers in one sample, or in all where there is no batch.
    pub fn sample_elements(&self) -> usize {
        self.sizes().iter().fold(1, |n, &s| n.saturating_mul(s))
    }

    /// Numbers in a batch of `rows`; a fixed shape has the same for every batch.
    pub fn elements(&self, rows: usize) -> usize {
        self.sample_elements().saturating_mul(if self.batch { rows } else { 1 })
    }

    /// Whether the sizes could be multiplied, also by a batch of `rows`, and there were not too many of them.
    pub fn fits(&self, rows: usize) -> bool {
        self.valid && self.sample_elements().checked_mul(rows.max(1)).is_some_and(|n| n < isize::MAX as usize / 8)
    }

    /// The size of the leading dimension: the batch, the first size, or 1 for a single number.
    pub fn leading(&self, rows: usize) -> usize {
        if self.batch { rows } else { self.sizes().first().copied().unwrap_or(1) }
    }

    /// The shape seen as a matrix: the product of everything before the last dimension, and the last dimension.
    /// A batch of single numbers is a column; a single number is 1 by 1.
    pub fn matrix(&self, rows: usize) -> (usize, usize) {
        match self.sizes().split_last() {
            Some((&last, before)) => {
                let before: usize = before.iter().fold(1, |n: usize, &s| n.saturating_mul(s));
                (before.saturating_mul(if self.batch { rows } else { 1 }), last)
            }
            None => (self.elements(rows), 1),
        }
    }

    /// The size of the last dimension; 1 where there is none.
    pub fn last(&self) -> usize {
        self.sizes().last().copied().unwrap_or(1)
    }

    /// The same with another last dimension.
    pub fn with_last(&self, last: usize) -> Self {
        let mut sizes = self.sizes;
        match self.rank {
            0 => Self::new(self.batch, &[last]),
            rank => {
                sizes[rank - 1] = last;
                Self::new(self.batch, &sizes[..rank])
            }
        }
    }

    /// The same without its last dimension.
    pub fn without_last(&self) -> Self {
        Self::new(self.batch, &self.sizes[..self.rank.saturating_sub(1)])
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if self.batch {
            parts.push("N".into());
        }
        parts.extend(self.sizes().iter().map(usize::to_string));
        write!(f, "[{}]", parts.join(", "))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_prints() {
        let shape = Shape::batch(&[3, 4]);
        assert_eq!((shape.elements(5), shape.matrix(5), shape.leading(5)), (60, (15, 4), 5));
        assert_eq!(shape.to_string(), "[N, 3, 4]");
        assert_eq!(shape.without_last().with_last(7).to_string(), "[N, 7]");
        assert_eq!(Shape::scalar().elements(9), 1);
        assert!(!Shape::fixed(&[usize::MAX, 2]).fits(1));
        assert!(!Shape::batch(&[1 << 40]).fits(1 << 40));
        assert!(!Shape::fixed(&[1; 9]).fits(1));
    }
}
