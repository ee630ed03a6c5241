//! `loss`, `terms`, `weights`: the objective on clean samples, and what it is made of.

use super::metric::{About, Figures, Metric, Sum, Vars, number};
use crate::Result;
use crate::figure::{short, weighted};
use crate::objective::{Reconstruction, TermRecord, Weight};
use narrows_engine::ops::Reduction;
use narrows_engine::{Tape, Var, Workspace};
use std::collections::BTreeMap;
use std::f64::consts::{E, TAU};

/// The objective, summed over features and averaged over samples, and its terms.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    total: Option<Var>,
    /// Name, weight and value.
    terms: Vec<(&'static str, f64, Var)>,
    /// The mean squared error of a drawn code's reconstruction, where the likelihood takes its variance from it.
    variance: Option<Var>,
    /// Of the objective, of the variance, and of each term.
    sums: (Sum, Sum, Vec<Sum>),
    features: usize,
}

impl Terms {
    /// Whether a term takes one variance for all samples, not one for each batch.
    fn is_whole(&self, name: &str) -> bool {
        self.variance.is_some() && name == "reconstruction"
    }

    /// The terms over all samples, in the objective's order.
    fn means(&self) -> impl Iterator<Item = TermRecord> {
        self.terms.iter().zip(&self.sums.2).map(|(&(name, weight, _), sum)| {
            let whole = self.is_whole(name).then(|| best_gaussian(self.sums.1.mean(), self.features));
            let value = whole.unwrap_or_else(|| sum.mean());
            TermRecord { name: name.into(), weight, value }
        })
    }
}

impl Metric for Terms {
    fn record(&mut self, tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        let (objective, compared) = (vars.objective, vars.compared);
        let weight = |weight: Weight| match weight {
            Weight::Constant(weight) => weight,
            Weight::Ramp(_) => 0.0,
        };
        let optimal = matches!(compared, Reconstruction::OptimalGaussian { .. });
        let error = |raw| tape.mean_squared_error(compared.output(tape, raw), vars.x, Reduction::Mean);
        self.terms = objective.terms.iter().map(|term| (term.name, weight(term.weight), term.value)).collect();
        self.variance = objective.raw.filter(|_| optimal).map(error);
        self.total = Some(objective.total);
        self.terms.iter().map(|(_, _, value)| *value).chain(self.total).chain(self.variance).collect()
    }

    fn start(&mut self, about: &About) -> Result<()> {
        self.sums = (Sum::default(), Sum::default(), vec![Sum::default(); self.terms.len()]);
        self.features = about.features;
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let rows = batch.rows() as f64;
        let (total, variance, terms) = &mut self.sums;
        let values = self.total.into_iter().chain(self.variance).chain(self.terms.iter().map(|term| term.2));
        let variance = self.variance.map(|_| variance);
        for (var, sum) in values.zip([total].into_iter().chain(variance).chain(terms)) {
            sum.add(rows * number(batch, var)?, rows);
        }
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        let means: Vec<TermRecord> = self.means().collect();
        let mut loss = self.sums.0.mean();
        for (term, sum) in means.iter().zip(&self.sums.2).filter(|(term, _)| self.is_whole(&term.name)) {
            loss += term.weight * (term.value - sum.mean());
        }
        figures.put("loss", loss)?;
        figures.put("terms", means.iter().map(|term| (&*term.name, term.value)).collect::<BTreeMap<_, _>>())?;
        figures.put("weights", means.iter().map(|term| (&*term.name, term.weight)).collect::<BTreeMap<_, _>>())
    }

    fn words(&self, figures: &Figures) -> Option<String> {
        Some(format!("loss {}", short(figures.or_nan("loss"))))
    }

    fn line(&self, figures: &Figures) -> Option<String> {
        // A single term of weight 1 is the loss itself.
        let names = self.terms.iter().map(|term| term.0).filter(|_| self.terms.len() > 1);
        let words: Vec<String> =
            names.map(|name| weighted(name, part(figures, "weights", name), part(figures, "terms", name))).collect();
        (!words.is_empty()).then(|| format!("terms: {}", words.join(", ")))
    }
}

/// A term's value (of `terms`) or weight (of `weights`); NaN where there is none.
pub(super) fn part(figures: &Figures, of: &str, name: &str) -> f64 {
    figures.part(of, name).unwrap_or(f64::NAN)
}

/// The terms that were put, sorted by name.
pub(super) fn records(figures: &Figures) -> Vec<TermRecord> {
    let names = figures.get("terms").and_then(|terms| terms.as_object()).into_iter().flat_map(|terms| terms.keys());
    let record = |name: &String| TermRecord {
        name: name.clone(),
        weight: part(figures, "weights", name),
        value: part(figures, "terms", name),
    };
    names.map(record).collect()
}

/// Puts what `whole` knows of a term over all samples in place of the mean of its values over batches, in the loss too.
pub(super) fn correct(figures: &mut Figures, whole: impl Fn(&str) -> Result<Option<f64>>) -> Result<()> {
    let (mut records, mut loss) = (records(figures), figures.or_nan("loss"));
    for term in &mut records {
        if let Some(value) = whole(&term.name)? {
            loss += term.weight * (value - term.value);
            term.value = value;
        }
    }
    figures.replace("loss", loss)?;
    figures.replace("terms", records.iter().map(|term| (&*term.name, term.value)).collect::<BTreeMap<_, _>>())
}

/// The negative log-likelihood of a Gaussian of the variance that fits best, the mean squared error per feature.
fn best_gaussian(variance: f64, features: usize) -> f64 {
    0.5 * features as f64 * (TAU * E * variance.max(1e-12)).ln()
}

/// The variance whose likelihood [`best_gaussian`] is.
pub(super) fn best_variance(likelihood: f64, features: usize) -> f64 {
    (2.0 * likelihood / features.max(1) as f64).exp() / (TAU * E)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_term_changes_the_loss_by_its_weight() {
        let mut figures = Figures::default();
        figures.put("loss", 10.0).unwrap();
        figures.put("terms", BTreeMap::from([("a", 4.0), ("b", 3.0)])).unwrap();
        figures.put("weights", BTreeMap::from([("a", 1.0), ("b", 2.0)])).unwrap();
        correct(&mut figures, |name| Ok((name == "b").then_some(5.0))).unwrap();
        assert_eq!((figures.number("loss"), part(&figures, "terms", "b")), (Some(14.0), 5.0));
        assert_eq!(part(&figures, "terms", "a"), 4.0);
        assert!((best_variance(best_gaussian(0.03, 64), 64) - 0.03).abs() < 1e-12);
    }
}
