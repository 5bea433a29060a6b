//! VALUES: a source of constant rows.

use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use serde_json::{Value as Json, json};
use wasmill_expr::Evaluator;
use wasmill_plan::{Error, Expr, Result, Schema};

use super::evaluation::Evaluation;
use crate::batch::Batch;
use crate::operator::OperatorContext;
use crate::source::{MAX_BATCH_ROWS, Source, SourceEvent};

/// Gives the rows, then the end. Its position is the number of rows given.
pub struct ValuesSource {
    rows: RecordBatch,
    given: usize,
}

impl ValuesSource {
    /// See [`wasmill_plan::Operator::Values`]. Instance 0 gives all rows, the others none.
    ///
    /// # Errors
    /// Where an expression cannot be evaluated.
    pub fn new(rows: &[Vec<Expr>], output: &Schema, context: &OperatorContext) -> Result<Self> {
        let schema = output.to_arrow();
        let rows = if context.instance == 0 { rows } else { &[] };
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let one = RecordBatch::try_new_with_options(Schema::default().to_arrow(), vec![], &options)?;
        let mut evaluation = Evaluation::new(context, rows.iter().flatten());
        let expr_context = evaluation.of(&Batch::append(one.clone())).clone();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(output.len());
        for (index, field) in output.fields.iter().enumerate() {
            let mut cells = Vec::with_capacity(rows.len());
            for row in rows {
                cells.push(match row[index].as_literal() {
                    Some(value) => value.to_array(&field.data_type, 1),
                    None => Evaluator::new(&row[index], &*context.functions)?.evaluate(&one, &expr_context)?,
                });
            }
            columns.push(if cells.is_empty() {
                arrow::array::new_empty_array(&field.data_type.to_arrow())
            } else {
                arrow::compute::concat(&cells.iter().map(AsRef::as_ref).collect::<Vec<_>>())?
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(Self { rows: RecordBatch::try_new_with_options(schema, columns, &options)?, given: 0 })
    }
}

impl Source for ValuesSource {
    fn poll(&mut self, _wait: Duration) -> Result<SourceEvent> {
        let rest = self.rows.num_rows() - self.given;
        if rest == 0 {
            return Ok(SourceEvent::End);
        }
        let rows = self.rows.slice(self.given, rest.min(MAX_BATCH_ROWS));
        self.given += rows.num_rows();
        Ok(SourceEvent::Rows(rows))
    }
    fn position(&self) -> Json {
        json!({ "rows": self.given })
    }
    fn seek(&mut self, position: &Json) -> Result<()> {
        let rows = position.get("rows").and_then(Json::as_u64).map(|rows| rows as usize);
        self.given = rows.filter(|&rows| rows <= self.rows.num_rows()).ok_or_else(|| Error::Corrupt {
            message: format!("{position} is no position in VALUES of {} rows", self.rows.num_rows()),
        })?;
        Ok(())
    }
    /// Instance 0 gave all rows before, and does now.
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        match positions.first() {
            Some(first) if self.rows.num_rows() > 0 => self.seek(first),
            _ => Ok(()),
        }
    }
    fn progress(&self) -> Option<(u64, u64)> {
        Some((self.given as u64, self.rows.num_rows() as u64))
    }
}
