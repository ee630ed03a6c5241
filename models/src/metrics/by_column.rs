//! How well the values of a table's columns are found again, by what the columns hold.

use super::metric::{About, Figures, Metric, Sum, Vars};
use crate::Result;
use crate::figure::short;
use crate::objective::Reconstruction;
use narrows_engine::{Tape, Var, Workspace};
use serde::Serialize;

/// `columns`, of a model that compares by columns: over all values that are present, of numeric columns the root of the
/// mean squared error in units of the scaling (`numeric_rmse`), of categorical and boolean ones the share that is right
/// (`categorical_accuracy`, `boolean_accuracy`).
#[derive(Debug, Clone, Default)]
pub struct ByColumn {
    /// Samples, reconstructions, and the mask of what is present.
    recorded: Option<(Var, Var, Option<Var>)>,
    /// What each column holds: 0 quantities, 1 yes and no, 2 classes.
    kinds: Vec<usize>,
    sums: [Sum; 3],
}

/// The figures.
#[derive(Debug, Serialize)]
struct Columns {
    numeric_rmse: Option<f64>,
    boolean_accuracy: Option<f64>,
    categorical_accuracy: Option<f64>,
}

impl Metric for ByColumn {
    fn record(&mut self, _tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        let Reconstruction::Columns(columns) = vars.compared else { return Vec::new() };
        self.kinds = columns.kind_of_each();
        self.recorded = Some((vars.x, vars.reconstruction, vars.mask));
        [Some(vars.x), Some(vars.reconstruction), vars.mask].into_iter().flatten().collect()
    }

    fn start(&mut self, _about: &About) -> Result<()> {
        self.sums = Default::default();
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let Some((x, made, mask)) = self.recorded else { return Ok(()) };
        let (x, made, mask) = (batch.value(x)?, batch.value(made)?, mask.map(|mask| batch.value(mask)).transpose()?);
        for (at, (&x, &made)) in x.iter().zip(made).enumerate() {
            if mask.is_some_and(|mask| mask[at] == 0.0) {
                continue;
            }
            let kind = self.kinds[at % self.kinds.len()];
            let value = match kind {
                0 => f64::from(made - x).powi(2),
                _ => f64::from(u8::from((made - x).abs() < 0.5)),
            };
            self.sums[kind].add(value, 1.0);
        }
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        if self.recorded.is_none() {
            return Ok(());
        }
        let [numeric, boolean, categorical] = self.sums.map(|sum| Some(sum.mean()).filter(|mean| mean.is_finite()));
        let numeric_rmse = numeric.map(f64::sqrt);
        figures.put("columns", Columns { numeric_rmse, boolean_accuracy: boolean, categorical_accuracy: categorical })
    }

    fn line(&self, figures: &Figures) -> Option<String> {
        let part = |name: &str| figures.part::<f64>("columns", name);
        let words = [
            part("numeric_rmse")
                .map(|rmse| format!("numeric columns off by {} deviations (root mean square)", short(rmse))),
            part("boolean_accuracy").map(|share| format!("boolean ones right in {:.1} %", 100.0 * share)),
            part("categorical_accuracy").map(|share| format!("categorical ones in {:.1} %", 100.0 * share)),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| format!("reconstructed: {}", words.join(", ")))
    }
}
