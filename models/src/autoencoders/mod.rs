//! The types of autoencoders, one a file; the objective stands at the top of each, in the field's notation with its
//! source.
//!
//! `autoencoder`: the trait. `sample`: what it takes and gives. `parts`: what every type is made of. `phase`: phases, players, what data and steps a type
//! may look at. `registry`: types by name; the list of this crate's is below.

mod autoencoder;
mod latent;
mod parts;
mod phase;
mod plain;
mod registry;
mod sample;
#[cfg(test)]
mod tests;

pub use autoencoder::{Autoencoder, Whole, whole_objective};
pub use latent::{DivergenceKeys, LikelihoodKeys, LikelihoodName, beside_means};
pub use parts::{Base, MissingKeys, MissingName, Parts};
pub use phase::{Phase, Player, Prepare, StepView};
pub use plain::Plain;
pub use registry::{AnyType, Registry, Type};
pub use sample::{Code, Inputs, Sample, Scores, Takes};

macro_rules! types {
    ($($module:ident::$Name:ident,)*) => {
        $(pub mod $module;)*

        impl Registry {
            /// The types of this crate, in the order of their listing.
            pub fn standard() -> Self {
                Self::of(&[$(&$module::$Name,)*])
            }
        }
    };
}

types! {
    undercomplete::Undercomplete,
    overcomplete::Overcomplete,
    denoising::Denoising,
    sparse::Sparse,
    l1::L1,
    k_sparse::KSparse,
    contractive::Contractive,
    convolutional::Convolutional,
    variational::Variational,
    conditional::Conditional,
    importance_weighted::ImportanceWeighted,
    vector_quantised::VectorQuantised,
    adversarial::Adversarial,
    stacked::Stacked,
    pca::PrincipalComponents,
}
