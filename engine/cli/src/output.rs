//! Rows on standard output: as a table, CSV or JSON lines.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use arrow::array::Array;
use wasmill_plan::{ChangelogMode, Error, Field, Result, Schema, TypeKind};
use wasmill_server::{Batch, RowWriter};
use wasmill_sql::show::Listing;

use crate::args::Format;
use crate::style::Colours;
use crate::table::{Column, Table, cell};

/// How a missing value looks in a table.
pub const NULL: &str = "NULL";
/// The name of the column that a changelog begins with.
const OP: &str = "op";

/// What `run` writes where no format is asked for.
pub fn default_format() -> Format {
    if io::stdout().is_terminal() { Format::Table } else { Format::Csv }
}

/// The rows of one query.
pub struct Output {
    schema: Schema,
    has_op: bool,
    form: Form,
    out: BufWriter<Stdout>,
    scratch: Vec<u8>,
}

enum Form {
    Json,
    Csv { begun: bool },
    Table(Table),
}

impl Output {
    /// For rows of `schema`; those of a changelog begin with their kind. `is_endless`: they come as long as it runs.
    pub fn new(format: Format, schema: &Schema, changelog: ChangelogMode, is_endless: bool) -> Self {
        let has_op = changelog == ChangelogMode::Retract;
        let form = match format {
            Format::Json => Form::Json,
            Format::Csv => Form::Csv { begun: false },
            Format::Table => {
                let op = Column { name: OP.to_owned(), is_numeric: false, may_narrow: false, usual_width: OP.len() };
                let columns = has_op.then_some(op).into_iter().chain(schema.fields.iter().map(column)).collect();
                let table = Table::new(columns, room(), Colours::of(&io::stdout()));
                Form::Table(if is_endless { table.endless() } else { table })
            }
        };
        Self {
            schema: schema.clone(),
            has_op,
            form,
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
            scratch: Vec::new(),
        }
    }

    fn write_json(&mut self, batch: &Batch) -> io::Result<()> {
        let keys: Vec<Vec<u8>> = self.schema.fields.iter().map(|f| json_text(&f.name)).collect();
        let line = &mut self.scratch;
        for row in 0..batch.len() {
            line.clear();
            line.push(b'{');
            if self.has_op {
                line.extend_from_slice(b"\"op\":\"");
                line.extend_from_slice(batch.kind(row).symbol().as_bytes());
                line.push(b'"');
            }
            for (i, field) in self.schema.fields.iter().enumerate() {
                if i > 0 || self.has_op {
                    line.push(b',');
                }
                line.extend_from_slice(&keys[i]);
                line.push(b':');
                wasmill_expr::display::write_json(batch.rows.column(i).as_ref(), row, &field.data_type, line);
            }
            line.extend_from_slice(b"}\n");
            self.out.write_all(line)?;
        }
        Ok(())
    }

    fn write_csv(&mut self, batch: &Batch) -> io::Result<()> {
        self.csv_header()?;
        let mut cell = Vec::new();
        for row in 0..batch.len() {
            self.scratch.clear();
            if self.has_op {
                self.scratch.extend_from_slice(batch.kind(row).symbol().as_bytes());
            }
            for (i, field) in self.schema.fields.iter().enumerate() {
                if i > 0 || self.has_op {
                    self.scratch.push(b',');
                }
                let column = batch.rows.column(i);
                if !column.is_null(row) {
                    cell.clear();
                    wasmill_expr::display::write_text(column.as_ref(), row, &field.data_type, &mut cell);
                    csv_cell(&cell, &mut self.scratch);
                }
            }
            self.scratch.push(b'\n');
            self.out.write_all(&self.scratch)?;
        }
        Ok(())
    }

    fn csv_header(&mut self) -> io::Result<()> {
        let Form::Csv { begun: begun @ false } = &mut self.form else { return Ok(()) };
        *begun = true;
        let names = self.has_op.then_some(OP).into_iter().chain(self.schema.fields.iter().map(|f| f.name.as_str()));
        self.out.write_all(&csv_line(names.map(Some)))
    }

    fn write_table(&mut self, batch: &Batch) -> io::Result<()> {
        let Form::Table(table) = &mut self.form else { return Ok(()) };
        for row in 0..batch.len() {
            let mut cells = Vec::with_capacity(self.schema.len() + 1);
            if self.has_op {
                cells.push(batch.kind(row).symbol().to_owned());
            }
            cells.extend(row_cells(batch, row, &self.schema));
            table.row(cells, &mut self.out)?;
        }
        Ok(())
    }
}

/// A row's values as cells of a table.
pub fn row_cells(batch: &Batch, row: usize, schema: &Schema) -> impl Iterator<Item = String> {
    schema.fields.iter().enumerate().map(move |(i, field)| {
        let column = batch.rows.column(i);
        if column.is_null(row) {
            return NULL.to_owned();
        }
        let mut text = Vec::new();
        wasmill_expr::display::write_text(column.as_ref(), row, &field.data_type, &mut text);
        cell(&String::from_utf8_lossy(&text))
    })
}

/// A query's column as one of a table.
pub fn column(field: &Field) -> Column {
    let kind = &field.data_type.kind;
    let usual_width = match kind {
        TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => 23,
        TypeKind::Date => 10,
        TypeKind::Boolean => 5,
        TypeKind::TinyInt | TypeKind::SmallInt => 5,
        TypeKind::Double | TypeKind::Decimal(..) => 10,
        _ if kind.is_numeric() => 8,
        _ => 12,
    };
    let is_time =
        matches!(kind, TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) | TypeKind::Date | TypeKind::Time(_));
    let may_narrow = !kind.is_numeric() && !is_time;
    Column { name: field.name.clone(), is_numeric: kind.is_numeric(), may_narrow, usual_width }
}

/// How wide a table on standard output may be.
pub fn room() -> Option<usize> {
    let size = || crossterm::terminal::size().ok().filter(|(columns, _)| *columns > 0);
    io::stdout().is_terminal().then(size).flatten().map(|(columns, _)| usize::from(columns))
}

impl RowWriter for Output {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        let written = match self.form {
            Form::Json => self.write_json(batch),
            Form::Csv { .. } => self.write_csv(batch),
            Form::Table(_) => self.write_table(batch),
        };
        written.map_err(|e| write_error(&e))
    }
    fn flush(&mut self) -> Result<()> {
        let begun = match &mut self.form {
            Form::Table(table) => table.flush(&mut self.out),
            _ => Ok(()),
        };
        begun.and_then(|()| self.out.flush()).map_err(|e| write_error(&e))
    }
    fn finish(&mut self) -> Result<()> {
        let ended = match &mut self.form {
            Form::Table(table) => table.end("", &mut self.out),
            Form::Csv { .. } => self.csv_header(),
            Form::Json => Ok(()),
        };
        ended.and_then(|()| self.out.flush()).map_err(|e| write_error(&e))
    }
}

/// What a failed write to standard output means.
pub fn write_error(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::BrokenPipe,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::external("cannot write to standard output: the disk is full")
        }
        _ => Error::external(format!("cannot write to standard output: {error}")),
    }
}

/// A small table as text in that format.
pub fn listing(listing: &Listing, format: Format) -> String {
    let mut out = Vec::new();
    match format {
        Format::Csv => {
            out = csv_line(listing.columns.iter().map(|c| Some(*c)));
            for row in &listing.rows {
                out.extend(csv_line(row.iter().map(Option::as_deref)));
            }
        }
        Format::Json => {
            for row in &listing.rows {
                let object: serde_json::Map<String, serde_json::Value> = listing
                    .columns
                    .iter()
                    .zip(row)
                    .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
                    .collect();
                out.extend(serde_json::Value::Object(object).to_string().into_bytes());
                out.push(b'\n');
            }
        }
        Format::Table => {
            // A text of several lines is shown as it is, not in a cell.
            if let [row] = listing.rows.as_slice()
                && let [Some(text)] = row.as_slice()
                && text.contains('\n')
            {
                return format!("{text}\n");
            }
            let text = |value: &Option<String>| cell(value.as_deref().unwrap_or_default());
            let columns = listing.columns.iter().map(|name| Column {
                name: (*name).to_owned(),
                is_numeric: false,
                may_narrow: true,
                usual_width: 0,
            });
            let mut table = Table::new(columns.collect(), room(), Colours::of(&io::stdout())).wrapping();
            let written = listing
                .rows
                .iter()
                .try_for_each(|row| table.row(row.iter().map(text).collect(), &mut out))
                .and_then(|()| table.end("", &mut out));
            debug_assert!(written.is_ok(), "memory takes every write");
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn json_text(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

fn csv_line<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> Vec<u8> {
    let mut line = Vec::new();
    for (i, cell) in cells.enumerate() {
        if i > 0 {
            line.push(b',');
        }
        if let Some(cell) = cell {
            csv_cell(cell.as_bytes(), &mut line);
        }
    }
    line.push(b'\n');
    line
}

/// Quotes where needed (RFC 4180); empty text is quoted, so that it differs from NULL.
fn csv_cell(cell: &[u8], out: &mut Vec<u8>) {
    let quote = cell.is_empty() || cell.iter().any(|b| matches!(b, b',' | b'"' | b'\n' | b'\r'));
    if !quote {
        out.extend_from_slice(cell);
        return;
    }
    out.push(b'"');
    for byte in cell {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
