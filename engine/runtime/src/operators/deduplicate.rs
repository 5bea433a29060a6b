//! The first or last row of each key in the order of a time attribute.
//!
//! **First**: the row comes out when the watermark passes its time; a row before the watermark is late, one at it is not.
//! **Last**: every newer row comes out at once and replaces the one before; an equal time replaces too. Both as in Flink.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt8Array, UInt32Array, new_null_array};
use arrow::datatypes::{DataType as A, Field, Int64Type, Schema as ArrowSchema, SchemaRef};
use wasmill_plan::{Deduplicate, Error, Result, Schema};

use super::key_index::KeyIndex;
use super::over::pending::times;
use super::row_heap::RowHeap;
use crate::batch::{Batch, RowKind, take_rows};
use crate::operator::{Operator, Output};
use crate::state::{KEY_GROUP_COLUMN, StateTable, hash_rows};

/// See the module.
pub(crate) struct DeduplicateOperator {
    plan: Deduplicate,
    kept: Kept,
    /// First: (time, key) of every candidate there was.
    due: BinaryHeap<Reverse<(i64, u32)>>,
}

/// State table `keys`, a row per key: the key's columns, `$time` BIGINT (NULL where the row of the key has come out for
/// good), then the columns of its row (NULL there too).
struct Kept {
    keys: KeyIndex,
    key_types: Vec<A>,
    schema: SchemaRef,
    rows: RowHeap,
    of: Vec<Of>,
    /// The operator's heap does not hold the candidates of a restored state yet.
    restored: bool,
}

/// What a key has.
#[derive(Clone, Copy)]
enum Of {
    Nothing,
    Row { time: i64, id: u32 },
    Done,
}

impl DeduplicateOperator {
    /// For input of that schema.
    ///
    /// # Errors
    /// `Error::Query` for columns that cannot be a key.
    pub(crate) fn new(plan: &Deduplicate, input: &Schema) -> Result<Self> {
        let key_types: Vec<A> = plan.partition.iter().map(|&c| input.fields[c].data_type.to_arrow()).collect();
        let schema = input.to_arrow();
        let kept = Kept {
            keys: KeyIndex::new(key_types.clone())?,
            key_types,
            rows: RowHeap::new(schema.clone()),
            schema,
            of: Vec::new(),
            restored: false,
        };
        Ok(Self { plan: plan.clone(), kept, due: BinaryHeap::new() })
    }

    fn first(&mut self, batch: &Batch, times: &[i64], keys: &[u32], out: &mut dyn Output) -> Result<()> {
        let marks = batch.row_watermarks();
        let ids = self.kept.rows.add(batch.rows.clone())?;
        let mut late = Vec::new();
        for (row, ((&time, &key), &id)) in times.iter().zip(keys).zip(&ids).enumerate() {
            let of = &mut self.kept.of[key as usize];
            let replaced = match *of {
                _ if time < marks[row] => {
                    late.push(row as u32);
                    Some(id)
                }
                Of::Done => Some(id),
                Of::Row { time: first, .. } if first <= time => Some(id),
                Of::Row { id: old, .. } => {
                    *of = Of::Row { time, id };
                    self.due.push(Reverse((time, key)));
                    Some(old)
                }
                Of::Nothing => {
                    *of = Of::Row { time, id };
                    self.due.push(Reverse((time, key)));
                    None
                }
            };
            if let Some(id) = replaced {
                self.kept.rows.remove(id);
            }
        }
        if !late.is_empty() {
            out.late(take_rows(&batch.rows, &UInt32Array::from(late)));
        }
        Ok(())
    }

    fn last(&mut self, batch: &Batch, times: &[i64], keys: &[u32], out: &mut dyn Output) -> Result<()> {
        let ids = self.kept.rows.add(batch.rows.clone())?;
        let (mut given, mut kinds, mut dead) = (Vec::new(), Vec::new(), Vec::new());
        for ((&time, &key), &id) in times.iter().zip(keys).zip(&ids) {
            match self.kept.of[key as usize] {
                Of::Row { time: last, .. } if last > time && !self.plan.processing_time => {
                    dead.push(id);
                    continue;
                }
                Of::Row { id: old, .. } => {
                    given.extend([old, id]);
                    kinds.extend([RowKind::UpdateBefore as u8, RowKind::UpdateAfter as u8]);
                    dead.push(old);
                }
                Of::Nothing | Of::Done => {
                    given.push(id);
                    kinds.push(RowKind::Insert as u8);
                }
            }
            self.kept.of[key as usize] = Of::Row { time, id };
        }
        let rows = self.kept.rows.gather(&given)?;
        dead.into_iter().for_each(|id| self.kept.rows.remove(id));
        if rows.num_rows() > 0 {
            out.emit(Batch::changes(rows, UInt8Array::from(kinds)));
        }
        Ok(())
    }
}

impl Operator for DeduplicateOperator {
    fn on_batch(&mut self, _port: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let times = times(&batch.rows, self.plan.time_column)?;
        let columns: Vec<ArrayRef> = self.plan.partition.iter().map(|&c| batch.rows.column(c).clone()).collect();
        let computed;
        let hashes = match &batch.hashes {
            Some(hashes) => hashes,
            None => {
                computed = hash_rows(&columns, batch.len());
                &computed
            }
        };
        let keys = self.kept.keys.ids(&columns, hashes)?;
        self.kept.of.resize(self.kept.keys.capacity(), Of::Nothing);
        match self.plan.keep_last {
            true => self.last(&batch, &times, &keys, out),
            false => self.first(&batch, &times, &keys, out),
        }
    }

    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        if self.plan.keep_last {
            return Ok(watermark);
        }
        if std::mem::take(&mut self.kept.restored) {
            let of = self.kept.of.iter().enumerate();
            self.due = of.filter_map(|(key, of)| of.time().map(|time| Reverse((time, key as u32)))).collect();
        }
        let mut ids = Vec::new();
        while let Some(&Reverse((time, key))) = self.due.peek() {
            if time > watermark {
                break;
            }
            self.due.pop();
            // An entry of a candidate that was replaced finds another time.
            if let Of::Row { time: first, id } = self.kept.of[key as usize]
                && first == time
            {
                self.kept.of[key as usize] = Of::Done;
                ids.push(id);
            }
        }
        if !ids.is_empty() {
            let rows = self.kept.rows.gather(&ids)?;
            ids.into_iter().for_each(|id| self.kept.rows.remove(id));
            out.emit(Batch::append(rows));
        }
        Ok(watermark)
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.kept]
    }
}

impl Of {
    fn time(&self) -> Option<i64> {
        match self {
            Self::Row { time, .. } => Some(*time),
            _ => None,
        }
    }
}

impl StateTable for Kept {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let (mut with_row, mut done, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (key, of) in self.of.iter().enumerate() {
            match of {
                Of::Row { id, .. } => {
                    with_row.push(key as u32);
                    rows.push(*id);
                }
                Of::Done => done.push(key as u32),
                Of::Nothing => {}
            }
        }
        let nulls = done.len();
        let ids = [with_row, done].concat();
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        fields.extend(self.key_types.iter().enumerate().map(|(i, t)| Field::new(format!("key{i}"), t.clone(), true)));
        fields.push(Field::new("$time", A::Int64, true));
        fields.extend(self.schema.fields().iter().map(|f| f.as_ref().clone()));
        let mut columns = vec![self.keys.groups(&ids)];
        columns.extend(self.keys.columns(&ids)?);
        columns.push(Arc::new(ids.iter().map(|&key| self.of[key as usize].time()).collect::<Int64Array>()));
        for column in self.rows.gather(&rows)?.columns() {
            let none = new_null_array(column.data_type(), nulls);
            columns.push(arrow::compute::concat(&[column.as_ref(), none.as_ref()])?);
        }
        Ok(RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        let keys = self.key_types.len();
        let types = self.key_types.iter().chain([&A::Int64]).chain(self.schema.fields().iter().map(|f| f.data_type()));
        if !types.eq(rows.columns().iter().skip(1).map(|c| c.data_type())) {
            return Err(Error::Corrupt { message: "table 'keys' of a deduplication has other columns".to_owned() });
        }
        self.restored = true;
        self.keys.clear();
        self.rows.clear();
        let key_columns = &rows.columns()[1..=keys];
        let ids = self.keys.ids(key_columns, &hash_rows(key_columns, rows.num_rows()))?;
        self.of = vec![Of::Nothing; self.keys.capacity()];
        let whole = RecordBatch::try_new(self.schema.clone(), rows.columns()[keys + 2..].to_vec())?;
        let row_ids = self.rows.add(whole)?;
        for ((key, time), id) in ids.into_iter().zip(rows.column(keys + 1).as_primitive::<Int64Type>()).zip(row_ids) {
            self.of[key as usize] = match time {
                Some(time) => Of::Row { time, id },
                None => {
                    self.rows.remove(id);
                    Of::Done
                }
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Harness;
    use wasmill_plan::Operator as Node;

    fn harness(keep_last: bool) -> Harness {
        let schema = "a INT, b INT, t TIMESTAMP(3)";
        let plan = Deduplicate { partition: vec![0], time_column: 2, keep_last, processing_time: false };
        Harness::new(Node::Deduplicate(plan), &[schema], schema).keyed(&[0])
    }

    #[test]
    fn the_first_row_waits_for_the_watermark() {
        // Flink's DeduplicateITCase.testFirstRowOnRowtime, cases dedup-keep-first and dedup-keep-first-late.
        harness(false).check(
            "1 | 1 | 1000
             1 | 3 | 3000
             1 | 2 | 2000
             NULL | 9 | 3000
             2 | 3 | 3000
             watermark 2500
             2 | 6 | 6000
             ^ 4000
             3 | 5 | 5000
             3 | 4 | 4500
             3 | 7 | 4500
             4 | 4 | 4000
             5 | 5 | 3999
             1 | 8 | 7000
             end",
            "+I 1 | 1 | 00:00:01
             watermark 00:00:02.500
             late 5 | 5 | 00:00:03.999
             +I NULL | 9 | 00:00:03
             +I 2 | 3 | 00:00:03
             +I 4 | 4 | 00:00:04
             watermark 00:00:04
             +I 3 | 4 | 00:00:04.500
             watermark MAX",
        );
    }

    #[test]
    fn the_last_row_replaces_at_once_and_an_equal_time_too() {
        harness(true).check(
            "1 | 1 | 1000
             1 | 3 | 5000
             1 | 4 | 4000
             NULL | 5 | 6000

             NULL | 6 | 6000
             1 | 7 | 5000
             end",
            "+I 1 | 1 | 00:00:01
             -U 1 | 1 | 00:00:01
             +U 1 | 3 | 00:00:05
             +I NULL | 5 | 00:00:06
             -U NULL | 5 | 00:00:06
             +U NULL | 6 | 00:00:06
             -U 1 | 3 | 00:00:05
             +U 1 | 7 | 00:00:05
             watermark MAX",
        );
    }
}
