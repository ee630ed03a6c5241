//! Choices that contradict each other are refused; what others mean, though nothing says so, is said.

use super::{ModelKind, Upsample};
use crate::config::{Config, CorruptionName, FineTuneName, LikelihoodName, LossName, MeanName, OptimizerName};
use crate::{Error, Result};

/// Refuses what makes no sense together. What concerns one type or one part alone, that type or part refuses.
pub(super) fn check(config: &Config, features: usize) -> Result<()> {
    if features == 0 {
        return Err(Error::data("samples of no numbers"));
    }
    // A type whose weights are tied by itself has them apart over convolutions.
    if config.tied && config.is_convolutional() && !Config::of(config.model).tied {
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
    if config.model == ModelKind::Stacked && config.pretrain_epochs == 0 && config.fine_tune == FineTuneName::None {
        return Err(Error::usage(
            "pretrain_epochs is 0 and fine_tune is none; nothing would be trained: give one of them",
        ));
    }
    settle_likelihood(&mut config.clone())?;
    check_lbfgs(config)
}

/// Refuses what moves while L-BFGS takes it to stay.
fn check_lbfgs(config: &Config) -> Result<()> {
    if config.optimizer != OptimizerName::Lbfgs {
        return Ok(());
    }
    if config.ema > 0.0 {
        return Err(Error::usage("ema averages noisy steps, and L-BFGS takes none; give ema 0"));
    }
    let variational = config.model == ModelKind::Variational;
    let moves = [
        ("beta_warmup", variational && config.capacity == 0.0 && config.beta_warmup > 0, "0"),
        ("capacity_warmup", variational && config.capacity > 0.0 && config.capacity_warmup > 0, "0"),
        ("sparsity_mean", config.model == ModelKind::Sparse && config.sparsity_mean == MeanName::Running, "batch"),
    ];
    match moves.into_iter().find(|(_, moves, _)| *moves) {
        Some((key, _, instead)) => Err(Error::usage(format!(
            "{key} changes the objective from step to step, and L-BFGS needs one that stays; give {key} {instead}"
        ))),
        None => Ok(()),
    }
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
    let of_batches = config.sparsity_mean == MeanName::Batch && config.optimizer != OptimizerName::Lbfgs;
    if config.model == ModelKind::Sparse && of_batches && (config.batch as f64) * config.sparsity < 1.0 {
        remarks.push(format!(
            "a unit is to be on for {} of the samples, less than one of a batch of {}; give a larger batch, or sparsity_mean \
             running",
            config.sparsity, config.batch
        ));
    }
    if config.model == ModelKind::Variational && config.capacity == 0.0 && config.likelihood != LikelihoodName::Sigma {
        let (mean, weight) = match config.likelihood {
            LikelihoodName::Bernoulli => ("mean cross-entropy", bce_equivalent(config, features)),
            _ => ("mean squared error", mse_equivalent(config, features)),
        };
        let short = crate::report::short;
        let gaussian = match config.likelihood {
            LikelihoodName::Bernoulli => {
                format!(
                    " (of a Gaussian with deviation 1: {} with the mean squared error)",
                    short(mse_equivalent(config, features))
                )
            }
            _ => String::new(),
        };
        remarks.push(format!(
            "beta {} with losses summed over features; with the {mean} per feature that is a weight of {} on the KL{gaussian}",
            config.beta,
            short(weight)
        ));
    }
    let never = |name: &str, warmup: u64| {
        (warmup > config.epochs)
            .then(|| format!("{name} rises over {warmup} epochs, and training ends after {}", config.epochs))
    };
    if config.model == ModelKind::Variational {
        remarks.extend(never("beta", config.beta_warmup).filter(|_| config.capacity == 0.0));
        remarks.extend(never("the capacity", config.capacity_warmup).filter(|_| config.capacity > 0.0));
    }
    let nothing = |key: &str, what: &str| format!("{key} is 0: {what}");
    let noise = config.corruption != CorruptionName::None && config.corruption != CorruptionName::Gaussian;
    let dropped = if config.corruption == CorruptionName::MaskingExact {
        (config.corruption_level * features as f64).floor()
    } else {
        config.corruption_level
    };
    if (noise || config.corruption == CorruptionName::Gaussian) && dropped == 0.0 {
        remarks.push("the corruption leaves every component as it is; give a larger corruption_level".to_owned());
    }
    match config.model {
        ModelKind::Sparse if config.sparsity_weight == 0.0 => {
            remarks.push(nothing("sparsity_weight", "nothing makes the code sparse"));
        }
        ModelKind::L1 if config.l1 == 0.0 => remarks.push(nothing("l1", "nothing makes the code sparse")),
        ModelKind::Contractive if config.contraction == 0.0 => {
            remarks.push(nothing("contraction", "nothing makes the code contract"));
        }
        ModelKind::KSparse if config.k == code => remarks.push(format!("k is {code}: all units are kept")),
        _ => {}
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

/// `w` of `mean squared error + w KL`, which has the minimum of `‖x̂ − x‖²/(2σ²) + β KL`: `2βσ²/d`. For another
/// likelihood than the Gaussian one, what it would be with σ = 1.
pub(crate) fn mse_equivalent(config: &Config, features: usize) -> f64 {
    let sigma = if config.likelihood == LikelihoodName::Gaussian { config.sigma } else { 1.0 };
    2.0 * config.beta * sigma * sigma / features.max(1) as f64
}

/// `w` of `mean cross-entropy + w KL`, which has the minimum of `Σ cross-entropy + β KL`: `β/d`.
pub(crate) fn bce_equivalent(config: &Config, features: usize) -> f64 {
    config.beta / features.max(1) as f64
}
