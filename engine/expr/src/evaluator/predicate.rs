//! A BOOLEAN expression as a filter.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use wasmill_plan::{Expr, Result};

use super::{Evaluator, UserFunctions};
use crate::{ColumnValue, Context};

/// A filter: an expression of type BOOLEAN of which only TRUE passes.
pub struct Predicate(Evaluator);

/// The rows that a filter lets through.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// Every row.
    All,
    /// No row.
    None,
    /// The rows where the mask, without NULLs and as long as the batch, is true; some are, some are not.
    Some(BooleanArray),
}

impl Predicate {
    /// Prepares the filter, as [`Evaluator::new`].
    pub fn new(expr: &Expr, functions: &dyn UserFunctions) -> Result<Self> {
        Ok(Self(Evaluator::new(expr, functions)?))
    }

    /// Which rows of `batch` pass.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    pub fn select(&mut self, batch: &RecordBatch, context: &Context) -> Result<Selection> {
        let rows = batch.num_rows();
        Ok(match self.0.evaluate_value(batch, context)? {
            ColumnValue::Constant(value) => {
                let value = value.as_boolean_opt();
                let passes = value.is_some_and(|value| value.is_valid(0) && value.value(0));
                if passes { Selection::All } else { Selection::None }
            }
            ColumnValue::Column(array) => {
                let Some(array) = array.as_boolean_opt() else { return Ok(Selection::None) };
                let mask = match array.nulls() {
                    Some(nulls) => array.values() & nulls.inner(),
                    None => array.values().clone(),
                };
                match mask.count_set_bits() {
                    0 => Selection::None,
                    n if n == rows => Selection::All,
                    _ => Selection::Some(BooleanArray::new(mask, None)),
                }
            }
        })
    }
}
