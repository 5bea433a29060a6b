//! Reads one text input (a file, standard input) into batches of decoded columns.

mod ahead;
mod piece;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::ArrayRef;
use wasmill_plan::{Error, Field, Result};

use self::ahead::Ahead;
use self::piece::{Decoding, Ended, too_long};
use crate::format::TextDecoder;
use crate::on_error::Rejects;
use crate::records::{Fill, Next, Records};

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

/// Larger inputs are decoded by other threads in chunks of this size.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;

/// One input and its decoder.
pub(crate) struct TextReader {
    origin: Origin,
    pieces: Pieces,
    position: (u64, u64),
    /// An error behind rows that were given first.
    failed: Option<Error>,
}

/// Where pieces come from.
enum Pieces {
    Here(Decoding),
    Ahead(Ahead),
}

impl TextReader {
    /// `name` is the input's place in errors; `fields` are the columns that `decoder` fills.
    pub(crate) fn new(
        name: String,
        records: Records,
        decoder: TextDecoder,
        fields: &[Field],
        record_bytes_max: usize,
    ) -> Self {
        Self {
            origin: Origin { name, lines: 0, uncounted: None },
            position: records.position(),
            pieces: Pieces::Here(Decoding::new(records, decoder, fields.into(), record_bytes_max)),
            failed: None,
        }
    }
    /// The input begins behind that many bytes of a file, whose lines count in places.
    pub(crate) fn behind(mut self, path: &Path, bytes: u64) -> Self {
        self.origin.uncounted = Some((path.to_owned(), bytes));
        self
    }
    /// Decodes on so many other threads, where that is more than none.
    ///
    /// # Errors
    /// A header that does not fit the table; a thread that cannot be started.
    pub(crate) fn ahead(mut self, threads: usize, chunk_bytes: usize) -> Result<Self> {
        if threads > 0 && self.read_header(Duration::ZERO)? {
            self.pieces = match self.pieces {
                Pieces::Here(decoding) => Pieces::Ahead(Ahead::start(decoding, threads, chunk_bytes)?),
                ahead @ Pieces::Ahead(_) => ahead,
            };
        }
        Ok(self)
    }
    /// Bytes and lines before the first record that has not been given.
    pub(crate) fn position(&self) -> (u64, u64) {
        self.position
    }
    /// Puts the input in place of the old one, with the decoder's knowledge of the header kept.
    pub(crate) fn with_records(mut self, records: Records) -> Self {
        self.position = records.position();
        if let Pieces::Here(decoding) = &mut self.pieces {
            decoding.records = records;
        }
        self
    }
    /// Reads the header, where the format has one: before any seek. `false` where it has not come yet.
    ///
    /// # Errors
    /// A header that does not fit the table, or the input's failure.
    pub(crate) fn read_header(&mut self, wait: Duration) -> Result<bool> {
        let Pieces::Here(decoding) = &mut self.pieces else { return Ok(true) };
        while decoding.decoder.expects_header() {
            let (message, line) = match decoding.records.next(&decoding.decoder) {
                Next::Record { bytes, line } => match decoding.decoder.header(bytes) {
                    Ok(()) => break,
                    Err(message) => (message, line),
                },
                Next::TooLong { line, .. } => (too_long(decoding.record_bytes_max), line),
                Next::End => break,
                Next::More => match decoding.records.fill(wait) {
                    Ok(Fill::Some) => continue,
                    Ok(Fill::Pending) => return Ok(false),
                    Err(e) => return Err(input_error(&self.origin.name, &e)),
                },
            };
            return Err(Error::Data { message, place: Some(self.origin.place(line)) });
        }
        Ok(true)
    }

    /// The next rows. Blocks at most `wait`, and only where there is no row yet.
    ///
    /// # Errors
    /// A record under `'on-error' = 'fail'`, or the input's failure.
    pub(crate) fn read(&mut self, rejects: &mut Rejects, wait: Duration) -> Result<Step> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !self.read_header(wait)? {
            return Ok(Step::Pending);
        }
        let piece = match &mut self.pieces {
            Pieces::Here(decoding) => decoding.next(wait)?,
            Pieces::Ahead(ahead) => ahead.next()?,
        };
        self.position = piece.position;
        rejects.skip(piece.skipped);
        for reject in piece.rejects {
            let place = self.origin.place(reject.line);
            if let Err(error) = rejects.add(reject.reason, place, &reject.raw) {
                self.position = reject.before;
                let columns = piece.columns.iter().map(|c| c.slice(0, reject.rows)).collect();
                return self.fail(columns, reject.rows, error);
            }
        }
        match piece.ended {
            Ended::Failed(error) => {
                let error = input_error(&self.origin.place(piece.position.1 + 1), &error);
                self.fail(piece.columns, piece.rows, error)
            }
            _ if piece.rows > 0 => Ok(Step::Rows { columns: piece.columns, rows: piece.rows }),
            Ended::Full => Ok(Step::Rejected),
            Ended::Pending => Ok(Step::Pending),
            Ended::End => Ok(Step::End),
        }
    }

    /// An error behind rows: these are given first.
    fn fail(&mut self, columns: Vec<ArrayRef>, rows: usize, error: Error) -> Result<Step> {
        if rows == 0 {
            return Err(error);
        }
        self.failed = Some(error);
        Ok(Step::Rows { columns, rows })
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
