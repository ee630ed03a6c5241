//! `report.html`: one page that says what a run gave, for a person with a browser and nothing else.
//!
//! It needs no script and no network; the curve is SVG in the page, the picture lies beside it in `samples/`.

use super::grouped;
use crate::autoencoders::{bce_equivalent, mse_equivalent};
use crate::config::LikelihoodName;
use crate::metrics::Evaluation;
use crate::model::Model;
use crate::training::{EpochRecord, Outcome};
use std::fmt::Write;

/// Width and height of the curve, in pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
/// Room for the figures beside the axes.
const MARGIN: f64 = 64.0;

/// The page of a run.
pub fn page(model: &Model, outcome: &Outcome, history: &[EpochRecord]) -> String {
    let evaluation = &outcome.evaluation;
    let title = format!("{} {}", model.config().model.name(), model.layers());
    let mut rows = vec![
        ("data", format!("{}, {} features", model.data().name, grouped(model.data().features))),
        ("parameters", grouped(model.trained_count())),
        ("loss", model.config().loss.name().to_owned()),
        (
            "squared error",
            format!("{:.4} on the {} part ({} samples)", evaluation.squared_error, evaluation.part, evaluation.samples),
        ),
    ];
    if let Some(pca) = evaluation.pca_squared_error {
        rows.push(("PCA of the same code size", format!("{pca:.4}")));
    }
    rows.push(("mean squared error", format!("{:.6}", evaluation.mse)));
    rows.extend(evaluation.psnr.map(|psnr| ("peak signal to noise", format!("{psnr:.2} dB"))));
    rows.extend(evaluation.bce.map(|bce| ("cross-entropy per feature", format!("{bce:.4}"))));
    rows.extend(figures(model, evaluation));
    rows.push((
        "training",
        format!(
            "{} epochs, {} steps, {:.2} s, {} samples a second, threads: {}, {}",
            outcome.epochs,
            grouped(outcome.steps as usize),
            outcome.seconds,
            grouped(outcome.samples_per_second as usize),
            outcome.threads,
            outcome.isa
        ),
    ));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{0}</title>\n<style>body{{font:16px/1.5 \
         system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#222}}td{{padding:.1rem 1rem .1rem \
         0;vertical-align:top}}td:first-child{{color:#666}}img{{max-width:100%;image-rendering:pixelated}}pre{{\
         background:#f5f5f5;padding:1rem;overflow:auto}}</style>\n<h1>{0}</h1>\n<table>\n",
        escaped(&title)
    );
    let rows = rows.into_iter().map(|(name, value)| (name.to_owned(), value));
    for (name, value) in rows.chain(terms(evaluation)) {
        // Writing to a string does not fail.
        let _ = writeln!(page, "<tr><td>{}</td><td>{}</td></tr>", escaped(&name), escaped(&value));
    }
    page.push_str("</table>\n<h2>Loss by epoch</h2>\n");
    for phase in history.chunk_by(|a, b| a.phase == b.phase) {
        if phase.len() < history.len() {
            let _ = writeln!(page, "<h3>{}</h3>", escaped(&phase[0].phase));
        }
        page.push_str(&curve(phase));
    }
    if history.is_empty() {
        page.push_str("<p>It was fitted in closed form.</p>\n");
    }
    page.push_str(
        "<h2>Originals above, reconstructions below</h2>\n<img src=\"samples/reconstructions.png\" alt=\"\
                   Samples of the data in rows, each above its reconstruction\">\n",
    );
    if crate::applications::filters::has_picture(model) {
        page.push_str(
            "<h2>What fires the first layer's units most</h2>\n<img src=\"samples/filters.png\" alt=\"\
                       The input of norm 1 that each unit answers to most, grey being 0\">\n",
        );
    }
    page.push_str("<h2>Configuration</h2>\n<pre>");
    page.push_str(&escaped(&model.config().to_toml().unwrap_or_default()));
    page.push_str("</pre>\n</html>\n");
    page
}

/// The terms of the objective with their weights.
fn terms(evaluation: &Evaluation) -> impl Iterator<Item = (String, String)> {
    evaluation
        .terms
        .iter()
        .map(|term| (format!("term: {}", term.name), format!("{:.4} per sample, weight {}", term.value, term.weight)))
}

/// What is known of some types only.
fn figures(model: &Model, evaluation: &Evaluation) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if let Some(bound) = &evaluation.lower_bound {
        rows.push((
            "negative evidence lower bound",
            format!("{:.3} nats: reconstruction {:.3}, KL {:.3}", bound.negative_elbo, bound.reconstruction, bound.kl),
        ));
        let (config, features) = (model.config(), model.data().features);
        let equivalent = match config.likelihood {
            LikelihoodName::Bernoulli => format!(
                "{:.3e} with the mean cross-entropy (of a Gaussian with deviation 1: {:.3e} with the mean squared error)",
                bce_equivalent(config, features),
                mse_equivalent(config, features)
            ),
            LikelihoodName::Gaussian => format!("{:.3e} with the mean squared error", mse_equivalent(config, features)),
            _ => "the likelihood's variance moves with the data".to_owned(),
        };
        let beta = format!("{} with losses summed over features; {equivalent}", config.beta);
        rows.extend((config.capacity == 0.0).then_some(("beta", beta)));
    }
    if let Some(denoised) = &evaluation.denoised {
        let (name, level) = &denoised.corruption;
        rows.push((
            "denoised",
            format!(
                "{name} {level}: squared error {:.4} of the input, {:.4} of its reconstruction",
                denoised.input_squared_error, denoised.squared_error
            ),
        ));
    }
    if let Some(accuracy) = evaluation.accuracy {
        let before = evaluation.accuracy_before_fine_tuning;
        let before = before.map_or_else(String::new, |before| format!(", {:.2} % before fine-tuning", 100.0 * before));
        rows.push(("classifier", format!("{:.2} % right{before}", 100.0 * accuracy)));
    }
    if let Some(code) = &evaluation.code {
        rows.push((
            "code",
            format!(
                "mean activation {:.4}, {} of {} units dead, {} to {} non-zero in a sample",
                code.mean, code.dead_units, code.size, code.non_zeros.min, code.non_zeros.max
            ),
        ));
    }
    rows
}

/// The losses as lines over the epochs: training, and validation where there is one.
fn curve(history: &[EpochRecord]) -> String {
    let losses = history.iter().flat_map(|record| [Some(record.loss), record.validation_loss]).flatten();
    let (low, high) = losses.fold((f64::MAX, f64::MIN), |(low, high), loss| (low.min(loss), high.max(loss)));
    let Some(last) = history.last().filter(|_| history.len() > 1) else {
        return "<p>There is no curve of fewer than two epochs.</p>\n".into();
    };
    let span = (high - low).max(1e-12);
    let first = history.first().map_or(1, |record| record.epoch);
    let along = |epoch: u64| epoch.saturating_sub(first) as f64 / last.epoch.saturating_sub(first).max(1) as f64;
    let x = |epoch: u64| MARGIN + along(epoch) * (WIDTH - MARGIN - 8.0);
    let y = |loss: f64| 8.0 + (high - loss) / span * (HEIGHT - 40.0);
    let line = |colour: &str, of: &dyn Fn(&EpochRecord) -> Option<f64>| {
        let points = history.iter().filter_map(|record| Some(format!("{:.1},{:.1}", x(record.epoch), y(of(record)?))));
        let points: Vec<String> = points.collect();
        format!("<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>", points.join(" "))
    };
    let words = |x: f64, y: f64, anchor: &str, text: String| {
        format!("<text x=\"{x:.0}\" y=\"{y:.0}\" font-size=\"12\" fill=\"#666\" text-anchor=\"{anchor}\">{text}</text>")
    };
    let validated = history.iter().any(|record| record.validation_loss.is_some());
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Loss by epoch\">");
    svg.push_str(&line("#1f77b4", &|record| Some(record.loss)));
    svg.push_str(&line("#d62728", &|record| record.validation_loss));
    svg.push_str(&words(MARGIN - 6.0, y(high) + 4.0, "end", format!("{high:.2}")));
    svg.push_str(&words(MARGIN - 6.0, y(low) + 4.0, "end", format!("{low:.2}")));
    svg.push_str(&words(MARGIN, HEIGHT - 8.0, "start", format!("epoch {first}")));
    svg.push_str(&words(WIDTH - 8.0, HEIGHT - 8.0, "end", format!("epoch {}", last.epoch)));
    svg.push_str("</svg>\n");
    svg.push_str(if validated { "<p>Blue: training. Red: validation.</p>\n" } else { "<p>Blue: training.</p>\n" });
    svg
}

/// Text that a page may hold.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_both_lines_and_short_histories_have_none() {
        let record = |epoch, validation_loss| EpochRecord {
            epoch,
            step: epoch,
            lr: 1.0,
            loss: 1.0 / epoch as f64,
            phase: "training".into(),
            terms: Vec::new(),
            validation_loss,
            seconds: 1.0,
            samples_per_second: 1.0,
        };
        let svg = curve(&[record(1, Some(2.0)), record(2, Some(1.0))]);
        assert!(svg.matches("<polyline").count() == 2 && svg.contains("2.00") && !svg.contains("NaN"), "{svg}");
        assert!(curve(&[record(1, None)]).contains("no curve"));
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
