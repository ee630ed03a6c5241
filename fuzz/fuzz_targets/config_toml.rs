//! Fuzzes [`narrows_fuzz::config_toml`]: a configuration.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| narrows_fuzz::config_toml(data));
