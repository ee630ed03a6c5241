//! The types of autoencoders, one a file; the objective stands at the top of each.
//!
//! A type is a body (dense or convolutional) and what its objective adds to a reconstruction. What every type may have
//! is a file of its own: `corruption`, `reconstruction` (the loss and the output), the L2 term (`overcomplete`).
//! `choices` says which of them make no sense together. `objective`: terms, weights and what rises with the steps.

pub mod body;
mod choices;
mod contractive;
mod convolutional;
mod corruption;
mod denoising;
mod k_sparse;
mod l1;
mod likelihood;
mod objective;
mod overcomplete;
mod pca;
mod phases;
mod reconstruction;
mod sparse;
mod stacked;
#[cfg(test)]
mod tests;
mod undercomplete;
mod unused;
mod variational;

use crate::config::{Config, words};
use crate::data::ImageShape;
use crate::{Error, Result};
use body::{Body, Encoded, Ends};
pub use body::{Bottleneck, Downsample, Upsample};
pub(crate) use choices::{bce_equivalent, likelihood_of, mse_equivalent, remarks, settle_likelihood};
use contractive::layer as contractive_layer;
pub use corruption::{Corrupted, Corruption};
use k_sparse::KSparse;
use narrows_engine::{ParameterId, Parameters, Real, Tape, Var};
use objective::Builder;
pub use objective::{Mode, Objective, Ramp, Term, Weight};
use overcomplete::L2;
pub use phases::Phase;
pub use reconstruction::Reconstruction;
pub(crate) use sparse::RUNNING_MEAN;
use sparse::Sparse;
use stacked::Stacked;
pub(crate) use unused::unused;
use variational::Variational;

words! {
    /// A type of autoencoder.
    ModelKind, "model" {
        /// A bottleneck narrower than the data.
        Undercomplete = "undercomplete",
        /// A code wider than the data, with an L2 penalty.
        Overcomplete = "overcomplete",
        /// Corrupted inputs, clean targets.
        Denoising = "denoising",
        /// Units that are on for a given share of the samples.
        Sparse = "sparse",
        /// An L1 penalty on the code.
        L1 = "l1",
        /// The k largest units of a code.
        KSparse = "k-sparse",
        /// A penalty on the encoder's Jacobian.
        Contractive = "contractive",
        /// Convolutions down to a small image or a code, and back up.
        Convolutional = "convolutional",
        /// A code that is a distribution.
        Variational = "variational",
        /// Layers trained one after the other, then together.
        Stacked = "stacked",
        /// Principal components, without training.
        Pca = "pca",
    }
}

/// An autoencoder of any type over parameters of its own.
#[derive(Debug, Clone)]
pub struct Autoencoder {
    body: Body,
    kind: Kind,
    reconstruction: Reconstruction,
    corruption: Option<Corruption>,
    l2: Option<L2>,
    all: Vec<ParameterId>,
}

/// What a type has besides its body.
#[derive(Debug, Clone)]
enum Kind {
    /// Nothing: undercomplete, overcomplete, denoising, convolutional.
    Plain,
    Sparse(Sparse),
    L1(f64),
    KSparse(KSparse),
    Contractive(Box<(crate::nn::Linear, crate::nn::ActivationName)>, f64),
    Variational(Box<Variational>),
    Stacked(Box<Stacked>),
    Pca,
}

impl Autoencoder {
    /// Adds the parameters of an autoencoder of the configuration's type for samples of `features` numbers, images or
    /// not, of `classes` classes if they have labels.
    ///
    /// # Errors
    /// A configuration that makes no sense for such data, or choices that contradict each other; sizes that are too
    /// large.
    pub fn new<T: Real>(
        config: &Config,
        features: usize,
        image: Option<ImageShape>,
        classes: Option<usize>,
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        if let Some(image) = image.filter(|image| image.features() != Some(features)) {
            return Err(Error::data(format!("images of {image} do not have {features} numbers")));
        }
        choices::check(config, features)?;
        let tensors = tensors(config, features, image, classes)?;
        parameters.reserve(&tensors.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        let body = Body::new(config, features, image, ends(config.model), parameters)?;
        let code = body.code_size();
        let kind = match config.model {
            ModelKind::Undercomplete => undercomplete::check(code, features).map(|()| Kind::Plain)?,
            ModelKind::Overcomplete => overcomplete::check(code, features).map(|()| Kind::Plain)?,
            ModelKind::Denoising => denoising::check(config).map(|()| Kind::Plain)?,
            ModelKind::Convolutional => convolutional::check(config).map(|()| Kind::Plain)?,
            ModelKind::Sparse => {
                sparse::check("code_activation", config.code_activation)?;
                Kind::Sparse(Sparse::new(config, code, parameters)?)
            }
            ModelKind::L1 => Kind::L1(config.l1),
            ModelKind::KSparse => Kind::KSparse(KSparse::new(config, code)?),
            ModelKind::Contractive => Kind::Contractive(Box::new(contractive_layer(&body)?), config.contraction),
            ModelKind::Variational => {
                variational::check(config)?;
                Kind::Variational(Box::new(Variational::new(config, body.trunk_size(), parameters)?))
            }
            ModelKind::Stacked => Kind::Stacked(Box::new(Stacked::new(config, code, classes, parameters)?)),
            ModelKind::Pca => pca::check(config, code, features).map(|()| Kind::Pca)?,
        };
        let likelihood = (config.model == ModelKind::Variational).then_some(config.likelihood);
        Ok(Self {
            reconstruction: Reconstruction::new(config, likelihood)?,
            corruption: Corruption::new(config)?,
            l2: L2::new(config, parameters),
            all: parameters.ids().collect(),
            body,
            kind,
        })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, config: &Config) {
        self.body.initialise(parameters, config);
        match &self.kind {
            Kind::Sparse(sparse) => sparse.initialise(parameters),
            Kind::Variational(variational) => variational.initialise(parameters, config),
            Kind::Stacked(stacked) => {
                let classifier = stacked.classifier.iter();
                classifier.for_each(|layer| layer.initialise(parameters, config.init, config.seed));
            }
            Kind::Plain | Kind::L1(_) | Kind::KSparse(_) | Kind::Contractive(..) | Kind::Pca => {}
        }
    }

    /// `x` `[N, features]` gives the code that it is decoded from, and what else a decoder needs.
    #[track_caller]
    fn encode_for<T: Real>(&self, tape: &Tape<T>, x: Var, mode: Mode) -> Encoded {
        let Encoded { code, switches } = self.body.encode(tape, x);
        let code = match &self.kind {
            Kind::KSparse(k_sparse) => k_sparse.record(tape, code, mode),
            Kind::Variational(variational) => variational.posterior(tape, code).mean,
            _ => code,
        };
        Encoded { code, switches }
    }

    /// `x` `[N, features]` gives the code `[N, code]`: of a variational autoencoder the mean.
    #[track_caller]
    pub fn encode<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.encode_for(tape, x, Mode::Evaluation).code
    }

    /// The code gives what the loss compares: logits where the output is a sigmoid, else the reconstruction.
    #[track_caller]
    pub fn decode_raw<T: Real>(&self, tape: &Tape<T>, code: Var) -> Var {
        self.body.decode(tape, &Encoded { code, switches: Vec::new() })
    }

    /// `x` gives what the loss compares.
    #[track_caller]
    pub fn reconstruct_raw<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.body.decode(tape, &self.encode_for(tape, x, Mode::Evaluation))
    }

    /// The code `[N, code]` gives the reconstruction `[N, features]`.
    #[track_caller]
    pub fn decode<T: Real>(&self, tape: &Tape<T>, code: Var) -> Var {
        self.reconstruction.output(tape, self.decode_raw(tape, code))
    }

    /// `x` `[N, features]` gives its reconstruction.
    #[track_caller]
    pub fn reconstruct<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.reconstruction.output(tape, self.reconstruct_raw(tape, x))
    }

    /// How a reconstruction is compared.
    pub fn reconstruction(&self) -> &Reconstruction {
        &self.reconstruction
    }

    /// How inputs are corrupted while training.
    pub fn corruption(&self) -> Option<&Corruption> {
        self.corruption.as_ref()
    }

    /// The whole objective for `x` `[N, features]`.
    #[track_caller]
    pub fn objective<T: Real>(&self, tape: &Tape<T>, x: Var, mode: Mode) -> Objective {
        let Corrupted { input, weights } = match (&self.corruption, mode) {
            (Some(corruption), Mode::Training) => corruption.record(tape, x),
            _ => Corrupted { input: x, weights: None },
        };
        let mut builder = Builder::default();
        let encoded = match &self.kind {
            Kind::Variational(variational) => {
                let Encoded { code, switches } = self.body.encode(tape, input);
                let posterior = variational.posterior(tape, code);
                let encoded = Encoded { code: posterior.sample(tape), switches };
                self.compare(tape, &encoded, x, weights, &mut builder);
                variational.record(tape, posterior, mode, &mut builder);
                encoded
            }
            _ => {
                let encoded = self.encode_for(tape, input, mode);
                self.compare(tape, &encoded, x, weights, &mut builder);
                encoded
            }
        };
        match &self.kind {
            Kind::Sparse(sparse) => sparse.record(tape, encoded.code, mode, &mut builder),
            Kind::L1(weight) => l1::record(tape, encoded.code, *weight, &mut builder),
            Kind::Contractive(layer, weight) => {
                contractive::record(tape, encoded.code, layer, *weight, &mut builder);
            }
            Kind::Plain | Kind::KSparse(_) | Kind::Variational(_) | Kind::Stacked(_) | Kind::Pca => {}
        }
        // The whole autoencoder has no use for a classifier.
        builder.frozen.extend(self.classifier());
        let frozen = builder.frozen.clone();
        self.penalise(tape, &mut builder, |id| !frozen.contains(&id));
        builder.finish(tape, encoded.code)
    }

    /// Adds the reconstruction's term.
    #[track_caller]
    fn compare<T: Real>(&self, tape: &Tape<T>, encoded: &Encoded, x: Var, weights: Option<Var>, builder: &mut Builder) {
        let raw = self.body.decode(tape, encoded);
        builder.raw = Some(raw);
        builder.term("reconstruction", 1.0, self.reconstruction.record(tape, raw, x, weights));
    }

    /// Adds the L2 term over the parameters for which `trained` holds.
    #[track_caller]
    fn penalise<T: Real>(&self, tape: &Tape<T>, builder: &mut Builder, trained: impl Fn(ParameterId) -> bool) {
        if let Some((l2, value)) = self.l2.as_ref().and_then(|l2| Some((l2, l2.record(tape, trained)?))) {
            builder.term("l2", l2.weight, value);
        }
    }

    /// The classifier's parameters.
    fn classifier(&self) -> Vec<ParameterId> {
        match &self.kind {
            Kind::Stacked(stacked) => {
                stacked.classifier.iter().flat_map(|layer| [layer.weight(), layer.bias()]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether an objective's value over a batch is not the mean of its samples' values, so that a batch must not be
    /// taken in parts.
    pub fn couples_samples(&self) -> bool {
        let kind = match &self.kind {
            Kind::Sparse(_) => true,
            Kind::Variational(variational) => variational.capacity().is_some(),
            Kind::Stacked(stacked) => stacked.couples_samples(),
            _ => false,
        };
        kind || self.reconstruction.couples_samples()
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        self.body.code_size()
    }

    /// Sizes from the data to the code and back, as in `784-32-784`.
    pub fn layers(&self) -> String {
        self.body.layers()
    }

    /// The layers.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Whether the loss is the binary cross-entropy.
    pub fn is_bce(&self) -> bool {
        self.reconstruction == Reconstruction::CrossEntropy
    }

    /// Whether it is fitted in closed form, by [`Self::fit`], and not trained.
    pub fn is_fitted(&self) -> bool {
        matches!(self.kind, Kind::Pca)
    }

    /// Writes principal components into the layers.
    pub fn fit(&self, pca: &crate::metrics::Pca, parameters: &mut Parameters<f32>) {
        pca::fill(&self.body, pca, parameters);
    }
}

/// Where the encoder of a type ends.
fn ends(model: ModelKind) -> Ends {
    if model == ModelKind::Variational { Ends::Open } else { Ends::Code }
}

/// The sizes of every tensor that is trained, in no order that matters.
///
/// # Errors
/// Sizes that are too large to be multiplied.
fn tensors(
    config: &Config,
    features: usize,
    image: Option<ImageShape>,
    classes: Option<usize>,
) -> Result<Vec<Vec<usize>>> {
    let too_large = || Error::usage("the layers are too large to count");
    if config.is_convolutional() && (image.is_none() || config.filters.is_empty()) {
        // The body says what is missing, in its own words.
        return Ok(Vec::new());
    }
    let mut all = body::tensors(config, features, image, ends(config.model)).ok_or_else(too_large)?;
    if config.model == ModelKind::Variational {
        let trunk = body::trunk_size(config, features, image).ok_or_else(too_large)?;
        all.extend([vec![config.code, trunk], vec![config.code], vec![config.code, trunk], vec![config.code]]);
    }
    if let (ModelKind::Stacked, crate::config::FineTuneName::Classifier, Some(classes)) =
        (config.model, config.fine_tune, classes)
    {
        all.extend([vec![classes, config.code], vec![classes]]);
    }
    Ok(all)
}

/// How many weights and biases a model of this configuration has for such data; `None` where there are too many to
/// count.
pub(crate) fn weights(
    config: &Config,
    features: usize,
    image: Option<ImageShape>,
    classes: Option<usize>,
) -> Option<usize> {
    let tensors = tensors(config, features, image, classes).ok()?;
    let product = |sizes: &Vec<usize>| sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
    tensors.iter().try_fold(0usize, |sum, sizes| sum.checked_add(product(sizes)?))
}
