//! Filling missing values of rows: by their mean given what is present, or by several draws, so that what is computed of
//! the filled rows shows how uncertain the filling is (multiple imputation, Rubin 1987; by importance weights, Mattei &
//! Frellsen 2019).

use super::samples::{Samples, SquaredError, scaled};
use crate::data::{ColumnKind, Dataset, Rows, reserved};
use crate::model::Session;
use crate::{Error, Result};
use narrows_engine::random::{fill_bits, fill_uniform, stream_id};
use narrows_engine::{RawRows, Split};
use serde::Serialize;

/// The operation numbers of the streams of seeds of draws, and of what is hidden.
const DRAW: u32 = 0x00ff_0012;
const HIDE: u32 = 0x00ff_0013;

/// Rows whose missing numbers (NaN) are filled by their mean given what is present: `[n, features]`, raw; what is present
/// is as it was.
///
/// # Errors
/// A model that takes no missing values, or not these values; no memory.
pub fn impute(session: &mut Session, rows: &Samples, seed: u64) -> Result<Vec<f64>> {
    let filled = session.impute(rows.given(), seed)?;
    let mut out = reserved(rows.numbers.len(), "filled rows")?;
    merge(&rows.numbers, filled, &mut out);
    Ok(out)
}

/// Rows filled `m` times, each time by one draw: `[m, n, features]`, raw. The first of many draws is the only one of one.
///
/// # Errors
/// As for [`impute`].
pub fn impute_many(session: &mut Session, rows: &Samples, m: usize, seed: u64) -> Result<Vec<f64>> {
    let mut out = reserved(rows.numbers.len().saturating_mul(m), "filled rows")?;
    for draw in 0..m {
        let mut words = [0; 2];
        fill_bits(seed, stream_id(draw as u64, DRAW), 0, &mut words);
        let seed = u64::from(words[0]) << 32 | u64::from(words[1]);
        merge(&rows.numbers, session.impute_draw(rows.given(), seed)?, &mut out);
    }
    Ok(out)
}

fn merge(given: &[f64], filled: &[f32], out: &mut Vec<f64>) {
    out.extend(given.iter().zip(filled).map(|(&x, &filled)| if x.is_nan() { f64::from(filled) } else { x }));
}

/// How well hidden numbers of one column were filled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnError {
    /// The column.
    pub column: String,
    /// Root mean squared error of the filling, in units of the column's standard deviation.
    pub rmse: f64,
    /// The same of filling by the column's mean: about 1.
    pub rmse_mean: f64,
    /// Numbers that were hidden.
    pub hidden: usize,
}

/// How well hidden classes of one column were filled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassError {
    /// The column.
    pub column: String,
    /// The share of hidden classes that were filled wrongly.
    pub wrong: f64,
    /// The same of filling by the commonest class.
    pub wrong_mode: f64,
    /// Classes that were hidden.
    pub hidden: usize,
}

/// How well hidden numbers were filled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImputationError {
    /// Root mean squared error over all columns of quantities, as the model sees them: a pixel that hardly ever varies does
    /// not count like one that does. Of standardised columns that is in units of their deviations. Null without quantities.
    pub rmse: Option<f64>,
    /// The same of filling by the columns' means.
    pub rmse_mean: Option<f64>,
    /// The mean over columns of classes, and of yes and no, of the share that was filled wrongly; null without them.
    pub wrong: Option<f64>,
    /// The same of filling by the commonest class.
    pub wrong_mode: Option<f64>,
    /// Each column of classes of which something was hidden.
    pub classes: Vec<ClassError>,
    /// Numbers that were hidden, of all columns.
    pub hidden: usize,
    /// Each quantity that varies and of which something was hidden.
    pub columns: Vec<ColumnError>,
    /// The rows with what was hidden filled, `[n, features]`.
    #[serde(skip)]
    pub filled: Vec<f64>,
}

/// Hides each present number of some rows with probability `share`, fills, and compares, column by column: quantities
/// with the columns' means beside, classes with the commonest. Means and deviations are of the rows' own values, the means
/// of what was not hidden.
///
/// # Errors
/// As for [`impute`]; a share that is no probability; nothing to compare.
pub fn evaluate_imputation(
    session: &mut Session,
    dataset: &Dataset,
    rows: &[u32],
    share: f64,
    seed: u64,
) -> Result<ImputationError> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Error::usage(format!("the share of hidden numbers is {share}; give one above 0 and below 1")));
    }
    let whole = Samples::read(session.model(), dataset, rows)?;
    let features = dataset.features();
    let given = hidden_from(&whole, features, share, seed);
    let filled = impute(session, &given, seed)?;
    let named = |column: usize| dataset.columns().and_then(|columns| columns.get(column));
    let name = |column: usize| named(column).map_or_else(|| format!("{column}"), |of| of.name.clone());
    let of =
        |values: &[f64], column: usize| -> Vec<f64> { values.iter().skip(column).step_by(features).copied().collect() };
    let mut by_mean = given.numbers.clone();
    let (mut columns, mut classes, mut compared) = (Vec::new(), Vec::new(), Vec::new());
    for column in 0..features {
        let (whole, given, filled) = (of(&whole.numbers, column), of(&given.numbers, column), of(&filled, column));
        if named(column).is_some_and(|column| column.kind != ColumnKind::Numeric) {
            classes.extend(class_error(name(column), &whole, &given, &filled));
            continue;
        }
        let mean = mean_of(&given);
        let holes = by_mean.iter_mut().skip(column).step_by(features).filter(|x| x.is_nan());
        holes.for_each(|x| *x = mean);
        if let Some(error) = column_error(name(column), &whole, (&given, mean), &filled) {
            compared.push(column);
            columns.push(error);
        }
    }
    if columns.is_empty() && classes.is_empty() {
        return Err(Error::data(format!(
            "{}: no column varies and has hidden numbers; give more rows, or a larger share",
            dataset.name()
        )));
    }
    let seen = |numbers: &[f64]| scaled(session.model(), RawRows::Doubles(numbers), Split::Serial);
    let clean = seen(&whole.numbers)?;
    let root = |others: &[f64]| -> Result<Option<f64>> {
        let (others, mut error) = (seen(others)?, SquaredError::default());
        let places = (0..rows.len()).flat_map(|row| compared.iter().map(move |column| row * features + column));
        for at in places.filter(|&at| given.numbers[at].is_nan() && !whole.numbers[at].is_nan()) {
            error.add(clean[at], others[at]);
        }
        Ok(error.mean().map(f64::sqrt))
    };
    let mean = |of: fn(&ClassError) -> f64| {
        (!classes.is_empty()).then(|| classes.iter().map(of).sum::<f64>() / classes.len() as f64)
    };
    let hidden = columns.iter().map(|column| column.hidden).chain(classes.iter().map(|column| column.hidden));
    Ok(ImputationError {
        rmse: root(&filled)?,
        rmse_mean: root(&by_mean)?,
        wrong: mean(|column| column.wrong),
        wrong_mode: mean(|column| column.wrong_mode),
        hidden: hidden.sum(),
        columns,
        classes,
        filled,
    })
}

/// The samples without a share of their numbers, each hidden or not by the row and the seed.
fn hidden_from(whole: &Samples, features: usize, share: f64, seed: u64) -> Samples {
    let mut given = whole.clone();
    let mut draws = vec![0.0; features];
    for (&row, numbers) in whole.rows.iter().zip(given.numbers.chunks_exact_mut(features)) {
        fill_uniform(seed, stream_id(u64::from(row), HIDE), 0, 0.0, 1.0, &mut draws);
        numbers.iter_mut().zip(&draws).filter(|(_, draw)| **draw < share).for_each(|(x, _)| *x = f64::NAN);
    }
    given
}

/// The error of one column of classes; `None` where nothing was hidden.
fn class_error(column: String, whole: &[f64], given: &[f64], filled: &[f64]) -> Option<ClassError> {
    let mut counts = std::collections::BTreeMap::<u64, usize>::new();
    given.iter().filter(|x| !x.is_nan()).for_each(|x| *counts.entry(*x as u64).or_default() += 1);
    let mode = counts.iter().max_by_key(|(class, count)| (**count, u64::MAX - **class)).map_or(0, |(class, _)| *class);
    let hidden = || whole.iter().zip(given).zip(filled).filter(|((whole, given), _)| given.is_nan() && !whole.is_nan());
    let count = hidden().count();
    let share = |wrong: usize| wrong as f64 / count as f64;
    (count > 0).then(|| ClassError {
        column,
        wrong: share(hidden().filter(|((whole, _), filled)| filled.round() != **whole).count()),
        wrong_mode: share(hidden().filter(|((whole, _), _)| **whole as u64 != mode).count()),
        hidden: count,
    })
}

/// The mean of what is present.
fn mean_of(values: &[f64]) -> f64 {
    let present = || values.iter().filter(|x| !x.is_nan());
    present().sum::<f64>() / present().count().max(1) as f64
}

/// The error of one column; `None` where it does not vary or nothing was hidden.
fn column_error(column: String, whole: &[f64], (given, mean): (&[f64], f64), filled: &[f64]) -> Option<ColumnError> {
    let centre = mean_of(whole);
    let squares: Vec<f64> = whole.iter().map(|x| (x - centre).powi(2)).collect();
    let deviation = mean_of(&squares).sqrt();
    let hidden = || whole.iter().zip(given).zip(filled).filter(|((whole, given), _)| given.is_nan() && !whole.is_nan());
    let count = hidden().count();
    if count == 0 || deviation.is_nan() || deviation <= 0.0 {
        return None;
    }
    let root = |sum: f64| (sum / count as f64).sqrt() / deviation;
    Some(ColumnError {
        column,
        rmse: root(hidden().map(|((whole, _), filled)| (filled - whole).powi(2)).sum()),
        rmse_mean: root(hidden().map(|((whole, _), _)| (mean - whole).powi(2)).sum()),
        hidden: count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Samples as Numbers, digits};
    use crate::training::{Config, fit};

    fn correlated() -> (Session, Dataset) {
        // Four numbers that follow from one.
        let whole: Vec<f32> =
            (0..600).flat_map(|i| (1..5).map(move |j| 100.0 + (i * 37 % 100) as f32 * j as f32)).collect();
        let holes: Vec<f32> =
            whole.iter().enumerate().map(|(i, &x)| if (i * 7919) % 10 < 3 { f32::NAN } else { x }).collect();
        let holes = Dataset::with_missing("holes", Numbers::F32(holes), 4).unwrap();
        let settings = [("missing", "true"), ("hidden", "32,32"), ("code", "2"), ("epochs", "60"), ("sigma", "0.1")];
        let config = Config::of("importance-weighted").unwrap().with(&settings).unwrap();
        (Session::new(fit(&config, &holes).unwrap()), Dataset::new("whole", Numbers::F32(whole), 4).unwrap())
    }

    #[test]
    fn filled_better_than_by_the_mean_and_draws_differ_where_numbers_are_missing() {
        let (mut session, whole) = correlated();
        let rows: Vec<u32> = (0..600).collect();
        let error = evaluate_imputation(&mut session, &whole, &rows, 0.3, 1).unwrap();
        assert!(error.rmse.unwrap() < 0.5 && (0.9..1.1).contains(&error.rmse_mean.unwrap()), "{error:?}");
        assert_eq!((error.columns.len(), error.filled.len()), (4, 2400));
        let mut samples = Samples::read(session.model(), &whole, &rows).unwrap();
        samples.numbers.iter_mut().skip(1).step_by(4).for_each(|x| *x = f64::NAN);
        let mean = impute(&mut session, &samples, 3).unwrap();
        let draws = impute_many(&mut session, &samples, 20, 3).unwrap();
        assert!(
            draws[..2400] == impute_many(&mut session, &samples, 1, 3).unwrap(),
            "the first draw is the first of any"
        );
        let (mut distance, mut deviation) = (0.0, 0.0);
        for at in (0..2400).filter(|at| samples.numbers[*at].is_nan()) {
            let values: Vec<f64> = draws.iter().skip(at).step_by(2400).copied().collect();
            let centre = values.iter().sum::<f64>() / 20.0;
            distance += (centre - mean[at]).abs() / 600.0;
            deviation += (values.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / 19.0).sqrt() / 600.0;
        }
        assert!(deviation > 1.0 && distance < 0.5 * deviation, "{distance} {deviation}");
        let present = samples.numbers.iter().enumerate().filter(|(_, x)| !x.is_nan());
        assert!(present.into_iter().all(|(at, x)| mean[at] == *x && draws[at] == *x));
    }

    /// What is drawn for a row is a function of the seed and its number, not of the call.
    #[test]
    fn rows_may_come_in_several_calls() {
        let (mut session, whole) = correlated();
        let rows: Vec<u32> = (0..600).collect();
        let mut samples = Samples::read(session.model(), &whole, &rows).unwrap();
        samples.numbers.iter_mut().step_by(4).for_each(|x| *x = f64::NAN);
        let all = session.impute_draw(samples.given(), 5).unwrap().to_vec();
        let late = crate::model::Given::doubles(&samples.numbers[300 * 4..]).from_row(300);
        let some = session.impute_draw(late, 5).unwrap().to_vec();
        // Sums of few rows round in another order than those of many.
        assert!(all[300 * 4..].iter().zip(&some).all(|(a, b)| (a - b).abs() < 0.1), "the same draws");
        let others = session.impute_draw(&samples.singles(600)[300 * 4..], 5).unwrap();
        assert!(some.iter().zip(others).any(|(a, b)| (a - b).abs() > 1.0), "other numbers, other draws");
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        let dataset = digits().unwrap();
        let config = Config::of("undercomplete").unwrap().with(&[("epochs", "1")]).unwrap();
        let mut session = Session::new(fit(&config, &dataset).unwrap());
        let refused = |session: &mut Session, share| {
            evaluate_imputation(session, &dataset, &[0, 1], share, 0).unwrap_err().to_string()
        };
        assert!(refused(&mut session, 0.5).contains("takes no missing values"));
        assert!(refused(&mut session, 1.5).contains("above 0 and below 1"));
    }
}
