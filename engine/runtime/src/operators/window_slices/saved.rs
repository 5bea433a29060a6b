//! How the panes of an operator are saved: state table `slices`, described at [`Slices`].

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt16Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType as A, Field, Int64Type, SchemaRef};
use wasmill_plan::Result;

use super::panes::{Pane, Slices};
use crate::batch::NO_WATERMARK;
use crate::key_table::with_keys;
use crate::state::{KEY_GROUP_COLUMN, StateTable, expect_columns, hash_rows, key_group};
use crate::window::Slice;

impl Slices {
    fn schema(&self) -> SchemaRef {
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        let whole = |name, nullable| Field::new(name, A::Int64, nullable);
        fields.extend([whole("$start", false), whole("$end", false), whole("$next", true), whole("$fired", false)]);
        let keys = self.codec.types().iter().enumerate();
        fields.extend(keys.map(|(i, data_type)| Field::new(format!("k{i}"), data_type.clone(), true)));
        fields.extend(self.groups.state_fields());
        Arc::new(arrow::datatypes::Schema::new(fields))
    }
}

impl StateTable for Slices {
    fn name(&self) -> &'static str {
        "slices"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let schema = self.schema();
        let mut parts = Vec::with_capacity(self.index.len());
        for &pane in self.index.values() {
            let Pane { slice, table, next_end, .. } = &self.panes[pane];
            let entries = table.entries();
            let constant = |v: i64| Arc::new(Int64Array::from_value(v, entries.len())) as ArrayRef;
            let mut columns: Vec<ArrayRef> =
                vec![Arc::new(UInt16Array::from_iter_values(entries.iter().map(|e| key_group(e.hash))))];
            let next: ArrayRef = Arc::new(Int64Array::from(vec![*next_end; entries.len()]));
            columns.extend([constant(slice.start), constant(slice.end), next, constant(self.fired)]);
            columns.extend(self.codec.columns(table, entries)?);
            columns.extend(self.groups.save(&table.groups())?);
            parts.push(RecordBatch::try_new(schema.clone(), columns)?);
        }
        Ok(arrow::compute::concat_batches(&schema, &parts)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        expect_columns(self.name(), &self.schema(), &rows)?;
        let all: Vec<usize> = self.index.values().copied().collect();
        all.into_iter().for_each(|p| self.remove_pane(p));
        let whole = |c: usize| -> ScalarBuffer<i64> { rows.column(c).as_primitive::<Int64Type>().values().clone() };
        let (starts, ends) = (whole(1), whole(2));
        let next_ends = rows.column(3).as_primitive::<Int64Type>();
        self.fired = whole(4).iter().copied().max().unwrap_or(NO_WATERMARK);
        let key_columns = &rows.columns()[5..5 + self.codec.types().len()];
        let hashes = hash_rows(key_columns, rows.num_rows());
        let keys = self.codec.view(key_columns)?;
        let mut groups = Vec::with_capacity(rows.num_rows());
        let mut merged = Vec::new();
        for row in 0..rows.num_rows() {
            let (start, end) = (starts[row], ends[row]);
            let next_end = next_ends.is_valid(row).then(|| next_ends.value(row));
            let held = self.index.range((end, start, i64::MIN)..=(end, start, i64::MAX));
            let held = held.map(|(_, &p)| p).find(|&p| self.panes[p].next_end == next_end);
            let pane = match held {
                Some(pane) => pane,
                None => {
                    let slice = match self.shape {
                        None => Slice { start, end, first_window_end: end, last_window_end: end },
                        // A CUMULATE pane may have grown over several slices.
                        Some(shape) => Slice { end, ..shape.slice(start) },
                    };
                    self.new_pane(slice, next_end)
                }
            };
            let (table, all) = (&mut self.panes[pane].table, &mut self.groups);
            let mut new = None;
            let group = with_keys!(&keys, view => table.find_or_insert(view, hashes[row], row, || {
                *new.insert(all.allocate())
            }));
            // Panes that count in the same windows by now are one.
            groups.push(new.unwrap_or_else(|| {
                let from = all.allocate();
                merged.push((vec![group], vec![from]));
                from
            }));
        }
        self.groups.load(&groups, &rows.columns()[5 + self.codec.types().len()..])?;
        self.groups.merge(&merged, false)?;
        merged.iter().for_each(|(_, from)| self.groups.release(from));
        Ok(())
    }
}
