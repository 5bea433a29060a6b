//! Values of any type as bytes: Arrow's row encoding, which orders as the values do.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType as A, Field};
use arrow::row::{RowConverter, Rows, SortField};
use wasmill_plan::{DataType, Error, Result};

/// One value, or the values of several columns.
pub(super) type Bytes = Box<[u8]>;

/// Turns columns of fixed types into bytes per row, and back.
pub(super) struct RowValues {
    converter: RowConverter,
    types: Vec<A>,
}

impl RowValues {
    pub(super) fn new(types: &[DataType]) -> Result<Self> {
        let types: Vec<A> = types.iter().map(DataType::to_arrow).collect();
        let fields = types.iter().cloned().map(SortField::new).collect();
        let converter = RowConverter::new(fields)
            .map_err(|e| Error::query(format!("values of these types cannot be aggregated: {e}")))?;
        Ok(Self { converter, types })
    }
    pub(super) fn types(&self) -> &[A] {
        &self.types
    }
    pub(super) fn encode(&self, columns: &[ArrayRef]) -> Result<Rows> {
        Ok(self.converter.convert_columns(columns)?)
    }
    /// The columns of those rows, in order.
    pub(super) fn decode<'a>(&self, values: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        let parser = self.converter.parser();
        Ok(self.converter.convert_rows(values.into_iter().map(|v| parser.parse(v)))?)
    }
}

/// The type of a saved list of values.
pub(super) fn list_type(item: &A) -> A {
    A::List(Arc::new(Field::new("item", item.clone(), true)))
}

/// One list per group from the values of all groups, one behind the other.
pub(super) fn lists(values: ArrayRef, lengths: impl IntoIterator<Item = usize>) -> ArrayRef {
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, None))
}

/// A saved list column.
pub(super) fn saved_lists<'a>(columns: &'a [ArrayRef], index: usize, what: &str) -> Result<&'a ListArray> {
    columns.get(index).and_then(|c| c.as_list_opt::<i32>()).ok_or_else(|| super::corrupt(what))
}
