//! The keys of data: where they come from, how they are divided and scaled.

use super::formats::ImageOptions;
use super::known::Known;
use super::rows::ImageShape;
use super::source::ReadOptions;
use super::table::{DecimalName, HeaderName, TableKeys, TableOptions};
use super::{PatchOptions, ScalerKind, Source};
use crate::Result;
use crate::settings::{Range, Value, settings};

settings! {
    /// The keys of data.
    DataSettings {
        source: String = "digits".into(), "SRC",
            "digits or tumours (embedded), a table (.csv, .parquet, or - for one on standard input), arrays (.npy, .npz, \
             .safetensors), or a folder of IDX files, images or photographs; idx:PATH, images:PATH, photographs:PATH and \
             table:PATH choose";
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
        label: String = String::new(), "COLUMN",
            "tables: the column of classes, by name, or by number from 1 (-1 is the last); none for none";
        columns: String = String::new(), "NAME=KIND,..",
            "tables: what columns hold (numeric, categorical, boolean, label, ignore), or a TOML file of that";
        header: HeaderName = HeaderName::Auto, "WORD", "tables: whether the first line names the columns";
        delimiter: String = "auto".into(), "CHAR", "tables: what stands between fields: auto, one character, or tab";
        decimal: DecimalName = DecimalName::Auto, "WORD", "tables: what stands between whole and fraction";
        skip_lines: usize = 0, "N", "tables: lines to leave out at the start", in Range::<usize>::NONE_OR_COUNT;
        memory: usize = 2048, "MIB", "tables: rows held in memory; more are kept in a temporary file and shuffled by blocks",
            in Range::<usize>::NONE_OR_COUNT;
        resize: String = String::new(), "HxW", "images: the size to bring all to, as in 28x28";
        image: String = String::new(), "SHAPE", "rows that are images although the source does not say so: 28x28 or 3x32x32";
    }
}

impl DataSettings {
    /// The source, with what the keys say of it and what a trained model knows of its data: those that come later are read
    /// alike.
    ///
    /// # Errors
    /// As for [`Source::parse`]; keys that make no sense.
    pub fn open(&self, known: &Known) -> Result<Source> {
        let patches = PatchOptions {
            size: self.patch,
            count: self.patches,
            whiten: self.whiten,
            seed: self.seed,
            held_out: self.test_fraction,
            limit: known.patches.map(|patches| patches.limit),
        };
        let keys = TableKeys {
            label: &self.label,
            columns: &self.columns,
            header: self.header,
            delimiter: &self.delimiter,
            decimal: self.decimal,
            skip_lines: self.skip_lines,
            memory: self.memory,
        };
        let table = TableOptions::new(&keys)?.with_schema(known.schema.clone());
        let image = if self.image.is_empty() { known.image } else { Some(ImageShape::read(&self.image)?) };
        let asked = (!self.resize.is_empty()).then(|| ImageShape::read(&self.resize)).transpose()?;
        let images = ImageOptions {
            resize: asked.map(|shape| (shape.height, shape.width)),
            channels: known.image.map(|shape| shape.channels).filter(|channels| matches!(channels, 1 | 3)),
        };
        Ok(Source::parse(&self.source)?.with_options(ReadOptions { patches, images, table, image }))
    }
}

impl Value for ScalerKind {
    const WORDS: &'static [&'static str] = &["auto", "none", "range", "minmax", "standard", "robust", "quantile"];

    fn read(_: &str, text: &str) -> Result<Self> {
        text.parse()
    }

    fn toml(&self) -> toml::Value {
        toml::Value::String(self.to_string())
    }
}
