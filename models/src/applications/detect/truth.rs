//! What is an anomaly, by the classes of labelled data: all classes but those called normal, or those called odd.

use crate::Result;
use crate::data::{Dataset, class_numbers};

/// Which classes are anomalies, by their names or numbers with commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// These are normal; all others are anomalies.
    Normal(String),
    /// These are anomalies; all others are normal.
    Anomaly(String),
}

impl Truth {
    /// Whether each of some rows of `dataset` is an anomaly.
    ///
    /// # Errors
    /// Data without labels; a word that is no class of theirs.
    pub fn of(&self, dataset: &Dataset, rows: &[u32]) -> Result<Vec<bool>> {
        let (words, named) = match self {
            Self::Normal(words) => (words, false),
            Self::Anomaly(words) => (words, true),
        };
        let numbers = class_numbers(dataset, words)?;
        let labels = dataset.labels().unwrap_or_default();
        let is_named = |row: &u32| labels.get(*row as usize).is_some_and(|label| numbers.contains(label));
        Ok(rows.iter().map(|row| is_named(row) == named).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Samples;

    #[test]
    fn by_what_is_normal_or_by_what_is_not() {
        let data = Dataset::new("d", Samples::U8(vec![0; 4]), 1).unwrap().with_labels(vec![0, 1, 2, 0]).unwrap();
        let normal = Truth::Normal("0,2".into()).of(&data, &[0, 1, 2, 3]).unwrap();
        assert_eq!(normal, [false, true, false, false]);
        let named = data.with_class_names(["no", "fraud", "unsure"].map(String::from).into()).unwrap();
        assert_eq!(Truth::Anomaly("fraud".into()).of(&named, &[1, 0]).unwrap(), [true, false]);
        assert!(Truth::Anomaly("froud".into()).of(&named, &[1]).is_err());
    }
}
