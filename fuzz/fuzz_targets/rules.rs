#![no_main]
//! Any bytes through `hygiene::fuzz::rules`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| evidence::hygiene::fuzz::rules(data));
