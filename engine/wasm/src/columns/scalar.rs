//! Calls a scalar column function.

use arrow::array::ArrayRef;
use wasmill_plan::DataType;
use wasmtime::TypedFunc;

use super::guest::{Call, Guest};
use crate::instance::{Failure, Instance};

/// One instance and the handles into it.
pub(crate) struct ColumnsInstance {
    pub guest: Guest,
    run: TypedFunc<(u32, u32), u32>,
}

impl ColumnsInstance {
    /// Checks the ABI's version and finds the exports.
    pub(crate) fn new(instance: Instance, export: &str) -> Result<Self, Failure> {
        let mut guest = Guest::new(instance)?;
        let run = guest.export(export, "(i32, i32) -> i32")?;
        Ok(Self { guest, run })
    }

    /// The function on all rows at once; it sees NULLs and gives them.
    pub(crate) fn batch(
        &mut self,
        args: &[ArrayRef],
        rows: usize,
        returns: &DataType,
        types: &[DataType],
    ) -> Result<ArrayRef, Failure> {
        let returns = std::slice::from_ref(returns);
        let call = Call { rows, args, arg_types: types, results: returns, result_rows: rows, ..Call::default() };
        let placed = self.guest.place(&call)?;
        let code = self.guest.run(&self.run, (placed.input, placed.output))?;
        Ok(self.guest.results(code, &placed, returns, rows)?.remove(0))
    }
}
