//! What a run's page says: its figures in words, its losses as curves.

use crate::Result;
use crate::autoencoders::beside_means;
use crate::figure::grouped;
use crate::metrics::{Evaluation, LowerBound};
use crate::model::Model;
use crate::report::html::{Fact, Page, Picture};
use crate::report::plot::{Line, Plot};
use crate::training::{Config, EpochRecord};

/// What a training took.
pub(super) struct Effort<'a> {
    pub(super) epochs: u64,
    pub(super) steps: u64,
    pub(super) seconds: f64,
    pub(super) samples_per_second: f64,
    pub(super) threads: usize,
    /// The vector instructions in use.
    pub(super) isa: &'a str,
}

impl Effort<'_> {
    fn words(&self) -> String {
        let with = format!("threads: {}, {}", self.threads, self.isa);
        if self.steps == 0 {
            return format!("no step, {with}");
        }
        format!(
            "{} epochs, {} steps, {:.2} s, {} samples a second, {with}",
            self.epochs,
            grouped(usize::try_from(self.steps).unwrap_or(usize::MAX)),
            self.seconds,
            // A float's cast to an integer saturates.
            grouped(self.samples_per_second as usize)
        )
    }
}

/// The page of a run, as HTML.
///
/// # Errors
/// If a curve cannot be drawn.
pub(super) fn page(
    model: &Model,
    config: &Config,
    evaluation: &Evaluation,
    effort: &Effort<'_>,
    history: &[EpochRecord],
) -> Result<String> {
    let (plots, remarks) = curves(model, history);
    let mut pictures = vec![Picture {
        title: "Originals above, reconstructions below".into(),
        path: "samples/reconstructions.png".into(),
        description: "Samples of the data in rows, each above its reconstruction".into(),
    }];
    if crate::applications::filters::has_picture(model) {
        pictures.push(Picture {
            title: "What fires the first layer's units most".into(),
            path: "samples/filters.png".into(),
            description: "The input of norm 1 that each unit answers to most, grey being 0".into(),
        });
    }
    let page = Page {
        title: format!("{} {}", model.kind().name(), model.layers()),
        facts: facts(model, evaluation, effort),
        plots,
        remarks,
        pictures,
        configuration: config.to_toml(),
    };
    page.to_html()
}

fn facts(model: &Model, evaluation: &Evaluation, effort: &Effort) -> Vec<Fact> {
    let of_part = format!("on the {} part ({} samples)", evaluation.part, grouped(evaluation.samples));
    let mut facts = vec![
        Fact::new("data", format!("{}, {} features", model.data().name, grouped(model.data().features))),
        Fact::new("parameters", grouped(model.trained_count())),
        Fact::new("loss", model.setting("loss").unwrap_or_default()),
        Fact::new("squared error", format!("{:.4} {of_part}", evaluation.squared_error())),
    ];
    let pca = evaluation.pca_squared_error;
    facts.extend(pca.map(|pca| Fact::new("PCA of the same code size", format!("{pca:.4}"))));
    facts.push(Fact::new("mean squared error", format!("{:.6}", evaluation.mse())));
    facts.extend(evaluation.psnr().map(|psnr| Fact::new("peak signal to noise", format!("{psnr:.2} dB"))));
    facts.extend(evaluation.bce().map(|bce| Fact::new("cross-entropy per feature", format!("{bce:.4} nats"))));
    facts.extend(evaluation.lower_bound().iter().flat_map(|bound| bound_facts(model, bound)));
    facts.extend(of_some_types(evaluation));
    facts.push(Fact::new("training", effort.words()));
    facts.extend(evaluation.terms().iter().map(|term| {
        Fact::new(format!("term: {}", term.name), format!("{:.4} per sample, weight {}", term.value, term.weight))
    }));
    facts
}

/// What is known where the code is a distribution.
fn bound_facts(model: &Model, bound: &LowerBound) -> Vec<Fact> {
    let mut facts = vec![Fact::new(
        "negative evidence lower bound",
        format!("{:.3} nats: reconstruction {:.3}, KL {:.3}", bound.negative_elbo, bound.reconstruction, bound.kl),
    )];
    let beta = model.setting("beta").and_then(|beta| beta.parse().ok());
    let capacity = model.setting("capacity").is_some_and(|capacity| capacity != "0");
    if let Some(beta) = beta.filter(|_| !capacity) {
        let reconstruction = &model.autoencoder().parts().reconstruction;
        let equivalent = match beside_means(beta, reconstruction, model.data().features) {
            Some(("bce", weight)) => format!("{weight:.3e} with the mean cross-entropy"),
            Some((_, weight)) => format!("{weight:.3e} with the mean squared error"),
            None => "the likelihood's variance moves with the data".to_owned(),
        };
        facts.push(Fact::new("beta", format!("{beta} with losses summed over features; {equivalent}")));
    }
    facts
}

fn of_some_types(evaluation: &Evaluation) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(denoised) = &evaluation.denoised {
        let (name, level) = (&denoised.corruption, denoised.corruption_level);
        facts.push(Fact::new(
            "denoised",
            format!(
                "{name} {level}: squared error {:.4} of the input, {:.4} of its reconstruction",
                denoised.input_squared_error, denoised.squared_error
            ),
        ));
    }
    if let Some(accuracy) = evaluation.accuracy() {
        let before = evaluation.accuracy_before_fine_tuning;
        let before = before.map_or_else(String::new, |before| format!(", {:.2} % before fine-tuning", 100.0 * before));
        facts.push(Fact::new("classifier", format!("{:.2} % right{before}", 100.0 * accuracy)));
    }
    if let Some(code) = evaluation.code() {
        let zeros = match (code.non_zeros.min, code.non_zeros.max) {
            (min, max) if min == max => format!("{min} non-zero in every sample"),
            (min, max) => format!("{min} to {max} non-zero in a sample"),
        };
        let words =
            format!("mean activation {:.4}, {} of {} units dead, {zeros}", code.mean, code.dead_units, code.size);
        facts.push(Fact::new("code", words));
    }
    facts
}

/// The losses of each phase as lines over its epochs (training, and validation where there is one), and what is said
/// where there are none.
fn curves(model: &Model, history: &[EpochRecord]) -> (Vec<Plot>, Vec<String>) {
    if history.is_empty() {
        return (Vec::new(), vec!["It was fitted in closed form.".into()]);
    }
    let bce = model.setting("loss").is_some_and(|loss| loss == "bce");
    let y = if bce { "loss per sample, nats" } else { "loss per sample" };
    let (mut plots, mut remarks) = (Vec::new(), Vec::new());
    for phase in history.chunk_by(|a, b| a.phase == b.phase) {
        if phase.len() < 2 {
            let of = if phase.len() < history.len() { format!(" of {}", phase[0].phase) } else { String::new() };
            remarks.push(format!("There is no curve{of}: it is of fewer than two epochs."));
            continue;
        }
        let validation: Vec<_> =
            phase.iter().filter_map(|record| record.validation_loss.map(|loss| (record.epoch, loss))).collect();
        let mut lines = vec![Line {
            name: "training".into(),
            points: phase.iter().map(|record| (record.epoch, record.loss)).collect(),
        }];
        if !validation.is_empty() {
            lines.push(Line { name: "validation".into(), points: validation });
        }
        plots.push(Plot { title: phase[0].phase.clone(), x: "epoch".into(), y: y.into(), lines });
    }
    (plots, remarks)
}
