//! Sessions: statements in, jobs and listings out. The command line and the shell stand on this.
//!
//! ```text
//! ParsedStatement --Session::execute--> Answer::Done     DDL and settings, done at once
//!                                     | Answer::Listing  SHOW, DESCRIBE, EXPLAIN
//!                                     | Answer::Job      a planned job --Job::start(rows)--> RunningJob
//! ```

mod alter;
mod dead_letters;
mod error;
mod functions;
mod job;
mod jobs;
mod listing;
mod rows;
mod session;
mod shadow;

pub use error::SessionError;
pub use job::{Job, Progress, RunningJob};
pub use jobs::EndedJob;
pub use rows::RowWriter;
pub use session::{Answer, Session};
pub use wasmill_connectors::{ConnectorInfo, OptionKind, OptionSpec, connector, connectors};
pub use wasmill_runtime::batch::{Batch, RowKind};
pub use wasmill_runtime::metrics::WatermarkHolder;
