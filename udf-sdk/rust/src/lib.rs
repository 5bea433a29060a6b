//! Functions for wasmill in Rust: attributes on ordinary functions and `impl` blocks. The contract is `udf-sdk/ABI.md`; there
//! are no dependencies but this crate's own macros.
//!
//! ```ignore
//! #[wasmill::scalar]
//! fn risk(amount: f64, country: &str) -> Option<f64> {
//!     (country != "ZZ").then(|| amount / 1000.0)
//! }
//!
//! #[wasmill::table(word, position)]
//! fn words(line: &str) -> Vec<(String, i32)> {
//!     line.split_whitespace().zip(1..).map(|(word, i)| (word.to_owned(), i)).collect()
//! }
//! ```
//!
//! | attribute | on | SQL |
//! |---|---|---|
//! | [`macro@scalar`] | a function | `CREATE FUNCTION` |
//! | [`macro@batch`] | a function of a whole [`Batch`] | `CREATE FUNCTION` |
//! | [`macro@table`] | a function | `CREATE TABLE FUNCTION` |
//! | [`macro@aggregate`] | an `impl` block | `CREATE AGGREGATE FUNCTION` |
//! | [`macro@model`] | an `impl` block | `CREATE MODEL` |
//! | [`macro@process`] | an `impl` block, whose struct has [`macro@State`] | `CREATE PROCESS FUNCTION` |
//!
//! **Arguments** are `bool`, `i8` to `i64`, `f32`, `f64`, `&str`, `&[u8]`, [`Date`], [`Time`], [`Timestamp`],
//! [`TimestampLtz`] or [`Decimal`], or a `Vec` or `BTreeMap` of these. One that is an `Option` sees NULL; where another one is NULL, the function is not called:
//! a scalar function or a model gives NULL, a table function no row, an aggregate or process function takes no notice of the row.
//! **Results** are the same types, `String`, `Vec<u8>`, an `Option` of one, and all that as `Ok` of a `Result` whose error has a text, which fails
//! the row.
//!
//! An attribute also writes what it knows of the signature into the module (the custom section `wasmill.udf`). For a type of
//! another name write `#[sql("BIGINT")]` before the argument, and `returns = "BIGINT"` in the attribute.

pub mod abi;
mod aggregate;
mod argument;
mod batch;
mod model;
mod nested;
mod process;
mod result;
mod scalar;
mod state;
mod table;
mod types;

pub use argument::FromColumn;
pub use batch::{Batch, Column, RawBatch, RawColumn, RawResult, Value};
pub use process::{Clock, Context, Timer};
pub use result::{Builder, Columns, IntoRow, Outcome, Output, Row, Status};
pub use state::{Field, State};
pub use types::{Date, Decimal, Time, Timestamp, TimestampLtz};
pub use wasmill_macros::{State, aggregate, batch, model, process, scalar, table};

/// What the attributes' code calls; no part of the interface.
#[doc(hidden)]
pub mod exports {
    pub use crate::aggregate::{Groups, clear, finish, init, load, merge, save, state_bytes};
    pub use crate::model::{Features, Holder, bytes, give_bytes, predict_learn, width};
    pub use crate::process::{bytes_of, joined, process};
    pub use crate::scalar::{done, each, run, whole};
    pub use crate::table::expand;
}
