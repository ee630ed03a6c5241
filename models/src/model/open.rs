//! Data for a finished model: opened as its own were read, and refused where they do not fit.

use super::{Given, Model};
use crate::data::{Chunk, PartName, Stream};
use crate::{Error, Result};

impl Model {
    /// Opens a part of `data`, or of the model's own data where none are named, to be read block after block.
    ///
    /// # Errors
    /// A source that cannot be read, or does not fit: another number of features, another shape of image, no labels where
    /// the model takes them.
    pub fn open(&self, data: Option<&str>, part: PartName) -> Result<Stream> {
        let spec = data.unwrap_or(&self.source().source);
        let stream = Stream::open(self.source(), spec, &self.data.known(), part)?;
        let (name, features, takes) = (stream.name(), stream.features(), self.data.features);
        if features != takes {
            return Err(Error::data(format!("{name} has {features} features; the model takes {takes}")));
        }
        if let (Some(wanted), Some(found)) = (self.data.image, stream.image())
            && wanted != found
        {
            return Err(Error::data(format!("{name} has images of {found}; the model takes images of {wanted}")));
        }
        if self.autoencoder.takes().labels && !stream.is_labelled() {
            return Err(Error::data(format!("{name} has no labels, which the model takes; give data with labels")));
        }
        Ok(stream)
    }

    /// Rows as a session takes them: with their labels, where the model takes those.
    pub fn given<'a>(&self, chunk: &Chunk<'a>) -> Given<'a> {
        let given = Given::doubles(chunk.values);
        match chunk.labels.filter(|_| self.autoencoder.takes().labels) {
            Some(labels) => given.labels(labels),
            None => given,
        }
    }
}
