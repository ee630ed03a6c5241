//! The embedded table: 569 tumours of the breast with 30 measured columns each, and whether they were malignant.
//!
//! Source: "Breast Cancer Wisconsin (Diagnostic)", W. Wolberg, O. Mangasarian, N. Street and W. Street, UCI Machine
//! Learning Repository (1995), <https://doi.org/10.24432/C5DW2B>, under CC BY 4.0
//! (<https://creativecommons.org/licenses/by/4.0/>); see `models/data/README.md`. It is read as any other table is.

use super::Dataset;
use super::table::{TableOptions, parse_table};
use crate::error::Result;

/// A header, 569 rows, packed by gzip.
static PACKED: &[u8] = include_bytes!("../../data/tumours.csv.gz");

/// The embedded tumours: samples `[569, 30]`, labels of the classes `benign` and `malignant`.
///
/// # Errors
/// Options that do not fit the table; no memory.
pub(super) fn tumours(options: &TableOptions) -> Result<Dataset> {
    parse_table(PACKED.to_vec(), "tumours", options)
}
