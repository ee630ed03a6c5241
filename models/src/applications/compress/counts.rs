//! How often each symbol of an alphabet is expected, learned as symbols pass: what the range coder divides its interval by.
//!
//! A Fenwick tree holds the frequencies, so that a symbol is coded and counted in `log2` of the alphabet. Everything is in
//! whole numbers, so that a file reads alike on every machine. The sum stays at most 2^16: there all frequencies are halved,
//! which also lets old symbols be forgotten. Tables that learn were taken over ones that are stored: a histogram of each
//! dimension would be longer than most files, and a fixed shape does not fit sparse codes.

use crate::data::reserved;
use crate::{Error, Result};
use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
use std::borrow::Borrow;
use std::num::NonZeroU16;

/// Bits of a probability.
pub(super) const PRECISION: usize = 16;
/// The largest sum of frequencies.
const LARGEST: u32 = 1 << PRECISION;
/// What a symbol that passed adds to its frequency, against 1 for one that never did.
pub(super) const INCREMENT: u32 = 16;
/// The most symbols of an alphabet: halved frequencies, at least 1 each, must leave room.
pub(super) const MOST_SYMBOLS: usize = 1 << 15;

/// The frequencies of an alphabet.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// A Fenwick tree: the place `i`, from 1, holds the sum over the `i & −i` symbols that end there.
    tree: Vec<u32>,
    total: u32,
}

impl Counts {
    /// Frequencies to begin with, each at least 1 and together at most 2^15 and as many again as there are symbols.
    pub(super) fn new(first: &[u32]) -> Result<Self> {
        if !(2..=MOST_SYMBOLS).contains(&first.len()) {
            let count = first.len();
            return Err(Error::data(format!(
                "an alphabet of {count} symbols cannot be coded; 2 to {MOST_SYMBOLS} can"
            )));
        }
        let mut tree = reserved(first.len(), "a table of frequencies")?;
        tree.extend(first.iter().map(|&frequency| frequency.max(1)));
        let mut counts = Self { tree, total: 0 };
        counts.build();
        while counts.total > LARGEST - INCREMENT {
            counts.halve();
        }
        Ok(counts)
    }

    /// The same for `symbols` that are alike.
    pub(super) fn alike(symbols: usize) -> Result<Self> {
        // One symbol alone takes no bits, and a file could claim any number of them.
        let symbols = symbols.max(8);
        let mut first = reserved(symbols.min(MOST_SYMBOLS + 1), "a table of frequencies")?;
        first.resize(symbols.min(MOST_SYMBOLS + 1), 1);
        Self::new(&first)
    }

    /// How many symbols there are.
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Counts a symbol.
    pub(super) fn add(&mut self, symbol: usize) {
        let mut place = symbol + 1;
        while let Some(sum) = self.tree.get_mut(place - 1) {
            *sum += INCREMENT;
            place += lowest_bit(place);
        }
        self.total += INCREMENT;
        if self.total > LARGEST - INCREMENT {
            self.halve();
        }
    }

    /// The sum of the frequencies of all symbols before this one.
    fn before(&self, symbol: usize) -> u32 {
        let (mut place, mut sum) = (symbol.min(self.tree.len()), 0);
        while place > 0 {
            sum += self.tree[place - 1];
            place -= lowest_bit(place);
        }
        sum
    }

    /// The symbol on whose share the place `at` of the sum falls.
    fn at(&self, at: u32) -> usize {
        let (mut place, mut left) = (0, at);
        let mut step = (self.tree.len() + 1).next_power_of_two() / 2;
        while step > 0 {
            if let Some(&sum) = self.tree.get(place + step - 1)
                && sum <= left
            {
                left -= sum;
                place += step;
            }
            step /= 2;
        }
        place.min(self.tree.len() - 1)
    }

    /// The start and the width of a symbol's share of 2^16.
    fn share(&self, symbol: usize) -> Option<(u16, NonZeroU16)> {
        if symbol >= self.tree.len() {
            return None;
        }
        let scaled = |sum: u32| (u64::from(sum) << PRECISION) / u64::from(self.total);
        let (start, end) = (scaled(self.before(symbol)), scaled(self.before(symbol + 1)));
        // With two symbols or more none has all of 2^16, and frequencies of 1 or more of 2^16 at most have a share.
        Some((u16::try_from(start).ok()?, NonZeroU16::new(u16::try_from(end - start).ok()?)?))
    }

    /// Sums from frequencies, in place.
    fn build(&mut self) {
        self.total = self.tree.iter().sum();
        for place in 1..=self.tree.len() {
            let (sum, above) = (self.tree[place - 1], place + lowest_bit(place));
            if let Some(parent) = self.tree.get_mut(above - 1) {
                *parent += sum;
            }
        }
    }

    fn halve(&mut self) {
        // Frequencies from sums, in place, in the opposite order.
        for place in (1..=self.tree.len()).rev() {
            let (sum, above) = (self.tree[place - 1], place + lowest_bit(place));
            if let Some(parent) = self.tree.get_mut(above - 1) {
                *parent -= sum;
            }
        }
        self.tree.iter_mut().for_each(|frequency| *frequency = frequency.div_ceil(2));
        self.build();
    }
}

fn lowest_bit(place: usize) -> usize {
    place & place.wrapping_neg()
}

impl EntropyModel<PRECISION> for Counts {
    type Symbol = usize;
    type Probability = u16;
}

impl EncoderModel<PRECISION> for Counts {
    fn left_cumulative_and_probability(&self, symbol: impl Borrow<usize>) -> Option<(u16, NonZeroU16)> {
        self.share(*symbol.borrow())
    }
}

impl DecoderModel<PRECISION> for Counts {
    fn quantile_function(&self, quantile: u16) -> (usize, u16, NonZeroU16) {
        // The largest place of the sum that is scaled to the quantile or below.
        let at = ((u64::from(quantile) + 1) * u64::from(self.total) - 1) >> PRECISION;
        let symbol = self.at(at as u32);
        let (start, width) = self.share(symbol).unwrap_or((0, NonZeroU16::MIN));
        (symbol, start, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every quantile falls into the share of the symbol it gives, through all of what counting does.
    #[test]
    fn shares_cover_all_quantiles_once() {
        for symbols in [2, 3, 8, 17, 200] {
            let first: Vec<u32> = (0..symbols).map(|at| 1 + (at * at % 37) as u32).collect();
            let mut counts = Counts::new(&first).unwrap();
            for round in 0..9000usize {
                counts.add((round * round + round / 7) % symbols % 5);
                if round % 1499 != 0 {
                    continue;
                }
                let mut next = 0u32;
                for symbol in 0..symbols {
                    let (start, width) = counts.share(symbol).unwrap();
                    assert_eq!(u32::from(start), next);
                    next += u32::from(width.get());
                    for quantile in [start, start + (width.get() - 1) / 2, start + (width.get() - 1)] {
                        assert_eq!(counts.quantile_function(quantile), (symbol, start, width));
                    }
                }
                assert!(next == 1 << PRECISION && counts.total <= LARGEST);
            }
        }
    }

    #[test]
    fn alphabets_beyond_the_limits_are_refused() {
        assert!(Counts::new(&[1]).is_err() && Counts::alike(MOST_SYMBOLS + 1).is_err());
        let most = Counts::alike(MOST_SYMBOLS).unwrap();
        assert!(most.share(MOST_SYMBOLS - 1).is_some() && most.share(MOST_SYMBOLS).is_none());
    }
}
