//! A convolution with its groups and filters, and where the parts of each group stand.
#![forbid(unsafe_code)]

use super::geometry::Geometry;
use crate::base::{Error, ErrorKind};

/// A convolution: its geometry, stated for the channels of one group, and how many groups and filters a group there
/// are. Images, results, weights and a row of columns are small enough to be counted, many times over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    geometry: Geometry,
    groups: usize,
    filters: usize,
}

impl Convolution {
    /// # Errors
    /// Sizes that are 0, or too many elements to be counted.
    pub(crate) fn new(geometry: Geometry, groups: usize, filters: usize) -> Result<Self, Error> {
        let ([height, width], [down, across]) = (geometry.image(), geometry.positions());
        let (channels, rows) = (geometry.channels(), geometry.rows());
        let products: [&[usize]; 4] = [
            &[groups, channels, height, width],
            &[groups, filters, down, across],
            &[groups, filters, rows],
            &[rows, across],
        ];
        let count = |factors: &[usize]| factors.iter().try_fold(1usize, |n, &factor| n.checked_mul(factor));
        let counted = |factors| count(factors).is_some_and(|n| 0 < n && n < isize::MAX as usize >> 14);
        if products.into_iter().all(counted) {
            return Ok(Self { geometry, groups, filters });
        }
        let what = if groups == 0 || filters == 0 { "are too few" } else { "of such images are too many to count" };
        Err(Error::new(
            ErrorKind::OutOfRange,
            format!("{channels} channels and {filters} filters in each of {groups} groups {what}"),
        ))
    }

    /// For the channels of one group.
    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// Filters of a group.
    pub(crate) fn filters(&self) -> usize {
        self.filters
    }

    /// Elements of one image.
    pub(super) fn image(&self) -> usize {
        self.groups * self.geometry.image_elements()
    }

    /// Elements of one result.
    pub(super) fn result(&self) -> usize {
        self.groups * self.filters * self.geometry.columns()
    }

    /// Elements of the weight.
    pub(super) fn weight(&self) -> usize {
        self.groups * self.filters * self.geometry.rows()
    }

    /// Multiplications and additions for one image.
    pub(crate) fn flops(&self) -> u64 {
        (2 * self.weight() as u64).saturating_mul(self.geometry.columns() as u64)
    }

    /// A group's part of something whose groups lie one after the other.
    pub(super) fn of_group<'a, T>(&self, all: &'a [T], group: usize) -> &'a [T] {
        let each = all.len() / self.groups;
        &all[group * each..][..each]
    }

    /// The same, to be written.
    pub(super) fn of_group_mut<'a, T>(&self, all: &'a mut [T], group: usize) -> &'a mut [T] {
        let each = all.len() / self.groups;
        &mut all[group * each..][..each]
    }
}
