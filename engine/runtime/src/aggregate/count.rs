//! COUNT(*) and COUNT(values).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as A, Int64Type};
use wasmill_plan::Result;

use super::{Aggregate, primitive};

/// Counts the rows where no argument is NULL. State: `count` Int64.
#[derive(Default)]
pub(super) struct Count {
    counts: Vec<i64>,
}

impl Count {
    fn add(&mut self, groups: &[u32], args: &[ArrayRef], by: i64) {
        let nulls =
            args.iter().fold(None, |nulls, arg| NullBuffer::union(nulls.as_ref(), arg.logical_nulls().as_ref()));
        match nulls.filter(|n| n.null_count() > 0) {
            None => groups.iter().for_each(|&g| self.counts[g as usize] += by),
            Some(nulls) => {
                for row in nulls.valid_indices() {
                    self.counts[groups[row] as usize] += by;
                }
            }
        }
    }
}

impl Aggregate for Count {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups.max(self.counts.len()), 0);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.add(groups, args, 1);
        Ok(())
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.add(groups, args, -1);
        Ok(())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            self.counts[into as usize] += self.counts[from as usize];
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from_iter_values(groups.iter().map(|&g| self.counts[g as usize]))))
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.counts[g as usize] = 0);
    }
    fn state_types(&self) -> Vec<A> {
        vec![A::Int64]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.finish(groups)?])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let counts = primitive::<Int64Type>(columns, 0, "COUNT")?;
        for (&g, &count) in groups.iter().zip(counts.values()) {
            self.counts[g as usize] = count;
        }
        Ok(())
    }
}
