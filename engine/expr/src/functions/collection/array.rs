//! ARRAY_APPEND, _PREPEND, _CONCAT, _UNION, _EXCEPT, _INTERSECT, _CONTAINS, _POSITION, _REMOVE, _DISTINCT, _REVERSE, _SLICE.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::Int32Type;
use arrow::row::Rows;
use wasmill_plan::Result;

use super::elements::{Comparable, contains as range_contains, lists, range};
use crate::function::{CallSite, ColumnValue, Kernel};
use crate::functions::columns::{booleans, int, kernel, list, numbers};

pub(super) fn append(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (arrays, element) = (list(&args[0]), &args[1]);
        lists(rows, &[arrays.array().values(), element.array()], |row, out| {
            out.extend(range(&arrays, row)?.map(|i| (0, i)));
            out.push((1, element.index(row)));
            Some(())
        })
    })
}

pub(super) fn prepend(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (arrays, element) = (list(&args[0]), &args[1]);
        lists(rows, &[arrays.array().values(), element.array()], |row, out| {
            out.push((1, element.index(row)));
            out.extend(range(&arrays, row)?.map(|i| (0, i)));
            Some(())
        })
    })
}

/// NULL where any array is.
pub(super) fn concat(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let arrays: Vec<_> = args.iter().map(list).collect();
        let sources: Vec<&dyn Array> = arrays.iter().map(|a| a.array().values() as &dyn Array).collect();
        lists(rows, &sources, |row, out| {
            for (source, arrays) in arrays.iter().enumerate() {
                out.extend(range(arrays, row)?.map(|i| (source, i)));
            }
            Some(())
        })
    })
}

/// The elements of both, each once, in the order of their first appearance.
pub(super) fn union(_: &CallSite) -> Result<Box<dyn Kernel>> {
    set_operation(|a, b, seen, out| {
        for (source, set) in [(0, a), (1, b)] {
            out.extend(set.range.filter(|i| seen.insert(set.rows.row(*i))).map(|i| (source, i)));
        }
    })
}

/// The elements of the first that are not in the second, each once.
pub(super) fn except(_: &CallSite) -> Result<Box<dyn Kernel>> {
    set_operation(|a, b, seen, out| {
        seen.extend(b.range.map(|i| b.rows.row(i)));
        out.extend(a.range.filter(|i| seen.insert(a.rows.row(*i))).map(|i| (0, i)));
    })
}

/// The elements of the first that are in the second too, each once.
pub(super) fn intersect(_: &CallSite) -> Result<Box<dyn Kernel>> {
    set_operation(|a, b, seen, out| {
        seen.extend(b.range.map(|i| b.rows.row(i)));
        out.extend(a.range.filter(|i| seen.remove(&a.rows.row(*i))).map(|i| (0, i)));
    })
}

/// One row's array for a set operation.
struct Set<'a> {
    rows: &'a Rows,
    range: std::ops::Range<usize>,
}

type Seen<'a> = HashSet<arrow::row::Row<'a>, foldhash::fast::RandomState>;

fn set_operation(
    f: for<'a> fn(Set<'a>, Set<'a>, &mut Seen<'a>, &mut Vec<super::elements::Pick>),
) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| {
        let (a, b) = (list(&args[0]), list(&args[1]));
        let comparable = Comparable::new(a.array().values().data_type())?;
        let (rows_a, rows_b) = (comparable.rows(a.array().values())?, comparable.rows(b.array().values())?);
        let mut seen = Seen::default();
        lists(rows, &[a.array().values(), b.array().values()], |row, out| {
            let first = Set { rows: &rows_a, range: range(&a, row)? };
            let second = Set { rows: &rows_b, range: range(&b, row)? };
            seen.clear();
            f(first, second, &mut seen, out);
            Some(())
        })
    })
}

/// The comparable elements of the arrays in argument 0 and of the elements in argument 1.
fn compared(args: &[ColumnValue]) -> Result<(Rows, Rows)> {
    let values: &ArrayRef = list(&args[0]).array().values();
    let comparable = Comparable::new(values.data_type())?;
    Ok((comparable.rows(values)?, comparable.rows(args[1].array())?))
}

/// A NULL element is sought like any other.
pub(super) fn contains(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (elements, wanted) = compared(args)?;
        let arrays = list(&args[0]);
        booleans(rows, |row| Some(range_contains(&elements, range(&arrays, row)?, wanted.row(args[1].index(row)))))
    })
}

/// From 1; 0 where it is not in the array, NULL where the element is NULL.
pub(super) fn position(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (elements, wanted) = compared(args)?;
        let arrays = list(&args[0]);
        numbers::<Int32Type>(rows, |row| {
            let index = args[1].index(row);
            let mut range = range(&arrays, row)?;
            if args[1].array().is_null(index) {
                return None;
            }
            Some(range.position(|i| elements.row(i) == wanted.row(index)).map_or(0, |at| at as i32 + 1))
        })
    })
}

/// Without all elements that equal the given one; a NULL removes the NULLs.
pub(super) fn remove(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (elements, unwanted) = compared(args)?;
        let arrays = list(&args[0]);
        lists(rows, &[arrays.array().values()], |row, out| {
            let unwanted = unwanted.row(args[1].index(row));
            out.extend(range(&arrays, row)?.filter(|i| elements.row(*i) != unwanted).map(|i| (0, i)));
            Some(())
        })
    })
}

pub(super) fn distinct(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let arrays = list(&args[0]);
        let values = arrays.array().values();
        let elements = Comparable::new(values.data_type())?.rows(values)?;
        let mut seen = Seen::default();
        lists(rows, &[values], |row, out| {
            seen.clear();
            out.extend(range(&arrays, row)?.filter(|i| seen.insert(elements.row(*i))).map(|i| (0, i)));
            Some(())
        })
    })
}

pub(super) fn reverse(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let arrays = list(&args[0]);
        lists(rows, &[arrays.array().values()], |row, out| {
            out.extend(range(&arrays, row)?.rev().map(|i| (0, i)));
            Some(())
        })
    })
}

/// `ARRAY_SLICE(array, start [, end])`: positions from 1 and both inside; negative ones count from the end, 0 is as 1.
pub(super) fn slice(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (arrays, start, end) = (list(&args[0]), int(&args[1]), args.get(2).map(int));
        lists(rows, &[arrays.array().values()], |row, out| {
            let (range, start) = (range(&arrays, row)?, i64::from(start.get(row)?));
            let count = range.len() as i64;
            let end = match &end {
                Some(end) => i64::from(end.get(row)?),
                None => count,
            };
            let from_end = |position: i64| if position < 0 { position + count + 1 } else { position };
            let start = from_end(start).max(1);
            let end = match from_end(end) {
                0 => 1,
                end => end.min(count),
            };
            if count > 0 && start <= end {
                out.extend(range.skip(start as usize - 1).take((end - start + 1) as usize).map(|i| (0, i)));
            }
            Some(())
        })
    })
}
