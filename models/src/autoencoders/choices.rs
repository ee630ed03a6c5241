//! Choices that contradict each other are refused; those that a type does not read are said.

use super::{ModelKind, Upsample};
use crate::config::{Config, CorruptionName, FineTuneName, LikelihoodName, LossName, OptimizerName, PretrainName};
use crate::{Error, Result};

/// Refuses what makes no sense together. What concerns one type or one part alone, that type or part refuses.
pub(super) fn check(config: &Config, features: usize) -> Result<()> {
    if features == 0 {
        return Err(Error::data("samples of no numbers"));
    }
    if config.tied && config.is_convolutional() {
        return Err(Error::usage(
            "tied weights need a decoder that mirrors the encoder layer by layer, and a convolutional decoder has a layer more; \
             give tied false, or body dense",
        ));
    }
    if config.model == ModelKind::Stacked && config.is_convolutional() {
        return Err(Error::usage("a stacked autoencoder pretrains dense layers; give --body dense"));
    }
    if config.model == ModelKind::Pca && (config.corruption != CorruptionName::None || config.l2 > 0.0) {
        return Err(Error::usage("pca is fitted in closed form, which knows no corruption and no l2; leave both away"));
    }
    if config.model == ModelKind::Variational && (config.emphasis_corrupted, config.emphasis_clean) != (1.0, 1.0) {
        return Err(Error::usage(
            "emphasis makes of a likelihood what is none, and a variational objective needs one; give emphasis 1 for both",
        ));
    }
    if config.patience > 0 && config.validation == 0.0 && config.model != ModelKind::Pca {
        return Err(Error::usage(
            "patience waits for a better validation loss, and validation is 0; give a fraction to hold out, such as 0.1",
        ));
    }
    if config.optimizer == OptimizerName::Lbfgs && config.ema > 0.0 {
        return Err(Error::usage("ema averages noisy steps, and L-BFGS takes none; give ema 0"));
    }
    Ok(())
}

/// Settles a variational likelihood and the loss that goes with it.
///
/// # Errors
/// A likelihood that contradicts the loss.
pub(crate) fn settle_likelihood(config: &mut Config) -> Result<()> {
    if config.model != ModelKind::Variational {
        return Ok(());
    }
    let contradiction = |likelihood: LikelihoodName, loss: LossName| {
        Err(Error::usage(format!(
            "likelihood {} and loss {} contradict each other; leave one of them auto",
            likelihood.name(),
            loss.name()
        )))
    };
    config.loss = match (config.likelihood, config.loss) {
        (LikelihoodName::Bernoulli, LossName::Mse)
        | (LikelihoodName::Gaussian | LikelihoodName::Sigma, LossName::Bce) => {
            return contradiction(config.likelihood, config.loss);
        }
        (LikelihoodName::Bernoulli, _) => LossName::Bce,
        (LikelihoodName::Gaussian | LikelihoodName::Sigma, _) => LossName::Mse,
        (LikelihoodName::Auto, loss) => loss,
    };
    Ok(())
}

/// The likelihood that a settled loss means.
pub(crate) fn likelihood_of(config: &Config) -> LikelihoodName {
    match (config.likelihood, config.loss) {
        (LikelihoodName::Auto, LossName::Bce) => LikelihoodName::Bernoulli,
        (LikelihoodName::Auto, _) => LikelihoodName::Gaussian,
        (likelihood, _) => likelihood,
    }
}

/// What of a configuration the model does not read though it was changed, in words.
pub(crate) fn unused(config: &Config) -> Vec<String> {
    let default = Config::of(config.model);
    let mut unused = Vec::new();
    // The keys, whether any of them was changed, and what reads them.
    let mut group = |read: bool, reader: &str, keys: &[(&str, bool)]| {
        let changed = keys.iter().filter(|(_, changed)| *changed && !read);
        unused.extend(changed.map(|(key, _)| format!("{key} is not used; {reader}")));
    };
    let (model, convolutional) = (config.model, config.is_convolutional());
    group(
        !convolutional,
        "a convolutional body's layers are filters",
        &[("hidden", config.hidden != default.hidden), ("decoder", config.decoder != default.decoder)],
    );
    group(
        convolutional,
        "give --body convolutional for convolutions",
        &[
            ("filters", config.filters != default.filters),
            ("kernel", config.kernel != default.kernel),
            ("downsample", config.downsample != default.downsample),
            ("upsample", config.upsample != default.upsample),
            ("bottleneck", config.bottleneck != default.bottleneck),
        ],
    );
    let map = convolutional && config.bottleneck == super::Bottleneck::Map;
    group(
        !map,
        "the code is the last image; for numbers give --bottleneck dense",
        &[("code", config.code != default.code)],
    );
    let stacked = |pretrain| model == ModelKind::Stacked && config.pretrain == pretrain;
    group(
        model == ModelKind::Sparse || stacked(PretrainName::Sparse),
        "give --model sparse",
        &[
            ("sparsity", config.sparsity != default.sparsity),
            ("sparsity_weight", config.sparsity_weight != default.sparsity_weight),
            ("sparsity_mean", config.sparsity_mean != default.sparsity_mean),
        ],
    );
    group(model == ModelKind::L1 || stacked(PretrainName::L1), "give --model l1", &[("l1", config.l1 != default.l1)]);
    group(
        model == ModelKind::KSparse,
        "give --model k-sparse",
        &[("k", config.k != default.k), ("k_test", config.k_test != default.k_test)],
    );
    group(
        model == ModelKind::Contractive || stacked(PretrainName::Contractive),
        "give --model contractive",
        &[("contraction", config.contraction != default.contraction)],
    );
    // A settled configuration names the one that goes with the loss.
    let auto = Config { likelihood: default.likelihood, ..config.clone() };
    let likelihood = config.likelihood != default.likelihood && config.likelihood != likelihood_of(&auto);
    group(
        model == ModelKind::Variational,
        "give --model variational",
        &[
            ("likelihood", likelihood),
            ("sigma", config.sigma != default.sigma),
            ("beta", config.beta != default.beta),
            ("beta_warmup", config.beta_warmup != default.beta_warmup),
            ("capacity", config.capacity != default.capacity),
        ],
    );
    group(
        model == ModelKind::Stacked,
        "give --model stacked",
        &[
            ("pretrain", config.pretrain != default.pretrain),
            ("pretrain_epochs", config.pretrain_epochs != default.pretrain_epochs),
            ("fine_tune", config.fine_tune != default.fine_tune),
        ],
    );
    group(
        config.corruption != CorruptionName::None,
        "give --corruption masking or another",
        &[("corruption_level", config.corruption_level != default.corruption_level)],
    );
    let lbfgs = config.optimizer == OptimizerName::Lbfgs;
    group(
        !lbfgs,
        "L-BFGS finds its own steps over all samples at once",
        &[
            ("lr", config.lr != default.lr),
            ("schedule", config.schedule != default.schedule),
            ("warmup", config.warmup != default.warmup),
            ("clip", config.clip != default.clip),
            ("weight_decay", config.weight_decay != default.weight_decay),
        ],
    );
    unused
}

/// What the choices mean though nothing says so, in words.
pub(crate) fn remarks(config: &Config, features: usize, code: usize) -> Vec<String> {
    let mut remarks = Vec::new();
    if config.is_convolutional() && config.upsample == Upsample::Max {
        remarks.push("max unpooling passes the places of maxima beside the code, which PCA cannot".to_owned());
    }
    let copies = matches!(config.model, ModelKind::Convolutional | ModelKind::Variational | ModelKind::Stacked);
    if code >= features && copies {
        remarks.push(format!("the code has {code} numbers for {features} of the data: nothing is compressed"));
    }
    if config.model == ModelKind::Overcomplete && config.l2 == 0.0 && config.corruption == CorruptionName::None {
        remarks
            .push("l2 is 0: nothing keeps a code larger than the data from copying it; give l2 1e-4, say".to_owned());
    }
    if config.model == ModelKind::Sparse && (config.batch as f64) * config.sparsity < 1.0 {
        remarks.push(format!(
            "a unit is to be on for {} of the samples, less than one of a batch of {}; give a larger batch, or sparsity_mean \
             running",
            config.sparsity, config.batch
        ));
    }
    if config.model == ModelKind::Variational {
        remarks.push(format!(
            "beta {} beside sums is a weight of {:.3e} beside means: 2 beta / {features} on the KL with the mean squared error",
            config.beta,
            mse_equivalent(config, features)
        ));
    }
    let noisy = config.corruption != CorruptionName::None || config.model == ModelKind::Variational;
    if config.optimizer == OptimizerName::Lbfgs && noisy {
        remarks.push("L-BFGS needs an objective that stays the same: noise is drawn once and kept".to_owned());
    }
    if config.model == ModelKind::Stacked && config.fine_tune == FineTuneName::Classifier {
        remarks.push("fine-tuned for classes, the encoder no longer fits the decoder: look at the accuracy".to_owned());
    }
    remarks
}

/// `w` of `mean squared error + w KL`, which has the minimum of `½‖x̂ − x‖² + β KL`: `2β/d`.
pub(crate) fn mse_equivalent(config: &Config, features: usize) -> f64 {
    2.0 * config.beta / features.max(1) as f64
}
