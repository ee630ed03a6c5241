//! Rows judged as they come, block by block: a stream without an end, or a table larger than memory.

use super::detection::{DetectRequest, Resolved, resolve};
use super::judge::Detector;
use super::names::FeatureNames;
use super::score::Scorer;
use super::table::{brief, brief_header, header, line};
use crate::Result;
use crate::data::Stream;
use crate::model::{Model, Session};
use narrows_engine::Split;
use std::sync::Arc;

/// What came of rows that were judged as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// Rows that were judged.
    pub rows: u64,
    /// Rows that were flagged.
    pub flagged: u64,
    /// The cutoff, and its rule.
    pub cutoff: f64,
    /// How the cutoff was set.
    pub cutoff_rule: String,
    /// What there is to say.
    pub notes: Vec<String>,
}

/// Judges the rows of a stream and hands them to `put` as CSV, a header first and then some lines at a time: row, score,
/// p-value, flag, and, unless `short`, the three features that add most.
///
/// # Errors
/// As for [`detect`](super::detect()), and what `put` fails with.
pub fn follow(
    model: Arc<Model>,
    request: &DetectRequest,
    (stream, short): (&mut Stream, bool),
    split: Split,
    put: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Followed> {
    let mut session = Session::new(Arc::clone(&model)).on(split);
    let mut notes = Vec::new();
    let Resolved { cutoff, rule, scores, .. } = resolve(&mut session, request, &mut notes)?;
    let names = FeatureNames::of_columns(stream.columns(), stream.image());
    let labelled = stream.is_labelled() && !short;
    put(&if short { brief_header() } else { header(labelled) })?;
    let mut followed = Followed { rows: 0, flagged: 0, cutoff, cutoff_rule: rule, notes };
    let mut detector = Detector::new(session.clone(), cutoff, scores.clone());
    let (mut scorer, mut text) = (Scorer::default(), String::new());
    loop {
        let classes = if labelled { stream.class_names().to_vec() } else { Vec::new() };
        let Some(chunk) = stream.next_chunk()? else { break };
        text.clear();
        let given = model.given(&chunk);
        if short {
            scorer.score(&mut session, given)?;
            for (&score, row) in scorer.total.iter().zip(chunk.first..) {
                followed.flagged += u64::from(score > cutoff);
                brief(&mut text, row, score, scores.as_ref().map(|scores| scores.p_value(score)), score > cutoff);
            }
        } else {
            for (place, judgement) in detector.judge(given)?.iter().enumerate() {
                followed.flagged += u64::from(judgement.anomaly);
                let label = chunk.labels.filter(|_| labelled).and_then(|labels| labels.get(place));
                let label =
                    label.map(|&label| classes.get(label as usize).cloned().unwrap_or_else(|| label.to_string()));
                line(&mut text, chunk.first + place as u64, judgement, &names, label.as_deref());
            }
        }
        followed.rows += chunk.count as u64;
        put(&text)?;
    }
    followed.notes.extend(stream.notes());
    Ok(followed)
}
