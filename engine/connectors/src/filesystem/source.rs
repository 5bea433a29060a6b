//! Reads the files of a table in the order of their names, each from where it was left.
//!
//! ```text
//! read once: paths::files → split::parts → [a, b from 0, b from 64 MB, …] → every nth is this instance's ┐
//! followed:  paths::files, again and again                                → by the hash of their paths    ┴→ TextReader
//! ```
//! A position holds the place in every part of a file of the instance, so that instances of another number can share them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};
use wasmill_plan::{Error, Result, SourceNode, Table};
use wasmill_runtime::source::{Source, SourceEvent};

use super::FileOptions;
use super::file_metadata::FileMetadata;
use super::open::{is_compressed, open};
use super::paths::{cannot_open, files};
use super::place::{Fate, Place, hash};
use super::split::{PartOf, parts};
use crate::format::Format;
use crate::on_error::Rejects;
use crate::parquet::{ParquetReader, is_complete};
use crate::projection::Projection;
use crate::records::Records;
use crate::text_reader::{CHUNK_BYTES, Step, TextReader};

/// Smaller files are decoded by the task's own thread.
const DECODED_AHEAD_BYTES: u64 = 256 << 10;

/// More threads than these decode faster than one task takes the rows.
const DECODE_THREADS_MAX: usize = 4;

/// What reads a file.
enum Reader {
    Text(TextReader),
    Parquet(ParquetReader),
}

impl Reader {
    fn position(&self) -> (u64, u64) {
        match self {
            Self::Text(reader) => reader.position(),
            Self::Parquet(reader) => reader.position(),
        }
    }
}

/// A part of a file that is being read.
struct Current {
    part: PartOf,
    reader: Reader,
    metadata: FileMetadata,
    /// Rows still to be left out, because they were given before.
    skip: usize,
}

/// The source of one instance.
pub(crate) struct FileSource {
    options: FileOptions,
    table: Box<Table>,
    projection: Projection,
    rejects: Rejects,
    index: usize,
    parallelism: usize,
    /// How far each part of a file that is this instance's has been read.
    places: BTreeMap<PartOf, Place>,
    /// Parts still to read, the next one last.
    waiting: Vec<PartOf>,
    current: Option<Current>,
    /// The part that the last rows came from, and its place before them.
    last: Option<(PartOf, Place)>,
    /// When a followed path is looked at again.
    next_look: Option<Instant>,
    bytes_done: Arc<AtomicU64>,
    bytes_total: u64,
}

impl FileSource {
    /// Instance `index` of `parallelism`.
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
            last: None,
            next_look: None,
            bytes_done: Arc::default(),
            bytes_total: 0,
        };
        if source.is_followed() {
            source.look()?;
        } else {
            let found = files(&source.options.path)?;
            if found.is_empty() && source.options.path.contains(['*', '?', '[']) {
                return Err(Error::external(format!("no file matches '{}'", source.options.path)));
            }
            source.cut(found)?;
            source.wait_for_all();
        }
        Ok(source)
    }

    /// Takes every nth part of those files.
    fn cut(&mut self, files: Vec<PathBuf>) -> Result<()> {
        let mut number = 0;
        for path in files {
            let parts = parts(&path, &self.options.format, self.options.split_bytes, self.parallelism)?;
            let is_cut = parts.len() > 1;
            for mut place in parts {
                number += 1;
                if (number - 1) % self.parallelism != self.index {
                    continue;
                }
                if is_cut {
                    place.mark(&path, self.is_raw(&path));
                }
                self.places.insert((path.clone(), place.start), place);
            }
        }
        Ok(())
    }

    fn is_followed(&self) -> bool {
        self.options.monitor_interval.is_some()
    }

    /// Whether places in the file count its own bytes.
    fn is_raw(&self, path: &Path) -> bool {
        !matches!(self.options.format, Format::Parquet(_)) && !is_compressed(path)
    }

    /// All parts of the instance that are not at their end wait to be read.
    fn wait_for_all(&mut self) {
        let size = |((path, _), place): (&PartOf, &Place)| {
            let size = fs::metadata(path).map_or(0, |m| m.len());
            let is_cut = place.start > 0 || place.until.is_some();
            if is_cut && self.is_raw(path) {
                place.until.unwrap_or(size).min(size).saturating_sub(place.start)
            } else {
                size
            }
        };
        self.bytes_total = self.places.iter().map(size).sum();
        let open = self.places.iter().filter(|(_, place)| place.end.is_none());
        self.waiting = open.map(|(part, _)| part.clone()).rev().collect();
    }

    /// Lists the followed files that have something to read.
    fn look(&mut self) -> Result<()> {
        let found = match files(&self.options.path) {
            // A followed path may come to be.
            Err(Error::External { .. }) if !Path::new(&self.options.path).exists() => Vec::new(),
            Err(e) => return Err(e),
            Ok(found) => found,
        };
        self.waiting.clear();
        self.bytes_total = 0;
        let before = self.places.clone();
        let mut present = BTreeSet::new();
        for path in found {
            if hash(path.as_os_str().as_encoded_bytes()) % self.parallelism as u64 != self.index as u64 {
                continue;
            }
            // A file that went away since it was listed is none.
            let Ok(metadata) = fs::metadata(&path) else { continue };
            self.bytes_total += metadata.len();
            let part = (path.clone(), 0);
            present.insert(part.clone());
            let is_raw = || self.is_raw(&path);
            let fate = self.places.get(&part).map(|place| place.fate(&path, &metadata, is_raw));
            if matches!(fate, None | Some(Fate::Replaced)) {
                let place =
                    before.values().find(|place| place.is_renamed(&path, &metadata)).copied().unwrap_or_default();
                self.places.insert(part.clone(), place);
                if place.fate(&path, &metadata, || self.is_raw(&path)) == Fate::Read {
                    continue;
                }
            }
            if fate != Some(Fate::Read) {
                self.waiting.push(part);
            }
        }
        self.waiting.reverse();
        // A file that is gone may come back under another name only in the look that misses it.
        self.places.retain(|part, _| present.contains(part));
        self.next_look = self.options.monitor_interval.map(|interval| Instant::now() + interval);
        Ok(())
    }

    /// Opens a part; `false` where it is not to be read now.
    fn begin(&mut self, part: PartOf) -> Result<bool> {
        let path = &part.0;
        let metadata = match fs::metadata(path) {
            // A followed file that went away since it was listed.
            Err(e) if self.is_followed() && e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            metadata => metadata.map_err(|e| cannot_open(path, &e))?,
        };
        let place = self.places.get(&part).copied().unwrap_or_default();
        let is_parquet = matches!(self.options.format, Format::Parquet(_));
        if self.is_followed() && is_parquet && !is_complete(path) {
            // It is still being written.
            return Ok(false);
        }
        if !self.is_followed() && place.fate(path, &metadata, || self.is_raw(path)) == Fate::Replaced {
            return Err(Error::external(format!(
                "'{}' is not as it was when it was read before, so the job cannot continue where it stopped",
                path.display()
            )));
        }
        let reader = if is_parquet {
            Reader::Parquet(ParquetReader::open(path, &self.projection.fields, place.offset, place.until)?)
        } else {
            Reader::Text(self.text_reader(path, place)?)
        };
        let skip = place.given as usize;
        self.current = Some(Current { metadata: FileMetadata::of(path, &metadata), part, reader, skip });
        Ok(true)
    }

    fn text_reader(&self, path: &Path, place: Place) -> Result<TextReader> {
        let limit = self.options.record_bytes_max;
        let at = |place: Place| -> Result<Records> {
            // Whether a record begins at the part's first byte is told by the one before.
            let is_inside = place.start > 0 && place.offset == place.start;
            let from = if is_inside { place.offset - 1 } else { place.offset };
            let input = open(path, from, self.bytes_done.clone())?;
            self.bytes_done.fetch_sub(place.start.min(from), Ordering::Relaxed);
            let records = Records::new(input, limit, self.is_followed()).starting_at(from, place.lines);
            let records = records.ending_at(place.until);
            Ok(if is_inside { records.behind_line_break() } else { records })
        };
        // A part counts its lines from where it begins to read.
        let behind = |reader: TextReader| if place.start > 0 { reader.behind(path, place.start - 1) } else { reader };
        let fields = &self.projection.fields;
        let decoder = self.options.format.decoder(&self.table, fields);
        let name = path.display().to_string();
        let reader = if place.offset == 0 || !decoder.expects_header() {
            TextReader::new(name, at(place)?, decoder, fields, limit)
        } else {
            // The header stands at the beginning, wherever reading goes on.
            let mut reader = TextReader::new(name, at(Place::default())?, decoder, fields, limit);
            reader.read_header(Duration::ZERO)?;
            reader.with_records(at(place)?)
        };
        behind(reader).ahead(self.decode_threads(path), CHUNK_BYTES)
    }

    /// How many threads decode a file of text beside the task's own.
    fn decode_threads(&self, path: &Path) -> usize {
        // A pipe gives rows as they come, a followed file those that are whole.
        let is_large = || fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() >= DECODED_AHEAD_BYTES);
        if self.is_followed() || !is_large() {
            return 0;
        }
        self.options.decode_threads.unwrap_or_else(|| {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            if processors <= self.parallelism { 0 } else { (processors / self.parallelism).min(DECODE_THREADS_MAX) }
        })
    }

    /// The place behind the rows of the current file that were given.
    fn save_place(&mut self, at_end: bool) {
        let Some(current) = &self.current else { return };
        let (offset, lines) = current.reader.position();
        let path = &current.part.0;
        let before = self.places.get(&current.part).copied().unwrap_or_default();
        let (start, until) = (before.start, before.until);
        let mut place = Place { start, until, offset, lines, given: current.skip as u64, end: None, mark: None };
        if at_end {
            place.end = Some(current.metadata.end);
            place.mark(path, self.is_raw(path));
        }
        self.places.insert(current.part.clone(), place);
        if !at_end {
            self.last = Some((current.part.clone(), before));
        }
    }

    /// The position before the last rows given, with the first `given` of them left out when it is continued. Dead letters
    /// that came with these rows come again.
    pub(crate) fn position_within(&self, given: usize) -> Json {
        match &self.last {
            Some((part, before)) => {
                let place = Place { given: before.given + given as u64, ..*before };
                json!({"files": self.files(Some((part, place))), "letters": []})
            }
            None => self.position(),
        }
    }

    /// By path, the places of its parts.
    fn files(&self, other: Option<(&PartOf, Place)>) -> Json {
        let mut files: Map<String, Json> = Map::new();
        for (part, place) in &self.places {
            let (mut place, path) = (*place, &part.0);
            if let Some((_, changed)) = other.filter(|(p, _)| *p == part) {
                place = changed;
            }
            if place.end.is_none() && place.is_begun() {
                place.mark(path, self.is_raw(path));
            }
            let parts = files.entry(path.to_string_lossy()).or_insert_with(|| json!([]));
            parts.as_array_mut().expect("parts are a list").push(place.to_json());
        }
        files.into()
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

    fn restore(&mut self, places: BTreeMap<PartOf, Place>) -> Result<()> {
        self.places = places;
        (self.current, self.last) = (None, None);
        if self.is_followed() {
            self.look()
        } else {
            self.wait_for_all();
            Ok(())
        }
    }
}

/// The places of a position.
fn places(position: &Json) -> Result<BTreeMap<PartOf, Place>> {
    let corrupt = || Error::Corrupt { message: format!("not a position in files: {position}") };
    let mut places = BTreeMap::new();
    for (path, parts) in position["files"].as_object().ok_or_else(corrupt)? {
        for part in parts.as_array().ok_or_else(corrupt)? {
            let place = Place::from_json(part)?;
            places.insert((PathBuf::from(path), place.start), place);
        }
    }
    Ok(places)
}

impl Source for FileSource {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        if let Some(letters) = self.rejects.take() {
            return Ok(SourceEvent::DeadLetters(letters));
        }
        loop {
            let Some(current) = &mut self.current else {
                match self.waiting.pop() {
                    Some(part) => {
                        if !self.begin(part)? && self.waiting.is_empty() {
                            return Ok(SourceEvent::Pending);
                        }
                    }
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
                    let mut batch = self.projection.batch(columns, rows, |key| current.metadata.value(key))?;
                    let skipped = current.skip.min(rows);
                    current.skip -= skipped;
                    if skipped > 0 {
                        batch = batch.slice(skipped, rows - skipped);
                    }
                    self.save_place(false);
                    if batch.num_rows() > 0 {
                        return Ok(SourceEvent::Rows(batch));
                    }
                    continue;
                }
                Step::Rejected => {
                    self.save_place(false);
                    return Ok(SourceEvent::DeadLetters(self.rejects.take().unwrap_or_default()));
                }
                Step::Pending | Step::End => {}
            }
            self.save_place(true);
            self.current = None;
            if let Some(letters) = self.rejects.take() {
                return Ok(SourceEvent::DeadLetters(letters));
            }
            // A file that grows without a whole row must not keep the task from its barriers.
            if self.is_followed() && self.waiting.is_empty() {
                return Ok(SourceEvent::Pending);
            }
        }
    }

    fn position(&self) -> Json {
        json!({"files": self.files(None), "letters": self.rejects.position()})
    }

    fn seek(&mut self, position: &Json) -> Result<()> {
        self.rejects.restore(&position["letters"]);
        self.restore(places(position)?)
    }

    /// The parts of files are shared anew. Dead letters that waited go to the instance of the same number, or to the first.
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        let mut all = BTreeMap::new();
        for (index, position) in positions.iter().enumerate() {
            all.extend(places(position)?);
            if index % self.parallelism == self.index {
                self.rejects.restore(&position["letters"]);
            }
        }
        let (own, count) = (self.index, self.parallelism);
        let is_followed = self.is_followed();
        let mut number = 0;
        all.retain(|(path, _), place| {
            if is_followed {
                return hash(path.as_os_str().as_encoded_bytes()) % count as u64 == own as u64;
            }
            // Parts at their end are kept by whoever; the others are dealt out evenly.
            number += usize::from(place.end.is_none());
            number % count == own
        });
        self.restore(all)
    }

    fn skipped(&self) -> u64 {
        self.rejects.skipped
    }

    fn progress(&self) -> Option<(u64, u64)> {
        Some((self.bytes_done.load(Ordering::Relaxed).min(self.bytes_total), self.bytes_total))
    }
}
