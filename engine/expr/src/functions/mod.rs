//! The built-in functions, one family a file, each with its static table `FUNCTIONS`.

pub(crate) mod arguments;
pub mod arithmetic;
pub mod bitmap;
pub mod bits;
pub mod collection;
pub(crate) mod columns;
pub mod comparison;
pub mod conditional;
pub mod datetime;
pub mod hash;
pub mod inet;
pub mod json;
pub mod like;
pub mod logical;
pub mod math;
pub mod misc;
pub mod regexp;
pub(crate) mod round_text;
pub mod string;
#[cfg(test)]
mod testing;
pub mod url;
