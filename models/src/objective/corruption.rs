//! Corruption of inputs: what makes any autoencoder a denoising one. The loss compares with the clean input, and inputs
//! are clean when nothing is trained (Vincent et al. 2008, 2010).
//!
//! * masking: x̃_j = 0 with probability q, independently, kept otherwise; nothing is rescaled. `masking-exact`: ⌊qd⌋ of
//!   each sample.
//! * Gaussian: x̃ = x + σε, if wanted cut at 0 and 1. σ is 0.25 unless given: of data in 0..1 that is what 1 is of
//!   standardised ones.
//! * salt and pepper: with probability q, 0 or 1 by a fair coin, the least and the greatest of scaled data.
//!
//! Emphasis (2010, section 3.3): corrupted components count α in the loss, clean ones β.

use crate::settings::{Range, settings, word};
use crate::{Error, Result};
use narrows_engine::{Real, Tape, Var};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// How an input is corrupted before it is encoded; the loss compares with the clean one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum CorruptionName {
    /// It is not.
    None,
    /// Each component is 0 with probability `corruption_level` (Vincent et al. 2008).
    Masking,
    /// Exactly that share of the components of each sample is 0, rounded down.
    MaskingExact,
    /// A normal number of deviation `corruption_level` is added to each component.
    Gaussian,
    /// Each component is, with probability `corruption_level`, 0 or 1 by a fair coin.
    SaltAndPepper,
}

word!(CorruptionName, "corruption");

settings! {
    /// The keys of a corruption.
    CorruptionKeys {
        corruption: CorruptionName = CorruptionName::None, "NAME", "noise on the input, with the loss against the clean one";
        corruption_level: f64 = 0.25, "X", "probability (gaussian: deviation) of the corruption", in Range::<f64>::WEIGHT,
            unless corruption is ["none"];
        corruption_clip: bool = false, "BOOL", "whether gaussian noise is cut at 0 and 1", where corruption is ["gaussian"];
        emphasis_corrupted: f64 = 1.0, "X", "what corrupted components count in the loss", in Range::<f64>::WEIGHT;
        emphasis_clean: f64 = 1.0, "X", "what clean components count in the loss", in Range::<f64>::WEIGHT;
    }
}

/// A corruption, and what components count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corruption {
    kind: CorruptionName,
    level: f64,
    clip: bool,
    /// α and β where they differ from 1.
    emphasis: Option<(f64, f64)>,
}

/// An input as the encoder sees it.
#[derive(Debug, Clone, Copy)]
pub struct Corrupted {
    /// `[N, features]`
    pub input: Var,
    /// What each component counts in the loss, if not 1; of the same shape.
    pub weights: Option<Var>,
    /// 1 where a masking kept a component and 0 where it did not, of the same shape.
    pub kept: Option<Var>,
}

impl Corruption {
    /// What the keys ask for; `None` for nothing.
    ///
    /// # Errors
    /// A level or an emphasis that makes no sense for the kind.
    pub fn new(keys: &CorruptionKeys) -> Result<Option<Self>> {
        let (kind, level) = (keys.corruption, keys.corruption_level);
        let emphasis = (keys.emphasis_corrupted, keys.emphasis_clean);
        let emphasis = (emphasis != (1.0, 1.0)).then_some(emphasis);
        if let (Some(_), CorruptionName::None | CorruptionName::Gaussian) = (emphasis, kind) {
            return Err(Error::usage(format!(
                "emphasis weighs corrupted components against clean ones, and corruption {} does not tell them apart; \
                 give corruption masking or salt-and-pepper, or emphasis 1 for both",
                kind.name()
            )));
        }
        if emphasis == Some((0.0, 0.0)) {
            return Err(Error::usage("emphasis is 0 for corrupted and clean components; nothing would be compared"));
        }
        if !matches!(kind, CorruptionName::None | CorruptionName::Gaussian) && level > 1.0 {
            return Err(Error::usage(format!(
                "corruption_level is {level}; for {} it is a probability: give a number from 0 to 1",
                kind.name()
            )));
        }
        Ok((kind != CorruptionName::None).then_some(Self { kind, level, clip: keys.corruption_clip, emphasis }))
    }

    /// One from its name and its level, without emphasis; `clip` cuts Gaussian noise at 0 and 1.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn of(kind: CorruptionName, level: f64, clip: bool) -> Result<Option<Self>> {
        let keys = CorruptionKeys {
            corruption: kind,
            corruption_level: level,
            corruption_clip: clip,
            ..CorruptionKeys::default()
        };
        if !(Range::<f64>::WEIGHT.holds)(&level) {
            return Err(Error::usage(format!("corruption_level is {level}; give {}", Range::<f64>::WEIGHT.words)));
        }
        Self::new(&keys)
    }

    /// Its kind.
    pub fn kind(&self) -> CorruptionName {
        self.kind
    }

    /// Its probability, or deviation.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// Whether it takes the data to lie in 0..1.
    pub fn needs_unit_data(&self) -> bool {
        self.kind == CorruptionName::SaltAndPepper || (self.kind == CorruptionName::Gaussian && self.clip)
    }

    /// Whether its level leaves all of so many components as they are.
    pub fn leaves_all(&self, features: usize) -> bool {
        match self.kind {
            CorruptionName::MaskingExact => (self.level * features as f64).floor() == 0.0,
            _ => self.level == 0.0,
        }
    }

    /// Corrupts `x` `[N, features]`, anew in each step.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, x: Var) -> Corrupted {
        let mask = match self.kind {
            CorruptionName::None => return Corrupted { input: x, weights: None, kept: None },
            CorruptionName::Gaussian => {
                let noisy = tape.add(x, tape.scale(tape.normal_noise(x), self.level));
                let input = if self.clip { tape.clamp(noisy, 0.0, 1.0) } else { noisy };
                return Corrupted { input, weights: None, kept: None };
            }
            CorruptionName::Masking | CorruptionName::SaltAndPepper => tape.random_mask(x, self.level),
            CorruptionName::MaskingExact => {
                let features = tape.shape(x).last();
                tape.random_mask_exact(x, (self.level * features as f64 + 1e-9) as usize)
            }
        };
        let input = match self.kind {
            CorruptionName::SaltAndPepper => {
                // mask x + (1 − mask) coin, which is x itself where the mask is 1.
                let coin = tape.mul(tape.random_mask(x, 0.5), tape.add_scalar(tape.scale(mask, -1.0), 1.0));
                tape.add(tape.mul(mask, x), coin)
            }
            _ => tape.mul(x, mask),
        };
        let weights =
            self.emphasis.map(|(corrupted, clean)| tape.add_scalar(tape.scale(mask, clean - corrupted), corrupted));
        let kept = (self.kind != CorruptionName::SaltAndPepper).then_some(mask);
        Corrupted { input, weights, kept }
    }
}
