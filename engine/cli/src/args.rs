//! The command line's arguments.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};

/// Streaming SQL in Flink's dialect, with functions in WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "wasmill", version, about, subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a script: its statements one after the other, until one fails
    Run(RunArgs),
    /// Plan everything in a script and run nothing
    Check(ScriptArgs),
    /// Show the plans of the queries and inserts in a script
    Explain(ScriptArgs),
}

/// Where the statements come from.
#[derive(Debug, Group)]
pub struct ScriptArgs {
    /// A file of SQL; `-` reads standard input
    #[arg(value_name = "FILE.sql", required_unless_present = "execute", conflicts_with = "execute")]
    pub file: Option<PathBuf>,
    /// SQL instead of a file
    #[arg(short = 'e', long = "execute", value_name = "SQL")]
    pub execute: Option<String>,
    /// A setting, as SET in front of the script; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
}

/// Arguments of `run`.
#[derive(Debug, Group)]
pub struct RunArgs {
    /// The script.
    #[command(flatten)]
    pub script: ScriptArgs,
    /// How rows are written: a table on a terminal, CSV in a pipe
    #[arg(short, long, value_enum)]
    pub output: Option<Format>,
    /// No progress and no summary on standard error
    #[arg(short, long)]
    pub quiet: bool,
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
