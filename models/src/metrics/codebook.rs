//! `codebook_entries`, `codebook_used`, `codebook_perplexity`, `bits_per_sample`: how a codebook is used.

use super::metric::{About, Figures, Metric, Vars};
use crate::Result;
use crate::figure::short;
use narrows_engine::{Tape, Var, Workspace};
use serde::{Deserialize, Serialize};

/// What a codebook's use comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodebookUse {
    /// Entries.
    #[serde(rename = "codebook_entries")]
    pub entries: usize,
    /// Entries that were used at all.
    #[serde(rename = "codebook_used")]
    pub used: usize,
    /// `exp(−Σ_j p_j ln p_j)`, p_j the share of entry j: how many entries, used alike, would be as varied.
    #[serde(rename = "codebook_perplexity")]
    pub perplexity: f64,
    /// Bits that name the entries of a sample: their number times log2 of the entries.
    #[serde(rename = "bits_per_sample")]
    pub bits: f64,
}

/// How often each entry of a codebook was used, of a model that has one; elsewhere there are no such figures.
#[derive(Debug, Clone, Default)]
pub struct Codebook {
    /// The numbers of the entries that samples are made of.
    recorded: Option<Var>,
    counts: Vec<u64>,
    samples: usize,
}

impl Codebook {
    /// Counts the entries of some samples by their numbers; a number that is none is left out.
    fn count(&mut self, indices: &[f32], samples: usize) {
        self.samples += samples;
        for &index in indices {
            // A float's cast saturates, so what is no entry's number has no place.
            if let Some(count) = self.counts.get_mut(index as usize) {
                *count += 1;
            }
        }
    }

    fn finish(&self) -> CodebookUse {
        let total: u64 = self.counts.iter().sum();
        let share = |count: &u64| *count as f64 / total.max(1) as f64;
        let entropy: f64 = self.counts.iter().map(share).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
        CodebookUse {
            entries: self.counts.len(),
            used: self.counts.iter().filter(|count| **count > 0).count(),
            perplexity: entropy.exp(),
            bits: total as f64 / self.samples.max(1) as f64 * (self.counts.len().max(1) as f64).log2(),
        }
    }
}

impl Metric for Codebook {
    fn record(&mut self, _tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var> {
        self.recorded = vars.indices.map(|(indices, _)| indices);
        self.counts = vec![0; vars.indices.map_or(0, |(_, entries)| entries)];
        self.recorded.into_iter().collect()
    }

    fn start(&mut self, _about: &About) -> Result<()> {
        self.counts.fill(0);
        self.samples = 0;
        Ok(())
    }

    fn add(&mut self, batch: &Workspace<f32>) -> Result<()> {
        if let Some(indices) = self.recorded {
            self.count(batch.value(indices)?, batch.rows());
        }
        Ok(())
    }

    fn put(&self, figures: &mut Figures) -> Result<()> {
        self.recorded.map_or(Ok(()), |_| figures.put_all(self.finish()))
    }

    fn line(&self, figures: &Figures) -> Option<String> {
        let CodebookUse { entries, used, perplexity, bits } = figures.read_all()?;
        let (perplexity, bits) = (short(perplexity), short(bits));
        let line = format!("codebook: {used} of {entries} entries used, perplexity {perplexity}, {bits} bits a sample");
        Some(match used {
            0 | 1 => {
                format!("{line}; the codebook has collapsed: train longer, or with another seed, --lr or --restart")
            }
            _ => line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perplexity_counts_what_is_used_alike() {
        let mut codebook = Codebook { counts: vec![0; 8], ..Codebook::default() };
        codebook.count(&[0.0, 3.0, 0.0, 3.0, 99.0], 2);
        let found = codebook.finish();
        assert_eq!((found.entries, found.used, found.bits), (8, 2, 6.0));
        assert!((found.perplexity - 2.0).abs() < 1e-12);
    }
}
