//! Rows on standard output: as a table, CSV or JSON lines.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use arrow::array::Array;
use unicode_width::UnicodeWidthStr;
use wasmill_plan::{ChangelogMode, Error, Result, Schema};
use wasmill_server::{Batch, RowWriter};
use wasmill_sql::show::Listing;

use crate::args::Format;

/// Rows that are looked at before the widths of a table's columns are fixed.
const SAMPLE_ROWS: usize = 1000;
/// A wider value is cut in a table.
const CELL_WIDTH_MAX: usize = 100;
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
    Table(TableForm),
}

impl Output {
    /// For rows of `schema`; those of a changelog begin with their kind.
    pub fn new(format: Format, schema: &Schema, changelog: ChangelogMode) -> Self {
        let has_op = changelog == ChangelogMode::Retract;
        let form = match format {
            Format::Json => Form::Json,
            Format::Csv => Form::Csv { begun: false },
            Format::Table => {
                let names = has_op.then_some(OP).into_iter().chain(schema.fields.iter().map(|f| f.name.as_str()));
                let numeric = has_op
                    .then_some(false)
                    .into_iter()
                    .chain(schema.fields.iter().map(|f| f.data_type.kind.is_numeric()));
                Form::Table(TableForm::new(names.map(str::to_owned).collect(), numeric.collect()))
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
        let Form::Table(form) = &mut self.form else { return Ok(()) };
        for row in 0..batch.len() {
            let mut cells = Vec::with_capacity(self.schema.len() + 1);
            if self.has_op {
                cells.push(batch.kind(row).symbol().to_owned());
            }
            for (i, field) in self.schema.fields.iter().enumerate() {
                let column = batch.rows.column(i);
                self.scratch.clear();
                if column.is_null(row) {
                    self.scratch.extend_from_slice(b"NULL");
                } else {
                    wasmill_expr::display::write_text(column.as_ref(), row, &field.data_type, &mut self.scratch);
                }
                cells.push(String::from_utf8_lossy(&self.scratch).into_owned());
            }
            form.row(cells, &mut self.out)?;
        }
        Ok(())
    }
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
            Form::Table(form) => form.begin(&mut self.out),
            _ => Ok(()),
        };
        begun.and_then(|()| self.out.flush()).map_err(|e| write_error(&e))
    }
    fn finish(&mut self) -> Result<()> {
        let ended = match &mut self.form {
            Form::Table(form) => form.end(&mut self.out),
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
        _ => Error::external(format!("cannot write to standard output: {error}")),
    }
}

/// A table whose widths are those of the first rows.
struct TableForm {
    names: Vec<String>,
    numeric: Vec<bool>,
    widths: Vec<usize>,
    sample: Vec<Vec<String>>,
    begun: bool,
    rows: u64,
}

impl TableForm {
    fn new(names: Vec<String>, numeric: Vec<bool>) -> Self {
        let widths = names.iter().map(|n| cell(n).width()).collect();
        Self { names, numeric, widths, sample: Vec::new(), begun: false, rows: 0 }
    }

    fn row(&mut self, cells: Vec<String>, out: &mut impl Write) -> io::Result<()> {
        self.rows += 1;
        let cells: Vec<String> = cells.iter().map(|c| cell(c)).collect();
        if self.begun {
            return self.line(&cells, out);
        }
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.width());
        }
        self.sample.push(cells);
        if self.sample.len() >= SAMPLE_ROWS { self.begin(out) } else { Ok(()) }
    }

    /// Writes the head and the rows held back so far; with no row yet, waits for one.
    fn begin(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.begun || self.sample.is_empty() {
            return Ok(());
        }
        self.head(out)?;
        for cells in std::mem::take(&mut self.sample) {
            self.line(&cells, out)?;
        }
        Ok(())
    }

    fn head(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.begun = true;
        self.rule(out)?;
        let names: Vec<String> = self.names.iter().map(|n| cell(n)).collect();
        self.line(&names, out)?;
        self.rule(out)
    }

    fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.begin(out)?;
        if !self.begun {
            self.head(out)?;
        }
        self.rule(out)?;
        writeln!(out, "{} {}", self.rows, if self.rows == 1 { "row" } else { "rows" })
    }

    fn rule(&self, out: &mut impl Write) -> io::Result<()> {
        let dashes: Vec<String> = self.widths.iter().map(|w| "-".repeat(w + 2)).collect();
        writeln!(out, "+{}+", dashes.join("+"))
    }

    fn line(&self, cells: &[String], out: &mut impl Write) -> io::Result<()> {
        let mut line = String::from("|");
        for ((cell, width), numeric) in cells.iter().zip(&self.widths).zip(&self.numeric) {
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let (left, right) = if *numeric { (pad.as_str(), "") } else { ("", pad.as_str()) };
            line.push_str(&format!(" {left}{cell}{right} |"));
        }
        writeln!(out, "{line}")
    }
}

/// A value on one line, cut where it is too wide.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut width = 0;
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        width += 1;
        if width >= CELL_WIDTH_MAX {
            out.push('…');
            break;
        }
    }
    out
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
            let names: Vec<String> = listing.columns.iter().map(|c| (*c).to_owned()).collect();
            let mut form = TableForm::new(names, vec![false; listing.columns.len()]);
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
            let written = listing
                .rows
                .iter()
                .try_for_each(|row| form.row(row.iter().map(text).collect(), &mut out))
                .and_then(|()| form.end(&mut out));
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
