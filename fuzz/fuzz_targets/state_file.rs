//! Fuzzes [`narrows_fuzz::state_file`]: the state of a run.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::state_file(data));
