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
mod process;
#[cfg(test)]
mod tests;
mod traits;

use arrow::array::{ArrayRef, RecordBatch};
use wasmill_plan::{Error, Expr, Result, Table};

use crate::{ColumnValue, Context, ModuleVersion, UserName};
use node::{Frame, Node};
pub use predicate::{Predicate, Selection};
pub use process::{KeyedRows, ProcessResult, TimerChange, TimerClock, UserProcess};
pub use traits::{eager_children, is_repeatable, is_slight};

/// Where the evaluator finds the user's functions.
pub trait UserFunctions {
    /// The scalar function of that name, ready to be called by one instance of an operator.
    fn scalar(&self, name: &str) -> Result<Box<dyn UserScalar>>;

    /// The aggregate function of that name, without groups, for one place in one instance of an operator.
    fn aggregate(&self, name: &str) -> Result<Box<dyn UserAggregate>> {
        Err(Error::query(format!("there is no aggregate function '{name}'")))
    }

    /// The table function of that name, for one instance of an operator.
    fn table(&self, name: &str) -> Result<Box<dyn UserTable>> {
        Err(Error::query(format!("there is no table function '{name}'")))
    }

    /// The model of that name, for one instance of an operator.
    fn model(&self, name: &str) -> Result<Box<dyn UserModel>> {
        Err(Error::query(format!("there is no model '{name}'")))
    }

    /// The process function of that name, for one instance of an operator.
    fn process(&self, name: &str) -> Result<Box<dyn UserProcess>> {
        Err(Error::query(format!("there is no process function '{name}'")))
    }

    /// The module that a name stands for; `None` where it stands for none.
    fn version(&self, name: &UserName) -> Option<ModuleVersion> {
        let _ = name;
        None
    }

    /// The table that takes what a candidate beside the function or model gives, in the order of its sink columns
    /// ([`UserScalar::take_shadow`]); `None` where there is no candidate.
    fn shadow_table(&self, name: &UserName) -> Option<Table> {
        let _ = name;
        None
    }
}

/// One instance of a user's scalar function.
pub trait UserScalar: Send {
    /// Computes one result a row; every argument is `rows` long, and so must be the result.
    fn call(&mut self, args: &[ArrayRef], rows: usize, context: &Context) -> Result<ArrayRef>;

    /// What a candidate beside it gave for the rows since it was asked last, as rows of [`UserFunctions::shadow_table`].
    fn take_shadow(&mut self) -> Option<RecordBatch> {
        None
    }
}

/// The accumulators of one user's aggregate function, for groups `0..n`; `groups` has a number per row.
pub trait UserAggregate: Send {
    /// Whether [`UserAggregate::retract`] may be called.
    fn can_retract(&self) -> bool;
    /// Whether [`UserAggregate::merge`] may be called.
    fn can_merge(&self) -> bool;
    /// Makes room for groups `0..groups`; new ones are empty. Never shrinks.
    fn resize(&mut self, groups: usize);
    /// Adds rows, in their order.
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()>;
    /// Takes rows back that were added before.
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()>;
    /// Adds what group `from[i]` holds to group `into[i]`; its rows count as the later ones.
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()>;
    /// The results of those groups.
    fn finish(&mut self, groups: &[u32]) -> Result<ArrayRef>;
    /// Empties groups.
    fn clear(&mut self, groups: &[u32]);
    /// The accumulators of those groups: a Binary column without NULLs.
    fn save(&mut self, groups: &[u32]) -> Result<ArrayRef>;
    /// Fills groups, which are empty, with what [`UserAggregate::save`] gave.
    fn load(&mut self, groups: &[u32], saved: &ArrayRef) -> Result<()>;
}

/// One instance of a user's table function.
pub trait UserTable: Send {
    /// Any number of rows for each of `rows` rows: the row that each result row belongs to, rising, and the columns. Every
    /// argument is `rows` long, or of one value for all.
    fn call(&mut self, args: &[ArrayRef], rows: usize, context: &Context) -> Result<(Vec<u32>, Vec<ArrayRef>)>;
}

/// One instance of a user's model.
pub trait UserModel: Send {
    /// The OUTPUT columns for each of `rows` rows. Every argument is `rows` long, or of one value for all.
    fn predict(&mut self, args: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>>;
    /// The same, learning from each row behind its prediction where it has all its labels; later rows see what was learnt.
    fn predict_then_learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>>;
    /// Learns from rows in order; those that lack a label are passed over.
    fn learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> Result<()>;
    /// All that was learnt.
    fn save(&mut self) -> Result<Vec<u8>>;
    /// Becomes what [`UserModel::save`] gave.
    fn load(&mut self, snapshot: &[u8]) -> Result<()>;

    /// As [`UserScalar::take_shadow`].
    fn take_shadow(&mut self) -> Option<RecordBatch> {
        None
    }
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
