//! The groups of an unwindowed aggregation by key, and how they are saved.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt16Array};
use arrow::datatypes::{DataType as A, Field, SchemaRef};
use wasmill_plan::Result;

use crate::groups::Groups;
use crate::key_table::{Entry, KeyCodec, KeyTable, with_keys};
use crate::state::{KEY_GROUP_COLUMN, StateTable, expect_columns, hash_rows, key_group};

/// State table `groups`: `$key_group`, the key columns `k<i>`, then the accumulators ([`Groups::state_fields`]).
pub(super) struct Keyed {
    pub(super) codec: KeyCodec,
    pub(super) table: KeyTable,
    pub(super) groups: Groups,
    /// Rows of each group: where the input only adds, 1 for a group that has any.
    pub(super) rows: Vec<i64>,
    pub(super) retracting: bool,
    /// Of the table when it was last looked through for keys without rows.
    pub(super) keys_swept: usize,
}

impl Keyed {
    /// Forgets the keys without rows where they are most of the table.
    pub(super) fn sweep(&mut self) {
        const KEYS_KEPT: usize = 1024;
        let keys = self.table.entries().len();
        if !self.retracting || keys < KEYS_KEPT.max(2 * self.keys_swept) {
            return;
        }
        let gone: Vec<u32> = self.table.groups().into_iter().filter(|&g| self.rows[g as usize] <= 0).collect();
        self.keys_swept = keys;
        if gone.len() < keys / 2 {
            return;
        }
        self.keys_swept = keys - gone.len();
        let rows = &self.rows;
        self.table.retain(|g| rows[g as usize] > 0);
        self.groups.release(&gone);
    }

    fn schema(&self) -> SchemaRef {
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        let keys = self.codec.types().iter().enumerate();
        fields.extend(keys.map(|(i, data_type)| Field::new(format!("k{i}"), data_type.clone(), true)));
        fields.extend(self.groups.state_fields());
        Arc::new(arrow::datatypes::Schema::new(fields))
    }
}

impl StateTable for Keyed {
    fn name(&self) -> &'static str {
        "groups"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let entries = self.table.entries().iter().filter(|e| self.rows[e.group as usize] > 0);
        let entries: Vec<Entry> = entries.copied().collect();
        let groups: Vec<u32> = entries.iter().map(|e| e.group).collect();
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(UInt16Array::from_iter_values(entries.iter().map(|e| key_group(e.hash))))];
        columns.extend(self.codec.columns(&self.table, &entries)?);
        columns.extend(self.groups.save(&groups)?);
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        expect_columns(self.name(), &self.schema(), &rows)?;
        let held = self.table.groups();
        self.groups.release(&held);
        self.table.clear();
        self.rows.clear();
        self.keys_swept = 0;
        let key_columns = &rows.columns()[1..1 + self.codec.types().len()];
        let hashes = hash_rows(key_columns, rows.num_rows());
        let keys = self.codec.view(key_columns)?;
        let mut groups = Vec::with_capacity(rows.num_rows());
        for (row, &hash) in hashes.iter().enumerate() {
            let (table, all) = (&mut self.table, &mut self.groups);
            groups.push(with_keys!(&keys, view => table.find_or_insert(view, hash, row, || all.allocate())));
        }
        self.groups.load(&groups, &rows.columns()[1 + self.codec.types().len()..])?;
        self.rows.resize(groups.iter().max().map_or(0, |&g| g as usize + 1), 0);
        for &g in &groups {
            self.rows[g as usize] = self.groups.rows(g).unwrap_or(1);
        }
        Ok(())
    }
}
