//! Anomaly detection: a sample that a model reconstructs badly is unlike what it was trained on.
//!
//! The score of a sample is what it adds to the objective, the reconstruction and, of a distribution, KL
//! ([`Session::score`](crate::model::Session::score)), less the entropy of the sample itself where cross-entropy is the
//! loss (`score`). `cutoff`: from which score on a sample is odd. `fit`: chosen by
//! the training part, stored with the model. `judge`: samples judged, and `follow`: rows of a stream as they come.
//! `detection`: a source judged, with figures where classes say what is an anomaly (`truth`), and those of PCA and of the
//! nearest training rows beside them (`beside`). `ranking`: those figures. `histogram`: what a
//! report draws. `table`: what was judged, as CSV.
//!
//! ```
//! use narrows::applications::detect::{Cutoff, Detector, training_scores};
//! use narrows::model::{Given, Session};
//! use narrows::training::{Config, fit};
//!
//! # fn main() -> narrows::Result<()> {
//! let digits = narrows::data::digits()?;
//! let config = Config::of("undercomplete")?.with(&[("code", "8"), ("hidden", "32"), ("epochs", "2")])?;
//! let mut session = Session::new(fit(&config, &digits)?);
//! let rows: Vec<u32> = (0..1797).collect();
//! let scores = training_scores(&mut session, &digits, &rows)?;
//! let cutoff = "quantile:0.99".parse::<Cutoff>()?.of(&scores, None)?;
//! let mut detector = Detector::new(session, cutoff, Some(scores));
//! let judged = detector.judge(Given::new(&[16.0; 64]))?;
//! assert!(judged[0].anomaly && judged[0].p_value < Some(0.01));
//! # Ok(())
//! # }
//! ```

mod beside;
mod cutoff;
mod detection;
mod fit;
mod follow;
mod histogram;
mod judge;
mod names;
mod ranking;
mod score;
mod table;
mod truth;

pub use cutoff::Cutoff;
pub use detection::{DetectRequest, Detection, Labelled, detect};
pub use fit::{FitRequest, fit, training_scores};
pub use follow::{Followed, follow};
pub use histogram::{Histogram, ScoreGroup};
pub use judge::{Contribution, Detector, Judgement};
pub use names::FeatureNames;
pub use ranking::{Confusion, Ranking, Roc};
pub use table::{header, line};
pub use truth::Truth;
