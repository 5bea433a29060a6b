//! Table functions: any number of rows for each row.

use std::fmt::Display;

use crate::batch::{Batch, RawColumn, RawResult};
use crate::result::{Builder, Columns, IntoRow, Row, fail, give};

/// A row index, and the columns behind it.
#[derive(Default)]
pub(crate) struct Indexed<C> {
    pub index: Builder<Vec<i32>>,
    pub own: C,
}

impl<C: Columns> Columns for Indexed<C> {
    fn give(&self, columns: &mut [RawColumn]) {
        let (first, own) = columns.split_first_mut().expect("the host gives a column for the row index");
        self.index.fill(first);
        self.own.give(own);
    }
}

impl<C> Indexed<C> {
    /// Adds the index of a row, and gives the columns for the rest of it.
    #[inline]
    pub(crate) fn add(&mut self, index: usize) -> &mut C {
        (index as i32).put(&mut self.index);
        &mut self.own
    }
    pub(crate) fn rows(&self) -> usize {
        self.index.rows()
    }
}

/// Gives the rows that `function` says of each row, none for `None`.
#[inline]
pub fn expand<I: IntoIterator<Item: Row>, E: Display>(
    batch: &Batch,
    result: &mut RawResult,
    function: impl Fn(usize) -> Option<Result<I, E>>,
) -> u32 {
    let mut expanded = Indexed::<<I::Item as Row>::Builders>::default();
    for parent in 0..batch.rows() {
        match function(parent) {
            None => {}
            Some(Err(why)) => return fail(why.to_string(), result),
            Some(Ok(given)) => {
                for row in given {
                    row.put_row(expanded.add(parent));
                }
            }
        }
    }
    let rows = expanded.rows();
    give(expanded, rows, result)
}
