//! Fuzzes [`narrows_fuzz::picture`]: a picture.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::picture(data));
