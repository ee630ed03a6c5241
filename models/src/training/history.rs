//! What each epoch gave, and the table of it.

use crate::objective::TermRecord;
use serde::{Deserialize, Serialize};

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Its number, from 1, over all phases.
    pub epoch: u64,
    /// What was trained: `training`, or a phase of a stacked autoencoder.
    pub phase: String,
    /// Steps taken by its end.
    pub step: u64,
    /// The learning rate of its last step; 0 for L-BFGS, which finds its own.
    pub lr: f64,
    /// The mean loss over its samples, while it trained.
    pub loss: f64,
    /// The terms of the objective.
    pub terms: Vec<TermRecord>,
    /// The loss over the validation part after it, if there is one.
    pub validation_loss: Option<f64>,
    /// How long it took.
    pub seconds: f64,
    /// Training samples a second.
    pub samples_per_second: f64,
}

/// The table as CSV: a header, a line an epoch. Every term of any phase has a column for its value and one for its
/// weight.
pub(crate) fn to_csv(records: &[EpochRecord]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for term in records.iter().flat_map(|record| &record.terms) {
        if !names.contains(&term.name.as_str()) {
            names.push(&term.name);
        }
    }
    let mut text = String::from("epoch,phase,step,lr,loss");
    names.iter().for_each(|name| text.push_str(&format!(",{name},{name}_weight")));
    text.push_str(",validation_loss,seconds,samples_per_second\n");
    for record in records {
        let EpochRecord { epoch, phase, step, lr, loss, .. } = record;
        text.push_str(&format!("{epoch},{phase},{step},{lr:e},{loss}"));
        for name in &names {
            match record.terms.iter().find(|term| term.name == *name) {
                Some(term) => text.push_str(&format!(",{},{}", term.value, term.weight)),
                None => text.push_str(",,"),
            }
        }
        let validation = record.validation_loss.map(|loss| loss.to_string()).unwrap_or_default();
        text.push_str(&format!(",{validation},{:.4},{:.1}\n", record.seconds, record.samples_per_second));
    }
    text
}
