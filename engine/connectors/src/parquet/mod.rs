//! The `parquet` format: columnar files, read with projection and converted to the declared types.

mod convert;
mod read;
mod write;

pub(crate) use read::{ParquetReader, is_complete, row_groups};
pub(crate) use write::{ParquetFile, merge};

use parquet::basic::{Compression, ZstdLevel};

/// The words of `parquet.compression`.
pub(crate) const COMPRESSIONS: &[&str] = &["SNAPPY", "ZSTD", "GZIP", "LZ4_RAW", "UNCOMPRESSED"];

/// The compression of that word.
pub(crate) fn compression(word: Option<&str>) -> Compression {
    match word {
        Some("ZSTD") => Compression::ZSTD(ZstdLevel::default()),
        Some("GZIP") => Compression::GZIP(Default::default()),
        Some("LZ4_RAW") => Compression::LZ4_RAW,
        Some("UNCOMPRESSED") => Compression::UNCOMPRESSED,
        _ => Compression::SNAPPY,
    }
}
