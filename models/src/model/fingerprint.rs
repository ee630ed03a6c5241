//! What tells a trained model from others: a hash over its type, its layers, its data's kind and its weights.
//!
//! XXH3 with 128 bits, as of the data of a run. What was made by one model's codes is refused by another's.

use super::Model;
use crate::{Error, Result};
use xxhash_rust::xxh3::Xxh3;

/// Numbers that are turned to bytes at a time.
const CHUNK: usize = 4096;

impl Model {
    /// The fingerprint: the same for a model and its copy from a file.
    ///
    /// # Errors
    /// A description that JSON cannot hold.
    pub fn fingerprint(&self) -> Result<u128> {
        let mut hash = Xxh3::new();
        let data = serde_json::to_string(self.data())
            .map_err(|error| Error::model(format!("cannot describe the model's data as JSON: {error}")))?;
        for text in [self.kind().name(), &self.layers(), &data] {
            hash.update(text.as_bytes());
            hash.update(&[0]);
        }
        let mut bytes = Vec::with_capacity(4 * CHUNK);
        for id in self.parameters().ids() {
            hash.update(self.parameters().name(id).as_bytes());
            for weights in self.parameters().view(id).chunks(CHUNK) {
                bytes.clear();
                weights.iter().for_each(|weight| bytes.extend(weight.to_le_bytes()));
                hash.update(&bytes);
            }
        }
        Ok(hash.digest128())
    }
}
