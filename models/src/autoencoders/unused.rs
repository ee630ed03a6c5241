//! Keys that were changed though the model does not read them: said, so that nobody waits for their effect.

use super::{Bottleneck, ModelKind, likelihood_of};
use crate::config::{Config, CorruptionName, FineTuneName, LikelihoodName, MeanName, OptimizerName, PretrainName};

/// Keys that are read together.
struct Group {
    /// Whether they are.
    read: bool,
    /// Why not, or what would read them.
    reader: &'static str,
    keys: &'static [&'static str],
}

const fn group(read: bool, reader: &'static str, keys: &'static [&'static str]) -> Group {
    Group { read, reader, keys }
}

/// What of a configuration the model does not read though it was changed, in words.
pub(crate) fn unused(config: &Config) -> Vec<String> {
    let mut default = Config::of(config.model);
    // A settled configuration names the likelihood that goes with the loss.
    if config.likelihood == likelihood_of(&Config { likelihood: LikelihoodName::Auto, ..config.clone() }) {
        default.likelihood = config.likelihood;
    }
    let changed = config.changed_from(&default);
    let groups = groups(config).into_iter().filter(|group| !group.read);
    let unread = groups.flat_map(|group| group.keys.iter().map(move |key| (*key, group.reader)));
    let unread = unread.filter(|(key, _)| changed.iter().any(|changed| changed == key));
    unread.map(|(key, reader)| format!("{key} is not used; {reader}")).collect()
}

/// Every key that some types or choices do not read.
fn groups(config: &Config) -> Vec<Group> {
    let parts = [layers(config), terms(config), variational(config), training(config)];
    parts.into_iter().flatten().collect()
}

fn layers(config: &Config) -> Vec<Group> {
    let convolutional = config.is_convolutional();
    let numbers = !convolutional || config.bottleneck == Bottleneck::Dense;
    let hidden = convolutional || !config.hidden.is_empty() || !config.decoder.units(&config.hidden).is_empty();
    vec![
        group(!convolutional, "a convolutional body's layers are filters", &["hidden", "decoder"]),
        group(
            convolutional,
            "give --body convolutional for convolutions",
            &["filters", "kernel", "downsample", "upsample", "bottleneck"],
        ),
        group(numbers, "the code is the last image; for numbers give --bottleneck dense", &["code"]),
        group(hidden, "there is no hidden layer; --code-activation is the code's", &["activation"]),
        group(config.data != "digits", "the data are no photographs", &["patch", "patches", "whiten"]),
    ]
}

fn terms(config: &Config) -> Vec<Group> {
    let model = config.model;
    let stacked = model == ModelKind::Stacked;
    let layers = |pretrain| stacked && config.pretrain == pretrain;
    let either = |own: &'static str, pretrain: &'static str| if stacked { pretrain } else { own };
    vec![
        group(
            model == ModelKind::Sparse || layers(PretrainName::Sparse),
            either("give --model sparse", "give --pretrain sparse"),
            &["sparsity", "sparsity_weight", "sparsity_mean"],
        ),
        group(config.sparsity_mean == MeanName::Running, "give sparsity_mean running", &["sparsity_decay"]),
        group(
            model == ModelKind::L1 || layers(PretrainName::L1),
            either("give --model l1", "give --pretrain l1"),
            &["l1"],
        ),
        group(model == ModelKind::KSparse, "give --model k-sparse", &["k", "k_test"]),
        group(
            model == ModelKind::Contractive || layers(PretrainName::Contractive),
            either("give --model contractive", "give --pretrain contractive"),
            &["contraction"],
        ),
        group(stacked, "give --model stacked", &["pretrain", "pretrain_epochs", "fine_tune"]),
        group(
            stacked && config.fine_tune == FineTuneName::Classifier,
            "give --model stacked --fine-tune classifier",
            &["classifier_epochs"],
        ),
        group(config.corruption != CorruptionName::None, "give --corruption masking or another", &["corruption_level"]),
        group(config.corruption == CorruptionName::Gaussian, "give --corruption gaussian", &["corruption_clip"]),
        group(config.l2 > 0.0, "give an --l2 above 0", &["l2_biases"]),
    ]
}

fn variational(config: &Config) -> Vec<Group> {
    let variational = config.model == ModelKind::Variational;
    let capacity = variational && config.capacity > 0.0;
    let gaussian = variational && likelihood_of(config) == LikelihoodName::Gaussian;
    let only = "give --model variational";
    vec![
        group(variational, only, &["likelihood", "capacity"]),
        group(gaussian, if variational { "give --likelihood gaussian" } else { only }, &["sigma"]),
        group(
            variational && !capacity,
            if capacity { "a capacity takes the place of beta" } else { only },
            &["beta", "beta_warmup"],
        ),
        group(
            capacity,
            if variational { "give a --capacity above 0" } else { only },
            &["capacity_weight", "capacity_warmup"],
        ),
    ]
}

fn training(config: &Config) -> Vec<Group> {
    let trained = config.model != ModelKind::Pca;
    let lbfgs = config.optimizer == OptimizerName::Lbfgs;
    let momentum = matches!(config.optimizer, OptimizerName::Sgd | OptimizerName::Nesterov);
    vec![
        group(
            trained,
            "pca is fitted, not trained",
            &["epochs", "batch", "optimizer", "ema", "patience", "init", "validation"],
        ),
        group(
            trained && !lbfgs,
            if trained { "L-BFGS finds its own steps over all samples at once" } else { "pca is fitted, not trained" },
            &["lr", "schedule", "warmup", "clip", "weight_decay"],
        ),
        group(momentum, "give --optimizer sgd or nesterov", &["momentum"]),
        group(lbfgs, "give --optimizer lbfgs", &["lbfgs_memory"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    /// Every key is read whatever the choices are, or is in a group that says when it is not.
    #[test]
    fn every_key_is_read_or_said() {
        let always = [
            "data",
            "model",
            "body",
            "tied",
            "code_activation",
            "output",
            "loss",
            "corruption",
            "emphasis_corrupted",
            "emphasis_clean",
            "l2",
            "seed",
            "test_fraction",
            "scaling",
        ];
        let groups = groups(&Config::default());
        for (key, _) in KEYS {
            let grouped = groups.iter().filter(|group| group.keys.contains(key)).count();
            assert_eq!(grouped + usize::from(always.contains(key)), 1, "{key}");
        }
    }

    #[test]
    fn what_is_not_read_is_said_with_what_would() {
        let said = |model: ModelKind, key: &str, value: &str| {
            let mut config = Config::of(model);
            config.set(key, value).unwrap();
            unused(&config).join("; ")
        };
        assert_eq!(said(ModelKind::Undercomplete, "k", "3"), "k is not used; give --model k-sparse");
        assert!(said(ModelKind::Stacked, "sparsity", "0.1").contains("--pretrain sparse"));
        assert!(said(ModelKind::Sparse, "activation", "tanh").contains("--code-activation"));
        assert!(said(ModelKind::Pca, "lr", "1").contains("fitted"));
        assert_eq!(said(ModelKind::KSparse, "k", "3"), "");
        assert_eq!(said(ModelKind::Variational, "likelihood", "gaussian"), "");
    }
}
