//! Places and numbers of rows: the largest of a row, by selection and not by sorting, linear in the row's length; and
//! what a number that names one may be.

use super::GRAIN;
use crate::base::Error;
use crate::tape::{Real, Shape};

/// Elements of a part of rows of `columns`, a whole number of rows.
pub(super) fn rows(columns: usize) -> usize {
    GRAIN.div_ceil(columns.max(1)) * columns.max(1)
}

/// Refuses more places than numbers of the element type can tell apart: 2^24 in `f32`, 2^53 in `f64`.
pub(super) fn check_places<T: Real>(shape: Shape, places: usize) -> Result<(), String> {
    if places as u64 > (2.0 / T::EPSILON.to_f64()) as u64 {
        return Err(format!("{places} places in {shape} are too many: {} could not tell them apart", T::NAME));
    }
    Ok(())
}

/// Calls `keep(number, place)` for the `k` largest of `row`, place after place; of equal ones the first. `order` is as
/// long as the row. NaN counts as larger than all, so that it is seen.
pub(super) fn largest<T: Real>(row: &[T], k: usize, order: &mut [T], mut keep: impl FnMut(usize, usize)) {
    if k == 0 || row.is_empty() {
        return;
    }
    let k = k.min(row.len());
    order.copy_from_slice(row);
    let above = |a: T, b: T| a > b || (a.to_f64().is_nan() && !b.to_f64().is_nan());
    let descending = |a: &T, b: &T| match (above(*a, *b), above(*b, *a)) {
        (true, _) => std::cmp::Ordering::Less,
        (_, true) => std::cmp::Ordering::Greater,
        _ => std::cmp::Ordering::Equal,
    };
    let (_, &mut least, _) = order.select_nth_unstable_by(k - 1, descending);
    let greater = row.iter().filter(|&&x| above(x, least)).count();
    let (mut equal, mut number) = (k.saturating_sub(greater), 0);
    for (place, &x) in row.iter().enumerate() {
        let is_equal = !above(x, least) && !above(least, x);
        if above(x, least) || (is_equal && equal > 0) {
            equal -= usize::from(is_equal);
            keep(number, place);
            number += 1;
        }
    }
}

/// Refuses what is none of the whole numbers `0..count`, NaN among them.
pub(super) fn check_indices<T: Real>(indices: &[T], count: usize) -> Result<(), Error> {
    let is_row = |index: f64| index >= 0.0 && index < count as f64 && index.fract() == 0.0;
    match indices.iter().position(|index| !is_row(index.to_f64())) {
        None => Ok(()),
        Some(at) => {
            let allowed = format_args!("a whole number from 0 to {}", count.saturating_sub(1));
            Err(Error::out_of_range(format_args!("index {at}"), indices[at], allowed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first_and_nan_is_kept() {
        let of = |row: &[f64], k| {
            let mut places = Vec::new();
            largest(row, k, &mut vec![0.0; row.len()], |number, place| {
                assert_eq!(number, places.len());
                places.push(place);
            });
            places
        };
        assert_eq!(of(&[1.0, 3.0, 2.0, 3.0, 3.0], 2), [1, 3]);
        assert_eq!(of(&[0.0, 0.0, 0.0], 2), [0, 1]);
        assert_eq!(of(&[1.0, f64::NAN, 2.0], 1), [1]);
        assert_eq!(of(&[-1.0, -2.0], 9), [0, 1]);
        assert!(of(&[1.0], 0).is_empty());
    }
}
