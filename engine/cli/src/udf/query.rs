//! One query's rows, gathered: what the cases compare.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmill_plan::{DataType, Schema};
use wasmill_server::{Answer, Batch, RowKind, RowWriter, Session};
use wasmill_sql::parse_script;

/// Rows as JSON texts, a cell each, and the types of their columns.
pub(super) struct Rows {
    pub types: Vec<DataType>,
    pub rows: Vec<Vec<String>>,
}

/// Executes statements that give no rows.
///
/// # Errors
/// The error as the user sees it.
pub(super) fn execute(session: &mut Session, sql: &str) -> Result<(), String> {
    let statements = parse_script(sql).map_err(|e| e.render(sql))?;
    for statement in &statements {
        session.execute(statement).map_err(|e| e.render(sql))?;
    }
    Ok(())
}

/// The rows that a query has at its end; those that it took back are not among them.
///
/// # Errors
/// As [`execute`].
pub(super) fn rows(session: &mut Session, sql: &str) -> Result<Rows, String> {
    let statements = parse_script(sql).map_err(|e| e.render(sql))?;
    let [statement] = &statements[..] else { return Err(format!("error: one query was expected: {sql}")) };
    let job = match session.execute(statement).map_err(|e| e.render(sql))? {
        Answer::Job(job) => job,
        _ => return Err(format!("error: a query was expected: {sql}")),
    };
    let Some((schema, _)) = job.output() else { return Err(format!("error: a query was expected: {sql}")) };
    let schema: Schema = schema.clone();
    let types = schema.fields.iter().map(|f| f.data_type.clone()).collect();
    let gathered: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let running = job.start(Some(Box::new(Gather { schema, rows: gathered.clone() }))).map_err(|e| e.render(sql))?;
    while !running.wait_for(Duration::from_millis(5)) {}
    running.finish().map_err(|e| e.render(sql))?;
    let rows = std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Rows { types, rows })
}

struct Gather {
    schema: Schema,
    rows: Arc<Mutex<Vec<Vec<String>>>>,
}

impl RowWriter for Gather {
    fn write(&mut self, batch: &Batch) -> wasmill_plan::Result<()> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        for row in 0..batch.len() {
            let cell = |(i, field): (usize, &wasmill_plan::Field)| {
                let mut text = Vec::new();
                wasmill_expr::display::write_json(batch.rows.column(i).as_ref(), row, &field.data_type, &mut text);
                String::from_utf8_lossy(&text).into_owned()
            };
            let cells: Vec<String> = self.schema.fields.iter().enumerate().map(cell).collect();
            match batch.kind(row) {
                RowKind::Insert | RowKind::UpdateAfter => rows.push(cells),
                RowKind::Delete | RowKind::UpdateBefore => {
                    if let Some(at) = rows.iter().rposition(|r| *r == cells) {
                        rows.remove(at);
                    }
                }
            }
        }
        Ok(())
    }
    fn flush(&mut self) -> wasmill_plan::Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> wasmill_plan::Result<()> {
        Ok(())
    }
}
