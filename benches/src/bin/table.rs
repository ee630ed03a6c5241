//! Measures every row of the recorded targets in one sitting and prints them as markdown.
//!
//! Each figure is the minimum of repeats; contenders take turns (A B C A B C). Compare columns, not sittings.

use narrows_benches::clock::{pause, turn};
use narrows_benches::columns::{Columns, LAYERS, Ours, multipliers, verify};
use narrows_benches::contenders::{self, Contender, Element, split};
use narrows_benches::peak;
use narrows_benches::product::Product;
use narrows_benches::references::{Reference, references};
use narrows_benches::shapes::{SQUARES, Shape, TARGETS};
use narrows_benches::{pool, within};
use narrows_engine::Backend;
use rayon::ThreadPool;

const ROUNDS: usize = 6;
const THREADS: [usize; 2] = [1, 2];

fn main() {
    // Rows whose names hold this text; all of them without it.
    let only = std::env::args().nth(1).unwrap_or_default();
    let (single, double) = (contenders::all::<f32>(), contenders::all::<f64>());
    let pool = pool(2);
    let backend = Backend::current();
    let peaks = THREADS.map(|threads| peak::flops_per_second(backend, threads));
    let [one, two] = peaks.map(|flops| flops * 1e-9);
    println!("Instruction set {backend}; FMA peak in f32 {one:.0} GFLOP/s with one thread, {two:.0} with two.");
    products("f32", &TARGETS, &only, &single, &pool, peaks);
    // Half as many lanes, the same instructions: half the peak.
    products("f64", &SQUARES, &only, &double, &pool, peaks.map(|peak| peak / 2.0));
    steps(&only, &pool, peaks);
    inference(&only, &pool);
    convolutions(&only, &pool, peaks);
    layers(&only, &pool, peaks);
}

/// Inference of the reference networks.
fn inference(only: &str, pool: &ThreadPool) {
    println!("\n## Inference (one thread \\| two threads)\n");
    println!("| network | us/batch | samples/s |");
    println!("|---|---|---|");
    for network in references().into_iter().filter(|network| network.name.contains(only)) {
        let mut step = (network.step)().expect("a network");
        let mut best = [f64::INFINITY; 2];
        for _ in 0..ROUNDS {
            for (best, threads) in best.iter_mut().zip(THREADS) {
                *best = best.min(within(pool, threads, || turn(|| step.infer(split(threads)))));
            }
        }
        let pair = |f: &dyn Fn(f64) -> f64| format!("{} \\| {}", cell(f(best[0]), ""), cell(f(best[1]), ""));
        let rate = |seconds: f64| network.batch as f64 / seconds;
        println!("| {}, batch {} | {} | {} |", network.name, network.batch, pair(&|s| 1e6 * s), pair(&rate));
    }
}

/// The layers of the convolutional networks beside the column matrix.
fn convolutions(only: &str, pool: &ThreadPool, peaks: [f64; 2]) {
    println!("\n## Convolutions, batch 128 (GFLOP/s; forward, and forward with both gradients; share of peak)\n");
    print!("| layer | narrows, one thread | share | narrows, two threads | share |");
    multipliers().iter().for_each(|(name, _)| print!(" {name}, one thread |"));
    println!("\n|---|---|---|---|---|{}", "---|".repeat(multipliers().len()));
    for layer in LAYERS.iter().filter(|layer| format!("conv {}", layer.name).contains(only)) {
        let mut ours = Ours::new(layer).expect("memory for a layer");
        let mut others: Vec<Columns> =
            multipliers().iter().map(|(_, multiply)| Columns::new(layer, *multiply)).collect();
        multipliers().iter().for_each(|(_, multiply)| verify(layer, *multiply));
        // Forward and step, by contender: us with one thread, with two, the others.
        let mut best = vec![[f64::INFINITY; 2]; 2 + others.len()];
        for _ in 0..ROUNDS {
            for (i, threads) in THREADS.into_iter().enumerate() {
                let forward = within(pool, threads, || turn(|| _ = ours.forward(split(threads))));
                let step = within(pool, threads, || (0..10).map(|_| ours.time_step(split(threads))).min());
                best[i] = [best[i][0].min(forward), best[i][1].min(step.unwrap_or_default().as_secs_f64())];
            }
            for (columns, best) in others.iter_mut().zip(&mut best[2..]) {
                let forward = turn(|| _ = columns.forward());
                *best = [best[0].min(forward), best[1].min(turn(|| _ = columns.step()))];
            }
        }
        let flops = [layer.flops() as f64, 3.0 * layer.flops() as f64];
        let speeds = |best: &[f64; 2]| {
            format!("{} \\| {}", cell(1e-9 * flops[0] / best[0], ""), cell(1e-9 * flops[1] / best[1], ""))
        };
        let shares = |best: &[f64; 2], peak: f64| {
            let share = |i: usize| cell(100.0 * flops[i] / best[i] / peak, " %");
            format!("{} \\| {}", share(0), share(1))
        };
        print!("| {} | {} | {} ", layer.name, speeds(&best[0]), shares(&best[0], peaks[0]));
        print!("| {} | {} |", speeds(&best[1]), shares(&best[1], peaks[1]));
        best[2..].iter().for_each(|best| print!(" {} |", speeds(best)));
        println!();
    }
}

/// Every operation of the convolutional networks, forward and backward, and the share of the arithmetic at peak.
fn layers(only: &str, pool: &ThreadPool, peaks: [f64; 2]) {
    for network in references().into_iter().filter(|network| network.name.starts_with("conv")) {
        if !network.name.contains(only) {
            continue;
        }
        println!("\n## {}, operation by operation, microseconds (one thread \\| two threads)\n", network.name);
        println!("| operation | parameters | forward | share of peak | backward | share of peak |");
        println!("|---|---|---|---|---|---|");
        let profiles = THREADS.map(|threads| {
            let mut step = (network.step)().expect("a network");
            let mut profile = step.profile();
            within(pool, threads, || (0..100).for_each(|_| step.run_profiled(&mut profile, split(threads))));
            profile
        });
        for (one, two) in profiles[0].operations().iter().zip(profiles[1].operations()) {
            let both = [one, two];
            let pair = |f: &dyn Fn(usize) -> f64, unit| format!("{} \\| {}", cell(f(0), unit), cell(f(1), unit));
            let forward = |i: usize| both[i].forward.as_secs_f64();
            let backward = |i: usize| both[i].backward.map_or(f64::NAN, |time| time.as_secs_f64());
            let is_product = one.name.starts_with("conv") || one.name == "linear";
            let share = |times: f64, passes: f64, i: usize| match is_product {
                true => 100.0 * passes * one.flops as f64 / peaks[i] / times,
                false => f64::NAN,
            };
            let passes = if one.input_gradient { 2.0 } else { 1.0 };
            println!(
                "| {} | {} | {} | {} | {} | {} |",
                one.name,
                one.parameters.first().map_or("", String::as_str),
                pair(&|i| 1e6 * forward(i), ""),
                pair(&|i| share(forward(i), 1.0, i), " %"),
                pair(&|i| 1e6 * backward(i), ""),
                pair(&|i| share(backward(i), passes, i), " %"),
            );
        }
    }
}

fn products<T: Element>(
    name: &str,
    shapes: &[Shape],
    only: &str,
    contenders: &[Contender<T>],
    pool: &ThreadPool,
    peaks: [f64; 2],
) {
    println!(
        "\n## Matrix products, {name} (GFLOP/s, one thread \\| two threads; peak {:.0} \\| {:.0})\n",
        peaks[0] * 1e-9,
        peaks[1] * 1e-9
    );
    print!("| M x N x K |");
    contenders.iter().for_each(|contender| print!(" {} |", contender.name));
    println!(" narrows, share of peak | narrows / best peer |");
    println!("|---|{}", "---|".repeat(contenders.len() + 2));
    for shape in shapes.iter().filter(|shape| shape.to_string().contains(only)) {
        let speeds = speeds(*shape, contenders, pool);
        print!("| {shape} |");
        for [one, two] in &speeds {
            print!(" {} \\| {} |", cell(*one * 1e-9, ""), cell(*two * 1e-9, ""));
        }
        let share = |i: usize| cell(100.0 * speeds[0][i] / peaks[i], " %");
        let ratio = |i: usize| {
            let best =
                speeds[1..].iter().map(|speed| speed[i]).filter(|speed| !speed.is_nan()).fold(f64::NAN, f64::max);
            if best.is_nan() { "–".to_owned() } else { format!("{:.2}", speeds[0][i] / best) }
        };
        println!(" {} \\| {} | {} \\| {} |", share(0), share(1), ratio(0), ratio(1));
    }
}

/// Flops per second of each contender with one and two threads, NaN where it has no such number.
fn speeds<T: Element>(shape: Shape, contenders: &[Contender<T>], pool: &ThreadPool) -> Vec<[f64; 2]> {
    let mut product = Product::<T>::new(shape);
    let mut best = vec![[f64::NAN; 2]; contenders.len()];
    for round in 0..ROUNDS {
        for (i, threads) in THREADS.into_iter().enumerate() {
            for (contender, best) in contenders.iter().zip(&mut best).filter(|(c, _)| c.threads.contains(&threads)) {
                let seconds = within(pool, threads, || {
                    if round == 0 {
                        contender.verify(&mut product, threads);
                    }
                    turn(|| contender.run(&mut product, threads))
                });
                best[i] = best[i].max(shape.flops() as f64 / seconds);
                pause();
            }
        }
    }
    best
}

fn steps(only: &str, pool: &ThreadPool, peaks: [f64; 2]) {
    println!("\n## A training step: forward, backward, Adam (one thread \\| two threads)\n");
    println!("The bound is the arithmetic of the products at peak, without the gradient of the data.\n");
    println!("| network | us/step | samples/s | bound, us | share of it |");
    println!("|---|---|---|---|---|");
    for network in references().into_iter().filter(|network| network.name.contains(only)) {
        let seconds = step_seconds(&network, pool);
        let needed = peaks.map(|peak| network.needed_flops / peak);
        let pair = |f: &dyn Fn(usize) -> String| format!("{} \\| {}", f(0), f(1));
        println!(
            "| {}, batch {} | {} | {} | {} | {} |",
            network.name,
            network.batch,
            pair(&|i| cell(seconds[i] * 1e6, "")),
            pair(&|i| cell(network.batch as f64 / seconds[i], "")),
            pair(&|i| cell(needed[i] * 1e6, "")),
            pair(&|i| cell(100.0 * needed[i] / seconds[i], " %")),
        );
    }
}

/// Seconds a step with one and two threads.
fn step_seconds(network: &Reference, pool: &ThreadPool) -> [f64; 2] {
    let mut steps = THREADS.map(|threads| {
        let mut step = (network.step)().expect("a network");
        within(pool, threads, || step.verify(split(threads)));
        step
    });
    let mut best = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (i, threads) in THREADS.into_iter().enumerate() {
            let step = &mut steps[i];
            let seconds = within(pool, threads, || {
                turn(|| {
                    step.run(split(threads));
                })
            });
            best[i] = best[i].min(seconds);
        }
    }
    best
}

/// Three digits or more; a dash for what was not measured.
fn cell(value: f64, unit: &str) -> String {
    match value {
        value if value.is_nan() => "–".into(),
        value if value < 10.0 => format!("{value:.2}{unit}"),
        value if value < 100.0 => format!("{value:.1}{unit}"),
        value => format!("{value:.0}{unit}"),
    }
}
