//! Decodes CSV records into column builders: by position, or by the names in the header.

use wasmill_plan::{Field, Table};

use super::CsvOptions;
use super::fields::{FieldText, Fields, record_length, whole_records};
use crate::column::ColumnBuilder;
use crate::options::{list, nearest};
use crate::scalar::push_text;
use crate::time::TimestampFormat;

/// Decodes records into the columns it was made for.
#[derive(Clone, Debug)]
pub(crate) struct CsvDecoder {
    options: CsvOptions,
    /// The names of the columns to decode.
    names: Vec<String>,
    /// The column each field of a record goes to, in the order of the fields.
    targets: Vec<Option<usize>>,
    header_seen: bool,
    buffer: Vec<u8>,
}

impl CsvDecoder {
    /// Decodes `fields`, some of the physical columns of `table`.
    pub(crate) fn new(options: CsvOptions, table: &Table, fields: &[Field]) -> Self {
        let names: Vec<String> = fields.iter().map(|f| f.name.clone()).collect();
        let targets = crate::format::physical_columns(table).map(|c| names.iter().position(|n| *n == c.name)).collect();
        Self { options, names, targets, header_seen: false, buffer: Vec::new() }
    }
    /// Where the first record of `bytes` ends.
    pub(crate) fn record_length(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        record_length(&self.options, bytes, searched)
    }
    /// The length of all records that end in `bytes`.
    pub(crate) fn whole_records(&self, bytes: &[u8]) -> usize {
        whole_records(&self.options, bytes)
    }
    /// Whether the next record is the header.
    pub(crate) fn expects_header(&self) -> bool {
        self.options.header && !self.header_seen
    }
    /// Takes the header.
    ///
    /// # Errors
    /// A column to decode that it lacks.
    pub(crate) fn header(&mut self, record: &[u8]) -> Result<(), String> {
        let mut found = Vec::new();
        let mut fields = Fields::new(&self.options, record);
        while let Some(field) = fields.next(&mut self.buffer)? {
            let bytes = match field {
                FieldText::Plain(bytes) => bytes,
                FieldText::Unquoted => &self.buffer,
            };
            found.push(String::from_utf8_lossy(bytes.trim_ascii()).into_owned());
        }
        if let Some(missing) = self.names.iter().find(|n| !found.contains(n)) {
            let names: Vec<&str> = found.iter().map(String::as_str).collect();
            return Err(match nearest(missing, names.iter().copied()) {
                Some(near) => format!("the header has no column '{missing}'; did you mean '{near}'?"),
                None => format!("the header has no column '{missing}'; its columns are {}", list(&names)),
            });
        }
        self.targets = found.iter().map(|name| self.names.iter().position(|n| n == name)).collect();
        self.header_seen = true;
        Ok(())
    }

    /// Appends one row; `false` for a comment or, where there are several columns, an empty line.
    ///
    /// # Errors
    /// Why it cannot be decoded; the columns are then as before.
    pub(crate) fn decode(&mut self, record: &[u8], columns: &mut [ColumnBuilder], rows: usize) -> Result<bool, String> {
        let comment = self.options.allow_comments && record.first() == Some(&b'#');
        let blank = record.is_empty() && self.targets.len() > 1;
        if comment || blank {
            return Ok(false);
        }
        let done = self.row(record, columns);
        if done.is_err() {
            columns.iter_mut().for_each(|c| c.truncate(rows));
        }
        done.map(|()| true)
    }

    fn row(&mut self, record: &[u8], columns: &mut [ColumnBuilder]) -> Result<(), String> {
        if let Err(e) = std::str::from_utf8(record) {
            return Err(format!("invalid UTF-8 at byte {}", e.valid_up_to() + 1));
        }
        let mut fields = Fields::new(&self.options, record);
        let mut count = 0;
        while let Some(field) = fields.next(&mut self.buffer)? {
            let target = self.targets.get(count).copied();
            count += 1;
            let Some(Some(target)) = target else { continue };
            let text = match field {
                FieldText::Plain(bytes) => bytes,
                FieldText::Unquoted => &self.buffer,
            };
            if let Err(message) = push_field(&self.options, text, &mut columns[target]) {
                if !self.options.ignore_parse_errors {
                    return Err(format!("field '{}': {message}", self.names[target]));
                }
                columns[target].push_null();
            }
        }
        if count == self.targets.len() {
            return Ok(());
        }
        if !self.options.ignore_parse_errors {
            let fields = if count == 1 { "field" } else { "fields" };
            return Err(format!("the row has {count} {fields}, the table has {}", self.targets.len()));
        }
        for target in self.targets.iter().skip(count).flatten() {
            columns[*target].push_null();
        }
        Ok(())
    }
}

/// A field into its column; on failure the column is as before.
fn push_field(options: &CsvOptions, text: &[u8], column: &mut ColumnBuilder) -> Result<(), String> {
    if options.null_literal.as_ref().is_some_and(|n| n.as_bytes() == text) {
        column.push_null();
        return Ok(());
    }
    let rows = column.len();
    let done = match column {
        // Only text and bytes can be empty; an empty BOOLEAN is FALSE in Flink.
        ColumnBuilder::Text(_) | ColumnBuilder::Bytes(_) | ColumnBuilder::Boolean { .. } => {
            push_text(column, text, TimestampFormat::Sql)
        }
        _ if text.trim_ascii().is_empty() => {
            column.push_null();
            Ok(())
        }
        ColumnBuilder::Array { lists, items } => {
            let parts = split(text, options.array_delimiter.as_bytes());
            parts.into_iter().try_for_each(|part| push_field(options, part, items)).map(|()| lists.seal(items.len()))
        }
        ColumnBuilder::Row(row) => {
            let parts = split(text, options.array_delimiter.as_bytes());
            if parts.len() != row.fields().len() {
                Err(format!("{} values for a ROW of {} fields", parts.len(), row.fields().len()))
            } else {
                let mut pairs = parts.into_iter().zip(row.fields());
                pairs.try_for_each(|(part, field)| push_field(options, part, field)).map(|()| row.seal())
            }
        }
        _ => push_text(column, text.trim_ascii(), TimestampFormat::Sql),
    };
    if done.is_err() {
        column.truncate(rows);
    }
    done
}

fn split<'a>(text: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, delimiter).filter(|_| !delimiter.is_empty()) {
        parts.push(&rest[..at]);
        rest = &rest[at + delimiter.len()..];
    }
    parts.push(rest);
    parts
}
