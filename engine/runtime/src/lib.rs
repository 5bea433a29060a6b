//! Runs a [`wasmill_plan::Plan`]: messages, operators, state, tasks, exchanges and checkpoints.
//!
//! ```text
//! Plan --job::Job--> tasks, one thread each:  source | gate (merge watermarks, align barriers) -> chain of operators -> exchange
//! ```

pub mod aggregate;
pub mod batch;
pub mod build;
pub mod clock;
#[cfg(test)]
pub(crate) mod harness;
mod hash;
pub mod operator;
pub mod operators;
pub mod sink;
pub mod source;
pub mod state;
pub mod testing;

pub use batch::{Batch, Message, NO_WATERMARK, RowKind, WatermarkStep};
pub use clock::Clock;
pub use operator::{Operator, OperatorContext, Output};
