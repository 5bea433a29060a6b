//! OVER in event time: aggregates of the rows around each row, in the order of a time attribute.
//!
//! ```text
//! plan::Over -- EventTimeOver:  rows wait for the watermark, then run in time order through Frames (two stacks)
//!            \- ArrivalOver:    each row is answered when it comes, from a tree of partials per key
//! ```

mod arguments;
mod arrival;
mod event_time;
pub(crate) mod frames;
mod functions;
pub(crate) mod pending;
mod saved;
mod saved_trees;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod windows;

use wasmill_plan::{Over, Result, Schema};

use crate::operator::Operator;

/// Makes the operator of a [`wasmill_plan::Operator::Over`].
///
/// # Errors
/// `Error::Query` for a function that is not known.
pub(crate) fn over(plan: &Over, input: &Schema, output: &Schema) -> Result<Box<dyn Operator>> {
    if plan.on_arrival {
        return Ok(Box::new(arrival::ArrivalOver::new(plan, input, output)?));
    }
    Ok(Box::new(event_time::EventTimeOver::new(plan, input, output)?))
}
