//! Fuzzes [`narrows_fuzz::safetensors_data`]: a safetensors file of samples.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::safetensors_data(data));
