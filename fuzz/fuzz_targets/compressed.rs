//! Fuzzes [`narrows_fuzz::compressed`]: a compressed file.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::compressed(data));
