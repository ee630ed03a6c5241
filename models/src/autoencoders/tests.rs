//! Every type: the gradient check of its whole loss in f64 with noise frozen, each term's gradient, and the oracles
//! that its objective must satisfy.

use super::{AnyType, Autoencoder, Inputs, Phase, Registry, Sample, Takes};
use crate::data::{Column, ColumnKind, ImageShape};
use crate::nn::{Mode, Pass};
use crate::objective::{Corruption, CorruptionName, Objective, Weight};
use crate::settings::{Settings, set};
use narrows_engine::random::Noise;
use narrows_engine::tape::TrainOptions;
use narrows_engine::{Parameters, Plan, Real, Split, Tape, Var, Workspace, check, random};
use proptest::prelude::*;

const FEATURES: usize = 16;
const IMAGE: ImageShape = ImageShape { channels: 1, height: 4, width: 4 };
const SAMPLE: Sample =
    Sample { features: FEATURES, image: Some(IMAGE), classes: Some(3), unit: true, columns: None, missing: false };

/// A type with settings, and a seed.
#[derive(Debug, Clone)]
struct Choice {
    kind: &'static dyn AnyType,
    settings: Box<dyn Settings>,
    seed: u64,
    sample: Sample,
}

/// Rows of a table: quantities, classes of three, yes and no, in turn.
fn table() -> Sample {
    let column = |at: usize| match at % 4 {
        1 => Column {
            name: format!("c{at}"),
            kind: ColumnKind::Categorical,
            levels: vec!["a".into(), "b".into(), "c".into()],
        },
        2 => Column { name: format!("b{at}"), kind: ColumnKind::Boolean, levels: vec!["no".into(), "yes".into()] },
        _ => Column::numeric(format!("n{at}")),
    };
    Sample { image: None, unit: false, columns: Some((0..FEATURES).map(column).collect()), missing: true, ..SAMPLE }
}

impl Choice {
    /// A small one of a type; smooth activations, so that differences see no kinks.
    fn small(kind: &str, seed: u64) -> Self {
        let kind = Registry::standard().get(kind).unwrap();
        let made = Self { kind, settings: kind.settings(), seed, sample: SAMPLE };
        let all = made.with(&[("code", "5"), ("loss", "bce"), ("activation", "tanh")]);
        match kind.name() {
            "overcomplete" => all.with(&[("code", "20")]),
            "k-sparse" => all.with(&[("k", "3")]),
            "l1" => all.with(&[("code_activation", "tanh")]),
            "stacked" => all.with(&[("hidden", "6"), ("activation", "sigmoid")]),
            "convolutional" => all.with(&[("filters", "3,2")]),
            "vector-quantised" => all.with(&[("hidden", "7"), ("code", "6"), ("entry_size", "2"), ("entries", "5")]),
            "adversarial" => all.with(&[("hidden", "7"), ("discriminator", "6")]),
            "importance-weighted" => all.with(&[("hidden", "7"), ("samples", "3")]),
            "undercomplete" | "variational" | "conditional" => all.with(&[("hidden", "7")]),
            "pca" => all.with(&[("loss", "mse")]),
            _ => all,
        }
    }

    fn with(&self, changes: &[(&str, &str)]) -> Self {
        let mut made = self.clone();
        changes.iter().for_each(|(key, value)| set(&mut *made.settings, key, value).unwrap());
        made
    }

    /// The same over rows of a table.
    fn of_table(&self) -> Self {
        let made = self.with(&[("loss", "columns"), ("missing", "true")]);
        Self { sample: table(), ..made }
    }

    fn build<T: Real>(
        &self,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> crate::Result<Box<dyn Autoencoder<T>>> {
        // The two element types have a method each; a test needs either.
        let any: &mut dyn std::any::Any = parameters;
        let made: Box<dyn std::any::Any> = if let Some(parameters) = any.downcast_mut::<Parameters<f64>>() {
            Box::new(self.kind.build_f64(&*self.settings, sample, parameters)?)
        } else if let Some(parameters) = any.downcast_mut::<Parameters<f32>>() {
            Box::new(self.kind.build(&*self.settings, sample, parameters)?)
        } else {
            unreachable!("there are two element types")
        };
        Ok(*made.downcast::<Box<dyn Autoencoder<T>>>().expect("of the parameters' type"))
    }

    /// Built, with first weights.
    fn ready<T: Real>(&self, sample: &Sample) -> crate::Result<(Box<dyn Autoencoder<T>>, Parameters<T>)> {
        let mut parameters = Parameters::new();
        let model = self.build(sample, &mut parameters)?;
        model.initialise(&mut parameters, self.seed);
        Ok((model, parameters))
    }
}

/// The inputs that a type takes.
fn inputs<T: Real>(tape: &Tape<T>, takes: Takes) -> Inputs {
    crate::model::inputs(tape, FEATURES, takes)
}

/// Fills them: samples in 0..1, classes in turn, some numbers missing.
fn fill<T: Real>(workspace: &mut Workspace<T>, inputs: &Inputs, seed: u64, sample: &Sample) {
    random::fill_uniform(seed, 3, 0, T::from_f64(0.05), T::from_f64(0.95), workspace.input_mut(inputs.x).unwrap());
    for (at, column) in sample.columns.iter().flat_map(|columns| columns.iter().enumerate()) {
        let values = workspace.input_mut(inputs.x).unwrap().iter_mut().skip(at).step_by(FEATURES);
        match column.kind {
            ColumnKind::Numeric => {}
            // The number after the last is of what was never seen.
            ColumnKind::Categorical => values.for_each(|x| *x = T::from_f64((x.to_f64() * 4.0).floor())),
            ColumnKind::Boolean => values.for_each(|x| *x = T::from_f64((x.to_f64() * 2.0).floor())),
        }
    }
    if let Some(labels) = inputs.labels {
        let classes = workspace.input_mut(labels).unwrap();
        classes.iter_mut().enumerate().for_each(|(i, class)| *class = T::from_f64((i % 3) as f64));
    }
    if let Some(mask) = inputs.mask {
        let present = workspace.input_mut(mask).unwrap();
        present.iter_mut().enumerate().for_each(|(i, mask)| *mask = T::from_f64(f64::from(u8::from(i % 5 != 1))));
        let missing: Vec<usize> = (0..present.len()).filter(|i| i % 5 == 1).collect();
        missing.into_iter().for_each(|i| workspace.input_mut(inputs.x).unwrap()[i] = T::ZERO);
    }
}

/// The objective of a player of a phase; of the whole for a type of closed form.
fn turn<T: Real>(
    model: &dyn Autoencoder<T>,
    tape: &Tape<T>,
    phases: &[Phase],
    (phase, player): (usize, usize),
) -> (Inputs, Objective) {
    let pass = Pass::new(tape, Mode::Training);
    match phases.get(phase) {
        Some(phase) => {
            let inputs = inputs(tape, model.phase_takes(phase));
            (inputs, model.turn(&pass, &inputs, phase, player))
        }
        None => {
            let inputs = inputs(tape, model.takes());
            (inputs, model.objective(&pass, &inputs))
        }
    }
}

/// A model with a plan of one of its objectives.
struct Ready<T: Real> {
    model: Box<dyn Autoencoder<T>>,
    parameters: Parameters<T>,
    plan: Plan<T>,
    workspace: Workspace<T>,
    total: Var,
    terms: Vec<(&'static str, f64, Var)>,
}

/// Records the objective of a phase's player with ramps at their ends, and fills its inputs.
fn ready<T: Real>(choice: &Choice, rows: usize, place: (usize, usize)) -> crate::Result<Ready<T>> {
    let (model, parameters) = choice.ready::<T>(&choice.sample)?;
    let tape = Tape::new(&parameters, rows);
    let (inputs, objective) = turn(&*model, &tape, &model.phases(1), place);
    let mut frozen = objective.frozen.clone();
    frozen.extend(model.kept(&parameters));
    let plan = tape.train_with(objective.total, TrainOptions { frozen: &frozen })?;
    let mut workspace = plan.workspace()?;
    workspace.set_noise(Noise { seed: 11, step: 3 });
    fill(&mut workspace, &inputs, choice.seed, &choice.sample);
    for ramp in &objective.ramps {
        workspace.input_mut(ramp.var)?[0] = T::from_f64(ramp.at(u64::MAX, 1));
    }
    let weight = |weight| match weight {
        Weight::Constant(weight) => weight,
        Weight::Ramp(number) => objective.ramps[number].to,
    };
    let terms = objective.terms.iter().map(|term| (term.name, weight(term.weight), term.value)).collect();
    Ok(Ready { model, parameters, plan, workspace, total: objective.total, terms })
}

/// Every phase and player of a choice.
fn places(choice: &Choice) -> Vec<(usize, usize)> {
    let phases = choice.ready::<f64>(&choice.sample).unwrap().0.phases(1);
    let all =
        phases.iter().enumerate().flat_map(|(at, phase)| (0..phase.players.len()).map(move |player| (at, player)));
    let all: Vec<_> = all.collect();
    if all.is_empty() { vec![(0, 0)] } else { all }
}

/// The worst disagreement of gradients and differences.
fn worst(ready: &mut Ready<f64>) -> f64 {
    let Ready { parameters, plan, workspace, total, .. } = ready;
    // Where the first step finds a kink (a pooling, a choice of the largest), a smaller one does not.
    let relative = [1e-5, 1e-6, 1e-7]
        .into_iter()
        .map(|step| check::gradients(plan, parameters, workspace, *total, step, 1e-3).unwrap().relative);
    relative.fold(f64::INFINITY, f64::min)
}

/// Every trained parameter has a gradient somewhere.
fn all_learn(ready: &Ready<f64>) -> Result<(), TestCaseError> {
    for id in ready.parameters.ids() {
        let range = ready.parameters.range(id);
        let trained =
            ready.plan.trained().iter().any(|trained| trained.start <= range.start && range.end <= trained.end);
        let moves = ready.workspace.gradients()[range].iter().any(|&g| g != 0.0);
        prop_assert!(!trained || moves, "{} has no gradient", ready.parameters.name(id));
    }
    Ok(())
}

/// Choices of every type (but for a running mean, whose gradient is not the derivative of its value: it has a test of
/// its own) and of what it may have.
fn variants(seed: u64) -> Vec<(String, Choice)> {
    let mut all = Vec::new();
    let mut add = |what: &str, choice: Choice| all.push((format!("{} {what}", choice.kind.name()), choice));
    for kind in Registry::standard().names() {
        let small = Choice::small(kind, seed);
        add("as it is", small.clone());
        if kind == "pca" {
            continue;
        }
        let is = |kinds: &[&str]| kinds.contains(&kind);
        let latent = is(&["variational", "conditional", "importance-weighted"]);
        add("with l2", small.with(&[("l2", "0.3"), ("l2_biases", "true")]));
        add("with squared error", small.with(&[("loss", "mse")]));
        for corruption in ["masking", "masking-exact", "salt-and-pepper"] {
            add(corruption, small.with(&[("corruption", corruption), ("corruption_level", "0.3")]));
        }
        let clipped = [("corruption", "gaussian"), ("corruption_level", "0.3"), ("corruption_clip", "true")];
        add("clipped noise", small.with(&clipped));
        if !latent {
            let emphasis = small.with(&[
                ("corruption", "masking"),
                ("corruption_level", "0.3"),
                ("emphasis_corrupted", "2"),
                ("emphasis_clean", "0.5"),
            ]);
            add("with emphasis", emphasis.clone());
            add("with emphasis and squared error", emphasis.with(&[("loss", "mse")]));
        }
        let tied = crate::settings::get(&*small.settings, "tied").unwrap() == "true";
        if !latent && !is(&["convolutional", "vector-quantised"]) {
            add("tied", small.with(&[("tied", if tied { "false" } else { "true" })]));
        }
        let dense = is(&["contractive", "stacked"]);
        if !dense && kind != "overcomplete" {
            let convolutions =
                [("body", "convolutional"), ("bottleneck", "dense"), ("filters", "2"), ("tied", "false")];
            add("convolutional", small.with(&convolutions));
            add(
                "sequence",
                small.with(&convolutions).with(&[("body", "sequence"), ("channels", "2"), ("filters", "3,2")]),
            );
            add("batch norm", small.with(&convolutions).with(&[("norm", "batch"), ("dropout", "0.2")]));
        }
        if !dense && kind != "convolutional" {
            add("deep", small.with(&[("hidden", "9,8"), ("decoder", "6,5"), ("tied", "false")]));
            let normed = [("hidden", "9"), ("tied", "false"), ("norm", "layer"), ("dropout", "0.1")];
            add("layer norm", small.with(&normed));
        }
    }
    for kind in ["undercomplete", "convolutional"] {
        add("silu", Choice::small(kind, seed).with(&[("activation", "silu"), ("code_activation", "silu")]));
    }
    let vae = Choice::small("variational", seed);
    add("gaussian", vae.with(&[("loss", "mse"), ("likelihood", "gaussian"), ("sigma", "0.7")]));
    add("sigma", vae.with(&[("loss", "mse"), ("likelihood", "sigma-vae")]));
    add("beta with warm-up", vae.with(&[("beta", "4"), ("beta_warmup", "3")]));
    add("capacity", vae.with(&[("capacity", "2"), ("capacity_weight", "3"), ("capacity_warmup", "2")]));
    add(
        "max unpooling",
        vae.with(&[("body", "convolutional"), ("bottleneck", "dense"), ("filters", "2"), ("upsample", "max")]),
    );
    add("missing values", Choice::small("importance-weighted", seed).with(&[("missing", "true")]));
    add("a Gaussian", Choice::small("importance-weighted", seed).with(&[("loss", "mse"), ("missing", "true")]));
    for kind in ["undercomplete", "denoising", "sparse", "l1", "adversarial", "vector-quantised"] {
        add("of a table", Choice::small(kind, seed).with(&[("tied", "false")]).of_table());
    }
    for kind in ["variational", "conditional", "importance-weighted"] {
        add("of a table", Choice::small(kind, seed).with(&[("likelihood", "columns")]).of_table());
    }
    let masked = [("corruption", "masking"), ("corruption_level", "0.4"), ("emphasis_corrupted", "2")];
    add("of a table, masked", Choice::small("undercomplete", seed).with(&masked).of_table());
    add("with missing values", Choice::small("undercomplete", seed).with(&[("missing", "true")]));
    for pretrain in ["plain", "sparse", "l1", "contractive"] {
        let changes = [("pretrain", pretrain), ("fine_tune", "classifier"), ("l2", "0.1"), ("sparsity", "0.2")];
        add(pretrain, Choice::small("stacked", seed).with(&changes));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_whole_loss_passes_the_gradient_check(rows in 2usize..5, seed in 0u64..1000) {
        // A gradient that goes straight through is no derivative: it has a test of its own.
        let all = variants(seed).into_iter().filter(|(_, choice)| choice.kind.name() != "vector-quantised");
        for (what, choice) in all {
            for place in places(&choice) {
                let mut ready = ready::<f64>(&choice, rows, place).unwrap();
                let worst = worst(&mut ready);
                prop_assert!(worst < 1e-5, "{what}, phase and player {place:?}: {worst}");
                // k-sparse units that no sample of so few keeps learn nothing yet, nor do units that were dropped.
                if choice.kind.name() != "k-sparse" && crate::settings::get(&*choice.settings, "dropout").unwrap() == "0" {
                    all_learn(&ready)?;
                }
            }
        }
    }

    /// Each term by itself moves some parameter: an objective does not declare what does nothing.
    #[test]
    fn every_declared_term_has_a_gradient(seed in 0u64..1000) {
        for (what, choice) in variants(seed) {
            for place in places(&choice) {
                let recorded = ready::<f64>(&choice, 4, place).unwrap();
                for (name, weight, _) in recorded.terms.iter().filter(|(_, weight, _)| *weight != 0.0) {
                    prop_assert!(*weight > 0.0);
                    let moved = term_moves(&choice, place, name);
                    prop_assert!(moved, "{what}, phase and player {place:?}: `{name}` has no gradient");
                }
            }
        }
    }
}

/// Whether a term alone has a gradient somewhere: the plan of that term, all else frozen where it does not reach.
fn term_moves(choice: &Choice, place: (usize, usize), name: &str) -> bool {
    let (model, parameters) = choice.ready::<f64>(&choice.sample).unwrap();
    let tape = Tape::new(&parameters, 4);
    let (inputs, objective) = turn(&*model, &tape, &model.phases(1), place);
    let term = objective.terms.iter().find(|term| term.name == name).unwrap();
    // Which parameters it reaches is found by asking: those that it does not are refused by name.
    let mut frozen = objective.frozen.clone();
    frozen.extend(model.kept(&parameters));
    let plan = loop {
        match tape.train_with(term.value, TrainOptions { frozen: &frozen }) {
            Ok(plan) => break plan,
            Err(error) => {
                let error = error.to_string();
                let unreached = parameters.ids().filter(|id| !frozen.contains(id));
                let unreached: Vec<_> =
                    unreached.filter(|&id| error.contains(&format!("`{}`", parameters.name(id)))).collect();
                assert!(!unreached.is_empty(), "{error}");
                frozen.extend(unreached);
            }
        }
    };
    let mut workspace = plan.workspace().unwrap();
    fill(&mut workspace, &inputs, 5, &choice.sample);
    for ramp in &objective.ramps {
        if let Ok(to) = workspace.input_mut(ramp.var) {
            to[0] = ramp.to;
        }
    }
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
    plan.trained().iter().any(|range| workspace.gradients()[range.clone()].iter().any(|&g| g != 0.0))
}

/// The value of one term of an objective.
fn value(choice: &Choice, mode: Mode, name: &str) -> f64 {
    let (model, parameters) = choice.ready::<f64>(&choice.sample).unwrap();
    let tape = Tape::new(&parameters, 8);
    let inputs = inputs(&tape, model.takes());
    let objective = model.objective(&Pass::new(&tape, mode), &inputs);
    let term = objective.terms.iter().find(|term| term.name == name).unwrap().value;
    let plan = tape.infer(&[term]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    fill(&mut workspace, &inputs, 2, &choice.sample);
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    workspace.value(term).unwrap()[0]
}

#[test]
fn masking_nothing_is_the_plain_autoencoder() {
    let plain = Choice::small("undercomplete", 1).with(&[("hidden", "7")]);
    let reconstruction = |choice: &Choice, mode| value(choice, mode, "reconstruction");
    let clean = reconstruction(&plain, Mode::Training);
    for corruption in ["masking", "masking-exact", "salt-and-pepper"] {
        let denoising = |level| plain.with(&[("corruption", corruption), ("corruption_level", level)]);
        assert_eq!(reconstruction(&denoising("0"), Mode::Training), clean, "{corruption}");
        assert_ne!(reconstruction(&denoising("0.4"), Mode::Training), clean, "{corruption}");
        assert_eq!(
            reconstruction(&denoising("0.4"), Mode::Evaluation),
            clean,
            "inputs are clean when nothing is trained"
        );
    }
}

#[test]
fn emphasis_of_one_changes_nothing_and_of_two_doubles() {
    let choice = Choice::small("denoising", 4).with(&[("corruption", "masking")]);
    let emphasised = |corrupted, clean| choice.with(&[("emphasis_corrupted", corrupted), ("emphasis_clean", clean)]);
    let of = |corrupted, clean| value(&emphasised(corrupted, clean), Mode::Training, "reconstruction");
    let whole = of("1", "1");
    assert!((of("2", "2") - 2.0 * whole).abs() < 1e-9 * whole);
    assert!((of("1", "0") + of("0", "1") - whole).abs() < 1e-9 * whole);
    let none = |corrupted, clean| {
        let choice = emphasised(corrupted, clean).with(&[("corruption_level", "0")]);
        value(&choice, Mode::Training, "reconstruction")
    };
    assert!(none("1", "0") == 0.0 && none("0", "1") > 0.0, "where nothing is corrupted, only clean components count");
}

#[test]
fn the_divergence_is_nothing_where_the_posterior_is_the_prior() {
    let mut parameters = Parameters::<f64>::new();
    let model = Choice::small("variational", 0).build(&SAMPLE, &mut parameters).unwrap();
    // All weights 0: μ = 0 and ln σ² = 0 for every sample.
    let tape = Tape::new(&parameters, 3);
    let inputs = inputs(&tape, model.takes());
    let kl = model.objective(&Pass::new(&tape, Mode::Evaluation), &inputs).terms[1].clone();
    assert_eq!(kl.name, "kl");
    let plan = tape.infer(&[kl.value]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    assert_eq!(workspace.value(kl.value).unwrap()[0], 0.0);
}

/// One importance sample is the evidence lower bound: `ln w` is, on average over ε, `ln p(x|z) − KL`.
#[test]
fn importance_weights_average_to_the_lower_bound() {
    for (likelihood, loss) in [("bernoulli", "bce"), ("gaussian", "mse"), ("sigma-vae", "mse")] {
        let choice = Choice::small("variational", 9);
        let choice = choice.with(&[("likelihood", likelihood), ("loss", loss), ("sigma", "0.6")]);
        let (model, parameters) = choice.ready::<f64>(&choice.sample).unwrap();
        let rows = 4000;
        let tape = Tape::new(&parameters, rows);
        let pass = Pass::new(&tape, Mode::Evaluation);
        let inputs = inputs(&tape, model.takes());
        let x = inputs.x;
        let objective = model.objective(&pass, &inputs);
        // The best variance is the mean squared error, which the bound says: d/2 ln(2πe v) is its first term.
        let first = objective.terms[0].value;
        let plan = tape.infer(&[first]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        // The same sample in every row: the mean over rows is one over ε.
        let mut sample = vec![0.0; FEATURES];
        random::fill_uniform(2, 3, 0, 0.0, 1.0, &mut sample);
        workspace.input_mut(x).unwrap().chunks_mut(FEATURES).for_each(|row| row.copy_from_slice(&sample));
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        let turn = std::f64::consts::TAU * std::f64::consts::E;
        let variance = (workspace.value(first).unwrap()[0] * 2.0 / FEATURES as f64).exp() / turn;
        let (weights, _) = model.importance(&pass, &inputs, variance).unwrap();
        let plan = tape.infer(&[weights, objective.total]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        workspace.input_mut(x).unwrap().chunks_mut(FEATURES).for_each(|row| row.copy_from_slice(&sample));
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        let log_weights = workspace.value(weights).unwrap();
        let mean = log_weights.iter().sum::<f64>() / rows as f64;
        let bound = workspace.value(objective.total).unwrap()[0];
        assert!((mean + bound).abs() < 0.02 * bound, "{mean} {bound}");
    }
}

#[test]
fn a_k_sparse_code_has_exactly_k_non_zeros() {
    for (k_test, expected) in [("1", 3), ("1.5", 5)] {
        let choice = Choice::small("k-sparse", 3).with(&[("k_test", k_test), ("code", "9")]);
        let (model, parameters) = choice.ready::<f64>(&choice.sample).unwrap();
        let tape = Tape::new(&parameters, 50);
        let inputs = inputs(&tape, model.takes());
        let [code, trained] =
            [Mode::Evaluation, Mode::Training].map(|mode| model.encode(&Pass::new(&tape, mode), &inputs).value);
        let plan = tape.infer(&[code, trained]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        random::fill_normal(2, 3, 0, 0.0, 1.0, workspace.input_mut(inputs.x).unwrap());
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        for (var, k) in [(code, expected), (trained, 3)] {
            for row in workspace.value(var).unwrap().chunks(9) {
                assert_eq!(row.iter().filter(|&&h| h != 0.0).count(), k);
            }
        }
    }
}

/// A running mean that is the batch's gives the gradient of the batch's.
#[test]
fn a_running_mean_pulls_as_a_batchs_does() {
    let of = |mean| {
        let choice = Choice::small("sparse", 6).with(&[("sparsity_mean", mean), ("sparsity", "0.2")]);
        ready::<f64>(&choice, 6, (0, 0)).unwrap()
    };
    let (mut batch, mut running) = (of("batch"), of("running"));
    let id = running.parameters.ids().find(|&id| running.parameters.name(id) == "sparsity.mean").unwrap();
    assert!(running.parameters.view(id).iter().all(|&mean| mean == 0.2), "it begins at rho");
    // Make it the batch's: a mean of sigmoid units over the same rows, found from the layer itself.
    let tape = Tape::new(&running.parameters, 6);
    let inputs = inputs(&tape, running.model.takes());
    let code = running.model.encode(&Pass::new(&tape, Mode::Evaluation), &inputs).value;
    let mean = tape.mean_over(code, narrows_engine::ops::Axis::Column);
    let plan = tape.infer(&[mean]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    fill(&mut workspace, &inputs, 6, &SAMPLE);
    plan.forward(&running.parameters, &mut workspace, Split::Serial).unwrap();
    running.parameters.view_mut(id).copy_from_slice(workspace.value(mean).unwrap());
    let gradients = |ready: &mut Ready<f64>| {
        ready.plan.forward(&ready.parameters, &mut ready.workspace, Split::Serial).unwrap();
        ready.plan.backward(&ready.parameters, &mut ready.workspace, Split::Serial).unwrap();
        ready.workspace.gradients().to_vec()
    };
    let (a, b) = (gradients(&mut batch), gradients(&mut running));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "the gradients differ");
}

/// The straight-through gradient is that of the same network with the step to the entries as a constant: an input.
#[test]
fn a_quantised_gradient_goes_straight_through() {
    let choice = Choice::small("vector-quantised", 4);
    let mut quantised = ready::<f64>(&choice, 5, (0, 0)).unwrap();
    let Ready { model, parameters, plan, workspace, .. } = &mut quantised;
    plan.forward(parameters, workspace, Split::Serial).unwrap();
    plan.backward(parameters, workspace, Split::Serial).unwrap();
    let gradients = workspace.gradients().to_vec();
    // z_q and z_q − z_e of the same samples.
    let tape = Tape::new(parameters, 5);
    let pass = Pass::new(&tape, Mode::Evaluation);
    let of = inputs(&tape, model.takes());
    let code = model.encode(&pass, &of);
    let plain = model.parts().encode(&pass, &of).value;
    let step = tape.sub(code.value, plain);
    let found = tape.infer(&[code.value, step]).unwrap();
    let mut values = found.workspace().unwrap();
    fill(&mut values, &of, choice.seed, &choice.sample);
    found.forward(parameters, &mut values, Split::Serial).unwrap();
    let (entries, steps) = (values.value(code.value).unwrap().to_vec(), values.value(step).unwrap().to_vec());
    // L(z_e + step) + β ‖z_e − z_q‖² with both as inputs.
    let tape = Tape::new(parameters, 5);
    let pass = Pass::new(&tape, Mode::Training);
    let of = inputs(&tape, model.takes());
    let [entry, step] = ["entries", "step"].map(|name| tape.input(name, narrows_engine::Shape::batch(&[6])));
    let plain = model.parts().encode(&pass, &of).value;
    let raw = model.parts().body.decode(&pass, tape.add(plain, step), &[]);
    let loss = model.parts().reconstruction.record(&pass, raw, of.x, None);
    let far = tape.mean_squared_error(plain, entry, narrows_engine::ops::Reduction::SumOverFeatures);
    let total = tape.add(loss, tape.scale(far, 0.25));
    tape.keep(total);
    let plan = tape.train_with(total, TrainOptions { frozen: &model.kept(parameters) }).unwrap();
    let mut workspace = plan.workspace().unwrap();
    fill(&mut workspace, &of, choice.seed, &choice.sample);
    workspace.input_mut(entry).unwrap().copy_from_slice(&entries);
    workspace.input_mut(step).unwrap().copy_from_slice(&steps);
    let worst = check::gradients(&plan, parameters, &mut workspace, total, 1e-5, 1e-3).unwrap();
    assert!(worst.relative < 1e-6, "{worst:?}");
    plan.forward(parameters, &mut workspace, Split::Serial).unwrap();
    plan.backward(parameters, &mut workspace, Split::Serial).unwrap();
    let same = workspace.gradients().iter().zip(&gradients).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(same && gradients.iter().any(|&g| g != 0.0));
}

/// Each vector is the entry that is nearest to it.
#[test]
fn a_code_is_of_the_nearest_entries() {
    for changes in [&[("hidden", "7")][..], &[("body", "convolutional"), ("filters", "3")]] {
        let choice = Choice::small("vector-quantised", 2).with(changes);
        let (model, parameters) = choice.ready::<f64>(&choice.sample).unwrap();
        let tape = Tape::new(&parameters, 4);
        let pass = Pass::new(&tape, Mode::Evaluation);
        let of = inputs(&tape, model.takes());
        let code = model.encode(&pass, &of);
        let (vectors, indices) = (code.continuous.unwrap(), code.indices.unwrap());
        let plan = tape.infer(&[code.value, vectors, indices]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        fill(&mut workspace, &of, 1, &choice.sample);
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        let book = parameters.ids().find(|&id| parameters.name(id) == "codebook.entries").unwrap();
        let (size, entries) = (parameters.sizes(book)[1], parameters.view(book));
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        for (vector, &index) in workspace.value(vectors).unwrap().chunks(size).zip(workspace.value(indices).unwrap()) {
            let chosen = distance(vector, &entries[index as usize * size..][..size]);
            assert!(entries.chunks(size).all(|entry| chosen <= distance(vector, entry) + 1e-12));
        }
        let all = workspace.value(code.value).unwrap();
        let is_entry = |x: &f64| entries.iter().any(|entry| (entry - x).abs() < 1e-12);
        assert!(all.iter().all(is_entry));
    }
}

/// With one sample the importance-weighted objective is the variational one, bit for bit, and its gradient too.
#[test]
fn one_importance_sample_is_the_variational_objective() {
    let of = |kind, changes: &[(&str, &str)]| {
        let mut ready = ready::<f64>(&Choice::small(kind, 8).with(changes), 5, (0, 0)).unwrap();
        ready.plan.forward(&ready.parameters, &mut ready.workspace, Split::Serial).unwrap();
        ready.plan.backward(&ready.parameters, &mut ready.workspace, Split::Serial).unwrap();
        (ready.workspace.value(ready.total).unwrap()[0], ready.workspace.gradients().to_vec())
    };
    let variational = of("variational", &[]);
    assert!(variational == of("importance-weighted", &[("samples", "1")]));
    assert!(variational.0 > of("importance-weighted", &[("samples", "40")]).0, "the bound is tighter");
}

/// What is missing has no effect, whatever it is, and is all that an imputation changes.
#[test]
fn missing_values_have_no_effect() {
    let choice = Choice::small("importance-weighted", 3).with(&[("missing", "true")]);
    let (model, parameters) = choice.ready::<f64>(&choice.sample).unwrap();
    let tape = Tape::new(&parameters, 4);
    let pass = Pass::new(&tape, Mode::Evaluation);
    let of = inputs(&tape, model.takes());
    let total = model.objective(&pass, &of).total;
    let filled = model.impute(&pass, &of, 7).unwrap();
    let plan = tape.infer(&[total, filled]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    fill(&mut workspace, &of, 1, &choice.sample);
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    let x = workspace.input_mut(of.x).unwrap().to_vec();
    let mask = workspace.input_mut(of.mask.unwrap()).unwrap().to_vec();
    let filled = workspace.value(filled).unwrap();
    for ((x, mask), filled) in x.iter().zip(&mask).zip(filled) {
        assert!(if *mask == 1.0 { x == filled } else { *filled > 0.0 && *filled < 1.0 });
    }
}

/// Tied layers are one tensor; a stacked model's layers too.
#[test]
fn tied_weights_are_one_tensor() {
    for kind in ["undercomplete", "stacked", "denoising"] {
        let choice = Choice::small(kind, 0).with(&[("hidden", "7"), ("tied", "true")]);
        let ready = ready::<f64>(&choice, 2, (0, 0)).unwrap();
        let weights = ready.parameters.ids().filter(|&id| ready.parameters.name(id).ends_with(".weight")).count();
        let biases = ready.parameters.ids().filter(|&id| ready.parameters.name(id).ends_with(".bias")).count();
        assert_eq!((weights, biases), (2, 4), "{kind}");
    }
}

#[test]
fn choices_that_make_no_sense_are_refused_with_what_to_do() {
    let unlabelled = Sample { classes: None, ..SAMPLE };
    type Changes = &'static [(&'static str, &'static str)];
    let cases: [(&str, Changes, &str); 20] = [
        ("undercomplete", &[("code", "16")], "--model overcomplete"),
        ("overcomplete", &[("code", "16")], "larger code"),
        ("denoising", &[("corruption", "none")], "needs a corruption"),
        ("sparse", &[("code_activation", "relu")], "--code-activation sigmoid"),
        ("k-sparse", &[("k", "6")], "at most 5"),
        ("contractive", &[("hidden", "4")], "--model stacked"),
        ("contractive", &[("code_activation", "gelu")], "sigmoid or tanh"),
        ("contractive", &[("code_activation", "silu")], "sigmoid or tanh"),
        ("convolutional", &[("body", "dense")], "--body convolutional"),
        ("undercomplete", &[("tied", "true"), ("norm", "batch")], "norm none"),
        ("variational", &[("tied", "true")], "tied false"),
        ("variational", &[("code_activation", "relu")], "give linear"),
        ("variational", &[("emphasis_clean", "0.5")], "likelihood"),
        ("stacked", &[("body", "convolutional"), ("filters", "2")], "--body dense"),
        ("stacked", &[("fine_tune", "classifier")], "no labels"),
        ("stacked", &[("pretrain", "sparse"), ("activation", "relu")], "--activation sigmoid"),
        ("pca", &[("hidden", "8")], "linear"),
        ("undercomplete", &[("tied", "true"), ("decoder", "3")], "decoder mirror"),
        ("undercomplete", &[("emphasis_clean", "0.5")], "corruption masking"),
        ("undercomplete", &[("output", "linear")], "output sigmoid"),
    ];
    for (kind, changes, words) in cases {
        let choice = Choice::small(kind, 0).with(changes);
        let message = choice.build::<f32>(&unlabelled, &mut Parameters::new()).unwrap_err().to_string();
        assert!(message.contains(words), "{kind}: {message}");
        assert_eq!(message.lines().count(), 1);
    }
    assert!(Corruption::of(CorruptionName::Masking, 1.5, false).is_err());
}

/// Numbers are counted before memory is reserved for them: as many as the model has.
#[test]
fn a_count_is_what_a_model_has() {
    for (what, choice) in variants(0) {
        let mut counted = Parameters::<f32>::counting(usize::MAX);
        choice.build(&choice.sample, &mut counted).unwrap();
        let (_, held) = choice.ready::<f32>(&choice.sample).unwrap();
        assert_eq!(counted.count(), held.count(), "{what}");
        let mut few = Parameters::<f32>::counting(held.count() - 1);
        assert!(choice.build(&choice.sample, &mut few).is_err(), "{what}");
    }
}
