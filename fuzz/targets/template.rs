//! The braces of a template, which the attribute reads as it is compiled.
#![no_main]

#[path = "../../idempotent-macros/src/parse/template.rs"]
mod template;

libfuzzer_sys::fuzz_target!(|input: &[u8]| template::fuzz(input));
