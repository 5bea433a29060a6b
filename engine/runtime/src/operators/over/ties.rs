//! The order of rows of one time.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::SortOptions;
use arrow::row::{RowConverter, SortField};
use wasmill_plan::{Error, Result, Schema, SortKey};

use super::pending::Due;
use crate::batch::take_rows;

/// How rows of one time are ordered.
pub(crate) struct Ties {
    columns: Vec<usize>,
    converter: RowConverter,
}

impl Ties {
    /// `None` where they keep the order of arrival.
    ///
    /// # Errors
    /// `Error::Query` for columns of types that have no order.
    pub(crate) fn new(keys: &[SortKey], input: &Schema) -> Result<Option<Self>> {
        if keys.is_empty() {
            return Ok(None);
        }
        let field = |key: &SortKey| {
            let options = SortOptions { descending: key.descending, nulls_first: key.nulls_first };
            SortField::new_with_options(input.fields[key.column].data_type.to_arrow(), options)
        };
        let converter = RowConverter::new(keys.iter().map(field).collect())
            .map_err(|e| Error::query(format!("columns of these types have no order: {e}")))?;
        Ok(Some(Self { columns: keys.iter().map(|k| k.column).collect(), converter }))
    }

    /// Sorts rows that are in the order of their times.
    ///
    /// # Errors
    /// None for the columns that it was made for.
    pub(crate) fn sort(&self, due: &mut Due) -> Result<()> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|&c| due.rows.column(c).clone()).collect();
        let sort_keys = self.converter.convert_columns(&columns)?;
        let mut order: Vec<u32> = (0..due.times.len() as u32).collect();
        order.sort_by_key(|&row| (due.times[row as usize], sort_keys.row(row as usize)));
        due.rows = take_rows(&due.rows, &UInt32Array::from(order.clone()));
        due.times = order.iter().map(|&row| due.times[row as usize]).collect();
        due.keys = order.iter().map(|&row| due.keys[row as usize]).collect();
        Ok(())
    }
}
