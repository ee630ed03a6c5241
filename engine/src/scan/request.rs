//! What is looked for among what.
#![forbid(unsafe_code)]

use crate::base::{Error, ErrorKind};

/// The index in place of a neighbour where there are fewer than `k` rows; its distance is infinite (`u32::MAX` in bits).
pub const NO_ROW: u32 = u32::MAX;

/// How far two rows lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distance {
    /// `‖a - b‖`
    Euclidean,
    /// `1 - a·b / (‖a‖ ‖b‖)`, from 0 to 2; 1 where either is all zeros.
    Cosine,
}

/// Queries `[q, width]`, the rows `[n, width]` among which their neighbours are, and how many of these are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a, V> {
    pub(super) queries: &'a [V],
    pub(super) rows: &'a [V],
    pub(super) width: usize,
    pub(super) k: usize,
    pub(super) exclude: Option<&'a [u32]>,
}

impl<'a, V> Request<'a, V> {
    /// The `k` nearest of `rows` to each of `queries`, both of `width` numbers (or words of bits) a row.
    pub fn new(queries: &'a [V], rows: &'a [V], width: usize, k: usize) -> Self {
        Self { queries, rows, width, k, exclude: None }
    }

    /// The same with one row left out for each query, `[q]`: itself, where queries are rows. A number that is no row's
    /// ([`NO_ROW`]) leaves out none.
    #[must_use]
    pub fn excluding(self, exclude: &'a [u32]) -> Self {
        Self { exclude: Some(exclude), ..self }
    }

    /// How many queries there are; the width is not 0.
    pub(super) fn query_count(&self) -> usize {
        self.queries.len() / self.width
    }

    /// How many rows there are; the width is not 0.
    pub(super) fn row_count(&self) -> usize {
        self.rows.len() / self.width
    }

    /// A query.
    pub(super) fn query(&self, number: usize) -> &'a [V] {
        &self.queries[number * self.width..][..self.width]
    }

    /// The row that a query leaves out.
    pub(super) fn excluded(&self, query: usize) -> Option<u32> {
        self.exclude.map(|exclude| exclude[query])
    }

    /// Refuses what makes no sense; gives the elements of a result, `q k`.
    pub(super) fn check(&self, indices: usize, distances: usize) -> Result<usize, Error> {
        for (what, value) in [("the width of a row", self.width), ("the number of neighbours", self.k)] {
            if value == 0 {
                return Err(Error::out_of_range(format_args!("nearest: {what}"), value, "at least 1"));
            }
        }
        for (what, values) in [("queries", self.queries.len()), ("rows", self.rows.len())] {
            if !values.is_multiple_of(self.width) {
                return Err(Error::shape(format!("nearest: {values} numbers are no {what} of {}", self.width)));
            }
        }
        if self.rows.is_empty() {
            return Err(Error::shape("nearest: there are no rows to look among; give at least one"));
        }
        // The last number means that there is none.
        if u32::try_from(self.row_count()).is_ok_and(|count| count < NO_ROW) {
            let count = self.query_count();
            if let Some(exclude) = self.exclude.filter(|exclude| exclude.len() != count) {
                return Err(Error::shape(format!("nearest: {} rows left out for {count} queries", exclude.len())));
            }
            let wanted = count.checked_mul(self.k).ok_or_else(|| Error::out_of_memory(usize::MAX))?;
            if indices != wanted || distances != wanted {
                return Err(Error::shape(format!(
                    "nearest: {count} queries with {} neighbours into {indices} indices and {distances} distances; \
                     {wanted} are needed",
                    self.k
                )));
            }
            return Ok(wanted);
        }
        Err(Error::out_of_range("nearest: the number of rows", self.row_count(), format_args!("below {NO_ROW}")))
    }
}

/// Refuses a value of `what` that is NaN or infinite; `first` is the number of the first of these rows.
pub(super) fn check_finite(what: &str, first: usize, values: &[f32], width: usize) -> Result<(), Error> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let place = format!("nearest: {what} {}, column {}", first + at / width, at % width);
            Err(Error::new(ErrorKind::OutOfRange, format!("{place} (from 0) is {}, but must be finite", values[at])))
        }
    }
}
