//! The `filesystem` connector: files of rows, read once or followed, and written so that nothing is seen twice.

mod clash;
mod compress;
mod file_metadata;
mod open;
mod parts;
mod paths;
mod place;
mod sink;
mod source;
mod split;

pub(crate) use clash::check as check_clash;
pub(crate) use parts::Folders;
pub(crate) use paths::cannot_open;
pub(crate) use sink::{FileSink, check as check_sink};
pub(crate) use source::FileSource;

use std::time::Duration;

use wasmill_plan::Table;

use crate::format::Format;
use crate::options::{OptionError, OptionKind, OptionSpec, Reader};

/// Longest record that is read where `record.max-size` does not say otherwise.
pub(crate) const RECORD_BYTES_MAX: u64 = 16 << 20;

/// Larger files are read in parts where `source.split-size` does not say otherwise.
const SPLIT_BYTES: u64 = 64 << 20;

/// The largest value of `source.decode-threads`.
const DECODE_THREADS_LIMIT: usize = 256;

/// The connector's own options.
pub(crate) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "path",
        OptionKind::Text,
        "a file, a folder (read with all below it) or a glob such as 'in/*.json.gz'",
    )
    .required(),
    OptionSpec::new(
        "source.monitor-interval",
        OptionKind::Duration,
        "look for new files and new rows this often, for ever",
    ),
    OptionSpec::new(
        "source.split-size",
        OptionKind::Size,
        "several instances share a file of lines, or a Parquet file, that is larger; '0 b' keeps files whole",
    )
    .or("64 mb"),
    OptionSpec::new(
        "source.decode-threads",
        OptionKind::Integer(0),
        "how many threads decode large files of text beside the query's own; its share of the processors, at most 4, where not given",
    ),
    OptionSpec::new("record.max-size", OptionKind::Size, "longest record that is accepted").or("16 mb"),
    OptionSpec::new(
        "replay.speed",
        OptionKind::Number(0.0),
        "give rows at this multiple of the pace of their event time",
    ),
    OptionSpec::new(
        "replay.time-column",
        OptionKind::Text,
        "the event time for 'replay.speed'; the watermark's column where it is not given",
    ),
    OptionSpec::new("sink.rolling-policy.file-size", OptionKind::Size, "begin a new part file behind this size")
        .or("128 mb"),
    OptionSpec::new("sink.compression", OptionKind::Choice(COMPRESSIONS), "how part files are compressed").or("none"),
];

/// The words of `sink.compression`.
pub(crate) const COMPRESSIONS: &[&str] = &["none", "gzip", "zstd"];

/// What the options say about reading.
#[derive(Clone, Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: String,
    pub(crate) format: Format,
    pub(crate) monitor_interval: Option<Duration>,
    pub(crate) record_bytes_max: usize,
    pub(crate) split_bytes: u64,
    /// `source.decode-threads`.
    pub(crate) decode_threads: Option<usize>,
}

impl FileOptions {
    /// Of the table.
    ///
    /// # Errors
    /// A wrong option.
    pub(crate) fn of(table: &Table) -> Result<Self, OptionError> {
        let options = Reader::of(table);
        let path = options.text("path").unwrap_or_default();
        if path.trim().is_empty() {
            return Err(OptionError::new("path", "option 'path' is empty"));
        }
        let monitor_interval = options.duration("source.monitor-interval")?;
        if monitor_interval == Some(Duration::ZERO) {
            return Err(OptionError::new(
                "source.monitor-interval",
                "'source.monitor-interval' must be longer than zero",
            )
            .hint("use '1 s', or leave it out to read the files once"));
        }
        // Rows that are replayed come in their order.
        let is_whole = monitor_interval.is_some() || options.text("replay.speed").is_some();
        let split_bytes = options.size("source.split-size")?.unwrap_or(SPLIT_BYTES);
        let decode_threads = options.integer("source.decode-threads")?.map(|n| n as usize);
        if decode_threads.is_some_and(|n| n > DECODE_THREADS_LIMIT) {
            let message = format!("'source.decode-threads' is above {DECODE_THREADS_LIMIT}");
            return Err(OptionError::new("source.decode-threads", message)
                .hint("leave it out: as many threads as there are processors are the most that help"));
        }
        let format = Format::of(table)?;
        if decode_threads.is_some() && (monitor_interval.is_some() || matches!(format, Format::Parquet(_))) {
            let what = if monitor_interval.is_some() { "followed files" } else { "Parquet files" };
            let message =
                format!("'source.decode-threads' has no effect on {what}, which the query's own thread reads");
            return Err(OptionError::new("source.decode-threads", message).hint("leave it out"));
        }
        Ok(Self {
            decode_threads,
            split_bytes: if is_whole { 0 } else { split_bytes },
            path: paths::local(path)?,
            format,
            monitor_interval,
            record_bytes_max: options.size("record.max-size")?.unwrap_or(RECORD_BYTES_MAX).min(1 << 30) as usize,
        })
    }
}
