//! The range coder: symbols by their frequencies, and bits that are alike, to bytes and back.
//!
//! The coder itself is the crate `constriction`'s (a range coder with 64 bits of state, 16-bit words and probabilities of
//! 16 bits), which ends a stream with two to four bytes and loses nothing else that can be measured. Reading beyond the end
//! gives zeros: whoever reads must know how many symbols to expect.

use super::counts::{Counts, PRECISION};
use crate::data::reserved;
use crate::{Error, Result};
use constriction::backends::Cursor;
use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
use constriction::stream::queue::{RangeDecoder, RangeEncoder};
use constriction::stream::{Decode, Encode};
use std::borrow::Borrow;
use std::num::NonZeroU16;

/// Symbols to bytes.
#[derive(Debug, Default)]
pub(super) struct Writer(RangeEncoder<u16, u64>);

impl Writer {
    /// Codes a symbol, and counts it.
    pub(super) fn symbol(&mut self, symbol: usize, counts: &mut Counts) -> Result<()> {
        self.0.encode_symbol(symbol, &*counts).map_err(|_| {
            Error::data(format!("the symbol {symbol} is none of an alphabet of {}; give a smaller one", counts.len()))
        })?;
        counts.add(symbol);
        Ok(())
    }

    /// Codes the lowest `bits` of a value, at most 32, as they are.
    pub(super) fn bits(&mut self, value: u32, bits: u32) -> Result<()> {
        let mut left = bits.min(32);
        while left > 0 {
            let each = left.min(8);
            left -= each;
            let part = (value >> left) as usize & ((1 << each) - 1);
            self.0
                .encode_symbol(part, Flat(each))
                .map_err(|error| Error::data(format!("cannot code bits: {error}")))?;
        }
        Ok(())
    }

    /// The bytes of all that was coded.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        let words = self.0.into_compressed().unwrap_or_else(|never| match never {});
        let mut bytes = reserved(words.len().saturating_mul(2), "coded symbols")?;
        words.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        Ok(bytes)
    }
}

/// Bytes to symbols.
#[derive(Debug)]
pub(super) struct Reader(RangeDecoder<u16, u64, Cursor<u16, Vec<u16>>>);

impl Reader {
    /// What is coded in bytes.
    pub(super) fn new(bytes: &[u8]) -> Result<Self> {
        let mut words = reserved(bytes.len().div_ceil(2), "coded symbols")?;
        words.extend(bytes.chunks(2).map(|pair| match *pair {
            [low, high] => u16::from_le_bytes([low, high]),
            _ => u16::from(pair.first().copied().unwrap_or(0)),
        }));
        Ok(Self(RangeDecoder::from_compressed(words).unwrap_or_else(|never| match never {})))
    }

    /// The next symbol, which is counted.
    pub(super) fn symbol(&mut self, counts: &mut Counts) -> Result<usize> {
        let symbol = self.0.decode_symbol(&*counts).map_err(|_| damaged())?;
        counts.add(symbol);
        Ok(symbol)
    }

    /// The next `bits`, at most 32, as they are.
    pub(super) fn bits(&mut self, bits: u32) -> Result<u32> {
        let (mut left, mut value) = (bits.min(32), 0u32);
        while left > 0 {
            let each = left.min(8);
            left -= each;
            value = value << each | self.0.decode_symbol(Flat(each)).map_err(|_| damaged())? as u32;
        }
        Ok(value)
    }

    /// Refuses what goes on after the last symbol.
    pub(super) fn finish(&self) -> Result<()> {
        if self.0.maybe_exhausted() { Ok(()) } else { Err(damaged()) }
    }
}

/// What no coder wrote.
fn damaged() -> Error {
    Error::data("its codes are damaged; compress the images again")
}

/// So many bits, 1 to 8, all values alike.
#[derive(Debug, Clone, Copy)]
struct Flat(u32);

impl Flat {
    fn share(self, symbol: usize) -> Option<(u16, NonZeroU16)> {
        let width = 1u32 << (PRECISION as u32 - self.0);
        let start = u32::try_from(symbol).ok()?.checked_mul(width)?;
        Some((u16::try_from(start).ok()?, NonZeroU16::new(u16::try_from(width).ok()?)?))
    }
}

impl EntropyModel<PRECISION> for Flat {
    type Symbol = usize;
    type Probability = u16;
}

impl EncoderModel<PRECISION> for Flat {
    fn left_cumulative_and_probability(&self, symbol: impl Borrow<usize>) -> Option<(u16, NonZeroU16)> {
        self.share(*symbol.borrow())
    }
}

impl DecoderModel<PRECISION> for Flat {
    fn quantile_function(&self, quantile: u16) -> (usize, u16, NonZeroU16) {
        let symbol = usize::from(quantile >> (PRECISION as u32 - self.0));
        let (start, width) = self.share(symbol).unwrap_or((0, NonZeroU16::MIN));
        (symbol, start, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_symbols_come_back() {
        let mut writer = Writer::default();
        let mut counts = Counts::alike(11).unwrap();
        let values = [(0u32, 1), (1, 1), (0xdead_beef, 32), (0x1234, 13), (255, 8), (0, 32), (u32::MAX, 32)];
        for (at, (value, bits)) in values.iter().enumerate() {
            writer.bits(*value, *bits).unwrap();
            writer.symbol(at, &mut counts).unwrap();
        }
        assert!(writer.symbol(11, &mut counts).is_err());
        let bytes = writer.finish().unwrap();
        assert!(bytes.len() <= 16 + 4 + 4);
        let (mut reader, mut counts) = (Reader::new(&bytes).unwrap(), Counts::alike(11).unwrap());
        for (at, (value, bits)) in values.into_iter().enumerate() {
            assert_eq!(reader.bits(bits).unwrap(), value & (u32::MAX >> (32 - bits)));
            assert_eq!(reader.symbol(&mut counts).unwrap(), at);
        }
        reader.finish().unwrap();
        assert!(Reader::new(&[&bytes[..], &[7; 9]].concat()).unwrap().finish().is_err());
    }
}
