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

use super::{Encoded, Ends};
use crate::config::{Config, words};
use crate::data::ImageShape;
use crate::nn::{ActivationName, Conv2d, ConvTranspose2d, Linear, Unpooling};
use crate::{Error, Result};
use narrows_engine::conv::Pool;
use narrows_engine::ops::ConvOptions;
use narrows_engine::{Parameters, Real, Shape, Tape, Var};

words! {
    /// How an encoder makes images smaller.
    Downsample, "downsample" {
        /// Max pooling of 2x2.
        Pool = "pool",
        /// Convolutions of stride 2.
        Stride = "stride",
    }
}

words! {
    /// How a decoder makes images larger.
    Upsample, "upsample" {
        /// Nearest-neighbour unpooling, and a convolution.
        Nearest = "nearest",
        /// Max unpooling by the encoder's switches, and a convolution.
        Max = "max",
        /// Transposed convolutions of stride 2.
        Transposed = "transposed",
    }
}

words! {
    /// What the code of a convolutional autoencoder is.
    Bottleneck, "bottleneck" {
        /// The encoder's last image.
        Map = "map",
        /// `code` numbers, by a linear layer.
        Dense = "dense",
    }
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
    encoder: Vec<Conv2d>,
    dense: Option<DenseCode>,
    decoder: Decoder,
    activation: ActivationName,
    code_activation: ActivationName,
    downsample: Downsample,
    code: usize,
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

impl Convolutional {
    /// Adds the parameters of an autoencoder for images of `image`.
    ///
    /// # Errors
    /// Data that are no images; no filters, an even kernel or more levels than the image has sizes; max unpooling
    /// without max pooling; sizes that are too large.
    pub fn new<T: Real>(
        config: &Config,
        image: Option<ImageShape>,
        ends: Ends,
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        let image = image.ok_or_else(|| {
            Error::usage("a convolutional body needs images, and the data are rows of numbers; use --body dense")
        })?;
        check(config)?;
        let (sides, n) = (sides(config, image)?, config.filters.len());
        let (kernel, half) = ([config.kernel; 2], config.kernel / 2);
        let same = ConvOptions::default().padding(half);
        let halved = same.stride(2);
        let down = if config.downsample == Downsample::Stride { halved } else { same };
        // Channels before each level, and after the last.
        let channels: Vec<usize> = std::iter::once(image.channels).chain(config.filters.iter().copied()).collect();
        // Numbered as PyTorch's `Sequential` numbers what stands in it: the activations and poolings too.
        let drawn = usize::from(config.activation != ActivationName::Linear);
        let pooled = usize::from(config.downsample == Downsample::Pool);
        let encoder = (0..n).map(|level| {
            let name = format!("encoder.{}", level * (1 + drawn + pooled));
            Conv2d::new(parameters, &name, [channels[level], channels[level + 1]], kernel, down)
        });
        let encoder = encoder.collect::<Result<Vec<_>>>()?;
        let last = sides[n];
        let map = channels[n].checked_mul(last[0]).and_then(|n| n.checked_mul(last[1]));
        let map = map.ok_or_else(|| Error::usage(format!("images of {image} are too large to count")))?;
        let dense = match config.bottleneck {
            Bottleneck::Map => None,
            Bottleneck::Dense => Some(DenseCode {
                to: match ends {
                    Ends::Code => Some(Linear::new(parameters, "encoder.code", map, config.code)?),
                    Ends::Open => None,
                },
                back: Linear::new(parameters, "decoder.code", config.code, map)?,
            }),
        };
        let mut convolution = |number: usize, sizes: [usize; 2]| {
            Conv2d::new(parameters, &format!("decoder.{number}"), sizes, kernel, same)
        };
        let decoder = match config.upsample {
            Upsample::Nearest => {
                let code = convolution(0, [channels[n]; 2])?;
                let each = 2 + drawn;
                let levels =
                    (0..n).rev().enumerate().map(|(i, l)| convolution((i + 1) * each, [channels[l + 1], channels[l]]));
                Decoder::Nearest(code, levels.collect::<Result<_>>()?)
            }
            Upsample::Max => {
                let each = 2 + drawn;
                let levels =
                    (0..n).rev().enumerate().map(|(i, l)| convolution(i * each + 1, [channels[l + 1], channels[l]]));
                Decoder::Max(levels.collect::<Result<_>>()?)
            }
            Upsample::Transposed => {
                let each = 1 + drawn;
                let levels = (0..n).rev().enumerate().map(|(i, level)| {
                    let sizes = [channels[level + 1], channels[level.max(1)]];
                    ConvTranspose2d::new(parameters, &format!("decoder.{}", i * each), sizes, kernel, halved)
                });
                let levels = levels.collect::<Result<_>>()?;
                let name = format!("decoder.{}", n * each);
                let last = Conv2d::new(parameters, &name, [channels[1], channels[0]], kernel, same)?;
                Decoder::Transposed(levels, last)
            }
        };
        Ok(Self {
            image,
            filters: config.filters.clone(),
            sides,
            encoder,
            code: if dense.is_some() { config.code } else { map },
            dense,
            decoder,
            activation: config.activation,
            code_activation: config.code_activation,
            downsample: config.downsample,
        })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, config: &Config) {
        let (init, seed) = (config.init, config.seed);
        let dense = self.dense.iter().flat_map(|dense| dense.to.iter().chain([&dense.back]));
        dense.for_each(|layer| layer.initialise(parameters, init, seed));
        let (first, levels, transposed): (Option<&Conv2d>, &[Conv2d], &[ConvTranspose2d]) = match &self.decoder {
            Decoder::Nearest(code, levels) => (Some(code), levels, &[]),
            Decoder::Max(levels) => (None, levels, &[]),
            Decoder::Transposed(levels, last) => (Some(last), &[], levels),
        };
        let convolutions = self.encoder.iter().chain(first).chain(levels);
        convolutions.for_each(|layer| layer.initialise(parameters, init, seed));
        transposed.iter().for_each(|layer| layer.initialise(parameters, init, seed));
    }

    /// `x` `[N, features]` gives the code `[N, code]` (the last image, where a type makes its own code of that), and
    /// the switches of each level if the decoder unpools by them.
    #[track_caller]
    pub fn encode<T: Real>(&self, tape: &Tape<T>, x: Var) -> Encoded {
        let ImageShape { channels, height, width } = self.image;
        let mut h = tape.reshape(x, Shape::batch(&[channels, height, width]));
        let mut switches = Vec::new();
        let last = self.encoder.len() - 1;
        for (level, layer) in self.encoder.iter().enumerate() {
            // With a dense code the last image is a hidden layer.
            let is_code = level == last && self.dense.is_none();
            let activation = if is_code { self.code_activation } else { self.activation };
            h = match (self.downsample, &self.decoder) {
                (Downsample::Stride, _) => layer.record(tape, h, activation),
                (Downsample::Pool, Decoder::Max(_)) => {
                    let (pooled, places) = tape.max_pool2d_with_switches(layer.record(tape, h, activation), POOL);
                    switches.push(places);
                    pooled
                }
                (Downsample::Pool, _) => layer.record_max_pooled(tape, h, POOL, activation),
            };
        }
        let [rows, columns] = self.sides[last + 1];
        let map = Shape::batch(&[self.filters[last] * rows * columns]);
        let flat = tape.reshape(h, map);
        let code = match &self.dense {
            Some(DenseCode { to: Some(to), .. }) => to.record(tape, flat, self.code_activation),
            _ => flat,
        };
        Encoded { code, switches }
    }

    /// The code gives what the loss compares: logits for the cross-entropy, else the reconstruction. Max unpooling
    /// needs the switches of the image that the code is of.
    #[track_caller]
    pub fn decode<T: Real>(&self, tape: &Tape<T>, Encoded { code, switches }: &Encoded) -> Var {
        let code = *code;
        if matches!(self.decoder, Decoder::Max(_)) && switches.is_empty() {
            tape.fail(
                "a code alone cannot be decoded by max unpooling, which needs the places of the encoder's maxima; \
                 reconstruct images, or train with upsample nearest or transposed"
                    .into(),
            );
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

    fn features(&self) -> usize {
        self.image.channels * self.image.height * self.image.width
    }

    /// Numbers in what [`Self::encode`] gives where a type makes its own code of it.
    pub fn trunk_size(&self) -> usize {
        let [rows, columns] = self.sides[self.filters.len()];
        self.filters[self.filters.len() - 1] * rows * columns
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        self.code
    }

    /// Sizes from the image to the code and back, as in `1x28x28-16x14x14-8x7x7-8x4x4-8x7x7-16x14x14-1x28x28`.
    pub fn layers(&self) -> String {
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
}

/// The first rows and columns, where there are more.
#[track_caller]
fn cut<T: Real>(tape: &Tape<T>, x: Var, sides: [usize; 2]) -> Var {
    match tape.shape(x).sizes() {
        [_, rows, columns] if [*rows, *columns] != sides => tape.crop2d(x, sides),
        _ => x,
    }
}

/// Refuses what makes no sense for any image.
fn check(config: &Config) -> Result<()> {
    if config.filters.is_empty() {
        return Err(Error::usage("filters is empty; give the filters of each level, as in 16,8,8"));
    }
    if config.kernel.is_multiple_of(2) {
        let kernel = config.kernel;
        return Err(Error::usage(format!("kernel is {kernel}; give an odd number, which keeps an image's size")));
    }
    if config.upsample == Upsample::Max && config.downsample != Downsample::Pool {
        return Err(Error::usage(
            "upsample is max and downsample is stride; max unpooling needs the places that max pooling finds: use \
             downsample pool, or upsample nearest or transposed",
        ));
    }
    Ok(())
}

/// Height and width before each level and after the last.
fn sides(config: &Config, image: ImageShape) -> Result<Vec<[usize; 2]>> {
    let (height, width) = (image.height, image.width);
    // What lies further from a pixel than the image reaches only ever sees padding.
    let reach = 2 * height.max(width).min(config.kernel) - 1;
    if config.kernel > reach.max(3) {
        let kernel = config.kernel;
        return Err(Error::usage(format!(
            "kernel is {kernel}; an image of {height} by {width} has no use for more than {reach}"
        )));
    }
    let mut sides = vec![[height, width]];
    for level in 0..config.filters.len() {
        let [rows, columns] = sides[level];
        // Pooling needs two pixels each way, a stride something to make smaller.
        let pooled = config.downsample == Downsample::Pool;
        if (pooled && (rows < 2 || columns < 2)) || (rows < 2 && columns < 2) {
            let remedy = match (level, rows.max(columns)) {
                (0, 0..2) => "use --body dense".to_owned(),
                (_, 2..) if pooled => format!("give at most {level}, or downsample stride, which needs one side alone"),
                _ => format!("give at most {level}"),
            };
            let levels =
                if config.filters.len() == 1 { "one level".into() } else { format!("{} levels", config.filters.len()) };
            return Err(Error::usage(format!(
                "filters has {levels}; an image of {height} by {width} is {rows} by {columns} after {level}: {remedy}"
            )));
        }
        sides.push([rows.div_ceil(2), columns.div_ceil(2)]);
    }
    Ok(sides)
}

/// The sizes of every tensor of a body of this configuration, weights and biases, in no order that matters; `None`
/// where sizes are too large to be multiplied.
pub(super) fn tensors(config: &Config, image: ImageShape, ends: Ends) -> Option<Vec<Vec<usize>>> {
    let channels: Vec<usize> = std::iter::once(image.channels).chain(config.filters.iter().copied()).collect();
    let (n, kernel) = (config.filters.len(), config.kernel);
    let mut all = Vec::new();
    let convolution = |from: usize, to: usize| [vec![to, from, kernel, kernel], vec![to]];
    for level in 0..n {
        all.extend(convolution(channels[level], channels[level + 1]));
        // Mirrored by the decoder; the transposed one ends with f_1 channels and has one more.
        match config.upsample {
            Upsample::Transposed => {
                // Its weight is [from, to, ..], its bias [to].
                let (from, to) = (channels[level + 1], channels[level.max(1)]);
                all.extend([vec![from, to, kernel, kernel], vec![to]]);
            }
            _ => all.extend(convolution(channels[level + 1], channels[level])),
        }
    }
    match config.upsample {
        Upsample::Nearest => all.extend(convolution(*channels.get(n)?, channels[n])),
        Upsample::Transposed => all.extend(convolution(*channels.get(1)?, channels[0])),
        Upsample::Max => {}
    }
    if config.bottleneck == Bottleneck::Dense {
        let side = |size: usize| (0..n).fold(size, |size, _| size.div_ceil(2));
        let map = channels[n].checked_mul(side(image.height))?.checked_mul(side(image.width))?;
        if ends == Ends::Code {
            all.extend([vec![config.code, map], vec![config.code]]);
        }
        all.extend([vec![map, config.code], vec![map]]);
    }
    Some(all)
}
