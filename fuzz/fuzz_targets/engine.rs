#![no_main]
//! Any bytes through `hygiene::fuzz::engine`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| evidence::hygiene::fuzz::engine(data));
