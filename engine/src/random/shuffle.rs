//! Permutations that only the seed and the stream decide.
//!
//! Fisher and Yates's shuffle in Durstenfeld's form, from the end to the start, with unbiased bounded integers
//! ([`Philox::below`]). It is written out here, and not taken from `rand`, so that the order of a run's examples never
//! changes with a dependency's version. Sequential: a million entries take milliseconds.

use super::Philox;

/// Fills `order` with a random permutation of `0..order.len()` (at most `2^32` entries stay distinct).
///
/// Each of the `n!` orders is as likely, as far as a 64-bit seed can tell them apart.
pub fn permutation(seed: u64, stream: u64, order: &mut [u32]) {
    for (i, entry) in order.iter_mut().enumerate() {
        *entry = i as u32;
    }
    let mut random = Philox::new(seed, stream);
    for last in (1..order.len()).rev() {
        let other = random.below(last as u64 + 1);
        order.swap(last, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_once(seed: u64, stream: u64, len in 0usize..500) {
            let mut order = vec![0; len];
            permutation(seed, stream, &mut order);
            let mut again = vec![7; len];
            permutation(seed, stream, &mut again);
            prop_assert_eq!(&order, &again);
            order.sort_unstable();
            prop_assert!(order.iter().enumerate().all(|(i, x)| i as u32 == *x));
        }
    }

    #[test]
    fn all_orders_of_four_are_as_likely() {
        const DRAWS: usize = 48_000;
        let mut counts = std::collections::BTreeMap::new();
        for stream in 0..DRAWS {
            let mut order = [0; 4];
            permutation(3, stream as u64, &mut order);
            *counts.entry(order).or_insert(0usize) += 1;
        }
        assert_eq!(counts.len(), 24);
        let expected = DRAWS as f64 / 24.0;
        let chi2: f64 = counts.values().map(|n| (*n as f64 - expected).powi(2) / expected).sum();
        // The 99.99 % point for 23 degrees of freedom.
        assert!(chi2 < 56.0, "chi-square {chi2}");
    }
}
