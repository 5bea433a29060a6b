//! Tables of one job that would get in each other's way.

use std::path::{Path, PathBuf};

use wasmill_plan::Table;

use super::paths::{is_hidden, local};
use crate::options::{OptionError, Reader};

/// Checks the tables that one job reads and writes.
///
/// # Errors
/// Two tables that write the same path, or a table that follows a path which the job writes.
pub(crate) fn check(sources: &[&Table], sinks: &[&Table]) -> Result<(), OptionError> {
    let written: Vec<(&Table, PathBuf)> = sinks.iter().filter_map(|t| Some((*t, path(t)?))).collect();
    for (number, (table, path)) in written.iter().enumerate() {
        let other = written[..number].iter().find(|(other, p)| p == path && other.name != table.name);
        if let Some((other, _)) = other {
            let message = format!("tables '{}' and '{}' both write '{}'", other.name, table.name, path.display());
            return Err(
                OptionError::new("path", message).hint("insert into one of the two, or give them paths of their own")
            );
        }
    }
    for table in sources.iter().filter(|t| Reader::of(t).text("source.monitor-interval").is_some()) {
        let Some(read) = path(table) else { continue };
        let glob = glob::Pattern::new(&read.to_string_lossy()).ok();
        let reads = |path: &Path| {
            let below = path.starts_with(&read) && !path.strip_prefix(&read).is_ok_and(is_hidden);
            below || glob.as_ref().is_some_and(|g| path.ancestors().any(|p| g.matches_path(p)))
        };
        if let Some((sink, path)) = written.iter().find(|(_, path)| reads(path)) {
            return Err(OptionError::new(
                "source.monitor-interval",
                format!(
                    "table '{}' follows what table '{}' writes to '{}': the job would read its own rows for ever",
                    table.name,
                    sink.name,
                    path.display()
                ),
            )
            .hint("write to a folder that is not followed"));
        }
    }
    Ok(())
}

/// The table's path, the same for all ways to write it.
fn path(table: &Table) -> Option<PathBuf> {
    if table.option("connector") != Some("filesystem") {
        return None;
    }
    let path = std::path::absolute(local(table.option("path")?).ok()?).ok()?;
    // What is not there yet has a folder that may be.
    let mut rest = Vec::new();
    let mut there = path.as_path();
    while !there.exists() {
        rest.push(there.file_name()?.to_owned());
        there = there.parent()?;
    }
    let mut real = there.canonicalize().ok()?;
    rest.iter().rev().for_each(|name| real.push(name));
    Some(real)
}
