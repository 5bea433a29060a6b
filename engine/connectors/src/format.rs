//! The formats of rows in files and streams: which there are, their options, and the types they can hold.

use wasmill_plan::{ColumnKind, DataType, Field, Table, TypeKind};

use crate::column::ColumnBuilder;
use crate::json::{JsonDecoder, JsonOptions};
use crate::options::{OptionError, OptionKind, OptionSpec, Reader, list, nearest};
use crate::records::{Framing, Lines};
use crate::text_reader::Decoded;
use crate::time::TimestampFormat;

/// A format and its options.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    Json(JsonOptions),
    Raw,
}

/// Names of all formats.
pub(crate) const FORMATS: &[&str] = &["json", "raw"];

const JSON: &[OptionSpec] = &[
    OptionSpec::new("json.fail-on-missing-field", OptionKind::Boolean, "a missing field is an error instead of NULL")
        .or("false"),
    OptionSpec::new(
        "json.ignore-parse-errors",
        OptionKind::Boolean,
        "a value that cannot be converted is NULL, a record that is no JSON is skipped",
    )
    .or("false"),
    OptionSpec::new(
        "json.timestamp-format.standard",
        OptionKind::Choice(&["SQL", "ISO-8601"]),
        "2020-10-10 00:00:01.123 or 2020-10-10T00:00:01.123",
    )
    .or("SQL"),
];

/// The options of a format.
pub(crate) fn format_options(format: &str) -> &'static [OptionSpec] {
    match format {
        "json" => JSON,
        _ => &[],
    }
}

impl Format {
    /// As the table says.
    ///
    /// # Errors
    /// No or an unknown format; options that do not go together; a column whose type the format cannot hold.
    pub(crate) fn of(table: &Table) -> Result<Self, OptionError> {
        let options = Reader::of(table);
        let Some(name) = options.text("format") else {
            return Err(OptionError::new("connector", "option 'format' is missing")
                .hint(format!("add 'format' = 'json'; the formats are {}", list(FORMATS))));
        };
        let format = match name {
            "json" => Self::Json(json_options(options)?),
            "raw" => Self::Raw,
            _ => {
                let near = nearest(name, FORMATS.iter().copied());
                return Err(OptionError::new("format", format!("format '{name}' is not supported")).hint(match near {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("the formats are {}", list(FORMATS)),
                }));
            }
        };
        format.check_types(table)?;
        Ok(format)
    }

    fn check_types(&self, table: &Table) -> Result<(), OptionError> {
        let columns: Vec<_> = table.columns.iter().filter(|c| c.kind == ColumnKind::Physical).collect();
        if matches!(self, Self::Raw) {
            let single = matches!(columns[..], [column] if column.data_type.kind.is_text() || column.data_type.kind.is_binary());
            if !single {
                return Err(OptionError::new("format", "format 'raw' reads and writes exactly one column of type STRING or BYTES")
                    .hint("declare one such column, or use another format"));
            }
            return Ok(());
        }
        for column in columns {
            if let Some(reason) = self.unsupported(&column.data_type) {
                let message = format!("column '{}' of type {} cannot be read or written: {reason}", column.name, column.data_type);
                return Err(OptionError::new("format", message));
            }
        }
        Ok(())
    }

    /// Why a type cannot be held; `None` where it can.
    fn unsupported(&self, data_type: &DataType) -> Option<String> {
        match (self, &data_type.kind) {
            (_, TypeKind::Bitmap) => Some("no format has BITMAP yet".into()),
            (_, TypeKind::Array(item)) => self.unsupported(item),
            (Self::Json(_), TypeKind::Map(key, value)) => match key.kind.is_text() {
                true => self.unsupported(value),
                false => Some("in JSON a MAP has keys of type STRING".into()),
            },
            (Self::Json(_), TypeKind::Multiset(item)) => {
                (!item.kind.is_text()).then(|| "in JSON a MULTISET has elements of type STRING".into())
            }
            (_, TypeKind::Row(fields)) => fields.iter().find_map(|f| self.unsupported(&f.data_type)),
            _ => None,
        }
    }

    /// A decoder of records into those columns.
    pub(crate) fn decoder(&self, fields: &[Field]) -> TextDecoder {
        match self {
            Self::Json(options) => TextDecoder::Json(JsonDecoder::new(fields, *options)),
            Self::Raw => TextDecoder::Raw,
        }
    }
}

fn json_options(options: Reader<'_>) -> Result<JsonOptions, OptionError> {
    let fail_on_missing_field = options.boolean("json.fail-on-missing-field", false)?;
    let ignore_parse_errors = options.boolean("json.ignore-parse-errors", false)?;
    if fail_on_missing_field && ignore_parse_errors {
        return Err(OptionError::new(
            "json.ignore-parse-errors",
            "'json.fail-on-missing-field' and 'json.ignore-parse-errors' cannot both be 'true'",
        ));
    }
    let standard = options.choice("json.timestamp-format.standard", &["SQL", "ISO-8601"])?;
    let timestamp_format =
        if standard == Some("ISO-8601") { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
    Ok(JsonOptions { fail_on_missing_field, ignore_parse_errors, timestamp_format })
}

/// Decodes the records of a text format.
#[derive(Debug)]
pub(crate) enum TextDecoder {
    Json(JsonDecoder),
    Raw,
}

impl Framing for TextDecoder {
    #[inline]
    fn record_length(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        match self {
            Self::Json(_) | Self::Raw => Lines.record_length(bytes, searched),
        }
    }
}

impl TextDecoder {
    /// Whether the next record is the header.
    pub(crate) fn expects_header(&self) -> bool {
        false
    }
    /// Takes the header.
    ///
    /// # Errors
    /// A column that it lacks.
    pub(crate) fn header(&mut self, _record: &[u8]) -> Result<(), String> {
        Ok(())
    }
    /// Appends the rows of a record; `rows` is how many the columns hold.
    ///
    /// # Errors
    /// Why it cannot be decoded; the columns are then as before.
    pub(crate) fn decode(&mut self, record: &[u8], columns: &mut [ColumnBuilder], rows: usize) -> Result<Decoded, String> {
        match self {
            Self::Json(decoder) => {
                if record.trim_ascii().is_empty() {
                    return Ok(Decoded::Nothing);
                }
                Ok(match decoder.decode(record, columns, rows)? {
                    0 => Decoded::Skipped,
                    added => Decoded::Rows(added),
                })
            }
            Self::Raw => {
                match columns {
                    [ColumnBuilder::Text(text)] => match std::str::from_utf8(record) {
                        Ok(_) => text.push(record),
                        Err(e) => return Err(format!("invalid UTF-8 at byte {}", e.valid_up_to() + 1)),
                    },
                    [ColumnBuilder::Bytes(bytes)] => bytes.push(record),
                    _ => debug_assert!(columns.is_empty(), "format 'raw' has one column"),
                }
                Ok(Decoded::Rows(1))
            }
        }
    }
}
