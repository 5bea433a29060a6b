//! What can go wrong while a job is built or runs; the variants say whose fault it is.

/// A failure of a job. The primary line is lower case and has no full stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The query cannot be run as planned: an unsupported form that the planner let through is a bug there.
    #[error("{message}")]
    Query {
        /// What and why.
        message: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// A value that cannot be processed: a cast that fails, a row that cannot be decoded, a NULL time attribute.
    #[error("{message}")]
    Data {
        /// What and why.
        message: String,
        /// Where it came from: table, file, line or partition and offset.
        place: Option<String>,
    },
    /// A user's function failed.
    #[error("function '{function}': {message}")]
    Function {
        /// The name in SQL.
        function: String,
        /// What and why, with module, export and input values.
        message: String,
    },
    /// Something outside failed: a file, the network, a full disk.
    #[error("{message}")]
    External {
        /// What was attempted, and the answer.
        message: String,
        /// Whether the same attempt may succeed later.
        retryable: bool,
    },
    /// A file of ours does not hold what was written.
    #[error("{message}")]
    Corrupt {
        /// Which file, and how.
        message: String,
    },
    /// The reader of standard output went away; the job stops quietly.
    #[error("the reader of the output went away")]
    BrokenPipe,
    /// The job was asked to stop.
    #[error("stopped")]
    Stopped,
}

/// A result of this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A [`Error::Data`] without a place.
    pub fn data(message: impl Into<String>) -> Self {
        Self::Data { message: message.into(), place: None }
    }
    /// A [`Error::Query`] without a hint.
    pub fn query(message: impl Into<String>) -> Self {
        Self::Query { message: message.into(), hint: None }
    }
    /// A failure outside that will not go away by itself.
    pub fn external(message: impl Into<String>) -> Self {
        Self::External { message: message.into(), retryable: false }
    }
}

impl From<arrow::error::ArrowError> for Error {
    /// Arrow's kernels fail on values (overflow, a cast): the data's fault.
    fn from(e: arrow::error::ArrowError) -> Self {
        Self::data(e.to_string())
    }
}
