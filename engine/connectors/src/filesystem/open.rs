//! Opens a file, plain or compressed, at a position of its uncompressed bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    if compression == Compression::None {
        file.seek(SeekFrom::Start(offset)).map_err(fail)?;
        bytes.fetch_add(offset, Ordering::Relaxed);
        return Ok(Box::new(Blocking(Counted { inner: file, bytes })));
    }
    file.seek(SeekFrom::Start(0)).map_err(fail)?;
    let counted = BufReader::with_capacity(64 * 1024, Counted { inner: file, bytes });
    let mut input: Box<dyn Read + Send> = match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(counted)),
        _ => Box::new(zstd::stream::read::Decoder::with_buffer(counted).map_err(fail)?),
    };
    let skipped = io::copy(&mut (&mut input).take(offset), &mut io::sink())
        .map_err(|e| crate::text_reader::input_error(&path.display().to_string(), &e))?;
    if skipped < offset {
        return Err(Error::external(format!("'{}' is shorter than when it was read before", path.display())));
    }
    Ok(Box::new(Blocking(input)))
}
