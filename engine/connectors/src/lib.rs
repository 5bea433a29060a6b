//! Sources, sinks and formats: everything that reads or writes the world outside.
//!
//! ```text
//! bytes --records--> record --json | csv | raw--> ColumnBuilders --projection--> RecordBatch   (text formats)
//! Batch --encoder--> bytes --sink--> hidden part file --commit--> visible                      (filesystem sink)
//! ```
//!
//! [`Connectors`] makes sources and [`TableSinks`] sinks; [`validate`] checks a table's options when it is created. What users
//! need to know stands in `CONNECTORS.md`.

mod blackhole;
mod column;
mod connectors;
mod csv;
mod datagen;
mod filesystem;
mod format;
mod generator;
mod json;
mod nexmark;
mod on_error;
mod options;
mod parquet;
mod print;
mod projection;
mod random;
mod records;
mod replay;
#[cfg(test)]
mod round_trip_tests;
mod scalar;
mod standard;
mod text;
mod text_reader;
mod time;

pub use connectors::{
    ConnectorInfo, Connectors, Role, TableSinks, connector, connectors, is_bounded, takes_updates, validate,
    validate_together,
};
pub use on_error::OnError;
pub use options::{OptionError, OptionKind, OptionSpec};
