//! Rows of a batch whose sessions are known, until they are aggregated together.

use arrow::array::{RecordBatch, UInt32Array};
use wasmill_plan::Result;

use crate::batch::{Batch, take_kinds, take_rows};
use crate::groups::Groups;

/// Rows whose groups are known, before they are aggregated.
pub(super) struct Pending<'a> {
    pub(super) values: &'a RecordBatch,
    pub(super) batch: &'a Batch,
    pub(super) groups: Vec<u32>,
    pub(super) rows: Vec<u32>,
}

impl Pending<'_> {
    pub(super) fn push(&mut self, row: usize, group: u32) {
        self.rows.push(row as u32);
        self.groups.push(group);
    }
    pub(super) fn flush(&mut self, groups: &mut Groups) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        if self.rows.len() == self.batch.len() {
            groups.update(&self.groups, self.values, self.batch.kinds.as_ref())?;
        } else {
            let rows = UInt32Array::from(std::mem::take(&mut self.rows));
            let kinds = self.batch.kinds.as_ref().map(|k| take_kinds(k, &rows));
            groups.update(&self.groups, &take_rows(self.values, &rows), kinds.as_ref())?;
        }
        self.rows.clear();
        self.groups.clear();
        Ok(())
    }
}
