//! The promises of training: the same bits at any thread count, over a stop and a resume, from a file alone.

use narrows::data::{Dataset, digits};
use narrows::engine::{Split, Threads};
use narrows::model::{Model, Session};
use narrows::nn::{Mode, Pass};
use narrows::runs::{ResumeRequest, TrainRequest, resume, train};
use narrows::training::{Config, Prepared, Silent, Stopped, Trainer, prepare};

/// A small configuration.
fn config() -> Config {
    of_type("undercomplete", &[("hidden", "40"), ("code", "7"), ("epochs", "3"), ("seed", "0")])
}

/// An untrained model for the digits, and how it is to be trained.
fn prepared(config: &Config, dataset: &Dataset) -> Prepared {
    prepare(config, dataset, &(0..1797).collect::<Vec<_>>()).unwrap()
}

fn model(config: &Config, dataset: &Dataset) -> Model {
    prepared(config, dataset).model
}

fn trainer<'a>(config: &Config, dataset: &'a Dataset, rows: std::ops::Range<u32>) -> Trainer<'a> {
    let Prepared { model, config, .. } = prepared(config, dataset);
    Trainer::new(model, config.training, dataset, rows.collect(), Vec::new()).unwrap()
}

fn going_on(run: &std::path::Path) -> ResumeRequest {
    ResumeRequest::new(run)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn fifty_steps_give_the_same_bits_at_any_thread_count() {
    // Wide enough that matrix products, losses and optimiser pass their gates and are really shared.
    let dataset = digits().unwrap();
    let config = config().with(&[("hidden", "500"), ("batch", "600"), ("epochs", "20"), ("clip", "5")]).unwrap();
    let mut expected: Option<Vec<u32>> = None;
    for threads in [1, 2, 3, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut trainer = trainer(&config, &dataset, 0..1797);
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
        let config = of_type("convolutional", &[("batch", "300"), ("filters", "16,20"), ("upsample", upsample)]);
        let runs = [1, 2, 3, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut trainer = trainer(&config, &dataset, 0..1797);
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
        let mut config = config().with(&[("optimizer", optimizer)]).unwrap();
        config.training.momentum = if optimizer == "sgd" { 0.0 } else { 0.9 };
        config.data.validation = validation;
        let (whole, parts) = (folder.path().join(format!("{name}1")), folder.path().join(format!("{name}2")));
        let request = |out: &std::path::Path, steps| TrainRequest {
            given: None,
            config: config.clone(),
            out: Some(out.to_path_buf()),
            max_steps: Some(steps),
            from: None,
        };
        train(&request(&whole, 40), Threads::One, &mut Silent).unwrap();
        let outcome = train(&request(&parts, 17), Threads::One, &mut Silent).unwrap();
        assert!(!outcome.finished && outcome.steps == 17);
        resume(&ResumeRequest { max_steps: Some(40), ..going_on(&parts) }, Threads::Current, &mut Silent).unwrap();
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
fn of_type(kind: &str, settings: &[(&str, &str)]) -> Config {
    let loss = if kind == "pca" { "mse" } else { "bce" };
    let config = Config::of(kind).unwrap().with(&[("epochs", "2"), ("seed", "3"), ("loss", loss)]).unwrap();
    config.with(settings).unwrap()
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
        ("undercomplete", &[("norm", "batch"), ("dropout", "0.1")], 33),
        ("vector-quantised", &[("ema", "0.9")], 29),
        ("adversarial", &[], 31),
        ("conditional", &[("validation", "0.1")], 40),
        ("importance-weighted", &[("samples", "3")], 25),
        ("sparse", &[("optimizer", "lbfgs"), ("epochs", "9"), ("validation", "0.2")], 4),
    ];
    for (number, (model, settings, stop)) in cases.iter().enumerate() {
        let (whole, parts) = (folder.path().join(format!("{number}a")), folder.path().join(format!("{number}b")));
        let request = |out: &std::path::Path, max_steps| TrainRequest {
            given: None,
            config: of_type(model, settings),
            out: Some(out.to_path_buf()),
            max_steps,
            from: None,
        };
        let outcome = train(&request(&whole, None), Threads::One, &mut Silent).unwrap();
        assert!(outcome.finished && outcome.steps > *stop, "{model}: {} steps", outcome.steps);
        assert!(!train(&request(&parts, Some(*stop)), Threads::One, &mut Silent).unwrap().finished);
        let resumed = resume(&going_on(&parts), Threads::Current, &mut Silent).unwrap();
        for file in ["model.safetensors", "state.safetensors"] {
            assert!(tensors(&whole, file) == tensors(&parts, file), "{number} {model}: {file}");
        }
        assert_eq!(
            (resumed.evaluation.loss(), resumed.evaluation.accuracy_before_fine_tuning),
            (outcome.evaluation.loss(), outcome.evaluation.accuracy_before_fine_tuning),
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
        ("undercomplete", &[("norm", "batch"), ("dropout", "0.1"), ("hidden", "500")]),
        ("vector-quantised", &[("hidden", "500"), ("entries", "200")]),
        ("adversarial", &[("hidden", "500"), ("discriminator", "300")]),
        ("conditional", &[("hidden", "500"), ("code", "70")]),
        ("importance-weighted", &[("hidden", "500"), ("code", "70")]),
    ];
    for (name, settings) in cases {
        let mut config = of_type(name, settings);
        config.set("batch", "600").unwrap();
        let runs = [1, 2, 3, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut trainer = trainer(&config, &dataset, 0..1797);
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
    let request = TrainRequest {
        given: None,
        config: of_type("undercomplete", &settings),
        out: Some(run.clone()),
        max_steps: None,
        from: None,
    };
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
    let request = TrainRequest { max_steps: Some(at * per_epoch), out: Some(stopped.clone()), ..request };
    train(&request, Threads::One, &mut Silent).unwrap();
    assert!(tensors(&run, "model.safetensors") == tensors(&stopped, "model.safetensors"));
    let state = tensors(&stopped, "state.safetensors");
    let of = |name: &str| &state.iter().find(|(found, _)| found == name).unwrap().1;
    assert!(of("best") == of("parameters"), "the best are the weights of that epoch");
    // It has ended; more patience goes on.
    assert_eq!(resume(&going_on(&run), Threads::One, &mut Silent).unwrap().epochs, outcome.epochs);
    let more = ResumeRequest { changes: vec![("patience".to_owned(), "5".to_owned())], ..going_on(&run) };
    assert!(resume(&more, Threads::One, &mut Silent).unwrap().epochs > outcome.epochs);
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
    let trainer = || trainer(&config, &dataset, 0..200);
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
    let request = TrainRequest {
        given: None,
        config: of_type("pca", &[]),
        out: Some(folder.path().join("run")),
        max_steps: None,
        from: None,
    };
    let evaluation = train(&request, Threads::One, &mut Silent).unwrap().evaluation;
    let pca = evaluation.pca_squared_error.unwrap();
    assert!((evaluation.squared_error() / pca - 1.0).abs() < 1e-4, "{} against {pca}", evaluation.squared_error());
}

#[test]
fn a_model_is_rebuilt_from_its_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = digits().unwrap();
    let saved = model(&config(), &dataset);
    let path = folder.path().join("somewhere.safetensors");
    saved.save(&path).unwrap();
    let [mut saved, mut loaded] = [saved, Model::load(&path).unwrap()].map(Session::new);
    let samples: Vec<f32> = (0..64 * 5).map(|i| (i % 17) as f32).collect();
    let a = saved.reconstruct(&samples).unwrap();
    assert_eq!(bits(a), bits(loaded.reconstruct(&samples).unwrap()));
    let codes = loaded.encode(&samples).unwrap().to_vec();
    assert_eq!(codes.len(), 5 * 7);
    assert_eq!(bits(a), bits(loaded.decode(&codes).unwrap()));
    assert!(loaded.encode(&samples[..63]).is_err());
    // Every prefix of the file is refused, and nothing panics.
    let bytes = std::fs::read(&path).unwrap();
    for length in (0..bytes.len()).step_by(97) {
        assert!(Model::parse(&bytes[..length], "cut").is_err());
    }
}

/// A session takes raw numbers, and gives raw numbers: what scaling there is, is the model's matter.
#[test]
fn a_session_is_in_the_datas_own_units() {
    let dataset = digits().unwrap();
    let config = of_type("variational", &[("epochs", "1")]);
    let model = narrows::training::fit(&config, &dataset).unwrap();
    let narrows::data::Samples::U8(bytes) = dataset.samples() else { panic!("the digits are bytes") };
    let raw: Vec<f32> = bytes[..64 * 300].iter().map(|&x| f32::from(x)).collect();
    let mut session = Session::new(model);
    let codes = session.encode(&raw).unwrap().to_vec();
    let reconstructions = session.reconstruct(&raw).unwrap().to_vec();
    assert!(reconstructions.iter().any(|&x| x > 1.5), "raw numbers go to 16");
    assert!(reconstructions.iter().all(|&x| (0.0..=16.0).contains(&x)));
    // In one call or in many, on one thread or on several, in this session or a clone of it.
    let mut clone = session.clone();
    let apart: Vec<f32> = raw.chunks(64 * 7).flat_map(|some| clone.encode(some).unwrap().to_vec()).collect();
    // Few rows are multiplied in another order than many.
    assert!(codes.iter().zip(&apart).all(|(a, b)| (a - b).abs() < 1e-5));
    let elsewhere = std::thread::scope(|scope| {
        let mut clone = session.clone();
        let raw = &raw;
        scope.spawn(move || clone.encode(raw).unwrap().to_vec()).join().unwrap()
    });
    assert!(bits(&codes) == bits(&elsewhere), "threads share a model");
    let scores = session.score(&raw).unwrap();
    assert_eq!((scores.names, scores.total.len()), (&["reconstruction", "kl"][..], 300));
    let noise: Vec<f32> = (0..64).map(|i| (i * 7 % 17) as f32).collect();
    let usual = scores.total.iter().sum::<f32>() / 300.0;
    assert!(session.score(&noise).unwrap().total[0] > 1.5 * usual, "what was never seen scores high");
    assert_eq!(session.sample(3, None, 1).unwrap().len(), 3 * 64);
    let a = session.sample(3, None, 1).unwrap().to_vec();
    assert_eq!(bits(&a), bits(session.sample(3, None, 1).unwrap()));
    assert_ne!(bits(&a), bits(session.sample(3, None, 2).unwrap()));
    let message = session.encode(&[f32::NAN; 64]).unwrap_err().to_string();
    assert!(message.contains("row 0, column 0"), "{message}");
    let variances = session.variances(&raw).unwrap();
    assert!(variances.len() == codes.len() && variances.iter().all(|&x| x > 0.0 && x < 4.0), "{variances:?}");
    let refusals = [session.clone().entries(&raw).map(<[f32]>::len), session.impute(&raw, 0).map(<[f32]>::len)];
    for refused in refusals.map(|done| done.unwrap_err().to_string()) {
        assert!(refused.starts_with("a model of type variational") && !refused.contains(".rs"), "{refused}");
    }
}

/// Cross-entropy calls what is far beyond 0..1 the best of all: such samples have no score, nor have those that f32
/// cannot hold. A code that is no number decodes to nothing.
#[test]
fn a_session_refuses_what_has_no_score() {
    let dataset = digits().unwrap();
    let fit = |changes: &[(&str, &str)]| {
        Session::new(narrows::training::fit(&of_type("undercomplete", changes), &dataset).unwrap())
    };
    let mut entropy = fit(&[("epochs", "1"), ("loss", "bce")]);
    let mut raw = vec![8.0; 3 * 64];
    assert_eq!(entropy.score(&raw).unwrap().total.len(), 3);
    raw[2 * 64 + 5] = -50.0;
    let message = entropy.score(&raw).unwrap_err().to_string();
    assert!(message.contains("row 2, column 5") && message.contains("loss mse"), "{message}");
    let mut squared = fit(&[("epochs", "1"), ("loss", "mse")]);
    assert!(squared.score(&raw).unwrap().total[2] > squared.score(&raw).unwrap().total[0]);
    raw[2 * 64 + 5] = 1e30;
    assert!(squared.score(&raw).unwrap_err().to_string().starts_with("row 2 "));
    let codes = vec![f32::NAN; squared.model().code_size()];
    assert!(squared.decode(&codes).unwrap_err().to_string().contains("the code at row 0, column 0"));
}

/// The code of a vector-quantised model is its entries, which a session names.
#[test]
fn a_session_names_the_entries_of_a_code() {
    let dataset = digits().unwrap();
    let model = narrows::training::fit(&of_type("vector-quantised", &[("epochs", "1")]), &dataset).unwrap();
    let book = model.parameters().find("codebook.entries").unwrap();
    let (size, book) = (model.parameters().sizes(book)[1], model.parameters().view(book).to_vec());
    let mut session = Session::new(model);
    let raw: Vec<f32> = (0..10 * 64).map(|i| (i * i % 17) as f32).collect();
    let codes = session.encode(&raw).unwrap().to_vec();
    let entries = session.entries(&raw).unwrap();
    assert_eq!(entries.len() * size, codes.len());
    for (code, &entry) in codes.chunks_exact(size).zip(entries) {
        assert!(bits(code) == bits(&book[entry as usize * size..][..size]));
    }
}

/// What is missing while training is learnt from what is beside it, and filled; everything else stays as it was.
#[test]
fn missing_numbers_are_filled_from_what_is_beside_them() {
    use narrows::data::Samples;
    // Four numbers that follow from one, each missing now and then.
    let whole: Vec<f32> =
        (0..600).flat_map(|i| (1..5).map(move |j| 100.0 + (i * 37 % 100) as f32 * j as f32)).collect();
    let holes = |i: usize| (i * 7919) % 10 < 3;
    let given: Vec<f32> = whole.iter().enumerate().map(|(i, &x)| if holes(i) { f32::NAN } else { x }).collect();
    let dataset = Dataset::with_missing("holes", Samples::F32(given.clone()), 4).unwrap();
    let settings = [("missing", "true"), ("hidden", "32,32"), ("code", "2"), ("epochs", "60"), ("sigma", "0.1")];
    let config = Config::of("importance-weighted").unwrap().with(&settings).unwrap();
    let mut session = Session::new(narrows::training::fit(&config, &dataset).unwrap());
    let filled = session.impute(&given, 0).unwrap();
    let means: Vec<f32> = (1..5).map(|j| 100.0 + 49.5 * j as f32).collect();
    let mut errors = [0.0f64; 2];
    for (i, ((&filled, &given), &whole)) in filled.iter().zip(&given).zip(&whole).enumerate() {
        if given.is_nan() {
            errors[0] += f64::from(filled - whole).powi(2);
            errors[1] += f64::from(means[i % 4] - whole).powi(2);
        } else {
            assert_eq!(filled.to_bits(), given.to_bits());
        }
    }
    assert!(errors[0] < 0.2 * errors[1], "{} where the means give {}", errors[0], errors[1]);
    let labelled = narrows::model::Given::new(&given).labels(&[0; 600]);
    assert!(session.impute(labelled, 0).unwrap_err().to_string().contains("leave labels away"));
    let plain = Config::of("importance-weighted").unwrap().with(&[("epochs", "1")]).unwrap();
    let refusing = plain.clone().with(&[("missing", "false")]).unwrap();
    let error = narrows::training::fit(&refusing, &dataset).err().unwrap().to_string();
    assert!(error.contains("missing"), "{error}");
    let mut session = Session::new(narrows::training::fit(&plain, &digits().unwrap()).unwrap());
    assert!(session.impute(&[1.0; 64], 0).unwrap_err().to_string().contains("missing true"));
}

/// Weights of another file are taken where names and sizes agree; what is not is said.
#[test]
fn a_run_can_start_from_anothers_weights() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = digits().unwrap();
    let file = folder.path().join("first.safetensors");
    let first = model(&of_type("undercomplete", &[("hidden", "20"), ("code", "7"), ("seed", "5")]), &dataset);
    first.save(&file).unwrap();
    let mut second = model(&of_type("undercomplete", &[("hidden", "20"), ("code", "9"), ("seed", "6")]), &dataset);
    let started = second.start_from(&file).unwrap();
    assert_eq!(
        started.taken,
        ["encoder.0.weight", "encoder.0.bias", "decoder.0.bias", "decoder.2.weight", "decoder.2.bias"]
    );
    assert!(started.kept.iter().any(|(name, why)| name == "encoder.2.weight" && why.contains("[7, 20] in the file")));
    assert_eq!(started.unused, ["decoder.0.weight", "encoder.2.bias", "encoder.2.weight"]);
    let weight = |model: &Model| {
        let parameters = model.parameters();
        bits(parameters.view(parameters.find("encoder.0.weight").unwrap()))
    };
    assert!(weight(&first) == weight(&second));
    let mut other = model(&of_type("undercomplete", &[("hidden", "21")]), &dataset);
    assert!(other.start_from(&file).is_ok(), "the last bias agrees");
    std::fs::write(&file, b"no such file").unwrap();
    assert!(other.start_from(&file).unwrap_err().to_string().contains("not a whole safetensors file"));
}

/// The classes of a conditional autoencoder are told it, and refused where they are not known.
#[test]
fn a_session_takes_classes_where_the_model_does() {
    let dataset = digits().unwrap();
    let model = narrows::training::fit(&of_type("conditional", &[("epochs", "1")]), &dataset).unwrap();
    let mut session = Session::new(model);
    let raw = vec![3.0; 2 * 64];
    let given = narrows::model::Given::new(&raw);
    let message = session.encode(given).unwrap_err().to_string();
    assert!(message.contains("0 to 9; give labels"), "{message}");
    assert!(session.encode(given.labels(&[1, 10])).unwrap_err().to_string().contains("row 1"));
    let first = session.encode(given.labels(&[1, 2])).unwrap().to_vec();
    assert_ne!(first[..8], first[8..], "the code depends on the class");
    assert_eq!(session.sample(4, Some(&[0, 1, 2, 9]), 3).unwrap().len(), 4 * 64);
    assert!(session.sample(4, Some(&[0]), 3).is_err());
}

#[test]
fn a_linear_autoencoder_comes_to_pca() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("hidden", ""), ("code", "8"), ("epochs", "150"), ("loss", "mse"), ("lr", "5e-3"), ("seed", "0")];
    let config = of_type("undercomplete", &settings);
    let request =
        TrainRequest { config, out: Some(folder.path().join("run")), max_steps: None, from: None, given: None };
    let evaluation = train(&request, Threads::One, &mut Silent).unwrap().evaluation;
    let pca = evaluation.pca_squared_error.unwrap();
    assert!((evaluation.squared_error() / pca - 1.0).abs() < 0.01, "{} against {pca}", evaluation.squared_error());
}

#[test]
fn a_loss_that_is_not_a_number_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("optimizer", "sgd"), ("epochs", "5"), ("loss", "mse"), ("lr", "1e30")];
    let config = config().with(&settings).unwrap();
    let request =
        TrainRequest { config, out: Some(folder.path().join("run")), max_steps: None, from: None, given: None };
    let error = train(&request, Threads::One, &mut Silent).unwrap_err();
    assert_eq!(error.kind(), narrows::ErrorKind::Training);
    assert!(error.to_string().contains("loss term `reconstruction`"), "{error}");
}

#[test]
fn inference_gives_the_bits_of_the_training_forward() {
    let dataset = digits().unwrap();
    let model = model(&config(), &dataset);
    let tape = narrows::engine::Tape::new(model.parameters(), 30);
    let autoencoder = model.autoencoder();
    let inputs = narrows::model::inputs(&tape, 64, autoencoder.takes());
    let objective = autoencoder.objective(&Pass::new(&tape, Mode::Training), &inputs);
    let reconstruction = autoencoder.parts().reconstruction.output(&tape, objective.raw.unwrap());
    tape.keep(reconstruction);
    let plan = tape.train(objective.total).unwrap();
    let mut workspace = plan.workspace().unwrap();
    let samples: Vec<f32> = (0..64 * 30).map(|i| (i % 13) as f32).collect();
    let scaled: Vec<f32> = samples.iter().map(|x| x / 16.0).collect();
    workspace.input_mut(inputs.x).unwrap().copy_from_slice(&scaled);
    plan.forward(model.parameters(), &mut workspace, Split::Serial).unwrap();
    let trained: Vec<f32> = workspace.value(reconstruction).unwrap().iter().map(|x| x * 16.0).collect();
    assert_eq!(bits(&trained), bits(Session::new(model).reconstruct(&samples).unwrap()));
}

/// Files that PyTorch's side of safetensors wrote from networks of its own, with the outputs PyTorch computed: a deep
/// one, and a convolutional one of each decoder, on images of 2 x 7 x 6.
#[test]
fn networks_of_pytorch_give_pytorchs_outputs() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["12-7-5-3", "conv-nearest", "conv-max", "conv-transposed"] {
        let mut session = Session::new(Model::load(folder.join(format!("torch-{name}.safetensors"))).unwrap());
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
        close(session.encode(&inputs).unwrap(), &numbers("codes"));
        close(session.reconstruct(&inputs).unwrap(), &numbers("outputs"));
    }
}

/// A state whose numbers contradict each other is refused, whatever they are.
#[test]
fn a_state_cannot_say_what_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let settings = [("validation", "0.2"), ("patience", "9"), ("epochs", "4"), ("ema", "0.9")];
    let request = TrainRequest {
        given: None,
        config: of_type("denoising", &settings),
        out: Some(run.clone()),
        max_steps: Some(70),
        from: None,
    };
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
        let refused = resume(&going_on(&run), Threads::One, &mut Silent);
        assert!(refused.is_err(), "{from} as {value} was accepted");
    }
    std::fs::write(&file, &bytes).unwrap();
    assert!(resume(&going_on(&run), Threads::One, &mut Silent).unwrap().finished);
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
        assert!(error.contains("numbers allow") || error.contains("do not have 84 numbers"), "{to}: {error}");
    }
}
