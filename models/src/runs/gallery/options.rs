//! What a gallery is made of, and how long its models are trained. A test makes all of it small.

/// What to make a gallery of.
#[derive(Debug, Clone, PartialEq)]
pub struct GalleryOptions {
    /// Images, as a configuration's `source` names them; classes are used where there are any.
    pub source: String,
    /// A folder of photographs; without one the section on natural images says how to get it.
    pub photographs: Option<String>,
    /// The seed of everything random.
    pub seed: u64,
    /// The most images that models are trained on; of more, some drawn by the seed.
    pub rows: usize,
    /// The most images of the test part that figures are of.
    pub tried: usize,
    /// How many patches are cut from the photographs.
    pub patches: usize,
    /// How long models are trained: 1 for what the captions speak of, less for a quick look.
    pub length: f64,
}

impl Default for GalleryOptions {
    fn default() -> Self {
        Self {
            source: "digits".into(),
            photographs: None,
            seed: 0,
            rows: 10_000,
            tried: 2_000,
            patches: 50_000,
            length: 1.0,
        }
    }
}
