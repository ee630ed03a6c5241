//! L-BFGS on functions whose minima are known, and its promises: Wolfe, frozen ranges, equal bits, checkpoints.

// One range is what most tests train, and a loss here is a closure.
#![allow(clippy::single_range_in_vec_init, clippy::type_complexity)]

use super::*;
use crate::base::ErrorKind;
use crate::random::{fill_normal, fill_uniform};
use crate::simd::Float;
use std::collections::HashMap;

type Result<V> = std::result::Result<V, Error>;

/// An optimiser over a buffer with room for `len` numbers, as [`parameters`] lays it out.
fn over<T: Real>(config: LbfgsConfig, len: usize, ranges: &[Range<usize>]) -> Result<Lbfgs<T>> {
    Lbfgs::over(config, parameters(&vec![T::ZERO; len]).flat().len(), ranges)
}

/// One parameter with these values.
fn parameters<T: Real>(x: &[T]) -> Parameters<T> {
    let mut parameters = Parameters::new();
    let id = parameters.add("x", &[x.len()]).unwrap();
    parameters.view_mut(id).copy_from_slice(x);
    parameters
}

/// One iteration from `x`, by a loss that sees `x` alone and not the gap behind it.
fn iterate<T: Real>(
    optimizer: &mut Lbfgs<T>,
    x: &mut [T],
    split: Split,
    loss: &mut dyn FnMut(&[T], &mut [T]) -> Result<f64>,
) -> Result<Iteration> {
    let (mut p, len) = (parameters(x), x.len());
    let last = optimizer.descend(&mut p, &mut |p, g| loss(&p.flat()[..len], &mut g[..len]), split);
    x.copy_from_slice(&p.flat()[..len]);
    last
}

/// Runs until the loss is converged, `limit` iterations at most, and gives what the last one came to.
fn minimise<T: Real>(
    optimizer: &mut Lbfgs<T>,
    limit: usize,
    x: &mut [T],
    loss: &mut dyn FnMut(&[T], &mut [T]) -> Result<f64>,
) -> Result<Iteration> {
    let mut last = iterate(optimizer, x, Split::Serial, loss)?;
    for _ in 1..limit {
        if last.converged.is_some() {
            break;
        }
        last = iterate(optimizer, x, Split::Serial, loss)?;
    }
    Ok(last)
}

fn exact(history: usize) -> LbfgsConfig {
    LbfgsConfig { history, tolerance_gradient: 1e-10, tolerance_change: 0.0, ..LbfgsConfig::default() }
}

/// `Σ 100 (x_{i+1} - x_i²)² + (1 - x_i)²`, the minimum at ones.
fn rosenbrock<T: Real>(x: &[T], g: &mut [T]) -> Result<f64> {
    let x: Vec<f64> = x.iter().map(|x| x.to_f64()).collect();
    let mut dx = vec![0.0; x.len()];
    let mut loss = 0.0;
    for i in 0..x.len() - 1 {
        let (bend, off) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        loss += 100.0 * bend * bend + off * off;
        dx[i] -= 400.0 * x[i] * bend + 2.0 * off;
        dx[i + 1] += 200.0 * bend;
    }
    g.iter_mut().zip(dx).for_each(|(g, dx)| *g = T::from_f64(dx));
    Ok(loss)
}

/// Where Rosenbrock's function is usually started.
fn valley<T: Real>(len: usize) -> Vec<T> {
    (0..len).map(|i| T::from_f64(if i % 2 == 0 { -1.2 } else { 1.0 })).collect()
}

#[test]
fn rosenbrock_reaches_its_minimum() {
    for len in [2, 10] {
        let mut x = valley::<f64>(len);
        let mut optimizer = over(exact(10), len, &[0..len]).unwrap();
        let last = minimise(&mut optimizer, 100, &mut x, &mut rosenbrock).unwrap();
        assert!(x.iter().all(|x| (x - 1.0).abs() < 1e-8), "{len} dimensions: {x:?} after {last:?}");
        assert!(optimizer.iterations() < 100 && last.converged.is_some(), "{} iterations", optimizer.iterations());
    }
}

#[test]
fn a_quadratic_reaches_its_solution() {
    const N: usize = 50;
    let (mut b, mut solution) = (vec![0.0f64; N * N], vec![0.0f64; N]);
    fill_normal(3, 0, 0, 0.0, 1.0, &mut b);
    fill_normal(3, 1, 0, 0.0, 1.0, &mut solution);
    // ½ ‖B (x - x*)‖² / N + 0.05 ‖x - x*‖², with the gradient Bᵀ B (x - x*) / N + 0.1 (x - x*).
    let mut quadratic = |x: &[f64], g: &mut [f64]| {
        let off: Vec<f64> = x.iter().zip(&solution).map(|(x, s)| x - s).collect();
        g.iter_mut().zip(&off).for_each(|(g, off)| *g = 0.1 * off);
        let mut loss = 0.05 * off.iter().map(|x| x * x).sum::<f64>();
        for row in b.chunks(N) {
            let product: f64 = row.iter().zip(&off).map(|(b, off)| b * off).sum();
            loss += 0.5 * product * product / N as f64;
            g.iter_mut().zip(row).for_each(|(g, b)| *g += b * product / N as f64);
        }
        Ok(loss)
    };
    for history in [1, 5, 20, 100] {
        let mut x = vec![0.0; N];
        let mut optimizer = over(exact(history), N, &[0..N]).unwrap();
        let last = minimise(&mut optimizer, 300, &mut x, &mut quadratic).unwrap();
        let worst = x.iter().zip(&solution).map(|(x, s)| (x - s).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-8 && last.converged.is_some(), "history {history}: {worst} after {last:?}");
    }
}

#[test]
fn accepted_steps_meet_the_strong_wolfe_conditions() {
    let mut x = valley::<f64>(10);
    let mut optimizer = over(exact(5), 10, &[0..10]).unwrap();
    let mut evaluations = 0;
    for iteration in 0..40 {
        let before = x.clone();
        let last = minimise(&mut optimizer, 1, &mut x, &mut rosenbrock).unwrap();
        let (mut g0, mut g1) = ([0.0; 10], [0.0; 10]);
        let (loss0, loss1) = (rosenbrock(&before, &mut g0).unwrap(), rosenbrock(&x, &mut g1).unwrap());
        let along = |g: &[f64]| g.iter().zip(&x).zip(&before).map(|((g, x), before)| g * (x - before)).sum::<f64>();
        let (slope0, slope1) = (along(&g0), along(&g1));
        assert_eq!(loss1, last.loss);
        assert!(slope0 < 0.0 && loss1 <= loss0 + 1e-4 * slope0, "iteration {iteration}: {loss0} to {loss1}");
        assert!(slope1.abs() <= 0.9 * slope0.abs() * (1.0 + 1e-9), "iteration {iteration}: {slope0} to {slope1}");
        evaluations += last.evaluations;
    }
    assert!(evaluations < 70, "{evaluations} evaluations");
}

#[test]
fn frozen_parameters_stay_and_their_gradient_is_ignored() {
    let ranges = [1..3, 3..3, 3..4, 6..9];
    let trained = |i: usize| ranges.iter().any(|range| range.contains(&i));
    let mut x = vec![5.0f64; 10];
    let mut optimizer = over(exact(4), 10, &ranges).unwrap();
    let mut bowl = |x: &[f64], g: &mut [f64]| {
        let off = |i: usize| x[i] - i as f64;
        (0..10).for_each(|i| g[i] = if trained(i) { 2.0 * (1.0 + i as f64) * off(i) } else { f64::NAN });
        Ok((0..10).filter(|&i| trained(i)).map(|i| (1.0 + i as f64) * off(i) * off(i)).sum())
    };
    minimise(&mut optimizer, 100, &mut x, &mut bowl).unwrap();
    for (i, x) in x.iter().enumerate() {
        assert!(if trained(i) { (x - i as f64).abs() < 1e-9 } else { *x == 5.0 }, "element {i}: {x}");
    }
    let frozen = minimise(&mut over(exact(1), 10, &[]).unwrap(), 5, &mut x, &mut bowl).unwrap();
    assert_eq!((frozen.evaluations, frozen.converged), (1, Some(Converged::Gradient)));
}

#[test]
#[cfg(feature = "threads")]
fn threads_change_no_bit() {
    const LEN: usize = 200_000;
    let mut weights = vec![0.0f32; LEN];
    fill_uniform(7, 0, 0, 0.1, 3.0, &mut weights);
    let run = |split: Split| {
        let mut x = vec![1.0f32; LEN];
        let mut optimizer = over(exact(3), LEN, &[5..LEN / 2, LEN / 2 + 1..LEN - 3]).unwrap();
        let mut losses = Vec::new();
        for _ in 0..8 {
            let mut loss = |x: &[f32], g: &mut [f32]| {
                let mut sum = 0.0;
                for ((g, x), w) in g.iter_mut().zip(x).zip(&weights) {
                    (sum, *g) = (sum + f64::from(w * x * x * (1.0 + x * x)), w * (2.0 * x + 4.0 * x * x * x));
                }
                Ok(sum)
            };
            losses.push(iterate(&mut optimizer, &mut x, split, &mut loss).unwrap());
        }
        (losses, x, optimizer.numbers())
    };
    let serial = run(Split::Serial);
    assert!(serial.0.iter().all(|iteration| iteration.converged.is_none()), "{:?}", serial.0);
    for threads in [2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let shared = crate::base::parallel::Threads::Pool(&pool).run(run);
        assert!(shared == serial, "{threads} threads");
    }
}

type Saved<T> = (Vec<u64>, HashMap<&'static str, Vec<T>>);

fn save<T: Real>(optimizer: &Lbfgs<T>) -> Saved<T> {
    (optimizer.numbers(), optimizer.state().map(|(name, values)| (name, values.to_vec())).collect())
}

fn restore<T: Real>(optimizer: &mut Lbfgs<T>, saved: &Saved<T>) -> Result<()> {
    optimizer.restore(&saved.0, &mut |name, to| {
        let values = saved.1.get(name).ok_or_else(|| Error::mismatch(name))?;
        to.copy_from_slice(values);
        Ok(())
    })
}

/// For histories that the iterations fill and that they do not, and one that is larger after the interruption.
fn resume<T: Real>() {
    for (history, later, pairs) in [(3, 3, 3), (7, 7, 7), (20, 20, 7), (20, 30, 7)] {
        let mut whole = over::<T>(exact(history), 10, &[0..6, 7..10]).unwrap();
        let mut x = valley::<T>(10);
        minimise(&mut whole, 7, &mut x, &mut rosenbrock).unwrap();
        let saved = save(&whole);
        let mut y = x.clone();
        minimise(&mut whole, 5, &mut x, &mut rosenbrock).unwrap();

        let mut resumed = over::<T>(exact(later), 10, &[0..6, 7..10]).unwrap();
        restore(&mut resumed, &saved).unwrap();
        assert_eq!((resumed.iterations(), resumed.state().count()), (7, 1 + 2 * pairs));
        let first = minimise(&mut resumed, 1, &mut y, &mut rosenbrock).unwrap();
        assert!(first.converged.is_none());
        minimise(&mut resumed, 4, &mut y, &mut rosenbrock).unwrap();
        assert_eq!((&x, whole.iterations()), (&y, 12), "history {history}");
        assert!(later > history || save(&whole) == save(&resumed), "history {history}");
    }
}

#[test]
fn a_checkpoint_changes_no_bit() {
    resume::<f64>();
    resume::<f32>();
    let fresh = over::<f32>(LbfgsConfig::default(), 4, &[0..4]).unwrap();
    let mut other = over::<f32>(LbfgsConfig::default(), 4, &[0..4]).unwrap();
    restore(&mut other, &save(&fresh)).unwrap();
    assert_eq!((other.iterations(), other.state().count()), (0, 0));
}

#[test]
fn checkpoints_that_do_not_fit_are_errors_and_leave_no_history() {
    let mut optimizer = over::<f64>(exact(3), 10, &[0..10]).unwrap();
    let mut x = valley(10);
    minimise(&mut optimizer, 5, &mut x, &mut rosenbrock).unwrap();
    let good = save(&optimizer);
    assert_eq!(good.0.len(), 5 + 3);
    let number = |at: usize, value: u64| {
        let mut saved = good.clone();
        saved.0[at] = value;
        saved
    };
    let nan = f64::NAN.to_bits();
    let mut wrong = vec![number(0, 9), number(2, 0), number(2, 7), number(3, nan), number(4, 0), number(6, nan)];
    wrong.push((good.0[..4].to_vec(), good.1.clone()));
    wrong.push(([good.0.clone(), vec![1f64.to_bits()]].concat(), good.1.clone()));
    wrong.push((good.0.clone(), HashMap::new()));
    for name in ["gradient", "s0", "y2"] {
        let mut saved = good.clone();
        saved.1.insert(name, vec![f64::INFINITY; good.1[name].len()]);
        wrong.push(saved);
    }
    for (case, saved) in wrong.iter().enumerate() {
        restore(&mut optimizer, &good).unwrap();
        assert!(restore(&mut optimizer, saved).is_err(), "case {case}");
        assert_eq!(optimizer.state().count(), 0, "case {case}");
    }
    assert_eq!(minimise(&mut optimizer, 1, &mut x, &mut rosenbrock).unwrap().converged, None);
}

#[test]
fn a_step_out_of_the_domain_is_shortened() {
    for outside in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (mut x, mut left) = ([0.0, 0.0], 0);
        let mut optimizer = over(exact(5), 2, &[0..2]).unwrap();
        let last = minimise(&mut optimizer, 50, &mut x, &mut |x: &[f64], g: &mut [f64]| {
            if x.iter().any(|&x| x >= 0.3) {
                left += 1;
                return Ok(outside);
            }
            (0..2).for_each(|i| g[i] = (0.3 - x[i]).recip() - 10.0);
            Ok(x.iter().map(|x| -10.0 * x - (0.3 - x).ln()).sum())
        });
        assert!(left > 0 && x.iter().all(|x| (x - 0.2).abs() < 1e-8), "{x:?} after {last:?}");
    }
}

#[test]
fn a_start_out_of_the_domain_is_an_error() {
    for (loss, slope, what) in [(f64::NAN, 1.0, "loss"), (1.0, f64::INFINITY, "gradient"), (1.0, f64::NAN, "gradient")]
    {
        let mut optimizer = over(LbfgsConfig::default(), 3, &[0..3]).unwrap();
        let mut x = [1.0f32; 3];
        let result = minimise(&mut optimizer, 1, &mut x, &mut |_: &[f32], g: &mut [f32]| {
            g.copy_from_slice(&[0.0, slope as f32, 1.0]);
            Ok(loss)
        });
        let error = result.unwrap_err();
        assert_eq!((error.kind(), x), (ErrorKind::NotFinite, [1.0; 3]));
        assert!(error.to_string().contains(what) && optimizer.state().count() == 0);
    }
}

#[test]
fn logistic_regression_converges_in_f32() {
    const FEATURES: usize = 20;
    let (mut data, mut truth) = (vec![0.0f32; 300 * FEATURES], vec![0.0f32; FEATURES]);
    fill_normal(11, 0, 0, 0.0, 1.0, &mut data);
    fill_normal(11, 1, 0, 0.0, 1.0, &mut truth);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let mut logistic = |x: &[f32], g: &mut [f32]| {
        let mut loss = 0.0;
        g.iter_mut().zip(x).for_each(|(g, x)| *g = 0.02 * x);
        for row in data.chunks(FEATURES) {
            let (label, z) = (f32::from(dot(row, &truth) > 0.0), dot(row, x));
            loss += f64::from(z.max(0.0) - z * label + (-z.abs()).exp().ln_1p()) / 300.0;
            let slope = ((1.0 + (-z).exp()).recip() - label) / 300.0;
            g.iter_mut().zip(row).for_each(|(g, row)| *g += slope * row);
        }
        Ok(loss + f64::from(0.01 * dot(x, x)))
    };
    let mut x = vec![0.0; FEATURES];
    let mut optimizer = over(LbfgsConfig::default(), FEATURES, &[0..FEATURES]).unwrap();
    let last = minimise(&mut optimizer, 60, &mut x, &mut logistic).unwrap();
    let mut g = vec![0.0; FEATURES];
    logistic(&x, &mut g).unwrap();
    assert!(g.iter().all(|g| g.abs() < 2e-5) && last.converged.is_some(), "{g:?} after {last:?}");
    assert!(optimizer.iterations() < 40, "{} iterations", optimizer.iterations());
}

#[test]
fn a_search_that_fails_ends_where_it_began() {
    let mut x = valley::<f64>(4);
    let mut optimizer = over(exact(5), 4, &[0..4]).unwrap();
    minimise(&mut optimizer, 4, &mut x, &mut rosenbrock).unwrap();
    let before = x.clone();
    let lie = &mut |x: &[f64], g: &mut [f64]| {
        let loss = rosenbrock(x, g)?;
        Ok(if x == before { loss } else { loss + 1e6 })
    };
    let last = minimise(&mut optimizer, 1, &mut x, lie).unwrap();
    assert_eq!((last.converged, &x), (Some(Converged::LineSearch), &before));
    assert!(last.evaluations <= 50 && optimizer.state().count() == 1, "the history is dropped, the gradient kept");
    optimizer.restart();
    assert_eq!(optimizer.state().count(), 0);
    let next = minimise(&mut optimizer, 1, &mut x, &mut rosenbrock).unwrap();
    assert!(next.loss < last.loss && next.evaluations >= 2, "{next:?} after {last:?}");
}

#[test]
fn a_loss_without_a_minimum_goes_on_falling() {
    let mut x = [0.0f32];
    let mut optimizer = over(exact(5), 1, &[0..1]).unwrap();
    for max_evaluations in [1, 3] {
        optimizer.config.max_evaluations = max_evaluations;
        let before = x;
        let last = minimise(&mut optimizer, 1, &mut x, &mut |x: &[f32], g: &mut [f32]| {
            g[0] = -1.0;
            Ok(-f64::from(x[0]))
        });
        assert!(x > before && last.unwrap().converged.is_none());
        assert_eq!(optimizer.pairs.count, 0, "a pair without curvature is not kept");
    }
}

#[test]
fn an_evaluation_that_fails_puts_the_parameters_back() {
    let mut x = valley::<f64>(6);
    let mut optimizer = over(exact(5), 6, &[0..6]).unwrap();
    minimise(&mut optimizer, 3, &mut x, &mut rosenbrock).unwrap();
    let (before, saved) = (x.clone(), save(&optimizer));
    let failure = Error::misuse("as told");
    let result = minimise(&mut optimizer, 1, &mut x, &mut |_: &[f64], g: &mut [f64]| {
        g.fill(f64::NAN);
        Err(failure.clone())
    });
    assert_eq!((result.unwrap_err(), x), (failure, before));
    assert!(save(&optimizer) == saved);
}

#[test]
fn mistakes_are_errors() {
    let usual = LbfgsConfig::default();
    for config in [
        LbfgsConfig { history: 0, ..usual },
        LbfgsConfig { history: 101, ..usual },
        LbfgsConfig { max_evaluations: 0, ..usual },
        LbfgsConfig { tolerance_gradient: f64::NAN, ..usual },
        LbfgsConfig { tolerance_change: -1.0, ..usual },
    ] {
        assert_eq!(over::<f32>(config, 4, &[0..4]).unwrap_err().kind(), ErrorKind::OutOfRange);
    }
    let reversed = Range { start: 2, end: 1 };
    for ranges in [[0..17, 17..17], [2..3, 0..1], [0..0, reversed], [0..2, 1..3]] {
        assert_eq!(over::<f32>(usual, 4, &ranges).unwrap_err().kind(), ErrorKind::Mismatch);
    }
    for (history, len) in [(10, usize::MAX), (10, usize::MAX / 20), (100, usize::MAX / 1600), (100, usize::MAX / 800)] {
        let config = LbfgsConfig { history, ..usual };
        assert_eq!(Lbfgs::<f64>::over(config, len, &[]).unwrap_err().kind(), ErrorKind::OutOfMemory);
    }
}

#[test]
fn a_plan_says_what_moves() {
    let mut x = parameters::<f64>(&[1.0; 3]);
    let fixed = x.add("fixed", &[2]).unwrap();
    x.view_mut(fixed).fill(5.0);
    let tape = crate::Tape::new(&x, 1);
    let p = tape.parameter(x.find("x").unwrap());
    let both = tape.add(tape.mean(tape.square(p)), tape.mean(tape.square(tape.parameter(fixed))));
    let options = crate::tape::TrainOptions { frozen: &[fixed] };
    let plan = tape.train_with(both, options).unwrap();
    let mut workspace = plan.workspace().unwrap();
    let mut evaluate = |p: &Parameters<f64>, g: &mut [f64]| {
        plan.forward(p, &mut workspace, Split::Serial)?;
        plan.backward(p, &mut workspace, Split::Serial)?;
        g.copy_from_slice(workspace.gradients());
        Ok::<f64, Error>(workspace.value(both)?[0])
    };
    let mut optimizer = Lbfgs::new(exact(3), &plan).unwrap();
    for _ in 0..10 {
        optimizer.iterate(&mut x, &mut evaluate, Split::Serial).unwrap();
    }
    assert!(x.flat()[..3].iter().all(|x| x.abs() < 1e-6), "{:?}", x.flat());
    assert_eq!(x.view(fixed), [5.0; 2]);
    let mut foreign = parameters(&[1.0; 3]);
    let refused = optimizer.iterate(&mut foreign, &mut evaluate, Split::Serial).unwrap_err();
    assert_eq!((refused.kind(), foreign.flat()[0]), (ErrorKind::Mismatch, 1.0));
}

#[test]
fn sums_do_not_depend_on_the_type_or_the_chunks() {
    let mut x = vec![0.0f32; 10_001];
    fill_uniform(1, 0, 0, -1.0, 1.0, &mut x);
    let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let whole = Space { split: Split::Serial, kernels: f64::elementwise(Backend::current()), ranges: &[0..10_001] };
    let parts =
        Space { split: Split::Serial, kernels: f32::elementwise(Backend::current()), ranges: &[0..7, 7..10_001] };
    let squares: f64 = wide.iter().map(|x| x * x).sum();
    assert!((whole.dot(&wide, &wide) - squares).abs() < 1e-9 && (parts.dot(&x, &x) - squares).abs() < 1e-9);
    assert!((parts.sum_abs(&x) - wide.iter().map(|x| x.abs()).sum::<f64>()).abs() < 1e-9);
    x[5000] = -3.0;
    assert_eq!(parts.largest(&x), 3.0);
    x[100] = f32::NAN;
    assert!(parts.largest(&x).is_nan());
}
