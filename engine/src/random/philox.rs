//! The generator: Philox 4x32-10, ten rounds of multiplication over a counter.
//!
//! Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011). [`philox4x32_10`] is the
//! definition, checked against the authors' known answers; the kernels of `simd` are checked against it. [`Philox`]
//! walks along a stream in the order that these kernels write (see `simd::philox`), a tile of 64 words at a time.

use super::fill::fill_bits;
use rand::{SeedableRng, TryRng};
use std::convert::Infallible;

/// Words made at once: a tile of the kernels.
const TILE: usize = crate::simd::PHILOX_TILE;

/// Four random words: ten rounds over `counter` under `key`, both least significant word first.
///
/// A round is `c = [hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0)]`; between rounds the key grows by
/// the golden ratio and `sqrt(3) - 1`, as fractions of `2^32`.
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut c, mut k) = (counter, key);
    for _ in 0..10 {
        let first = u64::from(c[0]) * 0xd251_1f53;
        let second = u64::from(c[2]) * 0xcd9e_8d57;
        c = [(second >> 32) as u32 ^ c[1] ^ k[0], second as u32, (first >> 32) as u32 ^ c[3] ^ k[1], first as u32];
        k = [k[0].wrapping_add(0x9e37_79b9), k[1].wrapping_add(0xbb67_ae85)];
    }
    c
}

/// A generator for `rand`'s traits that walks along one stream. Not for secrets.
#[derive(Debug, Clone)]
pub struct Philox {
    seed: u64,
    stream: u64,
    position: u64,
    /// The tile that `position` stands in, unless `position` is at a tile's start.
    tile: [u32; TILE],
}

impl PartialEq for Philox {
    fn eq(&self, other: &Self) -> bool {
        (self.seed, self.stream, self.position) == (other.seed, other.stream, other.position)
    }
}

impl Eq for Philox {}

impl Philox {
    /// The start of `stream` under `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { seed, stream, position: 0, tile: [0; TILE] }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream.
    pub fn stream(&self) -> u64 {
        self.stream
    }

    /// How many words lie behind: the index of the next one in the stream.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes to the word at `position`.
    pub fn set_position(&mut self, position: u64) {
        self.position = position;
        if !position.is_multiple_of(TILE as u64) {
            self.load_tile();
        }
    }

    /// A number in `0..bound`, each as likely; 0 where `bound` is 0. Lemire, "Fast Random Integer Generation in an
    /// Interval" (2019): the high half of `x * bound`, redrawn where its low half shows an incomplete interval.
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut product = u128::from(self.word64()) * u128::from(bound);
        if (product as u64) < bound {
            let incomplete = bound.wrapping_neg() % bound;
            while (product as u64) < incomplete {
                product = u128::from(self.word64()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    fn load_tile(&mut self) {
        let start = self.position - self.position % TILE as u64;
        fill_bits(self.seed, self.stream, start, &mut self.tile);
    }

    #[inline]
    fn word(&mut self) -> u32 {
        let at = (self.position % TILE as u64) as usize;
        if at == 0 {
            self.load_tile();
        }
        self.position = self.position.wrapping_add(1);
        self.tile[at]
    }

    fn word64(&mut self) -> u64 {
        let low = self.word();
        u64::from(self.word()) << 32 | u64::from(low)
    }
}

impl TryRng for Philox {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    /// Two words, the low half first.
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.word64())
    }

    /// The words' bytes, least significant first; the rest of a last, partly used word is lost.
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl SeedableRng for Philox {
    /// Seed and stream, least significant byte first.
    type Seed = [u8; 16];

    fn from_seed(bytes: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(bytes);
        Self::new(both as u64, (both >> 64) as u64)
    }

    /// Stream 0 of `seed`.
    fn seed_from_u64(seed: u64) -> Self {
        Self::new(seed, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn known_answers_of_random123() {
        let all = u32::MAX;
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([all; 4], [all; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, answer) in cases {
            assert_eq!(philox4x32_10(counter, key), answer);
        }
    }

    #[test]
    fn positions_can_be_left_and_entered() {
        let mut whole = Philox::new(7, 9);
        let words: Vec<u32> = (0..300).map(|_| whole.next_u32()).collect();
        assert_eq!(whole.position(), 300);
        for start in [0, 1, 63, 64, 65, 200, 299] {
            let mut part = Philox::seed_from_u64(7);
            assert_ne!(part, whole);
            part = Philox::new(part.seed(), whole.stream());
            part.set_position(start as u64);
            assert_eq!(part.next_u32(), words[start]);
            assert_eq!(part.position(), start as u64 + 1);
        }
        let mut wide = Philox::new(7, 9);
        assert_eq!(wide.next_u64(), u64::from(words[1]) << 32 | u64::from(words[0]));
        let mut bytes = [0; 7];
        wide.fill_bytes(&mut bytes);
        assert_eq!(bytes[..4], words[2].to_le_bytes());
        assert_eq!(bytes[4..], words[3].to_le_bytes()[..3]);
        assert_eq!(wide.position(), 4);
    }

    #[test]
    fn seeds_hold_seed_and_stream() {
        let mut bytes = [0; 16];
        bytes[0] = 5;
        bytes[8] = 6;
        assert_eq!(Philox::from_seed(bytes), Philox::new(5, 6));
        assert_eq!(Philox::new(1, 2).below(0), 0);
        assert_eq!(Philox::new(1, 2).below(1), 0);
    }
}
