//! Which optimiser, and its constants.
//!
//! The defaults and the meaning of every field are PyTorch's. Ranges are checked once, when an optimiser is made; an
//! error names the field, the value and what is allowed. The learning rate is not here: it changes from step to step.

use std::fmt;

/// An optimiser and its constants. `g` is the clipped gradient, `p` a parameter, `w` the weight decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptimizerConfig {
    /// `g += w p; m = momentum m + g; p -= lr m`, or with Nesterov `p -= lr (g + momentum m)`.
    Sgd {
        /// How much of the last step's direction stays, in `[0, 1)`; 0 is plain descent and keeps no state.
        momentum: f64,
        /// Looks ahead along the momentum (Sutskever et al. 2013); needs a momentum.
        nesterov: bool,
        /// `w`, the L2 penalty's factor.
        weight_decay: f64,
    },
    /// Kingma and Ba 2014: `g += w p; m += (1 - beta1)(g - m); v = beta2 v + (1 - beta2) g^2;`
    /// `p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)`.
    Adam {
        /// The first moment's decay, in `[0, 1)`.
        beta1: f64,
        /// The second moment's decay, in `[0, 1)`.
        beta2: f64,
        /// Keeps the quotient finite where the gradient is zero.
        epsilon: f64,
        /// `w`, the L2 penalty's factor.
        weight_decay: f64,
    },
    /// Loshchilov and Hutter 2017: Adam with `p *= 1 - lr w` in place of the penalty.
    AdamW {
        /// The first moment's decay, in `[0, 1)`.
        beta1: f64,
        /// The second moment's decay, in `[0, 1)`.
        beta2: f64,
        /// Keeps the quotient finite where the gradient is zero.
        epsilon: f64,
        /// `w`, by which the parameters shrink at a learning rate of 1.
        weight_decay: f64,
    },
    /// Tieleman and Hinton 2012: `g += w p; v = alpha v + (1 - alpha) g^2; d = g / (sqrt(v) + epsilon); p -= lr d`;
    /// with momentum `m = momentum m + d; p -= lr m`.
    RmsProp {
        /// The second moment's decay, in `[0, 1)`.
        alpha: f64,
        /// Keeps the quotient finite where the gradient is zero.
        epsilon: f64,
        /// How much of the last step's direction stays, in `[0, 1)`; 0 keeps no buffer for it.
        momentum: f64,
        /// `w`, the L2 penalty's factor.
        weight_decay: f64,
    },
}

impl Default for OptimizerConfig {
    /// [`OptimizerConfig::adam`].
    fn default() -> Self {
        Self::adam()
    }
}

/// A constant outside its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutOfRange {
    /// The field's name.
    pub field: &'static str,
    /// What it was set to.
    pub value: f64,
    /// What it may be.
    pub allowed: &'static str,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, but must be {}", self.field, self.value, self.allowed)
    }
}

impl std::error::Error for OutOfRange {}

impl OptimizerConfig {
    /// Plain gradient descent.
    pub const fn sgd() -> Self {
        Self::Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// Adam with PyTorch's defaults.
    pub const fn adam() -> Self {
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// AdamW with PyTorch's defaults.
    pub const fn adamw() -> Self {
        Self::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }

    /// RMSprop with PyTorch's defaults.
    pub const fn rmsprop() -> Self {
        Self::RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 }
    }

    /// "sgd", "adam", "adamw" or "rmsprop".
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::RmsProp { .. } => "rmsprop",
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is outside its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                fraction("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    let allowed = "in (0, 1) when nesterov is set";
                    return Err(OutOfRange { field: "momentum", value: momentum, allowed });
                }
                decay(weight_decay)
            }
            Self::Adam { beta1, beta2, epsilon: tiny, weight_decay }
            | Self::AdamW { beta1, beta2, epsilon: tiny, weight_decay } => {
                fraction("beta1", beta1)?;
                fraction("beta2", beta2)?;
                epsilon(tiny)?;
                decay(weight_decay)
            }
            Self::RmsProp { alpha, epsilon: tiny, momentum, weight_decay } => {
                fraction("alpha", alpha)?;
                epsilon(tiny)?;
                fraction("momentum", momentum)?;
                decay(weight_decay)
            }
        }
    }
}

fn fraction(field: &'static str, value: f64) -> Result<(), OutOfRange> {
    check((0.0..1.0).contains(&value), field, value, "in [0, 1)")
}

fn decay(value: f64) -> Result<(), OutOfRange> {
    check((0.0..=1e6).contains(&value), "weight_decay", value, "in [0, 1e6]")
}

/// The lower bound keeps it a normal number in `f32`: a zero gradient must not give 0 / 0.
fn epsilon(value: f64) -> Result<(), OutOfRange> {
    check((1e-30..=1e3).contains(&value), "epsilon", value, "in [1e-30, 1e3]")
}

fn check(holds: bool, field: &'static str, value: f64, allowed: &'static str) -> Result<(), OutOfRange> {
    if holds { Ok(()) } else { Err(OutOfRange { field, value, allowed }) }
}
