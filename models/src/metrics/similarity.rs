//! `ssim`: the structural similarity of images, mean over samples; it takes longer than all other figures together.

use super::images::Ssim;
use super::metric::{About, Figures, Metric, Sum, Vars};
use crate::Result;
use crate::figure::short;
use narrows_engine::{Tape, Var, Workspace};

/// `ssim`, null where samples are no images or have no range in common. It takes no notice of a mask: a window needs
/// all its pixels.
#[derive(Debug, Clone, Default)]
pub struct Similarity {
    /// Else it takes no time, and the figure is null.
    asked: bool,
    /// Samples and reconstructions.
    recorded: Option<(Var, Var)>,
    ssim: Option<Ssim>,
    sum: Sum,
    features: usize,
}

impl Metric for Similarity {
    fn record(&mut self, _tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        self.asked = vars.ssim;
        if !self.asked {
            return Vec::new();
        }
        self.recorded = Some((vars.x, vars.reconstruction));
        vec![vars.x, vars.reconstruction]
    }

    fn start(&mut self, about: &About) -> Result<()> {
        (self.sum, self.features) = (Sum::default(), about.features);
        let image = about.image.filter(|_| self.asked);
        self.ssim = image.zip(about.range).map(|(image, range)| Ssim::new(image, range)).transpose()?;
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        let (Some((x, reconstruction)), Some(ssim)) = (self.recorded, &mut self.ssim) else { return Ok(()) };
        let (x, reconstruction) = (batch.value(x)?, batch.value(reconstruction)?);
        let features = self.features.max(1);
        for (x, reconstruction) in x.chunks_exact(features).zip(reconstruction.chunks_exact(features)) {
            self.sum.add(ssim.measure(x, reconstruction)?, 1.0);
        }
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        figures.put("ssim", self.ssim.as_ref().map(|_| self.sum.mean()))
    }

    fn words(&self, figures: &Figures) -> Option<String> {
        Some(format!("ssim {}", short(figures.number("ssim")?)))
    }
}
