//! `codes`, `mean_activation`, `dead_units`, and of a distribution `active_units`: how the units of a code are used.

use super::codes::{CodeStatistics, CodeSummary};
use super::metric::{About, Figures, Metric, Vars};
use crate::Result;
use crate::figure::short;
use narrows_engine::{Tape, Var, Workspace};

/// The statistics of codes; see [`CodeSummary`].
#[derive(Debug, Clone, Default)]
pub struct CodeUse {
    recorded: Option<Var>,
    /// Whether the code is a distribution.
    distribution: bool,
    statistics: Option<CodeStatistics>,
}

impl Metric for CodeUse {
    fn record(&mut self, _tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        (self.recorded, self.distribution) = (Some(vars.code), vars.divergences.is_some());
        vec![vars.code]
    }

    fn start(&mut self, about: &About) -> Result<()> {
        self.statistics = Some(CodeStatistics::new(about.code));
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let (Some(code), Some(statistics)) = (self.recorded, &mut self.statistics) else { return Ok(()) };
        let codes = batch.value(code)?;
        // What is not finite shows in the loss, and has no statistics.
        if codes.iter().all(|h| h.is_finite()) {
            statistics.add(codes)?;
        }
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        let Some(statistics) = &self.statistics else { return Ok(()) };
        let summary = statistics.finish();
        figures.put("mean_activation", summary.mean)?;
        figures.put("dead_units", summary.dead_units)?;
        if self.distribution {
            figures.put("active_units", summary.active_units())?;
        }
        figures.put("codes", summary)
    }

    fn line(&self, figures: &Figures) -> Option<String> {
        // Of a distribution's code the lower bound tells which units are active.
        let code: CodeSummary = figures.read("codes").filter(|_| !self.distribution)?;
        let zeros = match (code.non_zeros.min, code.non_zeros.max) {
            (min, max) if min == max && min == code.size => String::new(),
            (min, max) if min == max => format!(", {min} non-zero in every sample"),
            (min, max) => format!(", {min} to {max} non-zero in a sample, {} on average", short(code.non_zeros.mean)),
        };
        let (mean, deviation) = (short(code.mean), short(code.deviation));
        let (dead, size) = (code.dead_units, code.size);
        Some(format!("code: mean activation {mean}, deviation {deviation}, {dead} of {size} units dead{zeros}"))
    }
}
