//! Fuzzes [`narrows_fuzz::model_file`]: a model file.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::model_file(data));
