//! The formats of rows in files and streams: which there are, their options, and the types they can hold.

use arrow::array::RecordBatch;
use parquet::basic::Compression;
use wasmill_plan::{Column, ColumnKind, DataType, Field, Table, TypeKind};

use crate::column::ColumnBuilder;
use crate::csv::{CsvDecoder, CsvEncoder, CsvOptions};
use crate::json::{JsonDecoder, JsonEncodeOptions, JsonEncoder, JsonOptions};
use crate::options::{OptionError, OptionKind, OptionSpec, Reader, list, nearest};
use crate::parquet::{COMPRESSIONS, compression};
use crate::records::{Framing, Lines};
use crate::text_reader::Decoded;
use crate::time::TimestampFormat;

/// A format and its options.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    Json(JsonOptions, JsonEncodeOptions),
    Csv(CsvOptions),
    Parquet(Compression),
    Raw,
}

/// Names of all formats.
pub(crate) const FORMATS: &[&str] = &["json", "csv", "parquet", "raw"];

/// Formats of records one behind the other, which a stream can have.
pub(crate) const TEXT_FORMATS: &[&str] = &["json", "csv", "raw"];

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
    OptionSpec::new(
        "json.map-null-key.mode",
        OptionKind::Choice(&["FAIL", "DROP", "LITERAL"]),
        "for Flink's sake: a MAP here has no NULL key",
    )
    .or("FAIL"),
    OptionSpec::new("json.map-null-key.literal", OptionKind::Text, "for Flink's sake: a MAP here has no NULL key")
        .or("null"),
    OptionSpec::new(
        "json.encode.decimal-as-plain-number",
        OptionKind::Boolean,
        "a DECIMAL is written as 0.00000001 instead of 1E-8",
    )
    .or("false"),
    OptionSpec::new("json.encode.ignore-null-fields", OptionKind::Boolean, "fields that are NULL are not written")
        .or("false"),
];

const CSV: &[OptionSpec] = &[
    OptionSpec::new("csv.header", OptionKind::Boolean, "the first line names the columns; they are found by name")
        .or("false"),
    OptionSpec::new("csv.field-delimiter", OptionKind::Character, "between fields; '\\t' for a tab").or(","),
    OptionSpec::new("csv.quote-character", OptionKind::Character, "around fields that hold delimiters").or("\""),
    OptionSpec::new("csv.disable-quote-character", OptionKind::Boolean, "quotes are ordinary characters").or("false"),
    OptionSpec::new("csv.escape-character", OptionKind::Character, "makes the next character ordinary"),
    OptionSpec::new("csv.allow-comments", OptionKind::Boolean, "lines that begin with '#' are left out").or("false"),
    OptionSpec::new(
        "csv.ignore-parse-errors",
        OptionKind::Boolean,
        "a value that cannot be converted is NULL, as are missing fields",
    )
    .or("false"),
    OptionSpec::new("csv.null-literal", OptionKind::Text, "the text that stands for NULL"),
    OptionSpec::new("csv.array-element-delimiter", OptionKind::Text, "between the elements of an ARRAY or ROW").or(";"),
    OptionSpec::new(
        "csv.write-bigdecimal-in-scientific-notation",
        OptionKind::Boolean,
        "a DECIMAL is written as 1E-8 instead of 0.00000001",
    )
    .or("true"),
];

const PARQUET: &[OptionSpec] =
    &[OptionSpec::new("parquet.compression", OptionKind::Choice(COMPRESSIONS), "how pages are compressed")
        .or("SNAPPY")];

/// The options of a format.
pub(crate) fn format_options(format: &str) -> &'static [OptionSpec] {
    match format {
        "json" => JSON,
        "csv" => CSV,
        "parquet" => PARQUET,
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
            "json" => {
                let (decode, encode) = json_options(options)?;
                Self::Json(decode, encode)
            }
            "csv" => Self::Csv(csv_options(options)?),
            "parquet" => Self::Parquet(compression(options.choice("parquet.compression", COMPRESSIONS)?)),
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
        let columns: Vec<_> = physical_columns(table).collect();
        if matches!(self, Self::Raw) {
            let single =
                matches!(columns[..], [column] if column.data_type.kind.is_text() || column.data_type.kind.is_binary());
            if !single {
                return Err(OptionError::new(
                    "format",
                    "format 'raw' reads and writes exactly one column of type STRING or BYTES",
                )
                .hint("declare one such column, or use another format"));
            }
            return Ok(());
        }
        for column in columns {
            if let Some(reason) = self.unsupported(&column.data_type) {
                let message = format!(
                    "column '{}' of type {} cannot be read or written: {reason}",
                    column.name, column.data_type
                );
                return Err(OptionError::new("format", message));
            }
        }
        Ok(())
    }

    /// Why a type cannot be held; `None` where it can.
    fn unsupported(&self, data_type: &DataType) -> Option<String> {
        match (self, &data_type.kind) {
            (_, TypeKind::Bitmap) => Some("no format has BITMAP yet".into()),
            (Self::Parquet(_), TypeKind::IntervalDayTime) => Some("Parquet has no INTERVAL DAY TO SECOND".into()),
            (Self::Csv(_), TypeKind::Map(..) | TypeKind::Multiset(_)) => Some("CSV has no MAP or MULTISET".into()),
            (Self::Csv(_), TypeKind::Array(item)) => self.nested_in_csv(item),
            (Self::Csv(_), TypeKind::Row(fields)) => fields.iter().find_map(|f| self.nested_in_csv(&f.data_type)),
            (Self::Json(..), TypeKind::Map(key, value)) => match key.kind.is_text() {
                true => self.unsupported(value),
                false => Some("in JSON a MAP has keys of type STRING".into()),
            },
            (Self::Json(..), TypeKind::Multiset(item)) => {
                (!item.kind.is_text()).then(|| "in JSON a MULTISET has elements of type STRING".into())
            }
            (_, TypeKind::Array(item)) => self.unsupported(item),
            (_, TypeKind::Row(fields)) => fields.iter().find_map(|f| self.unsupported(&f.data_type)),
            _ => None,
        }
    }

    fn nested_in_csv(&self, data_type: &DataType) -> Option<String> {
        match data_type.kind {
            TypeKind::Array(_) | TypeKind::Row(_) => Some("in CSV an ARRAY or ROW holds no other".into()),
            _ => self.unsupported(data_type),
        }
    }

    /// A decoder of records into `fields`, some of the table's physical columns.
    ///
    /// # Panics
    /// For Parquet, which has no records.
    pub(crate) fn decoder(&self, table: &Table, fields: &[Field]) -> TextDecoder {
        match self {
            Self::Json(options, _) => TextDecoder::Json(JsonDecoder::new(fields, *options)),
            Self::Csv(options) => TextDecoder::Csv(CsvDecoder::new(options.clone(), table, fields)),
            Self::Raw => TextDecoder::Raw,
            Self::Parquet(_) => panic!("Parquet files are read by ParquetReader"),
        }
    }

    /// An encoder of rows with columns of those names.
    ///
    /// # Panics
    /// For Parquet, which has no records.
    pub(crate) fn encoder(&self, names: &[String]) -> TextEncoder {
        match self {
            Self::Json(_, options) => TextEncoder::Json(JsonEncoder::new(*options, names)),
            Self::Csv(options) => TextEncoder::Csv(CsvEncoder::new(options.clone()), names.to_vec()),
            Self::Raw => TextEncoder::Raw,
            Self::Parquet(_) => panic!("Parquet files are written by ParquetFile"),
        }
    }

    /// Whether every line break ends a record.
    pub(crate) fn has_lines(&self) -> bool {
        match self {
            Self::Json(..) | Self::Raw => true,
            Self::Csv(options) => options.quote.is_none(),
            Self::Parquet(_) => false,
        }
    }

    /// The usual suffix of a file.
    pub(crate) fn suffix(&self) -> &'static str {
        match self {
            Self::Json(..) => "json",
            Self::Csv(_) => "csv",
            Self::Parquet(_) => "parquet",
            Self::Raw => "txt",
        }
    }
}

/// The columns whose values a format holds, in order.
pub(crate) fn physical_columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|c| c.kind == ColumnKind::Physical)
}

fn json_options(options: Reader<'_>) -> Result<(JsonOptions, JsonEncodeOptions), OptionError> {
    let fail_on_missing_field = options.boolean("json.fail-on-missing-field", false)?;
    let ignore_parse_errors = options.boolean("json.ignore-parse-errors", false)?;
    if fail_on_missing_field && ignore_parse_errors {
        return Err(OptionError::new(
            "json.ignore-parse-errors",
            "'json.fail-on-missing-field' and 'json.ignore-parse-errors' cannot both be 'true'",
        ));
    }
    let standard = options.choice("json.timestamp-format.standard", &["SQL", "ISO-8601"])?;
    let timestamp_format = if standard == Some("ISO-8601") { TimestampFormat::Iso8601 } else { TimestampFormat::Sql };
    let encode = JsonEncodeOptions {
        timestamp_format,
        plain_decimals: options.boolean("json.encode.decimal-as-plain-number", false)?,
        ignore_null_fields: options.boolean("json.encode.ignore-null-fields", false)?,
    };
    Ok((JsonOptions { fail_on_missing_field, ignore_parse_errors, timestamp_format }, encode))
}

fn csv_options(options: Reader<'_>) -> Result<CsvOptions, OptionError> {
    let default = CsvOptions::default();
    let disabled = options.boolean("csv.disable-quote-character", false)?;
    if disabled && options.text("csv.quote-character").is_some() {
        return Err(OptionError::new(
            "csv.quote-character",
            "'csv.quote-character' and 'csv.disable-quote-character' exclude each other",
        ));
    }
    let read = CsvOptions {
        delimiter: options.character("csv.field-delimiter")?.unwrap_or(default.delimiter),
        quote: if disabled { None } else { options.character("csv.quote-character")?.or(default.quote) },
        escape: options.character("csv.escape-character")?,
        allow_comments: options.boolean("csv.allow-comments", false)?,
        ignore_parse_errors: options.boolean("csv.ignore-parse-errors", false)?,
        null_literal: options.text("csv.null-literal").map(str::to_owned),
        array_delimiter: options.text("csv.array-element-delimiter").map_or(default.array_delimiter, str::to_owned),
        header: options.boolean("csv.header", false)?,
        scientific_decimals: options.boolean("csv.write-bigdecimal-in-scientific-notation", true)?,
    };
    if Some(read.delimiter) == read.quote
        || Some(read.delimiter) == read.escape
        || matches!(read.delimiter, b'\n' | b'\r')
    {
        return Err(OptionError::new(
            "csv.field-delimiter",
            "the field delimiter must differ from the quote and escape characters and from a line break",
        ));
    }
    if read.array_delimiter.is_empty() {
        return Err(OptionError::new("csv.array-element-delimiter", "'csv.array-element-delimiter' is empty"));
    }
    Ok(read)
}

/// Encodes rows in a text format.
#[derive(Debug)]
pub(crate) enum TextEncoder {
    Json(JsonEncoder),
    Csv(CsvEncoder, Vec<String>),
    Raw,
}

impl TextEncoder {
    /// What stands before the first row.
    pub(crate) fn header(&mut self, out: &mut Vec<u8>) {
        if let Self::Csv(encoder, names) = self {
            encoder.header(names, out);
        }
    }
    /// Appends rows.
    pub(crate) fn encode(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) {
        match self {
            Self::Json(encoder) => encoder.encode(rows, out),
            Self::Csv(encoder, _) => encoder.encode(rows, out),
            Self::Raw => {
                use arrow::array::{Array, AsArray};
                let column = rows.column(0);
                for row in (0..rows.num_rows()).filter(|row| column.is_valid(*row)) {
                    match column.data_type() {
                        arrow::datatypes::DataType::Utf8 => {
                            out.extend_from_slice(column.as_string::<i32>().value(row).as_bytes());
                        }
                        _ => out.extend_from_slice(column.as_binary::<i32>().value(row)),
                    }
                    out.push(b'\n');
                }
            }
        }
    }
}

/// Decodes the records of a text format.
#[derive(Clone, Debug)]
pub(crate) enum TextDecoder {
    Json(JsonDecoder),
    Csv(CsvDecoder),
    Raw,
}

impl Framing for TextDecoder {
    #[inline]
    fn record_length(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        match self {
            Self::Json(_) | Self::Raw => Lines.record_length(bytes, searched),
            Self::Csv(decoder) => decoder.record_length(bytes, searched),
        }
    }
    fn spans_lines(&self) -> bool {
        matches!(self, Self::Csv(_))
    }
    fn skips_mark(&self) -> bool {
        !matches!(self, Self::Raw)
    }
    fn whole_records(&self, bytes: &[u8]) -> usize {
        match self {
            Self::Json(_) | Self::Raw => Lines.whole_records(bytes),
            Self::Csv(decoder) => decoder.whole_records(bytes),
        }
    }
}

impl TextDecoder {
    /// Whether the next record is the header.
    #[inline]
    pub(crate) fn expects_header(&self) -> bool {
        matches!(self, Self::Csv(decoder) if decoder.expects_header())
    }
    /// Takes the header.
    ///
    /// # Errors
    /// A column that it lacks.
    pub(crate) fn header(&mut self, record: &[u8]) -> Result<(), String> {
        match self {
            Self::Csv(decoder) => decoder.header(record),
            _ => Ok(()),
        }
    }
    /// Appends the rows of a record; `rows` is how many the columns hold.
    ///
    /// # Errors
    /// Why it cannot be decoded; the columns are then as before.
    #[inline]
    pub(crate) fn decode(
        &mut self,
        record: &[u8],
        columns: &mut [ColumnBuilder],
        rows: usize,
    ) -> Result<Decoded, String> {
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
            Self::Csv(decoder) => {
                Ok(if decoder.decode(record, columns, rows)? { Decoded::Rows(1) } else { Decoded::Nothing })
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
