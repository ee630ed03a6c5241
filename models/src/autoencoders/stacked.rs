//! The stacked autoencoder: its layers are trained one after the other, each as an autoencoder of its own, and then
//! together (Bengio et al. 2007; Vincent et al. 2010).
//!
//! Layer ℓ sees the clean code h^(ℓ−1) of the layers below, only its own input corrupted, and learns with the layer of
//! the whole network's decoder that will undo it. Then the layers are unrolled and fine-tuned: `Σ` of nothing but the
//! reconstruction, or, with labels, a classifier on the code, at first alone (softmax regression on a frozen encoder)
//! and then together with the encoder.
//!
//! A layer's objective: its reconstruction (that of the data for the first; for a sigmoid layer the cross-entropy, else
//! the squared error of its activation) and, by `pretrain`, one of the penalties of `objective`.

use super::{Autoencoder, Base, Inputs, Parts, Phase, Sample, Takes, Type};
use crate::nn::{ActivationName, Linear, Mode, Pass};
use crate::objective::{
    Builder, Contraction, ContractionKeys, Corrupted, Corruption, CorruptionName, L1Keys, MeanName, Objective,
    Reconstruction, Sparsity, SparsityKeys, check_sparsity, record_l1,
};
use crate::settings::{Range, groups, settings, word};
use crate::{Error, Result};
use narrows_engine::ops::Reduction;
use narrows_engine::{ParameterId, Parameters, Real, Var};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// The type of the one-layer autoencoders that a stacked one is pretrained as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum PretrainName {
    /// Without a further term; denoising, if a corruption is set.
    Plain,
    /// With the divergence of mean activations from `sparsity`.
    Sparse,
    /// With the sum of absolute activations.
    L1,
    /// With the norm of the layer's Jacobian.
    Contractive,
}

word!(PretrainName, "pretrain");

/// What follows the pretraining of a stacked autoencoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum FineTuneName {
    /// The whole autoencoder, on its reconstruction.
    Reconstruction,
    /// A classifier on the code, first alone and then together with the encoder.
    Classifier,
    /// Nothing.
    None,
}

word!(FineTuneName, "fine_tune");

settings! {
    /// The keys of the phases.
    Keys {
        pretrain: PretrainName = PretrainName::Plain, "NAME", "type of the layers while they are pretrained";
        pretrain_epochs: u64 = 15, "N", "epochs for each layer", in Range::<u64>::NONE_OR_COUNT;
        fine_tune: FineTuneName = FineTuneName::Reconstruction, "NAME", "what follows the pretraining";
        classifier_epochs: u64 = 10, "N", "epochs of the classifier alone, before it is fine-tuned together with the encoder",
            in Range::<u64>::NONE_OR_COUNT, where fine_tune is ["classifier"];
    }
}

groups! {
    /// The keys of the type.
    StackedSettings {
        /// Those of every type.
        base: Base,
        /// Of the phases.
        keys: Keys,
        /// Of layers that are sparse.
        sparsity: SparsityKeys,
        /// Of layers with an L1 penalty.
        l1: L1Keys,
        /// Of contractive layers.
        contraction: ContractionKeys,
    }
}

/// The type.
#[derive(Debug)]
pub struct Stacked;

impl Type for Stacked {
    type Settings = StackedSettings;
    const NAME: &'static str = "stacked";
    const ABOUT: &'static str = "layers trained one after the other, then together";
    const TRAINING: &'static [(&'static str, &'static str)] = &[("lr", "1e-2")];

    fn settings() -> StackedSettings {
        let mut base = Base::shallow(32);
        base.body.dense.hidden = vec![64];
        base.body.shared.general.activation = ActivationName::Sigmoid;
        base.corruption.corruption = CorruptionName::Masking;
        StackedSettings { base, ..StackedSettings::default() }
    }

    fn settle(settings: &mut StackedSettings, sample: &Sample) -> Result<Vec<String>> {
        let classifier = settings.keys.fine_tune == FineTuneName::Classifier;
        let said = "fine-tuned for classes, the encoder no longer fits the decoder: look at the accuracy";
        let said = classifier.then(|| said.to_owned());
        let settled = settings.base.settle(sample, false, "--loss mse")?;
        Ok(settled.into_iter().chain(settings.unread_penalties()).chain(said).collect())
    }

    fn build<T: Real>(
        settings: &StackedSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        check(settings, sample.classes)?;
        let parts = Parts::new(&settings.base, sample, parameters)?;
        let layers = parts.dense(
            "a stacked autoencoder pretrains dense layers with nothing between them; give --body \
                                  dense, norm none and dropout 0",
        )?;
        let contract =
            |layer: &(Linear, ActivationName)| Contraction::new(settings.contraction.contraction, layer, "activation");
        let contractions = match settings.keys.pretrain {
            PretrainName::Contractive => layers.encoder.layers().iter().map(contract).collect::<Result<_>>()?,
            _ => Vec::new(),
        };
        let code = parts.body.code_size();
        let classifier = match (settings.keys.fine_tune, sample.classes) {
            (FineTuneName::Classifier, Some(classes)) => Some(Linear::new(parameters, "classifier", code, classes)?),
            _ => None,
        };
        Ok(Box::new(StackedAutoencoder {
            parts: parts.penalised(&settings.base, parameters),
            all: parameters.ids().collect(),
            settings: settings.clone(),
            sparsity: Sparsity::of_batches(&settings.sparsity),
            contractions,
            classifier,
        }))
    }
}

impl StackedSettings {
    /// Penalties that were set and that no layer has.
    fn unread_penalties(&self) -> Vec<String> {
        let default = Self::default();
        let (pretrain, mut said) = (self.keys.pretrain, Vec::new());
        let mut unread = |read: bool, changed: bool, key: &str, word: &str| {
            said.extend((!read && changed).then(|| format!("{key} is not used; give --pretrain {word}")));
        };
        unread(pretrain == PretrainName::Sparse, self.sparsity != default.sparsity, "sparsity", "sparse");
        unread(pretrain == PretrainName::L1, self.l1 != default.l1, "l1", "l1");
        unread(
            pretrain == PretrainName::Contractive,
            self.contraction != default.contraction,
            "contraction",
            "contractive",
        );
        said
    }
}

/// Refuses what layers cannot be pretrained with.
fn check(settings: &StackedSettings, classes: Option<usize>) -> Result<()> {
    let (general, dense, keys) = (&settings.base.body.shared.general, &settings.base.body.dense, &settings.keys);
    let layers = dense.hidden.iter().map(|_| ("activation", general.activation));
    if keys.pretrain == PretrainName::Sparse {
        let mut layers = layers.chain([("code_activation", general.code_activation)]);
        layers.try_for_each(|(key, activation)| check_sparsity(key, activation))?;
        if settings.sparsity.sparsity_mean == MeanName::Running {
            return Err(Error::usage("pretraining takes mean activations over batches; give sparsity_mean batch"));
        }
    }
    let unit = Corruption::new(&settings.base.corruption)?.filter(Corruption::needs_unit_data);
    if let Some(corruption) = unit.filter(|_| !dense.hidden.is_empty() && general.activation != ActivationName::Sigmoid)
    {
        return Err(Error::usage(format!(
            "corruption {} goes to 0 and 1, and the second layer's input is {}; give --activation sigmoid, or another \
             corruption",
            corruption.kind().name(),
            general.activation.name()
        )));
    }
    if keys.fine_tune == FineTuneName::Classifier && classes.is_none_or(|classes| classes < 2) {
        return Err(Error::usage(
            "fine_tune is classifier and the data have no labels of two or more classes; give data with labels, or \
             fine_tune reconstruction",
        ));
    }
    if dense.decoder.units(&dense.hidden) != crate::bodies::DecoderLayers::Mirror.units(&dense.hidden) {
        return Err(Error::usage("each layer of a stacked encoder needs one that undoes it; give decoder mirror"));
    }
    if keys.pretrain_epochs == 0 && keys.fine_tune == FineTuneName::None {
        return Err(Error::usage(
            "pretrain_epochs is 0 and fine_tune is none; nothing would be trained: give one of them",
        ));
    }
    Ok(())
}

/// Numbers of phases: the layers from 0, and these.
const WHOLE: usize = usize::MAX;
const CLASSIFIER: usize = usize::MAX - 1;
const FINE_TUNING: usize = usize::MAX - 2;

/// A layer and its activation.
type Layer = (Linear, ActivationName);

/// The autoencoder.
#[derive(Debug)]
struct StackedAutoencoder<T: Real> {
    parts: Parts<T>,
    settings: StackedSettings,
    sparsity: Sparsity,
    /// One for each layer, where they are contractive.
    contractions: Vec<Contraction>,
    classifier: Option<Linear>,
    all: Vec<ParameterId>,
}

impl<T: Real> StackedAutoencoder<T> {
    fn classifier_ids(&self) -> Vec<ParameterId> {
        self.classifier.iter().flat_map(|layer| [layer.weight(), layer.bias()]).collect()
    }

    /// The layers each way; `build` has seen to it that there are.
    fn layers(&self) -> (&[Layer], &[Layer]) {
        self.parts.body.dense_layers().map_or((&[], &[]), |of| (of.encoder.layers(), of.decoder.layers()))
    }

    /// The objective of layer `number` alone, and what it trains.
    #[track_caller]
    fn layer(&self, pass: &Pass<'_, T>, x: Var, number: usize) -> (Builder, Var, Vec<ParameterId>) {
        let (encoder, decoder) = self.layers();
        let below = encoder.iter().take(number).fold(x, |h, (layer, activation)| layer.record(pass, h, *activation));
        let target = pass.stop_gradient(below);
        let Corrupted { input, weights, .. } = match &self.parts.corruption {
            Some(corruption) => corruption.record(pass, target),
            None => Corrupted { input: target, weights: None, kept: None },
        };
        let layer = &encoder[number];
        let h = layer.0.record(pass, input, layer.1);
        let (back, activation) = &decoder[decoder.len() - 1 - number];
        let mut builder = Builder::default();
        let value = match (number, activation) {
            (0, _) => {
                let raw = back.record(pass, h, ActivationName::Linear);
                self.parts.reconstruction.record(pass, raw, target, weights)
            }
            (_, ActivationName::Sigmoid) => {
                let logits = back.record(pass, h, ActivationName::Linear);
                Reconstruction::CrossEntropy.record(pass, logits, target, weights)
            }
            (_, activation) => {
                let output = back.record(pass, h, *activation);
                Reconstruction::SquaredError { sigmoid: false }.record(pass, output, target, weights)
            }
        };
        builder.term("reconstruction", 1.0, value);
        match self.settings.keys.pretrain {
            PretrainName::Plain => {}
            PretrainName::Sparse => self.sparsity.record(pass, h, &mut builder),
            PretrainName::L1 => record_l1(pass, h, self.settings.l1.l1, &mut builder),
            PretrainName::Contractive => self.contractions[number].record(pass, h, &mut builder),
        }
        let trained = [layer.0.weight(), layer.0.bias(), back.weight(), back.bias()].to_vec();
        (builder, h, trained)
    }

    /// The objective of the classifier on the code, of an encoder that learns with it or not, and what it trains.
    #[track_caller]
    fn classification(
        &self,
        pass: &Pass<'_, T>,
        inputs: &Inputs,
        with_encoder: bool,
    ) -> (Builder, Var, Vec<ParameterId>) {
        let code = self.parts.encode(pass, inputs).value;
        let seen = if with_encoder { code } else { pass.stop_gradient(code) };
        let mut builder = Builder::default();
        let mut trained = Vec::new();
        if let (Some(layer), Some(labels)) = (&self.classifier, inputs.labels) {
            let logits = layer.record(pass, seen, ActivationName::Linear);
            builder.term("classification", 1.0, pass.softmax_cross_entropy(logits, labels, Reduction::SumOverFeatures));
            trained.extend([layer.weight(), layer.bias()]);
        }
        if with_encoder {
            trained.extend(self.layers().0.iter().flat_map(|(layer, _)| [layer.weight(), layer.bias()]));
        }
        (builder, code, trained)
    }
}

impl<T: Real> Autoencoder<T> for StackedAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn phase_takes(&self, phase: &Phase) -> Takes {
        Takes { labels: matches!(phase.number, CLASSIFIER | FINE_TUNING), mask: false }
    }

    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.parts.body.initialise(parameters, seed);
        let init = self.settings.base.body.shared.general.init;
        self.classifier.iter().for_each(|layer| layer.initialise(parameters, init, seed));
    }

    fn objective(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Objective {
        let mut builder = Builder::default();
        let (seen, weights) = self.parts.corrupt(pass, inputs);
        let code = self.parts.encode(pass, &seen);
        let raw = self.decode(pass, &code, inputs);
        builder.raw = Some(raw);
        builder.term("reconstruction", 1.0, self.parts.reconstruction.record(pass, raw, inputs.x, weights));
        // The whole autoencoder has no use for a classifier.
        builder.frozen.extend(self.classifier_ids());
        self.parts.penalise(pass, &mut builder, |_| true);
        builder.finish(pass, code.value)
    }

    fn phases(&self, epochs: u64) -> Vec<Phase> {
        let keys = &self.settings.keys;
        let layers = self.layers().0.len();
        let named = |name: String, epochs, number| Phase { number, ..Phase::of(name, epochs) };
        let pretraining = |layer| format!("pretraining layer {} of {layers}", layer + 1);
        let mut all: Vec<Phase> =
            (0..layers).map(|layer| named(pretraining(layer), keys.pretrain_epochs, layer)).collect();
        match keys.fine_tune {
            FineTuneName::Reconstruction => all.push(named("fine-tuning".into(), epochs, WHOLE)),
            FineTuneName::Classifier if self.classifier.is_some() => {
                let alone = named("classifier".into(), keys.classifier_epochs, CLASSIFIER);
                all.push(Phase { keeps: true, ..alone });
                all.push(named("fine-tuning with the classifier".into(), epochs, FINE_TUNING));
            }
            FineTuneName::Classifier | FineTuneName::None => {}
        }
        all.retain(|phase| phase.epochs > 0);
        all
    }

    fn turn(&self, pass: &Pass<'_, T>, inputs: &Inputs, phase: &Phase, _: usize) -> Objective {
        let (mut builder, code, trained) = match phase.number {
            // Once unrolled, the whole sees clean inputs.
            WHOLE => return self.objective(&Pass::new(pass.tape(), Mode::Evaluation), inputs),
            CLASSIFIER => self.classification(pass, inputs, false),
            FINE_TUNING => self.classification(pass, inputs, true),
            layer => self.layer(pass, inputs.x, layer),
        };
        let is_trained = |id: ParameterId| trained.contains(&id);
        self.parts.penalise(pass, &mut builder, is_trained);
        builder.frozen.extend(self.all.iter().copied().filter(|&id| !is_trained(id)));
        builder.finish(pass, code)
    }

    fn couples_samples(&self) -> bool {
        self.settings.keys.pretrain == PretrainName::Sparse || self.parts.reconstruction.couples_samples()
    }

    fn remarks(&self, sample: &Sample, _: u64) -> Vec<String> {
        self.parts.uncompressed(sample).into_iter().collect()
    }

    fn classify(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Option<Var> {
        let layer = self.classifier.as_ref()?;
        Some(layer.record(pass, self.encode(pass, inputs).value, ActivationName::Linear))
    }
}
