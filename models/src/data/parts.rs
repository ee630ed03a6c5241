//! The parts of the data: what is trained on, what is validated on, what is tested on.
//!
//! A source with a test part of its own keeps it; from any other a fraction is held out. Both splits are functions
//! of the seed, so that `eval` finds the same test part again.

use super::classes::rows_of_classes;
use super::known::Known;
use super::{DataSettings, Dataset, is_same, split};
use crate::Result;
use narrows_engine::random::{permutation, stream_id};

/// The operation numbers of the streams that splits are drawn from.
const TEST_SPLIT: u32 = 0x00ff_0002;
const VALIDATION_SPLIT: u32 = 0x00ff_0003;

/// The training part: the data, the rows to train on, the rows to validate on; of both only those of the `classes` that
/// the settings name, while the test part keeps all.
///
/// # Errors
/// A source that cannot be read; fractions that leave a part empty; classes of which there is no row.
pub fn load_train(settings: &DataSettings) -> Result<(Dataset, Vec<u32>, Vec<u32>)> {
    let source = settings.open(&Known::default())?;
    let dataset = source.train()?;
    let kept = match source.has_test()? {
        true => all(&dataset),
        false => test_split(settings, &dataset)?.0,
    };
    let kept = rows_of_classes(&dataset, kept, &settings.classes)?;
    let (train, validation) = spare(settings, kept)?;
    Ok((dataset, train, validation))
}

/// Divides the rows of a training part into those to train on and those to validate on, as the settings say.
///
/// # Errors
/// A fraction that leaves a part empty.
pub fn spare(settings: &DataSettings, rows: Vec<u32>) -> Result<(Vec<u32>, Vec<u32>)> {
    let (train, validation) = split(rows.len(), settings.validation, |places| {
        permutation(settings.seed, stream_id(0, VALIDATION_SPLIT), places)
    })?;
    let of = |places: Vec<u32>| places.into_iter().map(|place| rows[place as usize]).collect();
    Ok((of(train), of(validation)))
}

/// What a finished model is tried on, the same for every command: the test part of `data`, divided as the model's own
/// data were; all of it where it is another source and has no test part, for the model never saw it. Gives the data,
/// the rows, and which part they are, `test` or `train`.
///
/// # Errors
/// A source that cannot be read.
pub fn load_for(own: &DataSettings, data: &str, known: &Known) -> Result<(Dataset, Vec<u32>, &'static str)> {
    let mut source = own.clone();
    let same = is_same(&source.source, data);
    if !same {
        source.source = data.to_owned();
        source.validation = 0.0;
        if !source.open(known)?.has_test()? {
            source.test_fraction = 0.0;
        }
    }
    let (dataset, rows, held_out) = load_test(&source, known)?;
    Ok((dataset, rows, if held_out || !same { "test" } else { "train" }))
}

/// The test part: the data and its rows, and whether these were never trained on.
///
/// # Errors
/// A source that cannot be read.
pub fn load_test(settings: &DataSettings, known: &Known) -> Result<(Dataset, Vec<u32>, bool)> {
    let source = settings.open(known)?;
    if let Some(dataset) = source.test()? {
        let rows = all(&dataset);
        return Ok((dataset, rows, true));
    }
    let dataset = source.train()?;
    let rows = test_split(settings, &dataset)?.1;
    if rows.is_empty() {
        let rows = all(&dataset);
        return Ok((dataset, rows, false));
    }
    Ok((dataset, rows, true))
}

fn test_split(settings: &DataSettings, dataset: &Dataset) -> Result<(Vec<u32>, Vec<u32>)> {
    split(dataset.len(), settings.test_fraction, |rows| permutation(settings.seed, stream_id(0, TEST_SPLIT), rows))
}

fn all(dataset: &Dataset) -> Vec<u32> {
    (0..dataset.len() as u32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_training_part_is_of_the_classes_that_are_kept() {
        let settings = DataSettings { classes: "3,8".into(), validation: 0.1, ..DataSettings::default() };
        let (dataset, train, validation) = load_train(&settings).unwrap();
        let labels = dataset.labels().unwrap();
        assert!(!validation.is_empty() && train.len() > 200);
        assert!(train.iter().chain(&validation).all(|&row| [3, 8].contains(&labels[row as usize])));
        let (_, all, _) = load_for(&DataSettings::default(), "digits", &Known::default()).unwrap();
        let (_, rows, part) = load_for(&settings, "digits", &Known::default()).unwrap();
        assert_eq!((rows.len(), part), (359, "test"));
        assert_eq!(rows, all);
    }
}
