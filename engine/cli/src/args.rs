//! The command line's arguments.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};

/// Streaming SQL in Flink's dialect, with functions in WebAssembly
///
/// Without a command: the interactive shell, or, where standard input is no terminal, the statements that arrive there.
#[derive(Debug, Parser)]
#[command(name = "wasmill", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Without a command.
    #[command(flatten)]
    pub options: Options,
}

const EXAMPLES: &str = "\
Examples:
  wasmill                                    the shell: type SQL, Tab completes, 'help' explains
  wasmill run job.sql                        run a script
  wasmill run -e \"SELECT 1 + 1 AS two\"       run one statement
  wasmill run job.sql --output json | jq .   rows as JSON lines, for the next program
  wasmill check job.sql                      find the mistakes without running anything
  wasmill explain job.sql                    show how it would run
  generate-sql | wasmill                     run statements as they arrive

Rows go to standard output; progress, summaries and errors to standard error.
Exit code: 0 done, 1 a job failed, 2 wrong SQL or usage, 130 stopped.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a script: its statements one after the other, until one fails
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Plan everything in a script and run nothing
    #[command(after_help = "\
Examples:
  wasmill check job.sql
  wasmill check -e \"SELECT 1 + 'a'\"

Files that a script reads are not opened; modules of its functions are.")]
    Check(ScriptArgs),
    /// Show the plans of the queries and inserts in a script
    #[command(after_help = "\
Examples:
  wasmill explain job.sql
  wasmill explain --set parallelism.default=4 job.sql
  wasmill explain -e \"SELECT COUNT(*) FROM (VALUES (1), (2)) AS t (n)\"")]
    Explain(ScriptArgs),
    /// Functions in WebAssembly: make, build, look at, test and measure modules
    #[command(subcommand)]
    Udf(crate::udf::UdfCommand),
}

const RUN_EXAMPLES: &str = "\
Examples:
  wasmill run job.sql
  wasmill run -e \"SELECT UPPER('a') AS a, 1 + 1 AS two\"
  wasmill run job.sql --set parallelism.default=4 --set table.local-time-zone=Europe/Berlin
  wasmill run job.sql --output csv > rows.csv
  wasmill run -q job.sql --output json | head -5
  wasmill run - < job.sql

Ctrl-C stops the job that runs: what was read so far is finished. Ctrl-C again ends at once.";

/// What every way to run has.
#[derive(Debug, Clone, Default, Group)]
pub struct Options {
    /// A setting, as SET in front of the statements; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// How rows are written: a table on a terminal, CSV in a pipe
    #[arg(short, long, value_enum)]
    pub output: Option<Format>,
    /// No progress and no summary on standard error
    #[arg(short, long)]
    pub quiet: bool,
}

/// Where the statements come from.
#[derive(Debug, Group)]
pub struct Source {
    /// A file of SQL; `-` reads standard input
    #[arg(value_name = "FILE.sql", required_unless_present = "execute", conflicts_with = "execute")]
    pub file: Option<PathBuf>,
    /// SQL instead of a file
    #[arg(short = 'e', long = "execute", value_name = "SQL")]
    pub execute: Option<String>,
}

/// Arguments of `check` and `explain`.
#[derive(Debug, Group)]
pub struct ScriptArgs {
    /// The script.
    #[command(flatten)]
    pub source: Source,
    /// A setting, as SET in front of the script; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
}

/// Arguments of `run`.
#[derive(Debug, Group)]
pub struct RunArgs {
    /// The script.
    #[command(flatten)]
    pub source: Source,
    /// The rest.
    #[command(flatten)]
    pub options: Options,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns under headings
    Table,
    /// Comma-separated values with a header line
    Csv,
    /// An object a line
    Json,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

/// What to add to clap's own message where it is about a command that does not exist.
pub fn advice(error: &clap::Error) -> Option<String> {
    use clap::error::{ContextKind, ContextValue, ErrorKind};
    if !matches!(error.kind(), ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument) {
        return None;
    }
    let given = [ContextKind::InvalidSubcommand, ContextKind::InvalidArg].into_iter().find_map(|k| error.get(k));
    match given {
        Some(ContextValue::String(word)) if word.ends_with(".sql") => {
            Some(format!("hint: a script is run with 'wasmill run {word}'"))
        }
        Some(ContextValue::String(word)) if word.contains(' ') => {
            Some("hint: a statement is run with 'wasmill run -e \"…\"'".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_script_without_a_command_gets_advice() {
        let error = Args::try_parse_from(["wasmill", "job.sql"]).unwrap_err();
        assert_eq!(advice(&error).as_deref(), Some("hint: a script is run with 'wasmill run job.sql'"));
        let error = Args::try_parse_from(["wasmill", "SELECT 1"]).unwrap_err();
        assert!(advice(&error).is_some_and(|a| a.contains("run -e")));
        assert_eq!(advice(&Args::try_parse_from(["wasmill", "rnu"]).unwrap_err()), None);
    }
}
