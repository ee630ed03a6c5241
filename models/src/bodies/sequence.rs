//! A body of 1-D convolutions for sequences of any length and number of channels.
//!
//! A sample's numbers are `[channels, length]`, channel by channel; a data set of images `[C, 1, L]` says its channels
//! by itself. The levels are those of `convolutional`, along one axis: each halves the length (a last odd place makes a
//! window of its own), and the decoder doubles it again in one of the same three ways, cut to the length of its level.
//! Parameters are PyTorch's `Conv1d` and `ConvTranspose1d`.

use super::frame::{Body, Encoded, Ends, Extra, Frame};
use super::levels::{Bottleneck, Downsample, Upsample, WITHOUT_SWITCHES};
use super::shared::Shared;
use crate::nn::{ActivationName, Conv1d, ConvTranspose1d, Init, Linear, Norm, NormName, Pass, Unpooling};
use crate::settings::{Range, settings};
use crate::{Error, Result};
use narrows_engine::conv::Pool;
use narrows_engine::ops::{Conv1dOptions, ConvTranspose1dOptions};
use narrows_engine::{Parameters, Real, Shape, Var};

settings! {
    /// The keys of sequences.
    Keys {
        channels: usize = 1, "N", "channels of a sequence, each with its numbers together",
            in Range::<usize>::COUNT, where body is ["sequence"];
    }
}

/// Windows of two places, the last one over an odd end.
const POOL: Pool = Pool::of([1, 2]).ceil();

/// Encoder and decoder over parameters of their own.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// Channels before each level, and after the last.
    channels: Vec<usize>,
    /// Length before each level, and after the last.
    lengths: Vec<usize>,
    encoder: Vec<(Conv1d, Option<Norm>)>,
    to: Option<Linear>,
    back: Option<Linear>,
    decoder: Decoder,
    activation: ActivationName,
    code_activation: ActivationName,
    downsample: Downsample,
    dropout: f64,
    code: usize,
    init: Init,
}

#[derive(Debug, Clone)]
enum Decoder {
    /// The convolution of the code, and one after each doubling.
    Nearest(Conv1d, Vec<Conv1d>),
    /// One after each unpooling.
    Max(Vec<Conv1d>),
    /// One for each level, and the convolution to the channels.
    Transposed(Vec<ConvTranspose1d>, Conv1d),
}

impl Sequence {
    /// Adds the parameters of a body.
    ///
    /// # Errors
    /// Numbers that are no whole number of places in each channel, more levels than the length has halves, choices that
    /// contradict each other; sizes that are too large.
    pub fn new<T: Real>(settings: &Shared, own: &Keys, frame: &Frame, parameters: &mut Parameters<T>) -> Result<Self> {
        let (general, keys) = (&settings.general, &settings.levels);
        let channels = match frame.image {
            Some(image) if image.height == 1 => image.channels,
            _ => own.channels,
        };
        let lengths = lengths(settings, frame, channels)?;
        let n = keys.filters.len();
        let seen = channels * (1 + usize::from(frame.beside.mask > 0)) + frame.beside.classes;
        let all: Vec<usize> = std::iter::once(channels).chain(keys.filters.iter().copied()).collect();
        let same = Conv1dOptions::default().padding(keys.kernel / 2);
        let halved = same.stride(2);
        let pooled = keys.downsample == Downsample::Pool;
        let drawn = usize::from(general.activation != ActivationName::Linear);
        let each = 1
            + drawn
            + usize::from(pooled)
            + usize::from(general.norm != NormName::None)
            + usize::from(general.dropout > 0.0);
        let mut encoder = Vec::with_capacity(n);
        for level in 0..n {
            let from = if level == 0 { seen } else { all[level] };
            let options = if pooled { same } else { halved };
            let name = format!("encoder.{}", level * each);
            let layer = Conv1d::new(parameters, &name, [from, all[level + 1]], keys.kernel, options)?;
            let length = if pooled { lengths[level] } else { lengths[level + 1] };
            let is_code = level + 1 == n && keys.bottleneck == Bottleneck::Map;
            let kind = if is_code { NormName::None } else { general.norm };
            let name = format!("encoder.{}", level * each + 1);
            encoder.push((layer, Norm::new(parameters, &name, kind, &[all[level + 1], length])?));
        }
        let map = all[n].checked_mul(lengths[n]).ok_or_else(|| Error::usage("sequences are too large to count"))?;
        let dense = keys.bottleneck == Bottleneck::Dense;
        let to = dense && frame.ends == Ends::Code;
        let to = to.then(|| Linear::new(parameters, "encoder.code", map, general.code)).transpose()?;
        let code = general.code + frame.decoder_beside;
        let back = dense.then(|| Linear::new(parameters, "decoder.code", code, map)).transpose()?;
        let decoder = Decoder::new(settings, &all, drawn, parameters)?;
        Ok(Self {
            channels: all,
            lengths,
            encoder,
            to,
            back,
            decoder,
            activation: general.activation,
            code_activation: general.code_activation,
            downsample: keys.downsample,
            dropout: general.dropout,
            code: if dense { general.code } else { map },
            init: general.init,
        })
    }

    /// What the encoder sees: the sample's channels, those of the mask, and one for each class.
    #[track_caller]
    fn seen<T: Real>(&self, pass: &Pass<'_, T>, x: Var, extra: Extra) -> Var {
        let length = self.lengths[0];
        let mut parts = vec![x];
        parts.extend(extra.mask);
        let mut channels = self.channels[0] * parts.len();
        if let Some(classes) = extra.classes {
            let count = pass.shape(classes).last();
            let points = pass.reshape(classes, Shape::batch(&[count, 1, 1]));
            let filled = pass.upsample_nearest2d(points, [1, length]);
            parts.push(pass.reshape(filled, Shape::batch(&[count * length])));
            channels += count;
        }
        let flat = if parts.len() > 1 { pass.concatenate(&parts) } else { x };
        pass.reshape(flat, Shape::batch(&[channels, length]))
    }
}

impl Decoder {
    fn new<T: Real>(
        settings: &Shared,
        channels: &[usize],
        drawn: usize,
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        let keys = &settings.levels;
        let n = keys.filters.len();
        let same = Conv1dOptions::default().padding(keys.kernel / 2);
        let mut convolution = |number: usize, sizes: [usize; 2]| {
            Conv1d::new(parameters, &format!("decoder.{number}"), sizes, keys.kernel, same)
        };
        Ok(match keys.upsample {
            Upsample::Nearest => {
                let code = convolution(0, [channels[n]; 2])?;
                let number = |i: usize| (i + 1) * (2 + drawn);
                let levels =
                    (0..n).rev().enumerate().map(|(i, l)| convolution(number(i), [channels[l + 1], channels[l]]));
                Self::Nearest(code, levels.collect::<Result<_>>()?)
            }
            Upsample::Max => {
                let number = |i: usize| i * (2 + drawn) + 1;
                let levels =
                    (0..n).rev().enumerate().map(|(i, l)| convolution(number(i), [channels[l + 1], channels[l]]));
                Self::Max(levels.collect::<Result<_>>()?)
            }
            Upsample::Transposed => {
                // The transposed convolution that undoes a halving to the next even length; what is more is cut.
                let doubled = ConvTranspose1dOptions::from(same.stride(2)).output_padding(1);
                let levels = (0..n).rev().enumerate().map(|(i, level)| {
                    let (name, sizes) =
                        (format!("decoder.{}", i * (1 + drawn)), [channels[level + 1], channels[level.max(1)]]);
                    ConvTranspose1d::new(parameters, &name, sizes, keys.kernel, doubled)
                });
                let levels = levels.collect::<Result<_>>()?;
                let name = format!("decoder.{}", n * (1 + drawn));
                let last = Conv1d::new(parameters, &name, [channels[1], channels[0]], keys.kernel, same)?;
                Self::Transposed(levels, last)
            }
        })
    }
}

impl<T: Real> Body<T> for Sequence {
    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.to.iter().chain(&self.back).for_each(|layer| layer.initialise(parameters, self.init, seed));
        for (layer, norm) in &self.encoder {
            layer.initialise(parameters, self.init, seed);
            norm.iter().for_each(|norm| norm.initialise(parameters));
        }
        let (first, levels, transposed): (Option<&Conv1d>, &[Conv1d], &[ConvTranspose1d]) = match &self.decoder {
            Decoder::Nearest(code, levels) => (Some(code), levels, &[]),
            Decoder::Max(levels) => (None, levels, &[]),
            Decoder::Transposed(levels, last) => (Some(last), &[], levels),
        };
        first.into_iter().chain(levels).for_each(|layer| layer.initialise(parameters, self.init, seed));
        transposed.iter().for_each(|layer| layer.initialise(parameters, self.init, seed));
    }

    #[track_caller]
    fn encode(&self, pass: &Pass<'_, T>, x: Var, extra: Extra) -> Encoded {
        let mut h = self.seen(pass, x, extra);
        let mut switches = Vec::new();
        let n = self.encoder.len();
        for (level, (layer, norm)) in self.encoder.iter().enumerate() {
            let is_code = level + 1 == n && self.back.is_none();
            let activation = if is_code { self.code_activation } else { self.activation };
            h = activation.after(pass, norm.as_ref(), |fused| layer.record(pass, h, fused));
            if self.downsample == Downsample::Pool {
                let (channels, length) = (self.channels[level + 1], self.lengths[level]);
                let plane = pass.reshape(h, Shape::batch(&[channels, 1, length]));
                let pooled = if matches!(self.decoder, Decoder::Max(_)) {
                    let (pooled, places) = pass.max_pool2d_with_switches(plane, POOL);
                    switches.push(places);
                    pooled
                } else {
                    pass.max_pool2d(plane, POOL)
                };
                h = pass.reshape(pooled, Shape::batch(&[channels, self.lengths[level + 1]]));
            }
            h = if is_code { h } else { pass.drop(h, self.dropout) };
        }
        let flat = pass.reshape(h, Shape::batch(&[self.channels[n] * self.lengths[n]]));
        let value = self.to.as_ref().map_or(flat, |to| to.record(pass, flat, self.code_activation));
        Encoded { value, switches }
    }

    #[track_caller]
    fn decode(&self, pass: &Pass<'_, T>, code: Var, switches: &[Var]) -> Var {
        if !Body::<T>::decodes_codes(self) && switches.is_empty() {
            pass.fail(WITHOUT_SWITCHES.into());
        }
        let n = self.encoder.len();
        let flat = self.back.as_ref().map_or(code, |back| back.record(pass, code, self.activation));
        let mut h = pass.reshape(flat, Shape::batch(&[self.channels[n], self.lengths[n]]));
        let after = |level: usize| if level == 0 { ActivationName::Linear } else { self.activation };
        let plane = |h: Var| {
            let sizes = pass.shape(h).sizes().to_vec();
            pass.reshape(h, Shape::batch(&[sizes[0], 1, sizes[1]]))
        };
        // A plane of one row, cut to the length of its level, as a sequence again.
        let sequence = |h: Var, length: usize| {
            let (channels, found) = (pass.shape(h).sizes()[0], pass.shape(h).last());
            let h = if found > length { pass.crop2d(h, [1, length]) } else { h };
            pass.reshape(h, Shape::batch(&[channels, length]))
        };
        match &self.decoder {
            Decoder::Nearest(first, levels) => {
                h = first.record(pass, h, self.activation);
                for (level, layer) in (0..n).rev().zip(levels) {
                    let doubled = pass.upsample_nearest2d(plane(h), [1, 2]);
                    h = layer.record(pass, sequence(doubled, self.lengths[level]), after(level));
                }
            }
            Decoder::Max(levels) => {
                for (level, layer) in (0..n).rev().zip(levels) {
                    let size = [1, self.lengths[level]];
                    let unpooled = Unpooling::Max(size).record(pass, plane(h), switches.get(level).copied());
                    h = layer.record(pass, sequence(unpooled, self.lengths[level]), after(level));
                }
            }
            Decoder::Transposed(levels, last) => {
                for (level, layer) in (0..n).rev().zip(levels) {
                    let doubled = layer.record(pass, h, self.activation);
                    h = sequence(plane(doubled), self.lengths[level]);
                }
                h = last.record(pass, h, ActivationName::Linear);
            }
        }
        pass.reshape(h, Shape::batch(&[self.channels[0] * self.lengths[0]]))
    }

    fn code_size(&self) -> usize {
        self.code
    }

    fn trunk_size(&self) -> usize {
        let n = self.encoder.len();
        self.channels[n] * self.lengths[n]
    }

    fn layers(&self) -> String {
        let sizes = self.channels.iter().zip(&self.lengths);
        let encoder: Vec<String> = sizes.map(|(channels, length)| format!("{channels}x{length}")).collect();
        let mut layers = encoder.clone();
        if self.back.is_some() {
            layers.extend([self.code.to_string(), encoder[encoder.len() - 1].clone()]);
        }
        layers.extend(encoder.into_iter().rev().skip(1));
        layers.join("-")
    }

    fn code_image(&self) -> Option<[usize; 3]> {
        let n = self.encoder.len();
        self.back.is_none().then(|| [self.channels[n], 1, self.lengths[n]])
    }

    fn decodes_codes(&self) -> bool {
        !matches!(self.decoder, Decoder::Max(_))
    }
}

/// The length before each level and after the last.
fn lengths(settings: &Shared, frame: &Frame, channels: usize) -> Result<Vec<usize>> {
    let keys = &settings.levels;
    if channels == 0 || !frame.features.is_multiple_of(channels) {
        return Err(Error::usage(format!(
            "samples of {} numbers are no sequences of {channels} channels; give --channels a number that divides it",
            frame.features
        )));
    }
    keys.check(frame)?;
    let mut lengths = vec![frame.features / channels];
    for level in 0..keys.filters.len() {
        let length = lengths[level];
        if length < 2 {
            let (all, remedy) =
                (lengths[0], if level == 0 { "use --body dense".into() } else { format!("give at most {level}") });
            return Err(Error::usage(format!(
                "filters has {} levels, and a sequence of {all} is {length} after {level}: {remedy}",
                keys.filters.len()
            )));
        }
        lengths.push(length.div_ceil(2));
    }
    Ok(lengths)
}
