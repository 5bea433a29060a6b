//! ARRAY_SORT, ARRAY_MAX and ARRAY_MIN.

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::take;
use arrow::row::Rows;
use wasmill_plan::Result;

use super::elements::{Comparable, lists, range};
use crate::function::{CallSite, Kernel};
use crate::functions::columns::{Column, boolean, kernel, list};

/// `ARRAY_SORT(array [, ascending [, nulls first]])`: NULLs are first in ascending and last in descending order where it is
/// not said.
pub(super) fn sort(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let arrays = list(&args[0]);
        let (ascending, nulls_first) = (args.get(1).map(boolean), args.get(2).map(boolean));
        let values = arrays.array().values();
        let elements = Comparable::new(values.data_type())?.rows(values)?;
        lists(rows, &[values], |row, out| {
            let ascending = ascending.as_ref().map_or(Some(true), |c| Column::get(c, row))?;
            let nulls_first = nulls_first.as_ref().map_or(Some(ascending), |c| Column::get(c, row))?;
            let start = out.len();
            out.extend(range(&arrays, row)?.map(|i| (0, i)));
            out[start..].sort_by(|(_, a), (_, b)| {
                let by_null = values.is_null(*b).cmp(&values.is_null(*a));
                let by_value = elements.row(*a).cmp(&elements.row(*b));
                (if nulls_first { by_null } else { by_null.reverse() }).then(if ascending {
                    by_value
                } else {
                    by_value.reverse()
                })
            });
            Some(())
        })
    })
}

pub(super) fn max(_: &CallSite) -> Result<Box<dyn Kernel>> {
    extreme(|elements, of| of.max_by_key(|i| elements.row(*i)))
}

pub(super) fn min(_: &CallSite) -> Result<Box<dyn Kernel>> {
    extreme(|elements, of| of.min_by_key(|i| elements.row(*i)))
}

/// Leaves NULL elements out; NULL where nothing is left.
fn extreme(pick: fn(&Rows, &mut dyn Iterator<Item = usize>) -> Option<usize>) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| -> Result<ArrayRef> {
        let arrays = list(&args[0]);
        let values = arrays.array().values();
        let elements = Comparable::new(values.data_type())?.rows(values)?;
        let picked: Int64Array = (0..rows)
            .map(|row| {
                let mut present = range(&arrays, row)?.filter(|i| values.is_valid(*i));
                pick(&elements, &mut present).map(|i| i as i64)
            })
            .collect();
        Ok(take(values, &picked, None)?)
    })
}
