//! The memory planner: values that do not live at the same time share a slot.
//!
//! Every value has an interval of time steps, both ends included, during which it must stay. Intervals are placed in
//! the order of their start; each takes the free slot that fits it most tightly, or the largest free one, enlarged,
//! or a new one. A slot's size is that of the largest value it ever holds.

/// A value to be placed: its interval and its size in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) elements: usize,
}

/// Gives each interval a slot; returns those and the slots' sizes.
pub(crate) fn assign(intervals: &[Interval]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    order.sort_by_key(|&i| (intervals[i].from, std::cmp::Reverse(intervals[i].elements), i));
    let mut slot_of = vec![0; intervals.len()];
    let mut sizes: Vec<usize> = Vec::new();
    let mut busy_until: Vec<usize> = Vec::new();
    for i in order {
        let Interval { from, to, elements } = intervals[i];
        let free = || (0..sizes.len()).filter(|&slot| busy_until[slot] < from);
        let fitting = free().filter(|&slot| sizes[slot] >= elements).min_by_key(|&slot| (sizes[slot], slot));
        let slot = match fitting.or_else(|| free().max_by_key(|&slot| (sizes[slot], std::cmp::Reverse(slot)))) {
            Some(slot) => slot,
            None => {
                sizes.push(0);
                busy_until.push(0);
                sizes.len() - 1
            }
        };
        sizes[slot] = sizes[slot].max(elements);
        busy_until[slot] = to;
        slot_of[i] = slot;
    }
    (slot_of, sizes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_two_living_values_share_a_slot(
            raw in prop::collection::vec((0usize..30, 0usize..10, 0usize..100), 0..40),
        ) {
            let intervals: Vec<Interval> = raw
                .iter()
                .map(|&(from, length, elements)| Interval { from: from + 1, to: from + 1 + length, elements })
                .collect();
            let (slots, sizes) = assign(&intervals);
            for (i, a) in intervals.iter().enumerate() {
                prop_assert!(sizes[slots[i]] >= a.elements);
                for (j, b) in intervals.iter().enumerate().skip(i + 1) {
                    let apart = a.to < b.from || b.to < a.from;
                    prop_assert!(apart || slots[i] != slots[j], "{a:?} and {b:?} share a slot");
                }
            }
            let total: usize = intervals.iter().map(|interval| interval.elements).sum();
            prop_assert!(sizes.iter().sum::<usize>() <= total);
        }
    }

    #[test]
    fn a_chain_needs_two_slots() {
        let chain: Vec<Interval> = (1..10).map(|t| Interval { from: t, to: t + 1, elements: 8 }).collect();
        assert_eq!(assign(&chain).1, vec![8, 8]);
    }
}
