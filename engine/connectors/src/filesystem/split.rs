//! Cuts large files into parts, so that the instances of a source share one file.
//!
//! ```text
//! text:    0 ─────────── 64 MB ─────────── 128 MB ── end     a record belongs to the part that it begins in
//! Parquet: row group 0, 1 │ row group 2, 3 │ …               parts end with row groups
//! ```
//! Parts are dealt out in turn, so that the instances read near each other. Only text of which every line break ends a record
//! is cut: JSON lines, raw lines, and CSV without quotes.

use std::fs;
use std::path::{Path, PathBuf};

use wasmill_plan::Result;

use super::open::is_compressed;
use super::place::Place;
use crate::format::Format;
use crate::parquet::row_groups;

/// Most parts of one file and instance: larger files have larger parts, so that positions stay small.
const PARTS_MAX: u64 = 64;

/// A file, and where in it a part begins: bytes of a text, rows of a Parquet file.
pub(super) type PartOf = (PathBuf, u64);

/// The parts of a file, in order. One instance reads it whole.
///
/// # Errors
/// A Parquet file that cannot be read.
pub(super) fn parts(path: &Path, format: &Format, split_bytes: u64, parallelism: usize) -> Result<Vec<Place>> {
    let size = fs::metadata(path).ok().filter(fs::Metadata::is_file).map_or(0, |m| m.len());
    if parallelism == 1 || split_bytes == 0 || size <= split_bytes {
        return Ok(vec![Place::default()]);
    }
    let split_bytes = split_bytes.max(size / (PARTS_MAX * parallelism as u64));
    let mut starts = vec![0];
    if let Format::Parquet(_) = format {
        let (mut row, mut bytes) = (0, 0);
        for (rows, compressed) in row_groups(path)? {
            if bytes >= split_bytes {
                starts.push(row);
                bytes = 0;
            }
            row += rows;
            bytes += compressed;
        }
    } else if format.has_lines() && !is_compressed(path) {
        starts.extend((1..size.div_ceil(split_bytes)).map(|part| part * split_bytes));
    }
    let ends = starts.iter().skip(1).map(|&end| Some(end)).chain([None]);
    Ok(starts
        .iter()
        .zip(ends)
        .map(|(&start, until)| Place { start, until, offset: start, ..Place::default() })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::CsvOptions;

    fn cut(format: &Format, bytes: usize, split_bytes: u64, parallelism: usize) -> Vec<(u64, Option<u64>)> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, vec![b'x'; bytes]).unwrap();
        let parts = parts(&path, format, split_bytes, parallelism).unwrap();
        parts.iter().map(|p| (p.start, p.until)).collect()
    }

    #[test]
    fn only_large_files_of_plain_lines_are_cut() {
        let whole = [(0, None)];
        let csv = |quote| Format::Csv(CsvOptions { quote, ..CsvOptions::default() });
        assert_eq!(cut(&Format::Raw, 100, 40, 3), [(0, Some(40)), (40, Some(80)), (80, None)]);
        assert_eq!(cut(&csv(None), 80, 40, 2), [(0, Some(40)), (40, None)]);
        assert_eq!(cut(&csv(Some(b'"')), 100, 40, 3), whole);
        assert_eq!(cut(&Format::Raw, 40, 40, 3), whole);
        assert_eq!(cut(&Format::Raw, 100, 40, 1), whole);
        assert_eq!(cut(&Format::Raw, 1_000, 0, 3), whole);
        assert_eq!(cut(&Format::Raw, 0, 40, 3), whole);
        assert!(cut(&Format::Raw, 1_000_000, 1, 2).len() <= 129);
    }
}
