//! All connectors by name: what they are, which options they have, and the sources and sinks they make.

use wasmill_plan::{ColumnKind, Result, Schema, SinkNode, SourceNode, Table};
use wasmill_runtime::sink::{Sink, SinkFactory};
use wasmill_runtime::source::{Source, SourceFactory};

use crate::blackhole::BlackholeSink;
use crate::filesystem::{self, FileSink, FileSource, Folders};
use crate::format::{self, FORMATS, Format, TEXT_FORMATS};
use crate::options::{OptionError, OptionKind, OptionSpec, list, nearest};
use crate::print::{self, PrintSink};
use crate::replay::{Replay, ReplayOptions};
use crate::standard::{self, StdinSource, StdoutSink};
use crate::{datagen, nexmark};

/// What a table is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its rows are read.
    Source,
    /// Rows are written to it.
    Sink,
}

/// A connector as users see it.
#[derive(Clone, Copy, Debug)]
pub struct ConnectorInfo {
    /// The value of `'connector'`.
    pub name: &'static str,
    /// One line of help.
    pub description: &'static str,
    /// Whether it can be read.
    pub is_source: bool,
    /// Whether it can be written.
    pub is_sink: bool,
    /// Whether a sink of it takes updates and deletions, not only new rows.
    pub takes_updates: bool,
    /// The values of `'format'` it has; none where it has no such option.
    pub formats: &'static [&'static str],
    /// The keys of its metadata columns.
    pub metadata: &'static [&'static str],
    options: &'static [OptionSpec],
}

const CONNECTORS: &[ConnectorInfo] = &[
    ConnectorInfo {
        name: "filesystem",
        description: "files of rows: JSON lines, CSV, Parquet; plain, .gz or .zst",
        is_source: true,
        is_sink: true,
        takes_updates: false,
        formats: FORMATS,
        metadata: &["file.path", "file.name", "file.size", "file.modification-time"],
        options: filesystem::OPTIONS,
    },
    ConnectorInfo {
        name: "datagen",
        description: "random rows and sequences",
        is_source: true,
        is_sink: false,
        takes_updates: false,
        formats: &[],
        metadata: &[],
        options: datagen::OPTIONS,
    },
    ConnectorInfo {
        name: "nexmark",
        description: "the events of the Nexmark benchmark: people, auctions and bids",
        is_source: true,
        is_sink: false,
        takes_updates: false,
        formats: &[],
        metadata: &[],
        options: nexmark::OPTIONS,
    },
    ConnectorInfo {
        name: "stdin",
        description: "rows on standard input",
        is_source: true,
        is_sink: false,
        takes_updates: false,
        formats: TEXT_FORMATS,
        metadata: &[],
        options: standard::STDIN_OPTIONS,
    },
    ConnectorInfo {
        name: "stdout",
        description: "rows on standard output, in a format",
        is_source: false,
        is_sink: true,
        takes_updates: false,
        formats: TEXT_FORMATS,
        metadata: &[],
        options: &[],
    },
    ConnectorInfo {
        name: "print",
        description: "a line a row on standard output, with its row kind",
        is_source: false,
        is_sink: true,
        takes_updates: true,
        formats: &[],
        metadata: &[],
        options: print::OPTIONS,
    },
    ConnectorInfo {
        name: "blackhole",
        description: "takes rows and forgets them",
        is_source: false,
        is_sink: true,
        takes_updates: true,
        formats: &[],
        metadata: &[],
        options: &[],
    },
];

const CONNECTOR: OptionSpec =
    OptionSpec::new("connector", OptionKind::Text, "what the table is connected to").required();
const FORMAT: OptionSpec = OptionSpec::new("format", OptionKind::Text, "how rows are written as bytes").required();
const ON_ERROR: OptionSpec =
    OptionSpec::new("on-error", OptionKind::OnError, "what happens to a row that is read and cannot be decoded")
        .or("fail");

/// All connectors.
pub fn connectors() -> &'static [ConnectorInfo] {
    CONNECTORS
}

/// The connector of that name.
pub fn connector(name: &str) -> Option<&'static ConnectorInfo> {
    CONNECTORS.iter().find(|c| c.name == name)
}

impl ConnectorInfo {
    /// All options of the connector; with those of the format where it has formats, and of all formats where none is named.
    pub fn options(&self, format: Option<&str>) -> Vec<OptionSpec> {
        let mut specs = vec![CONNECTOR];
        specs.extend(self.options);
        if !self.formats.is_empty() {
            specs.extend([FORMAT, ON_ERROR]);
            for name in self.formats.iter().filter(|f| format.is_none_or(|wanted| **f == wanted)) {
                specs.extend(format::format_options(name));
            }
        }
        specs
    }
}

/// The connector that a table names.
fn connector_of(table: &Table) -> Result<&'static ConnectorInfo, OptionError> {
    let names = CONNECTORS.iter().map(|c| c.name);
    let Some(name) = table.option("connector") else {
        return Err(OptionError::new("connector", format!("table '{}' has no option 'connector'", table.name))
            .hint(format!("add WITH ('connector' = '…'); the connectors are {}", list(&names.collect::<Vec<_>>()))));
    };
    connector(name).ok_or_else(|| {
        OptionError::new("connector", format!("connector '{name}' is not supported")).hint(
            match nearest(name, names.clone()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("the connectors are {}", list(&names.collect::<Vec<_>>())),
            },
        )
    })
}

/// Checks a table's options, and its columns against what the connector and format can hold. With a role also whether the
/// connector can play it. Called at CREATE TABLE; opens no file.
///
/// # Errors
/// The first thing that is wrong, with the option's key, so that the caller can point at it.
pub fn validate(table: &Table, role: Option<Role>) -> Result<(), OptionError> {
    let info = connector_of(table)?;
    check_role(info, table, role)?;
    let specs = info.options(table.option("format").filter(|f| info.formats.contains(f)));
    for (key, value) in &table.options {
        let Some(spec) = specs.iter().find(|s| s.matches(key)) else {
            return Err(unknown_option(info, key, &specs));
        };
        spec.check(key, value)?;
    }
    if let Some(spec) = specs.iter().find(|s| s.required && !table.options.contains_key(s.key)) {
        if spec.key == "format" {
            Format::of(table)?;
        }
        return Err(OptionError::new("connector", format!("option '{}' is missing", spec.key))
            .hint(format!("add '{}' = '…': {}", spec.key, spec.description)));
    }
    check_metadata(info, table)?;
    match info.name {
        "filesystem" => {
            filesystem::FileOptions::of(table)?;
            ReplayOptions::of(table)?;
            if role == Some(Role::Sink) { filesystem::check_sink(table) } else { Ok(()) }
        }
        "stdin" | "stdout" => standard::text_format(table).map(|_| ()),
        "datagen" => datagen::check(table),
        "nexmark" => nexmark::check(table),
        _ => Ok(()),
    }
}

/// Checks the tables that one job reads and writes against each other.
///
/// # Errors
/// Tables that would get in each other's way.
pub fn validate_together(sources: &[&Table], sinks: &[&Table]) -> Result<(), OptionError> {
    filesystem::check_clash(sources, sinks)
}

fn check_role(info: &ConnectorInfo, table: &Table, role: Option<Role>) -> Result<(), OptionError> {
    let (possible, verb, others): (bool, _, Vec<&str>) = match role {
        None => return Ok(()),
        Some(Role::Source) => {
            (info.is_source, "read", CONNECTORS.iter().filter(|c| c.is_source).map(|c| c.name).collect())
        }
        Some(Role::Sink) => {
            (info.is_sink, "written", CONNECTORS.iter().filter(|c| c.is_sink).map(|c| c.name).collect())
        }
    };
    if possible {
        return Ok(());
    }
    Err(OptionError::new(
        "connector",
        format!("table '{}' cannot be {verb}: its connector '{}' cannot be", table.name, info.name),
    )
    .hint(format!("the connectors that can are {}", list(&others))))
}

fn unknown_option(info: &ConnectorInfo, key: &str, specs: &[OptionSpec]) -> OptionError {
    let error = OptionError::new(key, format!("connector '{}' has no option '{key}'", info.name));
    match nearest(key, specs.iter().map(|s| s.key)) {
        Some(near) => error.hint(format!("did you mean '{near}'?")),
        None => error.hint(format!("the options are {}", list(&specs.iter().map(|s| s.key).collect::<Vec<_>>()))),
    }
}

fn check_metadata(info: &ConnectorInfo, table: &Table) -> Result<(), OptionError> {
    for column in &table.columns {
        let ColumnKind::Metadata { key, .. } = &column.kind else { continue };
        if info.metadata.contains(&key.as_str()) {
            continue;
        }
        let error = OptionError::new(
            "connector",
            format!("column '{}': connector '{}' has no metadata '{key}'", column.name, info.name),
        );
        return Err(match nearest(key, info.metadata.iter().copied()) {
            Some(near) => error.hint(format!("did you mean '{near}'?")),
            None if info.metadata.is_empty() => error.hint("it has no metadata columns"),
            None => error.hint(format!("its metadata are {}", list(info.metadata))),
        });
    }
    Ok(())
}

/// Whether reading the table comes to an end by itself.
pub fn is_bounded(table: &Table) -> bool {
    match table.option("connector") {
        Some("filesystem") => !table.options.contains_key("source.monitor-interval"),
        Some("datagen") => datagen::is_bounded(table),
        Some("nexmark") => nexmark::is_bounded(table),
        _ => true,
    }
}

/// Whether the table takes updates and deletions as a sink; otherwise a plan may only add rows to it.
pub fn takes_updates(table: &Table) -> bool {
    connector_of(table).is_ok_and(|c| c.takes_updates)
}

/// Makes the sources of all connectors.
#[derive(Clone, Debug, Default)]
pub struct Connectors;

impl SourceFactory for Connectors {
    fn source(&self, node: &SourceNode, index: usize, parallelism: usize) -> Result<Box<dyn Source>> {
        validate(&node.table, Some(Role::Source))?;
        match connector_of(&node.table)?.name {
            "filesystem" => match ReplayOptions::of(&node.table)? {
                None => Ok(Box::new(FileSource::new(node, index, parallelism)?)),
                Some(options) => {
                    let inner = FileSource::new(&Replay::inner_node(node, &options), index, parallelism)?;
                    Ok(Box::new(Replay::new(inner, node, &options)?))
                }
            },
            "datagen" => Ok(datagen::source(node, index, parallelism)?),
            "nexmark" => Ok(nexmark::source(node, index, parallelism)?),
            "stdin" => Ok(Box::new(StdinSource::new(node, index)?)),
            other => unreachable!("connector '{other}' is no source"),
        }
    }
}

/// Makes the sinks of tables; the rows of a bare SELECT belong to the caller. One value serves one start of a job.
#[derive(Debug, Default)]
pub struct TableSinks {
    folders: Folders,
}

impl SinkFactory for TableSinks {
    /// # Panics
    /// Where the node has no table.
    fn sink(&self, node: &SinkNode, schema: &Schema, index: usize, parallelism: usize) -> Result<Box<dyn Sink>> {
        let Some(table) = &node.table else { panic!("the rows of a bare SELECT go to the caller") };
        validate(table, Some(Role::Sink))?;
        match connector_of(table)?.name {
            "filesystem" => Ok(Box::new(FileSink::new(table, schema, &self.folders, index, parallelism)?)),
            "stdout" => Ok(Box::new(StdoutSink::new(table, schema, index)?)),
            "print" => Ok(Box::new(PrintSink::new(table, index, parallelism)?)),
            "blackhole" => Ok(Box::new(BlackholeSink)),
            other => unreachable!("connector '{other}' is no sink"),
        }
    }
}
