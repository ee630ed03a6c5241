//! What a configuration leaves to the data, settled; and what was chosen for the user, in words.

use crate::autoencoders::{self, Corruption, ModelKind};
use crate::config::{BodyName, Config, LikelihoodName, LossName, OutputName};
use crate::data::{Dataset, Scaler};
use crate::model::{DataInfo, Model};
use crate::{Error, Result};

/// A model for some rows of a dataset of one's own, untrained, for a [`Trainer`](super::Trainer): fits the scaler to
/// them and settles what the configuration leaves to the data; gives what was chosen, in words.
///
/// ```
/// use narrows::config::Config;
/// use narrows::data::{Dataset, Samples};
/// use narrows::training::{Silent, Trainer, prepare};
/// use narrows_engine::{Split, Threads};
///
/// # fn main() -> narrows::Result<()> {
/// let numbers = (0..600).map(|i| (i * i % 97) as f32).collect();
/// let dataset = Dataset::new("mine", Samples::F32(numbers), 6)?;
/// let rows: Vec<u32> = (0..100).collect();
/// let config = Config { hidden: vec![8], code: 3, epochs: 2, ..Config::default() };
/// let (model, _) = prepare(config, &dataset, &rows)?;
/// let mut trainer = Trainer::new(model, &dataset, rows, Vec::new())?;
/// trainer.run(Split::Serial, None, &mut Silent, &mut |_| Ok(false))?;
/// let (model, _) = trainer.into_model();
/// assert_eq!(model.encode(&[0.5; 6], Threads::One)?.len(), 3); // of numbers that are scaled already
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A configuration that makes no sense for the data; no memory.
pub fn prepare(config: Config, dataset: &Dataset, rows: &[u32]) -> Result<(Model, Vec<String>)> {
    config.validate()?;
    let (config, scaler, mut decisions) = resolve(config, dataset, rows)?;
    let model = Model::new(config, DataInfo::of(dataset, scaler))?;
    decisions.extend(remarks(&model));
    Ok((model, decisions))
}

/// Fits the scaler, and settles what was left to the data; says what it chose.
fn resolve(mut config: Config, dataset: &Dataset, rows: &[u32]) -> Result<(Config, Scaler, Vec<String>)> {
    let scaler = Scaler::fit(config.scaling, dataset, rows)?;
    config.scaling = scaler.name().parse()?;
    let mut decisions = vec![format!("scaling: {}", scaler.name())];
    config.body = if config.is_convolutional() { BodyName::Convolutional } else { BodyName::Dense };
    autoencoders::settle_likelihood(&mut config)?;
    match config.loss {
        LossName::Auto => {
            let linear = config.model == ModelKind::Pca || config.output == OutputName::Linear;
            config.loss = if scaler.is_unit() && !linear { LossName::Bce } else { LossName::Mse };
            let why = match (linear, scaler.is_unit()) {
                (true, _) => "the output is linear",
                (false, true) => "the scaled data lie in 0..1",
                (false, false) => "the scaled data leave 0..1",
            };
            decisions.push(format!("loss: {}, for {why}", config.loss.name()));
        }
        LossName::Bce if !scaler.is_unit() => {
            let (what, instead) = match config.likelihood {
                LikelihoodName::Bernoulli => ("likelihood is bernoulli", "--likelihood gaussian"),
                _ => ("loss is bce", "--loss mse"),
            };
            return Err(Error::usage(format!(
                "{what}, but the scaled data leave 0..1; give {instead}, or --scaling range or minmax"
            )));
        }
        LossName::Bce | LossName::Mse => {}
    }
    if config.output == OutputName::Auto {
        config.output = if config.loss == LossName::Bce { OutputName::Sigmoid } else { OutputName::Linear };
    }
    if config.output == OutputName::Sigmoid && !scaler.is_unit() {
        return Err(Error::usage(
            "output is sigmoid, but the scaled data leave 0..1; give output linear, or --scaling range or minmax",
        ));
    }
    if config.model == ModelKind::Variational {
        config.likelihood = autoencoders::likelihood_of(&config);
        decisions.push(format!("likelihood: {}", config.likelihood.name()));
    }
    if Corruption::new(&config)?.is_some_and(|corruption| corruption.needs_unit_data()) && !scaler.is_unit() {
        return Err(Error::usage(format!(
            "corruption {} goes to 0 and 1, but the scaled data leave 0..1; give --scaling range or minmax, or another \
             corruption",
            config.corruption.name()
        )));
    }
    decisions.extend(autoencoders::unused(&config));
    Ok((config, scaler, decisions))
}

/// What the figures do not say of themselves.
pub(super) fn remarks(model: &Model) -> Vec<String> {
    autoencoders::remarks(model.config(), model.data().features, model.code_size())
}
