//! Whether data are those of before: a hash over the bytes of samples and labels.
//!
//! XXH3 with 128 bits tells data apart that were changed by accident, at the speed of memory; it is no guard against
//! somebody who looks for a collision. Numbers count with their lowest byte first, so that a run can move to a machine
//! of the other order.

use crate::Result;
use crate::data::{Dataset, Rows, Samples};
use xxhash_rust::xxh3::Xxh3;

/// Numbers that are turned to bytes at a time.
const CHUNK: usize = 4096;

/// The fingerprint of a dataset's samples, their shape and their labels, in hexadecimal digits.
///
/// # Errors
/// Rows that cannot be read.
pub(super) fn fingerprint(dataset: &Dataset) -> Result<String> {
    let mut hash = Xxh3::new();
    hash.update(&(dataset.features() as u64).to_le_bytes());
    match dataset.samples() {
        Samples::U8(bytes) => {
            hash.update(b"u8");
            hash.update(bytes);
        }
        Samples::F32(values) => {
            hash.update(b"f32");
            add(&mut hash, values, |value| value.to_le_bytes());
        }
        Samples::F64(values) => {
            hash.update(b"f64");
            add(&mut hash, values, |value| value.to_le_bytes());
        }
        // In a file, or of a kind to come: as doubles.
        _ => {
            hash.update(b"f64");
            for block in dataset.blocks(None) {
                add(&mut hash, &block?.values, |value| value.to_le_bytes());
            }
        }
    }
    if let Some(labels) = dataset.labels() {
        hash.update(b"labels");
        add(&mut hash, labels, |label| label.to_le_bytes());
    }
    Ok(format!("{:032x}", hash.digest128()))
}

fn add<T: Copy, const N: usize>(hash: &mut Xxh3, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
    let mut buffer = Vec::with_capacity(N * CHUNK);
    for chunk in values.chunks(CHUNK) {
        buffer.clear();
        chunk.iter().for_each(|&value| buffer.extend(bytes(value)));
        hash.update(&buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_label_and_shape_counts() {
        let values: Vec<f32> = (0..10_000).map(|i| i as f32).collect();
        let of = |values: &[f32], features| Dataset::new("d", Samples::F32(values.to_vec()), features).unwrap();
        let fingerprint = |dataset: &Dataset| super::fingerprint(dataset).unwrap();
        let plain = fingerprint(&of(&values, 10));
        assert_eq!(plain, fingerprint(&of(&values, 10).with_name("another name")));
        assert_ne!(plain, fingerprint(&of(&values, 20)));
        assert_ne!(plain, fingerprint(&of(&values, 10).with_labels(vec![0; 1000]).unwrap()));
        for place in [0, CHUNK - 1, CHUNK, 9_999] {
            let mut changed = values.clone();
            changed[place] += 0.5;
            assert_ne!(plain, fingerprint(&of(&changed, 10)), "{place}");
        }
        let bytes = |last| Dataset::new("d", Samples::U8(vec![1, 2, 3, last]), 2).unwrap();
        assert_ne!(fingerprint(&bytes(4)), fingerprint(&bytes(5)));
        // As it stands in state files: another hash would refuse the data of every run.
        assert_eq!(fingerprint(&bytes(4)).len(), 32);
    }
}
