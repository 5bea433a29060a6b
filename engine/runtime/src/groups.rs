//! The accumulators of an operator: one group number for all of its aggregates.

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array};
use arrow::datatypes::{Field, Int64Type};
use std::sync::Arc;
use wasmill_expr::UserFunctions;
use wasmill_plan::{AggregateCall, Error, Result};

use crate::aggregate::{Aggregate, arguments, new_aggregate};
use crate::batch::RowKind;

/// Groups are made by [`Groups::allocate`], and used again after [`Groups::release`].
pub(crate) struct Groups {
    calls: Vec<AggregateCall>,
    aggregates: Vec<Box<dyn Aggregate>>,
    /// Rows added less rows retracted, where the input retracts.
    rows: Option<Vec<i64>>,
    next: u32,
    free: Vec<u32>,
}

impl Groups {
    /// `retracting`: rows may be -U and -D.
    ///
    /// # Errors
    /// As [`new_aggregate`].
    pub(crate) fn new(calls: &[AggregateCall], retracting: bool, functions: &dyn UserFunctions) -> Result<Self> {
        let aggregates = calls.iter().map(|call| new_aggregate(call, retracting, functions)).collect::<Result<_>>()?;
        let rows = retracting.then(Vec::new);
        Ok(Self { calls: calls.to_vec(), aggregates, rows, next: 0, free: Vec::new() })
    }

    /// An empty group.
    pub(crate) fn allocate(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }

    /// Empties groups and gives them back.
    pub(crate) fn release(&mut self, groups: &[u32]) {
        self.make_room();
        self.clear(groups);
        self.free.extend_from_slice(groups);
    }

    /// Empties groups that stay in use.
    pub(crate) fn clear(&mut self, groups: &[u32]) {
        self.aggregates.iter_mut().for_each(|a| a.clear(groups));
        if let Some(rows) = &mut self.rows {
            groups.iter().for_each(|&g| rows[g as usize] = 0);
        }
    }

    fn make_room(&mut self) {
        let groups = self.next as usize;
        self.aggregates.iter_mut().for_each(|a| a.resize(groups));
        if let Some(rows) = &mut self.rows {
            rows.resize(groups.max(rows.len()), 0);
        }
    }

    /// Adds rows, or takes them back, by their kinds; `groups` has one per row.
    ///
    /// # Errors
    /// As [`Aggregate::update`]; `Error::Query` for a retraction that was not announced.
    pub(crate) fn update(&mut self, groups: &[u32], rows: &RecordBatch, kinds: Option<&UInt8Array>) -> Result<()> {
        self.make_room();
        debug_assert_eq!(groups.len(), rows.num_rows());
        let adds = |row: usize| kinds.is_none_or(|k| RowKind::from_u8(k.value(row)).adds());
        let mut from = 0;
        while from < groups.len() {
            let adding = adds(from);
            let to = match kinds {
                None => groups.len(),
                Some(_) => (from..groups.len()).find(|&row| adds(row) != adding).unwrap_or(groups.len()),
            };
            let part = if to - from == groups.len() { rows.clone() } else { rows.slice(from, to - from) };
            self.apply(&groups[from..to], &part, adding)?;
            from = to;
        }
        Ok(())
    }

    fn apply(&mut self, groups: &[u32], rows: &RecordBatch, adding: bool) -> Result<()> {
        if let Some(counts) = &mut self.rows {
            let by = if adding { 1 } else { -1 };
            groups.iter().for_each(|&g| counts[g as usize] += by);
        } else if !adding {
            return Err(Error::query("a row was taken back from an aggregate whose input only adds rows"));
        }
        for (call, aggregate) in self.calls.iter().zip(&mut self.aggregates) {
            let args = arguments(call, rows);
            if adding {
                aggregate.update(groups, &args)?;
            } else {
                aggregate.retract(groups, &args)?;
            }
        }
        Ok(())
    }

    /// Merges groups of the slices of a window: `slices` from the oldest to the newest, each with pairs of (into, from).
    ///
    /// # Errors
    /// As [`Aggregate::merge`].
    pub(crate) fn merge(&mut self, slices: &[(Vec<u32>, Vec<u32>)], newest_first: bool) -> Result<()> {
        self.make_room();
        for aggregate in &mut self.aggregates {
            if newest_first && !aggregate.merges_in_order() {
                slices.iter().rev().try_for_each(|(into, from)| aggregate.merge(into, from))?;
            } else {
                slices.iter().try_for_each(|(into, from)| aggregate.merge(into, from))?;
            }
        }
        if let Some(rows) = &mut self.rows {
            for (&into, &from) in slices.iter().flat_map(|(into, from)| into.iter().zip(from)) {
                rows[into as usize] += rows[from as usize];
            }
        }
        Ok(())
    }

    /// Rows of a group, where the input retracts.
    pub(crate) fn rows(&self, group: u32) -> Option<i64> {
        self.rows.as_ref().map(|rows| rows.get(group as usize).copied().unwrap_or(0))
    }

    /// Whether all rows of a group were taken back.
    pub(crate) fn is_empty(&self, group: u32) -> bool {
        self.rows(group).is_some_and(|n| n <= 0)
    }

    /// A column per aggregate.
    ///
    /// # Errors
    /// As [`Aggregate::finish`].
    pub(crate) fn finish(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        self.make_room();
        self.aggregates.iter().map(|a| a.finish(groups)).collect()
    }

    /// The columns of [`Groups::save`]: `rows` (Int64) where the input retracts, then `a<i>_<j>` per aggregate.
    pub(crate) fn state_fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> =
            self.rows.iter().map(|_| Field::new("rows", arrow::datatypes::DataType::Int64, false)).collect();
        for (i, aggregate) in self.aggregates.iter().enumerate() {
            let types = aggregate.state_types().into_iter().enumerate();
            fields.extend(types.map(|(j, data_type)| Field::new(format!("a{i}_{j}"), data_type, true)));
        }
        fields
    }

    /// The accumulators of groups.
    ///
    /// # Errors
    /// As [`Aggregate::save`].
    pub(crate) fn save(&mut self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        self.make_room();
        let mut columns: Vec<ArrayRef> = Vec::new();
        if let Some(rows) = &self.rows {
            columns.push(Arc::new(Int64Array::from_iter_values(groups.iter().map(|&g| rows[g as usize]))));
        }
        for aggregate in &self.aggregates {
            columns.extend(aggregate.save(groups)?);
        }
        Ok(columns)
    }

    /// Fills empty groups.
    ///
    /// # Errors
    /// As [`Aggregate::load`].
    pub(crate) fn load(&mut self, groups: &[u32], mut columns: &[ArrayRef]) -> Result<()> {
        self.make_room();
        let corrupt =
            || Error::Corrupt { message: "the saved accumulators do not have the columns they should have".into() };
        if let Some(rows) = &mut self.rows {
            let (first, rest) = columns.split_first().ok_or_else(corrupt)?;
            let saved = first.as_primitive_opt::<Int64Type>().ok_or_else(corrupt)?;
            groups.iter().zip(saved.values()).for_each(|(&g, &n)| rows[g as usize] = n);
            columns = rest;
        }
        for aggregate in &mut self.aggregates {
            let width = aggregate.state_types().len();
            if columns.len() < width {
                return Err(corrupt());
            }
            aggregate.load(groups, &columns[..width])?;
            columns = &columns[width..];
        }
        Ok(())
    }
}
