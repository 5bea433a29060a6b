//! Online learning inside the job: algorithms of the Python library River, with River's own numbers, as functions and models.
//!
//! The modules are plain Rust; `functions.rs` binds them to SQL. `tests/expected.rs` compares them with what River 0.26.1 gives.
//!
//! ```text
//! functions.rs ─┬─ models ──── logistic, half_space, tree     options.rs reads their artifact, a text of name = value
//!               └─ aggregates ─ roc_auc, statistics, drift     bytes.rs writes snapshots and states
//! ```

pub mod bytes;
pub mod drift;
mod functions;
pub mod half_space;
pub mod logistic;
pub mod options;
pub mod random;
pub mod roc_auc;
pub mod scale;
pub mod statistics;
pub mod tree;
