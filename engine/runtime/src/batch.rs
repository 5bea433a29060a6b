//! What travels on every edge.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt8Array, UInt32Array};

use crate::swap::Swap;

/// The watermark before any was seen.
pub const NO_WATERMARK: i64 = i64::MIN;
/// The watermark after the end of the input. No row has such a time.
pub const MAX_WATERMARK: i64 = i64::MAX;

/// One element of a stream.
#[derive(Clone, Debug)]
pub enum Message {
    /// Rows.
    Batch(Batch),
    /// No row with a time at or before this will be on time any more, ms since the epoch.
    Watermark(i64),
    /// The sender has nothing to say about time for now; it does not hold others back. Rows or a watermark end it.
    Idle,
    /// Everything before this belongs to its epoch.
    Barrier(Barrier),
    /// No more. The receiver raises the watermark to [`MAX_WATERMARK`] first.
    End,
    /// No more, because the job was asked to stop: the watermark stays where it is, what is open stays open.
    Stopped,
}

/// Ends an epoch.
#[derive(Clone, Debug)]
pub struct Barrier {
    /// The epoch that ends here.
    pub epoch: u64,
    /// What is in force behind it.
    pub swap: Option<Arc<Swap>>,
}

/// What a row does to the result that the stream describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RowKind {
    /// `+I`: adds a row.
    Insert = 0,
    /// `-U`: takes back the old version of a row.
    UpdateBefore = 1,
    /// `+U`: gives its new version.
    UpdateAfter = 2,
    /// `-D`: takes back a row.
    Delete = 3,
}

impl RowKind {
    /// From its byte.
    ///
    /// # Panics
    /// If it is none: only our operators write them.
    pub fn from_u8(byte: u8) -> Self {
        match byte {
            0 => Self::Insert,
            1 => Self::UpdateBefore,
            2 => Self::UpdateAfter,
            3 => Self::Delete,
            other => panic!("row kind {other}"),
        }
    }
    /// Whether it adds a row (+I, +U).
    pub fn adds(self) -> bool {
        matches!(self, Self::Insert | Self::UpdateAfter)
    }
    /// `+I`, `-U`, `+U` or `-D`.
    pub fn symbol(self) -> &'static str {
        ["+I", "-U", "+U", "-D"][self as usize]
    }
}

/// From row `after_row` + 1 on, the watermark is `watermark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatermarkStep {
    /// Index of the row that raised it.
    pub after_row: u32,
    /// Ms since the epoch; rises strictly from step to step.
    pub watermark: i64,
}

/// Rows of one edge.
///
/// Lateness is judged row by row, as in Flink, whatever the batching: `watermark` is in force before the first row, and each
/// step raises it behind a row. A [`Message::Watermark`] with the last value always follows the batch, so an operator that
/// does not judge single rows can ignore the steps, and an operator that fires on watermarks fires once per batch: rows that
/// come behind a step and are still on time belong to windows that the step has not closed, so the result is the same.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The columns.
    pub rows: RecordBatch,
    /// [`RowKind`] per row as `u8`; `None`: all +I.
    pub kinds: Option<UInt8Array>,
    /// The watermark before the first row.
    pub watermark: i64,
    /// How it rises inside the batch, by rising row index.
    pub steps: Vec<WatermarkStep>,
    /// The rows' key hashes, left by the exchange for an operator with the same key ([`crate::state::hash_rows`]).
    pub hashes: Option<Vec<u64>>,
}

impl Batch {
    /// Rows that only add, without watermarks.
    pub fn append(rows: RecordBatch) -> Self {
        Self { rows, kinds: None, watermark: NO_WATERMARK, steps: Vec::new(), hashes: None }
    }
    /// Rows with their kinds.
    pub fn changes(rows: RecordBatch, kinds: UInt8Array) -> Self {
        debug_assert_eq!(rows.num_rows(), kinds.len());
        Self { kinds: Some(kinds), ..Self::append(rows) }
    }
    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }
    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The kind of a row.
    pub fn kind(&self, row: usize) -> RowKind {
        self.kinds.as_ref().map_or(RowKind::Insert, |k| RowKind::from_u8(k.value(row)))
    }
    /// The watermark behind the last row.
    pub fn last_watermark(&self) -> i64 {
        self.steps.last().map_or(self.watermark, |s| s.watermark)
    }
    /// The watermark in force before each row.
    pub fn row_watermarks(&self) -> Vec<i64> {
        let mut marks = Vec::with_capacity(self.len());
        let mut current = self.watermark;
        for step in &self.steps {
            marks.resize(step.after_row as usize + 1, current);
            current = step.watermark;
        }
        marks.resize(self.len(), current);
        marks
    }
    /// The same steps for a batch that keeps only the rows where `keep` is true. A step behind rows that are dropped moves
    /// to the last kept row before it; where none is, it raises [`Batch::watermark`]. Returns (watermark, steps).
    pub fn filter_steps(&self, keep: impl Fn(usize) -> bool) -> (i64, Vec<WatermarkStep>) {
        let (mut kept, mut next) = (0u32, 0);
        self.map_steps(|row| {
            while next <= row {
                kept += u32::from(keep(next));
                next += 1;
            }
            kept
        })
    }
    /// The same steps for a batch in which rows 0..=`row` of this one have become the first `rows_through(row)` rows; asked
    /// for rising rows. Returns (watermark, steps) as [`Batch::filter_steps`].
    pub fn map_steps(&self, mut rows_through: impl FnMut(usize) -> u32) -> (i64, Vec<WatermarkStep>) {
        let mut watermark = self.watermark;
        let mut steps: Vec<WatermarkStep> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let rows = rows_through(step.after_row as usize);
            match (rows, steps.last_mut()) {
                (0, _) => watermark = step.watermark,
                (_, Some(last)) if last.after_row + 1 == rows => last.watermark = step.watermark,
                _ => steps.push(WatermarkStep { after_row: rows - 1, watermark: step.watermark }),
            }
        }
        (watermark, steps)
    }
}

/// The rows of a batch where `keep` is true, with their kinds, steps and hashes (`hashes`, where the batch has none of its
/// own). The batch itself where it keeps all.
pub fn select(batch: &Batch, hashes: Option<&[u64]>, keep: impl Fn(usize) -> bool) -> Batch {
    let hashes = batch.hashes.as_deref().or(hashes);
    let rows: Vec<u32> = (0..batch.len()).filter(|&row| keep(row)).map(|row| row as u32).collect();
    if rows.len() == batch.len() {
        return Batch { hashes: hashes.map(<[u64]>::to_vec), ..batch.clone() };
    }
    let (watermark, steps) = batch.filter_steps(&keep);
    let hashes = hashes.map(|h| rows.iter().map(|&row| h[row as usize]).collect());
    let indices = UInt32Array::from(rows);
    Batch {
        rows: take_rows(&batch.rows, &indices),
        kinds: batch.kinds.as_ref().map(|k| take_kinds(k, &indices)),
        watermark,
        steps,
        hashes,
    }
}

/// Those rows of a record batch, in the order of the indices.
///
/// # Panics
/// Where an index is not one of a row.
pub fn take_rows(rows: &RecordBatch, indices: &UInt32Array) -> RecordBatch {
    let take = |column: &ArrayRef| arrow::compute::take(column, indices, None).expect("indices of rows");
    let columns: Vec<ArrayRef> = rows.columns().iter().map(take).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(indices.len()));
    RecordBatch::try_new_with_options(rows.schema(), columns, &options).expect("columns of the same schema")
}

/// Those kinds, in the order of the indices.
pub fn take_kinds(kinds: &UInt8Array, indices: &UInt32Array) -> UInt8Array {
    indices.values().iter().map(|&i| kinds.value(i as usize)).collect()
}
