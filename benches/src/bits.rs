//! The same bits: a digest of what every reference network and model holds after some steps of training.
//!
//! A rewrite that should change no result is held to these digests, taken before it. A digest covers the losses, every
//! parameter and one inference; it does not cover names or where a parameter lies in memory, which may change. It is a
//! fact of one build on one instruction set: another compiler or another system's `exp` may give other bits.

use crate::contenders::split;
use crate::models::models;
use crate::references::references;
use crate::{pool, within};
use narrows_engine::Threads;

/// Steps of a reference network.
const STEPS: usize = 3;

/// FNV-1a of 64 bits (Fowler, Noll, Vo 1991), over the little-endian bytes of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Adds numbers by their bits.
    pub fn add(&mut self, values: &[f32]) {
        values.iter().for_each(|value| self.bytes(&value.to_le_bytes()));
    }

    /// Adds one number by its bits.
    pub fn add_one(&mut self, value: f64) {
        self.bytes(&value.to_le_bytes());
    }

    /// The number.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// Trains on so many threads, in a pool of two, and digests.
type Run = Box<dyn Fn(usize, &rayon::ThreadPool) -> Result<Digest, String> + Send + Sync>;

/// Something that is trained and digested.
pub struct Case {
    /// As the table calls it.
    pub name: String,
    run: Run,
}

impl Case {
    /// Its digest, demanded to be the same on one thread and on two.
    ///
    /// # Errors
    /// It is not; no memory.
    pub fn digest(&self, pool: &rayon::ThreadPool) -> Result<Digest, String> {
        let [one, two] = [1, 2].map(|threads| (self.run)(threads, pool));
        let (one, two) = (one?, two?);
        match one == two {
            true => Ok(one),
            false => Err(format!("{:016x} on one thread, {:016x} on two", one.value(), two.value())),
        }
    }
}

/// Everything that is digested: the reference networks, the presets, and what the presets leave out.
pub fn cases() -> Vec<Case> {
    let networks = references().into_iter().map(|network| Case {
        name: format!("network/{}", network.name),
        run: Box::new(move |threads, pool| {
            let mut step = (network.step)().map_err(|error| error.to_string())?;
            Ok(within(pool, threads, || {
                let mut digest = Digest::default();
                (0..STEPS).for_each(|_| digest.add(&[step.run(split(threads))]));
                step.infer(split(threads));
                step.weights().for_each(|weights| digest.add(weights));
                digest.add(step.reconstruction());
                digest
            }))
        }),
    });
    let models = models().into_iter().map(|model| Case {
        name: model.name(),
        run: Box::new(move |threads, pool| {
            let threads = if threads == 1 { Threads::One } else { Threads::Pool(pool) };
            model.digest(threads).map_err(|error| error.to_string())
        }),
    });
    networks.chain(models).collect()
}

/// A pool for [`Case::digest`].
pub fn two_threads() -> rayon::ThreadPool {
    pool(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_fnv_1a() {
        let of = |bytes: &[u8]| {
            let mut digest = Digest::default();
            digest.bytes(bytes);
            digest.value()
        };
        // From the authors' test vectors.
        assert_eq!(of(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_name_is_there_once_and_is_one_word() {
        let mut names: Vec<String> = cases().into_iter().map(|case| case.name).collect();
        assert!(names.iter().all(|name| !name.contains(char::is_whitespace)));
        let all = names.len();
        names.sort();
        names.dedup();
        assert!(names.len() == all && all > 50, "{all} names");
    }

    #[test]
    fn a_case_gives_the_same_twice() {
        let pool = two_threads();
        for case in cases().iter().filter(|case| ["network/64-16-64", "model/variational"].contains(&&*case.name)) {
            assert_eq!(case.digest(&pool).unwrap(), case.digest(&pool).unwrap(), "{}", case.name);
        }
    }
}
