//! Fuzzes [`narrows_fuzz::idx_images`]: an IDX file of images.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::idx_images(data));
