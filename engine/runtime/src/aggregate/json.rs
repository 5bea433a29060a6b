//! The values of JSON aggregates as JSON texts: JSON_STRING over one argument, before it is aggregated.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType as A;
use wasmill_expr::{Argument, CallSite, ColumnValue, Context, Kernel, registry};
use wasmill_plan::{DataType, Error, Result};

use super::Aggregate;

/// Wraps an aggregate whose argument at that position is JSON text; the state is that aggregate's.
pub(super) fn new(inner: Box<dyn Aggregate>, position: usize, argument: &DataType) -> Result<Box<dyn Aggregate>> {
    let function = registry::find("JSON_STRING").ok_or_else(|| Error::query("there is no function 'JSON_STRING'"))?;
    let signature = (function.infer)(&[Argument { data_type: argument, literal: None }]).map_err(Error::query)?;
    let site = CallSite { args: signature.args, literals: vec![None], returns: signature.returns };
    Ok(Box::new(JsonArgument { inner, position, kernel: (function.kernel)(&site)? }))
}

struct JsonArgument {
    inner: Box<dyn Aggregate>,
    position: usize,
    kernel: Box<dyn Kernel>,
}

impl JsonArgument {
    fn with_json(&mut self, args: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut args = args.to_vec();
        let column = args[self.position].clone();
        let rows = column.len();
        args[self.position] = self.kernel.evaluate(&[ColumnValue::Column(column)], rows, &Context::default())?;
        Ok(args)
    }
}

impl Aggregate for JsonArgument {
    fn resize(&mut self, groups: usize) {
        self.inner.resize(groups);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let args = self.with_json(args)?;
        self.inner.update(groups, &args)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let args = self.with_json(args)?;
        self.inner.retract(groups, &args)
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        self.inner.merge(into, from)
    }
    fn merges_in_order(&self) -> bool {
        self.inner.merges_in_order()
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        self.inner.finish(groups)
    }
    fn clear(&mut self, groups: &[u32]) {
        self.inner.clear(groups);
    }
    fn state_types(&self) -> Vec<A> {
        self.inner.state_types()
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        self.inner.save(groups)
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        self.inner.load(groups, columns)
    }
}
