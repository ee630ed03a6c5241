//! The vector-quantised autoencoder (van den Oord, Vinyals & Kavukcuoglu 2017): a code is a few entries of a codebook.
//!
//! The encoder gives vectors z_e; each becomes the nearest entry, `z_q = e_k`, `k = argmin_j ‖z_e − e_j‖²`, and that is
//! decoded. Objective: `L + β ‖z_e − sg[z_q]‖²`, summed over the code, averaged over samples; the decoder's gradient
//! goes straight through to z_e. sg[..] takes no gradient.
//!
//! The codebook is no matter of gradients: after each step it takes moving averages (appendix A.1 of the paper),
//! `N_j ← γ N_j + (1−γ) n_j`, `m_j ← γ m_j + (1−γ) Σ z_e` over the batch's vectors nearest to entry j, and
//! `e_j = m_j / Ñ_j` with Laplace smoothing, `Ñ_j = (N_j + ε) / (ΣN + Kε) ΣN`, ε = 1e-5. It begins with k-means of a
//! batch's z_e. An entry that is used less than `restart` times the average begins again at one of the batch's vectors
//! (as in Dhariwal et al. 2020, Jukebox).
//!
//! A code of numbers is divided into vectors of `entry_size`; of a convolutional body's last image every pixel is one.

use super::{Autoencoder, Base, Code, Inputs, Parts, Prepare, Sample, StepView, Type};
use crate::linalg::kmeans;
use crate::nn::{Init, Mode, Pass};
use crate::objective::Builder;
use crate::settings::{Range, groups, settings};
use crate::{Error, Result};
use narrows_engine::gemm::Activation;
use narrows_engine::ops::{Axis, Reduction};
use narrows_engine::random::{fill_uniform, stream_id};
use narrows_engine::{ParameterId, Parameters, Real, Shape, Tape, Var};

settings! {
    /// The keys of a codebook.
    Keys {
        entries: usize = 64, "K", "entries of the codebook", in Range::<usize>::COUNT;
        entry_size: usize = 4, "SIZE", "numbers of an entry; of an image that is the code, its channels", in Range::<usize>::COUNT;
        commitment: f64 = 0.25, "X", "beta, the weight of the distance from the encoder to its entries", in Range::<f64>::WEIGHT;
        codebook_decay: f64 = 0.99, "X", "gamma, the share of an entry's averages that stays at each step", in Range::<f64>::FRACTION;
        restart: f64 = 0.02, "SHARE", "an entry that is used less than so many times the average begins again", in Range::<f64>::FRACTION;
    }
}

groups! {
    /// The keys of the type.
    VectorQuantisedSettings {
        /// Those of every type.
        base: Base,
        /// Of the codebook.
        keys: Keys,
    }
}

/// The type.
#[derive(Debug)]
pub struct VectorQuantised;

impl Type for VectorQuantised {
    type Settings = VectorQuantisedSettings;
    const NAME: &'static str = "vector-quantised";
    const ABOUT: &'static str = "a code of entries of a codebook";

    fn settings() -> VectorQuantisedSettings {
        let mut settings = VectorQuantisedSettings::default();
        // Vectors that are small at the start are all near one entry, and the decoder sees but that.
        settings.base.body.shared.general.init = Init::Glorot;
        settings
    }

    fn settle(settings: &mut VectorQuantisedSettings, sample: &Sample) -> Result<Vec<String>> {
        settings.base.settle(sample, false, "--loss mse")
    }

    fn build<T: Real>(
        settings: &VectorQuantisedSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        if settings.base.body.dense.tied {
            return Err(Error::usage(
                "a decoder of a codebook's entries is not the encoder turned round; give tied false",
            ));
        }
        let parts = Parts::new(&settings.base, sample, parameters)?;
        let (code, keys) = (parts.body.code_size(), settings.keys.clone());
        let image = parts.body.code_image();
        let size = image.map_or(keys.entry_size, |[channels, ..]| channels);
        if !code.is_multiple_of(size) {
            return Err(Error::usage(format!(
                "a code of {code} numbers is no whole number of entries of {size}; give an --entry-size that divides it"
            )));
        }
        let entries = parameters.add("codebook.entries", &[keys.entries, size])?;
        let counts = parameters.add("codebook.counts", &[keys.entries])?;
        let sums = parameters.add("codebook.sums", &[keys.entries, size])?;
        let parts = parts.penalised(&settings.base, parameters);
        let layout = Layout { positions: code / size, size, image: image.is_some() };
        Ok(Box::new(VectorQuantisedAutoencoder { parts, keys, layout, entries, counts, sums }))
    }
}

/// How a code is divided into vectors.
#[derive(Debug, Clone, Copy)]
struct Layout {
    positions: usize,
    size: usize,
    /// Whether the code is an image, whose vectors lie across its channels.
    image: bool,
}

impl Layout {
    /// A code `[N, code]` as its vectors `[N, positions, size]`.
    #[track_caller]
    fn vectors<T: Real>(&self, tape: &Tape<T>, code: Var) -> Var {
        match self.image {
            true => tape.permute(tape.reshape(code, Shape::batch(&[self.size, self.positions])), &[1, 0]),
            false => tape.reshape(code, Shape::batch(&[self.positions, self.size])),
        }
    }

    /// And back.
    #[track_caller]
    fn code<T: Real>(&self, tape: &Tape<T>, vectors: Var) -> Var {
        let vectors = if self.image { tape.permute(vectors, &[1, 0]) } else { vectors };
        tape.reshape(vectors, Shape::batch(&[self.size * self.positions]))
    }
}

/// Samples that the first entries are made of, and rounds of k-means.
const FIRST: usize = 1024;
const ROUNDS: usize = 10;
/// ε of the smoothing.
const EPSILON: f64 = 1e-5;
/// The operation number of the streams that restarted entries are drawn from.
const RESTART: u32 = 0x00ff_0010;

/// The autoencoder.
#[derive(Debug)]
struct VectorQuantisedAutoencoder<T: Real> {
    parts: Parts<T>,
    keys: Keys,
    layout: Layout,
    /// `[K, size]`
    entries: ParameterId,
    /// N, `[K]`
    counts: ParameterId,
    /// m, `[K, size]`
    sums: ParameterId,
}

impl<T: Real> VectorQuantisedAutoencoder<T> {
    /// The numbers of the entries nearest to vectors `[N, positions, size]`, `[N, positions, 1]`: the largest
    /// `z·e_j − ‖e_j‖²/2`.
    #[track_caller]
    fn nearest(&self, pass: &Pass<'_, T>, vectors: Var) -> Var {
        let entries = pass.stop_gradient(pass.parameter(self.entries));
        let norms = pass.sum_over(pass.square(entries), Axis::Row);
        let norms = pass.reshape(pass.scale(norms, -0.5), Shape::fixed(&[self.keys.entries]));
        let likeness = pass.linear(pass.stop_gradient(vectors), entries, Some(norms), Activation::Identity);
        pass.stop_gradient(pass.argmax(likeness))
    }
}

impl<T: Real> Autoencoder<T> for VectorQuantisedAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.parts.body.initialise(parameters, seed);
        let bound = T::from_f64(1.0 / self.keys.entries as f64);
        let stream = stream_id(self.entries.index() as u64, RESTART);
        fill_uniform(seed, stream, 0, -bound, bound, parameters.view_mut(self.entries));
        self.settle(parameters);
    }

    /// k-means of the first samples' vectors.
    fn prepare(&self, data: &Prepare<'_>, parameters: &mut Parameters<T>) -> Result<()> {
        if data.started.iter().any(|name| name == parameters.name(self.entries)) {
            return Ok(());
        }
        let samples = data.samples(FIRST)?;
        let features = data.dataset.features();
        let tape = Tape::new(parameters, samples.len() / features.max(1));
        let pass = Pass::new(&tape, Mode::Evaluation);
        let x = tape.input("x", Shape::batch(&[features]));
        let code = self.parts.encode(&pass, &Inputs { x, labels: None, mask: None }).value;
        let vectors = self.layout.vectors(&tape, code);
        let plan = tape.infer(&[vectors])?;
        let mut workspace = plan.workspace()?;
        workspace.input_mut(x)?.iter_mut().zip(&samples).for_each(|(to, &x)| *to = T::from_f64(f64::from(x)));
        plan.forward(parameters, &mut workspace, data.split)?;
        let points: Vec<f64> = workspace.value(vectors)?.iter().map(|x| x.to_f64()).collect();
        let centres = kmeans(&points, self.layout.size, self.keys.entries, ROUNDS, data.seed)?;
        parameters.view_mut(self.entries).iter_mut().zip(&centres).for_each(|(to, &x)| *to = T::from_f64(x));
        self.settle(parameters);
        Ok(())
    }

    fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Code {
        let code = self.parts.encode(pass, inputs);
        let vectors = self.layout.vectors(pass, code.value);
        let indices = self.nearest(pass, vectors);
        let entries = pass.stop_gradient(pass.parameter(self.entries));
        let found = pass.gather_rows(entries, indices);
        let found = pass.reshape(found, Shape::batch(&[self.layout.positions, self.layout.size]));
        // z_e + sg[z_q − z_e]: the value is z_q, but for rounding, the derivative 1.
        let moved = match pass.mode() {
            Mode::Training => pass.add(vectors, pass.stop_gradient(pass.sub(found, vectors))),
            Mode::Evaluation => found,
        };
        let value = self.layout.code(pass, moved);
        Code { value, indices: Some(indices), continuous: Some(vectors), ..code }
    }

    fn terms(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
        let (Some(vectors), Some(indices)) = (code.continuous, code.indices) else { return };
        let entries = pass.stop_gradient(pass.parameter(self.entries));
        let found = pass.gather_rows(entries, indices);
        let found = pass.reshape(found, Shape::batch(&[self.layout.positions, self.layout.size]));
        let distance = pass.mean_squared_error(vectors, pass.stop_gradient(found), Reduction::SumOverFeatures);
        builder.term("commitment", self.keys.commitment, distance);
        builder.watch("vectors", vectors);
        builder.watch("indices", indices);
    }

    /// The moving averages, the entries that follow them, and those that begin again.
    fn after_step(&self, parameters: &mut Parameters<T>, step: &StepView<'_, T>) -> Result<()> {
        let (vectors, indices) = (step.value("vectors")?, step.value("indices")?);
        let (size, decay) = (self.layout.size, T::from_f64(self.keys.codebook_decay));
        let share = T::ONE - decay;
        parameters.view_mut(self.counts).iter_mut().for_each(|count| *count = decay * *count);
        parameters.view_mut(self.sums).iter_mut().for_each(|sum| *sum = decay * *sum);
        for (vector, index) in vectors.chunks_exact(size).zip(indices) {
            let index = index.to_f64() as usize;
            let count = &mut parameters.view_mut(self.counts)[index];
            *count += share;
            let sum = &mut parameters.view_mut(self.sums)[index * size..][..size];
            sum.iter_mut().zip(vector).for_each(|(sum, &x)| *sum += share * x);
        }
        let total: f64 = parameters.view(self.counts).iter().map(|count| count.to_f64()).sum();
        let k = self.keys.entries as f64;
        let (least, average) = (self.keys.restart * total / k, total / k);
        let count = vectors.len() / size.max(1);
        for entry in 0..self.keys.entries {
            if parameters.view(self.counts)[entry].to_f64() < least && count > 0 {
                let mut draw = [0.0f64];
                let stream = stream_id(step.noise.step, RESTART);
                fill_uniform(step.noise.seed, stream, entry as u64, 0.0, 1.0, &mut draw);
                let chosen = ((draw[0] * count as f64) as usize).min(count - 1);
                let average = T::from_f64(average);
                parameters.view_mut(self.counts)[entry] = average;
                let sum = &mut parameters.view_mut(self.sums)[entry * size..][..size];
                sum.iter_mut().zip(&vectors[chosen * size..]).for_each(|(sum, &x)| *sum = average * x);
            }
        }
        self.follow(parameters);
        Ok(())
    }

    fn of_entries(&self, pass: &Pass<'_, T>, indices: Var) -> Option<Var> {
        let found = pass.gather_rows(pass.parameter(self.entries), indices);
        Some(self.layout.code(pass, found))
    }

    fn entries(&self) -> Option<usize> {
        Some(self.keys.entries)
    }

    fn entries_of_code(&self) -> Option<usize> {
        Some(self.layout.positions)
    }

    fn kept(&self, parameters: &Parameters<T>) -> Vec<ParameterId> {
        let moments = parameters.ids().filter(|&id| parameters.name(id).ends_with(".running_moments"));
        moments.chain([self.entries, self.counts, self.sums]).collect()
    }
}

impl<T: Real> VectorQuantisedAutoencoder<T> {
    /// Averages that give the entries as they stand: each used once.
    fn settle(&self, parameters: &mut Parameters<T>) {
        parameters.view_mut(self.counts).fill(T::ONE);
        let entries: Vec<T> = parameters.view(self.entries).to_vec();
        parameters.view_mut(self.sums).iter_mut().zip(entries).for_each(|(to, x)| *to = x);
    }

    /// Entries from their averages: `e_j = m_j / Ñ_j`.
    fn follow(&self, parameters: &mut Parameters<T>) {
        let (size, k) = (self.layout.size, self.keys.entries as f64);
        let total: f64 = parameters.view(self.counts).iter().map(|count| count.to_f64()).sum();
        for entry in 0..self.keys.entries {
            let count = parameters.view(self.counts)[entry].to_f64();
            let smoothed = (count + EPSILON) / (total + k * EPSILON) * total;
            for at in entry * size..(entry + 1) * size {
                let sum = parameters.view(self.sums)[at].to_f64();
                parameters.view_mut(self.entries)[at] = T::from_f64(sum / smoothed);
            }
        }
    }
}
