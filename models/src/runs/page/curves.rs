//! Losses and terms by epoch, phase after phase.

use super::figures::terms;
use super::shown::Shown;
use crate::figure::short;
use crate::report::meanings;
use crate::report::page::{Item, Plot, Section};
use crate::report::plot::{Line, Lines, Scale};
use crate::training::EpochRecord;
use crate::{Error, Result};

/// The losses of each phase over its epochs, and what is said where there are none.
pub(super) fn losses(shown: &Shown<'_>) -> Section {
    let mut section = Section::new("Loss by epoch");
    if shown.history.is_empty() {
        section = section.text("It was fitted in closed form, or not trained: there is no curve.");
    }
    let bce = shown.model().setting("loss").is_some_and(|loss| loss == "bce");
    let y = if bce { "loss per sample, nats" } else { "loss per sample" };
    let phases: Vec<_> = shown.history.chunk_by(|a, b| a.phase == b.phase).collect();
    for phase in &phases {
        let of = if phases.len() > 1 { format!(" of {}", phase[0].phase) } else { String::new() };
        if phase.len() < 2 {
            section = section.text(format!("There is no curve{of}: it is of fewer than two epochs."));
            continue;
        }
        for plot in plots(phase, &of, y) {
            section = match drawn(&plot.0, plot.1) {
                Ok(item) => section.item(item),
                Err(error) => section.text(format!("Not shown: {error}.")),
            };
        }
    }
    let last = |name| shown.history.iter().rev().find_map(|record| value(record, name));
    let trained: Vec<_> = names(shown.history).into_iter().filter_map(|name| Some((name, last(name)?.0))).collect();
    let text = format!(
        "The terms of the objective, on clean samples of the {} part, and in the last epoch of training:",
        shown.evaluation.part
    );
    section.text(text).figures(terms(shown.evaluation, &trained))
}

/// The plots of a phase with their captions.
fn plots(phase: &[EpochRecord], of: &str, y: &str) -> Vec<(Lines, String)> {
    let line = |name: &str, value: &dyn Fn(&EpochRecord) -> Option<f64>| Line {
        name: name.into(),
        points: phase.iter().filter_map(|record| Some((record.epoch, value(record)?))).collect(),
    };
    let lines = |title: String, y: &str, lines: Vec<Line>| Lines {
        description: described(&lines),
        title,
        x: "epoch".into(),
        y: y.into(),
        lines: lines.into_iter().filter(|line| !line.points.is_empty()).collect(),
    };
    let whole =
        vec![line("training", &|record| Some(record.loss)), line("validation", &|record| record.validation_loss)];
    let validated = phase.iter().any(|record| record.validation_loss.is_some());
    let caption = match validated {
        true => format!("The loss{of}: while it was trained, and on the validation part after each epoch."),
        false => format!("The loss{of}, while it was trained."),
    };
    let mut plots = vec![(lines(format!("Loss by epoch{of}"), y, whole), caption)];
    let names = names(phase);
    let weighs = |name: &str| phase.iter().any(|record| value(record, name).is_some_and(|(_, weight)| weight != 0.0));
    let (counted, watched): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| weighs(name));
    if counted.len() > 1 {
        let of_term = |name: &&str| line(name, &|record| value(record, name).map(|(value, weight)| value * weight));
        let terms = lines(format!("Terms of the loss by epoch{of}"), y, counted.iter().map(of_term).collect());
        plots.push((terms, format!("Each term{of}: its value times its weight.")));
    }
    for name in watched {
        let words = name.replace('_', " ");
        let watched = vec![line(&words, &|record| value(record, name).map(|(value, _)| value))];
        plots.push((lines(format!("{words} by epoch{of}"), &words, watched), meanings::term(name).to_owned()));
    }
    plots
}

/// A plot, with a logarithmic twin where that shows all of it.
fn drawn(lines: &Lines, caption: String) -> Result<Item> {
    let logarithmic = lines.is_positive().then(|| lines.to_svg(Scale::Logarithmic)).transpose()?;
    Ok::<_, Error>(Item::Plot(Plot { svg: lines.to_svg(Scale::Linear)?, logarithmic, caption }))
}

/// Where lines begin and end, in words.
fn described(lines: &[Line]) -> String {
    let ends = |line: &Line| {
        let (first, last) = (line.points.first()?, line.points.last()?);
        Some(format!("{}: {} in epoch {}, {} in epoch {}.", line.name, short(first.1), first.0, short(last.1), last.0))
    };
    lines.iter().filter_map(ends).collect::<Vec<_>>().join(" ")
}

/// Value and weight of a term.
fn value(record: &EpochRecord, name: &str) -> Option<(f64, f64)> {
    record.terms.iter().find(|term| term.name == name).map(|term| (term.value, term.weight))
}

/// The names of all terms, in the order in which they come.
fn names(records: &[EpochRecord]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for term in records.iter().flat_map(|record| &record.terms) {
        if !names.contains(&term.name.as_str()) {
            names.push(&term.name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::TermRecord;

    #[test]
    fn terms_that_count_lie_together_and_others_apart() {
        let term = |name: &str, weight, value| TermRecord { name: name.into(), weight, value };
        let record = |epoch| EpochRecord {
            epoch,
            phase: "training".into(),
            step: epoch,
            lr: 1e-3,
            loss: 10.0 / epoch as f64,
            terms: vec![term("reconstruction", 1.0, 9.0), term("kl", 0.5, 2.0), term("effective_samples", 0.0, 3.0)],
            validation_loss: (epoch > 1).then_some(5.0),
            seconds: 1.0,
            samples_per_second: 1.0,
        };
        let plots = plots(&[record(1), record(2)], " of a phase", "loss");
        let names: Vec<Vec<&str>> =
            plots.iter().map(|(plot, _)| plot.lines.iter().map(|line| line.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["training", "validation"], vec!["reconstruction", "kl"], vec!["effective samples"]]);
        assert_eq!(plots[1].0.lines[1].points, [(1, 1.0), (2, 1.0)]);
        assert!(plots[0].0.description.starts_with("training: 10.00 in epoch 1, 5.000 in epoch 2."));
        assert!(
            plots[0].1.contains("validation") && plots.iter().all(|(lines, words)| drawn(lines, words.clone()).is_ok())
        );
    }
}
