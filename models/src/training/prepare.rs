//! What a configuration leaves to the data, settled; and what was chosen for the user, in words.

use super::{Config, OptimizerName, Silent, Trainer};
use crate::data::{Dataset, Preprocessing};
use crate::model::{DataInfo, Model};
use crate::settings::table;
use crate::{Error, Result};
use narrows_engine::Threads;

/// A model for some rows of a dataset of one's own, untrained, for a [`Trainer`]: fits the scaler to them and settles
/// what the configuration leaves to the data; gives the settled configuration and what was chosen, in words.
///
/// ```
/// use narrows::data::{Dataset, Samples};
/// use narrows::training::{Config, Silent, Trainer, prepare};
/// use narrows::engine::Split;
///
/// # fn main() -> narrows::Result<()> {
/// let numbers = (0..600).map(|i| (i * i % 97) as f32).collect();
/// let dataset = Dataset::new("mine", Samples::F32(numbers), 6)?;
/// let rows: Vec<u32> = (0..100).collect();
/// let config = Config::of("undercomplete")?.with(&[("hidden", "8"), ("code", "3"), ("epochs", "2")])?;
/// let prepared = prepare(&config, &dataset, &rows)?;
/// let mut trainer = Trainer::new(prepared.model, prepared.config.training, &dataset, rows, Vec::new())?;
/// trainer.run(Split::Serial, None, &mut Silent, &mut |_| Ok(false))?;
/// let (model, _) = trainer.into_model();
/// assert_eq!(model.code_size(), 3);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A configuration that makes no sense for the data; no memory.
pub fn prepare(config: &Config, dataset: &Dataset, rows: &[u32]) -> Result<Prepared> {
    let mut config = config.clone();
    let unread = config.unread();
    let (preprocessing, mut decisions) = Preprocessing::fit(config.data.scaling, dataset, rows)?;
    config.data.scaling = preprocessing.scaler().name().parse()?;
    let data = DataInfo::of(dataset, preprocessing);
    let sample = data.sample();
    decisions.extend(config.kind().settle(&mut *config.model, &sample)?);
    decisions.extend(unread);
    let mut model = Model::new(config.kind(), config.model.clone(), config.data.clone(), data)?;
    model.set_trained(table(&config.training));
    check(&config, &model)?;
    decisions.extend(dataset.notes().iter().cloned());
    decisions.extend(remarks(&model, &config));
    if rows.len() as u64 % config.training.batch.max(1) as u64 == 1 && over_batches(&model) {
        decisions.push(
            "the last batch of an epoch has one sample, which has no variance to normalise by; give another batch"
                .to_owned(),
        );
    }
    Ok(Prepared { model, config, decisions })
}

/// What [`prepare`] gives.
pub struct Prepared {
    /// The model, untrained.
    pub model: Model,
    /// The configuration, with nothing left to the data.
    pub config: Config,
    /// What was chosen for the user, in words.
    pub decisions: Vec<String>,
}

/// Trains on all rows of a dataset of one's own, on the threads of the pool at hand, and gives the model.
///
/// # Errors
/// A configuration that makes no sense for the data; a loss that is not a number; no memory.
pub fn fit(config: &Config, dataset: &Dataset) -> Result<Model> {
    let all: Vec<u32> = (0..dataset.len() as u32).collect();
    let Prepared { model, config, .. } = prepare(config, dataset, &all)?;
    let mut trainer = Trainer::new(model, config.training, dataset, all, Vec::new())?;
    Threads::Current.run(|split| trainer.run(split, None, &mut Silent, &mut |_| Ok(false)))?;
    Ok(trainer.into_model().0)
}

/// Refuses choices of the training that contradict each other or the model.
fn check(config: &Config, model: &Model) -> Result<()> {
    let (training, autoencoder) = (&config.training, model.autoencoder());
    let trained = !autoencoder.phases(training.epochs).is_empty();
    if training.patience > 0 && config.data.validation == 0.0 && trained {
        return Err(Error::usage(
            "patience waits for a better validation loss, and validation is 0; give a fraction to hold out, such as 0.1",
        ));
    }
    if training.batch == 1 && trained && over_batches(model) {
        return Err(Error::usage(
            "one sample has no variance to normalise a batch by; give batch 2 or more, or norm layer",
        ));
    }
    if training.optimizer != OptimizerName::Lbfgs {
        return Ok(());
    }
    if training.ema > 0.0 {
        return Err(Error::usage("ema averages noisy steps, and L-BFGS takes none; give ema 0"));
    }
    let phases = autoencoder.phases(training.epochs);
    if phases.iter().any(|phase| phase.players.len() > 1) {
        let kind = model.kind().name();
        return Err(Error::usage(format!(
            "{kind} has several players, and L-BFGS moves one; give --optimizer adam, say"
        )));
    }
    match autoencoder.moves() {
        Some((key, instead)) => Err(Error::usage(format!(
            "{key} changes the objective from step to step, and L-BFGS needs one that stays; give {key} {instead}"
        ))),
        None => match autoencoder.kept(model.parameters()).first() {
            Some(&id) => Err(Error::usage(format!(
                "`{}` follows the samples of every step, and L-BFGS tries steps that it takes back; give \
                 --optimizer adam, say",
                model.parameters().name(id)
            ))),
            None => Ok(()),
        },
    }
}

/// Whether a model normalises over its batches.
fn over_batches(model: &Model) -> bool {
    let parameters = model.parameters();
    model.autoencoder().kept(parameters).iter().any(|&id| parameters.name(id).ends_with(".running_moments"))
}

/// What the figures do not say of themselves.
pub fn remarks(model: &Model, config: &Config) -> Vec<String> {
    let (autoencoder, training) = (model.autoencoder(), &config.training);
    let mut remarks = Vec::new();
    let parts = autoencoder.parts();
    if !parts.body.decodes_codes() {
        remarks.push("max unpooling passes the places of maxima beside the code, which PCA cannot".to_owned());
    }
    if training.optimizer != OptimizerName::Lbfgs {
        remarks.extend(autoencoder.small_batch(training.batch));
    }
    remarks.extend(autoencoder.remarks(&model.data().sample(), training.epochs));
    if parts.corruption.is_some_and(|corruption| corruption.leaves_all(model.data().features)) {
        remarks.push("the corruption leaves every component as it is; give a larger corruption_level".to_owned());
    }
    if training.optimizer == OptimizerName::Lbfgs && (parts.corruption.is_some() || autoencoder.draws()) {
        remarks.push("L-BFGS needs an objective that stays the same: noise is drawn once and kept".to_owned());
    }
    remarks
}
