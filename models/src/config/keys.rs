//! The keys: one list that files, flags, `--set` and the documentation read.

use super::Config;
use super::words::Value;
use crate::suggest::did_you_mean;
use crate::{Error, Result};

/// Declares every key: its name is the field's, then what it means.
macro_rules! keys {
    ($($field:ident $about:literal,)*) => {
        /// Every key and what it means.
        pub const KEYS: &[(&str, &str)] = &[$((stringify!($field), $about)),*];

        impl Config {
            pub(super) fn assign(&mut self, key: &str, text: &str) -> Result<()> {
                match key {
                    $(stringify!($field) => self.$field = Value::read(key, text)?,)*
                    _ => {
                        let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
                        return Err(Error::usage(format!("unknown key `{key}`{}", did_you_mean(key, &known))));
                    }
                }
                Ok(())
            }
        }
    };
}

keys! {
    data "source of the data: digits, a folder of IDX files, or a folder of photographs",
    model "type of the autoencoder",
    body "auto, dense (fully connected layers) or convolutional",
    hidden "dense: units of the encoder's hidden layers, as in 512,256",
    code "units of the bottleneck; of a convolutional body if bottleneck is dense",
    decoder "dense: units of the decoder's hidden layers; mirror for those of the encoder turned round",
    tied "dense: whether the decoder's weights are the encoder's, transposed",
    filters "convolutional: filters of each level of the encoder, as in 16,8,8; the decoder mirrors them",
    kernel "convolutional: rows and columns of a kernel, an odd number",
    downsample "convolutional: pool or stride",
    upsample "convolutional: nearest, max or transposed",
    bottleneck "convolutional: map (the last image is the code) or dense (code numbers)",
    activation "activation of the hidden layers",
    code_activation "activation of the bottleneck",
    output "activation of the output: auto (sigmoid for bce, else linear), linear or sigmoid",
    loss "auto, mse or bce",
    corruption "noise on the input, with the loss against the clean one: none, masking, masking-exact, gaussian, salt-and-pepper",
    corruption_level "probability (gaussian: deviation) of the corruption",
    corruption_clip "whether gaussian noise is cut at 0 and 1",
    emphasis_corrupted "what corrupted components count in the loss",
    emphasis_clean "what clean components count in the loss",
    l2 "lambda of lambda |theta|^2, a term of the objective (its gradient is 2 lambda theta)",
    l2_biases "whether that counts biases too",
    sparsity "sparse: rho, the mean activation that each unit of the code should have",
    sparsity_weight "sparse: beta, the weight of the divergence from rho",
    sparsity_mean "sparse: batch or running",
    sparsity_decay "sparse: share of a running mean that stays at each step",
    l1 "l1: lambda of lambda sum |h|",
    k "k-sparse: how many units of the code are kept",
    k_test "k-sparse: how many times as many are kept when nothing is trained, 1 to 3",
    contraction "contractive: lambda of lambda |dh/dx|^2",
    likelihood "variational: auto, bernoulli, gaussian or sigma-vae",
    sigma "variational: deviation of a gaussian likelihood",
    beta "variational: weight of the KL divergence",
    beta_warmup "variational: epochs over which beta rises from 0",
    capacity "variational: nats of KL to come to, as capacity_weight |KL - C(t)|; 0 for plain beta",
    capacity_weight "variational: gamma of that",
    capacity_warmup "variational: epochs over which C(t) rises from 0",
    pretrain "stacked: type of the layers' own autoencoders: plain, sparse, l1 or contractive",
    pretrain_epochs "stacked: epochs for each layer",
    fine_tune "stacked: reconstruction, classifier or none",
    classifier_epochs "stacked: epochs of the classifier alone, before it is fine-tuned together with the encoder",
    epochs "how often the training part is gone through (stacked: in fine-tuning)",
    batch "samples in a batch",
    lr "learning rate",
    optimizer "sgd, nesterov, adam, adamw, rmsprop, lion, lamb or lbfgs",
    momentum "momentum of sgd and nesterov, 0 to below 1",
    weight_decay "factor of the optimiser's L2 penalty, or of the decay of adamw, lion and lamb",
    schedule "constant, cosine or step",
    warmup "steps over which the learning rate rises",
    clip "largest global norm of a gradient; 0 for none",
    ema "decay of an exponential moving average of the weights, which is what is kept; 0 for none",
    patience "epochs without a better validation loss before training ends, the best weights kept; 0 for never",
    lbfgs_memory "lbfgs: pairs of steps and gradients that it remembers",
    seed "seed of weights, shuffles, splits and noise",
    validation "fraction of the training part to choose the best weights by",
    test_fraction "fraction held out for the test where the source has no test part",
    scaling "auto, none, range, minmax or standard",
    init "how weights start: uniform, he or glorot",
    patch "photographs: rows and columns of a patch",
    patches "photographs: how many patches are cut out",
    whiten "photographs: whether they are whitened first (Olshausen & Field 1996)",
}
