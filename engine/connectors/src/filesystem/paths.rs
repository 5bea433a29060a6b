//! Which files a path means.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wasmill_plan::{Error, Result};

use crate::options::{OptionError, nearest};

/// The local path of an option's value: `file:///a/b`, `file:/a/b` and plain paths.
///
/// # Errors
/// Another scheme.
pub(crate) fn local(path: &str) -> std::result::Result<String, OptionError> {
    if let Some(rest) = path.strip_prefix("file:") {
        return Ok(rest.strip_prefix("//").unwrap_or(rest).to_owned());
    }
    match path.split_once("://") {
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
            Err(OptionError::new("path", format!("file systems of scheme '{scheme}' are not supported"))
                .hint("use a local path"))
        }
        _ => Ok(path.to_owned()),
    }
}

/// The files of a path in the order of their names: itself, all below a folder (but hidden ones, whose names begin with `.`
/// or `_`), or what a glob matches.
///
/// # Errors
/// `Error::External` where there is none, with the nearest name that exists, or where a folder cannot be read.
pub(crate) fn files(path: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => below(Path::new(path), &mut found)?,
        Ok(_) => found.push(PathBuf::from(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound && path.contains(['*', '?', '[']) => matching(path, &mut found)?,
        Err(e) => return Err(cannot_open(Path::new(path), &e)),
    }
    found.sort();
    Ok(found)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let fail = |e: io::Error| Error::external(format!("cannot read folder '{}': {e}", folder.display()));
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if is_hidden(&path) {
            continue;
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => below(&path, found)?,
            Ok(_) => found.push(path),
            // It was removed since the folder was listed.
            Err(e) if e.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&path).is_err() => {}
            Err(e) => return Err(cannot_open(&path, &e)),
        }
    }
    Ok(())
}

pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b".") || n.as_encoded_bytes().starts_with(b"_"))
}

fn matching(pattern: &str, found: &mut Vec<PathBuf>) -> Result<()> {
    let paths = glob::glob(pattern)
        .map_err(|e| Error::query(format!("'{pattern}' is no valid glob: {} at character {}", e.msg, e.pos)))?;
    for path in paths {
        let path = path.map_err(|e| Error::external(format!("cannot read '{}': {}", e.path().display(), e.error())))?;
        if path.is_dir() {
            below(&path, found)?;
        } else if !is_hidden(&path) {
            found.push(path);
        }
    }
    Ok(())
}

/// The error of a file that cannot be opened; for a missing one with the nearest name there is.
pub(crate) fn cannot_open(path: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    if error.kind() != io::ErrorKind::NotFound {
        return Error::external(format!("cannot open '{shown}': {error}"));
    }
    // The first part of the path that is not there.
    let mut missing = path;
    while let Some(parent) = missing.parent().filter(|p| !p.as_os_str().is_empty() && !p.exists()) {
        missing = parent;
    }
    let parent = missing.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = fs::read_dir(parent)
        .map(|entries| entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let name = missing.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let what = if missing == path {
        format!("'{shown}' does not exist")
    } else {
        format!("'{shown}' does not exist: there is no '{}'", missing.display())
    };
    match nearest(&name, names.iter().map(String::as_str)) {
        Some(near) => Error::external(format!("{what}; did you mean '{}'?", parent.join(near).display())),
        None => Error::external(what),
    }
}
