//! Rows that wait for the watermark.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt16Array, UInt32Array};
use arrow::datatypes::{DataType as A, Field, Int64Type, Schema as ArrowSchema, SchemaRef, TimestampMillisecondType};
use wasmill_plan::{Error, Result};

use crate::batch::take_rows;
use crate::state::{KEY_GROUP_COLUMN, StateTable, hash_rows, key_group};

/// Rows that came together, read in time order.
pub(crate) struct Part {
    pub(crate) rows: RecordBatch,
    pub(crate) times: Vec<i64>,
    pub(crate) keys: Vec<u32>,
    /// Rows by time, ties by arrival; `None` where they came so.
    order: Option<Vec<u32>>,
    /// How many have left.
    cursor: usize,
}

impl Part {
    pub(crate) fn new(rows: RecordBatch, times: Vec<i64>, keys: Vec<u32>) -> Self {
        let order = (!times.is_sorted()).then(|| {
            let mut order: Vec<u32> = (0..times.len() as u32).collect();
            order.sort_by_key(|&row| times[row as usize]);
            order
        });
        Self { rows, times, keys, order, cursor: 0 }
    }

    fn row(&self, place: usize) -> usize {
        self.order.as_ref().map_or(place, |o| o[place] as usize)
    }

    /// One past the last place, from the cursor, of a row at or before `watermark`.
    fn due(&self, watermark: i64) -> usize {
        match &self.order {
            None => self.cursor + self.times[self.cursor..].partition_point(|&t| t <= watermark),
            Some(order) => self.cursor + order[self.cursor..].partition_point(|&r| self.times[r as usize] <= watermark),
        }
    }

    /// The rows that are left, in order of arrival.
    fn left(&self) -> RecordBatch {
        if self.cursor == 0 {
            return self.rows.clone();
        }
        let mut rows: Vec<u32> = (self.cursor..self.times.len()).map(|place| self.row(place) as u32).collect();
        rows.sort_unstable();
        take_rows(&self.rows, &UInt32Array::from(rows))
    }
}

/// Rows in time order, ties in order of arrival.
pub(crate) struct Due {
    pub(crate) rows: RecordBatch,
    pub(crate) times: Vec<i64>,
    pub(crate) keys: Vec<u32>,
}

/// State table `rows`, or as its owner calls it: the input's columns, then `$order` BIGINT (order of arrival) and `$held` BIGINT (see
/// [`Pending::hold`]; NULL for rows that came in time).
pub(crate) struct Pending {
    name: &'static str,
    schema: SchemaRef,
    partition: Vec<usize>,
    parts: Vec<Part>,
    held: Vec<Part>,
    held_mark: i64,
    /// Rows of a restored state that have no key ids yet.
    pub(crate) loaded: Option<RecordBatch>,
}

impl Pending {
    pub(crate) fn new(schema: SchemaRef, partition: Vec<usize>) -> Self {
        Self::named("rows", schema, partition)
    }

    /// With that name for its table.
    pub(crate) fn named(name: &'static str, schema: SchemaRef, partition: Vec<usize>) -> Self {
        Self { name, schema, partition, parts: Vec::new(), held: Vec::new(), held_mark: i64::MIN, loaded: None }
    }

    /// Adds rows that came in time.
    pub(crate) fn add(&mut self, part: Part) {
        if !part.times.is_empty() {
            self.parts.push(part);
        }
    }

    /// Keeps rows that the watermark `mark` had passed when they came: they leave when it rises again (a timer of Flink that
    /// is set in the past fires with the next watermark). `mark` is not below that of the rows already held.
    pub(crate) fn hold(&mut self, part: Part, mark: i64) {
        debug_assert!(self.held.is_empty() || self.held_mark == mark, "held rows are released before the mark rises");
        self.held.push(part);
        self.held_mark = mark;
    }

    /// Takes out the rows that are due at `watermark`.
    ///
    /// # Errors
    /// None today; arrow's kernels return them.
    pub(crate) fn take_due(&mut self, watermark: i64) -> Result<Option<Due>> {
        if self.held_mark < watermark {
            self.parts.append(&mut self.held);
        }
        let due: Vec<(usize, std::ops::Range<usize>)> = (0..self.parts.len())
            .map(|p| (p, self.parts[p].cursor..self.parts[p].due(watermark)))
            .filter(|(_, places)| !places.is_empty())
            .collect();
        let result = match due.as_slice() {
            [] => return Ok(None),
            [(p, places)] if self.parts[*p].order.is_none() => {
                let part = &self.parts[*p];
                Due {
                    rows: part.rows.slice(places.start, places.len()),
                    times: part.times[places.clone()].to_vec(),
                    keys: part.keys[places.clone()].to_vec(),
                }
            }
            many => self.merge(many)?,
        };
        for (p, places) in due {
            self.parts[p].cursor = places.end;
        }
        self.parts.retain(|p| p.cursor < p.times.len());
        Ok(Some(result))
    }

    fn merge(&self, due: &[(usize, std::ops::Range<usize>)]) -> Result<Due> {
        let mut all: Vec<(i64, u32, u32)> = Vec::with_capacity(due.iter().map(|(_, places)| places.len()).sum());
        for (p, places) in due {
            let part = &self.parts[*p];
            all.extend(places.clone().map(|place| {
                let row = part.row(place);
                (part.times[row], *p as u32, row as u32)
            }));
        }
        // Parts lie in order of arrival, and the sort is stable.
        all.sort_by_key(|(time, _, _)| *time);
        let runs = all.chunk_by(|a, b| a.1 == b.1 && a.2 + 1 == b.2);
        let run_count = runs.clone().count();
        let rows = if run_count <= all.len() / 32 + 1 {
            let slices: Vec<RecordBatch> =
                runs.map(|r| self.parts[r[0].1 as usize].rows.slice(r[0].2 as usize, r.len())).collect();
            arrow::compute::concat_batches(&self.schema, &slices)?
        } else {
            let batches: Vec<&RecordBatch> = due.iter().map(|(p, _)| &self.parts[*p].rows).collect();
            let mut place = vec![0; self.parts.len()];
            due.iter().enumerate().for_each(|(i, (p, _))| place[*p] = i);
            let indices: Vec<(usize, usize)> =
                all.iter().map(|&(_, p, row)| (place[p as usize], row as usize)).collect();
            arrow::compute::interleave_record_batch(&batches, &indices)?
        };
        let keys = all.iter().map(|&(_, p, row)| self.parts[p as usize].keys[row as usize]).collect();
        Ok(Due { rows, times: all.iter().map(|x| x.0).collect(), keys })
    }

    /// The columns that decide the key.
    pub(crate) fn key_columns(&self, rows: &RecordBatch) -> Vec<ArrayRef> {
        self.partition.iter().map(|&c| rows.column(c).clone()).collect()
    }

    /// Splits restored rows by what they were: in time, or held at a mark.
    pub(crate) fn take_loaded(&mut self) -> Option<Vec<(RecordBatch, Option<i64>)>> {
        let rows = self.loaded.take()?;
        let width = self.schema.fields().len();
        let held = rows.column(width + 1).as_primitive::<Int64Type>();
        let mut groups: std::collections::BTreeMap<Option<i64>, Vec<u32>> = Default::default();
        for row in 0..rows.num_rows() {
            groups.entry(held.is_valid(row).then(|| held.value(row))).or_default().push(row as u32);
        }
        let plain = rows.project(&(0..width).collect::<Vec<_>>()).ok()?;
        let plain = plain.with_schema(self.schema.clone()).ok()?;
        Some(groups.into_iter().map(|(mark, rows)| (take_rows(&plain, &UInt32Array::from(rows)), mark)).collect())
    }
}

/// The times of a time attribute's column.
///
/// # Errors
/// `Error::Data` where one is NULL, `Error::Query` where the column is no timestamp in ms.
pub(crate) fn times(rows: &RecordBatch, column: usize) -> Result<Vec<i64>> {
    let Some(times) = rows.column(column).as_primitive_opt::<TimestampMillisecondType>() else {
        let found = rows.column(column).data_type();
        return Err(Error::query(format!("the time attribute must be TIMESTAMP(3), not {found}")));
    };
    if times.null_count() > 0 {
        let name = rows.schema().field(column).name().clone();
        return Err(Error::data(format!("the time attribute '{name}' is NULL")));
    }
    Ok(times.values().to_vec())
}

impl StateTable for Pending {
    fn name(&self) -> &'static str {
        self.name
    }

    fn save(&mut self) -> Result<RecordBatch> {
        let mut fields = vec![Field::new(KEY_GROUP_COLUMN, A::UInt16, false)];
        fields.extend(self.schema.fields().iter().map(|f| f.as_ref().clone()));
        fields.push(Field::new("$order", A::Int64, false));
        fields.push(Field::new("$held", A::Int64, true));
        let saved = Arc::new(ArrowSchema::new(fields));
        if let Some(loaded) = &self.loaded {
            // Saved again before anything came.
            let groups = self.groups(loaded);
            let columns = std::iter::once(groups).chain(loaded.columns().iter().cloned()).collect();
            return Ok(RecordBatch::try_new(saved, columns)?);
        }
        let (mut batches, mut order) = (Vec::new(), 0i64);
        let parts = self.parts.iter().map(|p| (p, None)).chain(self.held.iter().map(|p| (p, Some(self.held_mark))));
        for (part, mark) in parts {
            let left = part.left();
            let count = left.num_rows() as i64;
            let mut columns = vec![self.groups(&left)];
            columns.extend_from_slice(left.columns());
            columns.push(Arc::new(Int64Array::from_iter_values(order..order + count)));
            columns.push(Arc::new(Int64Array::from(vec![mark; count as usize])));
            batches.push(RecordBatch::try_new(saved.clone(), columns)?);
            order += count;
        }
        Ok(arrow::compute::concat_batches(&saved, &batches)?)
    }

    fn load(&mut self, rows: RecordBatch) -> Result<()> {
        let width = self.schema.fields().len();
        let schema = rows.schema();
        let fits = schema.fields().len() == width + 3
            && schema.fields()[1..=width].iter().zip(self.schema.fields()).all(|(a, b)| a.data_type() == b.data_type())
            && rows.column(width + 1).data_type() == &A::Int64
            && rows.column(width + 2).data_type() == &A::Int64;
        if !fits {
            return Err(Error::Corrupt { message: "table 'rows' of rows that wait has other columns".to_owned() });
        }
        let order = rows.column(width + 1).as_primitive::<Int64Type>().values();
        let mut indices: Vec<u32> = (0..rows.num_rows() as u32).collect();
        indices.sort_by_key(|&row| order[row as usize]);
        let rows = take_rows(&rows, &UInt32Array::from(indices));
        self.parts.clear();
        self.held.clear();
        self.loaded = Some(rows.project(&(1..width + 3).collect::<Vec<_>>())?);
        Ok(())
    }
}

impl Pending {
    fn groups(&self, rows: &RecordBatch) -> ArrayRef {
        let hashes = hash_rows(&self.key_columns(rows), rows.num_rows());
        Arc::new(hashes.iter().map(|&h| key_group(h)).collect::<UInt16Array>())
    }
}
