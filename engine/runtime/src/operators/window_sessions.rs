//! SESSION windows: aggregates per session, and the table of rows with their sessions.
//!
//! ```text
//! row --key--> sessions of the key --overlaps--> none: a new one | one: it grows | several: they merge
//! watermark --> timers, by end: sessions that have closed --> results, or their rows
//! ```
//!
//! A row touches a session if it is at most the gap away. A session that has closed at the row's watermark takes no row,
//! whether it has fired yet or not, so a row is late if the session it would form has closed by then.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StructArray, UInt16Array, UInt32Array,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType as A, Field, Int64Type, SchemaRef};
use smallvec::SmallVec;
use wasmill_plan::{
    AggregateCall, DataType, Error, Result, Schema, TypeKind, WindowAggregate, WindowKind, WindowTable, Windowing,
};

use super::window_aggregate::{RESULT_ROWS_MAX, WindowOutput, columns, times, types};
use crate::batch::{Batch, NO_WATERMARK, RowKind, take_rows};
use crate::groups::Groups;
use crate::key_table::{Entry, KeyCodec, KeyTable, KeyView, with_keys};
use crate::operator::{Operator, Output};
use crate::state::{KEY_GROUP_COLUMN, StateTable, hash_rows, key_group};
use crate::window::{LocalTime, check_time};

/// See the module.
pub struct SessionOperator {
    time_column: usize,
    keys: Vec<usize>,
    state: Sessions,
    output: WindowOutput,
    /// The input's schema where rows are given instead of aggregates.
    rows_of: Option<SchemaRef>,
}

/// One session of a key; times are local.
#[derive(Clone, Copy, Debug)]
struct Session {
    start: i64,
    /// One gap behind its last row.
    end: i64,
    group: u32,
    /// Its results were given; it is kept for late rows.
    fired: bool,
    /// Of its first row, among all sessions: unique, and names its timer.
    order: u64,
}

/// (end, order, key): a look at that session when the watermark passes that end. It may have grown since.
type Timer = Reverse<(i64, u64, u32)>;

/// State table `sessions`: `$key_group`, `$start`, `$end` (Int64, local ms), `$fired` (Boolean), the key columns `k<i>`, then
/// the accumulators ([`Groups::state_fields`]). A row per session, by the arrival of their first rows.
struct Sessions {
    gap: i64,
    time: LocalTime,
    allowed_ms: i64,
    codec: KeyCodec,
    groups: Groups,
    table: KeyTable,
    /// By the number that `table` gives a key.
    by_key: Vec<SmallVec<[Session; 1]>>,
    /// Where the key of that number is among the table's entries.
    places: Vec<u32>,
    free_keys: Vec<u32>,
    open_keys: usize,
    timers: BinaryHeap<Timer>,
    /// Fired sessions, when they are dropped.
    expiries: BinaryHeap<Timer>,
    next_order: u64,
    fired: i64,
}

/// A session that is given, and the place of its key.
struct Closed {
    session: Session,
    key: u32,
}

impl SessionOperator {
    /// For a WindowAggregate over SESSION.
    ///
    /// # Errors
    /// `Error::Query` for aggregates that cannot be.
    pub fn aggregate(
        node: &WindowAggregate,
        gap_ms: i64,
        input: &Schema,
        output: &Schema,
        retracting: bool,
    ) -> Result<Self> {
        let Windowing::Assign(spec) = &node.windowing else {
            return Err(Error::query("sessions are assigned from a time attribute"));
        };
        let codec = KeyCodec::new(types(input, &node.keys))?;
        let time = LocalTime::new(spec.time_zone.as_deref())?;
        let groups = Groups::new(&node.aggregates, retracting)?;
        Ok(Self {
            time_column: spec.time_column,
            keys: node.keys.clone(),
            state: Sessions::new(gap_ms, time, node.lateness.allowed_ms, codec, groups)?,
            output: WindowOutput::new(output),
            rows_of: None,
        })
    }

    /// For a WindowTable over SESSION: the rows are kept in one ARRAY_AGG per session.
    ///
    /// # Errors
    /// `Error::Query` where the window is no session.
    pub fn table(node: &WindowTable, input: &Schema, output: &Schema, retracting: bool) -> Result<Self> {
        let WindowKind::Session { gap_ms, partition } = &node.window.kind else {
            return Err(Error::query("the window is no session"));
        };
        let row = DataType::nullable(TypeKind::Row(input.fields.clone()));
        let collect = AggregateCall {
            function: "ARRAY_AGG".to_owned(),
            args: vec![0],
            constants: Vec::new(),
            distinct: false,
            filter: None,
            arg_types: vec![row.clone()],
            data_type: DataType::nullable(TypeKind::Array(Box::new(row))),
        };
        let codec = KeyCodec::new(types(input, partition))?;
        let time = LocalTime::new(node.window.time_zone.as_deref())?;
        Ok(Self {
            time_column: node.window.time_column,
            keys: partition.clone(),
            state: Sessions::new(*gap_ms, time, 0, codec, Groups::new(&[collect], retracting)?)?,
            output: WindowOutput::new(output),
            rows_of: Some(input.to_arrow()),
        })
    }

    fn assign<V: KeyView>(&mut self, view: &V, batch: &Batch, out: &mut dyn Output) -> Result<()> {
        let times = times(&batch.rows, self.time_column, "the time attribute")?;
        if let (Some(&low), Some(&high)) = (times.iter().min(), times.iter().max()) {
            check_time(low)?;
            check_time(high)?;
        }
        let computed;
        let hashes = match &batch.hashes {
            Some(hashes) => hashes,
            None => {
                computed = hash_rows(&columns(&batch.rows, &self.keys), batch.len());
                &computed
            }
        };
        let marks = if batch.steps.is_empty() { Vec::new() } else { batch.row_watermarks() };
        let values = self.values(&batch.rows)?;
        let mut pending = Pending { values: &values, batch, groups: Vec::new(), rows: Vec::new() };
        let mut late = Vec::new();
        for row in 0..batch.len() {
            let watermark = if marks.is_empty() { batch.watermark } else { marks[row] };
            let time = self.state.time.local(times[row]);
            let key = self.state.key(view, hashes[row], row);
            match self.state.place(key, time, watermark) {
                Place::Group(group) => pending.push(row, group),
                Place::Late => late.push(row as u32),
                Place::Merge => {
                    pending.flush(&mut self.state.groups)?;
                    let group = self.state.merge(key, time, watermark)?;
                    pending.push(row, group);
                }
                Place::Correct => {
                    pending.flush(&mut self.state.groups)?;
                    if watermark > self.state.fired {
                        self.fire(watermark, out)?;
                    }
                    // Firing may have dropped the key's last session, and with it the key.
                    let key = self.state.key(view, hashes[row], row);
                    self.correct(key, time, watermark, row, &mut pending, out)?;
                }
            }
        }
        pending.flush(&mut self.state.groups)?;
        if !late.is_empty() {
            out.late(take_rows(&batch.rows, &UInt32Array::from(late)));
        }
        self.state.forget_keys();
        Ok(())
    }

    /// What is aggregated: the input, or its rows as one column.
    fn values(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        if self.rows_of.is_none() {
            return Ok(rows.clone());
        }
        let fields: arrow::datatypes::Fields =
            rows.schema().fields().iter().map(|f| Field::new(f.name(), f.data_type().clone(), true)).collect();
        let row = StructArray::try_new(fields, rows.columns().to_vec(), None)?;
        let schema = arrow::datatypes::Schema::new(vec![Field::new("row", row.data_type().clone(), true)]);
        Ok(RecordBatch::try_new(Arc::new(schema), vec![Arc::new(row)])?)
    }

    /// Gives the sessions that have closed, by their end, then by the arrival of their first row.
    fn fire(&mut self, watermark: i64, out: &mut dyn Output) -> Result<()> {
        let closed = self.state.close(watermark);
        for closed in closed.chunks(RESULT_ROWS_MAX) {
            self.give(closed, RowKind::Insert, out)?;
        }
        self.state.expire(watermark, &closed);
        self.state.fired = self.state.fired.max(watermark);
        Ok(())
    }

    fn give(&mut self, closed: &[Closed], kind: RowKind, out: &mut dyn Output) -> Result<()> {
        let state = &mut self.state;
        let present: Vec<&Closed> = closed.iter().filter(|c| !state.groups.is_empty(c.session.group)).collect();
        if present.is_empty() {
            return Ok(());
        }
        let groups: Vec<u32> = present.iter().map(|c| c.session.group).collect();
        let results = state.groups.finish(&groups)?;
        let starts = present.iter().map(|c| Some(c.session.start));
        let ends = present.iter().map(|c| c.session.end);
        let rows = if self.rows_of.is_some() {
            let lists = results[0].as_list::<i32>();
            let lengths: Vec<usize> = (0..lists.len()).map(|i| lists.value_length(i) as usize).collect();
            let columns = lists.values().as_struct().columns().to_vec();
            let starts = starts.zip(&lengths).flat_map(|(s, &n)| std::iter::repeat_n(s, n)).collect();
            let ends = ends.zip(&lengths).flat_map(|(e, &n)| std::iter::repeat_n(e, n)).collect();
            self.output.rows(columns, starts, ends, &state.time)?
        } else {
            let entries: Vec<Entry> = present.iter().map(|c| state.entry(c.key)).collect();
            let mut columns = state.codec.columns(&state.table, &entries)?;
            columns.extend(results);
            self.output.rows(columns, starts.collect(), ends.collect(), &state.time)?
        };
        out.emit(match kind {
            RowKind::Insert => Batch::append(rows),
            kind => {
                let kinds = vec![kind as u8; rows.num_rows()].into();
                Batch::changes(rows, kinds)
            }
        });
        Ok(())
    }

    /// Adds one row to sessions of which some have fired and are kept.
    fn correct(
        &mut self,
        key: u32,
        time: i64,
        watermark: i64,
        row: usize,
        pending: &mut Pending,
        out: &mut dyn Output,
    ) -> Result<()> {
        let fired: Vec<Closed> = self
            .state
            .touching(key, time, watermark)
            .map(|i| Closed { session: self.state.by_key[key as usize][i], key })
            .filter(|c| c.session.fired)
            .collect();
        // What merges goes first: its groups are gone afterwards. A single one may stay as it is and only change.
        let (start, end) = self.state.merged(key, time, watermark);
        let stays = matches!(fired.as_slice(), [only] if (only.session.start, only.session.end) == (start, end));
        self.give(&fired, if stays { RowKind::UpdateBefore } else { RowKind::Delete }, out)?;
        let group = self.state.merge(key, time, watermark)?;
        pending.push(row, group);
        pending.flush(&mut self.state.groups)?;
        let Some(at) = self.state.by_key[key as usize].iter().position(|s| s.group == group) else { return Ok(()) };
        if self.state.time.closing(end) <= watermark {
            self.state.by_key[key as usize][at].fired = true;
            let session = self.state.by_key[key as usize][at];
            let kind = if stays { RowKind::UpdateAfter } else { RowKind::Insert };
            self.state.expiries.push(Reverse((session.end, session.order, key)));
            self.give(&[Closed { session, key }], kind, out)?;
        }
        Ok(())
    }
}

impl Operator for SessionOperator {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let keys = self.state.codec.view(&columns(&batch.rows, &self.keys))?;
        with_keys!(&keys, view => self.assign(view, &batch, out))
    }
    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        self.fire(watermark, out)?;
        self.state.forget_keys();
        Ok(watermark)
    }
    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.state]
    }
}

/// Rows whose groups are known, before they are aggregated.
struct Pending<'a> {
    values: &'a RecordBatch,
    batch: &'a Batch,
    groups: Vec<u32>,
    rows: Vec<u32>,
}

impl Pending<'_> {
    fn push(&mut self, row: usize, group: u32) {
        self.rows.push(row as u32);
        self.groups.push(group);
    }
    fn flush(&mut self, groups: &mut Groups) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        if self.rows.len() == self.batch.len() {
            groups.update(&self.groups, self.values, self.batch.kinds.as_ref())?;
        } else {
            let rows = UInt32Array::from(std::mem::take(&mut self.rows));
            let kinds = self.batch.kinds.as_ref().map(|k| crate::batch::take_kinds(k, &rows));
            groups.update(&self.groups, &take_rows(self.values, &rows), kinds.as_ref())?;
        }
        self.rows.clear();
        self.groups.clear();
        Ok(())
    }
}

/// What becomes of a row.
enum Place {
    /// It belongs to this group, which has grown.
    Group(u32),
    /// Its session closed before it came.
    Late,
    /// It joins several sessions.
    Merge,
    /// It changes sessions that have fired.
    Correct,
}

impl Sessions {
    fn new(gap: i64, time: LocalTime, allowed_ms: i64, codec: KeyCodec, groups: Groups) -> Result<Self> {
        if gap <= 0 {
            return Err(Error::query("the gap of a session must be positive"));
        }
        Ok(Self {
            gap,
            time,
            allowed_ms,
            codec,
            groups,
            table: KeyTable::default(),
            by_key: Vec::new(),
            places: Vec::new(),
            free_keys: Vec::new(),
            open_keys: 0,
            timers: BinaryHeap::new(),
            expiries: BinaryHeap::new(),
            next_order: 0,
            fired: NO_WATERMARK,
        })
    }

    fn key<V: KeyView>(&mut self, view: &V, hash: u64, row: usize) -> u32 {
        let (by_key, places, free) = (&mut self.by_key, &mut self.places, &mut self.free_keys);
        let place = self.table.entries().len() as u32;
        self.table.find_or_insert(view, hash, row, || {
            let key = free.pop().unwrap_or_else(|| {
                by_key.push(SmallVec::new());
                places.push(0);
                by_key.len() as u32 - 1
            });
            places[key as usize] = place;
            key
        })
    }

    fn entry(&self, key: u32) -> Entry {
        self.table.entries()[self.places[key as usize] as usize]
    }

    /// The watermark from which a session that ends at `end` takes no more rows.
    fn closes(&self, end: i64) -> i64 {
        self.time.closing(end).saturating_add(self.allowed_ms)
    }

    /// Places in the key's list of the sessions that a row touches and that still take rows.
    fn touching(&self, key: u32, time: i64, watermark: i64) -> impl Iterator<Item = usize> + '_ {
        let end = time + self.gap;
        let touches = move |s: &Session| s.start <= end && time <= s.end;
        let sessions = self.by_key[key as usize].iter().enumerate();
        sessions.filter(move |(_, s)| touches(s) && self.closes(s.end) > watermark).map(|(i, _)| i)
    }

    /// Start and end of the session that a row forms with those that it touches.
    fn merged(&self, key: u32, time: i64, watermark: i64) -> (i64, i64) {
        let sessions = &self.by_key[key as usize];
        self.touching(key, time, watermark)
            .fold((time, time + self.gap), |(start, end), i| (start.min(sessions[i].start), end.max(sessions[i].end)))
    }

    /// Decides about a row; where it is [`Place::Group`], the session has grown already.
    fn place(&mut self, key: u32, time: i64, watermark: i64) -> Place {
        let mut touching = self.touching(key, time, watermark);
        let (first, several) = (touching.next(), touching.next().is_some());
        drop(touching);
        let (start, end) = self.merged(key, time, watermark);
        if self.closes(end) <= watermark {
            return Place::Late;
        }
        if self.allowed_ms > 0 {
            let sessions = &self.by_key[key as usize];
            let kept = |i: usize| sessions[i].fired || self.time.closing(sessions[i].end) <= watermark;
            if self.time.closing(end) <= watermark || self.touching(key, time, watermark).any(kept) {
                return Place::Correct;
            }
        }
        match first {
            None => Place::Group(self.open(key, start, end)),
            Some(_) if several => Place::Merge,
            Some(i) => {
                let session = &mut self.by_key[key as usize][i];
                (session.start, session.end) = (start, end);
                Place::Group(session.group)
            }
        }
    }

    fn open(&mut self, key: u32, start: i64, end: i64) -> u32 {
        let group = self.groups.allocate();
        let sessions = &mut self.by_key[key as usize];
        self.open_keys += usize::from(sessions.is_empty());
        sessions.push(Session { start, end, group, fired: false, order: self.next_order });
        self.timers.push(Reverse((end, self.next_order, key)));
        self.next_order += 1;
        group
    }

    /// Makes one session of a row and of those that it touches, or opens one; gives its group, without the row.
    fn merge(&mut self, key: u32, time: i64, watermark: i64) -> Result<u32> {
        let (start, end) = self.merged(key, time, watermark);
        let mut touching: Vec<usize> = self.touching(key, time, watermark).collect();
        let sessions = &self.by_key[key as usize];
        touching.sort_by_key(|&i| sessions[i].start);
        let Some((&into, rest)) = touching.split_first() else { return Ok(self.open(key, start, end)) };
        let group = sessions[into].group;
        let from: Vec<u32> = rest.iter().map(|&i| sessions[i].group).collect();
        self.groups.merge(&[(vec![group; from.len()], from.clone())], false)?;
        self.groups.release(&from);
        let sessions = &mut self.by_key[key as usize];
        let was_fired = sessions[into].fired;
        sessions[into] = Session { start, end, fired: false, ..sessions[into] };
        if was_fired {
            // Its timer was used up when it fired.
            self.timers.push(Reverse((end, sessions[into].order, key)));
        }
        sessions.retain(|s| !from.contains(&s.group));
        Ok(group)
    }

    /// Takes out the sessions that have closed, by end and first row. With allowed lateness they stay, as fired.
    fn close(&mut self, watermark: i64) -> Vec<Closed> {
        let mut closed = Vec::new();
        while let Some(&Reverse((end, order, key))) = self.timers.peek() {
            if self.time.closing(end) > watermark {
                break;
            }
            self.timers.pop();
            let sessions = &mut self.by_key[key as usize];
            let Some(at) = sessions.iter().position(|s| s.order == order && !s.fired) else { continue };
            let session = sessions[at];
            if self.time.closing(session.end) > watermark {
                self.timers.push(Reverse((session.end, order, key)));
                continue;
            }
            if self.allowed_ms > 0 {
                sessions[at].fired = true;
                self.expiries.push(Reverse((session.end, order, key)));
            }
            closed.push(Closed { session, key });
        }
        closed.sort_by_key(|c| (c.session.end, c.session.order));
        closed
    }

    /// Drops sessions that were given, or whose allowed lateness is over.
    fn expire(&mut self, watermark: i64, given: &[Closed]) {
        let mut gone: Vec<(u32, u64)> = Vec::new();
        if self.allowed_ms == 0 {
            gone.extend(given.iter().map(|c| (c.key, c.session.order)));
        }
        while let Some(&Reverse((end, order, key))) = self.expiries.peek() {
            if self.closes(end) > watermark {
                break;
            }
            self.expiries.pop();
            // One that has grown since has a later expiry of its own.
            if self.by_key[key as usize].iter().any(|s| s.order == order && s.fired && s.end == end) {
                gone.push((key, order));
            }
        }
        let mut groups = Vec::with_capacity(gone.len());
        for (key, order) in gone {
            let sessions = &mut self.by_key[key as usize];
            if let Some(at) = sessions.iter().position(|s| s.order == order) {
                groups.push(sessions[at].group);
                sessions.remove(at);
                self.open_keys -= usize::from(sessions.is_empty());
            }
        }
        self.groups.release(&groups);
    }

    /// Sweeps the table where most of its keys have no session.
    fn forget_keys(&mut self) {
        const KEYS_KEPT: usize = 1024;
        if self.table.entries().len() < KEYS_KEPT.max(2 * self.open_keys) {
            return;
        }
        let by_key = &self.by_key;
        let empty = |key: u32| by_key[key as usize].is_empty();
        self.free_keys.extend(self.table.entries().iter().map(|e| e.group).filter(|&k| empty(k)));
        self.table.retain(|key| !empty(key));
        for (place, entry) in self.table.entries().iter().enumerate() {
            self.places[entry.group as usize] = place as u32;
        }
    }

    /// All sessions with the entries of their keys, by the arrival of their first rows.
    fn all(&self) -> Vec<(Entry, Session)> {
        let entries = self.table.entries().iter();
        let mut all: Vec<_> =
            entries.flat_map(|e| self.by_key[e.group as usize].iter().map(move |s| (*e, *s))).collect();
        all.sort_by_key(|(_, s)| s.order);
        all
    }

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
        let schema = self.schema();
        let same = schema.fields().len() == rows.num_columns()
            && schema.fields().iter().zip(rows.columns()).all(|(f, c)| f.data_type() == c.data_type());
        if !same {
            return Err(Error::Corrupt {
                message: "the state table 'sessions' does not have the columns it should have".into(),
            });
        }
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
