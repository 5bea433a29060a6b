//! Evaluates a bound expression over record batches.
//!
//! ```text
//! Expr --build--> Node tree --(frame: columns, selected rows, context)--> ColumnValue
//! ```
//!
//! Branches of CASE, COALESCE and IF and the right sides of AND and OR see only the rows that reach them, so an expression
//! that would fail on another row does not fail the job. Constant parts are computed once.

mod branch;
mod build;
mod node;
mod predicate;
#[cfg(test)]
mod tests;

use arrow::array::{ArrayRef, RecordBatch};
use wasmill_plan::{Error, Expr, Result};

use crate::{ColumnValue, Context};
use node::{Frame, Node};
pub use predicate::{Predicate, Selection};

/// Where the evaluator finds the user's functions.
pub trait UserFunctions {
    /// The scalar function of that name, ready to be called by one instance of an operator.
    fn scalar(&self, name: &str) -> Result<Box<dyn UserScalar>>;
}

/// One instance of a user's scalar function.
pub trait UserScalar: Send {
    /// Computes one result a row; every argument is `rows` long, and so must be the result.
    fn call(&mut self, args: &[ArrayRef], rows: usize, context: &Context) -> Result<ArrayRef>;
}

/// For jobs and tests without user functions: every name is an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoUserFunctions;

impl UserFunctions for NoUserFunctions {
    fn scalar(&self, name: &str) -> Result<Box<dyn UserScalar>> {
        Err(Error::query(format!("there is no function '{name}'")))
    }
}

/// An expression made ready for batches; it belongs to one instance of an operator.
pub struct Evaluator {
    root: Node,
}

impl Evaluator {
    /// Prepares `expr`: kernels are made, regular expressions and formats compiled.
    ///
    /// # Errors
    /// `Error::Query` for an unknown function, or for a constant argument that can never work.
    pub fn new(expr: &Expr, functions: &dyn UserFunctions) -> Result<Self> {
        Ok(Self { root: build::node(expr, functions)? })
    }

    /// The result for each row of `batch`, exactly `batch.num_rows()` long and of the expression's Arrow type.
    ///
    /// # Errors
    /// `Error::Data` where Flink fails the job on a value; `Error::Function` from a user's function.
    pub fn evaluate(&mut self, batch: &RecordBatch, context: &Context) -> Result<ArrayRef> {
        let value = self.evaluate_value(batch, context)?;
        let array = value.to_array(batch.num_rows());
        debug_assert_eq!(array.len(), batch.num_rows());
        Ok(array)
    }

    /// As [`Evaluator::evaluate`], but one value where it is the same for all rows.
    pub fn evaluate_value(&mut self, batch: &RecordBatch, context: &Context) -> Result<ColumnValue> {
        self.root.evaluate(&Frame::of_batch(batch, context))
    }
}
