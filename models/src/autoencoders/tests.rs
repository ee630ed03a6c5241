//! Every type: the gradient check of its whole loss in f64 with noise frozen, each term's gradient, and the oracles
//! that its objective must satisfy.

use super::{Autoencoder, Corruption, Mode, ModelKind, Weight};
use crate::config::{Config, CorruptionName, FineTuneName, LikelihoodName, LossName, MeanName, PretrainName};
use crate::data::ImageShape;
use crate::nn::ActivationName;
use narrows_engine::random::Noise;
use narrows_engine::tape::TrainOptions;
use narrows_engine::{Parameters, Plan, Real, Shape, Split, Tape, Var, Workspace, check, random};
use proptest::prelude::*;

const FEATURES: usize = 16;
const IMAGE: ImageShape = ImageShape { channels: 1, height: 4, width: 4 };

/// A small configuration of a type; smooth activations, so that differences see no kinks.
fn small(model: ModelKind, seed: u64) -> Config {
    let mut config =
        Config { code: 5, seed, loss: LossName::Bce, activation: ActivationName::Tanh, ..Config::of(model) };
    match model {
        ModelKind::Overcomplete => config.code = 20,
        ModelKind::KSparse => config.k = 3,
        ModelKind::L1 => config.code_activation = ActivationName::Tanh,
        ModelKind::Stacked => {
            config.hidden = vec![6];
            config.activation = ActivationName::Sigmoid;
        }
        ModelKind::Convolutional => config.filters = vec![3, 2],
        ModelKind::Undercomplete | ModelKind::Variational => config.hidden = vec![7],
        ModelKind::Pca => config.loss = LossName::Mse,
        ModelKind::Denoising | ModelKind::Sparse | ModelKind::Contractive => {}
    }
    config
}

/// A model with a plan of one of its objectives.
struct Ready<T> {
    model: Autoencoder,
    parameters: Parameters<T>,
    plan: Plan<T>,
    workspace: Workspace<T>,
    total: Var,
    terms: Vec<(&'static str, f64, Var)>,
}

/// Records the objective of phase `phase` with ramps at their ends, some rows in 0..1 and classes in it.
fn ready<T: Real>(config: &Config, rows: usize, phase: usize) -> crate::Result<Ready<T>> {
    let mut parameters = Parameters::new();
    let model = Autoencoder::new(config, FEATURES, Some(IMAGE), Some(3), &mut parameters)?;
    model.initialise(&mut parameters, config);
    let tape = Tape::new(&parameters, rows);
    let x = tape.input("x", Shape::batch(&[FEATURES]));
    let phases = model.phases(config);
    let objective = match phases.get(phase) {
        Some(phase) => model.phase_objective(&tape, x, phase),
        None => model.objective(&tape, x, Mode::Training),
    };
    let plan = tape.train_with(objective.total, TrainOptions { frozen: &objective.frozen })?;
    let mut workspace = plan.workspace()?;
    workspace.set_noise(Noise { seed: 11, step: 3 });
    random::fill_uniform(config.seed, 3, 0, T::from_f64(0.05), T::from_f64(0.95), workspace.input_mut(x)?);
    for ramp in &objective.ramps {
        workspace.input_mut(ramp.var)?[0] = T::from_f64(ramp.at(u64::MAX, 1));
    }
    if let Some(labels) = objective.labels {
        let classes = workspace.input_mut(labels)?;
        classes.iter_mut().enumerate().for_each(|(i, class)| *class = T::from_f64((i % 3) as f64));
    }
    let weight = |weight| match weight {
        Weight::Constant(weight) => weight,
        Weight::Ramp(number) => objective.ramps[number].to,
    };
    let terms = objective.terms.iter().map(|term| (term.name, weight(term.weight), term.value)).collect();
    Ok(Ready { model, parameters, plan, workspace, total: objective.total, terms })
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

/// Configurations of every type (but for a running mean, whose gradient is not the derivative of its value: it has a
/// test of its own) and of the choices that it may have.
fn variants(seed: u64) -> Vec<(String, Config)> {
    let mut all = Vec::new();
    let mut add = |what: &str, config: Config| all.push((format!("{} {what}", config.model.name()), config));
    for word in ModelKind::WORDS {
        let model: ModelKind = word.parse().unwrap();
        let config = small(model, seed);
        add("as it is", config.clone());
        if model == ModelKind::Pca {
            continue;
        }
        add("with l2", Config { l2: 0.3, l2_biases: true, ..config.clone() });
        add("with squared error", Config { loss: LossName::Mse, ..config.clone() });
        let noisy = |corruption| Config { corruption, corruption_level: 0.3, ..config.clone() };
        for corruption in [CorruptionName::Masking, CorruptionName::MaskingExact, CorruptionName::SaltAndPepper] {
            add(corruption.name(), noisy(corruption));
        }
        add("clipped noise", Config { corruption_clip: true, ..noisy(CorruptionName::Gaussian) });
        if model != ModelKind::Variational {
            let emphasis = Config { emphasis_corrupted: 2.0, emphasis_clean: 0.5, ..noisy(CorruptionName::Masking) };
            add("with emphasis", emphasis.clone());
            add("with emphasis and squared error", Config { loss: LossName::Mse, ..emphasis });
        }
        if !matches!(model, ModelKind::Variational | ModelKind::Convolutional) {
            add("tied", Config { tied: !config.tied, ..config.clone() });
        }
        if !matches!(model, ModelKind::Contractive | ModelKind::Stacked | ModelKind::Overcomplete) {
            let body = crate::config::BodyName::Convolutional;
            let bottleneck = super::Bottleneck::Dense;
            add("convolutional", Config { body, bottleneck, filters: vec![2], tied: false, ..config.clone() });
        }
        if !matches!(model, ModelKind::Contractive | ModelKind::Stacked | ModelKind::Convolutional) {
            let decoder = crate::config::DecoderLayers::Units(vec![6, 5]);
            add("deep", Config { hidden: vec![9, 8], decoder, tied: false, ..config.clone() });
        }
    }
    for model in [ModelKind::Undercomplete, ModelKind::Convolutional] {
        let (activation, code_activation) = (ActivationName::Silu, ActivationName::Silu);
        add("silu", Config { activation, code_activation, ..small(model, seed) });
    }
    let vae = small(ModelKind::Variational, seed);
    let gaussian = Config { loss: LossName::Mse, ..vae.clone() };
    add("gaussian", Config { likelihood: LikelihoodName::Gaussian, sigma: 0.7, ..gaussian.clone() });
    add("sigma", Config { likelihood: LikelihoodName::Sigma, ..gaussian });
    add("beta with warm-up", Config { beta: 4.0, beta_warmup: 3, ..vae.clone() });
    add("capacity", Config { capacity: 2.0, capacity_weight: 3.0, capacity_warmup: 2, ..vae });
    let stacked = small(ModelKind::Stacked, seed);
    for pretrain in [PretrainName::Plain, PretrainName::Sparse, PretrainName::L1, PretrainName::Contractive] {
        let fine_tune = FineTuneName::Classifier;
        add(pretrain.name(), Config { pretrain, fine_tune, l2: 0.1, sparsity: 0.2, ..stacked.clone() });
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_whole_loss_passes_the_gradient_check(rows in 2usize..5, seed in 0u64..1000) {
        for (what, config) in variants(seed) {
            let phases = ready::<f64>(&config, rows, 0).unwrap().model.phases(&config).len().max(1);
            for phase in 0..phases {
                let mut ready = ready::<f64>(&config, rows, phase).unwrap();
                let worst = worst(&mut ready);
                prop_assert!(worst < 1e-5, "{what}, phase {phase}: {worst}");
                // k-sparse units that no sample of so few keeps learn nothing yet.
                if config.model != ModelKind::KSparse {
                    all_learn(&ready)?;
                }
            }
        }
    }

    /// Each term by itself moves some parameter: an objective does not declare what does nothing.
    #[test]
    fn every_declared_term_has_a_gradient(seed in 0u64..1000) {
        for (what, config) in variants(seed) {
            let phases = ready::<f64>(&config, 4, 0).unwrap().model.phases(&config).len().max(1);
            for phase in 0..phases {
                let recorded = ready::<f64>(&config, 4, phase).unwrap();
                for (name, weight, _) in recorded.terms.iter().filter(|(_, weight, _)| *weight != 0.0) {
                    prop_assert!(*weight > 0.0);
                    let moved = term_moves(&config, phase, name);
                    prop_assert!(moved, "{what}, phase {phase}: `{name}` has no gradient");
                }
            }
        }
    }
}

/// Whether a term alone has a gradient somewhere: the plan of that term, all else frozen where it does not reach.
fn term_moves(config: &Config, phase: usize, name: &str) -> bool {
    let mut parameters = Parameters::<f64>::new();
    let model = Autoencoder::new(config, FEATURES, Some(IMAGE), Some(3), &mut parameters).unwrap();
    model.initialise(&mut parameters, config);
    let tape = Tape::new(&parameters, 4);
    let x = tape.input("x", Shape::batch(&[FEATURES]));
    let phases = model.phases(config);
    let objective = match phases.get(phase) {
        Some(phase) => model.phase_objective(&tape, x, phase),
        None => model.objective(&tape, x, Mode::Training),
    };
    let term = objective.terms.iter().find(|term| term.name == name).unwrap();
    // Which parameters it reaches is found by asking: those that it does not are refused by name.
    let mut frozen = objective.frozen.clone();
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
    random::fill_uniform(5, 3, 0, 0.05, 0.95, workspace.input_mut(x).unwrap());
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
fn value(config: &Config, mode: Mode, name: &str) -> f64 {
    let mut parameters = Parameters::<f64>::new();
    let model = Autoencoder::new(config, FEATURES, Some(IMAGE), None, &mut parameters).unwrap();
    model.initialise(&mut parameters, config);
    let tape = Tape::new(&parameters, 8);
    let x = tape.input("x", Shape::batch(&[FEATURES]));
    let objective = model.objective(&tape, x, mode);
    let term = objective.terms.iter().find(|term| term.name == name).unwrap().value;
    let plan = tape.infer(&[term]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    random::fill_uniform(2, 3, 0, 0.0, 1.0, workspace.input_mut(x).unwrap());
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    workspace.value(term).unwrap()[0]
}

#[test]
fn masking_nothing_is_the_plain_autoencoder() {
    let plain = Config { hidden: vec![7], ..small(ModelKind::Undercomplete, 1) };
    let reconstruction = |config: &Config, mode| value(config, mode, "reconstruction");
    let clean = reconstruction(&plain, Mode::Training);
    for corruption in [CorruptionName::Masking, CorruptionName::MaskingExact, CorruptionName::SaltAndPepper] {
        let denoising = |level| Config { corruption, corruption_level: level, ..plain.clone() };
        assert_eq!(reconstruction(&denoising(0.0), Mode::Training), clean, "{corruption:?}");
        assert_ne!(reconstruction(&denoising(0.4), Mode::Training), clean, "{corruption:?}");
        assert_eq!(
            reconstruction(&denoising(0.4), Mode::Evaluation),
            clean,
            "inputs are clean when nothing is trained"
        );
    }
}

#[test]
fn emphasis_of_one_changes_nothing_and_of_two_doubles() {
    let config = Config { corruption: CorruptionName::Masking, ..small(ModelKind::Denoising, 4) };
    let of = |corrupted, clean| {
        let config = Config { emphasis_corrupted: corrupted, emphasis_clean: clean, ..config.clone() };
        value(&config, Mode::Training, "reconstruction")
    };
    let whole = of(1.0, 1.0);
    assert!((of(2.0, 2.0) - 2.0 * whole).abs() < 1e-9 * whole);
    assert!((of(1.0, 0.0) + of(0.0, 1.0) - whole).abs() < 1e-9 * whole);
    let none = |corrupted, clean| {
        let emphasis = Config { emphasis_corrupted: corrupted, emphasis_clean: clean, ..config.clone() };
        value(&Config { corruption_level: 0.0, ..emphasis }, Mode::Training, "reconstruction")
    };
    assert!(none(1.0, 0.0) == 0.0 && none(0.0, 1.0) > 0.0, "where nothing is corrupted, only clean components count");
}

#[test]
fn the_divergence_is_nothing_where_the_posterior_is_the_prior() {
    let config = small(ModelKind::Variational, 0);
    let mut parameters = Parameters::<f64>::new();
    let model = Autoencoder::new(&config, FEATURES, None, None, &mut parameters).unwrap();
    // All weights 0: μ = 0 and ln σ² = 0 for every sample.
    let tape = Tape::new(&parameters, 3);
    let x = tape.input("x", Shape::batch(&[FEATURES]));
    let kl = model.objective(&tape, x, Mode::Evaluation).terms[1].clone();
    assert_eq!(kl.name, "kl");
    let plan = tape.infer(&[kl.value]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    assert_eq!(workspace.value(kl.value).unwrap()[0], 0.0);
}

/// One importance sample is the evidence lower bound: `ln w` is, on average over ε, `ln p(x|z) − KL`.
#[test]
fn importance_weights_average_to_the_lower_bound() {
    for likelihood in [LikelihoodName::Bernoulli, LikelihoodName::Gaussian, LikelihoodName::Sigma] {
        let loss = if likelihood == LikelihoodName::Bernoulli { LossName::Bce } else { LossName::Mse };
        let config = Config { likelihood, loss, sigma: 0.6, ..small(ModelKind::Variational, 9) };
        let mut parameters = Parameters::<f64>::new();
        let model = Autoencoder::new(&config, FEATURES, None, None, &mut parameters).unwrap();
        model.initialise(&mut parameters, &config);
        let rows = 4000;
        let tape = Tape::new(&parameters, rows);
        let x = tape.input("x", Shape::batch(&[FEATURES]));
        let objective = model.objective(&tape, x, Mode::Evaluation);
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
        let weights = model.log_importance_weights(&tape, x, variance).unwrap();
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
    for (k_test, expected) in [(1.0, 3), (1.5, 5)] {
        let config = Config { k_test, code: 9, ..small(ModelKind::KSparse, 3) };
        let mut parameters = Parameters::<f64>::new();
        let model = Autoencoder::new(&config, FEATURES, None, None, &mut parameters).unwrap();
        model.initialise(&mut parameters, &config);
        let tape = Tape::new(&parameters, 50);
        let x = tape.input("x", Shape::batch(&[FEATURES]));
        let (code, trained) = (model.encode(&tape, x), model.objective(&tape, x, Mode::Training).code);
        let plan = tape.infer(&[code, trained]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        random::fill_normal(2, 3, 0, 0.0, 1.0, workspace.input_mut(x).unwrap());
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
    let of = |sparsity_mean| {
        let config = Config { sparsity_mean, sparsity: 0.2, ..small(ModelKind::Sparse, 6) };
        ready::<f64>(&config, 6, 0).unwrap()
    };
    let (mut batch, mut running) = (of(MeanName::Batch), of(MeanName::Running));
    let id = running.parameters.ids().find(|&id| running.parameters.name(id) == "sparsity.mean").unwrap();
    assert!(running.parameters.view(id).iter().all(|&mean| mean == 0.2), "it begins at rho");
    // Make it the batch's: a mean of sigmoid units over the same rows, found from the layer itself.
    let tape = Tape::new(&running.parameters, 6);
    let x = tape.input("x", Shape::batch(&[FEATURES]));
    let mean = tape.mean_over(running.model.encode(&tape, x), narrows_engine::ops::Axis::Column);
    let plan = tape.infer(&[mean]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    random::fill_uniform(6, 3, 0, 0.05, 0.95, workspace.input_mut(x).unwrap());
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

/// Tied layers are one tensor; a stacked model's layers too.
#[test]
fn tied_weights_are_one_tensor() {
    for model in [ModelKind::Undercomplete, ModelKind::Stacked, ModelKind::Denoising] {
        let config = Config { hidden: vec![7], tied: true, ..small(model, 0) };
        let ready = ready::<f64>(&config, 2, 0).unwrap();
        let weights = ready.parameters.ids().filter(|&id| ready.parameters.name(id).ends_with(".weight")).count();
        let biases = ready.parameters.ids().filter(|&id| ready.parameters.name(id).ends_with(".bias")).count();
        assert_eq!((weights, biases), (2, 4), "{model:?}");
    }
}

#[test]
fn choices_that_make_no_sense_are_refused_with_what_to_do() {
    let refused = |change: &dyn Fn(&mut Config), model| {
        let mut config = small(model, 0);
        change(&mut config);
        Autoencoder::new::<f32>(&config, FEATURES, Some(IMAGE), None, &mut Parameters::new()).unwrap_err().to_string()
    };
    use ModelKind::*;
    type Change<'a> = &'a dyn Fn(&mut Config);
    let cases: [(ModelKind, Change<'_>, &str); 20] = [
        (Undercomplete, &|c| c.code = 16, "--model overcomplete"),
        (Overcomplete, &|c| c.code = 16, "larger code"),
        (Denoising, &|c| c.corruption = CorruptionName::None, "needs a corruption"),
        (Sparse, &|c| c.code_activation = ActivationName::Relu, "--code-activation sigmoid"),
        (KSparse, &|c| c.k = 6, "at most 5"),
        (Contractive, &|c| c.hidden = vec![4], "--model stacked"),
        (Contractive, &|c| c.code_activation = ActivationName::Gelu, "sigmoid or tanh"),
        (Contractive, &|c| c.code_activation = ActivationName::Silu, "sigmoid or tanh"),
        (Convolutional, &|c| c.body = crate::config::BodyName::Dense, "leave body auto"),
        (Convolutional, &|c| c.tied = true, "tied false"),
        (Variational, &|c| c.tied = true, "two layers"),
        (Variational, &|c| c.code_activation = ActivationName::Relu, "give linear"),
        (Variational, &|c| c.emphasis_clean = 0.5, "likelihood"),
        (Stacked, &|c| c.body = crate::config::BodyName::Convolutional, "--body dense"),
        (Stacked, &|c| c.fine_tune = FineTuneName::Classifier, "no labels"),
        (
            Stacked,
            &|c| (c.pretrain, c.activation) = (PretrainName::Sparse, ActivationName::Relu),
            "--activation sigmoid",
        ),
        (Pca, &|c| c.hidden = vec![8], "linear"),
        (
            Undercomplete,
            &|c| (c.tied, c.decoder) = (true, crate::config::DecoderLayers::Units(vec![3])),
            "decoder mirror",
        ),
        (Undercomplete, &|c| c.emphasis_clean = 0.5, "corruption masking"),
        (Undercomplete, &|c| c.output = crate::config::OutputName::Linear, "output sigmoid"),
    ];
    for (model, change, words) in cases {
        let message = refused(change, model);
        assert!(message.contains(words), "{model:?}: {message}");
        assert_eq!(message.lines().count(), 1);
    }
    let patience = Config { patience: 3, ..small(Undercomplete, 0) };
    let error = Autoencoder::new::<f32>(&patience, FEATURES, None, None, &mut Parameters::new()).unwrap_err();
    assert!(error.to_string().contains("validation is 0"));
    assert!(Corruption::of(CorruptionName::Masking, 1.5, false).is_err());
}

/// What is reserved, and what a file is held against, is what the model has.
#[test]
fn the_list_of_tensors_is_the_models() {
    for (what, config) in variants(0) {
        let ready = ready::<f32>(&config, 2, 0).unwrap();
        let parameters = &ready.parameters;
        let trained = parameters.ids().filter(|&id| parameters.name(id) != "sparsity.mean");
        let mut found: Vec<Vec<usize>> = trained.map(|id| parameters.sizes(id).to_vec()).collect();
        let mut listed = super::tensors(&config, FEATURES, Some(IMAGE), Some(3)).unwrap();
        found.sort();
        listed.sort();
        assert_eq!(found, listed, "{what}");
    }
}
