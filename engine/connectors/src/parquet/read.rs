//! Reads one Parquet file: only the wanted columns, from any row on.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use wasmill_plan::{DataType, Error, Field, Result, TypeKind};
use wasmill_runtime::source::MAX_BATCH_ROWS;

use super::convert::{convert, mismatch};
use crate::on_error::Rejects;
use crate::options::{list, nearest};
use crate::text_reader::Step;

/// One file.
pub(crate) struct ParquetReader {
    name: String,
    reader: ParquetRecordBatchReader,
    fields: Vec<Field>,
    /// Rows before the next one.
    row: u64,
}

impl ParquetReader {
    /// Opens `path` at row `row`, to read up to row `until`, or all.
    ///
    /// # Errors
    /// What is no Parquet file, lacks a column of `fields`, or has another type for one.
    pub(crate) fn open(path: &Path, fields: &[Field], row: u64, until: Option<u64>) -> Result<Self> {
        let name = path.display().to_string();
        let fail = |message: String| Error::Data { message, place: Some(name.clone()) };
        let file = File::open(path).map_err(|e| crate::filesystem::cannot_open(path, &e))?;
        // The declared types decide: Arrow's own schema in the file is hardly ever needed, and reading a damaged one panics.
        let skips_metadata = !fields.iter().any(|f| needs_arrow_metadata(&f.data_type));
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(skips_metadata);
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
            .map_err(|e| unreadable(path, &e))?;
        let schema = builder.schema().clone();
        let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let mut roots = Vec::new();
        for field in fields {
            let Some(index) = names.iter().position(|n| *n == field.name) else {
                let hint = match nearest(&field.name, names.iter().copied()) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("its columns are {}", list(&names)),
                };
                return Err(fail(format!("the file has no column '{}'; {hint}", field.name)));
            };
            if let Some(why) = mismatch(schema.field(index).data_type(), &field.data_type) {
                return Err(fail(format!("column '{}' is declared as {}, but {why}", field.name, field.data_type)));
            }
            roots.push(index);
        }
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let rows = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let mut builder = builder.with_projection(mask).with_batch_size(MAX_BATCH_ROWS).with_offset(rows(row));
        if let Some(until) = until {
            builder = builder.with_limit(rows(until.saturating_sub(row)));
        }
        let reader = guarded(|| builder.build()).map_err(|e| unreadable(path, &e))?;
        Ok(Self { name, reader, fields: fields.to_vec(), row })
    }
    /// Rows before the next one.
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.row, 0)
    }
    /// The next rows.
    ///
    /// # Errors
    /// A damaged file; a value that does not fit its column, under `'on-error' = 'fail'`.
    pub(crate) fn read(&mut self, rejects: &mut Rejects) -> Result<Step> {
        let batch = match guarded(|| self.reader.next().transpose().map_err(ParquetError::from)).transpose() {
            None => return Ok(Step::End),
            Some(Err(e)) => {
                let message = format!("the Parquet data is damaged: {}", cause(&e));
                return Err(Error::Data { message, place: Some(format!("{}:row {}", self.name, self.row + 1)) });
            }
            Some(Ok(batch)) => batch,
        };
        let before = self.row;
        self.row += batch.num_rows() as u64;
        match self.columns(&batch) {
            Ok(columns) => Ok(Step::Rows { columns, rows: batch.num_rows() }),
            Err(_) => self.row_by_row(&batch, before, rejects),
        }
    }

    fn columns(&self, batch: &RecordBatch) -> std::result::Result<Vec<ArrayRef>, String> {
        let column = |field: &Field| {
            let found = batch.column_by_name(&field.name).ok_or_else(|| format!("no column '{}'", field.name))?;
            convert(found, &field.data_type).map_err(|e| format!("column '{}': {e}", field.name))
        };
        self.fields.iter().map(column).collect()
    }

    /// Finds the rows that cannot be converted, and keeps the others.
    fn row_by_row(&self, batch: &RecordBatch, before: u64, rejects: &mut Rejects) -> Result<Step> {
        let mut kept = Vec::new();
        for row in 0..batch.num_rows() {
            match self.columns(&batch.slice(row, 1)) {
                Ok(_) => kept.push(row as u32),
                Err(reason) => {
                    rejects.add(reason, format!("{}:row {}", self.name, before + row as u64 + 1), &[])?;
                }
            }
        }
        let indices = UInt32Array::from(kept);
        let columns = batch.columns().iter().map(|c| take(c, &indices, None));
        let rest = RecordBatch::try_new(batch.schema(), columns.collect::<std::result::Result<_, _>>()?)?;
        let columns = self.columns(&rest).map_err(Error::data)?;
        Ok(Step::Rows { columns, rows: indices.values().len() })
    }
}

/// The rows and compressed bytes of each row group.
///
/// # Errors
/// What is no Parquet file.
pub(crate) fn row_groups(path: &Path) -> Result<Vec<(u64, u64)>> {
    let file = File::open(path).map_err(|e| crate::filesystem::cannot_open(path, &e))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guarded(|| ArrowReaderMetadata::load(&file, options)).map_err(|e| unreadable(path, &e))?;
    let groups = metadata.metadata().row_groups().iter();
    Ok(groups.map(|g| (g.num_rows().max(0) as u64, g.compressed_size().max(0) as u64)).collect())
}

fn unreadable(path: &Path, error: &ParquetError) -> Error {
    let name = path.display().to_string();
    Error::Data { message: format!("'{name}' cannot be read as Parquet: {}", cause(error)), place: Some(name) }
}

/// Whether Parquet's own types do not tell: an INTERVAL of months is stored like one of days.
fn needs_arrow_metadata(data_type: &DataType) -> bool {
    match &data_type.kind {
        TypeKind::IntervalYearMonth => true,
        TypeKind::Array(item) | TypeKind::Multiset(item) => needs_arrow_metadata(item),
        TypeKind::Map(key, value) => needs_arrow_metadata(key) || needs_arrow_metadata(value),
        TypeKind::Row(fields) => fields.iter().any(|f| needs_arrow_metadata(&f.data_type)),
        _ => false,
    }
}

/// Calls the Parquet reader, which panics on some damaged files where it should fail.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(ParquetError::General(text.unwrap_or_else(|| "the file is damaged".into())))
    })
}

/// Whether a file ends as a Parquet file does; one that is still being written does not.
pub(crate) fn is_complete(path: &Path) -> bool {
    let mut end = [0; 4];
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::End(-4))?;
        file.read_exact(&mut end)
    });
    read.is_ok() && end == *b"PAR1"
}

/// The parquet crate's message without its prefix.
fn cause(error: &ParquetError) -> String {
    let text = error.to_string();
    text.strip_prefix("Parquet error: ").unwrap_or(&text).to_owned()
}
