//! A body of fully connected layers: node counts falling to the code (or rising to it) and back, any depth.
//!
//! The decoder mirrors the encoder unless it has layers of its own. Tied, its weights are the encoder's read the other
//! way round, W* = Wᵀ, one tensor whose gradient is the sum of both uses; the biases stay its own (Vincent et al.
//! 2010). The last layer is linear: an activation of the output belongs to the loss.

use super::frame::{Body, DenseLayers, Encoded, Ends, Extra, Frame};
use super::shared::{General, Shared};
use crate::nn::{ActivationName, Hidden, Init, Pass, Sequential};
use crate::settings::{Range, Value, settings};
use crate::{Error, Result};
use narrows_engine::{Parameters, Real, Var};

settings! {
    /// The keys of fully connected layers.
    Keys {
        hidden: Vec<usize> = vec![128], "SIZES", "units of the encoder's hidden layers, as in 512,256; \"\" for none",
            in Range::<Vec<usize>>::LAYERS, where body is ["dense"];
        decoder: DecoderLayers = DecoderLayers::Mirror, "SIZES",
            "units of the decoder's hidden layers; mirror for those of the encoder turned round",
            in DecoderLayers::RANGE, where body is ["dense"];
        tied: bool = false, "BOOL", "whether the decoder's weights are the encoder's, transposed", where body is ["dense"];
    }
}

/// Units of a decoder's hidden layers, from the code to the output. In files and flags `mirror`, or a list as in
/// `256,512`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DecoderLayers {
    /// Those of the encoder, turned round.
    #[default]
    Mirror,
    /// These.
    Units(Vec<usize>),
}

impl DecoderLayers {
    /// As for the encoder's.
    const RANGE: Range<Self> = Range {
        words: Range::<Vec<usize>>::LAYERS.words,
        holds: |layers| match layers {
            Self::Mirror => true,
            Self::Units(units) => (Range::<Vec<usize>>::LAYERS.holds)(units),
        },
    };

    /// The units for an encoder with `hidden` ones.
    pub fn units(&self, hidden: &[usize]) -> Vec<usize> {
        match self {
            Self::Mirror => hidden.iter().rev().copied().collect(),
            Self::Units(units) => units.clone(),
        }
    }
}

impl Value for DecoderLayers {
    fn read(key: &str, text: &str) -> Result<Self> {
        if text.trim() == "mirror" { Ok(Self::Mirror) } else { Vec::read(key, text).map(Self::Units) }
    }

    fn toml(&self) -> toml::Value {
        match self {
            Self::Mirror => toml::Value::String("mirror".into()),
            Self::Units(units) => units.toml(),
        }
    }
}

/// Encoder and decoder over parameters of one's own.
#[derive(Debug, Clone)]
pub struct Dense {
    encoder: Sequential,
    decoder: Sequential,
    features: usize,
    /// Numbers that the encoder sees.
    seen: usize,
    code: usize,
    ends: Ends,
    init: Init,
}

impl Dense {
    /// Adds the parameters of a body.
    ///
    /// # Errors
    /// Tied weights for a decoder that does not mirror the encoder; sizes that are too large.
    pub fn new<T: Real>(settings: &Shared, keys: &Keys, frame: &Frame, parameters: &mut Parameters<T>) -> Result<Self> {
        let (general, features) = (&settings.general, frame.features);
        let back = keys.decoder.units(&keys.hidden);
        check_tied(general, keys, frame, &back)?;
        let beside = frame.beside.classes.saturating_add(frame.beside.mask);
        let seen = features.saturating_add(beside);
        let mut sizes: Vec<usize> = [seen].into_iter().chain(keys.hidden.iter().copied()).collect();
        let mut activations = vec![general.activation; keys.hidden.len()];
        if frame.ends == Ends::Code {
            sizes.push(general.code);
            activations.push(general.code_activation);
        }
        let hidden = Hidden { norm: general.norm, dropout: general.dropout };
        let plain = usize::from(frame.ends == Ends::Code);
        let encoder = Sequential::new(parameters, "encoder", &sizes, &activations, (hidden, plain))?;
        let mut outward = vec![general.activation; back.len()];
        outward.push(ActivationName::Linear);
        let decoder = if keys.tied {
            Sequential::tied(parameters, "decoder", &encoder, &outward)?
        } else {
            let code = general.code.saturating_add(frame.decoder_beside);
            let sizes: Vec<usize> = [code].into_iter().chain(back).chain([features]).collect();
            Sequential::new(parameters, "decoder", &sizes, &outward, (hidden, 1))?
        };
        Ok(Self { encoder, decoder, features, seen, code: general.code, ends: frame.ends, init: general.init })
    }
}

/// Refuses weights that cannot be read the other way round.
fn check_tied(general: &General, keys: &Keys, frame: &Frame, back: &[usize]) -> Result<()> {
    if !keys.tied {
        return Ok(());
    }
    if back != DecoderLayers::Mirror.units(&keys.hidden) {
        return Err(Error::usage(format!(
            "tied weights are the encoder's, and a decoder of {} does not mirror an encoder of {}; give decoder mirror, or \
             tied false",
            words(back),
            words(&keys.hidden)
        )));
    }
    if frame.ends == Ends::Open || frame.beside != Default::default() || frame.decoder_beside > 0 {
        return Err(Error::usage(
            "tied weights need a decoder that mirrors the encoder layer by layer, and this type's encoder ends in layers of \
             its own; give tied false",
        ));
    }
    if Hidden::PLAIN.norm != general.norm || general.dropout > 0.0 {
        return Err(Error::usage("tied weights need layers with nothing between them; give norm none and dropout 0"));
    }
    Ok(())
}

impl<T: Real> Body<T> for Dense {
    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.encoder.initialise(parameters, self.init, seed);
        self.decoder.initialise(parameters, self.init, seed);
    }

    #[track_caller]
    fn encode(&self, pass: &Pass<'_, T>, x: Var, extra: Extra) -> Encoded {
        let parts: Vec<Var> = [Some(x), extra.mask, extra.classes].into_iter().flatten().collect();
        let input = if parts.len() > 1 { pass.concatenate(&parts) } else { x };
        Encoded { value: self.encoder.record(pass, input), switches: Vec::new() }
    }

    #[track_caller]
    fn decode(&self, pass: &Pass<'_, T>, code: Var, _: &[Var]) -> Var {
        self.decoder.record(pass, code)
    }

    fn code_size(&self) -> usize {
        self.code
    }

    fn trunk_size(&self) -> usize {
        self.encoder.sizes().last().unwrap_or(self.seen)
    }

    fn layers(&self) -> String {
        let mut units = vec![self.features];
        units.extend(self.encoder.sizes());
        units.extend((self.ends == Ends::Open).then_some(self.code));
        units.extend(self.decoder.sizes());
        units.iter().map(usize::to_string).collect::<Vec<_>>().join("-")
    }

    fn dense_layers(&self) -> Option<DenseLayers<'_>> {
        let plain = self.encoder.is_plain() && self.decoder.is_plain() && self.seen == self.features;
        plain.then_some(DenseLayers { encoder: &self.encoder, decoder: &self.decoder })
    }
}

/// Hidden layers, for messages.
fn words(units: &[usize]) -> String {
    if units.is_empty() { "no hidden layer".into() } else { format!("hidden layers {units:?}") }
}
