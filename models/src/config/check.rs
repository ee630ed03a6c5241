//! What a value may be by itself; what depends on other keys or on the data is checked when a model is made.

use super::{Config, DecoderLayers};
use crate::{Error, Result};
use std::fmt::Display;

/// More layers than anybody trains; a slip must not make a thousand.
const MOST_LAYERS: usize = 64;

impl Config {
    /// Checks every value by itself; what depends on the data is checked when training starts.
    ///
    /// # Errors
    /// The first value that makes no sense, with what to give instead.
    pub fn validate(&self) -> Result<()> {
        self.check_layers()?;
        self.check_counts()?;
        self.check_numbers()
    }

    fn check_layers(&self) -> Result<()> {
        let none = Vec::new();
        let decoder = match &self.decoder {
            DecoderLayers::Mirror => &none,
            DecoderLayers::Units(units) => units,
        };
        let lists =
            [("hidden", &self.hidden, "unit"), ("decoder", decoder, "unit"), ("filters", &self.filters, "filter")];
        for (key, list, unit) in lists {
            if list.contains(&0) {
                let value = format!("a list with a layer of 0 {unit}s");
                return refuse(key, &value, &format!("at least 1 {unit} a layer"));
            }
            if list.len() > MOST_LAYERS {
                return refuse(key, &format!("{} layers", list.len()), &format!("at most {MOST_LAYERS}"));
            }
        }
        if self.kernel.is_multiple_of(2) || self.kernel > 1023 {
            return refuse("kernel", &self.kernel, "an odd number from 1 to 1023");
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<()> {
        let positive = [
            ("code", self.code as u64),
            ("epochs", self.epochs),
            ("batch", self.batch as u64),
            ("k", self.k as u64),
            ("patches", self.patches as u64),
        ];
        for (key, value) in positive {
            if value == 0 || value > u64::from(u32::MAX) {
                return refuse(key, &value, "a whole number from 1 to 4294967295");
            }
        }
        let epochs = [
            ("beta_warmup", self.beta_warmup),
            ("capacity_warmup", self.capacity_warmup),
            ("pretrain_epochs", self.pretrain_epochs),
            ("classifier_epochs", self.classifier_epochs),
            ("patience", self.patience),
        ];
        for (key, value) in epochs {
            if value > u64::from(u32::MAX) {
                return refuse(key, &value, "a whole number up to 4294967295");
            }
        }
        // TOML holds whole numbers up to 2^63 - 1.
        for (key, value) in [("seed", self.seed), ("warmup", self.warmup)] {
            if value > i64::MAX as u64 {
                return refuse(key, &value, "a whole number up to 9223372036854775807");
            }
        }
        for (key, value, most) in [("lbfgs_memory", self.lbfgs_memory, 100), ("patch", self.patch, 64)] {
            if value == 0 || value > most {
                return refuse(key, &value, &format!("a whole number from 1 to {most}"));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<()> {
        for (key, value) in [("lr", self.lr), ("sigma", self.sigma)] {
            if !(value > 0.0 && value <= 1e30) {
                return refuse(key, &plain(value), "a number above 0, up to 1e30");
            }
        }
        let bounded = [
            ("weight_decay", self.weight_decay, 1e6),
            ("clip", self.clip, 1e30),
            ("corruption_level", self.corruption_level, 1e6),
            ("emphasis_corrupted", self.emphasis_corrupted, 1e6),
            ("emphasis_clean", self.emphasis_clean, 1e6),
            ("l2", self.l2, 1e6),
            ("sparsity_weight", self.sparsity_weight, 1e6),
            ("l1", self.l1, 1e6),
            ("contraction", self.contraction, 1e6),
            ("beta", self.beta, 1e6),
            ("capacity", self.capacity, 1e6),
            ("capacity_weight", self.capacity_weight, 1e6),
        ];
        for (key, value, most) in bounded {
            if !(0.0..=most).contains(&value) {
                return refuse(key, &plain(value), &format!("a number from 0 to {most:e}"));
            }
        }
        let fractions = [
            ("momentum", self.momentum),
            ("validation", self.validation),
            ("test_fraction", self.test_fraction),
            ("sparsity_decay", self.sparsity_decay),
            ("ema", self.ema),
        ];
        for (key, value) in fractions {
            if !(0.0..1.0).contains(&value) {
                return refuse(key, &value, "a number from 0 to below 1");
            }
        }
        if !(self.sparsity > 0.0 && self.sparsity < 1.0) {
            return refuse("sparsity", &self.sparsity, "a number between 0 and 1");
        }
        if !(1.0..=3.0).contains(&self.k_test) {
            return refuse("k_test", &self.k_test, "a number from 1 to 3");
        }
        Ok(())
    }
}

/// A number as people write it, unless it is very large or small.
fn plain(value: f64) -> String {
    if value == 0.0 || (1e-4..1e7).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

fn refuse(key: &str, value: &dyn Display, want: &str) -> Result<()> {
    Err(Error::usage(format!("{key} is {value}; give {want}")))
}
