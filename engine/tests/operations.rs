//! Every case of every operation: against its scalar reference, its gradient against central differences, on every
//! backend, at any thread count, with stale memory poisoned. What operations, tapes and plans refuse stands in two
//! modules.

#[path = "operations/contract.rs"]
mod contract;
#[path = "operations/sizes.rs"]
mod sizes;

use narrows_engine::ops::cases::{Case, CaseInput, Domain, Sizes};
use narrows_engine::{
    Backend, Context, ParameterId, Parameters, Plan, Real, Shape, Split, Tape, Threads, Var, Workspace,
};
use narrows_engine::{check, ops, random};
use proptest::prelude::*;

/// A case with its inputs drawn, recorded and planned.
struct Setup<T: Real> {
    parameters: Parameters<T>,
    plan: Plan<T>,
    workspace: Workspace<T>,
    output: Var,
    loss: Var,
}

fn draw(input: &CaseInput, rows: usize, seed: u64) -> Vec<f64> {
    let mut numbers = vec![0.0; input.shape.elements(rows)];
    match input.domain {
        Domain::Unit => random::fill_uniform(seed, 1, 0, 0.0, 1.0, &mut numbers),
        Domain::Positive => random::fill_uniform(seed, 1, 0, 0.2, 3.0, &mut numbers),
        Domain::Real => random::fill_uniform(seed, 1, 0, -2.0, 2.0, &mut numbers),
        Domain::Index(count) => {
            random::fill_uniform(seed, 1, 0, 0.0, count as f64, &mut numbers);
            numbers.iter_mut().for_each(|x: &mut f64| *x = x.floor());
        }
        Domain::Apart => {
            random::fill_uniform(seed, 1, 0, 0.0, 0.01, &mut numbers);
            // Multiples of a prime modulo another: 101 neighbours are all different.
            numbers.iter_mut().enumerate().for_each(|(i, x)| *x += (i * 37 % 101) as f64 * 0.04 - 2.0);
        }
        Domain::AwayFromZero(gap) => {
            random::fill_uniform(seed, 1, 0, -2.0, 2.0, &mut numbers);
            numbers.iter_mut().for_each(|x: &mut f64| *x += gap * x.signum());
        }
    }
    numbers
}

/// How a case's inputs reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wiring {
    /// As they are.
    Plain,
    /// As results of an operation, which the case may write over.
    Computed,
    /// The same, read by others before and after the case.
    Shared,
}

/// Records a case. As parameters, every input has a gradient; as inputs, the batch is symbolic.
fn set_up<T: Real>(
    case: &Case,
    sizes: Sizes,
    backend: Backend,
    as_parameters: bool,
    wiring: Wiring,
    record: fn(&Tape<T>, &[Var], Sizes) -> Var,
    numbers: &[Vec<f64>],
) -> Setup<T> {
    let inputs = (case.inputs)(sizes);
    let mut parameters = Parameters::<T>::new();
    let mut ids: Vec<ParameterId> = Vec::new();
    if as_parameters {
        for (i, input) in inputs.iter().enumerate() {
            let mut shape: Vec<usize> = input.shape.sizes().to_vec();
            if input.shape.is_batch() {
                shape.insert(0, sizes.rows);
            }
            ids.push(parameters.add(&format!("input{i}"), &shape).unwrap());
        }
    } else {
        ids.push(parameters.add("factor", &[1]).unwrap());
        parameters.view_mut(ids[0])[0] = T::ONE;
    }
    let tape = Tape::on(&parameters, sizes.rows + 3, backend);
    let vars: Vec<Var> = inputs
        .iter()
        .enumerate()
        .map(|(i, input)| if as_parameters { tape.parameter(ids[i]) } else { tape.input("x", input.shape) })
        .collect();
    let scaled = |&var: &Var| if wiring == Wiring::Plain { var } else { tape.scale(var, 1.0) };
    let fed: Vec<Var> = vars.iter().map(scaled).collect();
    let squares = || -> Vec<Var> {
        let shared = fed.iter().filter(|_| wiring == Wiring::Shared);
        shared.map(|&var| tape.sum(tape.mul(var, var))).collect()
    };
    let before = squares();
    let output = record(&tape, &fed, sizes);
    tape.keep(output);
    let weights = tape.input("weights", tape.shape(output));
    let mut weighted = tape.mul(output, weights);
    if !as_parameters {
        weighted = tape.mul(weighted, tape.parameter(ids[0]));
    }
    let others = before.into_iter().chain(squares());
    let loss = others.fold(tape.sum(weighted), |loss, other| tape.add(loss, other));
    // What has no gradient: a target, given moments, and numbers that name places.
    let without = [("binary_cross_entropy", 1), ("batch_norm_given", 3)];
    let is_frozen = |(i, input): (usize, &CaseInput)| {
        let named = without.iter().any(|&(name, input)| case.name.contains(name) && i == input);
        (as_parameters && (named || matches!(input.domain, Domain::Index(_)))).then(|| ids[i])
    };
    let frozen: Vec<ParameterId> = inputs.iter().enumerate().filter_map(is_frozen).collect();
    let plan = tape.train_with(loss, narrows_engine::tape::TrainOptions { frozen: &frozen }).unwrap();
    let mut workspace = plan.workspace().unwrap();
    workspace.set_rows(sizes.rows).unwrap();
    for (i, values) in numbers.iter().enumerate() {
        let to = if as_parameters { parameters.view_mut(ids[i]) } else { workspace.input_mut(vars[i]).unwrap() };
        to.iter_mut().zip(values).for_each(|(to, &x)| *to = T::from_f64(x));
    }
    let shape = tape.shape(output);
    let mut w = vec![0.0; shape.elements(sizes.rows)];
    random::fill_uniform(99, 7, 0, 0.5, 1.5, &mut w);
    workspace.input_mut(weights).unwrap().iter_mut().zip(&w).for_each(|(to, &x)| *to = T::from_f64(x));
    Setup { parameters, plan, workspace, output, loss }
}

fn numbers_of(case: &Case, sizes: Sizes, seed: u64) -> Vec<Vec<f64>> {
    let inputs = (case.inputs)(sizes);
    inputs.iter().enumerate().map(|(i, input)| draw(input, sizes.rows, seed + i as u64)).collect()
}

fn compare<T: Real>(got: &[T], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g.to_f64() - e).abs() <= tolerance * scale, "{what}: element {i} is {g}, not {e}");
    }
}

fn check_forward(case: &Case, sizes: Sizes, seed: u64) {
    let numbers = numbers_of(case, sizes, seed);
    // The reference works on numbers as f32 holds them, so that both element types see the same inputs.
    let numbers: Vec<Vec<f64>> = numbers.iter().map(|v| v.iter().map(|&x| f64::from(x as f32)).collect()).collect();
    let expected = (case.reference)(&numbers, sizes);
    for backend in Backend::available() {
        let wirings = [Wiring::Plain, Wiring::Computed];
        for (as_parameters, wiring) in [false, true].into_iter().flat_map(|p| wirings.map(|wiring| (p, wiring))) {
            let what = format!("{}, {wiring:?}, on {backend} at {sizes:?}", case.name);
            let mut s = set_up(case, sizes, backend, as_parameters, wiring, case.record_f64, &numbers);
            s.workspace.poison();
            s.plan.forward(&s.parameters, &mut s.workspace, Split::Serial).unwrap();
            compare(s.workspace.value(s.output).unwrap(), &expected, 1e-10, &what);
            let mut s = set_up(case, sizes, backend, as_parameters, wiring, case.record_f32, &numbers);
            s.plan.forward(&s.parameters, &mut s.workspace, Split::Serial).unwrap();
            compare(s.workspace.value(s.output).unwrap(), &expected, 2e-5, &what);
        }
    }
}

fn check_gradient(case: &Case, sizes: Sizes, seed: u64) {
    let numbers = numbers_of(case, sizes, seed);
    let wirings = [Wiring::Plain, Wiring::Computed, Wiring::Shared];
    for (backend, wiring) in Backend::available().into_iter().flat_map(|b| wirings.map(|wiring| (b, wiring))) {
        let mut s = set_up(case, sizes, backend, true, wiring, case.record_f64, &numbers);
        s.workspace.poison();
        let worst = check::gradients(&s.plan, &mut s.parameters, &mut s.workspace, s.loss, 1e-5, 1e-3).unwrap();
        assert!(worst.relative < 1e-6, "{}, {wiring:?}, on {backend} at {sizes:?}: {worst:?}", case.name);
        // f32 against f64
        s.plan.forward(&s.parameters, &mut s.workspace, Split::Serial).unwrap();
        s.plan.backward(&s.parameters, &mut s.workspace, Split::Serial).unwrap();
        let mut single = set_up(case, sizes, backend, true, wiring, case.record_f32, &numbers);
        single.plan.forward(&single.parameters, &mut single.workspace, Split::Serial).unwrap();
        single.plan.backward(&single.parameters, &mut single.workspace, Split::Serial).unwrap();
        for id in s.parameters.ids() {
            let expected = &s.workspace.gradients()[s.parameters.range(id)];
            let got = &single.workspace.gradients()[single.parameters.range(id)];
            compare(got, expected, 1e-4, &format!("{} f32 gradient on {backend} at {sizes:?}", case.name));
        }
    }
}

fn sizes() -> impl Strategy<Value = Sizes> {
    let size = || prop_oneof![Just(1usize), 2usize..8, Just(15), Just(16), Just(17), Just(33)];
    (size(), size(), size()).prop_map(|(rows, columns, other)| Sizes { rows, columns, other })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn forward_agrees_with_the_reference(sizes in sizes(), seed in 0u64..1000) {
        for case in ops::cases() {
            check_forward(&case, sizes, seed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_agree_with_differences(sizes in sizes(), seed in 0u64..1000) {
        for case in ops::cases() {
            let small = Sizes { rows: sizes.rows.min(9), columns: sizes.columns.min(17), other: sizes.other.min(9) };
            check_gradient(&case, small, seed);
        }
    }
}

/// The same bits at 1, 2, 3 and 7 threads, forward and backward, at sizes beyond every gate.
#[test]
fn any_thread_count_gives_the_same_bits() {
    for case in ops::cases() {
        // Images of the cases are small: as many as pass the gates for planes and convolutions.
        let images = ["conv", "pool", "upsample", "crop"].iter().any(|word| case.name.contains(word));
        let sizes = Sizes { rows: if images { 2057 } else { 257 }, columns: 301, other: 67 };
        let numbers = numbers_of(&case, sizes, 5);
        for backend in Backend::available() {
            let mut expected: Option<(Vec<u32>, Vec<u32>)> = None;
            for threads in [1, 2, 3, 7] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut s = set_up(&case, sizes, backend, true, Wiring::Shared, case.record_f32, &numbers);
                s.workspace.poison();
                Threads::Pool(&pool).run(|split| {
                    s.plan.forward(&s.parameters, &mut s.workspace, split).unwrap();
                    s.plan.backward(&s.parameters, &mut s.workspace, split).unwrap();
                });
                let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
                let now = (bits(s.workspace.value(s.output).unwrap()), bits(s.workspace.gradients()));
                match &expected {
                    None => expected = Some(now),
                    Some(first) => assert!(*first == now, "{} on {backend}: {threads} threads differ", case.name),
                }
            }
        }
    }
}

#[test]
fn shapes_are_checked_when_recorded() {
    let mut parameters = Parameters::<f32>::new();
    let weight = parameters.add("encoder.0.weight", &[32, 700]).unwrap();
    let tape = Tape::new(&parameters, 4);
    let x = tape.input("x", Shape::batch(&[784]));
    let y = tape.linear(x, tape.parameter(weight), None, narrows_engine::gemm::Activation::Relu);
    let z = tape.add(y, x); // after the first error nothing more is looked at
    let error = tape.train(tape.sum(z)).err().expect("an error").to_string();
    assert!(error.contains("linear(`x` [N, 784], `encoder.0.weight` [32, 700])"), "{error}");
    assert!(error.contains("operations.rs:"), "{error}");
}

#[test]
fn unreachable_parameters_and_cut_paths_are_refused() {
    let mut parameters = Parameters::<f32>::new();
    let a = parameters.add("a", &[3]).unwrap();
    let b = parameters.add("b", &[3]).unwrap();
    let tape = Tape::new(&parameters, 4);
    let loss = tape.sum(tape.mul(tape.parameter(a), tape.stop_gradient(tape.parameter(b))));
    let error = tape.train(loss).err().expect("an error").to_string();
    assert!(error.contains("`b`") && !error.contains("`a`"), "{error}");
    let plan = tape.train_with(loss, narrows_engine::tape::TrainOptions { frozen: &[b] }).unwrap();
    assert_eq!(plan.trained().len(), 1);

    // An operation that has no gradient for its target refuses a target that depends on a parameter.
    let target = tape.sigmoid(tape.parameter(b));
    let logits = tape.square(tape.parameter(a));
    let loss = tape.binary_cross_entropy(logits, target, ops::Reduction::Mean);
    let error = tape.train(loss).err().expect("an error").to_string();
    assert!(error.contains("no gradient flows through its input 1"), "{error}");
    assert!(tape.train(logits).is_err(), "a loss must be a single number");
}

#[test]
fn stop_gradient_cuts() {
    let mut parameters = Parameters::<f64>::new();
    let a = parameters.add("a", &[1]).unwrap();
    parameters.view_mut(a)[0] = 3.0;
    let tape = Tape::new(&parameters, 1);
    let x = tape.parameter(a);
    let loss = tape.sum(tape.mul(x, tape.stop_gradient(tape.square(x))));
    let plan = tape.train(loss).unwrap();
    let mut workspace = plan.workspace().unwrap();
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
    assert_eq!((workspace.value(loss).unwrap()[0], workspace.gradients()[0]), (27.0, 9.0));
}

#[test]
fn misuse_of_plans_is_an_error() {
    let mut parameters = Parameters::<f32>::new();
    let a = parameters.add("a", &[2]).unwrap();
    let tape = Tape::new(&parameters, 2);
    let x = tape.input("x", Shape::batch(&[2]));
    let y = tape.mul(x, tape.parameter(a));
    let plan = tape.infer(&[y]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    assert!(workspace.set_rows(0).is_err() && workspace.set_rows(3).is_err());
    assert!(workspace.input_mut(y).is_err());
    assert!(plan.backward(&parameters, &mut workspace, Split::Serial).is_err());
    assert!(plan.forward(&Parameters::new(), &mut workspace, Split::Serial).is_err());
    let other = Tape::new(&parameters, 2);
    assert!(other.infer(&[y]).is_err(), "a Var of another tape");
    let training = tape.train(tape.sum(y)).unwrap();
    assert!(training.forward(&parameters, &mut workspace, Split::Serial).is_err());
    let mut own = training.workspace().unwrap();
    assert!(training.backward(&parameters, &mut own, Split::Serial).is_err(), "backward before forward");
}

type Planning<'a> = &'a dyn Fn(&Tape<f32>) -> Result<Plan<f32>, narrows_engine::Error>;

#[test]
fn what_cannot_be_planned_is_refused() {
    let mut parameters = Parameters::<f32>::new();
    let a = parameters.add("a", &[1]).unwrap();
    let message = |record: Planning<'_>| record(&Tape::new(&parameters, 2)).err().expect("an error").to_string();
    let is = |part: &str, record: Planning<'_>| {
        let message = message(record);
        assert!(message.contains(part), "{message}");
    };
    is("not the result of an operation", &|t| t.train(t.reshape(t.parameter(a), Shape::scalar())));
    is("read it from Parameters", &|t| t.infer(&[t.parameter(a)]));
    is("read it from Parameters", &|t| {
        t.keep(t.parameter(a));
        t.train(t.sum(t.parameter(a)))
    });
    is("has no elements", &|t| t.infer(&[t.input("x", Shape::batch(&[0]))]));
    is("must be in 1e-6..=1e6", &|t| t.infer(&[t.elu(t.parameter(a), 1e-9)]));
    is("must be finite", &|t| t.infer(&[t.scale(t.parameter(a), f64::NAN)]));
}

#[test]
fn parameters_of_another_layout_are_refused() {
    let mut parameters = Parameters::<f32>::new();
    let a = parameters.add("a", &[2]).unwrap();
    let tape = Tape::on(&parameters, 2, Backend::portable());
    let plan = tape.infer(&[tape.square(tape.parameter(a))]).unwrap();
    assert_eq!(plan.backend(), Backend::portable());
    let mut workspace = plan.workspace().unwrap();
    let mut other = Parameters::<f32>::new();
    other.add("b", &[2]).unwrap();
    assert!(plan.forward(&other, &mut workspace, Split::Serial).is_err(), "as long, but not the same");
    plan.forward(&parameters.try_clone().unwrap(), &mut workspace, Split::Serial).unwrap();
}

#[test]
fn warming_up_reaches_every_thread() {
    Threads::Current.run(|split| narrows_engine::gemm::warm_up::<f32>(Context::new(split)));
}

/// The lecture's example of unpooling, and what max unpooling makes of a pooled plane.
#[test]
fn unpooling_gives_the_lectures_plane() {
    use narrows_engine::conv::Pool;
    let parameters = Parameters::<f32>::new();
    let tape = Tape::new(&parameters, 1);
    let x = tape.input("x", Shape::batch(&[1, 2, 2]));
    let near = tape.upsample_nearest2d(x, [2, 2]);
    let (largest, switches) = tape.max_pool2d_with_switches(near, Pool::new(2));
    let back = tape.max_unpool2d(largest, switches, [4, 4]);
    let plan = tape.infer(&[near, back]).unwrap();
    let mut workspace = plan.workspace().unwrap();
    workspace.input_mut(x).unwrap().copy_from_slice(&[1.0, 2.0, 3.0, 4.0]);
    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
    let rows = [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0], [3.0, 3.0, 4.0, 4.0]];
    assert_eq!(workspace.value(near).unwrap(), rows.concat());
    let rows = [[1.0, 0.0, 2.0, 0.0], [0.0; 4], [3.0, 0.0, 4.0, 0.0], [0.0; 4]];
    assert_eq!(workspace.value(back).unwrap(), rows.concat());
}

/// Impossible geometries are errors when recorded, with the operation, the numbers and the place.
#[test]
fn impossible_geometries_are_refused() {
    use narrows_engine::conv::Pool;
    use narrows_engine::gemm::Activation::Identity;
    use narrows_engine::ops::{Conv1dOptions, ConvOptions, ConvTransposeOptions};
    type Record = fn(&Tape<f32>, Var, Var) -> Var;
    let wrong: [(Record, &str); 18] = [
        (|t, x, w| t.conv2d(x, w, None, ConvOptions::default(), Identity), "the kernel spans 5 in height"),
        (
            |t, x, w| t.conv2d(x, w, None, ConvOptions::default().padding(1).stride(0), Identity),
            "the height of the stride is 0",
        ),
        (
            |t, x, w| t.conv2d(x, w, None, ConvOptions::default().padding(1).groups(3), Identity),
            "3 groups do not divide",
        ),
        (|t, x, w| t.conv2d(x, w, None, ConvOptions::default().padding(1).groups(2), Identity), "sees 4 channels"),
        (|t, x, w| t.conv2d(x, w, None, ConvOptions::default().padding(usize::MAX / 2), Identity), "too large"),
        (
            |t, x, w| {
                let options = ConvTransposeOptions::default().stride(2).output_padding([2, 0]);
                t.conv_transpose2d(x, w, None, options, Identity)
            },
            "the output padding 2 in height must be below the stride",
        ),
        (
            |t, x, w| t.conv_transpose2d(x, w, None, ConvTransposeOptions::default().padding(9), Identity),
            "padding takes 18",
        ),
        (|t, x, _| t.max_pool2d(x, Pool::new(2).padding(2)), "more than half"),
        (|t, x, _| t.avg_pool2d(x, Pool::new(9)), "the kernel spans 9"),
        (|t, x, _| t.upsample_nearest2d(x, [0, 2]), "cannot be made"),
        (
            |t, x, w| t.conv2d_max_pool2d(x, w, None, ConvOptions::default().padding(1), Pool::new(9), Identity),
            "the kernel spans 9",
        ),
        (
            |t, x, w| t.upsample_nearest_conv2d(t.crop2d(x, [1, 1]), [2, 2], w, None, [0, 0], Identity),
            "use a smaller kernel or more padding",
        ),
        (|t, x, w| t.conv1d(x, w, None, Conv1dOptions::default(), Identity), "the kernel spans 5"),
        (|t, x, w| t.conv2d(x, w, Some(w), ConvOptions::default().padding(1), Identity), "the bias is"),
        (|t, x, _| t.crop2d(x, [5, 4]), "which is larger"),
        (|t, x, _| t.upsample_bilinear2d(x, [usize::MAX, 2], false), "too many elements"),
        (|t, x, _| t.max_unpool2d(x, t.crop2d(x, [2, 2]), [8, 8]), "the switches are"),
        (
            |t, x, w| t.conv_transpose2d(x, w, None, ConvTransposeOptions::default().stride(1 << 60), Identity),
            "too large",
        ),
    ];
    for (record, words) in wrong {
        let mut parameters = Parameters::<f32>::new();
        let w = parameters.add("w", &[4, 4, 5, 5]).unwrap();
        let tape = Tape::new(&parameters, 2);
        let x = tape.input("x", Shape::batch(&[4, 4, 4]));
        let y = record(&tape, x, tape.parameter(w));
        let error = tape.infer(&[y]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(words) && error.contains("operations.rs"), "{words}: {error}");
    }
}

/// The activations that kernels apply in registers, and those that they leave to a pass of its own, on every route: as
/// an operation after the convolution gives them.
#[test]
fn activations_of_convolutions_are_those_of_the_operations() {
    use narrows_engine::gemm::Activation::{Elu, Identity, LeakyRelu, Relu};
    use narrows_engine::ops::ConvOptions;
    let padded = ConvOptions::default().padding(1);
    // Positions in the lanes; filters in them; strips of the column matrix; a kernel of one element.
    let shapes: [([usize; 3], [usize; 2], ConvOptions); 7] = [
        ([3, 9, 33], [5, 3], padded),
        ([8, 5, 5], [40, 3], padded),
        ([20, 9, 9], [1, 3], padded),
        ([4, 9, 9], [6, 3], padded.stride(2).groups(2)),
        ([2, 600, 470], [2, 3], padded),
        ([6, 7, 7], [3, 1], ConvOptions::default()),
        ([4, 64, 70], [4, 3], padded.stride(2).groups(2)),
    ];
    for ((sizes, [filters, kernel], options), transposed) in
        shapes.into_iter().flat_map(|shape| [(shape, false), (shape, true)])
    {
        let mut parameters = Parameters::<f32>::new();
        let seen = if transposed { filters } else { sizes[0] } / options.groups;
        let first = if transposed { sizes[0] } else { filters };
        let weight = parameters.add("weight", &[first, seen, kernel, kernel]).unwrap();
        let bias = parameters.add("bias", &[filters]).unwrap();
        random::fill_uniform(1, 0, 0, -1.0, 1.0, parameters.flat_mut());
        for backend in Backend::available() {
            type Record<'a> = &'a dyn Fn(&Tape<f32>, Var, Var, Var) -> Var;
            let run = |record: Record<'_>| {
                let tape = Tape::on(&parameters, 2, backend);
                let x = tape.input("x", Shape::batch(&sizes));
                let y = record(&tape, x, tape.parameter(weight), tape.parameter(bias));
                let plan = tape.infer(&[y]).unwrap();
                let mut workspace = plan.workspace().unwrap();
                random::fill_uniform(2, 0, 0, -1.0, 1.0, workspace.input_mut(x).unwrap());
                plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
                workspace.value(y).unwrap().to_vec()
            };
            let convolve = |t: &Tape<f32>, x, w, b, activation| match transposed {
                true => t.conv_transpose2d(x, w, Some(b), options.into(), activation),
                false => t.conv2d(x, w, Some(b), options, activation),
            };
            type After = fn(&Tape<f32>, Var) -> Var;
            let all: [(_, After); 3] = [
                (Relu, |t, y| t.relu(y)),
                (LeakyRelu(0.1), |t, y| t.leaky_relu(y, 0.1)),
                (Elu(1.0), |t, y| t.elu(y, 1.0)),
            ];
            for (activation, after) in all {
                let fused = run(&|t, x, w, b| convolve(t, x, w, b, activation));
                let apart = run(&|t, x, w, b| after(t, convolve(t, x, w, b, Identity)));
                assert_eq!(fused, apart, "{backend} {sizes:?} {activation:?} {transposed}");
                assert!(fused.iter().any(|&y| y > 0.0) && fused.iter().any(|&y| y <= 0.0));
            }
        }
    }
}

/// Large terms cancel in this loss, so a difference at the usual step is rounded to 1.1e-6 of the gradient.
#[test]
fn a_loss_that_cancels_is_tried_with_a_longer_step() {
    let named = |case: &Case| case.name == "batch_norm of planes, far from 0, beside another use";
    let cases: Vec<Case> = ops::cases().into_iter().filter(named).collect();
    assert_eq!(cases.len(), 1);
    check_gradient(&cases[0], Sizes { rows: 9, columns: 17, other: 1 }, 377);
}
