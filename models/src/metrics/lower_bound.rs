//! `negative_elbo`, `elbo_reconstruction`, `elbo_kl`, `kl_per_unit`: the evidence lower bound.

use super::metric::{About, Figures, Metric, Sum, Vars, number};
use super::terms::part;
use crate::Result;
use crate::figure::short;
use narrows_engine::ops::Axis;
use narrows_engine::{Tape, Var, Workspace};
use serde::{Deserialize, Serialize};

/// The negative evidence lower bound of a variational autoencoder, in nats for each sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LowerBound {
    /// `−E_q ln p(x|z) + KL`, with weight 1 whatever β was.
    pub negative_elbo: f64,
    /// `−E_q ln p(x|z)`, with one z for each sample.
    #[serde(rename = "elbo_reconstruction")]
    pub reconstruction: f64,
    /// `KL(q(z|x) ‖ p(z))`
    #[serde(rename = "elbo_kl")]
    pub kl: f64,
    /// KL of each unit of the code.
    pub kl_per_unit: Vec<f64>,
}

/// The lower bound, where the code is a distribution; elsewhere there are no such figures. Stands behind the
/// objective's terms, which the bound is made of where they have its two parts.
#[derive(Debug, Clone, Default)]
pub struct Bound {
    /// The mean divergence of each unit.
    divergences: Option<Var>,
    /// The reconstruction of a drawn code, where the objective has no term of its own for that.
    drawn: Option<Var>,
    /// Whether it has one for the divergence.
    has_kl: bool,
    per_unit: Vec<f64>,
    reconstruction: Sum,
    samples: f64,
}

impl Metric for Bound {
    fn record(&mut self, tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        let objective = vars.objective;
        let has_term = |name: &str| objective.terms.iter().any(|term| term.name == name);
        let raw = objective.raw.filter(|_| vars.divergences.is_some() && !has_term("reconstruction"));
        self.has_kl = has_term("kl");
        self.drawn = raw.map(|raw| vars.compared.record(tape, raw, vars.x, vars.mask));
        self.divergences = vars.divergences.map(|kl| tape.mean_over(kl, Axis::Column));
        self.drawn.into_iter().chain(self.divergences).collect()
    }

    fn start(&mut self, about: &About) -> Result<()> {
        (self.reconstruction, self.samples, self.per_unit) = (Sum::default(), 0.0, vec![0.0; about.code]);
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let rows = batch.rows() as f64;
        self.samples += rows;
        if let Some(divergences) = self.divergences {
            let means = batch.value(divergences)?;
            self.per_unit.iter_mut().zip(means).for_each(|(sum, &kl)| *sum += rows * f64::from(kl));
        }
        if let Some(drawn) = self.drawn {
            self.reconstruction.add(rows * number(batch, drawn)?, rows);
        }
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        if self.divergences.is_none() {
            return Ok(());
        }
        let kl_per_unit: Vec<f64> = self.per_unit.iter().map(|sum| sum / self.samples).collect();
        let (reconstruction, kl) = match self.drawn {
            Some(_) => (self.reconstruction.mean(), kl_per_unit.iter().sum()),
            None if self.has_kl => (part(figures, "terms", "reconstruction"), part(figures, "terms", "kl")),
            None => (part(figures, "terms", "reconstruction"), kl_per_unit.iter().sum()),
        };
        figures.put_all(LowerBound { negative_elbo: reconstruction + kl, reconstruction, kl, kl_per_unit })
    }

    fn line(&self, figures: &Figures) -> Option<String> {
        let units = figures.get("kl_per_unit")?.as_array()?.len();
        let [bound, reconstruction, kl] =
            ["negative_elbo", "elbo_reconstruction", "elbo_kl"].map(|name| short(figures.or_nan(name)));
        let active = figures.number("active_units").unwrap_or_default();
        let mut line =
            format!("-elbo {bound} nats: reconstruction {reconstruction}, kl {kl}; {active} of {units} units active");
        if let Some(count) = figures.number("importance_samples") {
            line += &format!("; nll {} by {count} importance samples", short(figures.or_nan("nll")));
        }
        Some(line)
    }
}
