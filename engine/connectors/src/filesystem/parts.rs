//! Where the parts of a result lie, and what they are called.
//!
//! ```text
//! .part-2-0.writing        being written          part-RUN-INSTANCE-EPOCH-NUMBER.json
//! .part-2-0-5-0.json       prepared for epoch 5   (hidden by the dot until its commit)
//! part-2-0-5-0.json        committed
//! .run-2                   the run's mark: a new start takes the next number, a restore the last one
//! ```

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wasmill_plan::{Error, Result};

use crate::print::output_error;

/// The folder of one table's parts, shared by the sinks of a job that write it.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    run: OnceLock<u64>,
    /// Sinks made, and sinks that have finished.
    sinks: Mutex<(usize, usize)>,
}

/// The folders that a job writes.
#[derive(Debug, Default)]
pub(crate) struct Folders(Mutex<HashMap<PathBuf, (Arc<Folder>, HashMap<usize, usize>)>>);

impl Folders {
    /// The folder, and the label of the next sink of instance `index`: `0`, then `0b` for a second sink of the same table.
    pub(crate) fn join(&self, path: &Path, index: usize) -> (Arc<Folder>, String) {
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, counts) = folders.entry(path.to_owned()).or_insert_with(|| {
            let folder = Folder { path: path.to_owned(), run: OnceLock::new(), sinks: Mutex::default() };
            (Arc::new(folder), HashMap::new())
        });
        folder.sinks.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
        let count = counts.entry(index).or_insert(0);
        *count += 1;
        let label = match *count {
            1 => index.to_string(),
            n => format!("{index}x{n}"),
        };
        (folder.clone(), label)
    }
}

/// A finished part's place in the order of a result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartName {
    pub(crate) run: u64,
    pub(crate) epoch: u64,
    pub(crate) label: String,
    pub(crate) number: u64,
    pub(crate) suffix: String,
}

impl PartName {
    /// The file's name once it is visible.
    pub(crate) fn visible(&self) -> String {
        format!("part-{}-{}-{}-{}.{}", self.run, self.label, self.epoch, self.number, self.suffix)
    }
    /// The file's name before.
    pub(crate) fn hidden(&self) -> String {
        format!(".{}", self.visible())
    }
    fn parse(name: &str) -> Option<Self> {
        let (stem, suffix) = name.strip_prefix("part-")?.split_once('.')?;
        let mut parts = stem.split('-');
        let name = Self {
            run: parts.next()?.parse().ok()?,
            label: parts.next()?.to_owned(),
            epoch: parts.next()?.parse().ok()?,
            number: parts.next()?.parse().ok()?,
            suffix: suffix.to_owned(),
        };
        parts.next().is_none().then_some(name)
    }
}

impl Folder {
    /// The run of a job that starts anew: the next number that nobody has. Makes the folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn begin(&self) -> Result<u64> {
        fs::create_dir_all(&self.path).map_err(|e| cannot_write(&self.path, &e))?;
        if let Some(run) = self.run.get() {
            return Ok(*run);
        }
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = self.run.get() {
            return Ok(*run);
        }
        let mut run = self.last_run()? + 1;
        loop {
            match OpenOptions::new().write(true).create_new(true).open(self.path.join(format!(".run-{run}"))) {
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => run += 1,
                Err(e) => return Err(cannot_write(&self.path, &e)),
            }
        }
        drop(sinks);
        Ok(*self.run.get_or_init(|| run))
    }
    /// The run of a job that continues: the last one.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn resume(&self) -> Result<u64> {
        if let Some(run) = self.run.get() {
            return Ok(*run);
        }
        if self.path.exists() && self.last_run()? > 0 {
            let run = self.last_run()?;
            return Ok(*self.run.get_or_init(|| run));
        }
        self.begin()
    }
    fn last_run(&self) -> Result<u64> {
        let of_mark = |name: &str| name.strip_prefix(".run-")?.parse().ok();
        let of_part = |name: &str| PartName::parse(name.trim_start_matches('.')).map(|p| p.run);
        Ok(self.names()?.iter().filter_map(|n| of_mark(n).or_else(|| of_part(n))).max().unwrap_or(0))
    }
    fn names(&self) -> Result<Vec<String>> {
        let fail = |e: io::Error| Error::external(format!("cannot read folder '{}': {e}", self.path.display()));
        let entries = fs::read_dir(&self.path).map_err(fail)?;
        entries.map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()).map_err(fail)).collect()
    }
    /// The parts of a run: (name, visible).
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn parts(&self, run: u64) -> Result<Vec<(PartName, bool)>> {
        let mut parts: Vec<_> = self
            .names()?
            .iter()
            .filter_map(|n| Some((PartName::parse(n.strip_prefix('.').unwrap_or(n))?, !n.starts_with('.'))))
            .filter(|(part, _)| part.run == run)
            .collect();
        parts.sort();
        Ok(parts)
    }
    /// Makes a part visible.
    ///
    /// # Errors
    /// The rename fails.
    pub(crate) fn show(&self, part: &PartName) -> Result<()> {
        let (from, to) = (self.path.join(part.hidden()), self.path.join(part.visible()));
        fs::rename(&from, &to).map_err(|e| cannot_write(&to, &e))
    }
    /// Removes a file that may be there.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(cannot_write(&path, &e)),
            _ => Ok(()),
        }
    }
    /// Makes renames durable.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = File::open(&self.path).and_then(|f| f.sync_all());
        synced.map_err(|e| cannot_write(&self.path, &e))
    }
    /// One more sink has finished; true for the last one.
    pub(crate) fn leave(&self) -> bool {
        let mut sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        sinks.1 += 1;
        sinks.0 == sinks.1
    }
}

/// A path as the user gave it: the hidden folder of a file's parts is the file, a hidden part its folder.
pub(crate) fn shown(path: &Path) -> String {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    for folder in path.ancestors().take(2) {
        if let Some(file) = name(folder).strip_prefix('.').and_then(|n| n.strip_suffix(".parts")) {
            return folder.with_file_name(file).display().to_string();
        }
    }
    let is_hidden = [".part-", ".run-"].iter().any(|prefix| name(path).starts_with(prefix));
    path.parent().filter(|_| is_hidden).unwrap_or(path).display().to_string()
}

/// The error of a place that cannot be written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Error {
    output_error(&shown(path), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_the_user_gave_them() {
        for (path, expected) in [
            ("a/.out.json.parts/.part-1-0.writing", "a/out.json"),
            (".out.json.parts", "out.json"),
            ("a/.run-1", "a"),
            ("a/part-1-0-1-0.json", "a/part-1-0-1-0.json"),
            ("a/.b", "a/.b"),
        ] {
            assert_eq!(shown(Path::new(path)), expected);
        }
    }

    #[test]
    fn names_round_trip() {
        let name = PartName { run: 3, epoch: 12, label: "1x2".into(), number: 0, suffix: "json.gz".into() };
        assert_eq!(name.visible(), "part-3-1x2-12-0.json.gz");
        assert_eq!(PartName::parse(&name.visible()), Some(name));
        for other in ["part-1.json", "part-d3203e45-5fa3-4104-b5e1-f2942dd1d264-0-0", "x", "part-1-0-1-0-9.json"] {
            assert_eq!(PartName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn every_start_takes_the_next_run_and_a_restore_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let begin = || Folders::default().join(dir.path(), 0).0.begin().unwrap();
        assert_eq!((begin(), begin()), (1, 2));
        assert_eq!(Folders::default().join(dir.path(), 0).0.resume().unwrap(), 2);
        let folders = Folders::default();
        let labels: Vec<_> = [0, 1, 0].map(|i| folders.join(dir.path(), i).1).into();
        assert_eq!(labels, ["0", "1", "0x2"]);
    }
}
