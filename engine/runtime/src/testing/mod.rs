//! What tests of operators, jobs and connectors share: rows as text, tables in memory, and the runs of the test matrix.

pub mod matrix;
pub mod memory;
pub mod rows;
mod turnstile;

use std::sync::Arc;

use wasmill_expr::NoUserFunctions;
use wasmill_plan::{Error, Result, SourceNode};

use crate::clock::ManualClock;
use crate::operator::OperatorContext;
use crate::source::{Source, SourceFactory};

/// A factory that has no table.
pub struct NoSources;

impl SourceFactory for NoSources {
    fn source(&self, node: &SourceNode, _index: usize, _parallelism: usize) -> Result<Box<dyn Source>> {
        Err(Error::query(format!("there is no table '{}'", node.table.name)))
    }
}

/// A context for a single operator: UTC, a clock that stands at the epoch, watermarks every 200 ms, no tables, inputs that only add
/// rows.
pub fn operator_context(uid: &str) -> OperatorContext {
    OperatorContext {
        uid: uid.to_owned(),
        instance: 0,
        parallelism: 1,
        retracting: false,
        time_zone: chrono_tz::UTC,
        clock: Arc::new(ManualClock::default()),
        watermark_interval_ms: 200,
        random_seed: 0,
        sources: Arc::new(NoSources),
        functions: Arc::new(NoUserFunctions),
    }
}
