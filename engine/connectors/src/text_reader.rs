//! Reads one text input (a file, standard input) into batches of decoded columns.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::ArrayRef;
use wasmill_plan::{Error, Field, Result};
use wasmill_runtime::source::MAX_BATCH_ROWS;

use crate::column::ColumnBuilder;
use crate::format::TextDecoder;
use crate::on_error::Rejects;
use crate::records::{Fill, Next, Records};

/// A batch ends behind this many bytes of input, so that wide rows do not fill the memory.
const BATCH_BYTES: u64 = 16 << 20;

/// What [`TextReader::read`] gives.
pub(crate) enum Step {
    /// Decoded columns.
    Rows { columns: Vec<ArrayRef>, rows: usize },
    /// Much was read, and all of it was rejected.
    Rejected,
    /// Nothing came in time.
    Pending,
    /// Nothing is left.
    End,
}

/// One input and its decoder.
pub(crate) struct TextReader {
    origin: Origin,
    records: Records,
    decoder: TextDecoder,
    fields: Vec<Field>,
    columns: Vec<ColumnBuilder>,
    /// An error behind rows that were given first, and the position before its record.
    failed: Option<(Error, (u64, u64))>,
    record_bytes_max: usize,
}

impl TextReader {
    /// `name` is the input's place in errors; `fields` are the columns that `decoder` fills.
    pub(crate) fn new(
        name: String,
        records: Records,
        decoder: TextDecoder,
        fields: Vec<Field>,
        record_bytes_max: usize,
    ) -> Self {
        let columns = fields.iter().map(|f| ColumnBuilder::new(&f.data_type.kind)).collect();
        let origin = Origin { name, lines: 0, uncounted: None };
        Self { origin, records, decoder, fields, columns, failed: None, record_bytes_max }
    }
    /// The input begins behind that many bytes of a file, whose lines count in places.
    pub(crate) fn behind(mut self, path: &Path, bytes: u64) -> Self {
        self.origin.uncounted = Some((path.to_owned(), bytes));
        self
    }
    /// Bytes and lines before the first record that has not been given.
    pub(crate) fn position(&self) -> (u64, u64) {
        self.failed.as_ref().map_or_else(|| self.records.position(), |(_, position)| *position)
    }
    /// Puts the input in place of the old one, with the decoder's knowledge of the header kept.
    pub(crate) fn with_records(mut self, records: Records) -> Self {
        self.records = records;
        self
    }
    /// Reads the header, where the format has one: before any seek.
    ///
    /// # Errors
    /// A header that does not fit the table.
    pub(crate) fn read_header(&mut self) -> Result<()> {
        while self.decoder.expects_header() {
            match self.records.next(&self.decoder) {
                Next::Record { bytes, line } => self
                    .decoder
                    .header(bytes)
                    .map_err(|message| Error::Data { message, place: Some(self.origin.place(line)) })?,
                Next::TooLong { line, .. } => {
                    return Err(Error::Data {
                        message: too_long(self.record_bytes_max),
                        place: Some(self.origin.place(line)),
                    });
                }
                Next::End => return Ok(()),
                Next::More => {
                    if self.records.fill(Duration::from_secs(1)).map_err(|e| input_error(&self.origin.name, &e))?
                        == Fill::Pending
                    {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The next rows. Blocks at most `wait`, and only where there is no row yet.
    ///
    /// # Errors
    /// A record under `'on-error' = 'fail'`, or the input's failure.
    pub(crate) fn read(&mut self, rejects: &mut Rejects, wait: Duration) -> Result<Step> {
        if let Some((error, _)) = self.failed.take() {
            return Err(error);
        }
        let begin = self.records.position().0;
        let mut rows = 0;
        loop {
            let much = self.records.position().0 - begin > BATCH_BYTES || rejects.waiting() >= MAX_BATCH_ROWS;
            if rows >= MAX_BATCH_ROWS || much {
                return if rows > 0 { self.rows(rows) } else { Ok(Step::Rejected) };
            }
            let before = self.records.position();
            let rejected = match self.records.next(&self.decoder) {
                Next::Record { bytes, line } => {
                    if self.decoder.expects_header() {
                        match self.decoder.header(bytes) {
                            Ok(()) => continue,
                            Err(message) => {
                                return Err(Error::Data { message, place: Some(self.origin.place(line)) });
                            }
                        }
                    }
                    match self.decoder.decode(bytes, &mut self.columns, rows) {
                        Ok(Decoded::Rows(added)) => {
                            rows += added;
                            continue;
                        }
                        Ok(Decoded::Nothing) => continue,
                        Ok(Decoded::Skipped) => {
                            rejects.skip();
                            continue;
                        }
                        Err(reason) => rejects.add(reason, self.origin.place(line), bytes),
                    }
                }
                Next::TooLong { start, line } => {
                    rejects.add(too_long(self.record_bytes_max), self.origin.place(line), start)
                }
                Next::End => return if rows > 0 { self.rows(rows) } else { Ok(Step::End) },
                Next::More => {
                    let wait = if rows > 0 { Duration::ZERO } else { wait };
                    match self.records.fill(wait) {
                        Ok(Fill::Some) => continue,
                        Ok(Fill::Pending) if rows > 0 => return self.rows(rows),
                        Ok(Fill::Pending) => return Ok(Step::Pending),
                        Err(e) => {
                            let line = self.records.position().1 + 1;
                            Err(input_error(&self.origin.place(line), &e))
                        }
                    }
                }
            };
            if let Err(error) = rejected {
                if rows == 0 {
                    return Err(error);
                }
                self.failed = Some((error, before));
                return self.rows(rows);
            }
        }
    }

    fn rows(&mut self, rows: usize) -> Result<Step> {
        let columns = self.columns.iter_mut().zip(&self.fields).map(|(c, f)| c.finish(&f.data_type.kind));
        Ok(Step::Rows { columns: columns.collect::<Result<_>>()?, rows })
    }
}

/// Where records stand, for errors.
struct Origin {
    name: String,
    /// Lines before those that [`Records`] counts.
    lines: u64,
    /// They are those of the first bytes of a file, and are counted when a place is asked for.
    uncounted: Option<(PathBuf, u64)>,
}

impl Origin {
    fn place(&mut self, line: u64) -> String {
        if let Some((path, bytes)) = self.uncounted.take() {
            self.lines = File::open(path).map_or(0, |file| count_breaks(file.take(bytes)));
        }
        format!("{}:{}", self.name, self.lines + line)
    }
}

/// How many line breaks there are; up to where the input cannot be read.
fn count_breaks(mut input: impl Read) -> u64 {
    let (mut buffer, mut breaks) = (vec![0; 256 * 1024], 0);
    while let Ok(read @ 1..) = input.read(&mut buffer) {
        breaks += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
    }
    breaks
}

/// What a decoder made of a record.
pub(crate) enum Decoded {
    /// So many rows.
    Rows(usize),
    /// It is a comment or blank.
    Nothing,
    /// It is broken, and an option of the format says to leave it out.
    Skipped,
}

fn too_long(limit: usize) -> String {
    format!("the record is longer than {limit} bytes ('record.max-size')")
}

/// A failure to read, in the user's terms.
pub(crate) fn input_error(place: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::Data {
            message: "the compressed data ends too early: the file is truncated".into(),
            place: Some(place.to_owned()),
        },
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other if error.raw_os_error().is_none() => {
            Error::Data { message: format!("the compressed data is damaged: {error}"), place: Some(place.to_owned()) }
        }
        _ => Error::External { message: format!("cannot read '{place}': {error}"), retryable: false },
    }
}
