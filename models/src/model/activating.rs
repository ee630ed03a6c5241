//! What fires the units of deeper layers most, on the unit sphere: there is no closed form as for a first layer, so the
//! input is found by gradient ascent, each step followed by a projection back to norm 1 (Erhan, Bengio, Courville &
//! Vincent, "Visualizing Higher-Layer Features of a Deep Network", 2009).
//!
//! All units of a layer are sought at once: row i of the input is what unit i is to answer to, and the sum of all answers
//! is raised. The inputs are parameters of a tape over a copy of the weights, which stay as they are.

use super::Model;
use crate::data::reserved;
use crate::nn::{ActivationName, Mode, Pass};
use crate::{Error, Result};
use narrows_engine::random::fill_normal;
use narrows_engine::tape::TrainOptions;
use narrows_engine::{Parameters, Split, Tape};

/// Steps of the ascent, and how far each goes on the sphere.
const STEPS: usize = 200;
const RATE: f32 = 0.1;
/// The stream that starts are drawn from.
const START: u64 = 0x00ff_0021;

/// Inputs of norm 1, scaled, that fire units most.
#[derive(Debug, Clone, PartialEq)]
pub struct Activating {
    /// `[units, features]`
    pub inputs: Vec<f32>,
    /// How many units.
    pub units: usize,
    /// The argument of each unit's activation for its input.
    pub answers: Vec<f32>,
}

impl Model {
    /// How many layers an encoder has that [`Self::activating`] may be asked of, the last being the code.
    ///
    /// # Errors
    /// A body without fully connected layers alone.
    pub fn encoder_layers(&self) -> Result<usize> {
        let layers = self.autoencoder.parts().body.dense_layers().ok_or_else(not_dense)?;
        Ok(layers.encoder.layers().len())
    }

    /// The inputs that fire the first `most` units of encoder layer `layer`, from 0, most.
    ///
    /// # Errors
    /// A body without fully connected layers alone; a layer that it does not have; no memory.
    pub fn activating(&self, layer: usize, most: usize, seed: u64, split: Split) -> Result<Activating> {
        let layers = self.autoencoder.parts().body.dense_layers().ok_or_else(not_dense)?;
        let all = layers.encoder.layers();
        let Some((last, _)) = all.get(layer) else {
            return Err(Error::usage(format!(
                "there is no layer {layer}; the encoder has layers 0 to {}",
                all.len() - 1
            )));
        };
        let (features, units) = (self.data.features, last.sizes().1.min(most.max(1)));
        let (mut parameters, x) = with_inputs(&self.parameters, [units, features])?;
        let weights = (layer == 0).then(|| self.parameters.view(last.weight()));
        start(weights, (parameters.view_mut(x), features), seed);
        let frozen: Vec<_> = parameters.ids().filter(|&id| id != x).collect();
        let tape = Tape::new(&parameters, 1);
        let pass = Pass::new(&tape, Mode::Evaluation);
        let mut hidden = tape.parameter(x);
        for (at, (linear, activation)) in all[..=layer].iter().enumerate() {
            // The argument of the last one: its activation rises with it, where it has one at all.
            let activation = if at == layer { ActivationName::Linear } else { *activation };
            hidden = linear.record(&pass, hidden, activation);
        }
        let width = last.sizes().1;
        let own = tape.input("own", narrows_engine::Shape::fixed(&[units, width]));
        let answers = tape.mul(hidden, own);
        let total = tape.scale(tape.sum(answers), -1.0);
        tape.keep(answers);
        let plan = tape.train_with(total, TrainOptions { frozen: &frozen })?;
        let mut workspace = plan.workspace()?;
        let range = parameters.range(x);
        for step in 0..=STEPS {
            let diagonal = workspace.input_mut(own)?;
            diagonal.fill(0.0);
            (0..units).for_each(|unit| diagonal[unit * width + unit] = 1.0);
            plan.forward(&parameters, &mut workspace, split)?;
            if step == STEPS {
                break;
            }
            plan.backward(&parameters, &mut workspace, split)?;
            let gradients = &workspace.gradients()[range.clone()];
            let rate = RATE * (1.0 - step as f32 / STEPS as f32);
            for (input, gradient) in
                parameters.view_mut(x).chunks_exact_mut(features).zip(gradients.chunks_exact(features))
            {
                ascend(input, gradient, rate);
            }
        }
        let values = workspace.value(answers)?;
        let answers = (0..units).map(|unit| values[unit * width + unit]).collect();
        let mut inputs = reserved(units * features, "inputs")?;
        inputs.extend_from_slice(parameters.view(x));
        Ok(Activating { inputs, units, answers })
    }
}

fn not_dense() -> Error {
    Error::usage(
        "what fires units most is sought in fully connected layers alone; train a dense body without norm, dropout and \
         missing values",
    )
}

/// A copy of the weights, and beside them inputs of that shape.
fn with_inputs(weights: &Parameters<f32>, sizes: [usize; 2]) -> Result<(Parameters<f32>, narrows_engine::ParameterId)> {
    let mut parameters = Parameters::new();
    for id in weights.ids() {
        let copy = parameters.add(weights.name(id), weights.sizes(id))?;
        parameters.view_mut(copy).copy_from_slice(weights.view(id));
    }
    let x = parameters.add("activating input", &sizes)?;
    Ok((parameters, x))
}

/// Where the ascent begins: of a first layer at its closed form, the weights, else at random.
fn start(weights: Option<&[f32]>, (inputs, features): (&mut [f32], usize), seed: u64) {
    fill_normal(seed, START, 0, 0.0, 1.0, inputs);
    if let Some(weights) = weights {
        inputs.iter_mut().zip(weights).for_each(|(to, from)| *to = *from);
    }
    inputs.chunks_exact_mut(features.max(1)).for_each(project);
}

/// A step along the gradient's direction, and back to the sphere.
fn ascend(input: &mut [f32], gradient: &[f32], rate: f32) {
    let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    if norm > 0.0 && norm.is_finite() {
        input.iter_mut().zip(gradient).for_each(|(x, g)| *x -= rate * (f64::from(*g) / norm) as f32);
        project(input);
    }
}

/// Norm 1.
fn project(input: &mut [f32]) {
    let norm = input.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if norm > 0.0 {
        input.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
    }
}
