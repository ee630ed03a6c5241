//! What an evaluation gives: the figures of all metrics by name, and what is measured beside them.

use super::codebook::CodebookUse;
use super::codes::CodeSummary;
use super::denoised::Denoised;
use super::lower_bound::LowerBound;
use super::metric::Figures;
use super::terms::records;
use crate::objective::TermRecord;

/// What a model reaches on a part of some data. Figures that are not finite are NaN, or missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// The figures of all metrics; the methods give those of this crate's own.
    pub figures: Figures,
    /// The same in words for people, a line each.
    pub lines: Vec<String>,
    /// How much of a corruption is undone, of a model that was trained with one or where one was given.
    pub denoised: Option<Denoised>,
    /// The accuracy before the classifier was fine-tuned together with the encoder.
    pub accuracy_before_fine_tuning: Option<f64>,
    /// What PCA with as many components reaches, fitted on the training part.
    pub pca_squared_error: Option<f64>,
    /// Why there is none, in words, where it was looked for.
    pub no_pca: Option<String>,
    /// Samples looked at.
    pub samples: usize,
    /// Seconds it took.
    pub seconds: f64,
    /// Samples a second.
    pub samples_per_second: f64,
    /// The part: `test`, or `train` where nothing was held out.
    pub part: String,
}

impl Evaluation {
    /// `‖x̂ − x‖²`, summed over features, mean over samples.
    pub fn squared_error(&self) -> f64 {
        self.figures.or_nan("squared_error")
    }

    /// The same per feature.
    pub fn mse(&self) -> f64 {
        self.figures.or_nan("mse")
    }

    /// Peak signal to noise, in dB: 10 log10(L²/MSE), L being 1 for data in 0..1, and the range of data that are not
    /// scaled; there is none for features each scaled in its own way.
    pub fn psnr(&self) -> Option<f64> {
        self.figures.number("psnr")
    }

    /// The structural similarity, mean over images, where it was asked for.
    pub fn ssim(&self) -> Option<f64> {
        self.figures.number("ssim")
    }

    /// The binary cross-entropy per feature, where the output is a sigmoid.
    pub fn bce(&self) -> Option<f64> {
        self.figures.number("bce")
    }

    /// The objective: summed over features, mean over samples.
    pub fn loss(&self) -> f64 {
        self.figures.or_nan("loss")
    }

    /// Its terms, by name.
    pub fn terms(&self) -> Vec<TermRecord> {
        records(&self.figures)
    }

    /// The lower bound, where the code is a distribution.
    pub fn lower_bound(&self) -> Option<LowerBound> {
        self.figures.read_all()
    }

    /// `−ln p(x)` by importance sampling, where it was asked for.
    pub fn nll(&self) -> Option<f64> {
        self.figures.number("nll")
    }

    /// How the code is used.
    pub fn code(&self) -> Option<CodeSummary> {
        // Each sample has a code.
        self.figures.read("codes").map(|code: CodeSummary| CodeSummary { samples: self.samples, ..code })
    }

    /// How the codebook is used, of a model that has one.
    pub fn codebook(&self) -> Option<CodebookUse> {
        self.figures.read_all()
    }

    /// The share of samples whose class is found, of a model with a classifier, on data with labels.
    pub fn accuracy(&self) -> Option<f64> {
        self.figures.number("accuracy")
    }
}
