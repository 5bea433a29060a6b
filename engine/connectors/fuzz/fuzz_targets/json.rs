//! Any bytes as JSON lines: rows, dead letters or an error, never a panic; and what was read is read again the same.
#![no_main]

#[path = "common.rs"]
mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common::read_all_ways(
    "json",
    bytes,
    &[&[], &[("json.ignore-parse-errors", "true")]]
));
