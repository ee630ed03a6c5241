//! Models trained for a few steps on made-up data: every preset at its true sizes, and small ones of what is left out.
//!
//! The data have the shape that a preset is for (28x28 bytes in ten classes, or patches of photographs as small
//! floats), one batch and a shorter one an epoch, so that tails are met too. Every phase of a stacked model is gone
//! through.

use crate::bits::Digest;
use narrows::autoencoders::Registry;
use narrows::data::{Dataset, ImageShape, Samples};
use narrows::model::{Model, Recorded};
use narrows::presets::PRESETS;
use narrows::training::{Config, OptimizerName, Prepared, Silent, Trainer, prepare};
use narrows::{Error, Result};
use narrows_engine::Threads;
use narrows_engine::random::fill_uniform;

/// Rows that a validation part has, and that an inference takes.
const FEW: usize = 5;

/// A model to be trained for a few steps.
pub struct Tried {
    name: String,
    settings: Vec<(&'static str, &'static str)>,
    photographs: bool,
    /// Sides of an image; that of a patch is in the configuration.
    side: usize,
}

/// All of them, the presets first.
pub fn models() -> Vec<Tried> {
    let presets = PRESETS.iter().map(|preset| Tried {
        name: format!("preset/{}", preset.name),
        settings: preset.settings.to_vec(),
        photographs: preset.data == "photographs",
        side: 28,
    });
    let types = Registry::standard().names().into_iter().map(|word| small("model", word, &[]));
    // A key, and the settings under which it is read: a model for each of its words.
    type Key = (&'static str, &'static [(&'static str, &'static str)]);
    let keys: [Key; 8] = [
        ("optimizer", &[("clip", "0.1"), ("weight_decay", "0.01")]),
        ("activation", &[]),
        ("corruption", &[("model", "denoising"), ("ema", "0.9")]),
        ("likelihood", &[("model", "variational"), ("capacity", "3")]),
        ("pretrain", &[("model", "stacked"), ("tied", "true")]),
        ("upsample", &[("model", "convolutional")]),
        ("downsample", &[("model", "convolutional"), ("upsample", "transposed")]),
        ("bottleneck", &[("model", "convolutional")]),
    ];
    let settings = keys.into_iter().flat_map(|(key, under)| words(key, under).map(move |word| small(key, word, under)));
    presets.chain(types).chain(settings).collect()
}

/// The words that a key may be, those left away that its type or its data refuse: denoising needs a corruption, and the
/// likelihood of columns a table.
fn words(key: &str, under: &[(&str, &str)]) -> impl Iterator<Item = &'static str> {
    let config = config(under);
    let keys = config.map(|config| config.keys()).unwrap_or_default();
    let found = keys.into_iter().find(|(_, known, _)| known.name == key).map_or(&[][..], |(_, known, _)| known.words);
    let skipped = usize::from(key == "corruption");
    let key = key.to_owned();
    found.iter().copied().skip(skipped).filter(move |word| !(key == "likelihood" && *word == "columns"))
}

/// The defaults of the type that settings name, with the settings.
fn config(settings: &[(&str, &str)]) -> Result<Config> {
    let model = settings.iter().find(|(key, _)| *key == "model").map_or("undercomplete", |(_, model)| model);
    Config::of(model)?.with(settings)
}

/// A small model with `key` set to `word`.
fn small(key: &'static str, word: &'static str, under: &[(&'static str, &'static str)]) -> Tried {
    let settings = under.iter().copied().chain([(key, word)]).collect();
    Tried { name: format!("{key}/{word}"), settings, photographs: false, side: 8 }
}

impl Tried {
    /// Its name, as `preset/keras-conv` or `optimizer/sgd`.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// Its configuration, with the epochs cut down.
    fn config(&self) -> Result<Config> {
        let mut config = config(&self.settings)?;
        let whole = config.training.optimizer == OptimizerName::Lbfgs;
        config.training.epochs = if whole { 4 } else { 2 };
        if self.settings.contains(&("model", "stacked")) {
            config = config.with(&[("pretrain_epochs", "1"), ("classifier_epochs", "1")])?;
        }
        Ok(config)
    }

    /// Data of its shape: a batch and a half, and a few to validate on.
    fn dataset(&self, config: &Config) -> Result<Dataset> {
        let side = if self.photographs { config.data.patch } else { self.side };
        let (rows, features) = (config.training.batch + config.training.batch / 2 + 1 + FEW, side * side);
        let samples = match self.photographs {
            true => Samples::F32(uniform(rows * features, 0.1, 0.9)),
            // Half of the pixels are 0, as a digit's margins are.
            false => Samples::U8(uniform(rows * features, -255.0, 255.0).iter().map(|&x| x as u8).collect()),
        };
        let labels = (0..rows as u32).map(|row| row % 10).collect();
        let image = ImageShape { channels: 1, height: side, width: side };
        let dataset = Dataset::new("made-up", samples, features)?.with_image(image)?;
        if self.photographs { Ok(dataset) } else { dataset.with_labels(labels) }
    }

    /// Trains it, and digests the losses of every epoch, its parameters and a reconstruction.
    ///
    /// # Errors
    /// No memory.
    pub fn digest(&self, threads: Threads<'_>) -> Result<Digest> {
        let config = self.config()?;
        let dataset = self.dataset(&config)?;
        let rows: Vec<u32> = (0..dataset.len() as u32).collect();
        let (validation, rows) = rows.split_at(FEW);
        let Prepared { model, config, .. } = prepare(&config, &dataset, rows)?;
        let mut trainer = Trainer::new(model, config.training, &dataset, rows.to_vec(), validation.to_vec())?;
        threads.run(|split| trainer.run(split, None, &mut Silent, &mut |_| Ok(false)))?;
        if let Some(name) = trainer.not_finite() {
            return Err(Error::training(format!("{name} is not finite")));
        }
        let mut digest = Digest::default();
        for epoch in trainer.history() {
            let terms = epoch.terms.iter().map(|term| term.value);
            [epoch.loss].into_iter().chain(terms).chain(epoch.validation_loss).for_each(|loss| digest.add_one(loss));
        }
        let (model, _) = trainer.into_model();
        let parameters = model.parameters();
        parameters.ids().for_each(|id| digest.add(parameters.view(id)));
        let samples = uniform(FEW * dataset.features(), 0.0, 1.0);
        digest.add(&reconstruct(&model, &samples, threads)?);
        Ok(digest)
    }
}

/// What a model makes of samples that are scaled already.
fn reconstruct(model: &Model, samples: &[f32], threads: Threads<'_>) -> Result<Vec<f32>> {
    let autoencoder = model.autoencoder();
    let Recorded { plan, inputs, outputs: y } = model.recorded(FEW, |pass, inputs| {
        let code = autoencoder.encode(pass, inputs);
        let raw = autoencoder.decode(pass, &code, inputs);
        let y = autoencoder.parts().reconstruction.output(pass, raw);
        (y, vec![y])
    })?;
    let mut workspace = plan.workspace()?;
    workspace.input_mut(inputs.x)?.copy_from_slice(samples);
    threads.run(|split| plan.forward(model.parameters(), &mut workspace, split))?;
    Ok(workspace.value(y)?.to_vec())
}

/// Made-up numbers.
fn uniform(len: usize, low: f32, high: f32) -> Vec<f32> {
    let mut values = vec![0.0; len];
    fill_uniform(2, 0, 0, low, high, &mut values);
    values
}
