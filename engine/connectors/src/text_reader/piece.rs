//! Decodes records into pieces: columns of rows, and what was rejected among them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use wasmill_plan::{Field, Result};
use wasmill_runtime::source::MAX_BATCH_ROWS;

use super::Decoded;
use crate::column::ColumnBuilder;
use crate::format::TextDecoder;
use crate::records::{Fill, Next, Records};

/// A piece ends behind this many bytes of input, so that wide rows do not fill the memory.
const PIECE_BYTES: u64 = 16 << 20;

/// A record that is not decoded.
pub(super) struct Reject {
    pub(super) reason: String,
    /// The line it begins in, from 1.
    pub(super) line: u64,
    pub(super) raw: Vec<u8>,
    /// Rows of the piece before it.
    pub(super) rows: usize,
    /// Bytes and lines before it.
    pub(super) before: (u64, u64),
}

/// Why a piece ends.
pub(super) enum Ended {
    /// It is large enough.
    Full,
    /// Nothing more came in time.
    Pending,
    /// Nothing is left.
    End,
    /// The input cannot be read.
    Failed(io::Error),
}

/// Rows that follow each other.
pub(super) struct Piece {
    pub(super) columns: Vec<ArrayRef>,
    pub(super) rows: usize,
    pub(super) rejects: Vec<Reject>,
    /// Records that an option of the format says to leave out.
    pub(super) skipped: u64,
    /// Bytes and lines before what comes next.
    pub(super) position: (u64, u64),
    pub(super) ended: Ended,
}

impl Piece {
    /// Nothing but how it ends.
    pub(super) fn empty(position: (u64, u64), ended: Ended) -> Self {
        Self { columns: Vec::new(), rows: 0, rejects: Vec::new(), skipped: 0, position, ended }
    }
}

/// Records and what decodes them.
pub(super) struct Decoding {
    pub(super) records: Records,
    pub(super) decoder: TextDecoder,
    fields: Arc<[Field]>,
    columns: Vec<ColumnBuilder>,
    pub(super) record_bytes_max: usize,
}

impl Decoding {
    /// `fields` are the columns that `decoder` fills.
    pub(super) fn new(records: Records, decoder: TextDecoder, fields: Arc<[Field]>, record_bytes_max: usize) -> Self {
        let columns = fields.iter().map(|f| ColumnBuilder::new(&f.data_type.kind)).collect();
        Self { records, decoder, fields, columns, record_bytes_max }
    }

    /// The same for other records.
    pub(super) fn of(&self, records: Records) -> Self {
        Self::new(records, self.decoder.clone(), self.fields.clone(), self.record_bytes_max)
    }

    /// The next piece. Blocks at most `wait`, and only where there is no row yet.
    ///
    /// # Errors
    /// Columns that cannot be made.
    pub(super) fn next(&mut self, wait: Duration) -> Result<Piece> {
        let begin = self.records.position().0;
        let (mut rows, mut rejects, mut skipped) = (0, Vec::new(), 0);
        let ended = loop {
            let before = self.records.position();
            let much = before.0 - begin > PIECE_BYTES && !self.records.is_inside();
            if rows >= MAX_BATCH_ROWS || much || rejects.len() >= MAX_BATCH_ROWS {
                break Ended::Full;
            }
            let (reason, line, raw) = match self.records.next(&self.decoder) {
                Next::Record { bytes, line } => match self.decoder.decode(bytes, &mut self.columns, rows) {
                    Ok(Decoded::Rows(added)) => {
                        rows += added;
                        continue;
                    }
                    Ok(Decoded::Nothing) => continue,
                    Ok(Decoded::Skipped) => {
                        skipped += 1;
                        continue;
                    }
                    Err(reason) => (reason, line, bytes),
                },
                Next::TooLong { start, line } => (too_long(self.record_bytes_max), line, start),
                Next::End => break Ended::End,
                Next::More => match self.records.fill(if rows > 0 { Duration::ZERO } else { wait }) {
                    Ok(Fill::Some) => continue,
                    Ok(Fill::Pending) => break Ended::Pending,
                    Err(error) => break Ended::Failed(error),
                },
            };
            rejects.push(Reject { reason, line, raw: raw.to_vec(), rows, before });
        };
        let columns = self.columns.iter_mut().zip(&*self.fields).map(|(c, f)| c.finish(&f.data_type.kind));
        let columns = if rows > 0 { columns.collect::<Result<_>>()? } else { Vec::new() };
        Ok(Piece { columns, rows, rejects, skipped, position: self.records.position(), ended })
    }
}

pub(super) fn too_long(limit: usize) -> String {
    format!("the record is longer than {limit} bytes ('record.max-size')")
}
