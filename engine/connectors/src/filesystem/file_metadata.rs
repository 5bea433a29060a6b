//! What the metadata columns say about a file.

use std::fs::Metadata;
use std::path::Path;

use super::place::End;
use crate::projection::MetadataValue;

/// The values of one file.
pub(super) struct FileMetadata {
    path: String,
    name: String,
    /// Its size and time when it was opened.
    pub(super) end: End,
}

impl FileMetadata {
    pub(super) fn of(path: &Path, metadata: &Metadata) -> Self {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            path: absolute.display().to_string(),
            name: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            end: End::of(metadata),
        }
    }
    pub(super) fn value(&self, key: &str) -> MetadataValue {
        match key {
            "file.path" => MetadataValue::Text(self.path.clone()),
            "file.name" => MetadataValue::Text(self.name.clone()),
            "file.size" => MetadataValue::BigInt(self.end.size as i64),
            "file.modification-time" => match self.end.modified_ns {
                0 => MetadataValue::Null,
                ns => MetadataValue::Instant((ns / 1_000_000) as i64),
            },
            _ => MetadataValue::Null,
        }
    }
}
