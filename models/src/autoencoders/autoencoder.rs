//! What an autoencoder must do: the one trait that every type implements, those outside this crate too.
//!
//! Most types are [`Parts`] and a term or two: they say what [`Autoencoder::parts`] and [`Autoencoder::terms`] are, and
//! the rest follows. A type with a code that is more than a vector overrides `encode`, `draw` and `decode`; one with
//! several players `phases` and `turn`; one whose first weights come from the data `prepare`; one that changes weights
//! beside the gradients `after_step`.

use super::parts::Parts;
use super::phase::{Phase, Prepare, StepView};
use super::sample::{Code, Inputs, Sample, Scores, Takes};
use crate::Result;
use crate::nn::Pass;
use crate::objective::{Builder, Objective};
use narrows_engine::{ParameterId, Parameters, Real, Shape, Var};
use std::fmt::Debug;

/// Figures over all samples, from which a term that is not the mean over samples is made.
#[derive(Debug, Clone, Copy)]
pub struct Whole<'a> {
    /// The mean of each unit of the code.
    pub mean_activation: &'a [f64],
    /// The divergence of a code that is a distribution.
    pub kl: Option<f64>,
}

/// An autoencoder over parameters of its own, for f32 or, where gradients are checked, f64.
pub trait Autoencoder<T: Real>: Debug + Send + Sync {
    /// Body, reconstruction and what every type may have.
    fn parts(&self) -> &Parts<T>;

    /// What it takes besides the samples.
    fn takes(&self) -> Takes {
        Takes { labels: false, mask: self.parts().mask }
    }

    /// What a phase takes besides the samples: for most types the same.
    fn phase_takes(&self, _phase: &Phase) -> Takes {
        self.takes()
    }

    /// Draws the first weights by a seed.
    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.parts().body.initialise(parameters, seed);
    }

    /// Makes first weights from the data; whatever a type of closed form needs, too.
    ///
    /// # Errors
    /// Data that do not do; no memory.
    fn prepare(&self, _data: &Prepare<'_>, _parameters: &mut Parameters<T>) -> Result<()> {
        Ok(())
    }

    /// The code of samples; of a distribution the mean.
    fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Code {
        self.parts().encode(pass, inputs)
    }

    /// The code that an objective decodes: of a distribution a sample.
    fn draw(&self, _pass: &Pass<'_, T>, code: Code) -> Code {
        code
    }

    /// Whether [`Self::draw`] draws: the objective then is of another code than what [`Self::encode`] gives.
    fn draws(&self) -> bool {
        false
    }

    /// The code that a codebook's entries make, from their numbers `[N, entries_of_code]`; `None` for a type without one.
    fn of_entries(&self, _pass: &Pass<'_, T>, _indices: Var) -> Option<Var> {
        None
    }

    /// A code gives what the loss compares, `[N, features]`: logits where the output is a sigmoid.
    fn decode(&self, pass: &Pass<'_, T>, code: &Code, _inputs: &Inputs) -> Var {
        self.parts().body.decode(pass, code.value, &code.switches)
    }

    /// Adds what the type's objective has besides the reconstruction.
    fn terms(&self, _pass: &Pass<'_, T>, _code: &Code, _builder: &mut Builder) {}

    /// The whole objective: [`whole_objective`], unless a type has one of its own altogether.
    fn objective(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Objective {
        whole_objective(self, pass, inputs)
    }

    /// The phases of training, in order, in a run of `epochs`; none for a type of closed form.
    fn phases(&self, epochs: u64) -> Vec<Phase> {
        vec![Phase::of("training", epochs)]
    }

    /// The objective of one player of a phase.
    fn turn(&self, pass: &Pass<'_, T>, inputs: &Inputs, _phase: &Phase, _player: usize) -> Objective {
        self.objective(pass, inputs)
    }

    /// Changes parameters beside the gradients, after each step of the optimiser: codebooks, norms, dead units.
    ///
    /// # Errors
    /// Those of reading what the step has watched.
    fn after_step(&self, _parameters: &mut Parameters<T>, _step: &StepView<'_, T>) -> Result<()> {
        Ok(())
    }

    /// Parameters that no gradient ever moves.
    fn kept(&self, parameters: &Parameters<T>) -> Vec<ParameterId> {
        let ends = |id: &ParameterId| parameters.name(*id).ends_with(".running_moments");
        parameters.ids().filter(ends).collect()
    }

    /// The key that changes the objective from step to step, and its value that does not, where one does.
    fn moves(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Whether an objective's value over a batch is not the mean of its samples' values, so that a batch must not be
    /// taken in parts.
    fn couples_samples(&self) -> bool {
        self.parts().reconstruction.couples_samples()
    }

    /// What each sample adds to the objective, the reconstruction's term first, of a clean sample and the code that
    /// [`Self::encode`] gives.
    fn scores(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Scores {
        let code = self.encode(pass, inputs);
        let raw = self.decode(pass, &code, inputs);
        self.parts().scores(pass, raw, inputs)
    }

    /// Samples from the prior, before an activation of the output; `like` is `[N, code]` and only its shape counts.
    /// `None` for a type without a prior.
    fn sample(&self, _pass: &Pass<'_, T>, _like: Var, _inputs: &Inputs) -> Option<Var> {
        None
    }

    /// KL of each unit of the code from its prior, for each sample: `[N, code]`; `None` where the code is no
    /// distribution.
    fn divergences(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Option<Var> {
        Some(self.encode(pass, inputs).posterior?.divergences(pass))
    }

    /// The logarithm of an importance weight `p(x|z) p(z) / q(z|x)` for one z drawn from q, `[N, 1]`, and what z is
    /// decoded to: the mean of K weights is an unbiased estimate of p(x) (Burda, Grosse & Salakhutdinov 2015).
    /// `variance` is the likelihood's where the data's best one is taken.
    fn importance(&self, pass: &Pass<'_, T>, inputs: &Inputs, variance: f64) -> Option<(Var, Var)> {
        let code = self.encode(pass, inputs);
        let decode = |value| self.decode(pass, &Code { value, ..code.clone() }, inputs);
        let mask = inputs.mask.filter(|_| self.takes().mask);
        Some(code.posterior?.log_weights(pass, (inputs.x, mask), &self.parts().reconstruction, variance, decode))
    }

    /// Samples with what is missing filled in, from `count` draws of the code where there are draws, `[N, features]`;
    /// `None` for a type that takes no missing values.
    fn impute(&self, pass: &Pass<'_, T>, inputs: &Inputs, _count: usize) -> Option<Var> {
        let mask = inputs.mask?;
        let code = self.encode(pass, inputs);
        let raw = self.decode(pass, &code, inputs);
        Some(filled(pass, inputs.x, mask, self.parts().reconstruction.output(pass, raw)))
    }

    /// The same by one of the draws, chosen by its weight, and with the noise of the likelihood: one of many ways in which
    /// the samples may be whole.
    fn impute_draw(&self, pass: &Pass<'_, T>, inputs: &Inputs, _count: usize) -> Option<Var> {
        let mask = inputs.mask?;
        let code = self.draw(pass, self.encode(pass, inputs));
        let raw = self.decode(pass, &code, inputs);
        let reconstruction = &self.parts().reconstruction;
        let drawn = reconstruction.draw(pass, reconstruction.expected(pass, raw));
        Some(filled(pass, inputs.x, mask, drawn))
    }

    /// The class of each sample, as logits `[N, classes]`, of a type with a classifier.
    fn classify(&self, _pass: &Pass<'_, T>, _inputs: &Inputs) -> Option<Var> {
        None
    }

    /// A term over all samples, where that is not the mean of its values over batches.
    ///
    /// # Errors
    /// No memory.
    fn whole_term(&self, _name: &str, _whole: &Whole<'_>) -> Result<Option<f64>> {
        Ok(None)
    }

    /// How many entries a codebook has that codes are made of, where there is one.
    fn entries(&self) -> Option<usize> {
        None
    }

    /// How many of them a code is made of.
    fn entries_of_code(&self) -> Option<usize> {
        None
    }

    /// Why a batch of so many samples is too small, in words, if it is.
    fn small_batch(&self, _batch: usize) -> Option<String> {
        None
    }

    /// What a reader of the figures should know, in words; `epochs` are those of the run.
    fn remarks(&self, _sample: &Sample, _epochs: u64) -> Vec<String> {
        Vec::new()
    }
}

/// What is present as it is, and `output` elsewhere.
#[track_caller]
pub(super) fn filled<T: Real>(pass: &Pass<'_, T>, x: Var, mask: Var, output: Var) -> Var {
    let absent = pass.add_scalar(pass.scale(mask, -1.0), 1.0);
    let features = pass.shape(x).sample_elements();
    let kept = pass.reshape(pass.mul(x, mask), Shape::batch(&[features]));
    pass.add(kept, pass.mul(output, absent))
}

/// The objective of nearly every type: the reconstruction of a corrupted sample, what [`Autoencoder::terms`] adds, and the
/// penalties on weights.
pub fn whole_objective<T: Real, A: Autoencoder<T> + ?Sized>(
    autoencoder: &A,
    pass: &Pass<'_, T>,
    inputs: &Inputs,
) -> Objective {
    let parts = autoencoder.parts();
    let mut builder = Builder::default();
    let (seen, weights) = parts.corrupt(pass, inputs);
    let code = autoencoder.encode(pass, &seen);
    let code = autoencoder.draw(pass, code);
    let raw = autoencoder.decode(pass, &code, inputs);
    builder.raw = Some(raw);
    let weights = weights.or(inputs.mask.filter(|_| autoencoder.takes().mask));
    builder.term("reconstruction", 1.0, parts.reconstruction.record(pass, raw, inputs.x, weights));
    autoencoder.terms(pass, &code, &mut builder);
    parts.penalise(pass, &mut builder, |_| true);
    builder.finish(pass, code.value)
}
