//! What the fuzzer calls with any bytes. A target panics where wasmill breaks a promise; `engine/server/tests/fuzz_targets.rs`
//! runs the same functions over the committed corpus and changed copies of it on every test run.
#![allow(dead_code, reason = "each program uses one target")]

pub mod cast;
pub mod formats;
pub mod rewrite;
pub mod sql;

/// A target: any bytes in, a panic where something is wrong.
pub type Target = fn(&[u8]);

/// All targets by the name of their folder in `corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("sql", sql::any_script),
    ("json", formats::json),
    ("csv", formats::csv),
    ("parquet", formats::parquet),
    ("cast", cast::text_to_every_type),
    ("rewrite", rewrite::any_module),
];
