//! A user's aggregate function among the built-in ones.

use std::cell::RefCell;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType as A;
use wasmill_expr::UserAggregate;
use wasmill_plan::Result;

use super::{Aggregate, corrupt};

/// State: one Binary column, what the function itself saves.
pub(super) struct User {
    // Asking a guest for results runs it, which changes its instance though not its groups.
    function: RefCell<Box<dyn UserAggregate>>,
}

impl User {
    pub(super) fn new(function: Box<dyn UserAggregate>) -> Self {
        Self { function: RefCell::new(function) }
    }
}

impl Aggregate for User {
    fn resize(&mut self, groups: usize) {
        self.function.get_mut().resize(groups);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.function.get_mut().update(groups, args)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.function.get_mut().retract(groups, args)
    }
    fn can_retract(&self) -> bool {
        self.function.borrow().can_retract()
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        if into.is_empty() {
            return Ok(());
        }
        self.function.get_mut().merge(into, from)
    }
    fn merges_in_order(&self) -> bool {
        true
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        self.function.borrow_mut().finish(groups)
    }
    fn clear(&mut self, groups: &[u32]) {
        self.function.get_mut().clear(groups);
    }
    fn state_types(&self) -> Vec<A> {
        vec![A::Binary]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.function.borrow_mut().save(groups)?])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let saved = columns.first().filter(|c| *c.data_type() == A::Binary && c.null_count() == 0);
        self.function.get_mut().load(groups, saved.ok_or_else(|| corrupt("a user's aggregate function"))?)
    }
}
