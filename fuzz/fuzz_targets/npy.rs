//! Fuzzes [`narrows_fuzz::npy`]: an array of NumPy's.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::npy(data));
