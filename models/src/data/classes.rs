//! Classes by their words, as keys and flags give them: `0,2`, or `benign`; and the rows that are of them.

use super::memory::reserved;
use super::{Dataset, MAX_CLASSES};
use crate::error::{Error, Result};
use crate::suggest;

/// The numbers of the classes that `words` names, each by its name in `dataset` or else by its number, with commas
/// between them; ascending, each once. A name goes before a number: where classes are called `3` and `5`, `3` is the
/// first.
///
/// # Errors
/// Data without labels; no word at all; a word that is neither a name nor a number of a class.
pub fn class_numbers(dataset: &Dataset, words: &str) -> Result<Vec<u32>> {
    if dataset.labels().is_none() {
        return Err(Error::data(format!(
            "{} has no labels to choose classes by; give data with labels",
            dataset.name()
        )));
    }
    let names = dataset.class_names().unwrap_or_default();
    let mut numbers = Vec::new();
    for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let named = names.iter().position(|name| name == word).and_then(|place| u32::try_from(place).ok());
        let number = named.or_else(|| word.parse().ok().filter(|&number: &u32| number < MAX_CLASSES));
        numbers.push(number.ok_or_else(|| unknown(dataset, word, names))?);
    }
    if numbers.is_empty() {
        return Err(Error::usage("no class is named; give names or numbers with commas between them, as in 0,2"));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// Those of `rows` that are of the classes that `words` names, in their order; all of them where it names none.
///
/// # Errors
/// As for [`class_numbers`]; no row of these classes; no memory.
pub(super) fn rows_of_classes(dataset: &Dataset, rows: Vec<u32>, words: &str) -> Result<Vec<u32>> {
    if words.trim().is_empty() {
        return Ok(rows);
    }
    let numbers = class_numbers(dataset, words)?;
    let labels = dataset.labels().unwrap_or_default();
    let is_kept = |row: &&u32| labels.get(**row as usize).is_some_and(|label| numbers.contains(label));
    let mut kept = reserved(rows.iter().filter(is_kept).count(), "the rows of some classes")?;
    kept.extend(rows.iter().filter(is_kept).copied());
    if kept.is_empty() {
        return Err(Error::data(format!(
            "{}: no row is of class {words}; its classes are 0 to {}",
            dataset.name(),
            dataset.classes().max(1) - 1
        )));
    }
    Ok(kept)
}

fn unknown(dataset: &Dataset, word: &str, names: &[String]) -> Error {
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let last = dataset.classes().max(1) - 1;
    Error::usage(match suggest::nearest(word, &known) {
        Some(near) => format!("{} has no class `{word}`; did you mean `{near}`?", dataset.name()),
        None => format!("{} has no class `{word}`; give a name or a number from 0 to {last}", dataset.name()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Samples;
    use super::*;

    fn data() -> Dataset {
        let data = Dataset::new("d", Samples::U8(vec![0; 6]), 1).unwrap();
        data.with_labels(vec![0, 1, 2, 1, 0, 2]).unwrap()
    }

    #[test]
    fn by_number_and_by_name() {
        assert_eq!(class_numbers(&data(), " 2,0, 2").unwrap(), [0, 2]);
        let named = data().with_class_names(["benign", "0", "other"].map(String::from).into()).unwrap();
        assert_eq!(class_numbers(&named, "benign,0").unwrap(), [0, 1]);
        assert!(class_numbers(&named, "bening").unwrap_err().to_string().contains("did you mean `benign`?"));
        for words in ["", ",", "x", "-1", "99999999"] {
            assert!(class_numbers(&data(), words).is_err(), "{words}");
        }
        let bare = Dataset::new("d", Samples::U8(vec![0; 6]), 1).unwrap();
        assert!(class_numbers(&bare, "0").unwrap_err().to_string().contains("no labels"));
    }

    #[test]
    fn rows_stay_in_order() {
        assert_eq!(rows_of_classes(&data(), vec![5, 1, 3, 0], "1").unwrap(), [1, 3]);
        assert_eq!(rows_of_classes(&data(), vec![5, 1], "").unwrap(), [5, 1]);
        assert!(rows_of_classes(&data(), vec![5, 1], "7").unwrap_err().to_string().contains("0 to 2"));
    }
}
