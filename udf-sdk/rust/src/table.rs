//! Table functions: any number of rows for each row.

use std::fmt::Display;

use crate::batch::{Batch, RawColumn, RawResult};
use crate::result::{Builder, Columns, IntoRow, Row, fail, give};

/// The parent-row index, and the function's own columns.
#[derive(Default)]
struct Expanded<C> {
    parents: Builder<Vec<i32>>,
    own: C,
}

impl<C: Columns> Columns for Expanded<C> {
    fn give(&self, columns: &mut [RawColumn]) {
        let (first, own) = columns.split_first_mut().expect("the host gives a column for the parent-row index");
        self.parents.fill(first);
        self.own.give(own);
    }
}

/// Gives the rows that `function` says of each row, none for `None`.
#[inline]
pub fn expand<I: IntoIterator<Item: Row>, E: Display>(
    batch: &Batch,
    result: &mut RawResult,
    function: impl Fn(usize) -> Option<Result<I, E>>,
) -> u32 {
    let mut expanded = Expanded::<<I::Item as Row>::Builders> { parents: Builder::default(), own: Default::default() };
    let mut rows = 0;
    for parent in 0..batch.rows() {
        match function(parent) {
            None => {}
            Some(Err(why)) => return fail(why.to_string(), result),
            Some(Ok(given)) => {
                for row in given {
                    (parent as i32).put(&mut expanded.parents);
                    row.put_row(&mut expanded.own);
                    rows += 1;
                }
            }
        }
    }
    give(expanded, rows, result)
}
