//! ROW_NUMBER per window and partition, filtered to a range: window Top-N, and window deduplication (a Top-1).
//!
//! Each partition of a window keeps its best rows only, sorted; rows of the same order stay as they came. A window gives its
//! rows when the watermark closes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, UInt16Array, UInt32Array};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType as A, Field, Int64Type, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use wasmill_plan::{Error, Result, Schema, WindowRank, Windowing};

use super::window_aggregate::{RESULT_ROWS_MAX, columns, times, types};
use crate::batch::{Batch, take_rows};
use crate::key_table::{KeyCodec, KeyTable, with_keys};
use crate::operator::{Operator, Output};
use crate::state::{KEY_GROUP_COLUMN, StateTable, expect_columns, hash_rows, key_group};
use crate::window::{LocalTime, Shape, check_time};

/// See the module.
pub struct WindowRankOperator {
    windows: Windows,
    from: usize,
    with_rank: bool,
    output: SchemaRef,
    state: Ranked,
}

enum Windows {
    Assign { shape: Shape, time_column: usize },
    Attached { start_column: Option<usize>, end_column: usize },
}

/// A row that may be given.
struct Candidate {
    /// Its sort columns, in Arrow's row encoding.
    order: Box<[u8]>,
    /// All of its columns, in the same encoding.
    row: Box<[u8]>,
    /// Where the row is in the batch that is worked on, plus one; 0 where `row` holds it.
    pending: u32,
}

/// State table `ranked`: `$key_group`, `$start`, `$end` (Int64, local ms; the start is the smallest number where the rows do
/// not carry it), then the input's columns `c<i>`. A row per row that may be given, by window, partition and rank.
struct Ranked {
    time: LocalTime,
    partition: Vec<usize>,
    order: Vec<usize>,
    to: usize,
    last_of_ties: bool,
    codec: KeyCodec,
    orders: RowConverter,
    rows: RowConverter,
    types: Vec<A>,
    /// By (end, start); the groups of a table are places in `partitions`.
    windows: BTreeMap<(i64, i64), KeyTable>,
    partitions: Vec<Vec<Candidate>>,
    free: Vec<u32>,
}

impl WindowRankOperator {
    /// `retracting`: the input is a changelog.
    ///
    /// # Errors
    /// `Error::Query` for an input that retracts rows, whose windows would have to keep all of them, and for SESSION windows
    /// that the rows do not carry.
    pub fn new(node: &WindowRank, input: &Schema, output: &Schema, retracting: bool) -> Result<Self> {
        if retracting {
            return Err(Error::Query {
                message: "ROW_NUMBER per window cannot take rows back".into(),
                hint: Some(
                    "use it on windows without ALLOW LATENESS, or without window columns in PARTITION BY".into(),
                ),
            });
        }
        let (windows, zone) = match &node.windowing {
            Windowing::Assign(spec) => (
                Windows::Assign { shape: Shape::new(&spec.kind)?, time_column: spec.time_column },
                spec.time_zone.as_deref(),
            ),
            Windowing::Attached { start_column, end_column, time_zone } => {
                (Windows::Attached { start_column: *start_column, end_column: *end_column }, time_zone.as_deref())
            }
        };
        let all: Vec<A> = input.fields.iter().map(|f| f.data_type.to_arrow()).collect();
        let unsupported = |e| Error::query(format!("rows of these types cannot be ranked: {e}"));
        let order = node.order.iter().map(|key| {
            let options = SortOptions { descending: key.descending, nulls_first: key.nulls_first };
            SortField::new_with_options(all[key.column].clone(), options)
        });
        let state = Ranked {
            time: LocalTime::new(zone)?,
            partition: node.partition.clone(),
            order: node.order.iter().map(|key| key.column).collect(),
            to: usize::try_from(node.to).unwrap_or(usize::MAX),
            last_of_ties: node.last_of_ties,
            codec: KeyCodec::new(types(input, &node.partition))?,
            orders: RowConverter::new(order.collect()).map_err(unsupported)?,
            rows: RowConverter::new(all.iter().cloned().map(SortField::new).collect()).map_err(unsupported)?,
            types: all,
            windows: BTreeMap::new(),
            partitions: Vec::new(),
            free: Vec::new(),
        };
        let from = usize::try_from(node.from.max(1)).unwrap_or(usize::MAX);
        Ok(Self { windows, from, with_rank: node.with_rank, output: output.to_arrow(), state })
    }

    /// The windows of each row that are open at its watermark, as (row, end, start), and the rows that have none.
    fn open_windows(&mut self, batch: &Batch) -> Result<(Vec<(u32, i64, i64)>, Vec<u32>)> {
        let marks = if batch.steps.is_empty() { Vec::new() } else { batch.row_watermarks() };
        let watermark = |row: usize| if marks.is_empty() { batch.watermark } else { marks[row] };
        let (mut open, mut late) = (Vec::with_capacity(batch.len()), Vec::new());
        match self.windows {
            Windows::Attached { start_column, end_column } => {
                let ends = times(&batch.rows, end_column, "window_end")?;
                let starts = start_column.map(|c| times(&batch.rows, c, "window_start")).transpose()?;
                let mut closing = (i64::MIN, i64::MIN);
                for (row, &end) in ends.iter().enumerate() {
                    if closing.0 != end || row == 0 {
                        check_time(end)?;
                        closing = (end, self.state.time.closing(end));
                    }
                    if watermark(row) >= closing.1 {
                        late.push(row as u32);
                    } else {
                        open.push((row as u32, end, starts.as_ref().map_or(i64::MIN, |s| s[row])));
                    }
                }
            }
            Windows::Assign { shape, time_column } => {
                let times = times(&batch.rows, time_column, "the time attribute")?;
                for (row, &time) in times.iter().enumerate() {
                    check_time(time)?;
                    let slice = shape.slice(self.state.time.local(time));
                    let before = open.len();
                    let mut end = slice.first_window_end;
                    while end <= slice.last_window_end {
                        if watermark(row) < self.state.time.closing(end) {
                            open.push((row as u32, end, shape.window_start(end)));
                        }
                        end += shape.period();
                    }
                    if open.len() == before && slice.first_window_end <= slice.last_window_end {
                        late.push(row as u32);
                    }
                }
            }
        }
        Ok((open, late))
    }

    /// Gives the rows of a window.
    fn give(&mut self, table: &KeyTable, out: &mut dyn Output) -> Result<()> {
        let mut given: Vec<(&[u8], i64)> = Vec::new();
        for group in table.groups() {
            let ranked = self.state.partitions[group as usize].iter().enumerate().skip(self.from - 1);
            given.extend(ranked.map(|(i, c)| (&c.row[..], i as i64 + 1)));
        }
        let parser = self.state.rows.parser();
        for given in given.chunks(RESULT_ROWS_MAX) {
            let mut columns = self.state.rows.convert_rows(given.iter().map(|(row, _)| parser.parse(row)))?;
            if self.with_rank {
                columns.push(Arc::new(Int64Array::from_iter_values(given.iter().map(|(_, rank)| *rank))));
            }
            let rows = RecordBatch::try_new(self.output.clone(), columns)
                .map_err(|e| Error::query(format!("the columns of ranked rows are not of the plan's types: {e}")))?;
            out.emit(Batch::append(rows));
        }
        Ok(())
    }
}

impl Operator for WindowRankOperator {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let (open, late) = self.open_windows(&batch)?;
        self.state.insert(&batch.rows, batch.hashes.as_deref(), &open)?;
        if !late.is_empty() {
            out.late(take_rows(&batch.rows, &UInt32Array::from(late)));
        }
        Ok(())
    }

    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        while let Some(first) = self.state.windows.first_entry() {
            if self.state.time.closing(first.key().0) > watermark {
                break;
            }
            let table = first.remove();
            self.give(&table, out)?;
            self.state.release(&table);
        }
        Ok(watermark)
    }

    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.state]
    }
}

impl Ranked {
    /// Puts rows where they belong; `windows` are (row, end, start).
    fn insert(&mut self, rows: &RecordBatch, hashes: Option<&[u64]>, windows: &[(u32, i64, i64)]) -> Result<()> {
        if windows.is_empty() {
            return Ok(());
        }
        let key_columns = columns(rows, &self.partition);
        let computed;
        let hashes = match hashes {
            Some(hashes) => hashes,
            None => {
                computed = hash_rows(&key_columns, rows.num_rows());
                &computed
            }
        };
        let keys = self.codec.view(&key_columns)?;
        let orders = self.orders.convert_columns(&columns(rows, &self.order))?;
        let mut kept: Vec<u32> = Vec::new();
        let mut touched: Vec<u32> = Vec::new();
        for &(row, end, start) in windows {
            let table = self.windows.entry((end, start)).or_default();
            let (partitions, free) = (&mut self.partitions, &mut self.free);
            let hash = hashes[row as usize];
            let group = with_keys!(&keys, view => table.find_or_insert(view, hash, row as usize, || {
                free.pop().unwrap_or_else(|| {
                    partitions.push(Vec::new());
                    partitions.len() as u32 - 1
                })
            }));
            let candidates = &mut self.partitions[group as usize];
            let order = orders.row(row as usize);
            let order = order.as_ref();
            let last_of_ties = self.last_of_ties;
            let before = |c: &Candidate| if last_of_ties { &c.order[..] < order } else { &c.order[..] <= order };
            if candidates.len() >= self.to && candidates.last().is_none_or(before) {
                continue;
            }
            let at = candidates.partition_point(before);
            candidates.insert(at, Candidate { order: order.into(), row: Box::default(), pending: row + 1 });
            candidates.truncate(self.to);
            touched.push(group);
            if kept.last() != Some(&row) {
                kept.push(row);
            }
        }
        self.keep(rows, &kept, &touched)
    }

    /// Encodes the rows that candidates of this batch still need.
    fn keep(&mut self, rows: &RecordBatch, kept: &[u32], touched: &[u32]) -> Result<()> {
        if kept.is_empty() {
            return Ok(());
        }
        let taken = take_rows(rows, &UInt32Array::from(kept.to_vec()));
        let encoded: Rows = self.rows.convert_columns(taken.columns())?;
        for &group in touched {
            for candidate in &mut self.partitions[group as usize] {
                if candidate.pending > 0 {
                    let at = kept.binary_search(&(candidate.pending - 1)).expect("a row that was kept");
                    candidate.row = encoded.row(at).as_ref().into();
                    candidate.pending = 0;
                }
            }
        }
        Ok(())
    }

    fn release(&mut self, table: &KeyTable) {
        for group in table.groups() {
            self.partitions[group as usize] = Vec::new();
            self.free.push(group);
        }
    }

    fn schema(&self) -> SchemaRef {
        let mut fields = vec![
            Field::new(KEY_GROUP_COLUMN, A::UInt16, false),
            Field::new("$start", A::Int64, false),
            Field::new("$end", A::Int64, false),
        ];
        let columns = self.types.iter().enumerate();
        fields.extend(columns.map(|(i, data_type)| Field::new(format!("c{i}"), data_type.clone(), true)));
        Arc::new(arrow::datatypes::Schema::new(fields))
    }
}

impl StateTable for Ranked {
    fn name(&self) -> &'static str {
        "ranked"
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let (mut key_groups, mut starts, mut ends, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((end, start), table) in &self.windows {
            for entry in table.entries() {
                for candidate in &self.partitions[entry.group as usize] {
                    key_groups.push(key_group(entry.hash));
                    starts.push(*start);
                    ends.push(*end);
                    rows.push(&candidate.row[..]);
                }
            }
        }
        let parser = self.rows.parser();
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt16Array::from(key_groups)),
            Arc::new(Int64Array::from(starts)),
            Arc::new(Int64Array::from(ends)),
        ];
        columns.extend(self.rows.convert_rows(rows.into_iter().map(|row| parser.parse(row)))?);
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        expect_columns(self.name(), &self.schema(), &rows)?;
        self.windows.clear();
        self.partitions.clear();
        self.free.clear();
        let whole = |c: usize| rows.column(c).as_primitive::<Int64Type>().values().clone();
        let (starts, ends) = (whole(1), whole(2));
        let windows: Vec<(u32, i64, i64)> =
            (0..rows.num_rows()).map(|row| (row as u32, ends[row], starts[row])).collect();
        let input: Vec<usize> = (3..rows.num_columns()).collect();
        let input = rows.project(&input)?;
        self.insert(&input, None, &windows)
    }
}

#[cfg(test)]
mod tests {
    use wasmill_plan::{Operator as Node, SortKey, WindowKind, WindowSpec};

    use super::*;
    use crate::harness::Harness;

    const INPUT: &str = "k STRING, v INT, ws TIMESTAMP(3), we TIMESTAMP(3)";

    fn node(from: u64, to: u64, descending: bool, with_rank: bool) -> WindowRank {
        WindowRank {
            windowing: Windowing::Attached { start_column: Some(2), end_column: 3, time_zone: None },
            partition: vec![0],
            order: vec![SortKey { column: 1, descending, nulls_first: !descending }],
            last_of_ties: false,
            from,
            to,
            with_rank,
        }
    }

    fn harness(node: WindowRank) -> Harness {
        let output = if node.with_rank { format!("{INPUT}, n BIGINT") } else { INPUT.to_owned() };
        Harness::new(Node::WindowRank(node), &[INPUT], &output).keyed(&[0])
    }

    #[test]
    fn the_best_rows_of_each_partition_come_when_the_window_closes() {
        harness(node(1, 2, true, true)).check(
            "a | 1 | 00:00:00 | 00:00:10
             b | 7 | 00:00:00 | 00:00:10
             a | 3 | 00:00:00 | 00:00:10
             a | NULL | 00:00:00 | 00:00:10
             a | 2 | 00:00:00 | 00:00:10
             a | 9 | 00:00:10 | 00:00:20
             ^ 00:00:10
             a | 8 | 00:00:00 | 00:00:10
             end",
            "late a | 8 | 00:00:00 | 00:00:10
             +I a | 3 | 00:00:00 | 00:00:10 | 1
             +I a | 2 | 00:00:00 | 00:00:10 | 2
             +I b | 7 | 00:00:00 | 00:00:10 | 1
             watermark 00:00:10
             +I a | 9 | 00:00:10 | 00:00:20 | 1
             watermark MAX",
        );
    }

    #[test]
    fn nulls_are_lowest_ties_keep_their_order_and_a_range_may_start_later() {
        harness(node(2, 3, false, false)).check(
            "a | 5 | 00:00:00 | 00:00:10
             a | NULL | 00:00:00 | 00:00:10
             a | 5 | 00:00:00 | 00:00:10

             a | 6 | 00:00:00 | 00:00:10
             end",
            "+I a | 5 | 00:00:00 | 00:00:10
             +I a | 5 | 00:00:00 | 00:00:10
             watermark MAX",
        );
    }

    #[test]
    fn the_last_of_equal_rows_may_be_first() {
        let windowing = Windowing::Attached { start_column: Some(2), end_column: 3, time_zone: None };
        let order = vec![SortKey { column: 2, descending: true, nulls_first: false }];
        harness(WindowRank { windowing, order, last_of_ties: true, ..node(1, 1, true, false) }).check(
            "a | 1 | 00:00:00 | 00:00:10
             a | 2 | 00:00:00 | 00:00:10

             a | 3 | 00:00:00 | 00:00:10
             end",
            "+I a | 3 | 00:00:00 | 00:00:10
             watermark MAX",
        );
    }

    #[test]
    fn windows_may_be_assigned_here() {
        let kind = WindowKind::Hop { slide_ms: 5000, size_ms: 10_000, offset_ms: 0 };
        let windowing = Windowing::Assign(WindowSpec { kind, time_column: 3, time_zone: None });
        harness(WindowRank { windowing, ..node(1, 1, false, true) }).check(
            "a | 1 | 00:00:00 | 00:00:06
             ^ 00:00:12
             a | 0 | 00:00:00 | 00:00:07
             end",
            "+I a | 1 | 00:00:00 | 00:00:06 | 1
             watermark 00:00:12
             +I a | 0 | 00:00:00 | 00:00:07 | 1
             watermark MAX",
        );
    }
}
