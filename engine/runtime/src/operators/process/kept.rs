//! What a process function keeps for each key: its state, in columns, and its timers.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Int64Array, Int64Builder, ListBuilder, RecordBatch,
    StringBuilder, UInt32Array, new_null_array,
};
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType as A, Field, Int64Type, Schema as ArrowSchema, SchemaRef};
use wasmill_expr::{TimerChange, TimerClock};
use wasmill_plan::{Error, Result, StateField};

use crate::batch::take_rows;
use crate::operators::key_index::KeyIndex;
use crate::operators::row_heap::RowHeap;
use crate::state::{KEY_GROUP_COLUMN, StateTable, expect_columns, hash_rows};

/// A timer of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timer {
    /// One without has its time for a name.
    pub name: Option<String>,
    /// As it was set.
    pub time: i64,
    /// When it fires: not before what was there when it was set.
    pub due: i64,
    pub clock: TimerClock,
}

/// State table `keys`, a row per key that has state or timers: the key's columns; the fields of the state; `$written_f` BIGINT for
/// each field `f` with a TTL, the job's clock when it was written last; and of its timers, as ARRAYs, `$timer_names` (STRING),
/// `$timer_times` and `$timer_dues` (BIGINT) and `$timer_processing` (BOOLEAN).
pub(super) struct Kept {
    keys: KeyIndex,
    key_types: Vec<A>,
    fields: Vec<StateField>,
    /// Of the state: the fields, then when they were written.
    schema: SchemaRef,
    rows: RowHeap,
    of: Vec<Key>,
    /// Timers have come that are in no heap of the operator yet.
    pub restored: bool,
    /// The clock when state was saved or read last.
    pub now_ms: i64,
    /// Keys whose state was written since the last sweep, and keys that it left.
    written: usize,
    left: usize,
}

#[derive(Clone, Debug, Default)]
struct Key {
    row: Option<u32>,
    timers: Vec<Timer>,
    /// Rows of the key that wait for the watermark.
    waiting: u32,
}

/// Fewer keys are not swept between checkpoints.
const SWEEP_KEYS_MIN: usize = 4_096;

impl Kept {
    /// For keys of those types.
    ///
    /// # Errors
    /// `Error::Query` for columns that cannot be a key.
    pub fn new(key_types: Vec<A>, fields: &[StateField]) -> Result<Self> {
        let mut columns: Vec<Field> =
            fields.iter().map(|f| Field::new(&f.name, f.data_type.kind.to_arrow(), true)).collect();
        let with_ttl = fields.iter().filter(|f| f.ttl_ms.is_some());
        columns.extend(with_ttl.map(|f| Field::new(format!("$written_{}", f.name), A::Int64, true)));
        let schema = Arc::new(ArrowSchema::new(columns));
        Ok(Self {
            keys: KeyIndex::new(key_types.clone())?,
            key_types,
            fields: fields.to_vec(),
            rows: RowHeap::new(schema.clone()),
            schema,
            of: Vec::new(),
            restored: false,
            now_ms: 0,
            written: 0,
            left: 0,
        })
    }

    /// The id of each row's key.
    pub fn ids(&mut self, columns: &[ArrayRef], hashes: &[u64]) -> Result<Vec<u32>> {
        let ids = self.keys.ids(columns, hashes)?;
        self.of.resize(self.keys.capacity(), Key::default());
        Ok(ids)
    }
    /// How many keys there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.keys.len()
    }
    /// The columns of those keys.
    pub fn key_columns(&self, ids: &[u32]) -> Result<Vec<ArrayRef>> {
        self.keys.columns(ids)
    }
    /// Rows of the keys begin to wait.
    pub fn wait(&mut self, keys: &[u32]) {
        keys.iter().for_each(|&key| self.of[key as usize].waiting += 1);
    }
    /// And do not wait any more.
    pub fn go(&mut self, keys: &[u32]) {
        keys.iter().for_each(|&key| self.of[key as usize].waiting -= 1);
    }

    /// Keys that have timers.
    pub fn with_timers(&self) -> impl Iterator<Item = (u32, &[Timer])> {
        let some = self.of.iter().enumerate().filter(|(_, key)| !key.timers.is_empty());
        some.map(|(id, key)| (id as u32, &key.timers[..]))
    }
    /// The timers of a key.
    pub fn timers(&self, key: u32) -> &[Timer] {
        &self.of[key as usize].timers
    }
    /// Puts others in their place.
    pub fn set_timers(&mut self, key: u32, timers: Vec<Timer>) {
        self.of[key as usize].timers = timers;
    }
    /// Takes out the timer that fires first, if it is due at `until`.
    pub fn take_timer(&mut self, key: u32, clock: TimerClock, until: i64) -> Option<Timer> {
        let timers = &mut self.of[key as usize].timers;
        let first = (0..timers.len()).filter(|&i| timers[i].clock == clock).min_by_key(|&i| timers[i].due)?;
        (timers[first].due <= until).then(|| timers.remove(first))
    }

    /// The state of those keys: a column for each field, as it is at `now_ms`.
    pub fn state(&self, ids: &[u32], now_ms: i64) -> Result<Vec<ArrayRef>> {
        let mut columns = self.stored(ids)?;
        let written = columns.split_off(self.fields.len());
        self.expire(&mut columns, &written, now_ms)?;
        Ok(columns)
    }

    /// As it was written, with the times of writing.
    fn stored(&self, ids: &[u32]) -> Result<Vec<ArrayRef>> {
        let rows: Vec<Option<u32>> = ids.iter().map(|&id| self.of[id as usize].row).collect();
        let there: Vec<u32> = rows.iter().flatten().copied().collect();
        if there.is_empty() {
            let fields = self.schema.fields().iter();
            return Ok(fields.map(|f| new_null_array(f.data_type(), ids.len())).collect());
        }
        let found = self.rows.gather(&there)?;
        if there.len() == ids.len() {
            return Ok(found.columns().to_vec());
        }
        let mut next = 0;
        let places: UInt32Array = rows
            .iter()
            .map(|row| {
                row.map(|_| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        Ok(found.columns().iter().map(|c| take(c, &places, None)).collect::<Result<_, _>>()?)
    }

    fn expire(&self, columns: &mut [ArrayRef], written: &[ArrayRef], now_ms: i64) -> Result<()> {
        let with_ttl = self.fields.iter().enumerate().filter_map(|(i, f)| Some((i, f.ttl_ms?)));
        for ((field, ttl_ms), written) in with_ttl.zip(written) {
            let written = written.as_primitive::<Int64Type>();
            let over = |at: Option<i64>| at.is_some_and(|at| now_ms.saturating_sub(at) >= ttl_ms);
            if written.iter().any(over) {
                let places: UInt32Array =
                    written.iter().enumerate().map(|(row, at)| (!over(at)).then_some(row as u32)).collect();
                columns[field] = take(&columns[field], &places, None)?;
            }
        }
        Ok(())
    }

    /// Writes the fields whose bits are set in `written`, of each key `ids[i]` from row i of `values`.
    pub fn write(&mut self, ids: &[u32], written: &[u64], values: &[ArrayRef], now_ms: i64) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.written += ids.len();
        let mut columns = self.stored(ids)?;
        let mut times = columns.split_off(self.fields.len());
        self.expire(&mut columns, &times, now_ms)?;
        let mut with_ttl = 0;
        for (i, field) in self.fields.iter().enumerate() {
            let is_written = |row: usize| written[row] >> i & 1 == 1;
            let places: Vec<(usize, usize)> = (0..ids.len()).map(|row| (usize::from(is_written(row)), row)).collect();
            columns[i] = interleave(&[columns[i].as_ref(), values[i].as_ref()], &places)?;
            if field.ttl_ms.is_some() {
                let old = times[with_ttl].as_primitive::<Int64Type>();
                let new: Int64Array =
                    old.iter().enumerate().map(|(row, at)| if is_written(row) { Some(now_ms) } else { at }).collect();
                times[with_ttl] = Arc::new(new);
                with_ttl += 1;
            }
        }
        let some: Vec<u32> =
            (0..ids.len() as u32).filter(|&row| columns.iter().any(|column| column.is_valid(row as usize))).collect();
        columns.append(&mut times);
        let all = RecordBatch::try_new(self.schema.clone(), columns)?;
        let kept = if some.len() == ids.len() { all } else { take_rows(&all, &UInt32Array::from(some.clone())) };
        for &id in ids {
            if let Some(old) = self.of[id as usize].row.take() {
                self.rows.remove(old);
            }
        }
        for (row, heap_id) in some.into_iter().zip(self.rows.add(kept)?) {
            self.of[ids[row as usize] as usize].row = Some(heap_id);
        }
        Ok(())
    }

    /// Forgets keys that have nothing.
    pub fn tidy(&mut self, ids: &[u32]) {
        for &id in ids {
            let key = &self.of[id as usize];
            if key.row.is_none() && key.timers.is_empty() && key.waiting == 0 && self.keys.is_live(id) {
                self.keys.remove(id);
            }
        }
    }

    /// Forgets state whose time is over once as many keys were written as the last time left, so that a sweep costs little a write and
    /// old keys never outweigh the others by much. For when no key is worked on.
    pub fn sweep_in_time(&mut self, now_ms: i64) -> Result<()> {
        if self.written < self.left.max(SWEEP_KEYS_MIN) {
            return Ok(());
        }
        self.now_ms = now_ms;
        self.sweep()?;
        self.left = self.keys.len();
        Ok(())
    }

    /// Forgets state whose time is over.
    fn sweep(&mut self) -> Result<()> {
        self.written = 0;
        if self.fields.iter().all(|f| f.ttl_ms.is_none()) {
            return Ok(());
        }
        let ids: Vec<u32> = (0..self.of.len() as u32).filter(|&id| self.of[id as usize].row.is_some()).collect();
        let state = self.state(&ids, self.now_ms)?;
        let over: Vec<u32> =
            (0..ids.len()).filter(|&row| state.iter().all(|column| column.is_null(row))).map(|row| ids[row]).collect();
        for &id in &over {
            let row = self.of[id as usize].row.take().expect("chosen above");
            self.rows.remove(row);
        }
        self.tidy(&over);
        Ok(())
    }

    fn saved_schema(&self) -> SchemaRef {
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        fields.extend(self.key_types.iter().enumerate().map(|(i, t)| Field::new(format!("key{i}"), t.clone(), true)));
        fields.extend(self.schema.fields().iter().map(|f| f.as_ref().clone()));
        let list = |item: A| A::List(Arc::new(Field::new("item", item, true)));
        let timers =
            [("names", A::Utf8), ("times", A::Int64), ("dues", A::Int64), ("processing", A::Boolean)].into_iter();
        fields.extend(timers.map(|(name, item)| Field::new(format!("$timer_{name}"), list(item), true)));
        Arc::new(ArrowSchema::new(fields))
    }
}

/// The timers of a key behind a change that is made at `now`.
pub(super) fn change_timers(timers: &mut Vec<Timer>, change: &TimerChange, due: impl FnOnce(i64) -> Option<i64>) {
    match (&change.name, change.time) {
        (None, None) => timers.clear(),
        (Some(name), None) => timers.retain(|timer| timer.name.as_ref() != Some(name)),
        (name, Some(time)) => {
            match name {
                Some(name) => timers.retain(|timer| timer.name.as_ref() != Some(name)),
                None => timers.retain(|t| t.name.is_some() || t.time != time || t.clock != change.clock),
            }
            if let Some(due) = due(time) {
                timers.push(Timer { name: name.clone(), time, due, clock: change.clock });
            }
        }
    }
}

impl StateTable for Kept {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        self.sweep()?;
        let ids: Vec<u32> = (0..self.of.len() as u32)
            .filter(|&id| self.of[id as usize].row.is_some() || !self.of[id as usize].timers.is_empty())
            .collect();
        let (mut names, mut processing) =
            (ListBuilder::new(StringBuilder::new()), ListBuilder::new(BooleanBuilder::new()));
        let (mut times, mut dues) = (ListBuilder::new(Int64Builder::new()), ListBuilder::new(Int64Builder::new()));
        for &id in &ids {
            for timer in &self.of[id as usize].timers {
                names.values().append_option(timer.name.as_deref());
                times.values().append_value(timer.time);
                dues.values().append_value(timer.due);
                processing.values().append_value(timer.clock == TimerClock::ProcessingTime);
            }
            names.append(true);
            times.append(true);
            dues.append(true);
            processing.append(true);
        }
        let mut columns = vec![self.keys.groups(&ids)];
        columns.extend(self.keys.columns(&ids)?);
        columns.extend(self.stored(&ids)?);
        columns.push(Arc::new(names.finish()));
        columns.push(Arc::new(times.finish()));
        columns.push(Arc::new(dues.finish()));
        columns.push(Arc::new(processing.finish()));
        Ok(RecordBatch::try_new(self.saved_schema(), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        expect_columns("keys", &self.saved_schema(), &rows)?;
        self.restored = true;
        self.keys.clear();
        self.rows.clear();
        self.of.clear();
        let (first, width) = (1 + self.key_types.len(), self.schema.fields().len());
        let key_columns = &rows.columns()[1..first];
        let ids = self.ids(key_columns, &hash_rows(key_columns, rows.num_rows()))?;
        let state = RecordBatch::try_new(self.schema.clone(), rows.columns()[first..first + width].to_vec())?;
        let has_state = |row: usize| state.columns()[..self.fields.len()].iter().any(|column| column.is_valid(row));
        let some: Vec<u32> = (0..rows.num_rows() as u32).filter(|&row| has_state(row as usize)).collect();
        let heap_ids = self.rows.add(take_rows(&state, &UInt32Array::from(some.clone())))?;
        for (row, heap_id) in some.into_iter().zip(heap_ids) {
            self.of[ids[row as usize] as usize].row = Some(heap_id);
        }
        let lists = &rows.columns()[first + width..];
        for (row, &id) in ids.iter().enumerate() {
            let [names, times, dues, processing] = [0, 1, 2, 3].map(|i| lists[i].as_list::<i32>().value(row));
            let (names, processing): (_, &BooleanArray) = (names.as_string::<i32>(), processing.as_boolean());
            let (times, dues) = (times.as_primitive::<Int64Type>(), dues.as_primitive::<Int64Type>());
            if [names.len(), dues.len(), processing.len()] != [times.len(); 3] {
                let message = "the timers of a process function have lists of different lengths".to_owned();
                return Err(Error::Corrupt { message });
            }
            let timer = |i: usize| Timer {
                name: names.is_valid(i).then(|| names.value(i).to_owned()),
                time: times.value(i),
                due: dues.value(i),
                clock: match processing.value(i) {
                    true => TimerClock::ProcessingTime,
                    false => TimerClock::EventTime,
                },
            };
            self.of[id as usize].timers = (0..times.len()).map(timer).collect();
        }
        Ok(())
    }
}
