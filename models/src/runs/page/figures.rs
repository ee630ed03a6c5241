//! The numbers of a page: those that `eval --json` prints, each with what it means.

use super::super::machine::processor;
use super::shown::{Effort, Shown};
use crate::autoencoders::beside_means;
use crate::figure::{grouped, short};
use crate::metrics::Evaluation;
use crate::report::meanings;
use crate::report::page::{Figure, Section};
use serde_json::Value;

/// What stands first.
const FIRST: [&str; 9] =
    ["squared_error", "pca_squared_error", "mse", "psnr", "ssim", "bce", "accuracy", "negative_elbo", "loss"];

impl Effort<'_> {
    /// In how many words the training is told.
    pub(super) fn words(&self) -> String {
        if self.steps == 0 {
            return "no step".into();
        }
        let epochs = if self.epochs == 1 { "epoch" } else { "epochs" };
        format!("{} {epochs} in {}", grouped(usize::try_from(self.epochs).unwrap_or(usize::MAX)), time(self.seconds))
    }
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", 1000.0 * s),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} minutes", s / 60.0),
        s => format!("{:.1} hours", s / 3600.0),
    }
}

/// What the model reached.
pub(super) fn reached(shown: &Shown<'_>) -> Section {
    let evaluation = shown.evaluation;
    let of = format!("on the {} part of {} samples", evaluation.part, grouped(evaluation.samples));
    let beside = match evaluation.pca_squared_error {
        Some(pca) => format!("; PCA of the same code size reaches {}", short(pca)),
        None => String::new(),
    };
    let text = format!("The squared error is {} {of}{beside}.", short(evaluation.squared_error()));
    let first = figures(evaluation).into_iter().filter(|(name, _)| FIRST.contains(&name.as_str()));
    Section::new("What it reached").text(text).figures(first.map(|(_, figure)| figure).collect())
}

/// All other figures.
pub(super) fn further(shown: &Shown<'_>) -> Section {
    let others = figures(shown.evaluation).into_iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
    Section::new("Further figures").figures(others.map(|(_, figure)| figure).collect()).folded()
}

/// The figures by their names in JSON, what is read first before the others.
fn figures(evaluation: &Evaluation) -> Vec<(String, Figure)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    for (name, value) in evaluation.figures.iter().filter(|(name, _)| !["terms", "weights"].contains(name)) {
        flatten(name, value, &mut all);
    }
    flatten("pca_squared_error", &Value::from(evaluation.pca_squared_error), &mut all);
    flatten("accuracy_before_fine_tuning", &Value::from(evaluation.accuracy_before_fine_tuning), &mut all);
    if let Some(denoised) = evaluation.denoised.as_ref().and_then(|denoised| serde_json::to_value(denoised).ok()) {
        flatten("denoised", &denoised, &mut all);
    }
    flatten("samples", &Value::from(evaluation.samples), &mut all);
    // Said twice in JSON.
    all.retain(|(name, _)| !["codes.mean", "codes.dead_units"].contains(&name.as_str()));
    let place = |name: &str| FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len());
    all.sort_by_key(|(name, _)| (place(name), name.starts_with("codes."), name.starts_with("denoised.")));
    all.into_iter().map(|(name, value)| (name.clone(), figure(&name, &value))).collect()
}

/// Numbers and words, those of inner objects behind the name of these; lists and what there is not are left out.
fn flatten(name: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(inner) => inner.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, out)),
        Value::Null | Value::Array(_) => {}
        value => out.push((name.to_owned(), value.clone())),
    }
}

fn figure(name: &str, value: &Value) -> Figure {
    let unit = if name.ends_with("psnr") { " dB" } else { "" };
    let words = name.replace('_', " ").replace('.', ": ").replace("pca ", "PCA ");
    Figure::new(words, format!("{}{unit}", shown_value(value))).exact(exact(value)).meaning(meanings::figure(name))
}

/// As programs write it.
fn exact(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As people read it.
fn shown_value(value: &Value) -> String {
    match (value.as_u64().and_then(|count| usize::try_from(count).ok()), value.as_f64()) {
        (Some(count), _) => grouped(count),
        (None, Some(_)) if value.to_string().len() <= 6 => value.to_string(),
        (None, Some(number)) => short(number),
        (None, None) => exact(value),
    }
}

/// The terms of the objective, on clean samples and, as `trained` tells by name, in the last epoch of training; those
/// that training alone has, too.
pub(super) fn terms(evaluation: &Evaluation, trained: &[(&str, f64)]) -> Vec<Figure> {
    let of = |what: &str, name: &str| evaluation.figures.get(what)?.get(name).cloned();
    let measured =
        evaluation.figures.get("terms").and_then(Value::as_object).into_iter().flat_map(|terms| terms.keys());
    let mut names: Vec<&str> = trained.iter().map(|(name, _)| *name).collect();
    names.extend(measured.map(String::as_str).filter(|name| !trained.iter().any(|(known, _)| known == name)));
    let term = |name: &str| {
        let value = of("terms", name).filter(Value::is_number);
        let mut words: Vec<String> = Vec::new();
        words.extend(value.as_ref().map(shown_value));
        let last = trained.iter().find(|(known, _)| *known == name);
        words.extend(last.map(|(_, value)| format!("in training {}", short(*value))));
        words.extend(match of("weights", name).and_then(|weight| weight.as_f64()) {
            Some(0.0) => Some("only watched".to_owned()),
            Some(weight) if weight != 1.0 => Some(format!("weight {}", shown_value(&Value::from(weight)))),
            _ => None,
        });
        let figure = Figure::new(name.replace('_', " "), words.join(", ")).meaning(meanings::term(name));
        match value {
            Some(value) => figure.exact(exact(&value)),
            None => figure,
        }
    };
    names.into_iter().map(term).collect()
}

/// What a reader must know of the run: data, model, effort, machine, configuration.
pub(super) fn details(shown: &Shown<'_>) -> Section {
    let (model, effort) = (shown.model(), &shown.effort);
    let data = model.data();
    let image = data.image.map_or_else(String::new, |image| format!(", images of {image}"));
    let steps = grouped(usize::try_from(effort.steps).unwrap_or(usize::MAX));
    let mut facts = vec![
        Figure::new("data", format!("{}, {} features{image}", data.name, grouped(data.features))),
        Figure::new("parameters", grouped(model.trained_count())).meaning("Numbers that are trained."),
        Figure::new("loss", model.setting("loss").unwrap_or_default()).meaning("What a reconstruction is compared by."),
        // A float's cast to an integer saturates.
        Figure::new(
            "training",
            format!(
                "{}, {steps} steps, {} samples a second",
                effort.words(),
                grouped(effort.samples_per_second as usize)
            ),
        ),
        Figure::new("machine", processor().unwrap_or_else(|| "not told by the system".into())),
        Figure::new("instructions", effort.isa).meaning("The vector instructions in use."),
        Figure::new("threads", effort.threads.to_string()),
        Figure::new("narrows", env!("CARGO_PKG_VERSION")).meaning("The version of this program."),
    ];
    facts.extend(weight_of_divergence(shown));
    let section = shown.decisions.iter().fold(Section::new("Details"), |section, decision| section.text(decision));
    section.figures(facts).code(shown.config.to_toml()).folded()
}

/// What the weight of a variational model's divergence would be beside means.
fn weight_of_divergence(shown: &Shown<'_>) -> Option<Figure> {
    let model = shown.model();
    let beta: f64 = model.setting("beta")?.parse().ok()?;
    if model.setting("capacity").is_some_and(|capacity| capacity != "0") {
        return None;
    }
    let reconstruction = &model.autoencoder().parts().reconstruction;
    let equivalent = match beside_means(beta, reconstruction, model.data().features) {
        Some(("bce", weight)) => format!("{weight:.3e} with the mean cross-entropy"),
        Some((_, weight)) => format!("{weight:.3e} with the mean squared error"),
        None => "the likelihood's variance moves with the data".to_owned(),
    };
    let meaning =
        "The weight of the divergence, with losses summed over features; people who average have another number.";
    Some(Figure::new("beta", format!("{beta}; {equivalent}")).meaning(meaning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_json() {
        let mut evaluation = Evaluation { samples: 12_345, pca_squared_error: Some(7.03), ..Evaluation::default() };
        evaluation.figures.put("squared_error", 5.214_135_623).unwrap();
        evaluation.figures.put("mse", f64::NAN).unwrap();
        evaluation.figures.put("codes", serde_json::json!({"size": 4, "min": -1.0, "variances": [1.0]})).unwrap();
        evaluation.figures.put("terms", serde_json::json!({"kl": 2.5, "mine": 1.0})).unwrap();
        evaluation.figures.put("weights", serde_json::json!({"kl": 0.5, "mine": 0.0})).unwrap();
        let found: Vec<_> =
            figures(&evaluation).into_iter().map(|(_, f)| (f.name, f.value, f.exact.unwrap())).collect();
        let expected = [
            ("squared error", "5.214", "5.214135623"),
            ("PCA squared error", "7.03", "7.03"),
            ("samples", "12,345", "12345"),
            ("codes: min", "-1.0", "-1.0"),
            ("codes: size", "4", "4"),
        ];
        assert_eq!(found, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
        let terms: Vec<_> =
            terms(&evaluation, &[("kl", 2.25)]).into_iter().map(|term| (term.name, term.value)).collect();
        assert_eq!(terms[0], ("kl".to_owned(), "2.5, in training 2.250, weight 0.5".to_owned()));
        assert_eq!(terms[1], ("mine".to_owned(), "1.0, only watched".to_owned()));
    }
}
