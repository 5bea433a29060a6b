//! Compiles nothing: see Cargo.toml.
fn main() {}
