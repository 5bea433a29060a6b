//! Decodes JSON objects straight into column builders, led by the schema.
//!
//! ```text
//! {"tx": 7, "card": "4929…", "note": null}
//!   key → slot: the key at the same position of the last object is tried first, then all names
//!   value → the slot's ColumnBuilder; a field that no column wants is skipped without being decoded
//! ```

mod scalars;

use wasmill_plan::Field;

use self::scalars::trim;
use super::cursor::{Cursor, SyntaxError, unescape};
use super::marks::Marks;
use super::shape::{RowShape, Shape, UNWANTED};
use super::text::write_compact;
use crate::column::ColumnBuilder;
use crate::scalar::push_text;
use crate::time::TimestampFormat;

/// The decoding options of the `json` format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonOptions {
    /// `json.fail-on-missing-field`.
    pub(crate) fail_on_missing_field: bool,
    /// `json.ignore-parse-errors`: a value that cannot be converted is NULL, a record that is no JSON is skipped.
    pub(crate) ignore_parse_errors: bool,
    /// `json.timestamp-format.standard`.
    pub(crate) timestamp_format: TimestampFormat,
}

/// Decodes records into the columns it was made for.
#[derive(Clone, Debug)]
pub(crate) struct JsonDecoder {
    shape: RowShape,
    options: JsonOptions,
    marks: Marks,
    scratch: Vec<u8>,
}

/// Why a value is not decoded; a pointer, so that a result takes no more room than its value.
struct Failed(Box<Fail>);

enum Fail {
    /// The record is not JSON: nothing behind this place can be trusted.
    Syntax(SyntaxError),
    /// The value does not fit its column; the cursor is behind it.
    Value(String),
    /// A field is missing under `json.fail-on-missing-field`.
    Missing(String),
}

impl From<Fail> for Failed {
    #[cold]
    fn from(fail: Fail) -> Self {
        Self(Box::new(fail))
    }
}

impl From<SyntaxError> for Failed {
    #[cold]
    fn from(e: SyntaxError) -> Self {
        Fail::Syntax(e).into()
    }
}

/// State of one record: the text, and what all levels share.
struct Walk<'a, 'd> {
    cursor: Cursor<'a>,
    options: JsonOptions,
    scratch: &'d mut Vec<u8>,
}

impl JsonDecoder {
    /// For those columns.
    pub(crate) fn new(fields: &[Field], options: JsonOptions) -> Self {
        Self { shape: RowShape::new(fields), options, marks: Marks::default(), scratch: Vec::new() }
    }

    /// Appends the rows of one record: an object, or an array of objects. Gives how many there were.
    ///
    /// # Errors
    /// Why it cannot be decoded; the columns are then as before.
    pub(crate) fn decode(
        &mut self,
        record: &[u8],
        columns: &mut [ColumnBuilder],
        rows: usize,
    ) -> Result<usize, String> {
        self.marks.scan(record);
        if !self.marks.ascii
            && let Err(e) = std::str::from_utf8(record)
        {
            return match self.options.ignore_parse_errors {
                true => Ok(0),
                false => Err(format!("invalid UTF-8 at byte {}", e.valid_up_to() + 1)),
            };
        }
        let cursor = Cursor::marked(record, &self.marks);
        let mut walk = Walk { cursor, options: self.options, scratch: &mut self.scratch };
        match walk.record(&mut self.shape, columns) {
            Ok(added) => Ok(added),
            Err(Failed(fail)) => {
                columns.iter_mut().for_each(|c| c.truncate(rows));
                match *fail {
                    Fail::Syntax(_) if self.options.ignore_parse_errors => Ok(0),
                    Fail::Syntax(e) => Err(format!("invalid JSON at byte {}: expected {}", e.at + 1, e.expected)),
                    Fail::Value(message) | Fail::Missing(message) => Err(message),
                }
            }
        }
    }
}

impl<'a> Walk<'a, '_> {
    fn record(&mut self, shape: &mut RowShape, columns: &mut [ColumnBuilder]) -> Result<usize, Failed> {
        let mut rows = 1;
        match self.cursor.peek() {
            b'{' => self.object(shape, columns)?,
            b'[' => {
                self.cursor.at += 1;
                rows = 0;
                if self.cursor.peek() == b']' {
                    self.cursor.at += 1;
                } else {
                    loop {
                        if self.cursor.peek() != b'{' {
                            return Ok(self.cursor.fail("an object")?);
                        }
                        self.object(shape, columns)?;
                        rows += 1;
                        if !self.cursor.more(b']')? {
                            break;
                        }
                    }
                }
            }
            _ => self.cursor.fail("an object")?,
        }
        self.cursor.end()?;
        Ok(rows)
    }

    /// An object; the cursor is at its brace. Appends one value to every column.
    fn object(&mut self, shape: &mut RowShape, columns: &mut [ColumnBuilder]) -> Result<(), Failed> {
        let len = columns.first().map_or(0, ColumnBuilder::len);
        // Keys in the order of the objects before: none comes twice.
        let mut in_order = true;
        let mut filled = 0;
        let mut position = 0;
        let mut mark = b'{';
        loop {
            let slot = match shape.lead(mark, &mut position, &mut self.cursor) {
                Some(slot) => slot,
                None => {
                    if mark == b'{' {
                        self.cursor.at += 1;
                        if self.cursor.peek() == b'}' {
                            self.cursor.at += 1;
                            break;
                        }
                    } else if !self.cursor.more(b'}')? {
                        break;
                    }
                    in_order = false;
                    shape.key(&mut position, &mut self.cursor)?
                }
            };
            mark = b',';
            position += 1;
            let slot = slot as usize;
            let Some(column) = columns.get_mut(slot) else {
                debug_assert_eq!(slot, UNWANTED as usize);
                self.cursor.skip()?;
                continue;
            };
            if !in_order && column.len() > len {
                // The last of several fields of one name counts.
                column.truncate(len);
            } else {
                filled += 1;
            }
            if !self.usual(column) {
                self.field(&mut shape.shapes[slot], column).map_err(|f| in_field(f, &shape.names[slot]))?;
            }
        }
        if filled < columns.len() {
            for (slot, column) in columns.iter_mut().enumerate().filter(|(_, column)| column.len() == len) {
                if self.options.fail_on_missing_field {
                    return Err(Fail::Missing(format!("field '{}' is missing", shape.names[slot])).into());
                }
                column.push_null();
            }
        }
        Ok(())
    }

    /// A value of a column that many objects have, as most are written: what [`Walk::value`] does, without a call. `false`, and nothing
    /// consumed, where it is another.
    #[inline(always)]
    fn usual(&mut self, column: &mut ColumnBuilder) -> bool {
        match column {
            ColumnBuilder::Text(text) => {
                let start = self.cursor.at;
                let Some(raw) = self.cursor.marked_string() else { return false };
                if !raw.escaped {
                    text.push(raw.bytes);
                } else if self.cursor.unescape(raw.bytes, &mut text.data).is_ok() {
                    text.seal();
                } else {
                    text.unseal();
                    self.cursor.at = start;
                    return false;
                }
            }
            ColumnBuilder::BigInt(values) => match self.cursor.usual_integer() {
                Some(value) => values.push(value),
                None => return false,
            },
            ColumnBuilder::Int(values) => match self.cursor.usual_integer() {
                // Seven digits fit.
                Some(value) => values.push(value as i32),
                None => return false,
            },
            ColumnBuilder::Timestamp { values, precision: 3, with_zone: false, date } => {
                let start = self.cursor.at;
                let Some(raw) = self.cursor.marked_string() else { return false };
                match date.timestamp(raw.bytes, self.options.timestamp_format).and_then(|t| t.to_units(3)) {
                    Some(value) => values.push(value),
                    None => {
                        self.cursor.at = start;
                        return false;
                    }
                }
            }
            ColumnBuilder::Row(_) if self.cursor.bytes[self.cursor.at..].starts_with(b"null") => {
                self.cursor.at += 4;
                column.push_null();
            }
            _ => return false,
        }
        true
    }

    /// A value into its column; NULL for what cannot be converted under `json.ignore-parse-errors`.
    #[inline(always)]
    fn field(&mut self, shape: &mut Shape, column: &mut ColumnBuilder) -> Result<(), Failed> {
        if !self.options.ignore_parse_errors {
            return self.value(shape, column);
        }
        let (rows, start) = (column.len(), self.cursor);
        match self.value(shape, column) {
            Err(Failed(fail)) if matches!(*fail, Fail::Value(_)) => {
                self.cursor = start;
                self.cursor.skip()?;
                column.truncate(rows);
                column.push_null();
                Ok(())
            }
            done => done,
        }
    }

    /// A value into its column.
    fn value(&mut self, shape: &mut Shape, column: &mut ColumnBuilder) -> Result<(), Failed> {
        let byte = self.cursor.peek();
        if byte == b'n' {
            self.cursor.word("null")?;
            column.push_null();
            return Ok(());
        }
        match column {
            ColumnBuilder::Text(text) => match byte {
                b'"' => {
                    let raw = self.cursor.string()?;
                    if !raw.escaped {
                        text.push(raw.bytes);
                    } else if let Err(expected) = self.cursor.unescape(raw.bytes, &mut text.data) {
                        text.unseal();
                        return self.bad_escape(expected);
                    } else {
                        text.seal();
                    }
                    Ok(())
                }
                b'{' | b'[' => {
                    let start = self.cursor.at;
                    self.cursor.skip()?;
                    write_compact(&self.cursor.bytes[start..self.cursor.at], &mut text.data);
                    text.seal();
                    Ok(())
                }
                _ => {
                    let token = self.bare(byte)?;
                    text.push(token);
                    Ok(())
                }
            },
            ColumnBuilder::BigInt(values) | ColumnBuilder::Millis(values) => {
                let value = self.integer(byte, "a BIGINT")?;
                values.push(value);
                Ok(())
            }
            ColumnBuilder::Int(values) | ColumnBuilder::Months(values) => self.narrow(byte, "an INT", values),
            ColumnBuilder::SmallInt(values) => self.narrow(byte, "a SMALLINT", values),
            ColumnBuilder::TinyInt(values) => self.narrow(byte, "a TINYINT", values),
            ColumnBuilder::Double(values) => {
                let value = self.double(byte, "a DOUBLE")?;
                values.push(value);
                Ok(())
            }
            ColumnBuilder::Float(values) => {
                let value = self.double(byte, "a FLOAT")?;
                values.push(value as f32);
                Ok(())
            }
            ColumnBuilder::Boolean { .. }
            | ColumnBuilder::Decimal { .. }
            | ColumnBuilder::Timestamp { .. }
            | ColumnBuilder::Date(_)
            | ColumnBuilder::Time { .. }
            | ColumnBuilder::Bytes(_) => {
                let token = self.scalar(byte, "a scalar value")?;
                let text = trim(token.bytes(self.scratch));
                push_text(column, text, self.options.timestamp_format).map_err(|message| Fail::Value(message).into())
            }
            ColumnBuilder::Row(row) => {
                let Shape::Row(shape) = shape else { unreachable!("the shape of a ROW") };
                if byte != b'{' {
                    return self.other("an object for a ROW");
                }
                self.object(shape, row.fields())?;
                row.seal();
                Ok(())
            }
            ColumnBuilder::Array { lists, items } => {
                let Shape::Array(item) = shape else { unreachable!("the shape of an ARRAY") };
                if byte != b'[' {
                    return self.other("an array for an ARRAY");
                }
                self.cursor.at += 1;
                if self.cursor.peek() == b']' {
                    self.cursor.at += 1;
                } else {
                    loop {
                        self.field(item, items)?;
                        if !self.cursor.more(b']')? {
                            break;
                        }
                    }
                }
                lists.seal(items.len());
                Ok(())
            }
            ColumnBuilder::Map { lists, keys, values } => {
                let Shape::Map(value) = shape else { unreachable!("the shape of a MAP") };
                if byte != b'{' {
                    return self.other("an object for a MAP");
                }
                self.cursor.at += 1;
                if self.cursor.peek() == b'}' {
                    self.cursor.at += 1;
                } else {
                    self.entries(value, keys, values)?;
                }
                lists.seal(keys.len());
                Ok(())
            }
            ColumnBuilder::Null(_) => self.other("null"),
        }
    }

    fn entries(
        &mut self,
        value: &mut Shape,
        keys: &mut ColumnBuilder,
        values: &mut ColumnBuilder,
    ) -> Result<(), Failed> {
        let ColumnBuilder::Text(names) = keys else { unreachable!("a JSON map has STRING keys") };
        loop {
            let key = self.cursor.key()?;
            if !key.escaped {
                names.push(key.bytes);
            } else if let Err(expected) = unescape(key.bytes, &mut names.data) {
                names.unseal();
                return self.bad_escape(expected);
            } else {
                names.seal();
            }
            self.field(value, values)?;
            if !self.cursor.more(b'}')? {
                return Ok(());
            }
        }
    }
}

#[cold]
fn in_field(Failed(fail): Failed, name: &str) -> Failed {
    let fail = match *fail {
        Fail::Value(message) => match message.strip_prefix("field '") {
            Some(inner) => Fail::Value(format!("field '{name}.{inner}")),
            None => Fail::Value(format!("field '{name}': {message}")),
        },
        Fail::Missing(message) => match message.strip_prefix("field '") {
            Some(inner) => Fail::Missing(format!("field '{name}.{inner}")),
            None => Fail::Missing(message),
        },
        syntax => syntax,
    };
    fail.into()
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
