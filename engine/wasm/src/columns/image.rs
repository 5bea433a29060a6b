//! A batch as bytes of its own, for guests that have no address for it: components. Addresses count from the first byte.

use arrow::array::ArrayRef;
use wasmill_plan::DataType;

use super::guest::Call;
use super::read::Bounds;
use super::write::{Block, write_words};
use super::{BATCH_BYTES, COLUMN_BYTES, RESULT_BYTES};
use crate::instance::Failure;

/// `wm_batch`, the arguments' `wm_column`s, `wm_result`, the results' `wm_column`s, then what they refer to.
pub(crate) fn write(call: &Call) -> Result<Vec<u8>, Failure> {
    let too_many = || Failure::wrong("the batch is too large for 32-bit addresses");
    let mut block = Block::default();
    let columns_at = BATCH_BYTES as u32;
    let result_at = columns_at + (COLUMN_BYTES * call.args.len()) as u32;
    let results_at = result_at + RESULT_BYTES as u32;
    block.reserve(results_at as usize + COLUMN_BYTES * call.results.len());
    let args = call.args.iter().zip(call.arg_types);
    let args = args.map(|(array, ty)| block.argument(array, ty, call.rows)).collect::<Option<Vec<_>>>();
    let args = args.ok_or_else(too_many)?;
    let results = call.results.iter().map(|ty| block.result(ty, call.result_rows)).collect::<Option<Vec<_>>>();
    let results = results.ok_or_else(too_many)?;
    let mut bytes = vec![0; u32::try_from(block.bytes).map_err(|_| too_many())? as usize];
    write_words(&mut bytes, 0, &[call.rows as u32, args.len() as u32, columns_at, 0]);
    for (i, column) in args.iter().enumerate() {
        column.write(&mut bytes, columns_at + (i * COLUMN_BYTES) as u32, 0);
    }
    write_words(&mut bytes, result_at, &[results_at, results.len() as u32, call.result_rows as u32, 0, 0, 0, 0, 0]);
    for (i, column) in results.iter().enumerate() {
        column.write(&mut bytes, results_at + (i * COLUMN_BYTES) as u32, 0);
    }
    block.write(&mut bytes, 0);
    Ok(bytes)
}

/// The one column of a result that begins with its `wm_result`.
pub(crate) fn read(bytes: &[u8], bytes_max: u64, rows: usize, returns: &DataType) -> Result<ArrayRef, Failure> {
    let image = Bounds::new(bytes, bytes_max);
    let [at, columns, got, ..] = image.words::<8>(0)?;
    if (columns, got as usize) != (1, rows) {
        return Err(Failure::wrong(format!("it gave {columns} columns of {got} rows for 1 column of {rows} rows")));
    }
    image.result(at, rows, returns)
}

/// The columns of such a result, of as many rows as it says, at most `rows_max`.
pub(crate) fn read_all(
    bytes: &[u8],
    bytes_max: u64,
    types: &[DataType],
    rows_max: usize,
) -> Result<Vec<ArrayRef>, Failure> {
    let image = Bounds::new(bytes, bytes_max);
    let [at, columns, rows, ..] = image.words::<8>(0)?;
    if columns as usize != types.len() {
        return Err(Failure::wrong(format!("it gave {columns} columns for {}", types.len())));
    }
    if rows as usize > rows_max {
        return Err(Failure::wrong(format!("it gave {rows} rows in one call, {rows_max} are allowed")));
    }
    let column = |(i, ty): (usize, &DataType)| {
        let at = at.checked_add((i * COLUMN_BYTES) as u32);
        image.result(at.ok_or_else(|| Failure::wrong("it gave columns beyond its result"))?, rows as usize, ty)
    };
    types.iter().enumerate().map(column).collect()
}
