//! What a trained model knows of its data, by which those that come later are read.

use std::sync::Arc;

use super::patches::Patches;
use super::rows::ImageShape;
use super::table::Schema;

/// What a trained model knows of its data, by which those that come later are read.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// How patches of photographs were made.
    pub patches: Option<Patches>,
    /// The columns of a table.
    pub schema: Option<Arc<Schema>>,
    /// How a sample is an image.
    pub image: Option<ImageShape>,
}
