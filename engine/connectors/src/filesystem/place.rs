//! How far a file, or a part of one, has been read, and whether it is still the file that was read.
//!
//! ```text
//! plain file:      [ … given … | 1 KiB before the offset ] offset → still to read
//! compressed file: [ first 1 KiB ] …
//! ```
//! The mark is a hash of the 1 KiB shown: a file that was replaced or truncated and written again has another one.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde_json::{Value as Json, json};
use wasmill_plan::{Error, Result};

/// Bytes that the mark covers.
const MARK_BYTES: u64 = 1024;

/// How far a part of a file has been read; most files are one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the part begins: uncompressed bytes, or rows of a Parquet file.
    pub(super) start: u64,
    /// Where it ends, if not with the file: records that begin before it belong to the part.
    pub(super) until: Option<u64>,
    /// How far it has been read; `start`: not at all.
    pub(super) offset: u64,
    /// Line breaks between.
    pub(super) lines: u64,
    /// Rows behind the offset that were given already.
    pub(super) given: u64,
    /// Where its end was reached.
    pub(super) end: Option<End>,
    /// Hash of some bytes that were read.
    pub(super) mark: Option<Mark>,
}

/// A file as it was when its end was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) size: u64,
    pub(super) modified_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    from: u64,
    to: u64,
    hash: u64,
    /// The file's number in its file system.
    inode: u64,
}

/// What has become of a file that was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing has changed since its end was reached.
    Read,
    /// It goes on behind the place.
    Continues,
    /// It is another file now.
    Replaced,
}

impl Place {
    /// Remembers what the file looks like; `is_raw` says that offsets count its bytes.
    pub(super) fn mark(&mut self, path: &Path, is_raw: bool) {
        // Opening a pipe may wait for ever, and it has no bytes to come back to.
        let is_file = std::fs::metadata(path).is_ok_and(|m| m.is_file());
        self.mark = is_file.then(|| Mark::of(path, if is_raw { Some(self.offset) } else { None }).ok()).flatten();
    }

    /// Compares a file with the place; `is_raw` is asked only where the file has changed.
    pub(super) fn fate(&self, path: &Path, metadata: &Metadata, is_raw: impl Fn() -> bool) -> Fate {
        let now = End::of(metadata);
        if self.end == Some(now) {
            return Fate::Read;
        }
        let is_cut_off = self.start.max(self.until.unwrap_or(0)) > now.size;
        if is_cut_off && is_raw() {
            return Fate::Replaced;
        }
        if !self.is_begun() && self.mark.is_none_or(|mark| mark.holds(path)) {
            return Fate::Continues;
        }
        let shorter = self.end.is_some_and(|end| now.size < end.size) || now.size < self.offset && is_raw();
        match self.mark {
            _ if shorter => Fate::Replaced,
            Some(mark) if !mark.holds(path) => Fate::Replaced,
            _ if self.end.is_some_and(|end| now.size == end.size) => Fate::Read,
            _ => Fate::Continues,
        }
    }

    /// Whether something of the part has been read.
    pub(super) fn is_begun(&self) -> bool {
        self.offset > self.start || self.given > 0
    }

    /// Whether the file at `path` is the one of this place under another name.
    pub(super) fn is_renamed(&self, path: &Path, metadata: &Metadata) -> bool {
        self.mark.is_some_and(|mark| mark.inode == inode(metadata) && mark.holds(path))
    }

    pub(super) fn to_json(self) -> Json {
        json!({
            "start": self.start,
            "until": self.until,
            "offset": self.offset,
            "lines": self.lines,
            "given": self.given,
            "end": self.end.map(|e| json!([e.size, e.modified_ns])),
            "mark": self.mark.map(|m| json!([m.from, m.to, m.hash, m.inode])),
        })
    }

    /// # Errors
    /// `Error::Corrupt` where it is none.
    pub(super) fn from_json(json: &Json) -> Result<Self> {
        let number = |json: &Json| {
            json.as_u64().ok_or_else(|| Error::Corrupt { message: format!("not a position in a file: {json}") })
        };
        let numbers = |json: &Json| json.as_array().into_iter().flatten().map(number).collect::<Result<Vec<u64>>>();
        Ok(Self {
            start: number(&json["start"])?,
            until: if json["until"].is_null() { None } else { Some(number(&json["until"])?) },
            offset: number(&json["offset"])?,
            lines: number(&json["lines"])?,
            given: number(&json["given"])?,
            end: match numbers(&json["end"])?[..] {
                [size, modified_ns] => Some(End { size, modified_ns }),
                _ => None,
            },
            mark: match numbers(&json["mark"])?[..] {
                [from, to, hash, inode] => Some(Mark { from, to, hash, inode }),
                _ => None,
            },
        })
    }
}

impl End {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        Self { size: metadata.len(), modified_ns: modified.map_or(0, |d| d.as_nanos() as u64) }
    }
}

impl Mark {
    /// The mark in front of byte `offset`, or of the beginning.
    fn of(path: &Path, offset: Option<u64>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let to = offset.unwrap_or(MARK_BYTES).min(metadata.len());
        let from = to.saturating_sub(MARK_BYTES);
        Ok(Self { from, to, hash: hash_of(&mut file, from, to)?, inode: inode(&metadata) })
    }
    fn holds(&self, path: &Path) -> bool {
        File::open(path).and_then(|mut file| hash_of(&mut file, self.from, self.to)).is_ok_and(|hash| hash == self.hash)
    }
}

fn hash_of(file: &mut File, from: u64, to: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = vec![0; (to - from) as usize];
    file.read_exact(&mut bytes)?;
    Ok(hash(&bytes))
}

/// FNV-1a, which is the same on every machine and in every version.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read_to(path: &Path, offset: u64) -> Place {
        let mut place = Place { offset, end: Some(End::of(&fs::metadata(path).unwrap())), ..Place::default() };
        place.mark(path, true);
        place
    }

    fn fate(place: &Place, path: &Path) -> Fate {
        place.fate(path, &fs::metadata(path).unwrap(), || true)
    }

    #[test]
    fn a_file_that_grew_goes_on_and_one_that_was_replaced_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "one\ntwo\n").unwrap();
        let place = read_to(&path, 8);
        assert_eq!(fate(&place, &path), Fate::Read);
        fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(fate(&place, &path), Fate::Continues);
        fs::write(&path, "other, and longer\n").unwrap();
        assert_eq!(fate(&place, &path), Fate::Replaced);
        fs::write(&path, "one\n").unwrap();
        assert_eq!(fate(&place, &path), Fate::Replaced);
        assert_eq!(fate(&Place::default(), &path), Fate::Continues);
    }

    #[test]
    fn a_part_that_was_not_begun_is_of_a_file_that_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let place = Place { start: 8, until: Some(16), offset: 8, ..Place::default() };
        fs::write(&path, vec![b'x'; 16]).unwrap();
        assert_eq!(fate(&place, &path), Fate::Continues);
        fs::write(&path, vec![b'x'; 15]).unwrap();
        assert_eq!(fate(&place, &path), Fate::Replaced);
    }

    #[test]
    fn a_renamed_file_is_known_by_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let (path, renamed) = (dir.path().join("a"), dir.path().join("a.1"));
        fs::write(&path, "one\ntwo\n").unwrap();
        let place = read_to(&path, 8);
        fs::rename(&path, &renamed).unwrap();
        assert!(place.is_renamed(&renamed, &fs::metadata(&renamed).unwrap()));
        fs::write(&path, "one\ntwo\n").unwrap();
        assert!(!place.is_renamed(&path, &fs::metadata(&path).unwrap()), "a copy is another file");
    }

    #[test]
    fn places_survive_json() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, vec![7; 5000]).unwrap();
        let place = Place { start: 7, until: Some(4500), lines: 3, given: 2, ..read_to(&path, 4000) };
        assert_eq!(Place::from_json(&place.to_json()).unwrap(), place);
        assert_eq!(Place::from_json(&Place::default().to_json()).unwrap(), Place::default());
        assert!(Place::from_json(&json!({"offset": "x"})).is_err());
    }
}
