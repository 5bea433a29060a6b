//! Writes a table's rows to files, so that a reader sees each committed row once and no other.
//!
//! ```text
//! write ──> .part….writing ──prepare(n)──> .part-…-n-… (durable, hidden) ──commit(n)──> part-…-n-…
//! restore(n): hidden and visible parts of later epochs, and what was being written, are removed
//! a path that is one file: the parts lie in a hidden folder and become the file when the last sink finishes
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use wasmill_plan::{Error, Result, Schema, Table};
use wasmill_runtime::batch::Batch;
use wasmill_runtime::sink::Sink;

use super::compress::TextFile;
use super::open::Compression;
use super::parts::{Folder, Folders, PartName, cannot_write, shown};
use super::paths;
use crate::format::{Format, TextEncoder};
use crate::options::{OptionError, Reader};
use crate::parquet::{ParquetFile, merge};
use crate::print::output_error;

/// A part is closed behind this many bytes where `sink.rolling-policy.file-size` does not say otherwise.
const PART_BYTES_MAX: u64 = 128 << 20;
/// Encoded rows are written in pieces of this size.
const WRITE_BYTES: usize = 256 * 1024;

/// The file that is being written.
enum Part {
    Text { file: TextFile, encoder: TextEncoder, encoded: Vec<u8>, bytes: u64 },
    Parquet(ParquetFile),
}

/// Where the rows go.
#[derive(Clone, Debug)]
struct Target {
    /// The one file that the result becomes; `None` for a folder of parts.
    file: Option<PathBuf>,
    folder: PathBuf,
    format: Format,
    compression: Compression,
    part_bytes_max: u64,
}

impl Target {
    fn of(table: &Table) -> Result<Self, OptionError> {
        let options = Reader::of(table);
        let path = paths::local(options.text("path").unwrap_or_default())?;
        let format = Format::of(table)?;
        let part_bytes_max = options.size("sink.rolling-policy.file-size")?.unwrap_or(PART_BYTES_MAX);
        let by_option = match options.choice("sink.compression", super::COMPRESSIONS)? {
            Some("gzip") => Compression::Gzip,
            Some("zstd") => Compression::Zstd,
            _ => Compression::None,
        };
        let is_file = is_file(&path);
        let compression = if is_file { Compression::of_name(&path) } else { by_option };
        if is_file && by_option != Compression::None && by_option != compression {
            return Err(OptionError::new("sink.compression", format!("'{path}' is compressed as its suffix says"))
                .hint("leave 'sink.compression' out, or end the path in '.gz' or '.zst'"));
        }
        if matches!(format, Format::Parquet(_)) && compression != Compression::None {
            return Err(OptionError::new("path", "a Parquet file is compressed inside, not as a whole")
                .hint("leave '.gz' or '.zst' out, and use 'parquet.compression'"));
        }
        if path.contains(['*', '?']) {
            return Err(OptionError::new("path", format!("'{path}' is a glob: rows cannot be written to it"))
                .hint("name a folder or a file"));
        }
        if fs::metadata(&path).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
            return Err(OptionError::new("path", format!("'{path}' is no regular file: rows cannot be written to it"))
                .hint("use connector 'stdout', 'print' or 'blackhole'"));
        }
        let file = is_file.then(|| PathBuf::from(&path));
        let folder = match &file {
            Some(file) => file.with_file_name(format!(".{}.parts", name_of(file))),
            None => PathBuf::from(&path),
        };
        Ok(Self { file, folder, format, compression, part_bytes_max })
    }
    fn suffix(&self) -> String {
        let compressed = match self.compression {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        };
        format!("{}{compressed}", self.format.suffix())
    }
}

/// Whether a path to write is one file: it is one already, or has the suffix of one.
fn is_file(path: &str) -> bool {
    match fs::metadata(path) {
        Ok(metadata) => !metadata.is_dir(),
        Err(_) if path.ends_with('/') => false,
        Err(_) => {
            let name = name_of(Path::new(path));
            let stem = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst"));
            let suffixes = [".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".parquet"];
            stem.is_some() || suffixes.iter().any(|s| name.ends_with(s))
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Checks the options of a table that is written.
///
/// # Errors
/// Options that do not go together.
pub(crate) fn check(table: &Table) -> Result<(), OptionError> {
    Target::of(table).map(|_| ())
}

/// The sink of one instance.
pub(crate) struct FileSink {
    target: Target,
    folder: Arc<Folder>,
    label: String,
    index: usize,
    parallelism: usize,
    names: Vec<String>,
    schema: SchemaRef,
    part: Option<Part>,
    /// How many parts of the next epoch are closed.
    closed: u64,
    last_epoch: u64,
}

impl FileSink {
    /// Instance `index` of `parallelism`; `schema` is that of the rows.
    ///
    /// # Errors
    /// A wrong option.
    pub(crate) fn new(
        table: &Table,
        schema: &Schema,
        folders: &Folders,
        index: usize,
        parallelism: usize,
    ) -> Result<Self> {
        let target = Target::of(table)?;
        let (folder, label) = folders.join(&target.folder, index);
        Ok(Self {
            target,
            folder,
            label,
            index,
            parallelism,
            names: schema.fields.iter().map(|f| f.name.clone()).collect(),
            schema: schema.to_arrow(),
            part: None,
            closed: 0,
            last_epoch: 0,
        })
    }

    fn writing_name(&self, run: u64) -> String {
        format!(".part-{run}-{}.writing", self.label)
    }

    /// The part that rows go to; begun where there is none.
    fn part(&mut self) -> Result<&mut Part> {
        if self.part.is_none() {
            let run = self.folder.begin()?;
            let path = self.folder.path.join(self.writing_name(run));
            let with_header = self.target.file.is_none();
            self.part = Some(begin(&self.target, &path, &self.names, &self.schema, with_header)?);
        }
        Ok(self.part.as_mut().expect("begun above"))
    }

    /// Ends the part that is being written: durable, hidden, and of `epoch`.
    fn close_part(&mut self, epoch: u64) -> Result<()> {
        let Some(part) = self.part.take() else { return Ok(()) };
        let run = self.folder.begin()?;
        let path = self.folder.path.join(self.writing_name(run));
        end(part, &path)?;
        let name =
            PartName { run, epoch, label: self.label.clone(), number: self.closed, suffix: self.target.suffix() };
        self.closed += 1;
        let hidden = self.folder.path.join(name.hidden());
        fs::rename(&path, &hidden).map_err(|e| cannot_write(&hidden, &e))
    }

    /// Shows this sink's parts up to `epoch`; those of a file wait for its end.
    fn show(&self, run: u64, epoch: u64) -> Result<()> {
        if self.target.file.is_some() {
            return Ok(());
        }
        for (part, visible) in self.folder.parts(run)? {
            if !visible && part.epoch <= epoch && self.owns(&part.label) {
                self.folder.show(&part)?;
            }
        }
        self.folder.sync()
    }

    /// Whether a part belongs to this sink; after a change of parallelism also those of instances that are no more.
    fn owns(&self, label: &str) -> bool {
        let (instance, sink) = label.split_once('x').unwrap_or((label, "1"));
        let own_sink = self.label.split_once('x').map_or("1", |(_, sink)| sink);
        sink == own_sink && instance.parse::<usize>().is_ok_and(|i| i % self.parallelism == self.index)
    }
}

fn begin(target: &Target, path: &Path, names: &[String], schema: &SchemaRef, with_header: bool) -> Result<Part> {
    let file = File::create(path).map_err(|e| cannot_write(path, &e))?;
    if let Format::Parquet(compression) = &target.format {
        let name = shown(path);
        return Ok(Part::Parquet(ParquetFile::new(file, name, schema.clone(), *compression)?));
    }
    let mut encoder = target.format.encoder(names);
    let mut encoded = Vec::with_capacity(WRITE_BYTES);
    if with_header {
        encoder.header(&mut encoded);
    }
    let file = TextFile::new(file, target.compression).map_err(|e| cannot_write(path, &e))?;
    Ok(Part::Text { file, encoder, encoded, bytes: 0 })
}

fn end(part: Part, path: &Path) -> Result<()> {
    match part {
        Part::Parquet(file) => file.close(),
        Part::Text { mut file, encoded, .. } => {
            file.write(&encoded).and_then(|()| file.close()).map_err(|e| cannot_write(path, &e))
        }
    }
}

impl Sink for FileSink {
    fn write(&mut self, batch: &Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        if (0..batch.len()).any(|row| batch.kind(row) != wasmill_runtime::RowKind::Insert) {
            return Err(Error::Query {
                message: "a file takes only new rows, but this query updates or deletes rows it gave before".into(),
                hint: Some("write to a 'print' table, or aggregate over a window".into()),
            });
        }
        let rolls = self.target.file.is_none();
        let part_bytes_max = self.target.part_bytes_max;
        let place = shown(&self.target.folder);
        let bytes = match self.part()? {
            Part::Parquet(file) => {
                file.write(&batch.rows)?;
                file.bytes()
            }
            Part::Text { file, encoder, encoded, bytes } => {
                encoder.encode(&batch.rows, encoded);
                if encoded.len() >= WRITE_BYTES {
                    file.write(encoded).map_err(|e| output_error(&place, &e))?;
                    *bytes += encoded.len() as u64;
                    encoded.clear();
                }
                *bytes + encoded.len() as u64
            }
        };
        if rolls && bytes >= part_bytes_max {
            self.close_part(self.last_epoch + 1)?;
        }
        Ok(())
    }

    /// Rows become visible with a commit or at the end, not before.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn prepare(&mut self, epoch: u64) -> Result<()> {
        let run = self.folder.begin()?;
        // Parts that were closed for their size carry the number that was expected.
        if self.closed > 0 && epoch != self.last_epoch + 1 {
            for (part, visible) in self.folder.parts(run)? {
                if !visible && part.label == self.label && part.epoch == self.last_epoch + 1 {
                    let renamed = PartName { epoch, ..part.clone() };
                    let (from, to) = (self.folder.path.join(part.hidden()), self.folder.path.join(renamed.hidden()));
                    fs::rename(&from, &to).map_err(|e| cannot_write(&to, &e))?;
                }
            }
        }
        self.close_part(epoch)?;
        self.folder.sync()?;
        (self.closed, self.last_epoch) = (0, epoch);
        Ok(())
    }

    fn commit(&mut self, epoch: u64) -> Result<()> {
        self.show(self.folder.begin()?, epoch)
    }

    fn restore(&mut self, epoch: u64) -> Result<()> {
        if let Some(file) = &self.target.file
            && epoch > 0
            && file.exists()
            && !self.folder.path.exists()
        {
            // Its parts are gone: to go on from the epoch would leave their rows out.
            return Err(Error::external(format!("'{}' is complete: the job had ended", file.display())));
        }
        let run = self.folder.resume()?;
        self.part = None;
        self.folder.remove(&self.writing_name(run))?;
        for (part, visible) in self.folder.parts(run)? {
            if part.epoch > epoch && self.owns(&part.label) {
                self.folder.remove(&if visible { part.visible() } else { part.hidden() })?;
            }
        }
        (self.closed, self.last_epoch) = (0, epoch);
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let run = self.folder.begin()?;
        let epoch = self.last_epoch + 1;
        self.close_part(epoch)?;
        self.show(run, epoch)?;
        let Some(file) = self.target.file.clone() else { return Ok(()) };
        if self.folder.leave() { self.assemble(run, &file) } else { Ok(()) }
    }
}

impl FileSink {
    /// Makes one file of all parts of the run, in the order of epochs and instances.
    fn assemble(&self, run: u64, file: &Path) -> Result<()> {
        let parts = self.folder.parts(run)?;
        let paths: Vec<PathBuf> = parts.iter().map(|(p, _)| self.folder.path.join(p.hidden())).collect();
        let mut whole = self.folder.path.join(".whole");
        match (&self.target.format, &paths[..]) {
            (Format::Parquet(_), [only]) => whole = only.clone(),
            _ => {
                let mut part = begin(&self.target, &whole, &self.names, &self.schema, true)?;
                if let Part::Parquet(writer) = &mut part {
                    merge(&paths, writer)?;
                }
                // For text the header or nothing; the parts follow as they are: compressed data may be joined so.
                end(part, &whole)?;
                if !matches!(self.target.format, Format::Parquet(_)) {
                    append(&paths, &whole)?;
                }
            }
        }
        fs::rename(&whole, file).map_err(|e| cannot_write(file, &e))?;
        fs::remove_dir_all(&self.folder.path).map_err(|e| cannot_write(&self.folder.path, &e))
    }
}

fn append(paths: &[PathBuf], whole: &Path) -> Result<()> {
    let fail = |e: io::Error| cannot_write(&whole, &e);
    let mut output = fs::OpenOptions::new().append(true).open(whole).map_err(fail)?;
    for path in paths {
        let mut input = File::open(path).map_err(|e| paths::cannot_open(path, &e))?;
        io::copy(&mut input, &mut output).map_err(fail)?;
    }
    output.sync_all().map_err(fail)
}
