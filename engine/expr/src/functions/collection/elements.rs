//! The elements behind a column of arrays, in comparable form, and building arrays from picked elements.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field};
use arrow::row::{Row, RowConverter, Rows, SortField};
use wasmill_plan::Result;

use crate::functions::columns::{Column, variable_length};

/// Makes values of one type comparable.
pub(super) struct Comparable(RowConverter);

impl Comparable {
    /// For elements of that type.
    pub(super) fn new(element: &DataType) -> Result<Self> {
        Ok(Self(RowConverter::new(vec![SortField::new(element.clone())])?))
    }
    /// One comparable row per element, NULL lowest.
    pub(super) fn rows(&self, values: &ArrayRef) -> Result<Rows> {
        Ok(self.0.convert_columns(std::slice::from_ref(values))?)
    }
}

/// Where the elements of row `row` lie in the values of the column; `None` for a NULL array.
pub(super) fn range(lists: &Column<ListArray>, row: usize) -> Option<Range<usize>> {
    let (array, index) = (lists.array(), lists.index(row));
    if array.is_null(index) {
        return None;
    }
    let offsets = array.value_offsets();
    Some(offsets[index] as usize..offsets[index + 1] as usize)
}

/// Whether `wanted` is among `rows[range]`.
pub(super) fn contains(rows: &Rows, mut range: Range<usize>, wanted: Row) -> bool {
    range.any(|i| rows.row(i) == wanted)
}

/// The place of an element: which source, and the index in it.
pub(super) type Pick = (usize, usize);

/// Arrays of elements picked from `sources`: `f` appends row `row`'s picks, or gives `None` for a NULL array.
pub(super) fn lists(
    rows: usize,
    sources: &[&dyn Array],
    mut f: impl FnMut(usize, &mut Vec<Pick>) -> Option<()>,
) -> Result<ArrayRef> {
    let mut picks = Vec::new();
    let (offsets, nulls) = variable_length(rows, |row| {
        let start = picks.len();
        let some = f(row, &mut picks).is_some();
        if !some {
            picks.truncate(start);
        }
        Ok((picks.len(), some))
    })?;
    let values = interleave(sources, &picks)?;
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?))
}
