//! What a function has used: shown by SHOW FUNCTIONS, shared by all instances of a function.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counters since CREATE FUNCTION.
#[derive(Debug, Default)]
pub struct Usage {
    batches: AtomicU64,
    rows: AtomicU64,
    failures: AtomicU64,
    rows_nulled: AtomicU64,
    rows_skipped: AtomicU64,
    busy_nanos: AtomicU64,
    memory_bytes_max: AtomicU64,
}

/// [`Usage`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageSnapshot {
    /// Batches evaluated.
    pub batches: u64,
    /// Rows in them.
    pub rows: u64,
    /// Traps, timeouts and wrong results; each cost the instance.
    pub failures: u64,
    /// Rows that became NULL by `'on-error' = 'null'`.
    pub rows_nulled: u64,
    /// Rows left out by `'on-error' = 'skip'`.
    pub rows_skipped: u64,
    /// Time spent in batches, copies included.
    pub busy: Duration,
    /// The most memory that one instance has had.
    pub memory_bytes_max: u64,
}

impl Usage {
    pub(crate) fn batch(&self, rows: usize, busy: Duration) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.busy_nanos.fetch_add(busy.as_nanos() as u64, Ordering::Relaxed);
    }
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn nulled(&self) {
        self.rows_nulled.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn skipped(&self) {
        self.rows_skipped.fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn memory_reached(&self, bytes: u64) {
        self.memory_bytes_max.fetch_max(bytes, Ordering::Relaxed);
    }
    /// The counters now.
    pub fn snapshot(&self) -> UsageSnapshot {
        UsageSnapshot {
            batches: self.batches.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            rows_nulled: self.rows_nulled.load(Ordering::Relaxed),
            rows_skipped: self.rows_skipped.load(Ordering::Relaxed),
            busy: Duration::from_nanos(self.busy_nanos.load(Ordering::Relaxed)),
            memory_bytes_max: self.memory_bytes_max.load(Ordering::Relaxed),
        }
    }
}
