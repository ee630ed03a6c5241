//! The stacked autoencoder: layers trained one after the other, then together (Bengio et al. 2007; Vincent et al.
//! 2010).
//!
//! Layer ℓ is an autoencoder of its own on the code h^(ℓ−1) of those before it, which stay as they are; only its own
//! input is corrupted, h^(ℓ−1) itself is clean. Its own decoder is the layer of the whole network's decoder that will
//! undo it. Then the layers are unrolled and fine-tuned: `Σ` of nothing but the reconstruction, or, with labels, a
//! classifier on the code, at first alone (softmax regression on a frozen encoder) and then together with the encoder.
//!
//! A layer's objective: its reconstruction (that of the data for the first; for a sigmoid layer the cross-entropy, else
//! the squared error of its activation) and, by `pretrain`, one of the terms of `sparse`, `l1` and `contractive`.

use super::body::Dense;
use super::corruption::{Corrupted, Corruption};
use super::objective::{Builder, Mode, Objective};
use super::reconstruction::Reconstruction;
use super::sparse::Sparse;
use super::{contractive, l1, sparse};
use crate::config::{Config, FineTuneName, MeanName, PretrainName};
use crate::nn::{ActivationName, Linear};
use crate::{Error, Result};
use narrows_engine::ops::Reduction;
use narrows_engine::{ParameterId, Parameters, Real, Shape, Tape, Var};

/// What a layer has besides its reconstruction, and the classifier.
#[derive(Debug, Clone)]
pub(super) struct Stacked {
    pretrain: PretrainName,
    sparse: Sparse,
    l1: f64,
    contraction: f64,
    pub(super) classifier: Option<Linear>,
}

/// Refuses what layers cannot be pretrained with.
fn check(config: &Config, classes: Option<usize>) -> Result<()> {
    let layers = config.hidden.iter().map(|_| ("activation", config.activation));
    for (key, activation) in layers.chain([("code_activation", config.code_activation)]) {
        match config.pretrain {
            PretrainName::Sparse => sparse::check(key, activation)?,
            PretrainName::Contractive => contractive::check(key, activation)?,
            PretrainName::Plain | PretrainName::L1 => {}
        }
    }
    if config.pretrain == PretrainName::Sparse && config.sparsity_mean == MeanName::Running {
        return Err(Error::usage("pretraining takes mean activations over batches; give sparsity_mean batch"));
    }
    let unit = Corruption::new(config)?.is_some_and(|corruption| corruption.needs_unit_data());
    if unit && !config.hidden.is_empty() && config.activation != ActivationName::Sigmoid {
        return Err(Error::usage(format!(
            "corruption {} goes to 0 and 1, and the second layer's input is {}; give --activation sigmoid, or another \
             corruption",
            config.corruption.name(),
            config.activation.name()
        )));
    }
    if config.fine_tune == FineTuneName::Classifier && classes.is_none_or(|classes| classes < 2) {
        return Err(Error::usage(
            "fine_tune is classifier and the data have no labels of two or more classes; give data with labels, or \
             fine_tune reconstruction",
        ));
    }
    if config.decoder.units(&config.hidden) != crate::config::DecoderLayers::Mirror.units(&config.hidden) {
        return Err(Error::usage("each layer of a stacked encoder needs one that undoes it; give decoder mirror"));
    }
    Ok(())
}

impl Stacked {
    /// Adds the classifier, if there is one.
    pub(super) fn new<T: Real>(
        config: &Config,
        code: usize,
        classes: Option<usize>,
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        check(config, classes)?;
        let classifier = match (config.fine_tune, classes) {
            (FineTuneName::Classifier, Some(classes)) => Some(Linear::new(parameters, "classifier", code, classes)?),
            _ => None,
        };
        Ok(Self {
            pretrain: config.pretrain,
            sparse: Sparse::of_batches(config),
            l1: config.l1,
            contraction: config.contraction,
            classifier,
        })
    }

    /// Whether a batch's value is not the mean of its samples'.
    pub(super) fn couples_samples(&self) -> bool {
        self.pretrain == PretrainName::Sparse
    }

    /// The objective of layer `number` (from 0) alone. `own` says what the data's reconstruction is compared by.
    #[track_caller]
    pub(super) fn layer<T: Real>(
        &self,
        tape: &Tape<T>,
        x: Var,
        body: &Dense,
        number: usize,
        own: &Reconstruction,
        corruption: Option<&Corruption>,
    ) -> (Objective, Vec<ParameterId>) {
        let (encoder, decoder) = (body.encoder().layers(), body.decoder().layers());
        let below = encoder.iter().take(number).fold(x, |h, (layer, activation)| layer.record(tape, h, *activation));
        let target = tape.stop_gradient(below);
        let Corrupted { input, weights } = match corruption {
            Some(corruption) => corruption.record(tape, target),
            None => Corrupted { input: target, weights: None },
        };
        let layer = &encoder[number];
        let h = layer.0.record(tape, input, layer.1);
        let (back, activation) = &decoder[decoder.len() - 1 - number];
        let mut builder = Builder::default();
        let value = match (number, activation) {
            (0, _) => own.record(tape, back.record(tape, h, ActivationName::Linear), target, weights),
            (_, ActivationName::Sigmoid) => {
                let logits = back.record(tape, h, ActivationName::Linear);
                Reconstruction::CrossEntropy.record(tape, logits, target, weights)
            }
            (_, activation) => {
                let output = back.record(tape, h, *activation);
                Reconstruction::SquaredError { sigmoid: false }.record(tape, output, target, weights)
            }
        };
        builder.term("reconstruction", 1.0, value);
        match self.pretrain {
            PretrainName::Plain => {}
            PretrainName::Sparse => self.sparse.record(tape, h, Mode::Training, &mut builder),
            PretrainName::L1 => l1::record(tape, h, self.l1, &mut builder),
            PretrainName::Contractive => contractive::record(tape, h, layer, self.contraction, &mut builder),
        }
        let trained = [layer.0.weight(), layer.0.bias(), back.weight(), back.bias()].to_vec();
        (builder.finish(tape, h), trained)
    }

    /// The class of each sample, as logits `[N, classes]`.
    #[track_caller]
    pub(super) fn logits<T: Real>(&self, tape: &Tape<T>, code: Var) -> Option<Var> {
        self.classifier.as_ref().map(|layer| layer.record(tape, code, ActivationName::Linear))
    }

    /// The objective of the classifier on the code, of an encoder that learns with it or not.
    #[track_caller]
    pub(super) fn classify<T: Real>(
        &self,
        tape: &Tape<T>,
        x: Var,
        body: &Dense,
        with_encoder: bool,
    ) -> (Objective, Vec<ParameterId>) {
        let code = body.encode(tape, x);
        let seen = if with_encoder { code } else { tape.stop_gradient(code) };
        let labels = tape.input("labels", Shape::batch(&[1]));
        let mut builder = Builder::default();
        builder.labels = Some(labels);
        let mut trained = Vec::new();
        if let (Some(logits), Some(layer)) = (self.logits(tape, seen), &self.classifier) {
            builder.term("classification", 1.0, tape.softmax_cross_entropy(logits, labels, Reduction::SumOverFeatures));
            trained.extend([layer.weight(), layer.bias()]);
        }
        if with_encoder {
            trained.extend(body.encoder().layers().iter().flat_map(|(layer, _)| [layer.weight(), layer.bias()]));
        }
        (builder.finish(tape, code), trained)
    }
}
