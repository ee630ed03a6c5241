//! The promises of training: the same bits at any thread count, over a stop and a resume, from a file alone.

use narrows::config::{Config, LossName};
use narrows::data::digits;
use narrows::model::{DataInfo, Model};
use narrows::training::{Silent, Stopped, TrainRequest, Trainer, resume, train};
use narrows_engine::{Split, Threads};

fn config() -> Config {
    Config { hidden: vec![40], code: 7, loss: LossName::Bce, epochs: 3, ..Config::default() }
}

fn model(config: &Config, dataset: &narrows::data::Dataset) -> Model {
    let scaler = narrows::data::Scaler::fit(config.scaling, dataset, &[0, 1, 2]).unwrap();
    let data = DataInfo::of(dataset, scaler);
    Model::new(config.clone(), data).unwrap()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn fifty_steps_give_the_same_bits_at_any_thread_count() {
    // Wide enough that matrix products, losses and optimiser pass their gates and are really shared.
    let dataset = digits().unwrap();
    let config = Config { hidden: vec![500], batch: 600, epochs: 20, clip: 5.0, ..config() };
    let mut expected: Option<Vec<u32>> = None;
    for threads in [1, 2, 3, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let rows = (0..1797).collect();
        let mut trainer = Trainer::new(model(&config, &dataset), &dataset, rows, Vec::new()).unwrap();
        let stopped =
            Threads::Pool(&pool).run(|split| trainer.run(split, Some(50), &mut Silent, &mut |_| Ok(false)).unwrap());
        assert_eq!((stopped, trainer.step_count()), (Stopped::Steps, 50));
        let now = bits(trainer.model().parameters().flat());
        match &expected {
            None => expected = Some(now),
            Some(first) => assert!(*first == now, "{threads} threads differ"),
        }
    }
}

#[test]
fn convolutions_give_the_same_bits_at_any_thread_count() {
    let dataset = digits().unwrap();
    for upsample in ["nearest", "max", "transposed"] {
        let mut config = Config { batch: 300, ..config() };
        let settings = [("model", "convolutional"), ("filters", "16,20"), ("upsample", upsample)];
        settings.iter().for_each(|(key, value)| config.set(key, value).unwrap());
        let runs = [1, 2, 3, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let rows = (0..1797).collect();
            let mut trainer = Trainer::new(model(&config, &dataset), &dataset, rows, Vec::new()).unwrap();
            Threads::Pool(&pool).run(|split| trainer.run(split, Some(10), &mut Silent, &mut |_| Ok(false)).unwrap());
            bits(trainer.model().parameters().flat())
        });
        assert!(runs.iter().all(|run| *run == runs[0]), "{upsample}");
        assert_ne!(runs[0], bits(model(&config, &dataset).parameters().flat()));
    }
}

#[test]
fn seventeen_steps_saved_and_twenty_three_more_equal_forty() {
    let folder = tempfile::tempdir().unwrap();
    for (name, optimizer, validation) in
        [("a", "adam", 0.2), ("b", "nesterov", 0.0), ("c", "sgd", 0.1), ("d", "lion", 0.0), ("e", "lamb", 0.1)]
    {
        let mut config = config();
        config.set("optimizer", optimizer).unwrap();
        config.momentum = if optimizer == "sgd" { 0.0 } else { 0.9 };
        config.validation = validation;
        let (whole, parts) = (folder.path().join(format!("{name}1")), folder.path().join(format!("{name}2")));
        let request = |out: &std::path::Path, steps| TrainRequest {
            config: config.clone(),
            out: out.to_path_buf(),
            max_steps: Some(steps),
        };
        train(&request(&whole, 40), Threads::One, &mut Silent).unwrap();
        let outcome = train(&request(&parts, 17), Threads::One, &mut Silent).unwrap();
        assert!(!outcome.finished && outcome.steps == 17);
        resume(&parts, &[], Some(40), Threads::Current, &mut Silent).unwrap();
        let read = |run: &std::path::Path, file: &str| std::fs::read(run.join(file)).unwrap();
        assert!(read(&whole, "model.safetensors") == read(&parts, "model.safetensors"), "{optimizer}: the model");
        // The states hold wall times besides; their tensors must agree.
        let tensors = |bytes: &[u8]| {
            let tensors = safetensors::SafeTensors::deserialize(bytes).unwrap();
            let mut all: Vec<(String, Vec<u8>)> =
                tensors.tensors().into_iter().map(|(name, view)| (name, view.data().to_vec())).collect();
            all.sort();
            all
        };
        let (a, b) = (read(&whole, "state.safetensors"), read(&parts, "state.safetensors"));
        assert!(tensors(&a) == tensors(&b), "{optimizer}: the state");
    }
}

/// A configuration of a type for the digits, small, with what may be stored beside weights and moments.
fn of_type(model: &str, settings: &[(&str, &str)]) -> Config {
    let mut config = Config { epochs: 2, seed: 3, ..Config::of(model.parse().unwrap()) };
    config.loss = if model == "pca" { LossName::Mse } else { LossName::Bce };
    settings.iter().for_each(|(key, value)| config.set(key, value).unwrap());
    config
}

/// The tensors of a file, by name.
fn tensors(run: &std::path::Path, file: &str) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(run.join(file)).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut all: Vec<(String, Vec<u8>)> =
        tensors.tensors().into_iter().map(|(name, view)| (name, view.data().to_vec())).collect();
    all.sort();
    all
}

#[test]
fn every_type_stopped_anywhere_and_resumed_equals_uninterrupted() {
    let folder = tempfile::tempdir().unwrap();
    type Settings<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(&str, Settings<'_>, u64)] = &[
        ("denoising", &[("ema", "0.95"), ("validation", "0.2")], 47),
        ("sparse", &[("sparsity_mean", "running"), ("ema", "0.9"), ("batch", "128")], 13),
        ("variational", &[("beta_warmup", "2"), ("corruption", "gaussian"), ("corruption_level", "0.2")], 60),
        // In the middle of the second layer, in the classifier, in its fine-tuning.
        (
            "stacked",
            &[("pretrain_epochs", "1"), ("classifier_epochs", "1"), ("fine_tune", "classifier"), ("validation", "0.1")],
            55,
        ),
        ("stacked", &[("pretrain_epochs", "1"), ("classifier_epochs", "1"), ("fine_tune", "classifier")], 100),
        ("stacked", &[("pretrain_epochs", "1"), ("classifier_epochs", "1"), ("fine_tune", "classifier")], 150),
        ("undercomplete", &[("optimizer", "lbfgs"), ("epochs", "12"), ("lbfgs_memory", "4")], 7),
        ("sparse", &[("optimizer", "lbfgs"), ("epochs", "9"), ("validation", "0.2")], 4),
    ];
    for (number, (model, settings, stop)) in cases.iter().enumerate() {
        let (whole, parts) = (folder.path().join(format!("{number}a")), folder.path().join(format!("{number}b")));
        let request = |out: &std::path::Path, max_steps| TrainRequest {
            config: of_type(model, settings),
            out: out.to_path_buf(),
            max_steps,
        };
        let outcome = train(&request(&whole, None), Threads::One, &mut Silent).unwrap();
        assert!(outcome.finished && outcome.steps > *stop, "{model}: {} steps", outcome.steps);
        assert!(!train(&request(&parts, Some(*stop)), Threads::One, &mut Silent).unwrap().finished);
        let resumed = resume(&parts, &[], None, Threads::Current, &mut Silent).unwrap();
        for file in ["model.safetensors", "state.safetensors"] {
            assert!(tensors(&whole, file) == tensors(&parts, file), "{number} {model}: {file}");
        }
        assert_eq!(
            (resumed.evaluation.loss, resumed.evaluation.accuracy_before_fine_tuning),
            (outcome.evaluation.loss, outcome.evaluation.accuracy_before_fine_tuning),
            "{model}"
        );
    }
}

#[test]
fn every_type_gives_the_same_bits_at_any_thread_count() {
    let dataset = digits().unwrap();
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("overcomplete", &[("code", "700")]),
        (
            "denoising",
            &[("code", "600"), ("corruption", "salt-and-pepper"), ("emphasis_corrupted", "2"), ("ema", "0.9")],
        ),
        ("denoising", &[("code", "600"), ("corruption", "masking-exact")]),
        ("sparse", &[("code", "600")]),
        ("l1", &[("code", "600")]),
        ("k-sparse", &[("code", "600")]),
        ("contractive", &[("code", "600")]),
        ("variational", &[("hidden", "500"), ("code", "70")]),
        ("stacked", &[("hidden", "500"), ("fine_tune", "classifier"), ("pretrain_epochs", "1")]),
        ("variational", &[("body", "convolutional"), ("filters", "8,6")]),
        ("undercomplete", &[("optimizer", "lbfgs"), ("hidden", "500")]),
    ];
    for (name, settings) in cases {
        let mut config = of_type(name, settings);
        config.set("batch", "600").unwrap();
        let runs = [1, 2, 3, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut trainer =
                Trainer::new(model(&config, &dataset), &dataset, (0..1797).collect(), Vec::new()).unwrap();
            Threads::Pool(&pool).run(|split| trainer.run(split, Some(8), &mut Silent, &mut |_| Ok(false)).unwrap());
            bits(trainer.chosen().flat())
        });
        assert!(runs.iter().all(|run| *run == runs[0]), "{name} {settings:?}");
    }
}

/// Training ends when the validation loss has not fallen for as long as patience says, and the best weights are what is
/// kept.
#[test]
fn early_stopping_keeps_the_best() {
    let folder = tempfile::tempdir().unwrap();
    // A rate that soon overshoots.
    let settings =
        [("validation", "0.2"), ("patience", "3"), ("epochs", "200"), ("lr", "0.05"), ("schedule", "constant")];
    let run = folder.path().join("run");
    let request = TrainRequest { config: of_type("undercomplete", &settings), out: run.clone(), max_steps: None };
    struct Epochs(Vec<f64>);
    impl narrows::training::Observer for Epochs {
        fn epoch(&mut self, record: &narrows::training::EpochRecord) {
            self.0.push(record.validation_loss.unwrap());
        }
    }
    let mut seen = Epochs(Vec::new());
    let outcome = train(&request, Threads::One, &mut seen).unwrap();
    let best = seen.0.iter().copied().fold(f64::INFINITY, f64::min);
    let at = seen.0.iter().position(|&loss| loss == best).unwrap() as u64 + 1;
    assert!(outcome.ended_early && outcome.finished && outcome.epochs < 200);
    assert_eq!((outcome.best_epoch, outcome.epochs), (Some(at), at + 3));
    // Stopped by hand at the best epoch, the last weights are these.
    let stopped = folder.path().join("stopped");
    let per_epoch = outcome.steps / outcome.epochs;
    let request = TrainRequest { max_steps: Some(at * per_epoch), out: stopped.clone(), ..request };
    train(&request, Threads::One, &mut Silent).unwrap();
    assert!(tensors(&run, "model.safetensors") == tensors(&stopped, "model.safetensors"));
    let state = tensors(&stopped, "state.safetensors");
    let of = |name: &str| &state.iter().find(|(found, _)| found == name).unwrap().1;
    assert!(of("best") == of("parameters"), "the best are the weights of that epoch");
    // It has ended; more patience goes on.
    assert_eq!(resume(&run, &[], None, Threads::One, &mut Silent).unwrap().epochs, outcome.epochs);
    let more = [("patience".to_owned(), "5".to_owned())];
    assert!(resume(&run, &more, None, Threads::One, &mut Silent).unwrap().epochs > outcome.epochs);
}

/// Callbacks: each step, each epoch, each phase, and stopping.
#[test]
fn observers_see_every_step_epoch_and_phase() {
    #[derive(Default)]
    struct Seen(u64, u64, Vec<String>, u64);
    impl narrows::training::Observer for Seen {
        fn step(&mut self, progress: &narrows::training::Progress) {
            self.0 += 1;
            assert_eq!(progress.step, self.0);
        }
        fn epoch(&mut self, record: &narrows::training::EpochRecord) {
            self.1 += 1;
            assert_eq!(record.epoch, self.1);
            assert!(!record.terms.is_empty() && record.terms.iter().all(|term| term.value.is_finite()));
        }
        fn phase(&mut self, what: &str) {
            self.2.push(what.to_owned());
        }
        fn stop(&mut self) -> bool {
            self.3 > 0 && self.0 >= self.3
        }
    }
    let dataset = digits().unwrap();
    let config = of_type("stacked", &[("pretrain_epochs", "2"), ("epochs", "3")]);
    let trainer = || Trainer::new(model(&config, &dataset), &dataset, (0..200).collect(), Vec::new()).unwrap();
    let mut seen = Seen::default();
    let mut whole = trainer();
    assert_eq!(whole.run(Split::Serial, None, &mut seen, &mut |_| Ok(false)).unwrap(), Stopped::Finished);
    assert_eq!((seen.0, seen.1), (whole.steps(), 7));
    assert_eq!(seen.2, ["pretraining layer 1 of 2", "pretraining layer 2 of 2", "fine-tuning"]);
    let mut stopping = Seen { 3: 5, ..Seen::default() };
    assert_eq!(trainer().run(Split::Serial, None, &mut stopping, &mut |_| Ok(false)).unwrap(), Stopped::Asked);
    assert_eq!(stopping.0, 5);
}

/// A model file of PCA gives what PCA gives.
#[test]
fn pca_as_a_model_is_pca() {
    let folder = tempfile::tempdir().unwrap();
    let request = TrainRequest { config: of_type("pca", &[]), out: folder.path().join("run"), max_steps: None };
    let evaluation = train(&request, Threads::One, &mut Silent).unwrap().evaluation;
    let pca = evaluation.pca_squared_error.unwrap();
    assert!((evaluation.squared_error / pca - 1.0).abs() < 1e-4, "{} against {pca}", evaluation.squared_error);
}

#[test]
fn a_model_is_rebuilt_from_its_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = digits().unwrap();
    let saved = model(&config(), &dataset);
    let path = folder.path().join("somewhere.safetensors");
    saved.save(&path).unwrap();
    let loaded = Model::load(&path).unwrap();
    let samples: Vec<f32> = (0..64 * 5).map(|i| (i % 17) as f32 / 16.0).collect();
    let a = saved.reconstruct(&samples, Threads::One).unwrap();
    assert_eq!(bits(&a), bits(&loaded.reconstruct(&samples, Threads::Current).unwrap()));
    let codes = loaded.encode(&samples, Threads::One).unwrap();
    assert_eq!(codes.len(), 5 * 7);
    assert_eq!(bits(&a), bits(&loaded.decode(&codes, Threads::One).unwrap()));
    assert!(loaded.encode(&samples[..63], Threads::One).is_err());
    // Every prefix of the file is refused, and nothing panics.
    let bytes = std::fs::read(&path).unwrap();
    for length in (0..bytes.len()).step_by(97) {
        assert!(Model::parse(&bytes[..length], "cut").is_err());
    }
}

#[test]
fn a_linear_autoencoder_comes_to_pca() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { hidden: Vec::new(), code: 8, epochs: 150, ..Config::default() };
    config.set("loss", "mse").unwrap();
    config.set("lr", "5e-3").unwrap();
    let request = TrainRequest { config, out: folder.path().join("run"), max_steps: None };
    let evaluation = train(&request, Threads::One, &mut Silent).unwrap().evaluation;
    let pca = evaluation.pca_squared_error.unwrap();
    assert!((evaluation.squared_error / pca - 1.0).abs() < 0.01, "{} against {pca}", evaluation.squared_error);
}

#[test]
fn a_loss_that_is_not_a_number_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { optimizer: narrows::config::OptimizerName::Sgd, epochs: 5, ..config() };
    config.set("loss", "mse").unwrap();
    config.set("lr", "1e30").unwrap();
    let request = TrainRequest { config, out: folder.path().join("run"), max_steps: None };
    let error = train(&request, Threads::One, &mut Silent).unwrap_err();
    assert_eq!(error.kind(), narrows::ErrorKind::Training);
    assert!(error.to_string().contains("loss term `reconstruction`"), "{error}");
}

#[test]
fn inference_gives_the_bits_of_the_training_forward() {
    let dataset = digits().unwrap();
    let model = model(&config(), &dataset);
    let tape = narrows_engine::Tape::new(model.parameters(), 30);
    let x = tape.input("x", narrows_engine::Shape::batch(&[64]));
    let autoencoder = model.autoencoder();
    let objective = autoencoder.objective(&tape, x, narrows::autoencoders::Mode::Training);
    let reconstruction = autoencoder.reconstruction().output(&tape, objective.raw.unwrap());
    tape.keep(reconstruction);
    let plan = tape.train(objective.total).unwrap();
    let mut workspace = plan.workspace().unwrap();
    let samples: Vec<f32> = (0..64 * 30).map(|i| (i % 13) as f32 / 12.0).collect();
    workspace.input_mut(x).unwrap().copy_from_slice(&samples);
    plan.forward(model.parameters(), &mut workspace, Split::Serial).unwrap();
    let inferred = model.reconstruct(&samples, Threads::One).unwrap();
    assert_eq!(bits(workspace.value(reconstruction).unwrap()), bits(&inferred));
}

/// Files that PyTorch's side of safetensors wrote from networks of its own, with the outputs PyTorch computed: a deep
/// one, and a convolutional one of each decoder, on images of 2 x 7 x 6.
#[test]
fn networks_of_pytorch_give_pytorchs_outputs() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["12-7-5-3", "conv-nearest", "conv-max", "conv-transposed"] {
        let model = Model::load(&folder.join(format!("torch-{name}.safetensors"))).unwrap();
        let text = std::fs::read_to_string(folder.join(format!("torch-{name}.json"))).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let numbers = |key: &str| -> Vec<f32> {
            expected[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
        };
        let inputs = numbers("inputs");
        let close = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len(), "{name}");
            a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{name}: {a} is not {b}"));
        };
        close(&model.encode(&inputs, Threads::One).unwrap(), &numbers("codes"));
        close(&model.reconstruct(&inputs, Threads::One).unwrap(), &numbers("outputs"));
    }
}

/// A state whose numbers contradict each other is refused, whatever they are.
#[test]
fn a_state_cannot_say_what_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let settings = [("validation", "0.2"), ("patience", "9"), ("epochs", "4"), ("ema", "0.9")];
    let request = TrainRequest { config: of_type("denoising", &settings), out: run.clone(), max_steps: Some(70) };
    train(&request, Threads::One, &mut Silent).unwrap();
    let file = run.join("state.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    let (header, tensors) = bytes[8..].split_at(u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize);
    let header = std::str::from_utf8(header).unwrap();
    let number = |key: &str| {
        let start =
            header.find(&format!(r#"\"{key}\":"#)).unwrap_or_else(|| panic!("{key} in {header}")) + key.len() + 5;
        header[start..].split([',', '}']).next().unwrap().to_owned()
    };
    let most = u64::MAX.to_string();
    for (key, value) in [
        ("step", most.as_str()),
        ("step", "0"),
        ("phase", "1"),
        ("phase", most.as_str()),
        ("phase_step", most.as_str()),
        ("phase_step", "3"),
        ("waited", most.as_str()),
        ("rows", "7"),
        ("epoch", "0"),
        ("seconds", "-1.0"),
    ] {
        let (from, to) = (format!(r#"\"{key}\":{}"#, number(key)), format!(r#"\"{key}\":{value}"#));
        let crafted = header.replacen(&from, &to, 1);
        if crafted == header {
            continue;
        }
        let mut all = (crafted.len() as u64).to_le_bytes().to_vec();
        all.extend(crafted.as_bytes());
        all.extend(tensors);
        std::fs::write(&file, &all).unwrap();
        let refused = resume(&run, &[], None, Threads::One, &mut Silent);
        assert!(refused.is_err(), "{from} as {value} was accepted");
    }
    std::fs::write(&file, &bytes).unwrap();
    assert!(resume(&run, &[], None, Threads::One, &mut Silent).unwrap().finished);
}

/// A small file that claims large layers is refused before memory is reserved for them.
#[test]
fn a_file_cannot_claim_more_than_it_holds() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let bytes = std::fs::read(folder.join("torch-conv-max.safetensors")).unwrap();
    let (header, tensors) = bytes[8..].split_at(u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize);
    let header = std::str::from_utf8(header).unwrap();
    for (from, to) in [
        (r#"\"code\": 3"#, r#"\"code\": 600000000"#),
        (r#"\"filters\": [3, 2]"#, r#"\"filters\": [3, 4294967295]"#),
        (r#"\"height\": 7"#, r#"\"height\": 70000000"#),
    ] {
        let claimed = header.replace(from, to);
        assert_ne!(claimed, header);
        let mut file = (claimed.len() as u64).to_le_bytes().to_vec();
        file.extend(claimed.as_bytes());
        file.extend(tensors);
        let error = Model::parse(&file, "crafted").err().expect("a refusal").to_string();
        assert!(error.contains("too short") || error.contains("do not have 84 numbers"), "{to}: {error}");
    }
}
