//! The reference networks of linear layers, recorded on the tape with their loss and Adam, as PyTorch and JAX are timed
//! on them.
//!
//! Hidden units are ReLU (the code's too) unless said otherwise, weights and biases uniform in `±1/sqrt(inputs)`,
//! inputs uniform in 0..1, Adam with rate 1e-3. Cross-entropy is taken from logits, which is the same function as
//! sigmoid and then cross-entropy. The VAE's loss is divided by the batch; Adam does not see such a factor.

use narrows_engine::gemm::Activation;
use narrows_engine::ops::Reduction;
use narrows_engine::optim::{Adam, Optimizer, StepOptions};
use narrows_engine::profile::Profile;
use narrows_engine::random::{fill_normal, fill_uniform};
use narrows_engine::{Error, Parameters, Plan, Shape, Split, Tape, Var, Workspace};

/// What a network minimises, and its hidden units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// Mean cross-entropy, ReLU.
    CrossEntropy,
    /// Mean squared error of a sigmoid output, ReLU.
    SquaredError,
    /// Mean squared error of a sigmoid output, sigmoid.
    SquaredErrorSigmoid,
    /// Cross-entropy and Kullback-Leibler divergence (Kingma & Welling 2013), ReLU.
    Variational,
}

/// A reference network.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// As the tables call it.
    pub name: &'static str,
    /// Units from the data to the code; the decoder mirrors them.
    pub encoder: &'static [usize],
    /// Samples in a step.
    pub batch: usize,
    /// What is minimised.
    pub objective: Objective,
}

/// Those of the recorded targets that have linear layers only.
pub const NETWORKS: [Network; 6] = [
    Network { name: "64-16-64", encoder: &[64, 16], batch: 32, objective: Objective::SquaredError },
    Network { name: "784-32-784", encoder: &[784, 32], batch: 128, objective: Objective::CrossEntropy },
    Network { name: "784-1024-784", encoder: &[784, 1024], batch: 128, objective: Objective::SquaredErrorSigmoid },
    Network { name: "784-512-256-32", encoder: &[784, 512, 256, 32], batch: 128, objective: Objective::CrossEntropy },
    Network {
        name: "784-1000-500-250-30",
        encoder: &[784, 1000, 500, 250, 30],
        batch: 128,
        objective: Objective::CrossEntropy,
    },
    Network { name: "vae-784-400-20", encoder: &[784, 400, 20], batch: 128, objective: Objective::Variational },
];

impl Network {
    /// Inputs and outputs of every linear layer, in order.
    pub fn layers(&self) -> Vec<(usize, usize)> {
        let down = self.encoder.windows(2).map(|pair| (pair[0], pair[1]));
        let up = self.encoder.windows(2).rev().map(|pair| (pair[1], pair[0]));
        let code = down.clone().next_back().filter(|_| self.objective == Objective::Variational);
        down.chain(code).chain(up).collect()
    }

    /// Flops of a step's products if every layer had three: `3 * 2 * sum(in * out) * batch`.
    pub fn flops(&self) -> f64 {
        let weights: usize = self.layers().iter().map(|(inputs, outputs)| inputs * outputs).sum();
        (6 * weights * self.batch) as f64
    }

    /// Flops of a step's products without the gradient of the data, which nobody wants.
    pub fn needed_flops(&self) -> f64 {
        self.flops() - (2 * self.encoder[0] * self.encoder[1] * self.batch) as f64
    }

    /// Records the network and fills its weights and inputs.
    ///
    /// # Errors
    /// No memory.
    pub fn step(&self) -> Result<Step, Error> {
        let mut parameters = Parameters::new();
        for (i, (inputs, outputs)) in self.layers().into_iter().enumerate() {
            let bound = (inputs as f32).sqrt().recip();
            let sizes: [(&str, &[usize]); 2] = [("weight", &[outputs, inputs]), ("bias", &[outputs])];
            for (kind, sizes) in sizes {
                let id = parameters.add(&format!("{i}.{kind}"), sizes)?;
                fill_uniform(0, id.index() as u64, 0, -bound, bound, parameters.view_mut(id));
            }
        }
        let tape = Tape::new(&parameters, self.batch);
        let x = tape.input("x", Shape::batch(&[self.encoder[0]]));
        let (results, noise) = self.record(&tape, &parameters, x);
        let mut step = Step::new(&tape, parameters, results, &[x], self.batch)?;
        if let Some(noise) = noise {
            fill_normal(1, 1, 0, 0.0, 1.0, step.workspace.input_mut(noise)?);
        }
        Ok(step)
    }

    /// The loss and the reconstruction, and the noise of a VAE: an input that is filled once.
    fn record(&self, tape: &Tape<f32>, parameters: &Parameters<f32>, x: Var) -> ([Var; 2], Option<Var>) {
        let ids: Vec<_> = parameters.ids().collect();
        let layer = |i: usize, h: Var, activation: Activation<f32>| {
            tape.linear(h, tape.parameter(ids[2 * i]), Some(tape.parameter(ids[2 * i + 1])), activation)
        };
        let last = self.layers().len() - 1;
        let (hidden, output) = match self.objective {
            Objective::CrossEntropy | Objective::Variational => (Activation::Relu, Activation::Identity),
            Objective::SquaredError => (Activation::Relu, Activation::Sigmoid),
            Objective::SquaredErrorSigmoid => (Activation::Sigmoid, Activation::Sigmoid),
        };
        if self.objective != Objective::Variational {
            let h = (0..last).fold(x, |h, i| layer(i, h, hidden));
            let y = layer(last, h, output);
            return match self.objective {
                Objective::CrossEntropy => ([tape.binary_cross_entropy(y, x, Reduction::Mean), tape.sigmoid(y)], None),
                _ => ([tape.mean_squared_error(y, x, Reduction::Mean), y], None),
            };
        }
        let depth = self.encoder.len() - 1;
        let code = self.encoder[depth];
        let h = (0..depth - 1).fold(x, |h, i| layer(i, h, hidden));
        let (mean, logvar) = (layer(depth - 1, h, Activation::Identity), layer(depth, h, Activation::Identity));
        let noise = tape.input("noise", Shape::batch(&[code]));
        let z = tape.add(mean, tape.mul(noise, tape.exp(tape.scale(logvar, 0.5))));
        let h = (depth + 1..last).fold(z, |h, i| layer(i, h, hidden));
        let y = layer(last, h, output);
        let reconstruction = tape.binary_cross_entropy(y, x, Reduction::SumOverFeatures);
        // KL = 1/2 sum(mean^2 + var - logvar - 1), a sum over the code, averaged over samples.
        let terms = tape.sub(tape.add(tape.square(mean), tape.exp(logvar)), logvar);
        let divergence = tape.scale(tape.mean(tape.add_scalar(terms, -1.0)), 0.5 * code as f64);
        // Inference takes the mean for the code, as in PyTorch's script.
        let h = (depth + 1..last).fold(mean, |h, i| layer(i, h, hidden));
        let inferred = tape.sigmoid(layer(last, h, output));
        ([tape.add(reconstruction, divergence), inferred], Some(noise))
    }
}

/// A network ready to be trained, on one batch again and again.
pub struct Step {
    plan: Plan<f32>,
    workspace: Workspace<f32>,
    parameters: Parameters<f32>,
    optimizer: Optimizer<f32>,
    loss: Var,
    /// The reconstruction alone.
    inference: (Plan<f32>, Workspace<f32>),
    reconstruction: Var,
}

impl Step {
    /// A step of what `tape` has recorded, over `batch` samples; `images` are filled from 0..1.
    pub(crate) fn new(
        tape: &Tape<f32>,
        parameters: Parameters<f32>,
        [loss, reconstruction]: [Var; 2],
        images: &[Var],
        batch: usize,
    ) -> Result<Self, Error> {
        let (plan, inference) = (tape.train(loss)?, tape.infer(&[reconstruction])?);
        let (mut workspace, mut inferred) = (plan.workspace()?, inference.workspace()?);
        for workspace in [&mut workspace, &mut inferred] {
            workspace.set_rows(batch)?;
            for &image in images {
                fill_uniform(1, 0, 0, 0.0, 1.0, workspace.input_mut(image)?);
            }
        }
        let optimizer = Optimizer::new(Adam::default(), &parameters)?;
        Ok(Self { plan, workspace, parameters, optimizer, loss, inference: (inference, inferred), reconstruction })
    }

    /// Adds a run to a profile, made of this plan by [`Self::profile`].
    ///
    /// # Panics
    /// With a profile of another network.
    pub fn run_profiled(&mut self, profile: &mut Profile, split: Split) {
        profile.run(&self.plan, &self.parameters, &mut self.workspace, split).expect("this plan's profile");
    }

    /// An empty profile of the plan.
    pub fn profile(&self) -> Profile {
        Profile::new(&self.plan)
    }

    /// Flops of forward's products, an operation with parameters each, in their order.
    pub fn product_flops(&self) -> impl Iterator<Item = f64> + '_ {
        let products = self.plan.operations();
        // The kernel of an unpooling is made of a weight, by a few additions.
        let is_product = |name: &str| name.starts_with("conv") || name == "linear";
        let products = products.filter(move |operation| is_product(operation.name));
        products.map(|operation| operation.flops as f64)
    }

    /// How many parameters are trained.
    pub fn parameters(&self) -> usize {
        self.parameters.ids().map(|id| self.parameters.view(id).len()).sum()
    }

    /// Forward, backward, Adam; returns the loss.
    ///
    /// # Panics
    /// Never: everything was made for each other.
    pub fn run(&mut self, split: Split) -> f32 {
        self.plan.forward(&self.parameters, &mut self.workspace, split).expect("forward");
        self.plan.backward(&self.parameters, &mut self.workspace, split).expect("backward");
        let options = StepOptions::new(1e-3);
        let moved = self.optimizer.step(&self.plan, &mut self.parameters, &self.workspace, options, split);
        moved.expect("Adam");
        self.workspace.value(self.loss).expect("the loss")[0]
    }

    /// The reconstruction of the batch.
    ///
    /// # Panics
    /// Never.
    pub fn infer(&mut self, split: Split) {
        let (plan, workspace) = &mut self.inference;
        plan.forward(&self.parameters, workspace, split).expect("forward");
    }

    /// What the last [`Self::infer`] gave, `[batch, ...]`.
    ///
    /// # Panics
    /// Never.
    pub fn reconstruction(&self) -> &[f32] {
        self.inference.1.value(self.reconstruction).expect("the reconstruction")
    }

    /// Every parameter, in the order in which they were added.
    pub fn weights(&self) -> impl Iterator<Item = &[f32]> {
        self.parameters.ids().map(|id| self.parameters.view(id))
    }

    /// Takes a few steps and checks that the loss falls: the measurement of a broken step means nothing.
    ///
    /// # Panics
    /// When it does not.
    pub fn verify(&mut self, split: Split) {
        let first = self.run(split);
        let last = (0..10).map(|_| self.run(split)).last().unwrap_or(first);
        assert!(last < first, "ten steps took the loss from {first} to {last}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_learns_and_one_thread_gives_the_bits_of_two() {
        let pool = crate::pool(2);
        for network in &NETWORKS[..2] {
            let (mut one, mut two) = (network.step().unwrap(), network.step().unwrap());
            one.verify(Split::Serial);
            pool.install(|| two.verify(Split::Rayon));
            assert_eq!(one.parameters.flat(), two.parameters.flat(), "{}", network.name);
        }
        NETWORKS[5].step().unwrap().verify(Split::Serial);
    }

    #[test]
    fn the_vae_has_two_heads() {
        assert_eq!(NETWORKS[5].layers(), [(784, 400), (400, 20), (400, 20), (20, 400), (400, 784)]);
        assert_eq!(NETWORKS[1].flops(), (6 * 2 * 784 * 32 * 128) as f64);
    }
}
