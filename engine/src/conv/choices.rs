//! Which lanes each product of a convolution takes: decided here and nowhere else, once for a set of instructions and
//! for whether results are added, when the operation is recorded. Memory is laid out for the largest of these
//! decisions, since a shape rule does not know the instructions; packing, running and reducing of one pass take the
//! one that it runs on.
#![forbid(unsafe_code)]

use super::direct::Direct;
use super::kernels::ConvFloat;
use super::product::Arrangement;
use crate::base::{Backend, Error};

/// The decisions for one set of instructions.
pub(super) struct Choices<T: 'static> {
    backend: Backend,
    accumulate: bool,
    /// The convolution's product.
    pub(super) forward: Arrangement<T>,
    /// The transpose's, one for each phase of the image.
    pub(super) transposed: Vec<Arrangement<T>>,
    /// The sums of the weight's gradient.
    pub(super) gradient: Arrangement<T>,
}

impl<T: ConvFloat> Choices<T> {
    /// Every decision that a pass on this machine may need.
    pub(super) fn all(direct: &Direct) -> Vec<Self> {
        let sets = Backend::available().into_iter();
        sets.flat_map(|backend| [false, true].map(|accumulate| Self::new(direct, backend, accumulate))).collect()
    }

    fn new(direct: &Direct, backend: Backend, accumulate: bool) -> Self {
        // Phases are put together afterwards, which is where they are added.
        let added = accumulate && direct.is_whole();
        Self {
            backend,
            accumulate,
            forward: direct.forward.arrange(backend, accumulate),
            transposed: direct.transposed.iter().map(|product| product.arrange(backend, added)).collect(),
            gradient: direct.forward.arrange_gradient(backend),
        }
    }

    /// The decision for a pass.
    ///
    /// # Errors
    /// When there is none for these instructions.
    pub(super) fn find(all: &[Self], backend: Backend, accumulate: bool) -> Result<&Self, Error> {
        let found = all.iter().find(|choices| choices.backend == backend && choices.accumulate == accumulate);
        found.ok_or_else(|| Error::contract(format!("the convolution was not recorded for {backend}")))
    }
}
