//! Tables and sources for the tests, without SQL.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::time::Duration;

use arrow::array::RecordBatch;
use wasmill_connectors::Connectors;
use wasmill_plan::{Column, ColumnKind, DataType, Error, Field, SourceNode, Table, TypeKind};
use wasmill_runtime::source::{DeadLetter, Source, SourceEvent, SourceFactory};

/// A table of physical columns.
pub fn table(columns: &[(&str, TypeKind)], options: &[(&str, &str)]) -> Table {
    Table {
        name: "t".into(),
        columns: columns
            .iter()
            .map(|(name, kind)| Column {
                name: (*name).into(),
                data_type: DataType::nullable(kind.clone()),
                kind: ColumnKind::Physical,
            })
            .collect(),
        watermark: None,
        primary_key: vec![],
        options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

/// Reads all columns.
pub fn node(table: &Table) -> SourceNode {
    SourceNode::new(Box::new(table.clone()), table.source_columns())
}

pub fn string() -> TypeKind {
    DataType::string().kind
}

pub fn row(fields: &[(&str, TypeKind)]) -> TypeKind {
    TypeKind::Row(fields.iter().map(|(n, k)| Field::new(*n, DataType::nullable(k.clone()))).collect())
}

/// What a source gave until its end or its first error.
#[derive(Debug, Default)]
pub struct Run {
    pub batches: Vec<RecordBatch>,
    pub letters: Vec<DeadLetter>,
    pub error: Option<Error>,
    pub skipped: u64,
}

impl Run {
    /// Rows as text, `a|b|c`.
    pub fn rows(&self) -> Vec<String> {
        self.batches.iter().flat_map(rows_of).collect()
    }
    pub fn error_text(&self) -> String {
        match &self.error {
            Some(Error::Data { message, place }) => format!("{message} @ {}", place.as_deref().unwrap_or("?")),
            Some(e) => e.to_string(),
            None => "no error".into(),
        }
    }
}

/// Rows as text, `a|b|c`.
pub fn rows_of(batch: &RecordBatch) -> Vec<String> {
    use arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> = batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
    let cells = |row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(cells).collect()
}

pub fn drain(source: &mut dyn Source) -> Run {
    let mut run = Run::default();
    loop {
        match source.poll(Duration::ZERO) {
            Ok(SourceEvent::Rows(batch)) => run.batches.push(batch),
            Ok(SourceEvent::DeadLetters(letters)) => run.letters.extend(letters),
            Ok(SourceEvent::Pending) => {}
            Ok(SourceEvent::End) => break,
            Err(e) => {
                run.error = Some(e);
                break;
            }
        }
    }
    run.skipped = source.skipped();
    run
}

/// Reads the table with one instance.
pub fn read(table: &Table) -> Run {
    match Connectors.source(&node(table), 0, 1) {
        Ok(mut source) => drain(&mut *source),
        Err(error) => Run { error: Some(error), ..Run::default() },
    }
}
