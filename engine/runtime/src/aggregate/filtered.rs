//! `FILTER (WHERE …)`: hands on the rows where the last argument is TRUE.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::DataType as A;
use wasmill_plan::Result;

use super::Aggregate;

/// Wraps any aggregate; its state is that aggregate's.
pub(super) struct Filtered {
    inner: Box<dyn Aggregate>,
}

impl Filtered {
    pub(super) fn new(inner: Box<dyn Aggregate>) -> Self {
        Self { inner }
    }
}

/// The groups and arguments of the rows that pass.
fn passing(groups: &[u32], args: &[ArrayRef]) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
    let (condition, args) = args.split_last().expect("the filter is the last argument");
    let condition = condition.as_boolean();
    if condition.true_count() == condition.len() {
        return Ok((groups.to_vec(), args.to_vec()));
    }
    // NULL does not pass.
    let mask = match condition.nulls() {
        None => condition.clone(),
        Some(nulls) => BooleanArray::new(condition.values() & nulls.inner(), None),
    };
    let groups = mask.values().set_indices().map(|row| groups[row]).collect();
    let args = args.iter().map(|a| arrow::compute::filter(a, &mask)).collect::<Result<Vec<_>, _>>()?;
    Ok((groups, args))
}

impl Aggregate for Filtered {
    fn resize(&mut self, groups: usize) {
        self.inner.resize(groups);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let (groups, args) = passing(groups, args)?;
        self.inner.update(&groups, &args)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let (groups, args) = passing(groups, args)?;
        self.inner.retract(&groups, &args)
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        self.inner.merge(into, from)
    }
    fn can_retract(&self) -> bool {
        self.inner.can_retract()
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
