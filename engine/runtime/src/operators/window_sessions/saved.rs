//! How the sessions of an operator are saved: state table `sessions`, described at [`Sessions`].

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, UInt16Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType as A, Field, Int64Type, SchemaRef};
use wasmill_plan::Result;

use super::sessions::{Session, Sessions};
use crate::batch::NO_WATERMARK;
use crate::key_table::{Entry, with_keys};
use crate::state::{KEY_GROUP_COLUMN, StateTable, expect_columns, hash_rows, key_group};

impl Sessions {
    fn schema(&self) -> SchemaRef {
        let mut fields = vec![
            Field::new(KEY_GROUP_COLUMN, A::UInt16, false),
            Field::new("$start", A::Int64, false),
            Field::new("$end", A::Int64, false),
            Field::new("$fired", A::Boolean, false),
        ];
        let keys = self.codec.types().iter().enumerate();
        fields.extend(keys.map(|(i, data_type)| Field::new(format!("k{i}"), data_type.clone(), true)));
        fields.extend(self.groups.state_fields());
        Arc::new(arrow::datatypes::Schema::new(fields))
    }
}

impl StateTable for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let all = self.all();
        let whole = |of: fn(&Session) -> i64| Arc::new(Int64Array::from_iter_values(all.iter().map(|(_, s)| of(s))));
        let entries: Vec<Entry> = all.iter().map(|(e, _)| *e).collect();
        let groups: Vec<u32> = all.iter().map(|(_, s)| s.group).collect();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt16Array::from_iter_values(entries.iter().map(|e| key_group(e.hash)))),
            whole(|s| s.start),
            whole(|s| s.end),
            Arc::new(all.iter().map(|(_, s)| Some(s.fired)).collect::<BooleanArray>()),
        ];
        columns.extend(self.codec.columns(&self.table, &entries)?);
        columns.extend(self.groups.save(&groups)?);
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        expect_columns(self.name(), &self.schema(), &rows)?;
        let groups: Vec<u32> = self.all().iter().map(|(_, s)| s.group).collect();
        self.groups.release(&groups);
        self.table.clear();
        self.by_key.clear();
        self.places.clear();
        self.free_keys.clear();
        self.timers.clear();
        self.expiries.clear();
        self.open_keys = 0;
        self.fired = NO_WATERMARK;
        let whole = |c: usize| -> ScalarBuffer<i64> { rows.column(c).as_primitive::<Int64Type>().values().clone() };
        let (starts, ends, fired) = (whole(1), whole(2), rows.column(3).as_boolean());
        let key_columns = &rows.columns()[4..4 + self.codec.types().len()];
        let hashes = hash_rows(key_columns, rows.num_rows());
        let keys = self.codec.view(key_columns)?;
        let mut groups = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            let key = with_keys!(&keys, view => self.key(view, hashes[row], row));
            groups.push(self.open(key, starts[row], ends[row]));
            if fired.value(row) {
                let session = self.by_key[key as usize].last_mut().expect("the session just opened");
                session.fired = true;
                self.expiries.push(Reverse((session.end, session.order, key)));
            }
        }
        self.groups.load(&groups, &rows.columns()[4 + self.codec.types().len()..])
    }
}
