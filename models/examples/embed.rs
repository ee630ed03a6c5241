//! A program of one's own: an autoencoder of numbers in memory, and which new rows are odd. Three calls, no file.
//!
//! ```sh
//! cargo run --release -p narrows --no-default-features --example embed
//! ```

use narrows::data::{Dataset, Samples};
use narrows::model::Session;
use narrows::training::{Config, fit};

pub(crate) fn main() -> narrows::Result<()> {
    // 500 rows of 6 numbers, in whatever units: three readings and what follows from them.
    let rows: Vec<f32> = (0..500).flat_map(|i| readings(i, 0.0)).collect();

    let config = Config::of("undercomplete")?.with(&[("hidden", "16"), ("code", "3"), ("epochs", "60")])?;
    let model = fit(&config, &Dataset::new("readings", Samples::F32(rows), 6)?)?;
    let mut session = Session::new(model);

    // New rows, raw: of the last one a reading does not fit the others.
    let new: Vec<f32> = [readings(1000, 0.0), readings(1001, 0.0), readings(1002, 40.0)].concat();
    let scores = session.score(&new)?;
    for (row, score) in scores.total.iter().enumerate() {
        println!("row {row}: {score:.3}");
    }
    let [usual, also, odd] = scores.total else { return Ok(()) };
    assert!(*odd > 5.0 * usual.max(*also), "the odd row stands out");
    Ok(())
}

/// A row; `off` is by how much its last number is wrong.
fn readings(i: usize, off: f32) -> Vec<f32> {
    let [a, b, c] = [17, 29, 43].map(|turn| ((i * turn % 101) as f32 / 101.0 * std::f32::consts::TAU).sin());
    vec![20.0 + 5.0 * a, 1000.0 + 80.0 * b, 0.3 * c, 4.0 * a + b, 300.0 - 20.0 * c, 50.0 * (a - b) + off * 5.0]
}
