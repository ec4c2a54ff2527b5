//! See `idempotent-runtime/src/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| idempotent_runtime::fuzz::record(input));
