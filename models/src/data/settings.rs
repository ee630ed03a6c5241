//! The keys of data: where they come from, how they are divided and scaled.

use super::{PatchOptions, Patches, ScalerKind, Source};
use crate::Result;
use crate::settings::{Range, Value, settings};

settings! {
    /// The keys of data.
    DataSettings {
        source: String = "digits".into(), "SRC",
            "digits (embedded), a folder of IDX files, plain or .gz, or one of photographs; idx:PATH and photographs:PATH choose";
        seed: u64 = 0, "SEED", "seed of splits, first weights, order and noise", in Range::<u64>::WHOLE;
        validation: f64 = 0.0, "FRACTION", "fraction of the training part held out to choose the best weights by",
            in Range::<f64>::FRACTION;
        test_fraction: f64 = 0.2, "FRACTION", "fraction held out for the test where the source has no test part",
            in Range::<f64>::FRACTION;
        scaling: ScalerKind = ScalerKind::Auto, "NAME", "how values are scaled";
        classes: String = String::new(), "NAMES",
            "keep only rows of these classes to train on, by name or number, as in 0,2; the test part keeps all";
        patch: usize = 8, "SIZE", "photographs: rows and columns of a patch", in Range::<usize>::SMALL,
            unless source is ["digits"];
        patches: usize = 10_000, "N", "photographs: how many patches are cut out", in Range::<usize>::COUNT,
            unless source is ["digits"];
        whiten: bool = true, "BOOL", "photographs: whether they are whitened first (Olshausen & Field 1996)",
            unless source is ["digits"];
    }
}

impl DataSettings {
    /// The source, with what the keys say of it, and a trained model's patches: those of other photographs are cut alike.
    ///
    /// # Errors
    /// As for [`Source::parse`].
    pub fn open(&self, patches: Option<Patches>) -> Result<Source> {
        let options = PatchOptions {
            size: self.patch,
            count: self.patches,
            whiten: self.whiten,
            seed: self.seed,
            held_out: self.test_fraction,
            limit: patches.map(|patches| patches.limit),
        };
        Ok(Source::parse(&self.source)?.with_patches(options))
    }
}

impl Value for ScalerKind {
    const WORDS: &'static [&'static str] = &["auto", "none", "range", "minmax", "standard"];

    fn read(_: &str, text: &str) -> Result<Self> {
        text.parse()
    }

    fn toml(&self) -> toml::Value {
        toml::Value::String(self.to_string())
    }
}
