//! `CAST` and `TRY_CAST` between all types, with Flink's texts, cuts and overflows.

mod from_text;
mod nested;
mod numeric;
pub(crate) mod parse;
pub(crate) mod temporal;
#[cfg(test)]
mod tests;
mod to_text;

use arrow::array::{Array, ArrayRef, new_null_array};
use wasmill_plan::{DataType, Error, Result, TypeKind};

use crate::typing::can_cast;
use crate::{ColumnValue, Context, Kernel};

/// Converts a whole column, of any length.
type Convert = Box<dyn FnMut(&ArrayRef, &Context, &mut Failures) -> Result<ArrayRef> + Send>;

/// What happens to values that cannot be converted.
struct Failures {
    /// `TRY_CAST`: the value becomes NULL, and so do the nested values that it is part of.
    safe: bool,
    /// Rows of the current column whose value could not be converted.
    rows: Vec<usize>,
}

impl Failures {
    /// The value at `row` cannot be converted: an error, or noted where the cast is safe.
    fn at(&mut self, row: usize, message: impl FnOnce() -> String) -> Result<()> {
        if !self.safe {
            return Err(Error::data(message()));
        }
        self.rows.push(row);
        Ok(())
    }
}

/// The kernel that converts its one argument from `from` to `to`; where `safe`, NULL instead of an error.
///
/// # Errors
/// `Error::Query` where the cast does not exist; the planner has asked [`can_cast`] before.
pub fn kernel(from: &DataType, to: &DataType, safe: bool) -> Result<Box<dyn Kernel>> {
    let mut convert = convert(from, to)?;
    Ok(Box::new(move |args: &[ColumnValue], _: usize, context: &Context| {
        let mut failures = Failures { safe, rows: Vec::new() };
        convert(args[0].array(), context, &mut failures)
    }))
}

fn convert(from: &DataType, to: &DataType) -> Result<Convert> {
    if !can_cast(from, to) {
        return Err(Error::query(format!("cannot cast {} to {}", from.kind, to.kind)));
    }
    if from.kind == to.kind {
        return Ok(Box::new(|array, _, _| Ok(array.clone())));
    }
    let (source, target) = (&from.kind, &to.kind);
    match (source, target) {
        (TypeKind::Null, _) => {
            let arrow = to.to_arrow();
            Ok(Box::new(move |array, _, _| Ok(new_null_array(&arrow, array.len()))))
        }
        (_, target) if target.is_text() => Ok(to_text::convert(source.clone(), target)),
        (source, _) if source.is_text() => from_text::convert(target),
        (_, TypeKind::Binary(_) | TypeKind::Varbinary(_)) => Ok(to_text::fit_bytes(target)),
        (source, TypeKind::Bitmap) if source.is_binary() => Ok(Box::new(|array, _, _| Ok(array.clone()))),
        (TypeKind::Array(_) | TypeKind::Map(..) | TypeKind::Multiset(_) | TypeKind::Row(_), _) => {
            nested::convert(source, target)
        }
        (source, target)
            if (source.is_numeric() || *source == TypeKind::Boolean)
                && (target.is_numeric() || *target == TypeKind::Boolean) =>
        {
            numeric::convert(source, target)
        }
        _ => temporal::convert(source, target),
    }
}
