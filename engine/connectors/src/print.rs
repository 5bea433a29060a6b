//! The `print` sink: a line a row, with its row kind, as Flink's connector of that name.

use std::io::{self, Write};

use wasmill_plan::{Error, Result, Table};
use wasmill_runtime::batch::Batch;
use wasmill_runtime::sink::Sink;

use crate::options::{OptionError, OptionKind, OptionSpec, Reader};
use crate::text::write_value;

pub(crate) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("print-identifier", OptionKind::Text, "written before each row"),
    OptionSpec::new("standard-error", OptionKind::Boolean, "write to standard error").or("false"),
];

/// Writes `identifier:instance> +I[a, 1]`; the identifier where it is given, the instance where there are several.
pub(crate) struct PrintSink {
    prefix: String,
    lines: Vec<u8>,
    to_standard_error: bool,
}

impl PrintSink {
    pub(crate) fn new(table: &Table, index: usize, parallelism: usize) -> Result<Self, OptionError> {
        let options = Reader::of(table);
        let mut parts = Vec::new();
        parts.extend(options.text("print-identifier").filter(|i| !i.is_empty()).map(str::to_owned));
        if parallelism > 1 {
            parts.push((index + 1).to_string());
        }
        let prefix = if parts.is_empty() { String::new() } else { parts.join(":") + "> " };
        Ok(Self { prefix, lines: Vec::new(), to_standard_error: options.boolean("standard-error", false)? })
    }
    fn encode(&mut self, batch: &Batch) {
        for row in 0..batch.len() {
            self.lines.extend_from_slice(self.prefix.as_bytes());
            self.lines.extend_from_slice(batch.kind(row).symbol().as_bytes());
            self.lines.push(b'[');
            for (index, column) in batch.rows.columns().iter().enumerate() {
                if index > 0 {
                    self.lines.extend_from_slice(b", ");
                }
                write_value(&mut self.lines, column, row);
            }
            self.lines.extend_from_slice(b"]\n");
        }
    }
}

/// Lines that are written at once, so that those of several instances do not mix.
const WRITE_BYTES: usize = 64 * 1024;

impl Sink for PrintSink {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        self.encode(batch);
        if self.lines.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }
    fn flush(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.lines);
        if self.to_standard_error {
            return io::stderr().lock().write_all(&lines).map_err(|e| output_error("standard error", &e));
        }
        write_standard_output(&lines)
    }
    fn finish(&mut self) -> Result<()> {
        self.flush()
    }
}

/// Writes whole lines to standard output.
///
/// # Errors
/// `Error::BrokenPipe` where nobody reads it.
pub(crate) fn write_standard_output(lines: &[u8]) -> Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(lines).and_then(|()| output.flush()).map_err(|e| output_error("standard output", &e))
}

/// A failure to write, in the user's terms.
pub(crate) fn output_error(place: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Error::BrokenPipe,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::External { message: format!("cannot write '{place}': the disk is full"), retryable: true }
        }
        _ => Error::external(format!("cannot write '{place}': {error}")),
    }
}
