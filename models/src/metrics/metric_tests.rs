//! Every metric over a plan of its own, against figures worked out by hand.

use super::metric::{About, Figures, Metric, Vars};
use super::{psnr, ssim};
use crate::data::ImageShape;
use crate::nn::{Mode, Pass};
use crate::objective::{Builder, Objective, Reconstruction};
use narrows_engine::{Parameters, Plan, Shape, Split, Tape, Var};
use serde_json::Value;

const FEATURES: usize = 4;
const IMAGE: ImageShape = ImageShape { channels: 1, height: 2, width: 2 };

/// Samples, what they are decoded to (logits), codes of 2 units, what is present, classes, and logits of 3 classes.
struct Data {
    x: Vec<f32>,
    raw: Vec<f32>,
    code: Vec<f32>,
    mask: Vec<f32>,
    labels: Vec<f32>,
    logits: Vec<f32>,
}

fn data() -> Data {
    Data {
        x: vec![0.0, 1.0, 0.5, 0.25, 1.0, 1.0, 0.0, 0.0, 0.2, 0.4, 0.6, 0.8],
        raw: vec![0.0, 2.0, -1.0, 0.5, 3.0, -0.5, 0.1, -2.0, 1.0, -1.0, 0.0, 0.3],
        code: vec![0.0, 1.0, 0.0, 3.0, 0.0, 2.0],
        mask: vec![1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0],
        labels: vec![2.0, 0.0, 1.0],
        logits: vec![0.0, 1.0, 2.0, 5.0, 1.0, 2.0, 3.0, 2.0, 1.0],
    }
}

fn sigmoid(a: f32) -> f64 {
    1.0 / (1.0 + (-f64::from(a)).exp())
}

struct Bench {
    metrics: Vec<Box<dyn Metric>>,
    plan: Plan<f32>,
    inputs: Vec<(Var, usize)>,
}

/// The mean of `raw`, and twice its square.
fn objective(tape: &Tape<f32>, raw: Var, code: Var) -> Objective {
    let mut builder = Builder::default();
    builder.term("mean", 1.0, tape.mean(raw));
    builder.term("square", 2.0, tape.mean(tape.square(raw)));
    builder.finish(&Pass::new(tape, Mode::Evaluation), code)
}

/// All metrics over a plan whose inputs are the data.
fn bench(masked: bool, sigmoid: bool, classifier: bool) -> Bench {
    let tape = Tape::new(&Parameters::new(), 2);
    let input = |name: &str, width| tape.input(name, Shape::batch(&[width]));
    let (x, raw, code) = (input("x", FEATURES), input("raw", FEATURES), input("code", 2));
    let (mask, labels, logits) = (input("mask", FEATURES), input("labels", 1), input("logits", 3));
    let vars = Vars {
        x,
        raw,
        compared: &Reconstruction::SquaredError { sigmoid: true },
        sigmoid,
        reconstruction: tape.sigmoid(raw),
        code,
        objective: &objective(&tape, raw, code),
        divergences: None,
        indices: Some((labels, 4)),
        mask: masked.then_some(mask),
        labels: classifier.then_some(labels),
        logits: classifier.then_some(logits),
        ssim: true,
    };
    let mut metrics = <dyn Metric>::standard();
    let outputs: Vec<Var> = metrics.iter_mut().flat_map(|metric| metric.record(&tape, &vars)).collect();
    let plan = tape.infer(&outputs).unwrap();
    Bench { metrics, plan, inputs: vec![(x, 4), (raw, 4), (code, 2), (mask, 4), (labels, 1), (logits, 3)] }
}

impl Bench {
    /// The figures of all rows, in batches of two.
    fn run(&mut self, about: &About, data: &Data) -> Figures {
        let mut workspace = self.plan.workspace().unwrap();
        self.metrics.iter_mut().for_each(|metric| metric.start(about).unwrap());
        let values = [&data.x, &data.raw, &data.code, &data.mask, &data.labels, &data.logits];
        for first in (0..3).step_by(2) {
            let rows = 2.min(3 - first);
            workspace.set_rows(rows).unwrap();
            for (&(var, width), values) in self.inputs.iter().zip(values) {
                // Those that no metric reads are no inputs of the plan.
                if let Ok(to) = workspace.input_mut(var) {
                    to.copy_from_slice(&values[first * width..][..rows * width]);
                }
            }
            self.plan.forward(&Parameters::new(), &mut workspace, Split::Serial).unwrap();
            self.metrics.iter_mut().for_each(|metric| metric.add(&workspace).unwrap());
        }
        let mut figures = Figures::default();
        self.metrics.iter().for_each(|metric| metric.put(&mut figures).unwrap());
        figures
    }
}

fn about() -> About {
    About { features: FEATURES, image: Some(IMAGE), code: 2, range: Some(1.0), labelled: true }
}

fn near(figures: &Figures, name: &str, expected: f64) {
    let found = figures.number(name).unwrap_or_else(|| panic!("{name}: {figures:?}"));
    assert!((found - expected).abs() < 1e-6 * (1.0 + expected.abs()), "{name}: {found}, not {expected}");
}

/// Sum of squared errors and of cross-entropies over the values that count.
fn sums(data: &Data, counts: impl Fn(usize) -> bool) -> (f64, f64) {
    let pairs = data.x.iter().zip(&data.raw).enumerate().filter(|(at, _)| counts(*at));
    pairs.fold((0.0, 0.0), |(squares, entropies), (_, (&x, &a))| {
        let (x, y) = (f64::from(x), sigmoid(a));
        (squares + (x - y) * (x - y), entropies - x * y.ln() - (1.0 - x) * (1.0 - y).ln())
    })
}

#[test]
fn figures_of_all_values() {
    let (data, mut bench) = (data(), bench(false, true, true));
    let (squares, entropies) = sums(&data, |_| true);
    let similarity = data.x.chunks(4).zip(data.raw.chunks(4)).map(|(x, raw)| {
        let y: Vec<f32> = raw.iter().map(|&a| sigmoid(a) as f32).collect();
        ssim(x, &y, IMAGE, 1.0).unwrap() / 3.0
    });
    let similarity: f64 = similarity.sum();
    // Twice: a start forgets what was before.
    for _ in 0..2 {
        let figures = bench.run(&about(), &data);
        near(&figures, "squared_error", squares / 3.0);
        near(&figures, "mse", squares / 12.0);
        near(&figures, "psnr", psnr(squares / 12.0, 1.0));
        near(&figures, "bce", entropies / 12.0);
        near(&figures, "accuracy", 2.0 / 3.0);
        near(&figures, "mean_activation", 1.0);
        near(&figures, "ssim", similarity);
        let mean = |f: fn(f64) -> f64| data.raw.iter().map(|&a| f(f64::from(a))).sum::<f64>() / 12.0;
        near(&figures, "loss", mean(|a| a + 2.0 * a * a));
        assert_eq!((&figures.get("weights").unwrap()["square"], figures.get("nll")), (&2.0.into(), None));
        assert_eq!((figures.get("codebook_used"), figures.get("negative_elbo")), (Some(&3.into()), None));
        near(&figures, "codebook_perplexity", 3.0);
        assert_eq!(figures.get("dead_units"), Some(&1.into()));
        let codes = figures.get("codes").unwrap();
        assert_eq!((&codes["size"], &codes["mean_activation_per_unit"][1]), (&2.into(), &2.0.into()));
    }
}

#[test]
fn only_what_is_present_counts() {
    let (data, mut bench) = (data(), bench(true, true, false));
    let (squares, entropies) = sums(&data, |at| data.mask[at] == 1.0);
    let figures = bench.run(&about(), &data);
    near(&figures, "squared_error", squares / 3.0);
    near(&figures, "mse", squares / 8.0);
    near(&figures, "bce", entropies / 8.0);
}

#[test]
fn what_there_is_not_is_null_or_left_out() {
    let mut bench = bench(false, false, true);
    let figures = bench.run(&About { image: None, range: None, labelled: false, ..about() }, &data());
    for name in ["psnr", "bce", "ssim"] {
        assert_eq!(figures.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!(figures.get("accuracy"), None);
    let mut odd = data();
    odd.raw[0] = f32::NAN;
    odd.code[0] = f32::NAN;
    let figures = bench.run(&about(), &odd);
    assert_eq!(figures.get("squared_error"), Some(&Value::Null));
    assert_eq!(figures.get("codes").unwrap()["non_zeros"]["max"], 1);
}

#[test]
fn a_name_is_put_once() {
    let mut figures = Figures::default();
    figures.put("a", f64::INFINITY).unwrap();
    assert_eq!((figures.get("a"), figures.number("a")), (Some(&Value::Null), None));
    assert!(figures.put("a", 1.0).unwrap_err().to_string().contains("two metrics put a figure `a`"));
    assert_eq!(figures.iter().count(), 1);
}
