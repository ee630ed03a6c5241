//! The figures of an evaluation: for people, and by the names that the whole tool uses for them in JSON.

use serde_json::{Map, Value, json};

use super::common::{Object, figure};
use crate::autoencoders::ModelKind;
use crate::metrics::{CodeSummary, Evaluation, LowerBound};

impl Object {
    /// Sets the figures of an evaluation.
    pub(super) fn evaluation(&mut self, evaluation: &Evaluation) -> &mut Self {
        let of = |each: &dyn Fn(&crate::training::TermRecord) -> f64| -> Map<String, Value> {
            evaluation.terms.iter().map(|term| (term.name.clone(), Value::from(each(term)))).collect()
        };
        self.set("squared_error", evaluation.squared_error)
            .set("mse", evaluation.mse)
            .set("psnr", evaluation.psnr)
            .set("ssim", evaluation.ssim)
            .set("bce", evaluation.bce)
            .set("loss", evaluation.loss)
            .set("terms", of(&|term| term.value))
            .set("weights", of(&|term| term.weight))
            .set("pca_squared_error", evaluation.pca_squared_error)
            .set("part", evaluation.part.as_str())
            .set("samples", evaluation.samples);
        if let Some(bound) = &evaluation.lower_bound {
            self.lower_bound(bound, evaluation.code.as_ref());
        }
        if let Some(denoised) = &evaluation.denoised {
            self.set(
                "denoised",
                json!({
                    "corruption": denoised.corruption.0,
                    "corruption_level": denoised.corruption.1,
                    "input_squared_error": denoised.input_squared_error,
                    "squared_error": denoised.squared_error,
                    "mse": denoised.mse,
                    "psnr": denoised.psnr,
                }),
            );
        }
        if let Some(accuracy) = evaluation.accuracy {
            self.set("accuracy", accuracy);
            self.set("accuracy_before_fine_tuning", evaluation.accuracy_before_fine_tuning);
        }
        if let Some(code) = &evaluation.code {
            self.code(code);
        }
        self
    }

    fn lower_bound(&mut self, bound: &LowerBound, code: Option<&CodeSummary>) {
        self.set("negative_elbo", bound.negative_elbo)
            .set("elbo_reconstruction", bound.reconstruction)
            .set("elbo_kl", bound.kl)
            .set("kl_per_unit", bound.kl_per_unit.clone())
            .set("active_units", code.map(|code| code.active_units))
            .set("nll", bound.importance.map(|(nll, _)| nll))
            .set("importance_samples", bound.importance.map(|(_, count)| count));
    }

    fn code(&mut self, code: &CodeSummary) {
        self.set("mean_activation", code.mean).set("dead_units", code.dead_units).set(
            "codes",
            json!({
                "size": code.size,
                "mean": code.mean,
                "deviation": code.deviation,
                "min": code.min,
                "max": code.max,
                "mean_activation_per_unit": code.mean_activation,
                "variances": code.variances,
                "dead_units": code.dead_units,
                "non_zeros": { "min": code.non_zeros.min, "mean": code.non_zeros.mean, "max": code.non_zeros.max },
            }),
        );
    }

    /// Sets what a weight of a variational model is beside means.
    pub(super) fn weight_beside_means(&mut self, model: &crate::config::Config, features: usize) -> &mut Self {
        let sigma = model.likelihood == crate::config::LikelihoodName::Sigma;
        if model.model == ModelKind::Variational && model.capacity == 0.0 && !sigma {
            // Of a Gaussian; of another likelihood, what it would be with sigma 1.
            self.set("beta_mse_equivalent", crate::autoencoders::mse_equivalent(model, features));
            if model.likelihood == crate::config::LikelihoodName::Bernoulli {
                self.set("beta_bce_equivalent", crate::autoencoders::bce_equivalent(model, features));
            }
        }
        self
    }
}

/// The line that sets a model beside PCA: `squared error 5.21 on the test part; PCA with 16 components reaches 7.03`.
pub(super) fn error_line(evaluation: &Evaluation, code: usize) -> String {
    let line = format!("squared error {} on the {} part", figure(evaluation.squared_error), evaluation.part);
    let components = if code == 1 { "1 component".to_owned() } else { format!("{code} components") };
    match evaluation.pca_squared_error {
        Some(pca) if pca < 1e-9 => format!("{line}; PCA with {components} keeps everything: the code is no smaller"),
        Some(pca) => format!("{line}; PCA with {components} reaches {}", figure(pca)),
        None => line,
    }
}

/// The loss, its terms and what else is known, a line each.
pub(super) fn lines(evaluation: &Evaluation) -> Vec<String> {
    let mut line = format!("loss {}, mse {}", figure(evaluation.loss), figure(evaluation.mse));
    line.extend(evaluation.psnr.map(|psnr| format!(", psnr {} dB", figure(psnr))));
    line.extend(evaluation.ssim.map(|ssim| format!(", ssim {}", figure(ssim))));
    line.extend(evaluation.bce.map(|bce| format!(", bce {}", figure(bce))));
    let mut lines = vec![line];
    // A single term of weight 1 is the loss itself.
    if evaluation.terms.len() > 1 {
        let terms = evaluation.terms.iter().map(|term| weighted(&term.name, term.weight, term.value));
        lines.push(format!("terms: {}", terms.collect::<Vec<_>>().join(", ")));
    }
    if let Some(bound) = &evaluation.lower_bound {
        let active = evaluation.code.as_ref().map_or(0, |code| code.active_units);
        let mut line = format!(
            "-elbo {} nats: reconstruction {}, kl {}; {active} of {} units active",
            figure(bound.negative_elbo),
            figure(bound.reconstruction),
            figure(bound.kl),
            bound.kl_per_unit.len()
        );
        line.extend(
            bound.importance.map(|(nll, count)| format!("; nll {} by {count} importance samples", figure(nll))),
        );
        lines.push(line);
    }
    if let Some(denoised) = &evaluation.denoised {
        lines.push(format!(
            "corrupted ({} {}): squared error {} of the input, {} of its reconstruction (mse {}{})",
            denoised.corruption.0,
            denoised.corruption.1,
            figure(denoised.input_squared_error),
            figure(denoised.squared_error),
            figure(denoised.mse),
            denoised.psnr.map_or_else(String::new, |psnr| format!(", psnr {} dB", figure(psnr)))
        ));
    }
    if let Some(accuracy) = evaluation.accuracy {
        let mut line = format!("classifier: {:.2} % right", 100.0 * accuracy);
        line.extend(
            evaluation
                .accuracy_before_fine_tuning
                .map(|before| format!(", {:.2} % before fine-tuning", 100.0 * before)),
        );
        // What such a model is for comes first.
        lines.insert(0, line);
    }
    // Of a distribution's code the units that are active have been told.
    lines.extend(evaluation.code.as_ref().filter(|_| evaluation.lower_bound.is_none()).map(code_line));
    lines
}

/// How the code is used.
fn code_line(code: &CodeSummary) -> String {
    let zeros = match (code.non_zeros.min, code.non_zeros.max) {
        (min, max) if min == max && min == code.size => String::new(),
        (min, max) if min == max => format!(", {min} non-zero in every sample"),
        (min, max) => format!(", {min} to {max} non-zero in a sample, {} on average", figure(code.non_zeros.mean)),
    };
    format!(
        "code: mean activation {}, deviation {}, {} of {} units dead{zeros}",
        figure(code.mean),
        figure(code.deviation),
        code.dead_units,
        code.size
    )
}

/// A term with its weight, where that is not 1: `kl 25.3 x 0.5`.
pub(super) fn weighted(name: &str, weight: f64, value: f64) -> String {
    match weight {
        1.0 => format!("{name} {}", figure(value)),
        weight => format!("{name} {} x {}", figure(value), figure(weight)),
    }
}
