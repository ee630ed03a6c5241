//! What every optimiser promises, walked over all cases: its formula in `f64` on every backend, the same bits at any
//! number of threads and after a checkpoint, frozen parameters; and what a step refuses.

use super::cases::{Case, Scalars};
use super::*;
use crate::base::{Backend, ErrorKind, Split};
use crate::tape::{ParameterId, Parameters, Plan, Real, Tape, TrainOptions, Workspace};
use proptest::prelude::*;

/// A few numbers for every element; the same whatever the type.
fn values<T: Real>(stream: u64, len: usize) -> Vec<T> {
    let mut numbers = vec![0f32; len];
    crate::random::fill_uniform(5, stream, 0, -1.0, 1.0, &mut numbers);
    numbers.into_iter().map(|x| T::from_f64(f64::from(x))).collect()
}

fn wide<T: Real>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

/// Parameters of some lengths, a plan that trains those that are not frozen, and its workspace.
struct Setup<T> {
    parameters: Parameters<T>,
    ids: Vec<ParameterId>,
    plan: Plan<T>,
    workspace: Workspace<T>,
}

impl<T: Real + OptimFloat> Setup<T> {
    fn new(lens: &[usize], frozen: &[usize], backend: Backend) -> Self {
        let mut parameters = Parameters::new();
        let mut ids = Vec::new();
        for (i, &len) in lens.iter().enumerate() {
            let id = parameters.add(&format!("p{i}"), &[len]).unwrap();
            parameters.view_mut(id).copy_from_slice(&values(100 + i as u64, len));
            ids.push(id);
        }
        let frozen: Vec<ParameterId> = frozen.iter().map(|&i| ids[i]).collect();
        let tape = Tape::on(&parameters, 1, backend);
        let losses = ids.iter().map(|&id| tape.mean(tape.parameter(id)));
        let loss = losses.reduce(|a, b| tape.add(a, b)).unwrap();
        let options = TrainOptions { frozen: &frozen };
        let plan = tape.train_with(loss, options).unwrap();
        let workspace = plan.workspace().unwrap();
        Self { parameters, ids, plan, workspace }
    }

    /// Runs backward, and writes other gradients over what it gives, also where parameters are frozen.
    fn differentiate(&mut self, stream: u64) {
        self.plan.forward(&self.parameters, &mut self.workspace, Split::Serial).unwrap();
        self.plan.backward(&self.parameters, &mut self.workspace, Split::Serial).unwrap();
        for (i, &id) in self.ids.iter().enumerate() {
            let range = self.parameters.range(id);
            let gradients = values(1000 * stream + i as u64, range.len());
            self.workspace.gradients_mut()[range].copy_from_slice(&gradients);
        }
    }

    fn optimizer(&self, config: OptimizerConfig) -> Optimizer<T> {
        Optimizer::new(config, &self.parameters).unwrap()
    }

    fn step(&mut self, optimizer: &mut Optimizer<T>, options: StepOptions, split: Split) -> Result<(), crate::Error> {
        optimizer.step(&self.plan, &mut self.parameters, &self.workspace, options, split)
    }
}

fn agrees<T: Real + OptimFloat>(Case { config, reference, jumps }: &Case, len: usize, clip: f64, tolerance: f64) {
    for backend in Backend::available() {
        let mut setup = Setup::<T>::new(&[len, 5, 3], &[], backend);
        let mut expected: Vec<Vec<f64>> = setup.ids.iter().map(|&id| wide(setup.parameters.view(id))).collect();
        let mut state: Vec<[Vec<f64>; 3]> = expected.iter().map(|p| [(); 3].map(|()| vec![0.0; p.len()])).collect();
        let mut optimizer = setup.optimizer(*config);
        for t in 1..=5 {
            setup.differentiate(t as u64);
            let lr = 0.01 * f64::from(t);
            setup.step(&mut optimizer, StepOptions::new(lr).clip(clip), Split::Serial).unwrap();
            for ((id, parameters), state) in setup.ids.iter().zip(&mut expected).zip(&mut state) {
                let gradients = &setup.workspace.gradients()[setup.parameters.range(*id)];
                let gradients: Vec<f64> = wide(gradients).into_iter().map(|g| clip * g).collect();
                let state = state.each_mut().map(Vec::as_mut_slice);
                reference(Scalars { t, lr, parameters, gradients: &gradients, state });
            }
        }
        assert_eq!(optimizer.steps_taken(), 5);
        for (id, expected) in setup.ids.iter().zip(&expected) {
            let far = |(_, (p, exact)): &(usize, (&T, &f64))| (p.to_f64() - *exact).abs() >= tolerance;
            let pairs = setup.parameters.view(*id).iter().zip(expected);
            let off: Vec<(usize, (&T, &f64))> = pairs.enumerate().filter(far).collect();
            assert!(off.len() <= usize::from(*jumps), "{config:?} on {backend}, {len} elements: {off:?}");
        }
        let gap = setup.parameters.range(setup.ids[0]).end..setup.parameters.range(setup.ids[1]).start;
        assert!(setup.parameters.flat()[gap].iter().all(|&p| p == T::ZERO), "{config:?} wrote into a gap");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_optimizer_agrees_with_its_formula(
        len in prop_oneof![Just(1usize), Just(3), Just(4), Just(5), 7usize..=9, 15usize..=17, Just(1000), Just(4100)],
        clip in 0.1f64..=1.0,
    ) {
        for case in methods::cases() {
            agrees::<f64>(&case, len, clip, 1e-12);
            agrees::<f32>(&case, len, clip, 2e-5);
        }
    }

    #[test]
    fn the_norm_is_the_norm(len in prop_oneof![1usize..40, 4090usize..4100, Just(100_000)]) {
        for backend in Backend::available() {
            let mut setup = Setup::<f32>::new(&[len, 5, 7], &[1], backend);
            setup.differentiate(3);
            let squares = [0, 2].map(|i| {
                let range = setup.parameters.range(setup.ids[i]);
                wide(&setup.workspace.gradients()[range]).iter().map(|x| x * x).sum::<f64>()
            });
            let exact = (squares[0] + squares[1]).sqrt();
            let norm = global_norm(&setup.plan, &setup.workspace, Split::Serial).unwrap();
            prop_assert!((norm - exact).abs() <= 1e-12 * exact);
        }
    }
}

#[test]
fn frozen_parameters_stay_whatever_decays() {
    for case in methods::cases() {
        let lens = [20, 9, 33];
        let mut whole = Setup::<f32>::new(&lens, &[], Backend::current());
        let mut partial = Setup::<f32>::new(&lens, &[1], Backend::current());
        let (mut all, mut some) = (whole.optimizer(case.config), partial.optimizer(case.config));
        for stream in 1..4 {
            whole.differentiate(stream);
            partial.differentiate(stream);
            whole.step(&mut all, StepOptions::new(0.1), Split::Serial).unwrap();
            partial.step(&mut some, StepOptions::new(0.1), Split::Serial).unwrap();
        }
        assert_eq!(partial.parameters.view(partial.ids[1]), values::<f32>(101, 9), "{:?}", case.config);
        assert_ne!(whole.parameters.view(whole.ids[1]), values::<f32>(101, 9), "{:?}", case.config);
        for i in [0, 2] {
            let (whole, partial) = (whole.parameters.view(whole.ids[i]), partial.parameters.view(partial.ids[i]));
            assert_eq!(whole, partial, "{:?}", case.config);
        }
    }
}

#[test]
fn plans_share_an_optimizer_and_move_their_own() {
    for case in methods::cases() {
        let lens = [20, 40];
        let mut one = Setup::<f32>::new(&lens, &[1], Backend::current());
        let mut two = Setup::<f32>::new(&lens, &[0], Backend::current());
        let mut optimizer = one.optimizer(case.config);
        one.differentiate(1);
        one.step(&mut optimizer, StepOptions::new(0.1), Split::Serial).unwrap();
        let first: Vec<f32> = optimizer.state().flat_map(|(_, values)| values[..20].to_vec()).collect();
        two.differentiate(2);
        two.step(&mut optimizer, StepOptions::new(0.1), Split::Serial).unwrap();
        let later: Vec<f32> = optimizer.state().flat_map(|(_, values)| values[..20].to_vec()).collect();
        assert_eq!((first, optimizer.steps_taken()), (later, 2));
    }
}

#[test]
fn state_survives_a_checkpoint() {
    for Case { config, .. } in methods::cases() {
        let mut setup = Setup::<f32>::new(&[100, 7], &[], Backend::current());
        let mut optimizer = setup.optimizer(config);
        for stream in 1..4 {
            setup.differentiate(stream);
            setup.step(&mut optimizer, StepOptions::new(0.01), Split::Serial).unwrap();
        }
        let mut resumed = setup.optimizer(config);
        let saved: Vec<(&str, Vec<f32>)> = optimizer.state().map(|(name, values)| (name, values.to_vec())).collect();
        let mut read = |name: &'static str, to: &mut [f32]| {
            let (_, values) = saved.iter().find(|(known, _)| *known == name).ok_or(())?;
            to.copy_from_slice(values);
            Ok::<(), ()>(())
        };
        resumed.restore(3, &mut read).unwrap();
        let before = setup.parameters.try_clone().unwrap();
        let mut steps = |optimizer: &mut Optimizer<f32>| {
            setup.parameters.flat_mut().copy_from_slice(before.flat());
            for stream in 9..12 {
                setup.differentiate(stream);
                setup.step(optimizer, StepOptions::new(0.01), Split::Serial).unwrap();
            }
            setup.parameters.flat().to_vec()
        };
        assert_eq!(steps(&mut optimizer), steps(&mut resumed), "{config:?}");
        assert_eq!(resumed.steps_taken(), 6);
        if resumed.state().next().is_some() {
            let mut torn = |_: &'static str, to: &mut [f32]| {
                to.fill(7.0);
                Err(())
            };
            assert!(resumed.restore(6, &mut torn).is_err());
            assert!(resumed.steps_taken() == 0 && resumed.state().all(|(_, x)| x.iter().all(|&x| x == 0.0)));
        }
    }
}

#[test]
fn a_step_refuses_what_does_not_belong_together() {
    let mut setup = Setup::<f32>::new(&[4, 3], &[], Backend::current());
    let mut optimizer = setup.optimizer(Adam::default().into());
    let options = StepOptions::new(0.1);
    let before = setup.parameters.flat().to_vec();
    let kind = |result: Result<(), crate::Error>| result.unwrap_err().kind();

    assert_eq!(kind(setup.step(&mut optimizer, options, Split::Serial)), ErrorKind::Misuse, "no pass at all");
    setup.plan.forward(&setup.parameters, &mut setup.workspace, Split::Serial).unwrap();
    assert_eq!(kind(setup.step(&mut optimizer, options, Split::Serial)), ErrorKind::Misuse, "forward alone");
    assert!(global_norm(&setup.plan, &setup.workspace, Split::Serial).is_err());
    setup.differentiate(1);
    setup.plan.forward(&setup.parameters, &mut setup.workspace, Split::Serial).unwrap();
    assert_eq!(kind(setup.step(&mut optimizer, options, Split::Serial)), ErrorKind::Misuse, "gradients of before");

    setup.differentiate(1);
    let mut other = Setup::<f32>::new(&[4, 3], &[], Backend::current());
    other.differentiate(1);
    let foreign = optimizer.step(&setup.plan, &mut setup.parameters, &other.workspace, options, Split::Serial);
    assert_eq!(kind(foreign), ErrorKind::Mismatch, "a workspace of another plan");
    assert!(global_norm(&setup.plan, &other.workspace, Split::Serial).is_err());
    let mut longer = Setup::<f32>::new(&[4, 5], &[], Backend::current());
    longer.differentiate(1);
    let foreign = optimizer.step(&setup.plan, &mut longer.parameters, &setup.workspace, options, Split::Serial);
    assert_eq!(kind(foreign), ErrorKind::Mismatch, "parameters of another layout");
    assert_eq!(
        kind(longer.step(&mut optimizer, options, Split::Serial)),
        ErrorKind::Mismatch,
        "an optimiser of another"
    );

    let infinite_in_f32 = 1e39;
    for lr in [f64::NAN, -0.1, f64::INFINITY, infinite_in_f32] {
        assert_eq!(kind(setup.step(&mut optimizer, StepOptions::new(lr), Split::Serial)), ErrorKind::OutOfRange);
        let options = options.clip(lr);
        assert_eq!(kind(setup.step(&mut optimizer, options, Split::Serial)), ErrorKind::OutOfRange);
    }
    let same = setup.parameters.flat() == before && optimizer.state().all(|(_, x)| x.iter().all(|&x| x == 0.0));
    assert!(same && optimizer.steps_taken() == 0, "a refused step changed something");
    setup.step(&mut optimizer, options, Split::Serial).unwrap();
    assert_ne!(setup.parameters.flat(), before);
}

#[test]
fn constants_outside_their_ranges_are_named() {
    let parameters = Parameters::<f32>::new();
    let refused = |config: OptimizerConfig| Optimizer::new(config, &parameters).unwrap_err().to_string();
    let wrong = Adam { beta1: 1.0, ..Adam::default() };
    assert_eq!(refused(wrong.into()), "beta1 is 1, but must be in [0, 1)");
    let wrong = Sgd { nesterov: true, ..Sgd::default() };
    assert_eq!(refused(wrong.into()), "momentum is 0, but must be in (0, 1) when nesterov is set");
    let wrong = AdamW { weight_decay: -1.0, ..AdamW::default() };
    assert_eq!(refused(wrong.into()), "weight_decay is -1, but must be in [0, 1e6]");
    let wrong = RmsProp { epsilon: 0.0, ..RmsProp::default() };
    assert_eq!(refused(wrong.into()), "epsilon is 0, but must be in [1e-30, 1e3]");
    assert_eq!(OptimizerConfig::default().name(), "adam");
}

#[test]
fn state_has_the_names_of_pytorch() {
    let setup = Setup::<f32>::new(&[3], &[], Backend::current());
    let names =
        |config: OptimizerConfig| -> Vec<&str> { setup.optimizer(config).state().map(|(name, _)| name).collect() };
    assert!(names(Sgd::default().into()).is_empty());
    assert_eq!(names(Adam::default().into()), ["exp_avg", "exp_avg_sq"]);
    assert_eq!(names(RmsProp { momentum: 0.5, ..RmsProp::default() }.into()), ["square_avg", "momentum"]);
}

#[test]
fn clipping_bounds_the_norm() {
    assert_eq!(clip_factor(2.0, 1.0), 0.5);
    assert_eq!(clip_factor(0.5, 1.0), 1.0);
    assert_eq!(clip_factor(0.0, 0.0), 1.0);
    assert_eq!(clip_factor(1.0, 0.0), 0.0);
    assert_eq!(clip_factor(f64::NAN, 1.0), 1.0);
    assert_eq!(clip_factor(f64::INFINITY, 1.0), 1.0);
}

#[test]
#[cfg(feature = "threads")]
fn threads_change_no_bit() {
    for Case { config, .. } in methods::cases() {
        let run = |split: Split| {
            let mut setup = Setup::<f32>::new(&[150_001, 17], &[], Backend::current());
            let mut optimizer = setup.optimizer(config);
            let mut norms = Vec::new();
            for stream in 1..3 {
                setup.differentiate(stream);
                let norm = global_norm(&setup.plan, &setup.workspace, split).unwrap();
                norms.push(norm.to_bits());
                setup.step(&mut optimizer, StepOptions::new(0.01).clip(clip_factor(norm, 1.0)), split).unwrap();
            }
            (norms, setup.parameters.flat().to_vec())
        };
        let serial = run(Split::Serial);
        for threads in [1, 2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| run(Split::Rayon)) == serial, "{config:?} on {threads} threads");
        }
    }
}
