//! The keys of training.

use crate::settings::{Range, settings, word};
use narrows_engine::optim::{Adam, AdamW, Decay, Lamb, Lion, OptimizerConfig, RmsProp, Schedule, Sgd};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// An optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum OptimizerName {
    /// Stochastic gradient descent, with `momentum`.
    Sgd,
    /// The same with Nesterov's momentum.
    Nesterov,
    /// Adam (Kingma & Ba 2014).
    Adam,
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2017).
    AdamW,
    /// RMSprop (Tieleman & Hinton 2012).
    RmsProp,
    /// Lion (Chen et al. 2023), at a third to a tenth of Adam's learning rate.
    Lion,
    /// LAMB (You et al. 2019), for large batches.
    Lamb,
    /// L-BFGS over all samples at once (Liu & Nocedal 1989): an epoch is one iteration.
    Lbfgs,
}

word!(OptimizerName, "optimizer");

/// How the learning rate falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum ScheduleName {
    /// It does not.
    Constant,
    /// Half a cosine wave, down to 0 at the last step.
    Cosine,
    /// A tenth of it after each third of the steps.
    Step,
}

word!(ScheduleName, "schedule");

settings! {
    /// The keys of training.
    TrainingSettings {
        epochs: u64 = 60, "N", "passes over the training part", in Range::<u64>::COUNT;
        batch: usize = 32, "N", "samples in a step", in Range::<usize>::COUNT;
        lr: f64 = 2e-3, "RATE", "learning rate", in Range::<f64>::POSITIVE, unless optimizer is ["lbfgs"];
        optimizer: OptimizerName = OptimizerName::Adam, "NAME", "the optimiser";
        momentum: f64 = 0.9, "X", "momentum, 0 to below 1", in Range::<f64>::FRACTION, where optimizer is ["sgd", "nesterov"];
        weight_decay: f64 = 0.0, "X", "factor of the optimiser's L2 penalty, or of the decay of adamw, lion and lamb",
            in Range::<f64>::WEIGHT, unless optimizer is ["lbfgs"];
        schedule: ScheduleName = ScheduleName::Cosine, "NAME", "course of the learning rate", unless optimizer is ["lbfgs"];
        warmup: u64 = 0, "STEPS", "steps over which the learning rate rises", in Range::<u64>::WHOLE,
            unless optimizer is ["lbfgs"];
        clip: f64 = 0.0, "NORM", "largest global norm of a gradient; 0 for none", in Range::<f64>::LIMIT,
            unless optimizer is ["lbfgs"];
        ema: f64 = 0.0, "DECAY", "decay of a moving average of the weights, which is what is kept; 0 for none",
            in Range::<f64>::FRACTION;
        patience: u64 = 0, "EPOCHS", "end when the validation loss has not fallen for so long, and keep the best; 0 for never",
            in Range::<u64>::NONE_OR_COUNT;
        lbfgs_memory: usize = 10, "N", "pairs of steps and gradients that L-BFGS remembers", in Range::<usize>::HUNDRED,
            where optimizer is ["lbfgs"];
    }
}

impl TrainingSettings {
    /// The optimiser's constants; `None` for L-BFGS, which is none of those that take a step a batch.
    pub fn optimizer_config(&self) -> Option<OptimizerConfig> {
        let weight_decay = self.weight_decay;
        let momentum = self.momentum;
        Some(match self.optimizer {
            OptimizerName::Sgd => Sgd { momentum, nesterov: false, weight_decay }.into(),
            OptimizerName::Nesterov => Sgd { momentum, nesterov: true, weight_decay }.into(),
            OptimizerName::Adam => Adam { weight_decay, ..Adam::default() }.into(),
            OptimizerName::AdamW => AdamW { weight_decay, ..AdamW::default() }.into(),
            OptimizerName::RmsProp => RmsProp { weight_decay, ..RmsProp::default() }.into(),
            OptimizerName::Lion => Lion { weight_decay, ..Lion::default() }.into(),
            OptimizerName::Lamb => Lamb { weight_decay, ..Lamb::default() }.into(),
            OptimizerName::Lbfgs => return None,
        })
    }

    /// How the learning rate changes over `total` steps.
    pub fn learning_rate_schedule(&self, total: u64) -> Schedule {
        let decay = match self.schedule {
            ScheduleName::Constant => Decay::Constant,
            ScheduleName::Cosine => Decay::Cosine { final_fraction: 0.0 },
            ScheduleName::Step => Decay::Step { every: total.div_ceil(3).max(1), factor: 0.1 },
        };
        Schedule { warmup: self.warmup, decay }
    }
}
