//! The `csv` format (RFC 4180) with Flink's options and conversions
//! (<https://nightlies.apache.org/flink/flink-docs-stable/docs/connectors/table/formats/csv/>), and a header line.

mod decode;
mod encode;
mod fields;

pub(crate) use decode::CsvDecoder;
pub(crate) use encode::CsvEncoder;

/// The options of the `csv` format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CsvOptions {
    /// `csv.field-delimiter`.
    pub(crate) delimiter: u8,
    /// `csv.quote-character`; `None` under `csv.disable-quote-character`.
    pub(crate) quote: Option<u8>,
    /// `csv.escape-character`.
    pub(crate) escape: Option<u8>,
    /// `csv.allow-comments`: lines that begin with `#` are left out.
    pub(crate) allow_comments: bool,
    /// `csv.ignore-parse-errors`: a value that cannot be converted is NULL.
    pub(crate) ignore_parse_errors: bool,
    /// `csv.null-literal`.
    pub(crate) null_literal: Option<String>,
    /// `csv.array-element-delimiter`, also between the fields of a ROW.
    pub(crate) array_delimiter: String,
    /// `csv.header`: the first line names the columns.
    pub(crate) header: bool,
    /// `csv.write-bigdecimal-in-scientific-notation`.
    pub(crate) scientific_decimals: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            allow_comments: false,
            ignore_parse_errors: false,
            null_literal: None,
            array_delimiter: ";".into(),
            header: false,
            scientific_decimals: true,
        }
    }
}
