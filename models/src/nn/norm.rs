//! Normalisation of hidden layers, between the linear part and the activation.
//!
//! Batch normalisation (Ioffe & Szegedy 2015) takes the batch's moments while training and running ones in use, which
//! are averaged as PyTorch's default does: 0.9 of what was, 0.1 of the batch's. Layer normalisation (Ba, Kiros &
//! Hinton 2016) takes each sample's own.

use super::{Mode, Pass};
use crate::Result;
use crate::settings::word;
use narrows_engine::{ParameterId, Parameters, Real, Var};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// Which normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum NormName {
    /// None.
    None,
    /// Each channel over the batch.
    Batch,
    /// Each sample over its units.
    Layer,
}

word!(NormName, "norm");

/// What is added to a variance.
const EPSILON: f64 = 1e-5;
/// What a running moment keeps at each step.
const KEPT: f64 = 0.9;

/// A normalisation with its parameters: `weight` and `bias` of the normalised sizes, and of batches also
/// `running_moments` `[2, channels]`, means and variances.
#[derive(Debug, Clone)]
pub struct Norm {
    scale: ParameterId,
    shift: ParameterId,
    moments: Option<ParameterId>,
}

impl Norm {
    /// Adds the parameters for what is `sizes` a sample (`[units]` or `[channels, height, width]`); nothing for
    /// [`NormName::None`].
    ///
    /// # Errors
    /// Sizes too large, a name that is taken, no memory.
    pub fn new<T: Real>(
        parameters: &mut Parameters<T>,
        name: &str,
        kind: NormName,
        sizes: &[usize],
    ) -> Result<Option<Self>> {
        let shape = match kind {
            NormName::None => return Ok(None),
            NormName::Batch => &sizes[..1.min(sizes.len())],
            NormName::Layer => sizes,
        };
        let scale = parameters.add(&format!("{name}.weight"), shape)?;
        let shift = parameters.add(&format!("{name}.bias"), shape)?;
        let moments = match kind {
            NormName::Batch => Some(parameters.add(&format!("{name}.running_moments"), &[2, shape[0]])?),
            _ => None,
        };
        Ok(Some(Self { scale, shift, moments }))
    }

    /// Scale 1, shift 0; running means 0 and variances 1.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>) {
        parameters.view_mut(self.scale).fill(T::ONE);
        parameters.view_mut(self.shift).fill(T::ZERO);
        if let Some(moments) = self.moments {
            let values = parameters.view_mut(moments);
            let half = values.len() / 2;
            values[..half].fill(T::ZERO);
            values[half..].fill(T::ONE);
        }
    }

    /// `[N, ..]` gives the same shape.
    #[track_caller]
    pub fn record<T: Real>(&self, pass: &Pass<'_, T>, x: Var) -> Var {
        let (scale, shift) = (pass.parameter(self.scale), pass.parameter(self.shift));
        match (self.moments, pass.mode()) {
            (None, _) => pass.layer_norm(x, scale, shift, EPSILON),
            (Some(moments), Mode::Training) => {
                let now = pass.batch_moments(x);
                let kept = pass.scale(pass.parameter(moments), KEPT);
                pass.update(moments, pass.stop_gradient(pass.add(kept, pass.scale(now, 1.0 - KEPT))));
                pass.batch_norm(x, scale, shift, EPSILON)
            }
            (Some(moments), Mode::Evaluation) => {
                let moments = pass.stop_gradient(pass.parameter(moments));
                pass.batch_norm_given(x, scale, shift, moments, EPSILON)
            }
        }
    }
}
