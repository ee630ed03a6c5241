//! What every type is made of: a body, a reconstruction, and what any type may have.

use super::sample::{Code, Inputs, Sample, Scores};
use crate::bodies::{self, Beside, Body, BodySettings, DenseLayers, Encoded, Ends, Extra, Frame};
use crate::nn::{ActivationName, Init, Mode, Pass};
use crate::objective::{
    Builder, Columns, Corrupted, Corruption, CorruptionKeys, CorruptionName, L2, L2Keys, LossName, Reconstruction,
    ReconstructionKeys,
};
use crate::settings::{groups, settings, word};
use crate::{Error, Result};
use narrows_engine::ops::Axis;
use narrows_engine::{ParameterId, Parameters, Real, Var};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// Whether values may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum MissingName {
    /// They may where some of the training data are, and where data have columns of words.
    Auto,
    /// They may.
    True,
    /// They may not.
    False,
}

word!(MissingName, "missing");

settings! {
    /// The key of missing values.
    MissingKeys {
        missing: MissingName = MissingName::Auto, "WORD",
            "whether values may be missing: the encoder is told which are there, and the loss counts those";
    }
}

groups! {
    /// The keys of every type.
    Base {
        /// Of encoder and decoder.
        body: BodySettings,
        /// Of the reconstruction.
        reconstruction: ReconstructionKeys,
        /// Of what is done to the input.
        corruption: CorruptionKeys,
        /// Of a penalty on the weights.
        l2: L2Keys,
        /// Of missing values.
        missing: MissingKeys,
    }
}

impl Base {
    /// One layer of sigmoid units on either side, as the papers on regularised autoencoders have it.
    pub fn shallow(code: usize) -> Self {
        let mut base = Self::default();
        base.body.dense.hidden = Vec::new();
        base.body.shared.general.code = code;
        base.body.shared.general.code_activation = ActivationName::Sigmoid;
        base.body.shared.general.init = Init::Glorot;
        base
    }

    /// Settles what is left to data that lie in 0..1 or not; see [`ReconstructionKeys::settle`].
    ///
    /// # Errors
    /// A loss, an output or a corruption that does not fit the data.
    pub fn settle(&mut self, sample: &Sample, linear: bool, instead: &str) -> Result<Vec<String>> {
        let mixed = sample.is_mixed();
        let mut decisions = self.reconstruction.settle(sample.unit, mixed, linear, instead)?;
        if self.missing.missing == MissingName::Auto {
            let may = sample.missing || mixed;
            self.missing.missing = if may { MissingName::True } else { MissingName::False };
            decisions.extend(may.then(|| "missing values: the encoder is told which values are there".to_owned()));
        }
        self.check_columns(sample)?;
        let clipped = Corruption::new(&self.corruption)?.filter(Corruption::needs_unit_data);
        match clipped {
            Some(corruption) if !sample.unit => Err(Error::usage(format!(
                "corruption {} goes to 0 and 1, but the scaled data leave 0..1; give --scaling range or minmax, or another \
                 corruption",
                corruption.kind().name()
            ))),
            _ => Ok(decisions),
        }
    }
}

impl Base {
    /// Refuses what columns of words, or missing values, do not go with.
    fn check_columns(&self, sample: &Sample) -> Result<()> {
        let noise = &self.corruption.corruption;
        let masks = matches!(noise, CorruptionName::None | CorruptionName::Masking | CorruptionName::MaskingExact);
        if sample.is_mixed() && !masks {
            return Err(Error::usage(format!(
                "corruption {} is of quantities, and the data have columns of words; give corruption masking, which hides \
                 columns",
                noise.name()
            )));
        }
        if self.reconstruction.loss == LossName::Columns && sample.columns.is_none() {
            return Err(Error::usage("loss columns is for tables; give data with columns, or loss mse"));
        }
        if self.missing.missing == MissingName::False && sample.missing {
            return Err(Error::usage(
                "values are missing in the data, and missing is false; leave it auto, or fill or remove them",
            ));
        }
        Ok(())
    }
}

/// Body, reconstruction and what any type may have.
#[derive(Debug)]
pub struct Parts<T: Real> {
    /// Encoder and decoder.
    pub body: Box<dyn Body<T>>,
    /// How a reconstruction is compared.
    pub reconstruction: Reconstruction,
    /// How inputs are corrupted while training.
    pub corruption: Option<Corruption>,
    /// Whether values may be missing, and a mask says which are there.
    pub mask: bool,
    l2: Option<L2>,
}

impl<T: Real> Parts<T> {
    /// Adds the parameters of the body, for an encoder that ends in the code and sees the sample alone.
    ///
    /// # Errors
    /// Choices that make no sense for such data; sizes that are too large.
    pub fn new(base: &Base, sample: &Sample, parameters: &mut Parameters<T>) -> Result<Self> {
        Self::open(base, sample, (Ends::Code, Beside::default(), 0), parameters)
    }

    /// The same for an encoder that ends openly, or sees more than the sample; the last number is what the decoder sees
    /// beside a code.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn open(
        base: &Base,
        sample: &Sample,
        (ends, beside, decoder_beside): (Ends, Beside, usize),
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        if sample.features == 0 {
            return Err(Error::data("samples of no numbers"));
        }
        if let Some(image) = sample.image.filter(|image| image.features() != Some(sample.features)) {
            return Err(Error::data(format!("images of {image} do not have {} numbers", sample.features)));
        }
        let columns = sample.columns.as_deref().unwrap_or_default();
        let by_columns = base.reconstruction.loss == LossName::Columns;
        let mask = base.missing.missing == MissingName::True;
        let beside = Beside { mask: if mask { sample.features } else { 0 }, ..beside };
        let features = if by_columns { Columns::width(columns) } else { sample.features };
        let frame = Frame { features, image: sample.image, ends, beside, decoder_beside };
        Ok(Self {
            reconstruction: Reconstruction::new(&base.reconstruction, columns, parameters)?,
            corruption: Corruption::new(&base.corruption)?,
            body: bodies::build(&base.body, &frame, parameters)?,
            mask,
            l2: None,
        })
    }

    /// Notes the parameters that a penalty is on, once all are there.
    #[must_use]
    pub fn penalised(mut self, base: &Base, parameters: &Parameters<T>) -> Self {
        self.l2 = L2::new(&base.l2, parameters);
        self
    }

    /// The code of samples.
    #[track_caller]
    pub fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Code {
        let Encoded { value, switches } = self.run_encoder(pass, inputs, None);
        Code { switches, ..Code::of(value) }
    }

    /// What the body's encoder makes of samples, with their classes one-hot where it takes them.
    #[track_caller]
    pub fn run_encoder(&self, pass: &Pass<'_, T>, inputs: &Inputs, classes: Option<Var>) -> Encoded {
        let mask = inputs.mask.filter(|_| self.mask);
        self.body.encode(pass, self.reconstruction.widen(pass, inputs.x, mask), Extra { classes, mask })
    }

    /// Samples as the encoder sees them while training, and what each component counts in the loss. What a masking hides
    /// is missing for an encoder that is told what is there.
    #[track_caller]
    pub fn corrupt(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> (Inputs, Option<Var>) {
        let (Some(corruption), Mode::Training) = (&self.corruption, pass.mode()) else {
            return (*inputs, None);
        };
        let Corrupted { input, weights, kept } = corruption.record(pass, inputs.x);
        let Some(mask) = inputs.mask.filter(|_| self.mask) else {
            return (Inputs { x: input, ..*inputs }, weights);
        };
        let told = kept.map_or(mask, |kept| pass.mul(mask, kept));
        let weights = weights.map(|weights| pass.mul(weights, mask));
        (Inputs { x: pass.mul(input, told), mask: Some(told), ..*inputs }, weights)
    }

    /// Adds the L2 term over the parameters for which `trained` holds and that the objective does not freeze.
    #[track_caller]
    pub fn penalise(&self, pass: &Pass<'_, T>, builder: &mut Builder, trained: impl Fn(ParameterId) -> bool) {
        let frozen = builder.frozen.clone();
        let counts = |id: ParameterId| trained(id) && !frozen.contains(&id);
        if let Some((l2, value)) = self.l2.as_ref().and_then(|l2| Some((l2, l2.record(pass, counts)?))) {
            builder.term("l2", l2.weight, value);
        }
    }

    /// What the reconstruction `raw` adds for each sample, and for each feature.
    #[track_caller]
    pub fn scores(&self, pass: &Pass<'_, T>, raw: Var, inputs: &Inputs) -> Scores {
        let each = self.reconstruction.each(pass, raw, inputs.x);
        let features = inputs.mask.map_or(each, |mask| pass.mul(each, mask));
        let sum = match &self.reconstruction {
            Reconstruction::Columns(_) => self.reconstruction.of_samples(pass, raw, inputs.x, inputs.mask, 1.0),
            _ => pass.sum_over(features, Axis::Row),
        };
        Scores { terms: vec![("reconstruction", sum)], features }
    }

    /// The line for a code that is no smaller than a sample.
    pub fn uncompressed(&self, sample: &Sample) -> Option<String> {
        let (code, features) = (self.body.code_size(), sample.features);
        (code >= features)
            .then(|| format!("the code has {code} numbers for {features} of the data: nothing is compressed"))
    }

    /// The fully connected layers, for a type that needs them.
    ///
    /// # Errors
    /// Another body, or something between the layers; `what` is the line for that.
    pub fn dense(&self, what: &str) -> Result<DenseLayers<'_>> {
        if self.mask {
            return Err(Error::usage(
                "this type takes no missing values and no columns of words; use undercomplete, denoising, variational or \
                 importance-weighted, or fill and leave out what it does not take",
            ));
        }
        self.body.dense_layers().ok_or_else(|| Error::usage(what))
    }
}
