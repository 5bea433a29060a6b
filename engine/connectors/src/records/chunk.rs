//! Hands on the records of an input in large pieces, which other threads cut into records.

use std::io;
use std::time::Duration;

use super::{ByteInput, Framing, READ_BYTES, Records};

/// Records that end where the chunk ends.
pub(crate) struct Chunk {
    /// They count their lines from the chunk's beginning, their bytes from that of the input.
    pub(crate) records: Records,
    /// Line breaks between the chunk before and this one.
    pub(crate) lines_before: u64,
}

/// There is nothing behind a chunk.
struct Nothing;

impl ByteInput for Nothing {
    fn read(&mut self, _into: &mut [u8], _wait: Duration) -> io::Result<Option<usize>> {
        Ok(Some(0))
    }
}

impl Records {
    /// None.
    pub(crate) fn empty() -> Self {
        Self { at_end: true, ..Self::new(Box::new(Nothing), 0, false) }
    }

    /// The next records, about `size` bytes of them; `None` at the end. The memory of `spare` is used again.
    ///
    /// # Errors
    /// What the input says, behind the records that came before.
    pub(crate) fn chunk(
        &mut self,
        size: usize,
        framing: &impl Framing,
        mut spare: Vec<u8>,
    ) -> io::Result<Option<Chunk>> {
        debug_assert!(!self.growing, "the last record of a file that grows may not be whole");
        let lines = self.lines;
        self.pass_rest_of_record()?;
        let lines_before = self.lines - lines;
        if self.until.is_some_and(|until| self.offset >= until) {
            return Ok(None);
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let length = self.fill_chunk(size, framing)?;
        if length == 0 {
            return Ok(None);
        }
        let (begin, end) = (self.start, self.start + length);
        let rest = self.end - end;
        let room = self.buffer.len().max(size + READ_BYTES);
        if spare.len() < room {
            spare.resize(room, 0);
        }
        spare[..rest].copy_from_slice(&self.buffer[end..self.end]);
        let mut records = Self {
            buffer: std::mem::replace(&mut self.buffer, spare),
            start: begin,
            end,
            offset: self.offset,
            until: self.until,
            record_bytes_max: self.record_bytes_max,
            ..Self::empty()
        };
        (self.start, self.end) = (0, rest);
        self.offset += length as u64;
        if self.dropping {
            let behind = self.position();
            self.failed = self.pass_rest_of_record().err();
            records.beyond = (self.offset - behind.0, self.lines - behind.1);
        }
        Ok(Some(Chunk { records, lines_before }))
    }

    /// How many bytes of the buffer are not given yet.
    pub(crate) fn left(&self) -> usize {
        self.end - self.start
    }

    /// The buffer, for another chunk.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Fills the buffer and gives the length of the records that end in it; 0 at the end. A record that is too long ends with the buffer,
    /// and what is left of it is to be dropped.
    fn fill_chunk(&mut self, size: usize, framing: &impl Framing) -> io::Result<usize> {
        // What begins behind the end is not read, and if it cannot be read, that is no error.
        let mut wanted = self.until.map_or(size, |until| size.min((until - self.offset) as usize));
        loop {
            let bytes = &self.buffer[self.start..self.end];
            if self.at_end {
                return Ok(bytes.len());
            }
            if bytes.len() >= wanted {
                let length = framing.whole_records(bytes);
                if length > 0 {
                    return Ok(length);
                }
                if bytes.len() > self.record_bytes_max {
                    self.dropping = true;
                    return Ok(bytes.len());
                }
                wanted = bytes.len() * 2;
            }
            if self.buffer.len() < wanted + READ_BYTES {
                self.buffer.resize(wanted + READ_BYTES, 0);
            }
            if let Err(error) = self.fill(Duration::ZERO) {
                // Records that have come are given first.
                let length = framing.whole_records(&self.buffer[self.start..self.end]);
                self.failed = Some(error);
                return if length > 0 { Ok(length) } else { self.failed.take().map_or(Ok(0), Err) };
            }
        }
    }

    /// Passes over what is left of a record that is not given.
    fn pass_rest_of_record(&mut self) -> io::Result<()> {
        while self.dropping {
            match memchr::memchr(b'\n', &self.buffer[self.start..self.end]) {
                Some(at) => {
                    self.consume(at + 1);
                    self.dropping = false;
                }
                None if self.at_end => {
                    self.consume(self.end - self.start);
                    self.dropping = false;
                }
                None => {
                    self.fill(Duration::ZERO)?;
                }
            }
        }
        Ok(())
    }
}
