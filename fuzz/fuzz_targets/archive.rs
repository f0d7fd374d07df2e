#![no_main]
//! Any bytes through `hygiene::fuzz::archive`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| evidence::hygiene::fuzz::archive(data));
