//! What can go wrong with a statement.

use wasmill_plan::Error;
use wasmill_sql::QueryError;

/// A statement that failed: the user's SQL, or the job that it started.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The statement is wrong; nothing has run.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// The job could not be started or failed.
    #[error("{0}")]
    Job(#[from] Error),
}

impl SessionError {
    /// The error as it is shown, under the user's own `text` where it has a place in it.
    pub fn render(&self, text: &str) -> String {
        match self {
            Self::Query(error) => error.render(text),
            Self::Job(Error::Query { message, hint }) => {
                let hint = hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}"));
                format!("error: {message}{hint}")
            }
            Self::Job(Error::Data { message, place: Some(place) }) => format!("error: {message}\ndetail: at {place}"),
            Self::Job(error) => format!("error: {error}"),
        }
    }
    /// Whether the SQL is to blame rather than data, a function or the world outside.
    pub fn is_query(&self) -> bool {
        matches!(self, Self::Query(_) | Self::Job(Error::Query { .. }))
    }
    /// Whether the reader of the output went away, which is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Job(Error::BrokenPipe))
    }
}
