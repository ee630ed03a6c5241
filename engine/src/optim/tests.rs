//! The optimisers against a scalar `f64` transcription of PyTorch's formulas, on every backend.

use super::*;
use crate::base::parallel::Split;
use crate::simd::{Backend, Float};
use proptest::prelude::*;

/// One parameter at a time, in `f64`, as the documentation of `torch.optim` writes it.
struct Naive {
    config: OptimizerConfig,
    t: i32,
    m: Vec<f64>,
    v: Vec<f64>,
}

impl Naive {
    fn new(config: OptimizerConfig, len: usize) -> Self {
        Self { config, t: 0, m: vec![0.0; len], v: vec![0.0; len] }
    }

    fn step(&mut self, lr: f64, clip: f64, parameters: &mut [f64], gradients: &[f64]) {
        self.t += 1;
        for (i, p) in parameters.iter_mut().enumerate() {
            let (m, v, mut g) = (&mut self.m[i], &mut self.v[i], clip * gradients[i]);
            match self.config {
                OptimizerConfig::Sgd { momentum, nesterov, weight_decay } => {
                    g += weight_decay * *p;
                    *m = if self.t == 1 { g } else { momentum * *m + g };
                    *p -= lr * if nesterov { g + momentum * *m } else { *m };
                }
                OptimizerConfig::Adam { beta1, beta2, epsilon, weight_decay } => {
                    g += weight_decay * *p;
                    *p -= adam(self.t, lr, [beta1, beta2, epsilon], g, m, v);
                }
                OptimizerConfig::AdamW { beta1, beta2, epsilon, weight_decay } => {
                    *p -= lr * weight_decay * *p;
                    *p -= adam(self.t, lr, [beta1, beta2, epsilon], g, m, v);
                }
                OptimizerConfig::RmsProp { alpha, epsilon, momentum, weight_decay } => {
                    g += weight_decay * *p;
                    *v = alpha * *v + (1.0 - alpha) * g * g;
                    *m = momentum * *m + g / (v.sqrt() + epsilon);
                    *p -= lr * *m;
                }
            }
        }
    }
}

fn adam(t: i32, lr: f64, [beta1, beta2, epsilon]: [f64; 3], g: f64, m: &mut f64, v: &mut f64) -> f64 {
    *m = beta1 * *m + (1.0 - beta1) * g;
    *v = beta2 * *v + (1.0 - beta2) * g * g;
    lr / (1.0 - beta1.powi(t)) * *m / (v.sqrt() / (1.0 - beta2.powi(t)).sqrt() + epsilon)
}

fn configs() -> impl Strategy<Value = OptimizerConfig> {
    let momentum = || prop_oneof![Just(0.0), 0.1..0.95];
    let decay = || prop_oneof![Just(0.0), 0.001..0.1];
    prop_oneof![
        (momentum(), any::<bool>(), decay()).prop_map(|(momentum, nesterov, weight_decay)| OptimizerConfig::Sgd {
            momentum,
            nesterov: nesterov && momentum > 0.0,
            weight_decay
        }),
        (0.0..0.95, 0.5..0.999, decay()).prop_map(|(beta1, beta2, weight_decay)| OptimizerConfig::Adam {
            beta1,
            beta2,
            epsilon: 1e-4,
            weight_decay
        }),
        (0.0..0.95, 0.5..0.999, decay()).prop_map(|(beta1, beta2, weight_decay)| OptimizerConfig::AdamW {
            beta1,
            beta2,
            epsilon: 1e-4,
            weight_decay
        }),
        (0.1..0.99, momentum(), decay()).prop_map(|(alpha, momentum, weight_decay)| OptimizerConfig::RmsProp {
            alpha,
            epsilon: 1e-4,
            momentum,
            weight_decay
        }),
    ]
}

/// A few numbers for every element; the same whatever the type.
fn values<T: Float>(stream: u64, len: usize) -> Vec<T> {
    let mut numbers = vec![0f32; len];
    crate::random::fill_uniform(5, stream, 0, -1.0, 1.0, &mut numbers);
    numbers.into_iter().map(|x| T::from_f64(f64::from(x))).collect()
}

fn wide<T: Float>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

fn agree<T: Float>(config: OptimizerConfig, len: usize, clip: f64, tolerance: f64) {
    for backend in Backend::available() {
        let mut parameters = values::<T>(0, len);
        let mut expected = wide(&parameters);
        let mut naive = Naive::new(config, len);
        let mut optimizer = Optimizer::new(config, len).unwrap();
        for step in 1..=5 {
            let gradients = values::<T>(step, len);
            let lr = 0.01 * step as f64;
            optimizer.step(Split::Serial, backend, lr, clip, &mut parameters, &gradients).unwrap();
            naive.step(lr, clip, &mut expected, &wide(&gradients));
        }
        assert_eq!(optimizer.steps_taken(), 5);
        for (i, (p, exact)) in parameters.iter().zip(&expected).enumerate() {
            assert!((p.to_f64() - exact).abs() < tolerance, "{config:?} on {backend}, element {i}: {p} for {exact}");
        }
    }
}

proptest! {
    #[test]
    fn every_optimizer_agrees_with_its_formula(
        config in configs(),
        len in prop_oneof![Just(0usize), Just(1), Just(3), Just(4), Just(5), 7usize..=9, 15usize..=17, Just(1000)],
        clip in 0.1f64..=1.0,
    ) {
        agree::<f64>(config, len, clip, 1e-12);
        agree::<f32>(config, len, clip, 2e-5);
    }

    #[test]
    fn ranges_freeze_what_lies_outside(config in configs(), a in 0usize..50, b in 50usize..100, c in 100usize..150) {
        let ranges = [a..b, b..b, c..150];
        let gradients = values::<f32>(1, 150);
        let (mut whole, mut partial) = (values::<f32>(0, 150), values::<f32>(0, 150));
        let before = whole.clone();
        let mut optimizer = Optimizer::new(config, 150).unwrap();
        optimizer.step(Split::Serial, Backend::current(), 0.1, 1.0, &mut whole, &gradients).unwrap();
        let mut optimizer = Optimizer::new(config, 150).unwrap();
        optimizer
            .step_ranges(Split::Serial, Backend::current(), 0.1, 1.0, &mut partial, &gradients, &ranges)
            .unwrap();
        for i in 0..150 {
            let stepped = ranges.iter().any(|range| range.contains(&i));
            prop_assert_eq!(partial[i], if stepped { whole[i] } else { before[i] });
        }
    }

    #[test]
    fn the_norm_is_the_norm(len in prop_oneof![0usize..40, 4090usize..4100, Just(100_000)]) {
        let x = values::<f32>(3, len);
        let exact = wide(&x).iter().map(|x| x * x).sum::<f64>().sqrt();
        for backend in Backend::available() {
            let norm = global_norm(Split::Serial, backend, &x);
            prop_assert!((norm - exact).abs() <= 1e-12 * exact);
            let halves = global_norm_ranges(Split::Serial, backend, &x, &[0..len / 2, len / 2..len, len..len + 1]);
            prop_assert!((halves - exact).abs() <= 1e-12 * exact);
        }
    }
}

#[test]
fn state_survives_a_checkpoint() {
    let all = [
        OptimizerConfig::sgd(),
        OptimizerConfig::Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.1 },
        OptimizerConfig::adam(),
        OptimizerConfig::adamw(),
        OptimizerConfig::rmsprop(),
        OptimizerConfig::RmsProp { alpha: 0.9, epsilon: 1e-8, momentum: 0.5, weight_decay: 0.0 },
    ];
    for config in all {
        let mut parameters = values::<f32>(0, 100);
        let mut optimizer = Optimizer::new(config, 100).unwrap();
        let step = |optimizer: &mut Optimizer<f32>, parameters: &mut [f32], stream| {
            let gradients = values(stream, 100);
            optimizer.step(Split::Serial, Backend::current(), 0.01, 1.0, parameters, &gradients).unwrap();
        };
        (1..4).for_each(|stream| step(&mut optimizer, &mut parameters, stream));

        let mut resumed = Optimizer::new(config, 100).unwrap();
        let mut resumed_parameters = parameters.clone();
        for (name, values) in optimizer.state() {
            resumed.restore(optimizer.steps_taken(), name, values).unwrap();
        }
        resumed.restore_steps(optimizer.steps_taken());
        step(&mut optimizer, &mut parameters, 9);
        step(&mut resumed, &mut resumed_parameters, 9);
        assert_eq!(parameters, resumed_parameters, "{config:?}");
        assert_eq!(resumed.steps_taken(), 4);
    }
}

#[test]
fn mistakes_are_errors_and_change_nothing() {
    let mut optimizer = Optimizer::<f32>::new(OptimizerConfig::adam(), 4).unwrap();
    assert_eq!(optimizer.state().map(|(name, _)| name).collect::<Vec<_>>(), ["exp_avg", "exp_avg_sq"]);
    let (mut p, g) = ([1.0; 4], [1.0; 4]);
    let backend = Backend::current();
    assert!(optimizer.step(Split::Serial, backend, f64::NAN, 1.0, &mut p, &g).is_err());
    assert!(optimizer.step(Split::Serial, backend, 0.1, f64::INFINITY, &mut p, &g).is_err());
    assert!(optimizer.step(Split::Serial, backend, 1e39, 1.0, &mut p, &g).is_err(), "infinite in f32");
    assert!(optimizer.step(Split::Serial, backend, 0.1, 1.0, &mut p[..3], &g).is_err());
    assert!(optimizer.step(Split::Serial, backend, 0.1, 1.0, &mut p, &g[..3]).is_err());
    let reversed = std::ops::Range { start: 2, end: 1 };
    for ranges in [[0..5, 5..5], [2..3, 0..1], [0..0, reversed], [0..2, 1..3]] {
        let result = optimizer.step_ranges(Split::Serial, backend, 0.1, 1.0, &mut p, &g, &ranges);
        assert!(matches!(result, Err(OptimizerError::Range(_))));
    }
    assert!(optimizer.restore(1, "momentum", &g).is_err());
    assert!(optimizer.restore(1, "exp_avg", &g[..3]).is_err());
    assert_eq!((optimizer.steps_taken(), p), (0, [1.0; 4]));
    assert!(Optimizer::<f64>::new(OptimizerConfig::adam(), usize::MAX).is_err());
    let wrong = OptimizerConfig::Adam { beta1: 1.0, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
    assert_eq!(wrong.validate().unwrap_err().to_string(), "beta1 is 1, but must be in [0, 1)");
    let wrong = OptimizerConfig::Sgd { momentum: 0.0, nesterov: true, weight_decay: 0.0 };
    assert!(wrong.validate().is_err());
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
    const LEN: usize = 150_001;
    let run = |split: Split| {
        let mut parameters = values::<f32>(0, LEN);
        let gradients = values::<f32>(1, LEN);
        let mut optimizer = Optimizer::new(OptimizerConfig::adamw(), LEN).unwrap();
        let norm = global_norm(split, Backend::current(), &gradients);
        for _ in 0..3 {
            let clip = clip_factor(norm, 1.0);
            optimizer.step(split, Backend::current(), 0.01, clip, &mut parameters, &gradients).unwrap();
        }
        (norm.to_bits(), parameters)
    };
    let serial = run(Split::Serial);
    for threads in [1, 2, 3, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| run(Split::Rayon)) == serial, "{threads} threads");
    }
}
