//! What a running job counts: written by its tasks, read at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use arrow::array::{Array, RecordBatch};

use crate::batch::NO_WATERMARK;

/// What a node is, for whoever shows metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeRole {
    /// Reads a table, or gives constant rows.
    Source,
    /// Gives watermarks.
    Watermark,
    /// Any other operator.
    Operator,
    /// Writes a table.
    Sink,
}

/// The counters of one instance of a node.
#[derive(Debug)]
pub(crate) struct NodeCounters {
    pub(crate) uid: String,
    pub(crate) table: Option<String>,
    pub(crate) instance: usize,
    pub(crate) role: NodeRole,
    pub(crate) rows_in: AtomicU64,
    pub(crate) rows_out: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) late_rows: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) watermark: AtomicI64,
    pub(crate) idle: AtomicBool,
    pub(crate) closed: AtomicBool,
    pub(crate) done: AtomicU64,
    pub(crate) total: AtomicU64,
}

impl NodeCounters {
    pub(crate) fn new(uid: &str, table: Option<String>, instance: usize, role: NodeRole) -> Arc<Self> {
        Arc::new(Self {
            uid: uid.to_owned(),
            table,
            instance,
            role,
            rows_in: AtomicU64::new(0),
            rows_out: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            late_rows: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            watermark: AtomicI64::new(NO_WATERMARK),
            idle: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
        })
    }
}

/// One node's figures, over its instances where they were added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeMetrics {
    /// Its uid in the plan.
    pub uid: String,
    /// The table that a source reads, a watermark belongs to or a sink writes.
    pub table: Option<String>,
    /// What it is.
    pub role: NodeRole,
    /// Rows that came in; for a source, rows read.
    pub rows_in: u64,
    /// Rows given; for a sink 0.
    pub rows_out: u64,
    /// Bytes of the rows in memory that a source read or a sink took.
    pub bytes: u64,
    /// Rows that came too late.
    pub late_rows: u64,
    /// Rows that a source could not decode, and has left out or sent to the dead-letter table.
    pub rejected: u64,
    /// The lowest watermark given, [`NO_WATERMARK`] before the first.
    pub watermark: i64,
    /// How far a source has come: done of total, where it is known.
    pub progress: Option<(u64, u64)>,
}

/// A job's figures at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// In the order of the plan.
    pub nodes: Vec<NodeMetrics>,
    /// The lowest of several watermark operators and instances that are neither idle nor at their end, where it is behind.
    pub watermark_holder: Option<WatermarkHolder>,
}

/// Who holds the watermark back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatermarkHolder {
    /// The watermark operator's uid.
    pub uid: String,
    /// Which instance of it.
    pub instance: usize,
    /// The table whose rows it reads, where it is one.
    pub table: Option<String>,
    /// How far it is behind the highest of the others; `i64::MAX` where it has given no watermark yet.
    pub behind_ms: i64,
}

impl Metrics {
    pub(crate) fn of(counters: &[Arc<NodeCounters>]) -> Self {
        let mut nodes: Vec<NodeMetrics> = Vec::new();
        for c in counters {
            let total = c.total.load(Relaxed);
            let one = NodeMetrics {
                uid: c.uid.clone(),
                table: c.table.clone(),
                role: c.role,
                rows_in: c.rows_in.load(Relaxed),
                rows_out: c.rows_out.load(Relaxed),
                bytes: c.bytes.load(Relaxed),
                late_rows: c.late_rows.load(Relaxed),
                rejected: c.rejected.load(Relaxed),
                watermark: c.watermark.load(Relaxed),
                progress: (total > 0).then(|| (c.done.load(Relaxed), total)),
            };
            match nodes.iter_mut().find(|n| n.uid == one.uid) {
                Some(sum) => sum.add(&one),
                None => nodes.push(one),
            }
        }
        let holds =
            |c: &&Arc<NodeCounters>| c.role == NodeRole::Watermark && !c.idle.load(Relaxed) && !c.closed.load(Relaxed);
        let open: Vec<_> = counters.iter().filter(holds).collect();
        let highest = open.iter().map(|c| c.watermark.load(Relaxed)).max().unwrap_or(NO_WATERMARK);
        let lowest = open.iter().map(|c| (c.watermark.load(Relaxed), c)).min_by_key(|(watermark, _)| *watermark);
        let watermark_holder =
            lowest.filter(|(watermark, _)| *watermark < highest).map(|(watermark, c)| WatermarkHolder {
                uid: c.uid.clone(),
                instance: c.instance,
                table: c.table.clone(),
                behind_ms: if watermark == NO_WATERMARK { i64::MAX } else { highest.saturating_sub(watermark) },
            });
        Self { nodes, watermark_holder }
    }

    /// The figures of a node.
    pub fn node(&self, uid: &str) -> Option<&NodeMetrics> {
        self.nodes.iter().find(|n| n.uid == uid)
    }
    /// Rows that all sources read.
    pub fn rows_read(&self) -> u64 {
        self.nodes.iter().filter(|n| n.role == NodeRole::Source).map(|n| n.rows_in).sum()
    }
    /// Rows that all sinks took.
    pub fn rows_written(&self) -> u64 {
        self.nodes.iter().filter(|n| n.role == NodeRole::Sink).map(|n| n.rows_in).sum()
    }
    /// Rows that came too late anywhere.
    pub fn late_rows(&self) -> u64 {
        self.nodes.iter().map(|n| n.late_rows).sum()
    }
}

impl NodeMetrics {
    fn add(&mut self, other: &Self) {
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        self.bytes += other.bytes;
        self.late_rows += other.late_rows;
        self.rejected += other.rejected;
        self.watermark = self.watermark.min(other.watermark);
        self.progress = match (self.progress, other.progress) {
            (Some((a, b)), Some((c, d))) => Some((a + c, b + d)),
            (one, other) => one.or(other),
        };
    }
}

/// Bytes that the rows take in memory: fixed widths and the lengths of texts; nested columns count their buffers.
pub(crate) fn row_bytes(rows: &RecordBatch) -> u64 {
    let bytes = |column: &dyn Array| {
        use arrow::array::AsArray;
        use arrow::datatypes::DataType as A;
        let span = |offsets: &[i32]| (offsets[offsets.len() - 1] - offsets[0]) as u64;
        match column.data_type() {
            A::Utf8 => span(column.as_string::<i32>().value_offsets()),
            A::Binary => span(column.as_binary::<i32>().value_offsets()),
            A::Boolean => column.len() as u64,
            other => match other.primitive_width() {
                Some(width) => (width * column.len()) as u64,
                None => column.get_buffer_memory_size() as u64,
            },
        }
    };
    rows.columns().iter().map(|c| bytes(c.as_ref())).sum()
}
