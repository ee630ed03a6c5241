//! `accuracy`: the share of samples whose class a classifier on the code finds.

use super::metric::{About, Figures, Metric, Sum, Vars};
use crate::Result;
use narrows_engine::{Tape, Var, Workspace};

/// `accuracy`, of a model with a classifier on data with labels; elsewhere there is no such figure.
#[derive(Debug, Clone, Default)]
pub struct Accuracy {
    /// The class that the classifier finds most likely, and the sample's own, both `[N, 1]`.
    recorded: Option<(Var, Var)>,
    sum: Sum,
    labelled: bool,
}

impl Metric for Accuracy {
    fn record(&mut self, tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        let Some((logits, labels)) = vars.logits.zip(vars.labels) else { return Vec::new() };
        let found = tape.argmax(logits);
        self.recorded = Some((found, labels));
        vec![found, labels]
    }

    fn start(&mut self, about: &About) -> Result<()> {
        (self.sum, self.labelled) = (Sum::default(), about.labelled);
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let Some((found, labels)) = self.recorded.filter(|_| self.labelled) else { return Ok(()) };
        let (found, labels) = (batch.value(found)?, batch.value(labels)?);
        // Classes are whole numbers far below 2^24, which f32 holds exactly.
        let right = found.iter().zip(labels).filter(|(found, label)| found == label).count();
        self.sum.add(right as f64, labels.len() as f64);
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        match self.recorded.filter(|_| self.labelled) {
            Some(_) => figures.put("accuracy", self.sum.mean()),
            None => Ok(()),
        }
    }

    fn line(&self, figures: &Figures) -> Option<String> {
        Some(format!("classifier: {:.2} % right", 100.0 * figures.number("accuracy")?))
    }
}
