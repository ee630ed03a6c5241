//! Fuzzes [`narrows_fuzz::npz`]: an archive of NumPy's arrays.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::npz(data));
