//! What is done to raw samples before a model sees them, in one place: fitted on the training part, stored with the
//! model, applied while a batch is gathered, and undone.
//!
//! Numbers are centred and scaled in f64 before they are rounded to f32, for of 1e6 + 0.3 little remains otherwise. For
//! bytes one operation of f32 does as well and is faster, as long as what it adds stays small beside its result; where
//! a deviation is tiny, it does not, and bytes go the way of all others. The tables of both are made once, when first
//! used.

use std::sync::OnceLock;

use narrows_engine::{Context, RawRows, Scaling, gather};
use serde::{Deserialize, Serialize};

use super::curve::Curve;
use super::memory::filled;
use super::patches::Patches;
use super::rows::Rows;
use super::scale::{Scaler, ScalerKind};
use super::{Dataset, Samples};
use crate::error::{Error, Result};

/// Bytes go through f32 as long as no summand is greater than this: it costs at most 6e-5.
const GREATEST_SUMMAND: f64 = 1024.0;
/// How far scaled targets may be beyond 0..1: what rounding to f32 makes.
const ROUNDING: f64 = 1e-6;
/// Greater scaled numbers cannot be trained on. A gradient is about a product of two of them, optimisers square it, and
/// f32 ends at 3.4e38.
const GREATEST: f64 = 1e9;

/// The numbers of samples that are all there are, so many at a time.
const ALL: [u32; 256] = {
    let mut all = [0; 256];
    let mut at = 0;
    while at < all.len() {
        all[at] = at as u32;
        at += 1;
    }
    all
};

/// Everything that is done to samples before a model sees them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    features: usize,
    scaler: Scaler,
    /// How the samples were cut from photographs, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patches: Option<Patches>,
    #[serde(skip)]
    tables: OnceLock<Tables>,
}

impl PartialEq for Preprocessing {
    /// Tables are equal where all else is, whether they are made yet or not.
    fn eq(&self, other: &Self) -> bool {
        (self.features, &self.scaler, self.patches) == (other.features, &other.scaler, other.patches)
    }
}

/// The arithmetic feature by feature, `[features]` each.
#[derive(Debug, Clone)]
struct Tables {
    offset: Vec<f64>,
    factor: Vec<f64>,
    width: Vec<f64>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    /// Whether bytes may go through `scale` and `shift`.
    affine_bytes: bool,
    /// What stands in place of all that where a feature goes by its quantiles; of other scalings empty.
    curves: Vec<Option<Curve>>,
}

impl Preprocessing {
    /// Fits the scaling `kind` to the rows `rows` of `dataset`, the training part; gives what was measured and chosen,
    /// in words.
    ///
    /// # Errors
    /// If `rows` is empty or names a row that does not exist; if a range is asked of values that are all equal; if
    /// values are so extreme that scaling would overflow; if memory runs out.
    pub fn fit(kind: ScalerKind, dataset: &Dataset, rows: &[u32]) -> Result<(Self, Vec<String>)> {
        let (scaler, words) = Scaler::fit(kind, dataset, rows)?;
        let mut fitted = Self::new(scaler, dataset.features())?;
        fitted.patches = dataset.patches();
        Ok((fitted, words))
    }

    /// What `scaler` does to samples of `features` numbers.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn new(scaler: Scaler, features: usize) -> Result<Self> {
        let made = Self { features, scaler, patches: None, tables: OnceLock::new() };
        made.check(features)?;
        Ok(made)
    }

    /// Refuses what was read from a file and does not fit samples of `features` numbers.
    ///
    /// # Errors
    /// If it is for another number of features; if a list of the scaling has another length; if a number is NaN or
    /// infinite, a `max` below its `min`, a `std` negative, or the ends of a range equal; if patches do not fit.
    pub fn check(&self, features: usize) -> Result<()> {
        if self.features != features {
            return Err(Error::model(format!(
                "the preprocessing is for {} features where {features} are expected; fit it again",
                self.features
            )));
        }
        if let Some(fault) = self.scaler.fault(features) {
            return Err(Error::model(format!("the scaling `{}` {fault}; fit it again", self.scaler.name())));
        }
        match self.patches.and_then(|patches| patches.fault(features)) {
            Some(fault) => Err(Error::model(format!("its patches {fault}; train the model again"))),
            None => Ok(()),
        }
    }

    /// The numbers in a sample.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The scaling.
    pub fn scaler(&self) -> &Scaler {
        &self.scaler
    }

    /// How the samples were cut from photographs, if they were.
    pub fn patches(&self) -> Option<Patches> {
        self.patches
    }

    /// Whether the training values lie in 0 to 1 once they are scaled. Others may not: see
    /// [`check_targets`](Self::check_targets).
    pub fn is_unit(&self) -> bool {
        self.scaler.is_unit()
    }

    /// The raw range of all features, where they share one: what a picture shows as black and white.
    pub fn range(&self) -> Option<(f64, f64)> {
        match self.scaler {
            Scaler::Range { min, max } => Some((min, max)),
            _ => None,
        }
    }

    /// Gathers rows of `dataset`, scaled, into `out`, `[rows, features]`. Allocates nothing after the first call.
    ///
    /// # Errors
    /// Data of another number of features; a row that does not exist; an `out` of another size; no memory.
    pub fn gather(&self, context: Context, dataset: &Dataset, rows: &[u32], out: &mut [f32]) -> Result<()> {
        if dataset.features() != self.features {
            let (name, found, takes) = (dataset.name(), dataset.features(), self.features);
            return Err(Error::data(format!("{name} has {found} features; the model takes {takes}")));
        }
        match dataset.samples() {
            Samples::U8(bytes) => self.scale(context, RawRows::Bytes(bytes), rows, out),
            Samples::F32(values) => self.scale(context, RawRows::Values(values), rows, out),
            Samples::F64(values) => self.scale(context, RawRows::Doubles(values), rows, out),
            Samples::File(spill) => spill.with_rows(rows, |values| self.apply(context, RawRows::Doubles(values), out)),
        }
    }

    /// Scales raw samples, `[n, features]`, into `out`. Bytes, floats and doubles give the same numbers as a
    /// [`Dataset`] of them would. Allocates nothing after the first call.
    ///
    /// # Errors
    /// Numbers that are no whole samples; an `out` of another size; no memory.
    pub fn apply(&self, context: Context, samples: RawRows<'_, f32>, out: &mut [f32]) -> Result<()> {
        let length = match samples {
            RawRows::Bytes(values) => values.len(),
            RawRows::Values(values) => values.len(),
            RawRows::Doubles(values) => values.len(),
        };
        self.whole_rows(length)?;
        if out.len() != length {
            return Err(Error::data(format!("{length} numbers do not fit into {}; give as many", out.len())));
        }
        let each = ALL.len() * self.features;
        for (number, out) in out.chunks_mut(each).enumerate() {
            let part = number * each..number * each + out.len();
            let samples = match samples {
                RawRows::Bytes(values) => RawRows::Bytes(&values[part]),
                RawRows::Values(values) => RawRows::Values(&values[part]),
                RawRows::Doubles(values) => RawRows::Doubles(&values[part]),
            };
            self.scale(context, samples, &ALL[..out.len() / self.features], out)?;
        }
        Ok(())
    }

    /// Takes what a model gives, `[n, features]`, back to raw numbers.
    ///
    /// # Errors
    /// Numbers that are no whole samples; an `out` of another length.
    pub fn invert(&self, scaled: &[f32], out: &mut [f64]) -> Result<()> {
        self.whole_rows(scaled.len())?;
        if out.len() != scaled.len() {
            return Err(Error::data(format!("{} numbers do not fit into {}; give as many", scaled.len(), out.len())));
        }
        let Tables { width, offset, curves, .. } = self.tables()?;
        for (scaled, out) in scaled.chunks_exact(self.features).zip(out.chunks_exact_mut(self.features)) {
            for ((out, &x), (width, offset)) in out.iter_mut().zip(scaled).zip(width.iter().zip(offset)) {
                *out = f64::from(x) * width + offset;
            }
            for ((out, &x), curve) in out.iter_mut().zip(scaled).zip(curves) {
                *out = curve.as_ref().map_or(*out, |curve| curve.back(f64::from(x)));
            }
        }
        Ok(())
    }

    /// Refuses rows that cannot be targets: beyond 0..1 once they are scaled, where cross-entropy is the loss (`unit`);
    /// so large that f32 cannot hold what training makes of them; missing, unless the model takes that (`missing`).
    ///
    /// # Errors
    /// The first such value, with its row, its column and what helps; data of another number of features.
    pub fn check_targets(&self, dataset: &Dataset, rows: &[u32], unit: bool, missing: bool) -> Result<()> {
        if dataset.features() != self.features {
            let (name, found, takes) = (dataset.name(), dataset.features(), self.features);
            return Err(Error::data(format!("{name} has {found} features; the model takes {takes}")));
        }
        let tables = self.tables()?;
        let (least, greatest) = if unit { (-ROUNDING, 1.0 + ROUNDING) } else { (-GREATEST, GREATEST) };
        let fits = |column: usize, x: f64| {
            let scaled = tables.scaled(column, x);
            (scaled >= least && scaled <= greatest) || (missing && x.is_nan())
        };
        let all_bytes_fit = || (0..self.features).all(|column| fits(column, 0.0) && fits(column, 255.0));
        if matches!(dataset.samples(), Samples::U8(_)) && all_bytes_fit() {
            return Ok(());
        }
        for block in dataset.blocks(Some(rows)) {
            let block = block?;
            for (&row, values) in block.rows.iter().zip(block.values.chunks_exact(self.features)) {
                if let Some(column) = (0..self.features).find(|&column| !fits(column, values[column])) {
                    let scaled = tables.scaled(column, values[column]);
                    return Err(self.unfit(dataset.name(), (row, column), values[column], scaled, unit));
                }
            }
        }
        Ok(())
    }

    /// The error for one value.
    fn unfit(&self, name: &str, (row, column): (u32, usize), raw: f64, scaled: f64, unit: bool) -> Error {
        let place = format!("{name}: row {row}, column {column} (from 0)");
        if raw.is_nan() {
            return Error::data(format!(
                "{place} is missing, and the model takes no missing values; fill or remove it"
            ));
        }
        let what = match self.scaler {
            Scaler::None {} => format!("{place} is {raw}"),
            _ => format!("{place} is {raw}, which is scaled to {scaled}"),
        };
        let standard = matches!(self.scaler, Scaler::Standard { .. });
        Error::data(match (unit, standard) {
            (true, _) => format!(
                "{what}, and cross-entropy takes 0 to 1; train with --loss mse, or correct or remove that value"
            ),
            (false, false) => format!(
                "{what}: its square, and that of its gradients, leaves f32; train with --scaling standard, or correct \
                 or remove that value"
            ),
            (false, true) => format!("{what}: its square, and that of its gradients, leaves f32; correct or remove it"),
        })
    }

    fn scale(&self, context: Context, data: RawRows<'_, f32>, rows: &[u32], out: &mut [f32]) -> Result<()> {
        let Tables { offset, factor, scale, shift, affine_bytes, curves, .. } = self.tables()?;
        let scaling = match data {
            RawRows::Bytes(_) if *affine_bytes => Scaling::Affine { scale, shift },
            _ => Scaling::Centred { offset, factor },
        };
        gather(context, data, rows, scaling, out)?;
        for (feature, curve) in curves.iter().enumerate() {
            let Some(curve) = curve else { continue };
            let values = out.iter_mut().skip(feature).step_by(self.features);
            for (out, &row) in values.zip(rows) {
                let at = row as usize * self.features + feature;
                // The rows are those that `gather` found.
                let x = match data {
                    RawRows::Bytes(values) => values.get(at).map(|&x| f64::from(x)),
                    RawRows::Values(values) => values.get(at).map(|&x| f64::from(x)),
                    RawRows::Doubles(values) => values.get(at).copied(),
                };
                *out = x.map_or(f32::NAN, |x| curve.forward(x) as f32);
            }
        }
        Ok(())
    }

    fn whole_rows(&self, length: usize) -> Result<usize> {
        match length.checked_rem(self.features) {
            Some(0) => Ok(length / self.features),
            _ => Err(Error::data(format!("{length} numbers are no samples of {}", self.features))),
        }
    }

    fn tables(&self) -> Result<&Tables> {
        if let Some(tables) = self.tables.get() {
            return Ok(tables);
        }
        self.check(self.features)?;
        let tables = Tables::new(&self.scaler, self.features)?;
        // Another thread may have been first; its tables are the same.
        Ok(self.tables.get_or_init(|| tables))
    }
}

impl Tables {
    fn new(scaler: &Scaler, features: usize) -> Result<Self> {
        let purpose = "the scaling";
        let mut tables = Self {
            offset: filled(features, 0.0, purpose)?,
            factor: filled(features, 0.0, purpose)?,
            width: filled(features, 0.0, purpose)?,
            scale: filled(features, 0.0, purpose)?,
            shift: filled(features, 0.0, purpose)?,
            affine_bytes: true,
            curves: scaler.curves()?,
        };
        for (column, affine) in (0..features).filter_map(|column| Some((column, scaler.affine(column)?))) {
            // From 0, so that the shift of an offset of 0 is not -0.
            let shift = if affine.factor == 0.0 { 0.0 } else { 0.0 - affine.offset / affine.width };
            tables.offset[column] = affine.offset;
            tables.factor[column] = affine.factor;
            tables.width[column] = affine.width;
            tables.scale[column] = affine.factor as f32;
            tables.shift[column] = shift as f32;
            tables.affine_bytes &= 255.0 * affine.factor <= GREATEST_SUMMAND && shift.abs() <= GREATEST_SUMMAND;
        }
        Ok(tables)
    }

    /// A raw number of a feature as the model sees it.
    fn scaled(&self, feature: usize, x: f64) -> f64 {
        match self.curves.get(feature) {
            Some(Some(curve)) => curve.forward(x),
            _ => (x - self.offset[feature]) * self.factor[feature],
        }
    }
}

#[cfg(test)]
#[path = "preprocessing_tests.rs"]
mod tests;
