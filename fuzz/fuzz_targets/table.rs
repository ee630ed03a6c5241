//! Fuzzes [`narrows_fuzz::table`]: a table as text.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::table(data));
