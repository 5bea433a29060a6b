//! Opens a file, plain or compressed, at a position of its uncompressed bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use wasmill_plan::{Error, Result};

use super::paths::cannot_open;
use crate::records::{Blocking, ByteInput};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By the suffix of a name.
    pub(crate) fn of_name(name: &str) -> Self {
        if name.ends_with(".gz") || name.ends_with(".gzip") {
            Self::Gzip
        } else if name.ends_with(".zst") || name.ends_with(".zstd") {
            Self::Zstd
        } else {
            Self::None
        }
    }
    /// By the first bytes of a file.
    fn of_magic(bytes: &[u8]) -> Self {
        match bytes {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Whether the bytes of a file are compressed; a file that cannot be read is not.
pub(crate) fn is_compressed(path: &Path) -> bool {
    // A pipe must not be looked at: what is read of it is gone.
    if !std::fs::metadata(path).is_ok_and(|m| m.is_file()) {
        return false;
    }
    let mut magic = Vec::with_capacity(4);
    let read = File::open(path).and_then(|file| file.take(4).read_to_end(&mut magic));
    read.is_ok() && Compression::of_magic(&magic) != Compression::None
}

/// Counts what is read of the file, for progress.
struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens `path` behind the first `offset` uncompressed bytes; what is read of the file is added to `bytes`.
///
/// # Errors
/// A file that is missing, cannot be read, is shorter than `offset`, or is not compressed as its name says.
pub(crate) fn open(path: &Path, offset: u64, bytes: Arc<AtomicU64>) -> Result<Box<dyn ByteInput>> {
    let mut file = File::open(path).map_err(|e| cannot_open(path, &e))?;
    let fail = |e: io::Error| Error::external(format!("cannot read '{}': {e}", path.display()));
    let mut magic = Vec::with_capacity(4);
    (&mut file).take(4).read_to_end(&mut magic).map_err(fail)?;
    let compression = Compression::of_magic(&magic);
    let named = Compression::of_name(&path.to_string_lossy());
    if named != Compression::None && compression == Compression::None && !magic.is_empty() {
        let message = format!("'{}' is not compressed as its name says", path.display());
        return Err(Error::Data { message, place: Some(path.display().to_string()) });
    }
    let is_stream = file.metadata().is_ok_and(|m| !m.is_file());
    if is_stream {
        // A pipe cannot be read again: what was looked at comes first.
        if offset > 0 {
            let message = format!("'{}' is a stream, which cannot be read again", path.display());
            return Err(Error::external(message));
        }
        let input = io::Cursor::new(magic).chain(file);
        return decompressed(compression, Counted { inner: input, bytes }).map_err(fail);
    }
    if compression == Compression::None {
        file.seek(SeekFrom::Start(offset)).map_err(fail)?;
        bytes.fetch_add(offset, Ordering::Relaxed);
        return Ok(Box::new(Blocking(Counted { inner: file, bytes })));
    }
    file.seek(SeekFrom::Start(0)).map_err(fail)?;
    let mut input = decompressed(compression, Counted { inner: file, bytes }).map_err(fail)?;
    skip(&mut *input, offset, path)?;
    Ok(input)
}

fn decompressed(compression: Compression, file: impl Read + Send + 'static) -> io::Result<Box<dyn ByteInput>> {
    let buffered = BufReader::with_capacity(64 * 1024, file);
    Ok(match compression {
        Compression::None => Box::new(Blocking(buffered)),
        Compression::Gzip => Box::new(Blocking(MultiGzDecoder::new(buffered))),
        Compression::Zstd => Box::new(Blocking(zstd::stream::read::Decoder::with_buffer(buffered)?)),
    })
}

/// Reads `bytes` bytes and forgets them.
fn skip(input: &mut dyn ByteInput, bytes: u64, path: &Path) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let most = left.min(buffer.len() as u64) as usize;
        let read = input.read(&mut buffer[..most], Duration::ZERO);
        match read.map_err(|e| crate::text_reader::input_error(&path.display().to_string(), &e))? {
            Some(0) => {
                return Err(Error::external(format!("'{}' is shorter than when it was read before", path.display())));
            }
            read => left -= read.unwrap_or_default() as u64,
        }
    }
    Ok(())
}
