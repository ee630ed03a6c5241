//! What the products of taps are handed.
#![forbid(unsafe_code)]

use super::pixels::Field;

/// Where the elements of a kernel see position 0 of a padded image, and how far the last reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Taps {
    offsets: Vec<usize>,
    furthest: usize,
}

impl Taps {
    pub(in super::super) fn new(offsets: Vec<usize>) -> Self {
        let furthest = offsets.iter().copied().max().unwrap_or(0);
        Self { offsets, furthest }
    }

    pub(in super::super) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether every position of `field`, by whole vectors of `lanes`, lies in `source`.
    fn reach<T>(&self, field: &Field, lanes: usize, source: &[T]) -> bool {
        let Field { rows, width, pitch } = *field;
        let end = || {
            let last = self.furthest.checked_add(rows.checked_sub(1)?.checked_mul(pitch)?)?;
            last.checked_add(width.checked_next_multiple_of(lanes)?)
        };
        width > 0 && end().is_some_and(|end| end <= source.len())
    }

    pub(super) fn offsets(&self) -> *const usize {
        self.offsets.as_ptr()
    }
}

/// What all products are handed: filters, their taps, and the padded source that these see.
#[derive(Clone, Copy)]
pub(in super::super) struct Operands<'a, T> {
    pub(in super::super) field: Field,
    pub(in super::super) source: &'a [T],
    pub(in super::super) taps: &'a Taps,
    pub(in super::super) filters: usize,
}

impl<T> Operands<'_, T> {
    /// Whether every position, by whole vectors of `lanes`, from the element `skip` of the source on, lies in it.
    pub(super) fn reach(&self, skip: Option<usize>, lanes: usize) -> bool {
        let source = skip.and_then(|skip| self.source.get(skip..));
        source.is_some_and(|source| self.taps.reach(&self.field, lanes, source))
    }

    /// `factors` times the number of positions; None where that cannot be counted.
    pub(super) fn positions(&self, factor: usize) -> Option<usize> {
        self.field.rows.checked_mul(self.field.width)?.checked_mul(factor)
    }
}

/// Where results go: filters at distance `plane`, rows at distance `row`.
pub(in super::super) struct Rows<'a, T> {
    pub(in super::super) data: &'a mut [T],
    pub(in super::super) plane: usize,
    pub(in super::super) row: usize,
    pub(in super::super) accumulate: bool,
}
