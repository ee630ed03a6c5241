//! `narrows train`: a configuration put together from its sources, a run directory, and a summary.
//!
//! A later source wins: the defaults, `--preset`, `--config`, `--set`, the flags by name. Values are handed on as they
//! were typed; the configuration alone knows what a key may hold, so a flag, a `--set` and a line of the file are
//! refused with the same words.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use super::common::{self, Common, Object};
use super::figures;
use super::progress::Display;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::presets::{self, Preset};
use crate::training::{self, Outcome, TrainRequest};

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
    /// The folder of the run, which must not hold one yet; runs/MODEL-N with the next free N if not given
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
    /// Go on with the run in this folder; with --epochs, to a new end
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "config", "preset"])]
    resume: Option<PathBuf>,
    /// Train nothing: print the configuration that these settings make, the defaults of the type in it, as a TOML file
    #[arg(long, conflicts_with = "resume")]
    show: bool,
    /// Stop when the run has taken this many steps; --resume goes on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), allow_negative_numbers = true)]
    steps: Option<u64>,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    common: Common,
}

/// Declares the flags that are keys of the configuration: their names, value names and help, once.
macro_rules! named {
    ($($field:ident $key:literal $value:literal $help:literal,)*) => {
        /// The keys of the configuration that have a flag of their own.
        #[derive(Debug, clap::Args)]
        #[command(next_help_heading = "Model and training")]
        struct Named {
            $(
                #[doc = $help]
                #[arg(long, value_name = $value, allow_negative_numbers = true)]
                $field: Option<String>,
            )*
        }

        impl Named {
            /// The keys that were given, with their values.
            fn given(&self) -> Vec<(String, String)> {
                let all = [$(($key, &self.$field)),*];
                let given = all.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
                given.map(|(key, value)| (key.to_owned(), value)).collect()
            }
        }
    };
}

named! {
    data "data" "SRC" "What to train on: `digits` (embedded, the default), a folder of IDX files, plain or .gz, or one of photographs",
    model "model" "TYPE" "The kind of autoencoder: undercomplete, overcomplete, denoising, sparse, l1, k-sparse, contractive, convolutional, variational, stacked or pca",
    body "body" "NAME" "dense or convolutional layers; auto follows the model",
    hidden "hidden" "SIZES" "Hidden layers of the encoder, as in 512,256; \"\" for none",
    code "code" "SIZE" "Size of the code",
    decoder "decoder" "SIZES" "Hidden layers of the decoder; mirror for those of the encoder turned round",
    tied "tied" "BOOL" "Whether the decoder's weights are the encoder's, transposed",
    filters "filters" "SIZES" "Convolutional: filters of each level of the encoder, as in 16,8,8",
    kernel "kernel" "SIZE" "Convolutional: rows and columns of a kernel, an odd number",
    downsample "downsample" "NAME" "Convolutional: pool or stride",
    upsample "upsample" "NAME" "Convolutional: nearest, max or transposed",
    bottleneck "bottleneck" "NAME" "Convolutional: map (the last image is the code) or dense (--code numbers)",
    activation "activation" "NAME" "Activation of the hidden layers",
    code_activation "code_activation" "NAME" "Activation of the code",
    output "output" "NAME" "Activation of the output: auto, linear or sigmoid",
    loss "loss" "NAME" "Reconstruction loss: auto (follows the data's range), mse or bce",
    corruption "corruption" "NAME" "Noise on the input, with the loss against the clean one: none, masking, masking-exact, gaussian or salt-and-pepper",
    corruption_level "corruption_level" "X" "Probability (gaussian: deviation) of the corruption",
    corruption_clip "corruption_clip" "BOOL" "Whether gaussian noise is cut at 0 and 1",
    emphasis_corrupted "emphasis_corrupted" "X" "What corrupted components count in the loss",
    emphasis_clean "emphasis_clean" "X" "What clean components count in the loss",
    l2 "l2" "X" "Weight of the squared norm of the weights, a term of the objective",
    l2_biases "l2_biases" "BOOL" "Whether that counts biases too",
    sparsity "sparsity" "RHO" "Sparse: mean activation that each unit of the code should have",
    sparsity_weight "sparsity_weight" "X" "Sparse: weight of the divergence from it",
    sparsity_mean "sparsity_mean" "NAME" "Sparse: mean over the batch, or a running mean: batch or running",
    sparsity_decay "sparsity_decay" "X" "Sparse: share of a running mean that stays at each step",
    l1 "l1" "X" "L1: weight of the code's absolute activations",
    k "k" "K" "K-sparse: units of the code that are kept",
    k_test "k_test" "X" "K-sparse: how many times as many are kept when nothing is trained, 1 to 3",
    contraction "contraction" "X" "Contractive: weight of the Jacobian's squared norm",
    likelihood "likelihood" "NAME" "Variational: auto, bernoulli, gaussian or sigma-vae",
    sigma "sigma" "X" "Variational: deviation of a gaussian likelihood",
    beta "beta" "X" "Variational: weight of the KL divergence",
    beta_warmup "beta_warmup" "EPOCHS" "Variational: epochs over which that rises from 0",
    capacity "capacity" "NATS" "Variational: KL to come to, in place of beta; 0 for none",
    capacity_weight "capacity_weight" "X" "Variational: weight of the distance from it",
    capacity_warmup "capacity_warmup" "EPOCHS" "Variational: epochs over which it rises from 0",
    pretrain "pretrain" "NAME" "Stacked: type of the layers while they are pretrained: plain, sparse, l1 or contractive",
    pretrain_epochs "pretrain_epochs" "N" "Stacked: epochs for each layer",
    fine_tune "fine_tune" "NAME" "Stacked: what follows: reconstruction, classifier or none",
    classifier_epochs "classifier_epochs" "N" "Stacked: epochs of the classifier alone",
    epochs "epochs" "N" "Passes over the training part",
    batch "batch" "N" "Samples in a step",
    lr "lr" "RATE" "Learning rate",
    optimizer "optimizer" "NAME" "Optimiser: sgd, nesterov, adam, adamw, rmsprop, lion, lamb or lbfgs",
    lbfgs_memory "lbfgs_memory" "N" "L-BFGS: pairs of steps and gradients that it remembers",
    momentum "momentum" "X" "Momentum of sgd and nesterov",
    weight_decay "weight_decay" "X" "Factor of the optimiser's L2 penalty, or of the decay of adamw, lion and lamb",
    schedule "schedule" "NAME" "Course of the learning rate: constant, cosine or step",
    warmup "warmup" "STEPS" "Steps over which the learning rate rises",
    clip "clip" "NORM" "Largest global norm of a gradient; 0 for none",
    ema "ema" "DECAY" "Keep an exponential moving average of the weights; 0 for none",
    patience "patience" "EPOCHS" "End when the validation loss has not fallen for so long, and keep the best; 0 for never",
    validation "validation" "FRACTION" "Fraction of the training part held out to choose the best weights by",
    test_fraction "test_fraction" "FRACTION" "Fraction held out for the test where the data have no test part",
    scaling "scaling" "NAME" "Scaling of the data: auto, none, range, minmax or standard",
    init "init" "NAME" "How weights start: uniform, he or glorot",
    patch "patch" "SIZE" "Photographs: rows and columns of a patch",
    patches "patches" "N" "Photographs: how many patches are cut out",
    whiten "whiten" "BOOL" "Photographs: whether they are whitened first",
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut changes = args.settings.clone();
    changes.extend(args.named.given());
    changes.extend(args.common.seed.map(|seed| ("seed".to_owned(), seed.to_string())));
    super::catch_signals()?;
    let mut display = Display::new(args.common.quiet);
    let outcome = match &args.resume {
        Some(run) => {
            let pool = args.common.pool()?;
            training::resume(run, &changes, args.steps, pool.threads(), &mut display)
        }
        None => {
            let config = configuration(args.preset.as_deref(), args.config.as_deref(), &changes)?;
            if args.show {
                return common::to_stdout(&config.to_documented_toml()?);
            }
            let out = args.out.clone().map_or_else(|| free_run(config.model.name()), Ok)?;
            if let Some(preset) = &args.preset {
                display.expected = Some(expectation(presets::preset(preset)?, &config));
            }
            let request = TrainRequest { config, out, max_steps: args.steps };
            let pool = args.common.pool()?;
            training::train(&request, pool.threads(), &mut display)
        }
    };
    display.finish();
    let outcome = outcome?;
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => json(&outcome, &display),
        (false, true) => format!("{}\n", outcome.run.display()),
        (false, false) => summary(&outcome, &display),
    })
}

/// The defaults of the type, changed by the preset, by the file and then by `changes`. The type comes first, whoever
/// names it last: it decides the defaults.
fn configuration(preset: Option<&str>, file: Option<&Path>, changes: &[(String, String)]) -> Result<Config> {
    let preset = preset.map(presets::preset).transpose()?;
    let mut named = Config::default();
    if let Some(preset) = preset {
        preset.apply(&mut named)?;
    }
    if let Some(path) = file {
        training::read_config_over(&mut named, path)?;
    }
    for (key, value) in changes.iter().filter(|(key, _)| key == "model") {
        named.set(key, value)?;
    }
    let mut config = Config::of(named.model);
    if let Some(preset) = preset {
        preset.apply(&mut config)?;
    }
    if let Some(path) = file {
        training::read_config_over(&mut config, path)?;
    }
    for (key, value) in changes {
        config.set(key, value)?;
    }
    config.validate()?;
    Ok(config)
}

/// `runs/NAME-N` with the number after the highest one there.
fn free_run(name: &str) -> Result<PathBuf> {
    let folder = Path::new("runs");
    let mut last = 0_u64;
    match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("read the folder", folder, error)),
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(|error| Error::io("read the folder", folder, error))?.file_name();
                let number = entry.to_str().and_then(|entry| entry.strip_prefix(name)?.strip_prefix('-')?.parse().ok());
                last = last.max(number.unwrap_or(0));
            }
        }
    }
    let next = last.saturating_add(1);
    Ok(folder.join(format!("{name}-{next}")))
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
    match (config.data.as_str(), preset.data) {
        ("digits", data) => {
            format!("{} is for {data}, and these are the embedded digits; give --data FOLDER", preset.name)
        }
        _ => format!("{} expects: {}", preset.name, preset.expected),
    }
}

/// The outcome on one line of JSON.
fn json(outcome: &Outcome, display: &Display) -> String {
    let mut object = Object::default();
    object
        .evaluation(&outcome.evaluation)
        .set("seconds", outcome.seconds)
        .set("samples_per_second", outcome.samples_per_second)
        .set("epochs", outcome.epochs)
        .set("steps", outcome.steps)
        .set("threads", outcome.threads)
        .set("isa", outcome.isa.as_str())
        .set("run", outcome.run.display().to_string())
        .set("finished", outcome.finished)
        .set("ended_early", outcome.ended_early)
        .set("best_epoch", outcome.best_epoch)
        .set("decisions", outcome.decisions.clone());
    if let Some(info) = &display.info {
        object.set("parameters", info.parameters).weight_beside_means(&info.config, info.features);
    }
    object.line()
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
