//! Fuzzes [`narrows_fuzz::idx_labels`]: an IDX file of labels.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::idx_labels(data));
