//! The `json` format: one JSON object a line, with Flink's options and conversions
//! (<https://nightlies.apache.org/flink/flink-docs-stable/docs/connectors/table/formats/json/>).

mod cursor;
mod decode;
mod encode;
mod marks;
mod number;
mod shape;
mod text;

pub(crate) use decode::{JsonDecoder, JsonOptions};
pub(crate) use encode::{JsonEncodeOptions, JsonEncoder};
pub(crate) use number::{parse_decimal, parse_double, parse_integer};
