//! Functions row by row over a batch.

use crate::batch::{Batch, RawResult};
use crate::result::{Builder, IntoRow, Outcome, Output, Row, Status, fail, give};

/// Gives what `function` says of each row, NULL for `None`.
#[inline(always)]
pub fn run<R: Outcome<Row: Row>>(
    batch: &Batch,
    result: &mut RawResult,
    mut function: impl FnMut(usize) -> Option<R>,
) -> u32 {
    let mut columns = <R::Row as Row>::Builders::default();
    for row in 0..batch.rows() {
        match function(row).map(Outcome::outcome) {
            Some(Ok(value)) => value.put_row(&mut columns),
            Some(Err(why)) => return fail(why, result),
            None => R::Row::put_nulls(&mut columns),
        }
    }
    give(columns, batch.rows(), result)
}

/// Calls `function` for each row, in order; `None` for a row that it takes no notice of.
#[inline(always)]
pub fn each<R: Status>(batch: &Batch, result: &mut RawResult, mut function: impl FnMut(usize) -> Option<R>) -> u32 {
    for row in 0..batch.rows() {
        if let Some(Err(why)) = function(row).map(Status::status) {
            return fail(why, result);
        }
    }
    0
}

/// Gives the values of all rows at once.
pub fn whole<T>(batch: &Batch, result: &mut RawResult, values: Result<Vec<T>, String>) -> u32
where
    T: IntoRow<Builder = Vec<T>>,
    Vec<T>: Output,
{
    match values {
        Ok(values) if values.len() == batch.rows() => {
            let mut column = Builder::default();
            column.all(values);
            give((column,), batch.rows(), result)
        }
        Ok(values) => fail(format!("it gave {} values for {} rows", values.len(), batch.rows()), result),
        Err(why) => fail(why, result),
    }
}

/// Gives nothing, or the message of what failed.
pub fn done<R: Status>(outcome: R, result: &mut RawResult) -> u32 {
    match outcome.status() {
        Ok(()) => 0,
        Err(why) => fail(why, result),
    }
}
