//! The convolutional autoencoder: an undercomplete objective over a body of convolutions (Masci, Meier, Cireşan &
//! Schmidhuber 2011).
//!
//! Objective: as the undercomplete one's, `L = (1/m) Σ_i ‖x̂_i − x_i‖²` or the binary cross-entropy from logits, summed
//! over pixels and channels. The three ways back up, by nearest unpooling, by max unpooling with the encoder's
//! switches, by transposed convolution, are in `body/convolutional`; with `--body convolutional` other types have them
//! too.

use crate::config::Config;
use crate::{Error, Result};

/// Refuses another body.
pub(super) fn check(config: &Config) -> Result<()> {
    if !config.is_convolutional() {
        return Err(Error::usage(
            "model is convolutional and body is dense; leave body auto, or use --model undercomplete for a dense one",
        ));
    }
    Ok(())
}
