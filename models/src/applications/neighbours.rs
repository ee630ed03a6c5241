//! Nearest neighbours among rows of numbers, and what their labels say: the share of neighbours of a query's class, and
//! the class that most of them have.
//!
//! The scan is exact (the engine's), so these figures depend on codes alone, not on an index that misses some.

use crate::data::reserved;
use crate::{Error, Result};
use narrows_engine::scan::{Distance, NO_ROW, Request, nearest};
use narrows_engine::{Context, Split};
use std::collections::HashMap;

/// The neighbours of some queries, the nearest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// How many each query has; fewer where there are fewer rows.
    pub k: usize,
    /// The places of the rows among those that were searched, `[q, k]`; [`NO_ROW`] where there is none.
    pub places: Vec<u32>,
    /// How far they are, `[q, k]`.
    pub distances: Vec<f32>,
}

impl Neighbours {
    /// Room for the neighbours of `queries`.
    ///
    /// # Errors
    /// No memory.
    pub(super) fn room(queries: usize, k: usize) -> Result<Self> {
        let count = queries.checked_mul(k).ok_or_else(|| Error::usage(format!("{k} neighbours are too many")))?;
        let (mut places, mut distances) = (reserved(count, "neighbours")?, reserved(count, "distances")?);
        places.resize(count, NO_ROW);
        distances.resize(count, f32::INFINITY);
        Ok(Self { k, places, distances })
    }

    /// The neighbours of `queries`, `[q, width]`, among `rows`, `[n, width]`; `exclude` is the place of a row that is left
    /// out for each query, such as the query itself.
    ///
    /// # Errors
    /// No rows, a `k` of 0, lengths that do not fit each other, values that are not finite; no memory.
    pub fn find(
        split: Split,
        distance: Distance,
        [queries, rows]: [&[f32]; 2],
        width: usize,
        k: usize,
        exclude: Option<&[u32]>,
    ) -> Result<Self> {
        let mut found = Self::room(queries.len() / width.max(1), k)?;
        let request = Request::new(queries, rows, width, k);
        let request = exclude.map_or(request, |exclude| request.excluding(exclude));
        nearest(Context::new(split), &request, distance, &mut found.places, &mut found.distances)?;
        Ok(found)
    }

    /// A query's neighbours: their places and distances.
    pub fn of(&self, query: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let start = query.saturating_mul(self.k).min(self.places.len());
        let end = start.saturating_add(self.k).min(self.places.len());
        let pairs = self.places[start..end].iter().copied().zip(self.distances[start..end].iter().copied());
        pairs.filter(|&(place, _)| place != NO_ROW)
    }

    /// The labels of a query's neighbours, of those that have one.
    fn labels_of<'a>(&'a self, query: usize, labels: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        self.of(query).filter_map(|(place, _)| labels.get(place as usize).copied())
    }

    /// Precision at k by label: the share of a query's neighbours that have its label, the mean over queries; `None`
    /// without any. `wanted` are the queries' labels, `labels` those of the rows.
    pub fn precision(&self, wanted: &[u32], labels: &[u32]) -> Option<f64> {
        let mut shares = 0.0;
        for (query, wanted) in wanted.iter().enumerate() {
            let found = self.of(query).count().max(1);
            shares += self.labels_of(query, labels).filter(|label| label == wanted).count() as f64 / found as f64;
        }
        (!wanted.is_empty()).then(|| shares / wanted.len() as f64)
    }

    /// The share of queries whose label is the one that most of their neighbours have, of equals the one of the nearest;
    /// `None` without queries.
    pub fn accuracy(&self, wanted: &[u32], labels: &[u32]) -> Option<f64> {
        let vote = |query| {
            let found: Vec<u32> = self.labels_of(query, labels).collect();
            let count = |label: u32| found.iter().filter(|&&other| other == label).count();
            // From the farthest, for the last of equals is taken.
            found.iter().copied().rev().max_by_key(|&label| count(label))
        };
        let right = wanted.iter().enumerate().filter(|&(query, wanted)| vote(query) == Some(*wanted)).count();
        (!wanted.is_empty()).then(|| right as f64 / wanted.len() as f64)
    }
}

/// Where each of `rows` stands among `searched`, to be left out where that is the row itself.
pub(super) fn places_of(rows: &[u32], searched: &[u32]) -> Vec<u32> {
    let places: HashMap<u32, u32> = searched.iter().copied().zip(0..).collect();
    rows.iter().map(|row| places.get(row).copied().unwrap_or(NO_ROW)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_votes() {
        let rows = [0.0, 1.0, 2.0, 3.0, 10.0, 11.0];
        let labels = [0, 1, 1, 0, 2, 2];
        let found = Neighbours::find(Split::Serial, Distance::Euclidean, [&[0.1, 10.2], &rows], 1, 4, None).unwrap();
        assert_eq!(found.places, [0, 1, 2, 3, 4, 5, 3, 2]);
        assert_eq!(found.of(1).map(|(place, _)| place).collect::<Vec<_>>(), [4, 5, 3, 2]);
        assert_eq!(found.precision(&[0, 2], &labels), Some(0.5));
        // Two of each: the nearest decides.
        assert_eq!(found.accuracy(&[0, 2], &labels), Some(1.0));
        assert_eq!(found.accuracy(&[1, 2], &labels), Some(0.5));
        assert_eq!((found.precision(&[], &labels), found.accuracy(&[], &labels)), (None, None));
        let fewer =
            Neighbours::find(Split::Serial, Distance::Euclidean, [&[0.1], &rows[..2]], 1, 4, Some(&[0])).unwrap();
        assert_eq!(fewer.of(0).collect::<Vec<_>>(), [(1, 0.9)]);
        assert_eq!((fewer.precision(&[1], &labels), fewer.of(7).count()), (Some(1.0), 0));
        assert!(Neighbours::find(Split::Serial, Distance::Cosine, [&[0.1], &rows], 1, usize::MAX, None).is_err());
    }
}
