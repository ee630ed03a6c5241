//! # Adding a metric
//!
//! A metric is a [`Metric`](crate::metrics::Metric): one figure, or a family that comes of the same sums. It says what
//! it needs on the tape, adds batch after batch, and puts its figures by name.
//!
//! 1. **`record`**: from the [`Vars`](crate::metrics::Vars) of an evaluation (samples, reconstruction, code, and where
//!    there are: classes, logits of a classifier, what is missing) it records what can be reduced on the tape, and
//!    gives the values that the plan must keep. Nothing, if what it needs is not there. With a mask only what is
//!    present counts.
//! 2. **`start`**: forgets the last data set. [`About`](crate::metrics::About) has sizes, the image's shape and the
//!    range of values.
//! 3. **`add`**: reads what was kept, of the batch that has just run. Sums are taken in f64; the last batch is shorter,
//!    so a mean over a batch counts by its rows.
//! 4. **`put`**: the figures by name, a number or whatever serialises. A name that is taken is an error; a number that
//!    is not finite is null.
//!
//! ```
//! use narrows::engine::{Split, Tape, Var, Workspace};
//! use narrows::metrics::{About, Evaluator, Figures, Measure, Metric, Vars};
//! use narrows::training::{Config, fit};
//!
//! /// `largest_error`: the largest distance of a value from its reconstruction.
//! #[derive(Default)]
//! struct LargestError {
//!     /// The distances, `[N, features]`.
//!     recorded: Option<Var>,
//!     largest: f64,
//! }
//!
//! impl Metric for LargestError {
//!     fn record(&mut self, tape: &Tape<f32>, vars: &Vars) -> Vec<Var> {
//!         let distances = tape.abs(tape.sub(vars.reconstruction, vars.x));
//!         let distances = vars.mask.map_or(distances, |mask| tape.mul(distances, mask));
//!         self.recorded = Some(distances);
//!         vec![distances]
//!     }
//!
//!     fn start(&mut self, _: &About) -> narrows::Result<()> {
//!         self.largest = 0.0;
//!         Ok(())
//!     }
//!
//!     fn add(&mut self, batch: &Workspace<f32>) -> narrows::Result<()> {
//!         let Some(distances) = self.recorded else { return Ok(()) };
//!         self.largest = batch.value(distances)?.iter().fold(self.largest, |most, &x| most.max(f64::from(x)));
//!         Ok(())
//!     }
//!
//!     fn put(&self, figures: &mut Figures) -> narrows::Result<()> {
//!         figures.put("largest_error", self.largest)
//!     }
//! }
//!
//! # fn main() -> narrows::Result<()> {
//! let digits = narrows::data::digits()?;
//! let model = fit(&Config::of("undercomplete")?.with(&[("epochs", "1")])?, &digits)?;
//! let rows: Vec<u32> = (0..digits.len() as u32).collect();
//! let more: Vec<Box<dyn Metric>> = vec![Box::new(LargestError::default())];
//! let evaluation = Evaluator::with(&model, Measure::default(), more)?.run(&digits, &rows, Split::Serial)?;
//! let largest = evaluation.figures.number("largest_error").expect("it was put");
//! assert!(largest > 0.0 && largest <= 1.0); // of samples in 0..1
//! # Ok(())
//! # }
//! ```
//!
//! ## In the crate
//!
//! * One file of `models/src/metrics`, which its name and the sentence at its top tell apart; `errors.rs` is an example
//!   with a mask, `accuracy.rs` one that is not always there.
//! * Its line of `metrics!` in `metrics/mod.rs`, module and name; they are told in the order of their listing.
//! * A figure worked out by hand in `metrics/metric_tests.rs`, which runs the whole list.
//! * `tests/figures.rs` holds the names of all figures under `--json`, since programs read them. What people read is a
//!   line in `cli/figures.rs`.
