//! A convolution as an operation has it: which way round, and whether max pooling follows.
#![forbid(unsafe_code)]

use super::convolution::Convolution;
use super::direct::Direct;
use super::pool::Pool;
use crate::base::Error;

/// Max pooling of a result, before the activation: the result itself then only exists image by image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pooling {
    pub(super) pool: Pool,
    /// Height and width of planes before and after.
    pub(super) from: [usize; 2],
    pub(super) to: [usize; 2],
}

/// A convolution, which way round the operation has it, and the products that it is made of.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) convolution: Convolution,
    /// Whether the operation is the transpose: its input is the small image.
    pub(super) transposed: bool,
    pub(super) pooling: Option<Pooling>,
    /// None where strips of the column matrix serve better.
    pub(super) direct: Option<Direct>,
}

impl Layer {
    /// # Errors
    /// When the pooling does not fit the result.
    pub(super) fn new(convolution: Convolution, transposed: bool, pool: Option<Pool>) -> Result<Self, Error> {
        let geometry = convolution.geometry();
        let from = if transposed { geometry.image() } else { geometry.positions() };
        let pooling = match pool {
            Some(pool) => Some(Pooling { pool, from, to: pool.positions(from)? }),
            None => None,
        };
        let direct = Direct::new(geometry, convolution.filters());
        Ok(Self { convolution, transposed, pooling, direct })
    }

    /// Channels of the operation's result.
    pub(super) fn channels(&self) -> usize {
        let each = if self.transposed { self.convolution.geometry().channels() } else { self.convolution.filters() };
        self.convolution.groups() * each
    }

    /// Elements of one of the operation's inputs and results.
    pub(super) fn sides(&self) -> [usize; 2] {
        let [input, result] = self.sides_before_pooling();
        let pooled = self.pooling.map(|pooling| self.channels() * pooling.to[0] * pooling.to[1]);
        [input, pooled.unwrap_or(result)]
    }

    pub(super) fn sides_before_pooling(&self) -> [usize; 2] {
        let [small, large] = [self.convolution.result(), self.convolution.image()];
        if self.transposed { [small, large] } else { [large, small] }
    }
}
