//! New samples: from the prior of a model that has one, or from a mixture of normal distributions fitted to the codes of
//! the training part, for any model that decodes codes (Ghosh et al. 2020).

use super::samples::{Samples, pick};
use crate::data::{Dataset, reserved};
use crate::linalg::Mixture;
use crate::model::{Given, Session};
use crate::{Error, Result};
use narrows_engine::Split;

/// Codes that a mixture is fitted to, at most.
const MOST_CODES: usize = 20_000;
/// Samples that are encoded at a time.
const ENCODED: usize = 1024;

/// What new codes are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// The model's prior.
    Prior,
    /// A mixture fitted to codes.
    Mixture(Box<Mixture>),
}

/// The codes of some rows of a source, `[n, code]`, of distributions the means.
///
/// # Errors
/// Data that do not fit the model; no memory.
pub fn codes_of(session: &mut Session, dataset: &Dataset, rows: &[u32]) -> Result<Vec<f64>> {
    let mut codes = reserved(rows.len().saturating_mul(session.model().code_size()), "codes")?;
    for rows in rows.chunks(ENCODED) {
        let samples = Samples::read(session.model(), dataset, rows)?;
        codes.extend(session.encode(samples.given())?.iter().map(|&x| f64::from(x)));
    }
    Ok(codes)
}

/// Fits a mixture of `components` to the codes of up to 20,000 of the rows, drawn by `seed`; with `class` to those of that
/// class.
///
/// # Errors
/// Data that do not fit the model, or have no such class; fewer codes than components; no memory.
pub fn fit_mixture(
    session: &mut Session,
    (dataset, rows): (&Dataset, &[u32]),
    class: Option<u32>,
    components: usize,
    seed: u64,
    split: Split,
) -> Result<Mixture> {
    let of_class: Vec<u32>;
    let rows = match class {
        None => rows,
        Some(class) => {
            let labels = dataset.labels().ok_or_else(|| {
                Error::data(format!("{} has no labels, and a class is asked for; leave --class away", dataset.name()))
            })?;
            of_class = rows.iter().copied().filter(|&row| labels.get(row as usize) == Some(&class)).collect();
            &of_class
        }
    };
    if rows.is_empty() {
        return Err(Error::data(format!("{}: no samples to fit a mixture to; give others", dataset.name())));
    }
    let most = (rows.len() > MOST_CODES).then_some(MOST_CODES);
    let codes = codes_of(session, dataset, &pick(rows, most, seed))?;
    Mixture::fit(&codes, session.model().code_size(), components, seed, split)
}

/// `count` new samples by `seed`, `[count, features]`, raw; `labels` are their classes, of a model that takes them.
///
/// # Errors
/// A model without a prior, where that is the origin; one that decodes no codes; no memory.
pub fn sample(
    session: &mut Session,
    origin: &Origin,
    count: usize,
    labels: Option<&[u32]>,
    seed: u64,
) -> Result<Vec<f32>> {
    let labels = labels.filter(|_| session.model().autoencoder().takes().labels);
    match origin {
        Origin::Prior => Ok(session.sample(count, labels, seed)?.to_vec()),
        Origin::Mixture(mixture) => {
            let codes: Vec<f32> = mixture.sample(count, seed)?.into_iter().map(|x| x as f32).collect();
            let given = Given::new(&codes);
            Ok(session.decode(labels.map_or(given, |labels| given.labels(labels)))?.to_vec())
        }
    }
}

/// The number of a class by its name, or by itself where no class has that name.
///
/// # Errors
/// No such class, with those that there are.
pub fn class_number(text: &str, names: Option<&[String]>, classes: usize) -> Result<u32> {
    let by_name = names.and_then(|names| names.iter().position(|name| name == text));
    let number = by_name.or_else(|| text.parse().ok().filter(|&number: &usize| number < classes));
    number.and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
        let known = match names {
            Some(names) => names.join(", "),
            None if classes == 0 => return Error::usage("the model was trained without classes; leave --class away"),
            None => format!("0 to {}", classes - 1),
        };
        Error::usage(format!("there is no class `{text}`; give one of {known}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::training::{Config, fit};

    fn session(kind: &str) -> Session {
        let config = Config::of(kind).unwrap().with(&[("hidden", "64"), ("code", "6"), ("epochs", "8")]).unwrap();
        Session::new(fit(&config, &digits().unwrap()).unwrap())
    }

    fn mean_of_class(class: u32) -> Vec<f64> {
        let dataset = digits().unwrap();
        let labels = dataset.labels().unwrap();
        let rows: Vec<u32> = (0..dataset.len() as u32).filter(|&row| labels[row as usize] == class).collect();
        let mut numbers = vec![0.0; rows.len() * 64];
        crate::data::Rows::read(&dataset, &rows, &mut numbers).unwrap();
        (0..64).map(|at| numbers.iter().skip(at).step_by(64).sum::<f64>() / rows.len() as f64).collect()
    }

    /// The class whose mean the mean of samples is nearest to.
    fn nearest_class(samples: &[f32]) -> u32 {
        let count = samples.len() as f64 / 64.0;
        let mean: Vec<f64> =
            (0..64).map(|at| samples.iter().skip(at).step_by(64).map(|&x| f64::from(x)).sum::<f64>() / count).collect();
        let distance = |class: u32| mean.iter().zip(mean_of_class(class)).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        (0..10).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap()
    }

    #[test]
    fn samples_of_a_class_look_like_it() {
        let dataset = digits().unwrap();
        let rows: Vec<u32> = (0..dataset.len() as u32).collect();
        let mut plain = session("undercomplete");
        assert!(!plain.has_prior());
        let mixture = fit_mixture(&mut plain, (&dataset, &rows), Some(6), 3, 0, Split::Serial).unwrap();
        let made = sample(&mut plain, &Origin::Mixture(Box::new(mixture)), 50, None, 1).unwrap();
        assert_eq!((made.len(), nearest_class(&made)), (50 * 64, 6));
        assert!(sample(&mut plain, &Origin::Prior, 1, None, 0).unwrap_err().to_string().contains("no prior"));
        let mut conditional = session("conditional");
        assert!(conditional.has_prior());
        let made = sample(&mut conditional, &Origin::Prior, 50, Some(&[3; 50]), 1).unwrap();
        assert_eq!(nearest_class(&made), 3);
        assert!(fit_mixture(&mut plain, (&dataset, &rows), Some(10), 3, 0, Split::Serial).is_err());
    }

    #[test]
    fn classes_have_names_or_numbers() {
        let names = ["5".to_owned(), "cat".to_owned()];
        assert_eq!(class_number("cat", Some(&names), 2).unwrap(), 1);
        assert_eq!(class_number("5", Some(&names), 2).unwrap(), 0);
        assert_eq!(class_number("1", Some(&names), 2).unwrap(), 1);
        assert_eq!(class_number("7", None, 10).unwrap(), 7);
        assert!(class_number("10", None, 10).unwrap_err().to_string().contains("0 to 9"));
        assert!(class_number("dog", Some(&names), 2).unwrap_err().to_string().contains("5, cat"));
        assert!(class_number("1", None, 0).is_err());
    }
}
