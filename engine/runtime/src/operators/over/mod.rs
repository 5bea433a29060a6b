//! OVER in event time: aggregates of the rows around each row, in the order of a time attribute.
//!
//! ```text
//! plan::Over -- EventTimeOver:  rows wait for the watermark, then run in time order through Frames (two stacks)
//!            \- ArrivalOver:    each row is answered when it comes, from a tree of partials per key (processing time, too)
//! ```

mod accumulators;
mod arguments;
mod arrival;
mod cleanup;
mod event_time;
pub(crate) mod frames;
mod functions;
mod monoid;
mod partial;
pub(crate) mod pending;
mod results;
mod row_values;
mod running;
mod saved;
mod saved_trees;
mod sliding;
mod steps;
mod store;
mod sums;
#[cfg(test)]
mod tests;
pub(crate) mod ties;
mod tree;

use wasmill_expr::UserFunctions;
use wasmill_plan::{Over, OverAnswer, Result, Schema};

use crate::operator::Operator;

/// Makes the operator of a [`wasmill_plan::Operator::Over`].
///
/// # Errors
/// `Error::Query` for a function that is not known.
pub(crate) fn over(
    plan: &Over,
    input: &Schema,
    output: &Schema,
    functions: &dyn UserFunctions,
) -> Result<Box<dyn Operator>> {
    match plan.answer {
        OverAnswer::AtWatermark => Ok(Box::new(event_time::EventTimeOver::new(plan, input, output, functions)?)),
        _ => Ok(Box::new(arrival::ArrivalOver::new(plan, input, output, functions)?)),
    }
}
