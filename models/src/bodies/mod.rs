//! What encoders and decoders are made of: fully connected layers, or convolutions. A body knows nothing of objectives.
//!
//! * `dense`: any depth, tied or not. `convolutional`: images, three ways back up. `sequence`: the same for sequences.
//!
//! A body is one file with its keys and one line in the list below; the list makes the word that chooses it, the group
//! of all their keys, and what builds one. `frame` says what a body is built for, and [`Body`] what it must do.

mod frame;
mod levels;
mod shared;
#[cfg(test)]
mod tests;

pub use dense::DecoderLayers;
pub use frame::{Beside, Body, DenseLayers, Encoded, Ends, Extra, Frame};
pub use levels::{Bottleneck, Downsample, Levels, Upsample};
pub use shared::{General, Shared};

use crate::Result;
use crate::settings::{groups, settings, word};
use narrows_engine::{Parameters, Real};
use strum::{EnumString, IntoStaticStr, VariantNames};

macro_rules! bodies {
    ($($(#[$doc:meta])* $module:ident::$Name:ident,)*) => {
        $(pub mod $module;)*

        /// What encoder and decoder are made of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
        #[strum(serialize_all = "kebab-case")]
        #[non_exhaustive]
        pub enum BodyName {
            $($(#[$doc])* $Name,)*
        }

        word!(BodyName, "body");

        settings! {
            /// The choice of a body.
            Choice {
                body: BodyName = BodyName::Dense, "NAME", "what encoder and decoder are made of";
            }
        }

        groups! {
            /// The keys of all bodies.
            BodySettings {
                /// Which of them it is.
                choice: Choice,
                /// What several of them read.
                shared: Shared,
                $($(#[$doc])* $module: $module::Keys,)*
            }
        }

        /// Adds the parameters of the chosen body.
        ///
        /// # Errors
        /// Choices that make no sense for such data; sizes that are too large.
        pub fn build<T: Real>(
            settings: &BodySettings,
            frame: &Frame,
            parameters: &mut Parameters<T>,
        ) -> Result<Box<dyn Body<T>>> {
            Ok(match settings.choice.body {
                $(BodyName::$Name => Box::new($module::$Name::new(&settings.shared, &settings.$module, frame, parameters)?),)*
            })
        }
    };
}

bodies! {
    /// Fully connected layers.
    dense::Dense,
    /// Convolutions of images.
    convolutional::Convolutional,
    /// Convolutions of sequences.
    sequence::Sequence,
}
