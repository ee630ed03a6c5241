//! The figures of an evaluation for people; `json` has them for programs.

use super::common::figure;
use crate::metrics::Evaluation;

/// The line that sets a model beside PCA: `squared error 5.21 on the test part; PCA with 16 components reaches 7.03`.
pub(super) fn error_line(evaluation: &Evaluation, code: usize) -> String {
    let line = format!("squared error {} on the {} part", figure(evaluation.squared_error()), evaluation.part);
    let components = if code == 1 { "1 component".to_owned() } else { format!("{code} components") };
    match evaluation.pca_squared_error {
        Some(pca) if pca < 1e-9 => {
            format!("{line}; PCA with {components} keeps everything: the data vary in no more directions")
        }
        Some(pca) => format!("{line}; PCA with {components} reaches {}", figure(pca)),
        None => match &evaluation.no_pca {
            Some(why) => format!("{line}; no PCA beside it: {why}"),
            None => line,
        },
    }
}

/// What the metrics say, and what is known besides, a line each.
pub(super) fn lines(evaluation: &Evaluation) -> Vec<String> {
    let before = evaluation.accuracy_before_fine_tuning;
    let before = before.map(|before| format!("before fine-tuning: {:.2} % right", 100.0 * before));
    evaluation.lines.iter().cloned().chain(before).collect()
}
