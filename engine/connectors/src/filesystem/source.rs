//! Reads the files of a table in the order of their names, each from where it was left.
//!
//! ```text
//! paths::files → [a.json, b.json.gz, …] → every nth is this instance's → TextReader → batch + metadata columns
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::{Map, Value as Json, json};
use wasmill_plan::{Error, Result, SourceNode, Table};
use wasmill_runtime::source::{Source, SourceEvent};

use super::FileOptions;
use super::open::open;
use super::paths::files;
use crate::format::Format;
use crate::on_error::Rejects;
use crate::parquet::ParquetReader;
use crate::projection::{MetadataValue, Projection};
use crate::records::Records;
use crate::text_reader::{Step, TextReader};

/// How far a file has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    /// Uncompressed bytes, or rows of a Parquet file.
    offset: u64,
    /// Line breaks before.
    lines: u64,
    /// Its size when its end was reached; it is looked at again when it has another.
    size_at_end: Option<u64>,
}

/// What reads a file.
enum Reader {
    Text(TextReader),
    Parquet(ParquetReader),
}

/// A file that is being read.
struct Current {
    path: PathBuf,
    reader: Reader,
    metadata: FileMetadata,
}

/// What the metadata columns say about a file.
struct FileMetadata {
    path: String,
    name: String,
    size: u64,
    modified_ms: Option<i64>,
}

impl FileMetadata {
    fn of(path: &Path) -> Result<Self> {
        let metadata = fs::metadata(path).map_err(|e| super::paths::cannot_open(path, &e))?;
        let modified = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self {
            path: absolute.display().to_string(),
            name: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            size: metadata.len(),
            modified_ms: modified.and_then(|m| i64::try_from(m.as_millis()).ok()),
        })
    }
    fn value(&self, key: &str) -> MetadataValue {
        match key {
            "file.path" => MetadataValue::Text(self.path.clone()),
            "file.name" => MetadataValue::Text(self.name.clone()),
            "file.size" => MetadataValue::BigInt(self.size as i64),
            "file.modification-time" => self.modified_ms.map_or(MetadataValue::Null, MetadataValue::Instant),
            _ => MetadataValue::Null,
        }
    }
}

/// The source of one instance.
pub(crate) struct FileSource {
    options: FileOptions,
    table: Box<Table>,
    projection: Projection,
    rejects: Rejects,
    index: usize,
    parallelism: usize,
    /// How far each file has been read.
    places: BTreeMap<String, Place>,
    /// Files still to read, the next one last.
    waiting: Vec<PathBuf>,
    current: Option<Current>,
    /// When a followed path is looked at again.
    next_look: Option<Instant>,
    bytes_done: Arc<AtomicU64>,
    bytes_total: u64,
}

impl FileSource {
    /// Instance `index` of `parallelism`: reads every `parallelism`th file.
    ///
    /// # Errors
    /// A wrong option; a file that does not exist, unless the path is followed.
    pub(crate) fn new(node: &SourceNode, index: usize, parallelism: usize) -> Result<Self> {
        let mut source = Self {
            options: FileOptions::of(&node.table)?,
            table: node.table.clone(),
            projection: Projection::of(node),
            rejects: Rejects::new(&node.table.name, &node.table.options),
            index,
            parallelism,
            places: BTreeMap::new(),
            waiting: Vec::new(),
            current: None,
            next_look: None,
            bytes_done: Arc::default(),
            bytes_total: 0,
        };
        source.look()?;
        Ok(source)
    }

    /// Lists the files that have something to read.
    fn look(&mut self) -> Result<()> {
        let followed = self.options.monitor_interval;
        let found = match files(&self.options.path) {
            // A followed path may come to be.
            Err(Error::External { .. }) if followed.is_some() && !Path::new(&self.options.path).exists() => Vec::new(),
            Err(e) => return Err(e),
            Ok(found) if found.is_empty() && followed.is_none() && self.options.path.contains(['*', '?', '[']) => {
                return Err(Error::external(format!("no file matches '{}'", self.options.path)));
            }
            Ok(found) => found,
        };
        self.waiting.clear();
        self.bytes_total = 0;
        for path in found.into_iter().enumerate().filter(|(i, _)| i % self.parallelism == self.index).map(|(_, p)| p) {
            let size = fs::metadata(&path).map_or(0, |m| m.len());
            self.bytes_total += size;
            match self.places.get_mut(&*path.to_string_lossy()) {
                Some(place) if place.size_at_end == Some(size) => continue,
                Some(place) if place.size_at_end.is_some_and(|before| size < before) => *place = Place::default(),
                _ => {}
            }
            self.waiting.push(path);
        }
        self.waiting.reverse();
        self.next_look = followed.map(|interval| Instant::now() + interval);
        Ok(())
    }

    fn begin(&mut self, path: PathBuf) -> Result<()> {
        let metadata = FileMetadata::of(&path)?;
        let place = self.places.get(&*path.to_string_lossy()).copied().unwrap_or_default();
        let reader = match self.options.format {
            Format::Parquet(_) => Reader::Parquet(ParquetReader::open(&path, &self.projection.fields, place.offset)?),
            _ => Reader::Text(self.text_reader(&path, place)?),
        };
        self.current = Some(Current { path, reader, metadata });
        Ok(())
    }

    fn text_reader(&self, path: &Path, place: Place) -> Result<TextReader> {
        let growing = self.options.monitor_interval.is_some();
        let limit = self.options.record_bytes_max;
        let at = |place: Place| -> Result<Records> {
            let input = open(path, place.offset, self.bytes_done.clone())?;
            Ok(Records::new(input, limit, growing).starting_at(place.offset, place.lines))
        };
        let decoder = self.options.format.decoder(&self.table, &self.projection.fields);
        let fields = self.projection.fields.clone();
        let name = path.display().to_string();
        if place.offset == 0 || !decoder.expects_header() {
            return Ok(TextReader::new(name, at(place)?, decoder, fields, limit));
        }
        // The header stands at the beginning, wherever reading goes on.
        let mut reader = TextReader::new(name, at(Place::default())?, decoder, fields, limit);
        reader.read_header()?;
        Ok(reader.with_records(at(place)?))
    }

    fn save_place(&mut self, at_end: bool) {
        if let Some(current) = &self.current {
            let (offset, lines) = match &current.reader {
                Reader::Text(reader) => reader.position(),
                Reader::Parquet(reader) => reader.position(),
            };
            let size_at_end = at_end.then_some(current.metadata.size);
            self.places.insert(current.path.to_string_lossy().into_owned(), Place { offset, lines, size_at_end });
        }
    }

    /// Nothing is left for now: look again, or wait for the time to do so.
    fn idle(&mut self, wait: Duration) -> Result<Option<SourceEvent>> {
        let Some(next_look) = self.next_look else { return Ok(Some(SourceEvent::End)) };
        let left = next_look.saturating_duration_since(Instant::now());
        if left > wait {
            std::thread::sleep(wait);
            return Ok(Some(SourceEvent::Pending));
        }
        std::thread::sleep(left);
        self.look()?;
        Ok(self.waiting.is_empty().then_some(SourceEvent::Pending))
    }
}

impl Source for FileSource {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        if let Some(letters) = self.rejects.take() {
            return Ok(SourceEvent::DeadLetters(letters));
        }
        loop {
            let Some(current) = &mut self.current else {
                match self.waiting.pop() {
                    Some(path) => self.begin(path)?,
                    None => {
                        if let Some(event) = self.idle(wait)? {
                            return Ok(event);
                        }
                    }
                }
                continue;
            };
            let step = match &mut current.reader {
                Reader::Text(reader) => reader.read(&mut self.rejects, Duration::ZERO),
                Reader::Parquet(reader) => reader.read(&mut self.rejects),
            };
            match step? {
                Step::Rows { columns, rows } => {
                    let batch = self.projection.batch(columns, rows, |key| current.metadata.value(key))?;
                    self.save_place(false);
                    return Ok(SourceEvent::Rows(batch));
                }
                Step::Pending | Step::End => {}
            }
            self.save_place(true);
            self.current = None;
            if let Some(letters) = self.rejects.take() {
                return Ok(SourceEvent::DeadLetters(letters));
            }
        }
    }

    fn position(&self) -> Json {
        let mut files = Map::new();
        for (path, place) in &self.places {
            files.insert(
                path.clone(),
                json!({"offset": place.offset, "lines": place.lines, "size_at_end": place.size_at_end}),
            );
        }
        json!({"files": files, "letters": self.rejects.position()})
    }

    /// Also takes an array of positions, those of all instances before a change of parallelism.
    fn seek(&mut self, position: &Json) -> Result<()> {
        let corrupt = || Error::Corrupt { message: format!("not a position in files: {position}") };
        let positions = match position {
            Json::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        for position in positions {
            for (path, place) in position["files"].as_object().ok_or_else(corrupt)? {
                let place = Place {
                    offset: place["offset"].as_u64().ok_or_else(corrupt)?,
                    lines: place["lines"].as_u64().ok_or_else(corrupt)?,
                    size_at_end: place["size_at_end"].as_u64(),
                };
                self.places.insert(path.clone(), place);
            }
        }
        // Letters wait only in the position of the instance that read them; one instance takes over those of all.
        if positions.len() == 1 || self.index == 0 {
            positions.iter().for_each(|p| self.rejects.restore(&p["letters"]));
        }
        self.look()
    }

    fn skipped(&self) -> u64 {
        self.rejects.skipped
    }

    fn progress(&self) -> Option<(u64, u64)> {
        Some((self.bytes_done.load(Ordering::Relaxed).min(self.bytes_total), self.bytes_total))
    }
}
