//! Writes Parquet files, and joins several to one.

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use wasmill_plan::{Error, Result};

use crate::print::output_error;

/// A Parquet file that is being written.
pub(crate) struct ParquetFile {
    name: String,
    writer: ArrowWriter<File>,
}

impl ParquetFile {
    /// Writes to `file`, which is called `name` in errors.
    ///
    /// # Errors
    /// A type that Parquet lacks; a failure to write.
    pub(crate) fn new(file: File, name: String, schema: SchemaRef, compression: Compression) -> Result<Self> {
        let properties = WriterProperties::builder().set_compression(compression).build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(|e| write_error(&name, e))?;
        Ok(Self { name, writer })
    }
    /// Appends rows.
    ///
    /// # Errors
    /// A failure to write.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.writer.write(rows).map_err(|e| write_error(&self.name, e))
    }
    /// About how large the file is.
    pub(crate) fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }
    /// Writes the end and makes it durable.
    ///
    /// # Errors
    /// A failure to write.
    pub(crate) fn close(self) -> Result<()> {
        let file = self.writer.into_inner().map_err(|e| write_error(&self.name, e))?;
        file.sync_all().map_err(|e| output_error(&self.name, &e))
    }
}

/// Writes the rows of `parts` to one file.
///
/// # Errors
/// A failure to read a part or to write.
pub(crate) fn merge(parts: &[impl AsRef<Path>], into: &mut ParquetFile) -> Result<()> {
    for part in parts {
        let part = part.as_ref();
        let name = part.display().to_string();
        let file = File::open(part).map_err(|e| crate::filesystem::cannot_open(part, &e))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|b| b.build());
        for batch in reader.map_err(|e| write_error(&name, e))? {
            into.write(&batch?)?;
        }
    }
    Ok(())
}

fn write_error(name: &str, error: ParquetError) -> Error {
    if let ParquetError::External(inner) = &error
        && let Some(io) = inner.downcast_ref::<std::io::Error>()
    {
        return output_error(name, io);
    }
    Error::external(format!("cannot write '{name}': {error}"))
}
