//! The `stdin` source and the `stdout` sink: rows in a text format on the standard streams.

use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use serde_json::{Value as Json, json};
use wasmill_plan::{Error, Result, Schema, SourceNode, Table};
use wasmill_runtime::batch::Batch;
use wasmill_runtime::sink::Sink;
use wasmill_runtime::source::{Source, SourceEvent};

use crate::filesystem::RECORD_BYTES_MAX;
use crate::format::{Format, TEXT_FORMATS, TextEncoder};
use crate::on_error::Rejects;
use crate::options::{OptionError, OptionKind, OptionSpec, Reader, list};
use crate::print::write_standard_output;
use crate::projection::{MetadataValue, Projection};
use crate::records::{ByteInput, Records};
use crate::text_reader::{Step, TextReader};

pub(crate) const STDIN_OPTIONS: &[OptionSpec] =
    &[OptionSpec::new("record.max-size", OptionKind::Size, "longest record that is accepted").or("16 mb")];

/// The format of a standard stream.
///
/// # Errors
/// One that is no text.
pub(crate) fn text_format(table: &Table) -> Result<Format, OptionError> {
    match Format::of(table)? {
        Format::Parquet(_) => Err(OptionError::new("format", "a standard stream has no format 'parquet'")
            .hint(format!("use {}", list(TEXT_FORMATS)))),
        text => Ok(text),
    }
}

/// Chunks that a thread reads, so that the source can wait for a limited time.
struct Chunks {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
}

/// Chunks that may wait to be decoded.
const CHUNKS_MAX: usize = 4;
const CHUNK_BYTES: usize = 256 * 1024;

impl Chunks {
    fn of(mut input: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = bounded(CHUNKS_MAX);
        // It ends with the input, or when the source is gone; a read that waits for ever ends with the process.
        thread::Builder::new().name("stdin".into()).spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK_BYTES];
                let read = match input.read(&mut chunk) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let last = !matches!(read, Ok(n) if n > 0);
                let sent = sender.send(read.map(|n| {
                    chunk.truncate(n);
                    chunk
                }));
                if last || sent.is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { chunks, current: Vec::new(), at: 0 })
    }
}

impl ByteInput for Chunks {
    fn read(&mut self, into: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        if self.at == self.current.len() {
            self.current = match self.chunks.recv_timeout(wait) {
                Ok(chunk) => chunk?,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Ok(Some(0)),
            };
            self.at = 0;
        }
        let count = into.len().min(self.current.len() - self.at);
        into[..count].copy_from_slice(&self.current[self.at..self.at + count]);
        self.at += count;
        Ok(Some(count))
    }
}

/// Reads standard input; it cannot be read again, so a position only says how far it got.
pub(crate) struct StdinSource {
    projection: Projection,
    rejects: Rejects,
    /// `None` on the instances that have nothing to read.
    reader: Option<TextReader>,
}

impl StdinSource {
    /// Standard input for instance 0; nothing for the others.
    ///
    /// # Errors
    /// A wrong option.
    pub(crate) fn new(node: &SourceNode, index: usize) -> Result<Self> {
        Self::of(node, index, io::stdin())
    }
    fn of(node: &SourceNode, index: usize, input: impl Read + Send + 'static) -> Result<Self> {
        let table = &node.table;
        let format = text_format(table)?;
        let limit = Reader::of(table).size("record.max-size")?.unwrap_or(RECORD_BYTES_MAX).min(1 << 30) as usize;
        let projection = Projection::of(node);
        let mut reader = None;
        if index == 0 {
            let chunks = Chunks::of(input).map_err(|e| Error::external(format!("cannot read standard input: {e}")))?;
            let records = Records::new(Box::new(chunks), limit, false);
            let decoder = format.decoder(table, &projection.fields);
            reader = Some(TextReader::new("stdin".into(), records, decoder, &projection.fields, limit));
        }
        Ok(Self { projection, rejects: Rejects::new(&table.name, &table.options), reader })
    }
}

impl Source for StdinSource {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        if let Some(letters) = self.rejects.take() {
            return Ok(SourceEvent::DeadLetters(letters));
        }
        let Some(reader) = &mut self.reader else { return Ok(SourceEvent::End) };
        let event = match reader.read(&mut self.rejects, wait)? {
            Step::Rows { columns, rows } => {
                SourceEvent::Rows(self.projection.batch(columns, rows, |_| MetadataValue::Null)?)
            }
            Step::Rejected => SourceEvent::DeadLetters(self.rejects.take().unwrap_or_default()),
            Step::Pending => SourceEvent::Pending,
            Step::End => SourceEvent::End,
        };
        match (&event, self.rejects.take()) {
            (SourceEvent::Pending | SourceEvent::End, Some(letters)) => Ok(SourceEvent::DeadLetters(letters)),
            (_, Some(letters)) => {
                self.rejects.put_back(letters);
                Ok(event)
            }
            (_, None) => Ok(event),
        }
    }

    fn position(&self) -> Json {
        json!({"bytes": self.reader.as_ref().map_or(0, |r| r.position().0)})
    }

    fn seek(&mut self, position: &Json) -> Result<()> {
        if position["bytes"].as_u64().unwrap_or(0) == 0 {
            return Ok(());
        }
        Err(Error::external("standard input cannot be read again, so the job cannot continue where it stopped"))
    }

    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        positions.iter().try_for_each(|position| self.seek(position))
    }

    fn skipped(&self) -> u64 {
        self.rejects.skipped
    }
}

/// Writes rows in a text format to standard output.
pub(crate) struct StdoutSink {
    encoder: TextEncoder,
    encoded: Vec<u8>,
}

/// Lines that are written at once.
const WRITE_BYTES: usize = 64 * 1024;

impl StdoutSink {
    /// The header comes from instance 0.
    ///
    /// # Errors
    /// A wrong option.
    pub(crate) fn new(table: &Table, schema: &Schema, index: usize) -> Result<Self, OptionError> {
        let names: Vec<String> = schema.fields.iter().map(|f| f.name.clone()).collect();
        let mut encoder = text_format(table)?.encoder(&names);
        let mut encoded = Vec::new();
        if index == 0 {
            encoder.header(&mut encoded);
        }
        Ok(Self { encoder, encoded })
    }
}

impl Sink for StdoutSink {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        if (0..batch.len()).any(|row| batch.kind(row) != wasmill_runtime::RowKind::Insert) {
            return Err(Error::Query {
                message: "a 'stdout' table takes only new rows, but this query updates or deletes rows it gave before"
                    .into(),
                hint: Some("write to a 'print' table, which shows row kinds".into()),
            });
        }
        self.encoder.encode(&batch.rows, &mut self.encoded);
        if self.encoded.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }
    fn flush(&mut self) -> Result<()> {
        write_standard_output(&std::mem::take(&mut self.encoded))
    }
    fn finish(&mut self) -> Result<()> {
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use wasmill_plan::{Column, ColumnKind, DataType};

    use super::*;

    #[test]
    fn input_is_read_as_it_comes_by_one_instance() {
        let column = Column { name: "line".into(), data_type: DataType::string(), kind: ColumnKind::Physical };
        let table = Table {
            name: "t".into(),
            columns: vec![column],
            watermark: None,
            primary_key: vec![],
            options: [("connector", "stdin"), ("format", "raw")].map(|(k, v)| (k.into(), v.into())).into(),
        };
        let node = SourceNode::new(Box::new(table), vec![0]);
        let (reader, mut writer) = io::pipe().unwrap();
        let mut source = StdinSource::of(&node, 0, reader).unwrap();
        assert!(matches!(source.poll(Duration::ZERO).unwrap(), SourceEvent::Pending));
        io::Write::write_all(&mut writer, b"one\ntwo\nthr").unwrap();
        let rows = |source: &mut StdinSource| loop {
            match source.poll(Duration::from_secs(10)).unwrap() {
                SourceEvent::Rows(batch) => return batch.num_rows(),
                SourceEvent::End => return 0,
                _ => {}
            }
        };
        assert_eq!(rows(&mut source), 2);
        assert!(source.seek(&source.position()).is_err());
        drop(writer);
        assert_eq!(rows(&mut source), 1);
        assert_eq!(rows(&mut source), 0);
        let mut other = StdinSource::of(&node, 1, io::empty()).unwrap();
        assert!(matches!(other.poll(Duration::ZERO).unwrap(), SourceEvent::End));
    }
}
