//! The loops over slices, one thread: functions, losses with their gradient, Adam. Throughput is bytes read and
//! written; the sizes are those of working sets that lie in L1, in L2 and in memory. The groups `values` time the same
//! functions on arguments of every kind, in elements.
//!
//! Every result is checked against `f64` arithmetic of the standard library before it is timed.

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, measurement::WallTime};
use narrows_engine::base::Buffer;
use narrows_engine::internals::{Activations, Elementwise};
use narrows_engine::optim::{Adam, Optimizer, StepOptions};
use narrows_engine::random::fill_uniform;
use narrows_engine::simd::InOut;
use narrows_engine::{Backend, Parameters, Split, Tape};
use std::time::Duration;

/// Bytes of all slices together.
const SIZES: [(&str, usize); 3] = [("L1", 16 << 10), ("L2", 192 << 10), ("memory", 128 << 20)];
/// Elements that are checked.
const CHECKED: usize = 2048;

/// The tables of one backend.
#[derive(Clone, Copy)]
struct Kernels {
    functions: &'static Elementwise<f32>,
    activations: &'static Activations<f32>,
}

type Kernel = fn(Kernels, InOut<'_, f32>);
type Reference = fn(f64) -> f64;
type Argument = fn(f32) -> f32;
type Loss = fn(Kernels, &[f32], &[f32], &mut [f32]) -> f32;
type LossReference = fn(f64, f64) -> (f64, f64);

const FUNCTIONS: [(&str, Kernel, Reference); 5] = [
    ("exp", |kernels, io| kernels.functions.exp(io, 0.0), f64::exp),
    ("tanh", |kernels, io| kernels.activations.tanh(io, 0.0), f64::tanh),
    ("sigmoid", |kernels, io| kernels.activations.sigmoid(io, 0.0), sigmoid),
    (
        "gelu",
        |kernels, io| kernels.functions.gelu(io, 0.0),
        |x| 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
    ),
    ("relu", |kernels, io| kernels.activations.relu(io, 0.0), |x| x.max(0.0)),
];

/// With the loss of one element and its derivative.
const LOSSES: [(&str, Loss, LossReference); 2] = [
    (
        "binary_cross_entropy",
        |kernels, z, t, gradient| kernels.functions.binary_cross_entropy(z, t, gradient, 1.0),
        |z, t| (z.max(0.0) - z * t + (-z.abs()).exp().ln_1p(), sigmoid(z) - t),
    ),
    (
        "squared_error",
        |kernels, x, t, gradient| kernels.functions.squared_error(x, t, gradient, 1.0),
        |x, t| ((x - t).powi(2), 2.0 * (x - t)),
    ),
];

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The error function by its Maclaurin series, good to 1e-9 for the arguments here.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..120 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

fn main() {
    let backend = Backend::current();
    let kernels = Kernels { functions: Elementwise::<f32>::of(backend), activations: Activations::<f32>::of(backend) };
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for (name, kernel, reference) in FUNCTIONS {
        sizes(&mut criterion, name, 2, |group, id, len| function(group, id, len, kernels, kernel, reference));
    }
    for (name, kernel, reference) in LOSSES {
        sizes(&mut criterion, name, 3, |group, id, len| loss(group, id, len, kernels, kernel, reference));
    }
    // Parameters and both moments are read and written, the gradient is read.
    sizes(&mut criterion, "adam", 4, adam);
    for (name, kernel, reference) in FUNCTIONS {
        values(&mut criterion, name, kernels, kernel, reference);
    }
    criterion.final_summary();
}

/// Arguments that slow kernels fall off a cliff for: time must not depend on them.
const VALUES: [(&str, Argument); 5] = [
    ("ordinary", |u| u),
    ("large", |u| 1e30 * u),
    ("subnormal", |u| 1e-40 * u),
    ("mixed", |u| if u > 0.0 { 1e-40 * u } else { 1e30 * u }),
    ("NaN", |_| f32::NAN),
];

/// The same function on arguments of each kind, in L1.
fn values(criterion: &mut Criterion, name: &str, kernels: Kernels, kernel: Kernel, reference: Reference) {
    let len = 2048;
    let mut group = criterion.benchmark_group(format!("values/{name}"));
    group.throughput(Throughput::Elements(len as u64));
    for (kind, value) in VALUES {
        group.bench_function(BenchmarkId::from_parameter(kind), |bencher| {
            // A multiple of 4 KiB between the two would make each load wait for an older store.
            let mut both = filled(2 * len + 512, -4.0, 4.0);
            let (from, to) = both.as_mut_slice().split_at_mut(len + 512);
            let from = &mut from[..len];
            from.iter_mut().for_each(|x| *x = value(*x));
            kernel(kernels, InOut::pair(from, to));
            for (&x, &y) in from.iter().zip(&*to) {
                let wanted = if x.is_nan() { x } else { reference(f64::from(x)) as f32 };
                let same = y.to_bits() == wanted.to_bits() || (y.is_nan() && wanted.is_nan());
                // A unit of the smallest subnormal numbers is 1.4e-45.
                let allowed = 1e-5 * wanted.abs() + 3e-45;
                // The reference's series of the error function does not converge far out.
                let far = name == "gelu" && x.abs() > 4.0;
                assert!(same || far || (y - wanted).abs() <= allowed, "{name}({x}) is {y}, not {wanted}");
            }
            bencher.iter(|| kernel(kernels, InOut::pair(from, to)));
        });
    }
    group.finish();
}

/// A group with a benchmark per size of `slices` slices.
fn sizes(
    criterion: &mut Criterion,
    name: &str,
    slices: usize,
    bench: impl Fn(&mut BenchmarkGroup<'_, WallTime>, BenchmarkId, usize),
) {
    let mut group = criterion.benchmark_group(format!("elementwise/{name}"));
    for (size, bytes) in SIZES {
        let len = bytes / (slices * size_of::<f32>());
        let traffic = if name == "adam" { 7 } else { slices };
        group.throughput(Throughput::Bytes((len * traffic * size_of::<f32>()) as u64));
        bench(&mut group, BenchmarkId::from_parameter(size), len);
    }
    group.finish();
}

fn filled(len: usize, low: f32, high: f32) -> Buffer<f32> {
    let mut buffer = Buffer::zeroed(len).expect("memory");
    fill_uniform(len as u64, 0, 0, low, high, buffer.as_mut_slice());
    buffer
}

fn close(what: &str, found: f64, wanted: f64) {
    let error = (found - wanted).abs();
    assert!(error <= 1e-5 * wanted.abs().max(1.0), "{what} gives {found}, not {wanted}");
}

fn function(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    len: usize,
    kernels: Kernels,
    kernel: Kernel,
    reference: Reference,
) {
    group.bench_function(id, |bencher| {
        let (from, mut to) = (filled(len, -4.0, 4.0), filled(len, 0.0, 1.0));
        kernel(kernels, InOut::pair(from.as_slice(), to.as_mut_slice()));
        for (&x, &y) in from.as_slice().iter().zip(to.as_slice()).take(CHECKED) {
            close("the function", f64::from(y), reference(f64::from(x)));
        }
        bencher.iter(|| kernel(kernels, InOut::pair(from.as_slice(), to.as_mut_slice())));
    });
}

fn loss(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    len: usize,
    kernels: Kernels,
    kernel: Loss,
    reference: LossReference,
) {
    group.bench_function(id, |bencher| {
        let (x, target, mut gradient) = (filled(len, -4.0, 4.0), filled(len, 0.0, 1.0), filled(len, 0.0, 1.0));
        let (x, target, gradient) = (x.as_slice(), target.as_slice(), gradient.as_mut_slice());
        let head = CHECKED.min(len);
        let sum = kernel(kernels, &x[..head], &target[..head], &mut gradient[..head]);
        let mut wanted = 0.0;
        for i in 0..head {
            let (value, slope) = reference(f64::from(x[i]), f64::from(target[i]));
            wanted += value;
            close("the loss's gradient", f64::from(gradient[i]), slope);
        }
        close("the loss", f64::from(sum), wanted);
        bencher.iter(|| kernel(kernels, x, target, gradient));
    });
}

fn adam(group: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, len: usize) {
    group.bench_function(id, |bencher| {
        let (before, gradient) = (filled(len, -1.0, 1.0), filled(len, -0.1, 0.1));
        let mut parameters = Parameters::new();
        let id = parameters.add("p", &[len]).expect("memory");
        parameters.view_mut(id).copy_from_slice(before.as_slice());
        let tape = Tape::new(&parameters, 1);
        let plan = tape.train(tape.mean(tape.parameter(id))).expect("a plan");
        let mut workspace = plan.workspace().expect("memory");
        plan.forward(&parameters, &mut workspace, Split::Serial).expect("forward");
        plan.backward(&parameters, &mut workspace, Split::Serial).expect("backward");
        workspace.gradients_mut()[..len].copy_from_slice(gradient.as_slice());
        let mut optimizer = Optimizer::new(Adam::default(), &parameters).expect("Adam");
        let options = StepOptions::new(1e-3);
        let mut step = |parameters: &mut Parameters<f32>| {
            optimizer.step(&plan, parameters, &workspace, options, Split::Serial).expect("a step");
        };
        step(&mut parameters);
        for i in 0..CHECKED.min(len) {
            // The first step goes by the rate times g / (|g| + epsilon), whatever the decays.
            let g = f64::from(gradient.as_slice()[i]);
            let wanted = f64::from(before.as_slice()[i]) - 1e-3 * g / (g.abs() + 1e-8);
            close("Adam", f64::from(parameters.flat()[i]), wanted);
        }
        bencher.iter(|| step(&mut parameters));
    });
}
