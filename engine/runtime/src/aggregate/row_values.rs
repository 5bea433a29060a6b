//! Values that aggregates keep: of fixed width as they are, of any type as bytes in Arrow's row encoding, which orders as the
//! values do.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListArray, PrimitiveArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{ArrowPrimitiveType, DataType as A, Field};
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

/// How argument values become keys that are kept, and back.
pub(super) trait Keys: Send {
    type Key: Hash + Eq + Clone + Send;
    fn types(&self) -> Vec<A>;
    /// The key of each row, NULLs too.
    fn keys(&self, args: &[ArrayRef]) -> Result<Vec<Self::Key>>;
    /// The argument columns of those keys.
    fn columns<'a>(&self, keys: impl Iterator<Item = &'a Self::Key>) -> Result<Vec<ArrayRef>>
    where
        Self::Key: 'a;
}

/// One argument of fixed width.
pub(super) struct Fixed<T> {
    pub(super) data_type: A,
    pub(super) of: std::marker::PhantomData<fn(T)>,
}

impl<T: ArrowPrimitiveType> Keys for Fixed<T>
where
    T::Native: Hash + Eq,
{
    type Key = Option<T::Native>;
    fn types(&self) -> Vec<A> {
        vec![self.data_type.clone()]
    }
    fn keys(&self, args: &[ArrayRef]) -> Result<Vec<Self::Key>> {
        Ok(args[0].as_primitive::<T>().iter().collect())
    }
    fn columns<'a>(&self, keys: impl Iterator<Item = &'a Self::Key>) -> Result<Vec<ArrayRef>> {
        let values = keys.copied().collect::<PrimitiveArray<T>>();
        Ok(vec![Arc::new(values.with_data_type(self.data_type.clone()))])
    }
}

impl Keys for RowValues {
    type Key = Bytes;
    fn types(&self) -> Vec<A> {
        RowValues::types(self).to_vec()
    }
    fn keys(&self, args: &[ArrayRef]) -> Result<Vec<Bytes>> {
        Ok(self.encode(args)?.iter().map(|row| row.as_ref().into()).collect())
    }
    fn columns<'a>(&self, keys: impl Iterator<Item = &'a Bytes>) -> Result<Vec<ArrayRef>> {
        self.decode(keys.map(|k| &k[..]))
    }
}

/// Gives `$body` with `$keys` bound to the [`Keys`] of arguments of those types.
macro_rules! with_keys_of {
    ($types:expr, $keys:ident => $body:expr) => {{
        use arrow::datatypes::{self as t, DataType as A, TimeUnit};
        let types: &[wasmill_plan::DataType] = $types;
        let only = if let [only] = types { Some(only.to_arrow()) } else { None };
        macro_rules! fixed {
            ($t:ident, $data_type:expr) => {{
                let $keys = $crate::aggregate::row_values::Fixed::<t::$t> {
                    data_type: $data_type,
                    of: std::marker::PhantomData,
                };
                $body
            }};
        }
        match only {
            Some(data_type @ A::Int32) => fixed!(Int32Type, data_type),
            Some(data_type @ A::Int64) => fixed!(Int64Type, data_type),
            Some(data_type @ A::Date32) => fixed!(Date32Type, data_type),
            Some(data_type @ A::Timestamp(TimeUnit::Millisecond, _)) => fixed!(TimestampMillisecondType, data_type),
            _ => {
                let $keys = $crate::aggregate::row_values::RowValues::new(types)?;
                $body
            }
        }
    }};
}
pub(super) use with_keys_of;

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
