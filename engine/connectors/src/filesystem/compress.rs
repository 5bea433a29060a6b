//! Writes a file, compressed or not.

use std::fs::File;
use std::io::{self, Write};

use flate2::write::GzEncoder;

use super::open::Compression;

/// A file that text is written to.
pub(crate) enum TextFile {
    Plain(File),
    Gzip(GzEncoder<File>),
    Zstd(zstd::Encoder<'static, File>),
}

impl TextFile {
    /// Writes to `file`.
    ///
    /// # Errors
    /// A failure to begin.
    pub(crate) fn new(file: File, compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::Plain(file),
            Compression::Gzip => Self::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Compression::Zstd => Self::Zstd(zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        })
    }
    /// Appends bytes.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Gzip(encoder) => encoder.write_all(bytes),
            Self::Zstd(encoder) => encoder.write_all(bytes),
        }
    }
    /// Ends the compressed data and makes the file durable.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn close(self) -> io::Result<()> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        file.sync_all()
    }
}
