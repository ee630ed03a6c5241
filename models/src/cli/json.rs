//! What an evaluation gives, by the names that the whole tool uses under `--json`.
//!
//! The figures have their names from the metrics that put them (see `metrics`); here stands only what else lies beside
//! them in one object.

use serde::Serialize;

use crate::metrics::{self, Denoised, Evaluation};

/// What an evaluation gives.
#[derive(Serialize)]
pub(super) struct Figures<'a> {
    #[serde(flatten)]
    figures: &'a metrics::Figures,
    pca_squared_error: Option<f64>,
    part: &'a str,
    samples: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    denoised: Option<&'a Denoised>,
    #[serde(flatten)]
    classifier: Option<Classifier>,
}

#[derive(Serialize)]
struct Classifier {
    accuracy_before_fine_tuning: Option<f64>,
}

impl<'a> Figures<'a> {
    pub(super) fn of(evaluation: &'a Evaluation) -> Self {
        let accuracy_before_fine_tuning = evaluation.accuracy_before_fine_tuning;
        Self {
            figures: &evaluation.figures,
            pca_squared_error: evaluation.pca_squared_error,
            part: &evaluation.part,
            samples: evaluation.samples,
            denoised: evaluation.denoised.as_ref(),
            classifier: evaluation.accuracy().map(|_| Classifier { accuracy_before_fine_tuning }),
        }
    }
}

/// What the weight of a variational model's divergence is beside means.
#[derive(Serialize)]
pub(super) struct BesideMeans {
    beta_mse_equivalent: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta_bce_equivalent: Option<f64>,
}

impl BesideMeans {
    /// From the settings of a model for samples of so many numbers: of a Gaussian, and of another likelihood what it
    /// would be with sigma 1. `None` where nothing has such a weight.
    pub(super) fn of(setting: impl Fn(&str) -> Option<String>, features: usize) -> Option<Self> {
        let number = |key: &str| setting(key)?.parse::<f64>().ok();
        let (beta, likelihood) = (number("beta")?, setting("likelihood")?);
        if number("capacity") != Some(0.0) || likelihood == "sigma-vae" {
            return None;
        }
        let (d, sigma) = (features.max(1) as f64, number("sigma").filter(|_| likelihood == "gaussian").unwrap_or(1.0));
        Some(Self {
            beta_mse_equivalent: 2.0 * beta * sigma * sigma / d,
            beta_bce_equivalent: (likelihood == "bernoulli").then_some(beta / d),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::common;
    use super::*;
    use serde_json::Value;

    fn object(evaluation: &Evaluation) -> Value {
        serde_json::from_str(&common::json(&Figures::of(evaluation)).unwrap()).unwrap()
    }

    #[test]
    fn figures_lie_beside_the_rest() {
        let mut evaluation = Evaluation::default();
        evaluation.figures.put("squared_error", f64::NAN).unwrap();
        evaluation.figures.put("accuracy", 0.5).unwrap();
        evaluation.figures.put("my_own", [1.0, f64::INFINITY]).unwrap();
        let object = object(&evaluation);
        for key in ["squared_error", "pca_squared_error", "accuracy_before_fine_tuning"] {
            assert!(object.get(key).is_some_and(Value::is_null), "{key}: {object}");
        }
        assert_eq!((&object["my_own"], &object["accuracy"]), (&serde_json::json!([1.0, null]), &0.5.into()));
    }

    #[test]
    fn what_a_type_does_not_have_is_left_out() {
        let object = object(&Evaluation::default());
        for key in ["denoised", "accuracy", "accuracy_before_fine_tuning"] {
            assert!(object.get(key).is_none(), "{key}: {object}");
        }
    }
}
