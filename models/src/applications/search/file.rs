//! An index's file: safetensors with `codes` (`[n, code]` F32, or `[n, words]` U64 with `thresholds`), `rows` and
//! `labels` (`[n]` U32), and in the metadata the metric, the source and the model's fingerprint.
//!
//! Nothing in a file can make reading it panic; what does not fit together is refused.

use super::index::{Codes, Index};
use super::metric::Metric;
use crate::data::reserved;
use crate::files::read_limited;
use crate::tensors::{LARGEST_FILE, copy_tensor, read_tensors, write_views};
use crate::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of the file.
const FORMAT: &str = "index 1";

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    metric: Metric,
    source: String,
    model: String,
    code: usize,
    class_names: Option<Vec<String>>,
}

impl Index {
    /// Writes the index, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let header = Header {
            format: FORMAT.into(),
            metric: self.metric,
            source: self.source.clone(),
            model: self.model.clone(),
            code: self.size,
            class_names: self.class_names.clone(),
        };
        let metadata = serde_json::to_string(&header)
            .map_err(|error| Error::data(format!("cannot describe the index as JSON: {error}")))?;
        let n = self.len();
        let (codes, thresholds) = match &self.codes {
            Codes::Numbers(codes) => (("codes", Dtype::F32, vec![n, self.size], bytemuck::cast_slice(codes)), None),
            Codes::Bits { words, thresholds } => (
                ("codes", Dtype::U64, vec![n, words.len() / n.max(1)], bytemuck::cast_slice(words)),
                Some(("thresholds", Dtype::F32, vec![self.size], bytemuck::cast_slice(thresholds))),
            ),
        };
        let labels = self.labels.as_deref().map(|labels| ("labels", Dtype::U32, vec![n], bytemuck::cast_slice(labels)));
        let rows = ("rows", Dtype::U32, vec![n], bytemuck::cast_slice(&self.rows));
        let views = [Some(codes), thresholds, labels, Some(rows)].into_iter().flatten();
        let views = views.map(|(name, dtype, sizes, bytes): (&str, _, _, &[u8])| {
            let view = TensorView::new(dtype, sizes, bytes);
            view.map(|view| (name.to_owned(), view)).map_err(|error| Error::data(format!("tensor `{name}`: {error}")))
        });
        write_views(path, views.collect::<Result<_>>()?, metadata)
    }

    /// Reads an index's file.
    ///
    /// # Errors
    /// No such file; a file that is not a whole index of this version.
    pub fn load(path: &Path) -> Result<Self> {
        Self::parse(&read_limited(path, LARGEST_FILE)?, &path.display().to_string())
    }

    /// Reads an index's bytes; `origin` names them in errors.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        let (tensors, metadata) = read_tensors(bytes, origin)?;
        let header: Header = serde_json::from_str(&metadata)
            .ok()
            .filter(|header: &Header| header.format == FORMAT)
            .ok_or_else(|| Error::data(format!("{origin} is no index that this version reads; make it again")))?;
        let rows = words(&tensors, "rows", origin, Dtype::U32, u32::from_le_bytes)?;
        let n = rows.len();
        let wrong = |what: &str| Error::data(format!("{origin}: {what} of {n} samples does not fit; make it again"));
        if n == 0 || header.code == 0 || u32::try_from(n).is_err() {
            return Err(wrong("the number"));
        }
        let codes = match header.metric {
            Metric::Hamming => {
                let thresholds = floats(&tensors, "thresholds", &[header.code], origin)?;
                let words = words(&tensors, "codes", origin, Dtype::U64, u64::from_le_bytes)?;
                if Some(words.len()) != n.checked_mul(header.code.div_ceil(64)) {
                    return Err(wrong("the tensor `codes`"));
                }
                Codes::Bits { words, thresholds }
            }
            Metric::Cosine | Metric::Euclidean => Codes::Numbers(floats(&tensors, "codes", &[n, header.code], origin)?),
        };
        let labels = match tensors.names().contains(&"labels") {
            true => Some(words(&tensors, "labels", origin, Dtype::U32, u32::from_le_bytes)?),
            false => None,
        };
        if labels.as_ref().is_some_and(|labels| labels.len() != n) {
            return Err(wrong("the tensor `labels`"));
        }
        let Header { metric, source, model, code, class_names, .. } = header;
        Ok(Self { metric, size: code, codes, rows, labels, class_names, source, model })
    }
}

/// A tensor of finite numbers. What the sizes claim must be there before memory is reserved for it.
fn floats(tensors: &SafeTensors<'_>, name: &str, sizes: &[usize], origin: &str) -> Result<Vec<f32>> {
    let held = tensors.tensor(name).map_or(0, |view| view.data().len());
    let count = sizes.iter().try_fold(1usize, |count, &size| count.checked_mul(size)).filter(|&count| count <= held);
    let count =
        count.ok_or_else(|| Error::data(format!("{origin} has no tensor `{name}` of {sizes:?}; make it again")))?;
    let mut numbers = reserved(count, "an index")?;
    numbers.resize(count, 0.0);
    copy_tensor(tensors, name, sizes, &mut numbers, origin)?;
    Ok(numbers)
}

/// A tensor of whole numbers.
fn words<W, const N: usize>(
    tensors: &SafeTensors<'_>,
    name: &str,
    origin: &str,
    dtype: Dtype,
    number: impl Fn([u8; N]) -> W,
) -> Result<Vec<W>> {
    let view = tensors.tensor(name).ok().filter(|view| view.dtype() == dtype);
    let view =
        view.ok_or_else(|| Error::data(format!("{origin} has no tensor `{name}` of {dtype:?}; make it again")))?;
    let (chunks, _) = view.data().as_chunks::<N>();
    let mut numbers = reserved(chunks.len(), "an index")?;
    numbers.extend(chunks.iter().map(|&bytes| number(bytes)));
    Ok(numbers)
}
