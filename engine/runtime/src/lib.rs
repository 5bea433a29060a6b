//! Runs a [`wasmill_plan::Plan`]: messages, operators, state, tasks, exchanges and checkpoints.
//!
//! ```text
//! Plan --job::Job--> tasks, one thread each:  source | gate (merge watermarks, align barriers) -> chain of operators -> exchange
//! ```

pub mod aggregate;
mod assemble;
pub mod batch;
pub mod build;
mod chain;
pub mod checkpoint;
pub mod clock;
mod coordinator;
pub mod exchange;
pub mod gate;
mod groups;
#[cfg(test)]
pub(crate) mod harness;
mod hash;
pub mod job;
mod key_table;
pub mod metrics;
pub mod operator;
pub mod operators;
mod places;
pub mod sink;
mod slicing;
pub mod source;
mod stage;
pub mod state;
pub mod swap;
mod task;
pub mod testing;
mod window;

pub use batch::{Batch, Message, NO_WATERMARK, RowKind, WatermarkStep};
pub use clock::Clock;
pub use job::{CheckpointOptions, Job, JobHandle, JobOptions, JobParts, JobReport, Stopper};
pub use operator::{Operator, OperatorContext, Output};
pub use swap::{PendingSwap, Swap};
pub use task::dead_letter_schema;
