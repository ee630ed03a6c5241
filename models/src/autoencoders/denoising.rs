//! The denoising autoencoder: it sees a corrupted input and is compared with the clean one (Vincent, Larochelle, Bengio
//! & Manzagol 2008; Vincent et al. 2010).
//!
//! Objective: `L(g(f(x̃)), x)` with x̃ drawn anew at each step (see `corruption`). Any type may have a corruption; this
//! one needs one. With q = 0 it is the plain autoencoder, bit for bit in value. Its code may be of any size.

use crate::config::{Config, CorruptionName};
use crate::{Error, Result};

/// Refuses to denoise without noise.
pub(super) fn check(config: &Config) -> Result<()> {
    if config.corruption == CorruptionName::None {
        return Err(Error::usage(
            "a denoising autoencoder needs a corruption; give masking, masking-exact, gaussian or salt-and-pepper, or use \
             --model undercomplete or overcomplete",
        ));
    }
    Ok(())
}
