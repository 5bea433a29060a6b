//! Decodes on several threads, ahead of who reads, and gives what one thread would have given, in the same order.
//!
//! ```text
//! whoever is free, one at a time:  input → chunk of whole records, its number in the order
//! each on its own:                 chunk → pieces
//! the reader:                      pieces of chunk 0, 1, 2, …
//! ```

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use wasmill_plan::{Error, Result};

use super::piece::{Decoding, Ended, Piece};
use crate::format::TextDecoder;
use crate::records::{Chunk, Records};

/// The first chunk's size, so that the first rows come soon; each one is twice as large as the one before.
const FIRST_BYTES: usize = 256 << 10;

/// So many chunks a thread may wait to be read, so that no thread stands still while another has the processor. A chunk of long records counts
/// as as many as it is larger than others.
const CHUNKS_PER_THREAD: usize = 8;

/// What becomes of a chunk.
struct Work {
    lines_before: u64,
    /// As how many it counts.
    permits: usize,
    pieces: Receiver<Result<Vec<Piece>>>,
}

/// Pieces that other threads decode. They end when it is dropped.
pub(super) struct Ahead {
    /// None once the end was given.
    order: Option<Order>,
    /// Of the chunk that is being given.
    pieces: std::vec::IntoIter<Piece>,
    /// As how many it counts.
    permits: usize,
    /// Lines before that chunk.
    lines: u64,
    position: (u64, u64),
    threads: Vec<JoinHandle<()>>,
}

/// The chunks in their order, and where permits are given back.
struct Order {
    chunks: Receiver<Work>,
    permits: Sender<()>,
}

/// Cuts the input into chunks.
struct Splitter {
    records: Records,
    framing: TextDecoder,
    size: usize,
    size_max: usize,
    /// A message for each chunk that may still wait to be read; there are so many in all.
    permits: Receiver<()>,
    permits_max: usize,
    /// None once the last chunk was handed out.
    order: Option<Sender<Work>>,
}

impl Ahead {
    /// Decodes on `threads` threads in chunks of up to `size_max` bytes.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn start(decoding: Decoding, threads: usize, size_max: usize) -> Result<Self> {
        let (sender, chunks) = unbounded();
        let permits_max = CHUNKS_PER_THREAD * threads;
        let (free, permits) = bounded(permits_max);
        (0..permits_max).for_each(|_| free.send(()).expect("both ends are here"));
        let position = decoding.records.position();
        let decodings: Vec<_> = (0..threads).map(|_| decoding.of(Records::empty())).collect();
        let Decoding { records, decoder: framing, .. } = decoding;
        let size = FIRST_BYTES.min(size_max);
        let order = Some(sender);
        let splitter = Splitter { records, framing, size, size_max, permits, permits_max, order };
        let splitter = Arc::new(Mutex::new(splitter));
        // Should one not start, those before it end with what they wait for.
        let start = |decoding| {
            let splitter = splitter.clone();
            let thread = thread::Builder::new().name("decode".into());
            thread.spawn(move || decode(&splitter, decoding)).map_err(|e| Error::external(format!("no thread: {e}")))
        };
        let threads = decodings.into_iter().map(start).collect::<Result<_>>()?;
        let pieces = Vec::new().into_iter();
        let order = Some(Order { chunks, permits: free });
        Ok(Self { order, pieces, permits: 0, lines: position.1, position, threads })
    }

    /// The next piece; waits for it.
    ///
    /// # Errors
    /// Columns that cannot be made.
    pub(super) fn next(&mut self) -> Result<Piece> {
        loop {
            let Some(order) = &self.order else { return Ok(Piece::empty(self.position, Ended::End)) };
            if let Some(piece) = self.pieces.next() {
                let is_last = self.pieces.len() == 0;
                let mut piece = self.placed(piece);
                if matches!(piece.ended, Ended::Failed(_)) {
                    self.order = None;
                } else if is_last {
                    self.lines = piece.position.1;
                    piece.ended = Ended::Full;
                    if piece.rows == 0 && piece.rejects.is_empty() && piece.skipped == 0 {
                        continue;
                    }
                }
                return Ok(piece);
            }
            for _ in 0..std::mem::take(&mut self.permits) {
                // No thread may be left.
                let _ = order.permits.send(());
            }
            // Without the last message a thread has panicked, and has said why.
            let work = order.chunks.recv().expect("a decoding thread lives");
            self.lines += work.lines_before;
            self.permits = work.permits;
            let pieces = work.pieces.recv().expect("a decoding thread lives")?;
            if pieces.is_empty() {
                self.order = None;
            }
            self.pieces = pieces.into_iter();
        }
    }

    /// A piece with the lines of the input.
    fn placed(&mut self, mut piece: Piece) -> Piece {
        piece.position.1 += self.lines;
        for reject in &mut piece.rejects {
            reject.line += self.lines;
            reject.before.1 += self.lines;
        }
        self.position = piece.position;
        piece
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.order = None;
        for thread in self.threads.drain(..) {
            // A panic was told by who waited for the thread.
            let _ = thread.join();
        }
    }
}

impl Splitter {
    /// The next chunk, and whom its pieces go to; `None` where there is no more, or nobody reads.
    fn next(&mut self, spare: Vec<u8>) -> Option<(Chunk, Sender<Result<Vec<Piece>>>)> {
        let order = self.order.as_ref()?;
        let (sender, pieces) = bounded(1);
        let chunk = self.records.chunk(self.size, &self.framing, spare);
        self.size = (self.size * 2).min(self.size_max);
        let last = match chunk {
            Ok(Some(chunk)) => {
                let permits = (chunk.records.left() / self.size_max).clamp(1, self.permits_max);
                for _ in 0..permits {
                    self.permits.recv().ok()?;
                }
                order.send(Work { lines_before: chunk.lines_before, permits, pieces }).ok()?;
                return Some((chunk, sender));
            }
            Ok(None) => Vec::new(),
            Err(error) => vec![Piece::empty((self.records.position().0, 0), Ended::Failed(error))],
        };
        // Who reads may have gone.
        let _ = sender.send(Ok(last));
        let _ = order.send(Work { lines_before: 0, permits: 0, pieces });
        self.order = None;
        None
    }
}

/// Decodes chunks until there are no more.
fn decode(splitter: &Mutex<Splitter>, mut decoding: Decoding) {
    loop {
        let spare = std::mem::replace(&mut decoding.records, Records::empty()).into_buffer();
        // A thread that panicked while it had the input leaves nothing to go on with.
        let Ok(next) = splitter.lock().map(|mut splitter| splitter.next(spare)) else { return };
        let Some((chunk, sender)) = next else { return };
        decoding.records = chunk.records;
        // Who reads may have gone.
        let _ = sender.send(decoding.rest());
    }
}

impl Decoding {
    /// All pieces up to the end.
    fn rest(&mut self) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        loop {
            let piece = self.next(Duration::ZERO)?;
            let is_last = !matches!(piece.ended, Ended::Full);
            pieces.push(piece);
            if is_last {
                return Ok(pieces);
            }
        }
    }
}

#[cfg(test)]
#[path = "ahead_tests.rs"]
mod tests;
