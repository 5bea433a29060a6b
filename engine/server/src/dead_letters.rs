//! The tables that take rows which could not be decoded: `'on-error' = 'dead-letter:t'`. They are checked when a job is
//! planned, and opened when it starts.
//!
//! ```text
//! source ──DeadLetter { source, place, reason, raw }──> DeadLetterSink ──the columns that t has──> sink of table t
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use wasmill_connectors::{self as connectors, OnError, TableSinks};
use wasmill_plan::{DataType, Error, Field, LookupBuild, Operator, Plan, Result, Schema, SinkNode, SourceNode, Table};
use wasmill_runtime::batch::Batch;
use wasmill_runtime::dead_letter_schema;
use wasmill_runtime::sink::{Sink, SinkFactory};
use wasmill_sql::{Catalog, QueryError};

/// What the table must look like, for hints.
const COLUMNS: &str = "(source STRING, place STRING, reason STRING, raw BYTES)";

/// The dead-letter tables of one job, by name.
#[derive(Clone, Default)]
pub(crate) struct DeadLetterTables(HashMap<String, Table>);

impl DeadLetterTables {
    /// Those that the plan's tables name.
    ///
    /// # Errors
    /// A table that does not exist, cannot be written, or has a column that dead letters lack; a dead-letter table for a
    /// table that is held in memory, which is read before the job runs.
    pub fn of(plan: &Plan, catalog: &Catalog) -> Result<Self, QueryError> {
        let mut tables = HashMap::new();
        for node in &plan.nodes {
            match &node.operator {
                Operator::Source(source) => {
                    let Some(name) = wanted(source) else { continue };
                    let table = check(&source.table, &name, catalog)?;
                    tables.insert(name, table);
                }
                Operator::LookupJoin(join) => {
                    let LookupBuild::Table { source, .. } = &join.build else { continue };
                    if wanted(source).is_some() {
                        return Err(QueryError::unsupported(
                            format!("a dead-letter table for '{}', which is held in memory", source.table.name),
                            "use 'on-error' = 'skip' or 'fail' for a table of a lookup join",
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(Self(tables))
    }

    /// The tables.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.0.values()
    }

    /// A sink for dead letters.
    ///
    /// # Errors
    /// As [`TableSinks`]. The table was checked by [`DeadLetterTables::of`].
    pub fn sink(&self, name: &str, sinks: &TableSinks, index: usize, parallelism: usize) -> Result<Box<dyn Sink>> {
        let Some(table) = self.0.get(name) else {
            return Err(Error::query(format!("there is no table '{name}' for rows that cannot be decoded")));
        };
        let schema = Schema::new(
            table
                .sink_columns()
                .iter()
                .map(|&c| &table.columns[c])
                .map(|c| Field::new(&c.name, c.data_type.clone()))
                .collect(),
        );
        let letters = dead_letter_schema();
        let columns = schema.fields.iter().map(|f| place(&letters, &f.name).expect("checked when planned")).collect();
        let node = SinkNode { table: Some(Box::new(table.clone())) };
        let inner = sinks.sink(&node, &schema, index, parallelism)?;
        Ok(Box::new(DeadLetterSink { name: name.to_owned(), inner, columns, schema: schema.to_arrow() }))
    }
}

fn place(letters: &Schema, name: &str) -> Option<usize> {
    letters.fields.iter().position(|f| f.name == name)
}

fn wanted(source: &SourceNode) -> Option<String> {
    match OnError::of(&source.table.options) {
        OnError::DeadLetter(name) => Some(name),
        OnError::Fail | OnError::Skip => None,
    }
}

fn check(source: &Table, name: &str, catalog: &Catalog) -> Result<Table, QueryError> {
    let of = format!("the dead-letter table of '{}'", source.name);
    let Some(table) = catalog.table(name) else {
        let unknown = QueryError::unknown("table", name, catalog.tables().map(|t| t.name.as_str()));
        let hint = unknown.hint.map_or_else(String::new, |hint| format!("{hint} Or create it: "));
        return Err(QueryError::new(format!("{of}, '{name}', does not exist"))
            .with_hint(format!("{hint}CREATE TABLE `{name}` {COLUMNS} WITH (…)")));
    };
    let sink = connectors::validate(table, Some(connectors::Role::Sink));
    sink.map_err(|e| QueryError { hint: e.hint, ..QueryError::new(format!("{of}: {}", e.message)) })?;
    let letters = dead_letter_schema();
    for column in table.sink_columns().into_iter().map(|c| &table.columns[c]) {
        let fits = |wanted: &DataType| {
            let kind = &column.data_type.kind;
            kind.is_text() || (wanted.kind.is_binary() && kind.is_binary())
        };
        let Some(index) = place(&letters, &column.name) else {
            return Err(QueryError::new(format!("{of} has a column '{}', which dead letters lack", column.name))
                .with_hint(format!("'{name}' takes the columns {COLUMNS}, or some of them")));
        };
        if !fits(&letters.fields[index].data_type) {
            return Err(QueryError::new(format!(
                "{of} has column '{}' of type {}, and dead letters have {}",
                column.name, column.data_type, letters.fields[index].data_type
            ))
            .with_hint(format!("'{name}' takes the columns {COLUMNS}, or some of them")));
        }
    }
    Ok(table.clone())
}

/// Writes dead letters as rows of a table.
struct DeadLetterSink {
    name: String,
    inner: Box<dyn Sink>,
    /// Of each of the table's columns, its place in [`dead_letter_schema`].
    columns: Vec<usize>,
    schema: SchemaRef,
}

impl DeadLetterSink {
    fn done(&self, result: Result<()>) -> Result<()> {
        let message = |m: String| format!("dead letters cannot be written to '{}': {m}", self.name);
        result.map_err(|error| match error {
            Error::External { message: m, retryable } => Error::External { message: message(m), retryable },
            Error::Data { message: m, place } => Error::Data { message: message(m), place },
            other => other,
        })
    }
}

impl Sink for DeadLetterSink {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        let columns = self.columns.iter().zip(self.schema.fields()).map(|(&from, to)| {
            let column = batch.rows.column(from);
            if column.data_type() == to.data_type() {
                return column.clone();
            }
            // Bytes as text: what is no UTF-8 is shown by its replacement character.
            let texts = column.as_binary::<i32>().iter().map(|v| v.map(String::from_utf8_lossy));
            Arc::new(texts.collect::<StringArray>()) as ArrayRef
        });
        let rows = RecordBatch::try_new(self.schema.clone(), columns.collect())?;
        let written = self.inner.write(&Batch::append(rows));
        self.done(written)
    }
    fn flush(&mut self) -> Result<()> {
        let done = self.inner.flush();
        self.done(done)
    }
    fn prepare(&mut self, epoch: u64) -> Result<()> {
        let done = self.inner.prepare(epoch);
        self.done(done)
    }
    fn commit(&mut self, epoch: u64) -> Result<()> {
        let done = self.inner.commit(epoch);
        self.done(done)
    }
    fn restore(&mut self, epoch: u64) -> Result<()> {
        let done = self.inner.restore(epoch);
        self.done(done)
    }
    fn finish(&mut self) -> Result<()> {
        let done = self.inner.finish();
        self.done(done)
    }
}
