//! Defaults that follow the data: sizes of layers, epochs, and a validation part to end early by, for whoever does not
//! choose them.
//!
//! Rules of thumb, said when they are used. A code of `c √(d/64)` numbers for d of the data, c being the type's own
//! default, which is for the 64 of the digits; one hidden layer of twice as many units as layers see numbers, up to 512,
//! and of fewer where rows are few. About 6,000 steps, 30 to 300 epochs, and where there are 200 rows or more a tenth of
//! them to choose the best weights by. Types without a hidden layer of their own (sparse, denoising and others) are for
//! codes of a size of their own, and keep it.

use super::Config;
use crate::Result;
use crate::data::{Column, ColumnKind, Dataset, Rows};

/// Steps that a small network is trained for.
const STEPS: u64 = 6000;
/// Rows from which some can be spared to validate on.
const SPARED: usize = 200;
/// Rows from which a batch is larger.
const MANY: usize = 20_000;
/// The most weights of the first layer.
const WEIGHTS: usize = 1 << 26;

/// Sets what was not `given` (names of keys) to what suits the data, of which `rows` are trained on; says so, in words.
///
/// # Errors
/// A key that the type does not take after all.
pub fn suit(config: &mut Config, given: &[String], dataset: &Dataset, rows: usize) -> Result<Vec<String>> {
    let is_given = |key: &str| given.iter().any(|known| known == key);
    let layered = config.get("hidden").is_some_and(|hidden| !hidden.is_empty())
        && config.get("body").is_some_and(|body| body == "dense");
    let closed = config.get("hidden").is_some_and(|hidden| hidden.is_empty()) && config.kind().name() == "pca";
    let mut chosen = Vec::new();
    let mut set = |config: &mut Config, key: &str, value: String| -> Result<()> {
        if !is_given(key) && config.get(key).is_some_and(|now| now != value) {
            config.set(key, &value)?;
            chosen.push(format!("{key} {value}"));
        }
        Ok(())
    };
    let features = dataset.features();
    if let (true, Some(code)) = (layered || closed, config.get("code").and_then(|code| code.parse::<f64>().ok())) {
        let size = (code * (features as f64 / 64.0).sqrt()).round() as usize;
        set(config, "code", size.clamp(1, (features - 1).max(1)).to_string())?;
    }
    if layered && !is_given("hidden") {
        let seen = dataset.columns().map_or(features, width);
        let units = (2 * seen).min(512).min((rows / 8).max(32)).min((WEIGHTS / seen).max(16)).next_multiple_of(16);
        set(config, "hidden", units.to_string())?;
    }
    if layered && !is_given("epochs") {
        if rows >= MANY {
            set(config, "batch", "128".into())?;
        }
        let per_epoch = rows.div_ceil(config.training.batch.max(1)).max(1) as u64;
        let epochs = STEPS.div_ceil(per_epoch).clamp(30, 300);
        set(config, "epochs", epochs.to_string())?;
        if rows >= SPARED && !is_given("validation") && config.data.validation == 0.0 {
            set(config, "validation", "0.1".into())?;
            set(config, "patience", (epochs / 8).max(10).to_string())?;
        }
    }
    Ok(match chosen.is_empty() {
        true => Vec::new(),
        false => vec![format!("chosen by the data's size: {}", chosen.join(", "))],
    })
}

/// Numbers that layers see of columns.
fn width(columns: &[Column]) -> usize {
    columns.iter().map(|column| if column.kind == ColumnKind::Categorical { column.levels.len() + 1 } else { 1 }).sum()
}
