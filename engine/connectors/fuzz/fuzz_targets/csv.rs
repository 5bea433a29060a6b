//! Any bytes as CSV: rows, dead letters or an error, never a panic; and what was read is read again the same.
#![no_main]

#[path = "common.rs"]
mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common::read_all_ways(
    "csv",
    bytes,
    &[
        &[],
        &[("csv.header", "true")],
        &[("csv.escape-character", "\\"), ("csv.allow-comments", "true"), ("csv.ignore-parse-errors", "true")],
        &[("csv.disable-quote-character", "true"), ("csv.null-literal", "n")],
    ]
));
