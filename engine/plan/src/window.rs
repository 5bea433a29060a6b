//! Windows over event time: TUMBLE, HOP, CUMULATE and SESSION.

use serde::{Deserialize, Serialize};

/// How rows are assigned to windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSpec {
    /// The shape.
    pub kind: WindowKind,
    /// The time attribute's column in the input: TIMESTAMP(≤3) or TIMESTAMP_LTZ(≤3), so milliseconds.
    pub time_column: usize,
    /// For TIMESTAMP_LTZ: the session zone in which windows align (IANA name). Window starts and ends are then local
    /// TIMESTAMP(3)s of this zone, and window_time is the instant. `None` for TIMESTAMP.
    pub time_zone: Option<String>,
}

/// The shape of the windows; all lengths in milliseconds and positive, offsets of either sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowKind {
    /// Fixed, gapless windows.
    Tumble {
        /// Length.
        size_ms: i64,
        /// Shift against the epoch.
        offset_ms: i64,
    },
    /// Windows of `size` that start every `slide`.
    Hop {
        /// Distance of starts.
        slide_ms: i64,
        /// Length.
        size_ms: i64,
        /// Shift against the epoch.
        offset_ms: i64,
    },
    /// Windows that grow by `step` up to `max_size`, then start anew.
    Cumulate {
        /// Growth.
        step_ms: i64,
        /// Largest length, a multiple of the step.
        max_size_ms: i64,
        /// Shift against the epoch.
        offset_ms: i64,
    },
    /// Windows that end when no row has come for `gap`, each partition for itself.
    Session {
        /// Gap that ends it.
        gap_ms: i64,
        /// Columns of `PARTITION BY`; empty for one partition.
        partition: Vec<usize>,
    },
}

/// Where a window aggregate or rank gets the windows of its rows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Windowing {
    /// The operator assigns them itself from the time attribute (aggregate right on a window function).
    Assign(WindowSpec),
    /// Rows already carry them, made by a [`crate::WindowTable`] or an earlier window aggregate.
    Attached {
        /// Column of window_start, TIMESTAMP(3), or None where it was not kept.
        start_column: Option<usize>,
        /// Column of window_end, TIMESTAMP(3): a window fires when the watermark reaches `end - 1 ms`.
        end_column: usize,
        /// As [`WindowSpec::time_zone`]: how the local `end` becomes an instant.
        time_zone: Option<String>,
    },
}

impl Windowing {
    /// The zone in which the windows align, where their time is an instant.
    pub fn time_zone(&self) -> Option<&str> {
        match self {
            Self::Assign(spec) => spec.time_zone.as_deref(),
            Self::Attached { time_zone, .. } => time_zone.as_deref(),
        }
    }
}
