//! A body of convolutions: an encoder each of whose levels makes the image smaller, and a decoder that makes it larger
//! again in one of three ways (LeCun et al. 1989; Masci et al. 2011; Zeiler & Fergus 2014 for unpooling by switches;
//! Dumoulin & Visin 2016 for the transposed convolution).
//!
//! With filters f_1 .. f_n, kernel k ("same" padding), activation a, and `down` a max pooling of 2x2 (a last odd row or
//! column makes a window of its own) or a stride of 2:
//! * encoder: `down(a(conv f_{l-1} -> f_l))` for l = 1 .. n, f_0 the image's channels; the last activation is the
//!   code's, if that is the last image.
//! * `nearest`: `a(conv f_n -> f_n)`, then for l = n .. 1: each pixel twice down and across, `conv f_l -> f_{l-1}`, the
//!   last one to the channels. (The convolutions of the tutorial "Building Autoencoders in Keras", Chollet 2016.)
//! * `max`: for l = n .. 1: each pixel back to where its maximum came from, `conv f_l -> f_{l-1}`, the last to the
//!   channels. The places go around the code: it alone does not determine the reconstruction.
//! * `transposed`: for l = n .. 1: `a(transposed conv f_l -> f_{l-1})` of stride 2, f_0 = f_1, then
//!   `conv f_1 -> channels`.
//!
//! Every level comes back at its own size: 28, 14, 7, 4 and again 7, 14, 28, so images may have any.
//!
//! The code is the last, smallest image of f_n channels (`bottleneck` is `map`), or `code` numbers that a linear layer
//! makes of it and another turns back (`dense`).

use super::frame::{Body, Encoded, Ends, Extra, Frame};
use super::levels::{Bottleneck, Downsample, Upsample, WITHOUT_SWITCHES};
use super::shared::Shared;
use crate::data::ImageShape;
use crate::nn::{ActivationName, Conv2d, ConvTranspose2d, Init, Linear, Norm, NormName, Pass, Unpooling};
use crate::settings::settings;
use crate::{Error, Result};
use narrows_engine::conv::Pool;
use narrows_engine::ops::ConvOptions;
use narrows_engine::{Parameters, Real, Shape, Var};

settings! {
    /// Of images alone there are no keys: see [`Levels`](super::Levels).
    Keys {}
}

/// Windows of 2 by 2, the last ones over an odd edge.
const POOL: Pool = Pool::new(2).ceil();

/// Encoder and decoder over parameters of one's own.
#[derive(Debug, Clone)]
pub struct Convolutional {
    image: ImageShape,
    filters: Vec<usize>,
    /// Height and width before each level, and after the last.
    sides: Vec<[usize; 2]>,
    encoder: Vec<Level>,
    dense: Option<DenseCode>,
    decoder: Decoder,
    activation: ActivationName,
    code_activation: ActivationName,
    downsample: Downsample,
    dropout: f64,
    code: usize,
    init: Init,
}

/// A convolution of the encoder and the normalisation after it.
#[derive(Debug, Clone)]
struct Level {
    layer: Conv2d,
    norm: Option<Norm>,
}

/// The linear layers about a code that is no image.
#[derive(Debug, Clone)]
struct DenseCode {
    /// To the code; what is encoded is the last image where a type has layers of its own for that.
    to: Option<Linear>,
    /// And back to the last image.
    back: Linear,
}

#[derive(Debug, Clone)]
enum Decoder {
    /// The convolution of the code, and one after each unpooling.
    Nearest(Conv2d, Vec<Conv2d>),
    /// One after each unpooling.
    Max(Vec<Conv2d>),
    /// One for each level, and the convolution to the channels.
    Transposed(Vec<ConvTranspose2d>, Conv2d),
}

/// How the layers of an encoder or decoder are numbered, as PyTorch's `Sequential` numbers what stands in it:
/// activations, normalisations and poolings too.
struct Numbers {
    drawn: usize,
    norm: usize,
    dropout: usize,
}

impl Convolutional {
    /// Adds the parameters of a body for images.
    ///
    /// # Errors
    /// Data that are no images; no filters, an even kernel or more levels than the image has sizes; max unpooling
    /// without max pooling; sizes that are too large.
    pub fn new<T: Real>(settings: &Shared, _: &Keys, frame: &Frame, parameters: &mut Parameters<T>) -> Result<Self> {
        let (general, keys) = (&settings.general, &settings.levels);
        let image = frame.image.ok_or_else(|| {
            Error::usage("a convolutional body needs images, and the data are rows of numbers; use --body dense")
        })?;
        keys.check(frame)?;
        let (sides, n) = (sides(settings, image)?, keys.filters.len());
        let seen = image.channels * (1 + usize::from(frame.beside.mask > 0)) + frame.beside.classes;
        // Channels before each level, and after the last.
        let channels: Vec<usize> = std::iter::once(image.channels).chain(keys.filters.iter().copied()).collect();
        let numbers = Numbers {
            drawn: usize::from(general.activation != ActivationName::Linear),
            norm: usize::from(general.norm != NormName::None),
            dropout: usize::from(general.dropout > 0.0),
        };
        let encoder = encoder(settings, &numbers, (seen, &channels, &sides), parameters)?;
        let last = sides[n];
        let map = channels[n].checked_mul(last[0]).and_then(|n| n.checked_mul(last[1]));
        let map = map.ok_or_else(|| Error::usage(format!("images of {image} are too large to count")))?;
        let dense = match keys.bottleneck {
            Bottleneck::Map => None,
            Bottleneck::Dense => Some(DenseCode {
                to: match frame.ends {
                    Ends::Code => Some(Linear::new(parameters, "encoder.code", map, general.code)?),
                    Ends::Open => None,
                },
                back: Linear::new(parameters, "decoder.code", general.code + frame.decoder_beside, map)?,
            }),
        };
        Ok(Self {
            image,
            filters: keys.filters.clone(),
            sides,
            encoder,
            code: if dense.is_some() { general.code } else { map },
            dense,
            decoder: Decoder::new(settings, &numbers, &channels, parameters)?,
            activation: general.activation,
            code_activation: general.code_activation,
            downsample: keys.downsample,
            dropout: general.dropout,
            init: general.init,
        })
    }

    fn features(&self) -> usize {
        self.image.channels * self.image.height * self.image.width
    }

    /// The image that the encoder sees: the sample's planes, those of the mask, and one for each class, which is 1
    /// everywhere or 0 everywhere.
    #[track_caller]
    fn seen<T: Real>(&self, pass: &Pass<'_, T>, x: Var, extra: Extra) -> Var {
        let ImageShape { channels, height, width } = self.image;
        let mut parts = vec![x];
        parts.extend(extra.mask);
        let mut planes = channels * parts.len();
        if let Some(classes) = extra.classes {
            let count = pass.shape(classes).last();
            let points = pass.reshape(classes, Shape::batch(&[count, 1, 1]));
            let filled = pass.upsample_nearest2d(points, [height, width]);
            parts.push(pass.reshape(filled, Shape::batch(&[count * height * width])));
            planes += count;
        }
        let flat = if parts.len() > 1 { pass.concatenate(&parts) } else { x };
        pass.reshape(flat, Shape::batch(&[planes, height, width]))
    }
}

/// The levels of an encoder.
fn encoder<T: Real>(
    settings: &Shared,
    numbers: &Numbers,
    (seen, channels, sides): (usize, &[usize], &[[usize; 2]]),
    parameters: &mut Parameters<T>,
) -> Result<Vec<Level>> {
    let (general, keys) = (&settings.general, &settings.levels);
    let same = ConvOptions::default().padding(keys.kernel / 2);
    let down = if keys.downsample == Downsample::Stride { same.stride(2) } else { same };
    let each = 1 + numbers.drawn + numbers.norm + numbers.dropout + usize::from(keys.downsample == Downsample::Pool);
    let levels = (0..keys.filters.len()).map(|level| {
        let from = if level == 0 { seen } else { channels[level] };
        let name = format!("encoder.{}", level * each);
        let layer = Conv2d::new(parameters, &name, [from, channels[level + 1]], [keys.kernel; 2], down)?;
        // With a pooling the level keeps its size until then. The last image is a code, unless that is dense.
        let size = if keys.downsample == Downsample::Stride { sides[level + 1] } else { sides[level] };
        let is_code = level + 1 == keys.filters.len() && keys.bottleneck == Bottleneck::Map;
        let kind = if is_code { NormName::None } else { general.norm };
        let shape = [channels[level + 1], size[0], size[1]];
        let norm = Norm::new(parameters, &format!("encoder.{}", level * each + 1), kind, &shape)?;
        Ok(Level { layer, norm })
    });
    levels.collect()
}

impl Decoder {
    /// Normalisation is the encoder's alone: a decoder's levels are followed by unpooling, which keeps their scale.
    fn new<T: Real>(
        settings: &Shared,
        numbers: &Numbers,
        channels: &[usize],
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        let keys = &settings.levels;
        let (n, kernel) = (keys.filters.len(), [keys.kernel; 2]);
        let same = ConvOptions::default().padding(keys.kernel / 2);
        let drawn = numbers.drawn;
        let mut convolution = |number: usize, sizes: [usize; 2]| {
            Conv2d::new(parameters, &format!("decoder.{number}"), sizes, kernel, same)
        };
        Ok(match keys.upsample {
            Upsample::Nearest => {
                let code = convolution(0, [channels[n]; 2])?;
                let each = 2 + drawn;
                let levels =
                    (0..n).rev().enumerate().map(|(i, l)| convolution((i + 1) * each, [channels[l + 1], channels[l]]));
                Self::Nearest(code, levels.collect::<Result<_>>()?)
            }
            Upsample::Max => {
                let each = 2 + drawn;
                let levels =
                    (0..n).rev().enumerate().map(|(i, l)| convolution(i * each + 1, [channels[l + 1], channels[l]]));
                Self::Max(levels.collect::<Result<_>>()?)
            }
            Upsample::Transposed => {
                let each = 1 + drawn;
                let levels = (0..n).rev().enumerate().map(|(i, level)| {
                    let sizes = [channels[level + 1], channels[level.max(1)]];
                    ConvTranspose2d::new(parameters, &format!("decoder.{}", i * each), sizes, kernel, same.stride(2))
                });
                let levels = levels.collect::<Result<_>>()?;
                let name = format!("decoder.{}", n * each);
                let last = Conv2d::new(parameters, &name, [channels[1], channels[0]], kernel, same)?;
                Self::Transposed(levels, last)
            }
        })
    }
}

impl<T: Real> Body<T> for Convolutional {
    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        let init = self.init;
        let dense = self.dense.iter().flat_map(|dense| dense.to.iter().chain([&dense.back]));
        dense.for_each(|layer| layer.initialise(parameters, init, seed));
        let (first, levels, transposed): (Option<&Conv2d>, &[Conv2d], &[ConvTranspose2d]) = match &self.decoder {
            Decoder::Nearest(code, levels) => (Some(code), levels, &[]),
            Decoder::Max(levels) => (None, levels, &[]),
            Decoder::Transposed(levels, last) => (Some(last), &[], levels),
        };
        self.encoder.iter().filter_map(|level| level.norm.as_ref()).for_each(|norm| norm.initialise(parameters));
        let convolutions = self.encoder.iter().map(|level| &level.layer).chain(first).chain(levels);
        convolutions.for_each(|layer| layer.initialise(parameters, init, seed));
        transposed.iter().for_each(|layer| layer.initialise(parameters, init, seed));
    }

    #[track_caller]
    fn encode(&self, pass: &Pass<'_, T>, x: Var, extra: Extra) -> Encoded {
        let mut h = self.seen(pass, x, extra);
        let mut switches = Vec::new();
        let last = self.encoder.len() - 1;
        for (number, Level { layer, norm }) in self.encoder.iter().enumerate() {
            // With a dense code the last image is a hidden layer.
            let is_code = number == last && self.dense.is_none();
            let activation = if is_code { self.code_activation } else { self.activation };
            let record = |h| activation.after(pass, norm.as_ref(), |fused| layer.record(pass, h, fused));
            h = match (self.downsample, &self.decoder) {
                (Downsample::Stride, _) => record(h),
                (Downsample::Pool, Decoder::Max(_)) => {
                    let (pooled, places) = pass.max_pool2d_with_switches(record(h), POOL);
                    switches.push(places);
                    pooled
                }
                (Downsample::Pool, _) if norm.is_some() => pass.max_pool2d(record(h), POOL),
                (Downsample::Pool, _) => layer.record_max_pooled(pass, h, POOL, activation),
            };
            h = if is_code { h } else { pass.drop(h, self.dropout) };
        }
        let [rows, columns] = self.sides[last + 1];
        let map = Shape::batch(&[self.filters[last] * rows * columns]);
        let flat = pass.reshape(h, map);
        let value = match &self.dense {
            Some(DenseCode { to: Some(to), .. }) => to.record(pass, flat, self.code_activation),
            _ => flat,
        };
        Encoded { value, switches }
    }

    #[track_caller]
    fn decode(&self, pass: &Pass<'_, T>, code: Var, switches: &[Var]) -> Var {
        let tape = pass.tape();
        if !Body::<T>::decodes_codes(self) && switches.is_empty() {
            tape.fail(WITHOUT_SWITCHES.into());
        }
        let n = self.filters.len();
        let [rows, columns] = self.sides[n];
        let flat = match &self.dense {
            Some(dense) => dense.back.record(tape, code, self.activation),
            None => code,
        };
        let mut h = tape.reshape(flat, Shape::batch(&[self.filters[n - 1], rows, columns]));
        // What follows level `l` of the decoder; nothing follows the last, whose output the loss compares.
        let activation = |level: usize| if level == 0 { ActivationName::Linear } else { self.activation };
        match &self.decoder {
            Decoder::Nearest(first, levels) => {
                h = first.record(tape, h, self.activation);
                for (level, layer) in (0..n).rev().zip(levels) {
                    h = layer.record_of_nearest(tape, h, [2, 2], activation(level));
                    h = cut(tape, h, self.sides[level]);
                }
            }
            Decoder::Max(levels) => {
                for (level, layer) in (0..n).rev().zip(levels) {
                    let unpooled = Unpooling::Max(self.sides[level]).record(tape, h, switches.get(level).copied());
                    h = layer.record(tape, unpooled, activation(level));
                }
            }
            Decoder::Transposed(levels, last) => {
                for (level, layer) in (0..n).rev().zip(levels) {
                    let more = [0, 1].map(|axis| {
                        // A transposed convolution of n positions gives 2 n - 1 and the output padding.
                        (self.sides[level][axis] + 1).saturating_sub(2 * self.sides[level + 1][axis])
                    });
                    h = layer.record(tape, h, more, self.activation);
                }
                h = last.record(tape, h, ActivationName::Linear);
            }
        }
        tape.reshape(h, Shape::batch(&[self.features()]))
    }

    fn trunk_size(&self) -> usize {
        let [rows, columns] = self.sides[self.filters.len()];
        self.filters[self.filters.len() - 1] * rows * columns
    }

    fn code_size(&self) -> usize {
        self.code
    }

    /// As in `1x28x28-16x14x14-8x7x7-8x4x4-8x7x7-16x14x14-1x28x28`.
    fn layers(&self) -> String {
        let channels: Vec<usize> = std::iter::once(self.image.channels).chain(self.filters.iter().copied()).collect();
        let sizes = channels.iter().zip(&self.sides);
        let encoder: Vec<String> =
            sizes.map(|(channels, [rows, columns])| format!("{channels}x{rows}x{columns}")).collect();
        let mut layers = encoder.clone();
        if self.dense.is_some() {
            layers.extend([self.code.to_string(), encoder[encoder.len() - 1].clone()]);
        }
        layers.extend(encoder.into_iter().rev().skip(1));
        layers.join("-")
    }

    fn code_image(&self) -> Option<[usize; 3]> {
        let n = self.filters.len();
        self.dense.is_none().then(|| [self.filters[n - 1], self.sides[n][0], self.sides[n][1]])
    }

    fn decodes_codes(&self) -> bool {
        !matches!(self.decoder, Decoder::Max(_))
    }
}

/// The first rows and columns, where there are more.
#[track_caller]
fn cut<T: Real>(tape: &narrows_engine::Tape<T>, x: Var, sides: [usize; 2]) -> Var {
    match tape.shape(x).sizes() {
        [_, rows, columns] if [*rows, *columns] != sides => tape.crop2d(x, sides),
        _ => x,
    }
}

/// Height and width before each level and after the last.
fn sides(settings: &Shared, image: ImageShape) -> Result<Vec<[usize; 2]>> {
    let keys = &settings.levels;
    let (height, width) = (image.height, image.width);
    // What lies further from a pixel than the image reaches only ever sees padding.
    let reach = 2 * height.max(width).min(keys.kernel) - 1;
    if keys.kernel > reach.max(3) {
        let kernel = keys.kernel;
        return Err(Error::usage(format!(
            "kernel is {kernel}; an image of {height} by {width} has no use for more than {reach}"
        )));
    }
    let mut sides = vec![[height, width]];
    for level in 0..keys.filters.len() {
        let [rows, columns] = sides[level];
        // Pooling needs two pixels each way, a stride something to make smaller.
        let pooled = keys.downsample == Downsample::Pool;
        if (pooled && (rows < 2 || columns < 2)) || (rows < 2 && columns < 2) {
            let remedy = match (level, rows.max(columns)) {
                (0, 0..2) => "one pixel is a number: use --model overcomplete, which is dense".to_owned(),
                (0, _) => "give --downsample stride, which needs one side alone".to_owned(),
                (_, 2..) if pooled => format!("give at most {level}, or downsample stride, which needs one side alone"),
                _ => format!("give at most {level}"),
            };
            let levels =
                if keys.filters.len() == 1 { "one level".into() } else { format!("{} levels", keys.filters.len()) };
            return Err(Error::usage(format!(
                "filters has {levels}; an image of {height} by {width} is {rows} by {columns} after {level}: {remedy}"
            )));
        }
        sides.push([rows.div_ceil(2), columns.div_ceil(2)]);
    }
    Ok(sides)
}
