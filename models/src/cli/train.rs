//! `narrows train`: a configuration put together from its sources, a run directory, and a summary.
//!
//! A later source wins: the defaults, `--preset`, `--config`, `--set`, the flags by name. Values are handed on as they
//! were typed; the configuration alone knows what a key may hold, so a flag, a `--set` and a line of the file are
//! refused with the same words.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::common::{self, Common};
use super::figures;
use super::json::{BesideMeans, Figures};
use super::keys::Keys;
use super::progress::Display;
use crate::error::Result;
use crate::presets::{self, Preset};
use crate::runs::{self, Outcome, ResumeRequest, TrainRequest};
use crate::training::Config;

/// Train a model, and say what a PCA of the same code size reaches
///
/// For example: narrows train --data digits --hidden 128 --code 16 --epochs 30
///
/// A later setting wins: the defaults, --preset, --config, --set, the flags by name.
///
/// Makes a run directory with the model (model.safetensors), what is needed to go on (state.safetensors), the complete
/// configuration (config.toml), the losses by epoch (history.csv) and a picture of originals over their reconstructions
/// (samples/reconstructions.png), and says what a PCA of the same code size reaches.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the run, which must not hold one yet; runs/MODEL-N, a new one, if not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Begin with a named configuration; `narrows presets` lists them
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Read settings from a file such as a run's config.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Set any key of the configuration; may be given many times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value, allow_negative_numbers = true)]
    settings: Vec<(String, String)>,
    /// Begin with the weights of this model (a run, or a .safetensors file, whoever wrote it) where names and sizes agree
    #[arg(long, value_name = "MODEL", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Go on with the run in this folder; with --epochs, to a new end, the learning rate's schedule stretched to it
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "config", "preset"])]
    resume: Option<PathBuf>,
    /// Go on although the training data are others than those that the run was trained on
    #[arg(long, requires = "resume")]
    accept_changed_data: bool,
    /// Train nothing: print the configuration that these settings make, the defaults of the type in it, as a TOML file
    #[arg(long, conflicts_with = "resume")]
    show: bool,
    /// Stop when the run has taken this many steps; --resume goes on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    steps: Option<u64>,
    #[command(flatten)]
    named: Keys,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut changes = args.settings.clone();
    changes.extend(args.named.given());
    changes.extend(args.common.seed.map(|seed| ("seed".to_owned(), seed.to_string())));
    super::signals::catch()?;
    let mut display = Display::new(args.common.quiet);
    let outcome = match &args.resume {
        Some(run) => {
            let pool = args.common.pool()?;
            let request = ResumeRequest {
                changes,
                max_steps: args.steps,
                accept_changed_data: args.accept_changed_data,
                ..ResumeRequest::new(run)
            };
            runs::resume(&request, pool.threads(), &mut display)
        }
        None => {
            let config = configuration(args.preset.as_deref(), args.config.as_deref(), &changes)?;
            if args.show {
                return common::to_stdout(&config.to_documented_toml());
            }
            if let Some(preset) = &args.preset {
                display.expected = Some(expectation(presets::preset(preset)?, &config));
            }
            // A preset and a file are whole; by themselves flags are not.
            let plain = args.preset.is_none() && args.config.is_none();
            let request = TrainRequest {
                out: args.out.clone(),
                from: args.from.clone(),
                max_steps: args.steps,
                given: plain.then(|| changes.iter().map(|(key, _)| key.clone()).collect()),
                ..TrainRequest::new(config)
            };
            let pool = args.common.pool()?;
            runs::train(&request, pool.threads(), &mut display)
        }
    };
    display.finish();
    let outcome = outcome?;
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => json(&outcome, &display)?,
        (false, true) => format!("{}\n", outcome.run.display()),
        (false, false) => summary(&outcome, &display),
    })
}

/// The defaults of the type, changed by the preset, by the file and then by `changes`. The type comes first, whoever
/// names it last: it decides the defaults.
fn configuration(preset: Option<&str>, file: Option<&Path>, changes: &[(String, String)]) -> Result<Config> {
    let preset = preset.map(presets::preset).transpose()?;
    let file =
        file.map(|path| Ok::<_, crate::Error>((runs::config_text(path)?, path.display().to_string()))).transpose()?;
    let of_file = file.as_ref().map(|(text, origin)| Config::type_of(text, origin)).transpose()?.flatten();
    let of_changes = changes.iter().rev().find(|(key, _)| key == "model").map(|(_, kind)| kind.clone());
    let kind = of_changes.or(of_file).or(preset.map(|preset| preset.model().to_owned()));
    let kind = kind.unwrap_or_else(|| "undercomplete".into());
    let mut config = Config::of(&kind)?;
    let mut set = |key: &str, value: &str| if key == "model" { Ok(()) } else { config.set(key, value) };
    preset.iter().flat_map(|preset| preset.settings).try_for_each(|(key, value)| set(key, value))?;
    if let Some((text, origin)) = &file {
        config.read_toml(text, origin)?;
    }
    changes.iter().filter(|(key, _)| key != "model").try_for_each(|(key, value)| config.set(key, value))?;
    Ok(config)
}

/// Reads `KEY=VALUE`; an empty value is one.
fn key_and_value(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// The outcome for people.
fn summary(outcome: &Outcome, display: &Display) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let mut line = |words: String| _ = writeln!(text, "{words}");
    line(outcome.run.display().to_string());
    if let Some(info) = &display.info {
        line(format!("  {}", info.description));
    }
    outcome.decisions.iter().for_each(|decision| line(format!("  {decision}")));
    display.notes.iter().for_each(|note| line(format!("  {note}")));
    line(format!("  {}", figures::error_line(&outcome.evaluation, outcome.code)));
    figures::lines(&outcome.evaluation).iter().for_each(|words| line(format!("  {words}")));
    if let Some(epoch) = outcome.best_epoch {
        let early = if outcome.ended_early { ", and training ended early" } else { "" };
        line(format!("  kept the weights of epoch {epoch}, the best on the validation part{early}"));
    }
    display.expected.iter().for_each(|words| line(format!("  {words}")));
    if outcome.steps == 0 && outcome.finished {
        line(format!("  fitted in closed form in {}", common::duration(outcome.seconds)));
    } else {
        line(speed(outcome));
    }
    if !outcome.finished {
        line(format!("  stopped before the end; `narrows train --resume {}` goes on", outcome.run.display()));
    }
    let page = outcome.run.join("report.html");
    if page.is_file() {
        line(format!("  report: {}", page.display()));
    }
    for picture in ["reconstructions.png", "filters.png"] {
        let picture = outcome.run.join("samples").join(picture);
        if picture.is_file() {
            line(format!("  picture: {}", picture.display()));
        }
    }
    if outcome.finished {
        let run = outcome.run.display();
        let next: Vec<String> = outcome.uses.iter().take(4).map(|name| format!("narrows {name} {run}")).collect();
        line(format!("  next: {}", next.join("; ")));
    }
    text
}

/// How long it took.
fn speed(outcome: &Outcome) -> String {
    format!(
        "  {}, {} in {}: {} samples/s with {}, {}",
        common::counted(outcome.epochs, "epoch"),
        common::counted(outcome.steps, "step"),
        common::duration(outcome.seconds),
        common::rate(outcome.samples_per_second),
        common::counted(outcome.threads as u64, "thread"),
        outcome.isa
    )
}

/// What a preset promises, and whether the data are those that it is for.
fn expectation(preset: &Preset, config: &Config) -> String {
    match (config.data.source.as_str(), preset.data) {
        ("digits", data) => {
            format!("{} is for {data}, and these are the embedded digits; give --data FOLDER", preset.name)
        }
        _ => format!("{} expects: {}", preset.name, preset.expected),
    }
}

/// The outcome by the names that it has in JSON.
#[derive(Serialize)]
struct Trained<'a> {
    #[serde(flatten)]
    figures: Figures<'a>,
    seconds: f64,
    samples_per_second: f64,
    epochs: u64,
    steps: u64,
    threads: usize,
    isa: &'a str,
    run: String,
    finished: bool,
    ended_early: bool,
    best_epoch: Option<u64>,
    decisions: &'a [String],
    #[serde(flatten)]
    planned: Option<Planned>,
}

/// What is known of a run that was planned.
#[derive(Serialize)]
struct Planned {
    parameters: usize,
    #[serde(flatten)]
    beta: Option<BesideMeans>,
}

/// The outcome on one line of JSON.
fn json(outcome: &Outcome, display: &Display) -> Result<String> {
    common::json(&Trained {
        figures: Figures::of(&outcome.evaluation),
        seconds: outcome.seconds,
        samples_per_second: outcome.samples_per_second,
        epochs: outcome.epochs,
        steps: outcome.steps,
        threads: outcome.threads,
        isa: &outcome.isa,
        run: outcome.run.display().to_string(),
        finished: outcome.finished,
        ended_early: outcome.ended_early,
        best_epoch: outcome.best_epoch,
        decisions: &outcome.decisions,
        planned: display.info.as_ref().map(|info| Planned {
            parameters: info.parameters,
            beta: BesideMeans::of(|key| info.config.get(key), info.features),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        assert_eq!(key_and_value("lr=-1e-3"), Ok(("lr".to_owned(), "-1e-3".to_owned())));
        assert_eq!(key_and_value("hidden="), Ok(("hidden".to_owned(), String::new())));
        assert!(key_and_value("hidden").is_err() && key_and_value("=3").is_err());
    }
}
