//! The window table functions without aggregation: each row once per window that it belongs to, with window_start, window_end
//! and window_time. TUMBLE, HOP and CUMULATE keep no state and drop no late row; SESSION waits for the session's end
//! ([`super::window_sessions`]).

use arrow::array::{RecordBatch, UInt32Array};
use wasmill_plan::{Result, Schema, WindowKind, WindowTable};

use super::window_aggregate::{WindowOutput, times};
use super::window_sessions::SessionOperator;
use crate::batch::{Batch, WatermarkStep, take_kinds, take_rows};
use crate::operator::{Operator, Output};
use crate::window::{LocalTime, Shape, check_time};

/// Makes the operator of a node. `retracting`: the input is a changelog.
///
/// # Errors
/// `Error::Query` for windows that cannot be.
pub fn new(node: &WindowTable, input: &Schema, output: &Schema, retracting: bool) -> Result<Box<dyn Operator>> {
    if matches!(node.window.kind, WindowKind::Session { .. }) {
        return Ok(Box::new(SessionOperator::table(node, input, output, retracting)?));
    }
    Ok(Box::new(WindowTableOperator {
        shape: Shape::new(&node.window.kind)?,
        time_column: node.window.time_column,
        time: LocalTime::new(node.window.time_zone.as_deref())?,
        output: WindowOutput::new(output),
    }))
}

/// See the module.
struct WindowTableOperator {
    shape: Shape,
    time_column: usize,
    time: LocalTime,
    output: WindowOutput,
}

impl WindowTableOperator {
    /// Per output row: the input row, and the end of its window.
    fn copies(&mut self, rows: &RecordBatch) -> Result<(Vec<u32>, Vec<i64>)> {
        let times = times(rows, self.time_column, "the time attribute")?;
        let (mut sources, mut ends) = (Vec::with_capacity(times.len()), Vec::with_capacity(times.len()));
        for (row, &time) in times.iter().enumerate() {
            check_time(time)?;
            let slice = self.shape.slice(self.time.local(time));
            let mut end = slice.first_window_end;
            while end <= slice.last_window_end {
                sources.push(row as u32);
                ends.push(end);
                end += self.shape.period();
            }
        }
        Ok((sources, ends))
    }
}

impl Operator for WindowTableOperator {
    fn on_batch(&mut self, _: usize, batch: Batch, out: &mut dyn Output) -> Result<()> {
        let (sources, ends) = self.copies(&batch.rows)?;
        let starts = ends.iter().map(|&end| Some(self.shape.window_start(end))).collect();
        let (watermark, steps) = expanded_steps(&batch, &sources);
        let once = sources.len() == batch.len();
        let sources = UInt32Array::from(sources);
        // TUMBLE copies nothing.
        let columns =
            if once { batch.rows.columns().to_vec() } else { take_rows(&batch.rows, &sources).columns().to_vec() };
        let kinds = batch.kinds.as_ref().map(|k| if once { k.clone() } else { take_kinds(k, &sources) });
        let rows = self.output.rows(columns, starts, ends, &self.time)?;
        out.emit(Batch { rows, kinds, watermark, steps, hashes: None });
        Ok(())
    }
}

/// The watermark steps of a batch for its copied rows; `sources` names the row of each copy, rising. A row may have none.
fn expanded_steps(batch: &Batch, sources: &[u32]) -> (i64, Vec<WatermarkStep>) {
    let (mut watermark, mut steps) = (batch.watermark, Vec::<WatermarkStep>::with_capacity(batch.steps.len()));
    for step in &batch.steps {
        let copies = sources.partition_point(|&row| row <= step.after_row) as u32;
        match (copies, steps.last_mut()) {
            (0, _) => watermark = step.watermark,
            (_, Some(last)) if last.after_row + 1 == copies => last.watermark = step.watermark,
            _ => steps.push(WatermarkStep { after_row: copies - 1, watermark: step.watermark }),
        }
    }
    (watermark, steps)
}
