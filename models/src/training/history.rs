//! What each epoch gave, and the table of it.

use serde::{Deserialize, Serialize};

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Its number, from 1.
    pub epoch: u64,
    /// Steps taken by its end.
    pub step: u64,
    /// The learning rate of its last step.
    pub lr: f64,
    /// The mean loss over its samples, while it trained.
    pub loss: f64,
    /// The same for each term of the objective, unweighted.
    pub terms: Vec<(String, f64)>,
    /// The loss over the validation part after it, if there is one.
    pub validation_loss: Option<f64>,
    /// How long it took.
    pub seconds: f64,
    /// Training samples a second.
    pub samples_per_second: f64,
}

/// The table as CSV: a header, a line an epoch.
pub(crate) fn to_csv(records: &[EpochRecord]) -> String {
    let mut text = String::from("epoch,step,lr,loss");
    let terms = records.first().map_or(&[][..], |record| &record.terms);
    terms.iter().for_each(|(name, _)| text.push_str(&format!(",{name}")));
    text.push_str(",validation_loss,seconds,samples_per_second\n");
    for record in records {
        text.push_str(&format!("{},{},{:e},{}", record.epoch, record.step, record.lr, record.loss));
        record.terms.iter().for_each(|(_, value)| text.push_str(&format!(",{value}")));
        let validation = record.validation_loss.map(|loss| loss.to_string()).unwrap_or_default();
        text.push_str(&format!(",{validation},{:.4},{:.1}\n", record.seconds, record.samples_per_second));
    }
    text
}
