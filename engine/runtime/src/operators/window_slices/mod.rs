//! TUMBLE, HOP and CUMULATE, and windows that rows carry: rows are aggregated once per slice, and windows merge their slices
//! when they fire.
//!
//! ```text
//! row --time--> slice --key--> group --> accumulators      watermark --> windows, oldest first: merge slices, finish, emit
//!      this file       [`panes`]                                         [`fire`]; late rows that are allowed: [`correct`]
//! ```
//!
//! Windows fire at watermarks only, so once per batch. A row that came behind a watermark step which closed some of its
//! windows, but not all, must not count in the closed ones: it goes to another pane of its slice, which starts to count with
//! the first window that is open.

mod correct;
mod fire;
mod panes;
mod saved;

use arrow::array::UInt32Array;
use wasmill_expr::UserFunctions;
use wasmill_plan::{Result, Schema, WindowAggregate, Windowing};

use super::window_aggregate::{WindowOutput, columns, times, types};
use crate::batch::{Batch, take_kinds, take_rows};
use crate::groups::Groups;
use crate::key_table::{KeyCodec, KeyView, with_keys};
use crate::operator::{Operator, Output};
use crate::state::{StateTable, hash_rows};
use crate::window::{LocalTime, Shape, Slice, check_time};
use panes::{Cursor, Slices};

/// See the module.
pub struct SliceAggregateOperator {
    windows: Windows,
    keys: Vec<usize>,
    state: Slices,
    output: WindowOutput,
}

/// Where a row's slice comes from.
enum Windows {
    Assign { time_column: usize },
    Attached { start_column: Option<usize>, end_column: usize },
}

/// Group of a row that is not aggregated.
const SKIP: u32 = u32::MAX;

/// The rows of one call, as they are assigned.
struct Assigned {
    groups: Vec<u32>,
    /// The row of the first of `groups`.
    from: usize,
    skipped: bool,
    late: Vec<u32>,
}

impl SliceAggregateOperator {
    /// For a node whose windows are no sessions.
    ///
    /// # Errors
    /// `Error::Query` for windows or aggregates that cannot be.
    pub fn new(
        node: &WindowAggregate,
        input: &Schema,
        output: &Schema,
        retracting: bool,
        functions: &dyn UserFunctions,
    ) -> Result<Self> {
        let (windows, shape, zone) = match &node.windowing {
            Windowing::Assign(spec) => {
                (Windows::Assign { time_column: spec.time_column }, Some(Shape::new(&spec.kind)?), &spec.time_zone)
            }
            Windowing::Attached { start_column, end_column, time_zone } => {
                (Windows::Attached { start_column: *start_column, end_column: *end_column }, None, time_zone)
            }
        };
        Ok(Self {
            windows,
            keys: node.keys.clone(),
            state: Slices::new(
                shape,
                LocalTime::new(zone.as_deref())?,
                node.lateness.allowed_ms,
                KeyCodec::new(types(input, &node.keys))?,
                Groups::new(&node.aggregates, retracting, functions)?,
            ),
            output: WindowOutput::new(output),
        })
    }

    fn assign<V: KeyView>(&mut self, view: &V, batch: &Batch, out: &mut dyn Output) -> Result<()> {
        let rows = batch.len();
        let (starts, times) = match self.windows {
            Windows::Assign { time_column } => (None, times(&batch.rows, time_column, "the time attribute")?),
            Windows::Attached { start_column, end_column } => {
                let starts = start_column.map(|c| times(&batch.rows, c, "window_start")).transpose()?;
                (starts, times(&batch.rows, end_column, "window_end")?)
            }
        };
        if let (Some(&low), Some(&high)) = (times.iter().min(), times.iter().max()) {
            check_time(low)?;
            check_time(high)?;
        }
        let computed;
        let hashes = match &batch.hashes {
            Some(hashes) => hashes,
            None => {
                computed = hash_rows(&columns(&batch.rows, &self.keys), rows);
                &computed
            }
        };
        let marks = if batch.steps.is_empty() { Vec::new() } else { batch.row_watermarks() };
        let mut assigned = Assigned { groups: Vec::with_capacity(rows), from: 0, skipped: false, late: Vec::new() };
        let mut cursor: Option<Cursor> = None;
        for row in 0..rows {
            let watermark = if marks.is_empty() { batch.watermark } else { marks[row] };
            let mut at = match (self.state.shape, cursor) {
                (Some(shape), held) => {
                    let time = self.state.time.local(times[row]);
                    match held {
                        Some(c) if c.slice.start <= time && time < c.slice.end => c,
                        _ => self.state.cursor(shape.slice(time), watermark),
                    }
                }
                (None, held) => {
                    let (start, end) = (starts.as_ref().map_or(i64::MIN, |s| s[row]), times[row]);
                    match held {
                        Some(c) if c.slice.start == start && c.slice.end == end => c,
                        _ => {
                            let slice = Slice { start, end, first_window_end: end, last_window_end: end };
                            self.state.cursor(slice, watermark)
                        }
                    }
                }
            };
            if watermark >= at.due {
                if watermark >= at.closes {
                    // Late for all windows, or between the windows of a HOP with gaps.
                    if at.slice.first_window_end <= at.slice.last_window_end {
                        assigned.late.push(row as u32);
                    }
                    assigned.groups.push(SKIP);
                    assigned.skipped = true;
                    cursor = Some(at);
                    continue;
                }
                if self.state.allowed_ms > 0 {
                    self.flush(batch, &mut assigned, row)?;
                    self.correct(view, batch, hashes[row], row, watermark, at, out)?;
                    assigned.from = row + 1;
                    cursor = None;
                    continue;
                }
                at = self.state.cursor(at.slice, watermark);
            }
            let pane = match at.pane {
                Some(pane) => pane,
                None => {
                    let pane = self.state.new_pane(at.slice, at.next_end);
                    at.pane = Some(pane);
                    pane
                }
            };
            let state = &mut self.state;
            let (table, groups) = (&mut state.panes[pane].table, &mut state.groups);
            assigned.groups.push(table.find_or_insert(view, hashes[row], row, || groups.allocate()));
            cursor = Some(at);
        }
        self.flush(batch, &mut assigned, rows)?;
        if !assigned.late.is_empty() {
            out.late(take_rows(&batch.rows, &UInt32Array::from(assigned.late)));
        }
        Ok(())
    }

    /// Aggregates the rows that are assigned, those before `to`.
    fn flush(&mut self, batch: &Batch, assigned: &mut Assigned, to: usize) -> Result<()> {
        let from = assigned.from;
        debug_assert_eq!(assigned.groups.len(), to - from);
        if assigned.skipped {
            let kept: Vec<u32> =
                (0..to - from).filter(|&i| assigned.groups[i] != SKIP).map(|i| (from + i) as u32).collect();
            assigned.groups.retain(|&g| g != SKIP);
            let kept = UInt32Array::from(kept);
            let kinds = batch.kinds.as_ref().map(|k| take_kinds(k, &kept));
            self.state.groups.update(&assigned.groups, &take_rows(&batch.rows, &kept), kinds.as_ref())?;
        } else if to == batch.len() && from == 0 {
            self.state.groups.update(&assigned.groups, &batch.rows, batch.kinds.as_ref())?;
        } else {
            let kinds = batch.kinds.as_ref().map(|k| k.slice(from, to - from));
            self.state.groups.update(&assigned.groups, &batch.rows.slice(from, to - from), kinds.as_ref())?;
        }
        assigned.groups.clear();
        assigned.from = to;
        assigned.skipped = false;
        Ok(())
    }
}

impl Operator for SliceAggregateOperator {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let keys = self.state.codec.view(&columns(&batch.rows, &self.keys))?;
        with_keys!(&keys, view => self.assign(view, &batch, out))
    }
    fn on_watermark(&mut self, watermark: i64, out: &mut dyn Output) -> Result<i64> {
        self.fire(watermark, out)?;
        Ok(watermark)
    }
    fn state(&mut self) -> Vec<&mut dyn StateTable> {
        vec![&mut self.state]
    }
}
