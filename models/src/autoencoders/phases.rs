//! What is trained one after the other: for most types one phase, for a stacked autoencoder its layers, then the whole.

use super::objective::{Mode, Objective};
use super::{Autoencoder, Kind};
use crate::config::{Config, FineTuneName};
use narrows_engine::{ParameterId, Real, Tape, Var};

/// A part of a training run with an objective of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// What reports call it.
    pub name: String,
    /// Passes over the training part.
    pub epochs: u64,
    of: Of,
}

/// What a phase trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Whole,
    Layer(usize),
    Classifier,
    FineTuning,
}

impl Phase {
    /// Whether it is the one before a classifier's fine-tuning, whose result is kept for comparison.
    pub fn is_classifier(&self) -> bool {
        self.of == Of::Classifier
    }
}

impl Autoencoder {
    /// The phases of a training run, in order; none for a type that is fitted.
    pub fn phases(&self, config: &Config) -> Vec<Phase> {
        let phase = |name: String, epochs, of| Phase { name, epochs, of };
        let whole = phase("training".into(), config.epochs, Of::Whole);
        let stacked = match &self.kind {
            Kind::Pca => return Vec::new(),
            Kind::Stacked(stacked) => stacked,
            _ => return vec![whole],
        };
        let layers = self.body.dense().map_or(0, |body| body.encoder().layers().len());
        let mut all: Vec<Phase> = (0..layers)
            .map(|layer| {
                phase(format!("pretraining layer {} of {layers}", layer + 1), config.pretrain_epochs, Of::Layer(layer))
            })
            .collect();
        match config.fine_tune {
            FineTuneName::Reconstruction => all.push(Phase { name: "fine-tuning".into(), ..whole }),
            FineTuneName::Classifier if stacked.classifier.is_some() => {
                all.push(phase("classifier".into(), config.classifier_epochs, Of::Classifier));
                all.push(phase("fine-tuning with the classifier".into(), config.epochs, Of::FineTuning));
            }
            FineTuneName::Classifier | FineTuneName::None => {}
        }
        all.retain(|phase| phase.epochs > 0);
        all
    }

    /// The objective of a phase for `x` `[N, features]`.
    #[track_caller]
    pub fn phase_objective<T: Real>(&self, tape: &Tape<T>, x: Var, phase: &Phase) -> Objective {
        let (Kind::Stacked(stacked), Some(body)) = (&self.kind, self.body.dense()) else {
            return self.objective(tape, x, Mode::Training);
        };
        let corruption = self.corruption.as_ref();
        let (mut objective, trained) = match phase.of {
            // Once unrolled, the whole sees clean inputs.
            Of::Whole => return self.objective(tape, x, Mode::Evaluation),
            Of::Layer(layer) => stacked.layer(tape, x, body, layer, &self.reconstruction, corruption),
            Of::Classifier => stacked.classify(tape, x, body, false),
            Of::FineTuning => stacked.classify(tape, x, body, true),
        };
        let is_trained = |id: ParameterId| trained.contains(&id);
        if let Some((l2, value)) = self.l2.as_ref().and_then(|l2| Some((l2, l2.record(tape, is_trained)?))) {
            tape.keep(value);
            objective.total = tape.add(objective.total, tape.scale(value, l2.weight));
            let weight = super::Weight::Constant(l2.weight);
            objective.terms.push(super::Term { name: "l2", weight, value });
        }
        objective.frozen.extend(self.all.iter().copied().filter(|&id| !is_trained(id)));
        objective
    }

    /// Whether it has a classifier on its code.
    pub fn has_classifier(&self) -> bool {
        !self.classifier().is_empty()
    }

    /// The class of each sample, as logits `[N, classes]`, of an autoencoder with a classifier.
    #[track_caller]
    pub fn classify<T: Real>(&self, tape: &Tape<T>, x: Var) -> Option<Var> {
        match &self.kind {
            Kind::Stacked(stacked) => stacked.logits(tape, self.encode(tape, x)),
            _ => None,
        }
    }
}
