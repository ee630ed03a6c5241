//! The optimisers, one a file: its settings with their ranges, the names of its state, its step, its cases for tests.
//!
//! [`OptimizerConfig`] is whichever of them a program chose; the meaning of every field is PyTorch's where PyTorch has
//! the optimiser. The learning rate is not among the settings: it changes from step to step.
//!
//! To add one, write a file here and its entry in the list below: [`guides::optimizer`](crate::guides::optimizer) says
//! what the file has.
//!
//! The same bits at any number of threads, frozen parameters and checkpoints come from outside the file.

use super::method::{Method, Now, Run};
use crate::base::Error;
use crate::simd::kernels::UpdateFloat;

/// The list: for each optimiser its file and its settings.
macro_rules! optimizers {
    ($($file:ident::$Settings:ident)*) => {
        $(
            mod $file;
            pub use $file::$Settings;

            impl From<$Settings> for OptimizerConfig {
                fn from(settings: $Settings) -> Self {
                    Self::$Settings(settings)
                }
            }
        )*

        /// An optimiser and its constants.
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub enum OptimizerConfig {
            $(
                #[doc = concat!("See [`", stringify!($Settings), "`].")]
                $Settings($Settings),
            )*
        }

        impl OptimizerConfig {
            /// What configurations and errors call it: "adam".
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$Settings(_) => <$Settings as Method>::NAME,)*
                }
            }

            /// Checks every constant.
            ///
            /// # Errors
            /// The first that is outside its range.
            pub fn check(&self) -> Result<(), Error> {
                match self {
                    $(Self::$Settings(settings) => settings.check(),)*
                }
            }

            /// What its buffers of state are called.
            pub(super) fn state_names(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$Settings(settings) => settings.state_names(),)*
                }
            }

            #[inline]
            fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error> {
                match self {
                    $(Self::$Settings(settings) => settings.step(now, run),)*
                }
            }
        }

        /// Every optimiser's cases.
        #[cfg(test)]
        pub(super) fn cases() -> Vec<super::cases::Case> {
            [$($file::cases()),*].into_iter().flatten().collect()
        }
    };
}

optimizers! { sgd::Sgd adam::Adam adamw::AdamW rmsprop::RmsProp lamb::Lamb lion::Lion }

impl Default for OptimizerConfig {
    /// Adam's.
    fn default() -> Self {
        Adam::default().into()
    }
}

/// The element types that optimisers step, `f32` and `f64`: what code that is generic over them asks for beside
/// [`Real`](crate::Real). Sealed.
///
/// Not generic functions but one for each type, so that their kernels are compiled here and not in every crate that
/// calls them.
pub trait OptimFloat: UpdateFloat {
    /// Runs the passes of one step. Nobody outside has what it takes.
    #[allow(private_interfaces)]
    fn step(config: &OptimizerConfig, now: Now, run: &mut Run<'_, Self>) -> Result<(), Error>;
}

macro_rules! optim_float {
    ($($t:ident)*) => {
        $(
            impl OptimFloat for $t {
                #[allow(private_interfaces)]
                fn step(config: &OptimizerConfig, now: Now, run: &mut Run<'_, Self>) -> Result<(), Error> {
                    config.step(now, run)
                }
            }
        )*
    };
}
optim_float!(f32 f64);
