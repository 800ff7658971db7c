//! `cargo fuzz run index fuzz/corpus/index fuzz/seeds/index`
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code, reason = "each fuzzer uses one target")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::index(data));
