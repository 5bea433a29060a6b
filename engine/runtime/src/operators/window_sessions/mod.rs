//! SESSION windows: aggregates per session, and the table of rows with their sessions.
//!
//! ```text
//! row --key--> sessions of the key --touches--> none: a new one | one: it grows | several: they merge       [`sessions`]
//! watermark --> timers, by end: sessions that have closed --> results, or their rows                        [`close`]
//! ```
//!
//! A row touches a session if it is at most the gap away. A session that has closed at the row's watermark takes no row,
//! whether it has fired yet or not, so a row is late if the session it would form has closed by then.

mod close;
mod pending;
mod saved;
mod sessions;

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, StructArray, UInt32Array};
use arrow::datatypes::{Field, SchemaRef};
use wasmill_expr::{NoUserFunctions, UserFunctions};
use wasmill_plan::{
    AggregateCall, DataType, Error, Result, Schema, TypeKind, WindowAggregate, WindowKind, WindowTable, Windowing,
};

use super::window_aggregate::{WindowOutput, columns, times, types};
use crate::batch::{Batch, take_rows};
use crate::groups::Groups;
use crate::key_table::{KeyCodec, KeyView, with_keys};
use crate::operator::{Operator, Output};
use crate::state::{StateTable, hash_rows};
use crate::window::{LocalTime, check_time};
use pending::Pending;
use sessions::{Place, Sessions};

/// See the module.
pub struct SessionOperator {
    time_column: usize,
    keys: Vec<usize>,
    state: Sessions,
    output: WindowOutput,
    /// The input's schema where rows are given instead of aggregates.
    rows_of: Option<SchemaRef>,
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
        functions: &dyn UserFunctions,
    ) -> Result<Self> {
        let Windowing::Assign(spec) = &node.windowing else {
            return Err(Error::query("sessions are assigned from a time attribute"));
        };
        let codec = KeyCodec::new(types(input, &node.keys))?;
        let time = LocalTime::new(spec.time_zone.as_deref())?;
        let groups = Groups::new(&node.aggregates, retracting, functions)?;
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
            state: Sessions::new(*gap_ms, time, 0, codec, Groups::new(&[collect], retracting, &NoUserFunctions)?)?,
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
