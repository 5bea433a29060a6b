//! Cuts a stream of bytes into records (lines), and counts where each one stands.
//!
//! ```text
//! ByteInput --read--> buffer [ record | record | rec… ] --next--> Record { bytes, line }
//!                                                       --chunk--> Records of a part, for another thread
//! ```

mod chunk;

pub(crate) use chunk::Chunk;

use std::io;
use std::time::Duration;

/// Bytes in order: a file, a decompressor, standard input.
pub(crate) trait ByteInput: Send {
    /// Reads some bytes: `Some(0)` at the end, `None` where nothing came within `wait` but more may.
    ///
    /// # Errors
    /// What the system says.
    fn read(&mut self, into: &mut [u8], wait: Duration) -> io::Result<Option<usize>>;
}

/// A plain reader that never waits.
pub(crate) struct Blocking<R>(pub(crate) R);

impl<R: io::Read + Send> ByteInput for Blocking<R> {
    fn read(&mut self, into: &mut [u8], _wait: Duration) -> io::Result<Option<usize>> {
        loop {
            match self.0.read(into) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                done => return done.map(Some),
            }
        }
    }
}

/// Finds where a record ends.
pub(crate) trait Framing {
    /// The length of the first record of `bytes` with its line break; `None` where it does not end here. The first `searched`
    /// bytes were already given, without an end in them.
    fn record_length(&self, bytes: &[u8], searched: usize) -> Option<usize>;
    /// Whether a record may hold line breaks; its end is then looked for from its beginning each time.
    fn spans_lines(&self) -> bool;
    /// Whether a byte order mark at the beginning of the input is left out.
    fn skips_mark(&self) -> bool;
    /// The length of all records that end in `bytes`; 0 where none does.
    fn whole_records(&self, bytes: &[u8]) -> usize;
}

/// A record a line.
pub(crate) struct Lines;

impl Framing for Lines {
    #[inline]
    fn record_length(&self, bytes: &[u8], searched: usize) -> Option<usize> {
        memchr::memchr(b'\n', &bytes[searched..]).map(|at| searched + at + 1)
    }
    fn spans_lines(&self) -> bool {
        false
    }
    fn skips_mark(&self) -> bool {
        true
    }
    fn whole_records(&self, bytes: &[u8]) -> usize {
        memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1)
    }
}

/// What [`Records::next`] found.
pub(crate) enum Next<'a> {
    /// A record without its line break, and the line it begins in, from 1.
    Record { bytes: &'a [u8], line: u64 },
    /// A record longer than allowed; its beginning.
    TooLong { start: &'a [u8], line: u64 },
    /// The buffer holds no whole record: [`Records::fill`] it.
    More,
    /// Nothing is left.
    End,
}

/// What [`Records::fill`] did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// There is more to look at.
    Some,
    /// Nothing came in time.
    Pending,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const READ_BYTES: usize = 256 * 1024;
/// How much of a record that is too long is kept for the dead-letter table.
const TOO_LONG_KEPT: usize = 64 * 1024;

/// Records of one input.
pub(crate) struct Records {
    input: Box<dyn ByteInput>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes behind `start` that hold no record end.
    searched: usize,
    /// A record that spans lines is looked at again when the buffer holds this much, so that the work stays linear.
    look_at: usize,
    /// Offset of `buffer[start]` in the input.
    offset: u64,
    /// Line breaks before `buffer[start]`.
    lines: u64,
    at_end: bool,
    /// A record is too long, or began before what is read here; drop up to its end.
    dropping: bool,
    /// No record that begins here or behind it is read.
    until: Option<u64>,
    record_bytes_max: usize,
    /// A last line without a line break is not yet complete (the file still grows).
    growing: bool,
    /// Bytes and line breaks behind the buffer that belong to its last record, which is too long, and were dropped.
    beyond: (u64, u64),
    /// An error that came behind what is given first.
    failed: Option<io::Error>,
}

impl Records {
    /// From the beginning of `input`.
    pub(crate) fn new(input: Box<dyn ByteInput>, record_bytes_max: usize, growing: bool) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            searched: 0,
            look_at: 0,
            offset: 0,
            lines: 0,
            at_end: false,
            dropping: false,
            until: None,
            record_bytes_max,
            growing,
            beyond: (0, 0),
            failed: None,
        }
    }
    /// Says where the input stands, when it does not begin at its beginning.
    pub(crate) fn starting_at(mut self, offset: u64, lines: u64) -> Self {
        (self.offset, self.lines) = (offset, lines);
        self
    }
    /// Ends before the first record that begins at `until` or behind it.
    pub(crate) fn ending_at(mut self, until: Option<u64>) -> Self {
        self.until = until;
        self
    }
    /// Begins behind the next line break.
    pub(crate) fn behind_line_break(mut self) -> Self {
        self.dropping = true;
        self
    }
    /// Bytes and lines before the next record.
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.offset, self.lines)
    }
    /// Whether the position is inside of a record that is left out: nothing can be continued from here.
    pub(crate) fn is_inside(&self) -> bool {
        self.dropping
    }

    /// The next record in the buffer.
    pub(crate) fn next(&mut self, framing: &impl Framing) -> Next<'_> {
        if self.until.is_some_and(|until| self.offset >= until) && !self.dropping {
            return Next::End;
        }
        if self.offset == 0 && self.buffer[self.start..self.end].starts_with(BYTE_ORDER_MARK) && framing.skips_mark() {
            self.advance(BYTE_ORDER_MARK.len(), 0);
        }
        let bytes = &self.buffer[self.start..self.end];
        if bytes.len() < self.look_at && !self.at_end {
            return Next::More;
        }
        let Some(length) = framing.record_length(bytes, self.searched) else {
            if self.at_end {
                return self.last();
            }
            self.searched = bytes.len();
            self.look_at = if framing.spans_lines() { bytes.len() * 2 } else { 0 };
            if !self.dropping && bytes.len() > self.record_bytes_max {
                self.dropping = true;
                let start = &self.buffer[self.start..self.start + self.kept()];
                return Next::TooLong { start, line: self.lines + 1 };
            }
            return Next::More;
        };
        let (start, line) = (self.start, self.lines + 1);
        if framing.spans_lines() || self.dropping {
            self.consume(length);
        } else {
            self.advance(length, 1);
        }
        if std::mem::take(&mut self.dropping) {
            return self.next(framing);
        }
        let record = trim_line_break(&self.buffer[start..start + length]);
        if record.len() > self.record_bytes_max {
            return Next::TooLong { start: &record[..self.kept()], line };
        }
        Next::Record { bytes: record, line }
    }

    /// How much of a record that is too long is kept, whatever of it is in the buffer.
    fn kept(&self) -> usize {
        self.record_bytes_max.min(TOO_LONG_KEPT)
    }

    /// What stands behind the last line break.
    fn last(&mut self) -> Next<'_> {
        let (start, length, line) = (self.start, self.end - self.start, self.lines + 1);
        if length == 0 || self.growing {
            return Next::End;
        }
        self.consume(length);
        let (bytes, breaks) = std::mem::take(&mut self.beyond);
        self.offset += bytes;
        self.lines += breaks;
        if std::mem::take(&mut self.dropping) {
            return Next::End;
        }
        let record = trim_line_break(&self.buffer[start..start + length]);
        if record.len() > self.record_bytes_max {
            return Next::TooLong { start: &record[..self.kept()], line };
        }
        Next::Record { bytes: record, line }
    }

    /// Passes `length` bytes and counts their line breaks.
    fn consume(&mut self, length: usize) {
        let breaks = memchr::memchr_iter(b'\n', &self.buffer[self.start..self.start + length]).count();
        self.advance(length, breaks as u64);
    }
    fn advance(&mut self, length: usize, breaks: u64) {
        self.lines += breaks;
        self.start += length;
        self.offset += length as u64;
        (self.searched, self.look_at) = (0, 0);
    }

    /// Reads more behind what is left.
    ///
    /// # Errors
    /// What the input says.
    pub(crate) fn fill(&mut self, wait: Duration) -> io::Result<Fill> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.dropping {
            // Only line breaks matter in a record that is dropped.
            let length = self.end - self.start;
            self.consume(length);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < READ_BYTES / 2 {
            self.buffer.resize((self.buffer.len() * 2).max(READ_BYTES), 0);
        }
        match self.input.read(&mut self.buffer[self.end..], wait) {
            Ok(None) => {
                self.look_at = 0;
                return Ok(Fill::Pending);
            }
            Ok(Some(0)) => self.at_end = true,
            Ok(Some(read)) => self.end += read,
            // A compressed file that is still being written ends early; it is read on when it has grown.
            Err(e) if self.growing && e.kind() == io::ErrorKind::UnexpectedEof => self.at_end = true,
            // What has come is looked at first.
            Err(e) if self.look_at > 0 => (self.look_at, self.failed) = (0, Some(e)),
            Err(e) => return Err(e),
        }
        Ok(Fill::Some)
    }
}

fn trim_line_break(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], record_bytes_max: usize, growing: bool) -> Vec<String> {
        let mut records =
            Records::new(Box::new(Blocking(std::io::Cursor::new(text.to_vec()))), record_bytes_max, growing);
        let mut found = Vec::new();
        loop {
            match records.next(&Lines) {
                Next::Record { bytes, line } => found.push(format!("{line}:{}", String::from_utf8_lossy(bytes))),
                Next::TooLong { line, .. } => found.push(format!("{line}:too long")),
                Next::End => return found,
                Next::More => {
                    records.fill(Duration::ZERO).unwrap();
                }
            }
        }
    }

    #[test]
    fn lines_end_with_lf_or_crlf_and_the_last_may_lack_it() {
        assert_eq!(all(b"a\r\nb\n\nc", 100, false), ["1:a", "2:b", "3:", "4:c"]);
        assert_eq!(all(b"a\nb\n", 100, false), ["1:a", "2:b"]);
        assert_eq!(all(b"", 100, false), [""; 0]);
    }

    #[test]
    fn a_growing_file_keeps_its_unfinished_line() {
        assert_eq!(all(b"a\nb", 100, true), ["1:a"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_record() {
        assert_eq!(all(b"\xEF\xBB\xBFa\n\xEF\xBB\xBFb", 100, false), ["1:a", "2:\u{feff}b"]);
        assert_eq!(all(b"\xEF\xBB\n", 100, false), ["1:\u{fffd}"]);
    }

    #[test]
    fn a_long_record_takes_little_more_memory_than_is_allowed() {
        struct Endless(usize);
        impl std::io::Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let length = into.len().min(self.0);
                into[..length].fill(b'x');
                self.0 -= length;
                Ok(length)
            }
        }
        let mut records = Records::new(Box::new(Blocking(Endless(100 << 20))), 1 << 20, false);
        let mut too_long = 0;
        loop {
            match records.next(&Lines) {
                Next::TooLong { .. } => too_long += 1,
                Next::End => break,
                Next::More => {
                    records.fill(Duration::ZERO).unwrap();
                }
                Next::Record { .. } => panic!("there is no line break"),
            }
            assert!(records.buffer.len() <= 4 << 20, "{}", records.buffer.len());
        }
        assert_eq!(too_long, 1);
    }

    #[test]
    fn long_records_are_named_and_passed_over() {
        let long = "x".repeat(3 * READ_BYTES);
        let text = format!("a\n{long}\nb\n{long}");
        assert_eq!(all(text.as_bytes(), 1000, false), ["1:a", "2:too long", "3:b", "4:too long"]);
    }

    #[test]
    fn positions_count_bytes_and_lines() {
        let mut records = Records::new(Box::new(Blocking(&b"ab\ncd\n"[..])), 10, false);
        while !matches!(records.next(&Lines), Next::Record { .. }) {
            records.fill(Duration::ZERO).unwrap();
        }
        assert_eq!(records.position(), (3, 1));
    }
}
