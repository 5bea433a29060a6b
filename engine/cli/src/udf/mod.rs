//! `wasmill udf`: functions in WebAssembly, from a template to a measured module.
//!
//! ```text
//! new      languages.rs, project.rs   a folder with the SDK and a function that works
//! build    build.rs, toolchain.rs     the compiler that is there, or what to install
//! inspect  inspect.rs                 what a module holds, and the CREATE statements for it
//! test     cases.rs, query.rs         rows in, rows out, from a file
//! bench    bench.rs, native.rs        ns a row, beside the same in native code where that is known
//! ```

mod bench;
mod build;
mod cases;
mod inspect;
mod languages;
mod native;
mod project;
mod query;
mod toolchain;

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with functions.
#[derive(Debug, Subcommand)]
pub enum UdfCommand {
    /// Make a folder with a function that builds and runs
    New(NewArgs),
    /// Build the module of a folder
    Build(BuildArgs),
    /// Show what a module holds, and the statements that create its functions
    Inspect(InspectArgs),
    /// Run the cases of a file: calls and what they give
    Test(TestArgs),
    /// Measure what a row costs
    Bench(BenchArgs),
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The folder to make; its name is the module's
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// rust, c, zig, go, assemblyscript, python or javascript
    #[arg(short, long, value_name = "LANGUAGE")]
    pub lang: String,
    /// scalar, aggregate, table, process or model
    #[arg(short, long, value_name = "KIND", default_value = "scalar")]
    pub kind: String,
}

/// Arguments of `build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The folder
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// Where the module goes: in the folder, by the folder's name, if this is not given
    #[arg(short, long, value_name = "FILE.wasm")]
    pub output: Option<PathBuf>,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The module or component
    #[arg(value_name = "FILE.wasm")]
    pub module: PathBuf,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The module or component
    #[arg(value_name = "FILE.wasm")]
    pub module: PathBuf,
    /// The cases; cases.txt beside the module, if this is not given
    #[arg(value_name = "CASES.txt")]
    pub cases: Option<PathBuf>,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The module or component
    #[arg(value_name = "FILE.wasm")]
    pub module: PathBuf,
    /// Only this function
    #[arg(short, long, value_name = "NAME")]
    pub function: Option<String>,
    /// The signature of a function that the module does not describe: "f(a DOUBLE, b STRING) RETURNS DOUBLE"
    #[arg(short, long, value_name = "SIGNATURE")]
    pub signature: Option<String>,
    /// Rows of a batch
    #[arg(long, default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rows: u32,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Why a command fails.
#[derive(Debug)]
pub(crate) struct Fault {
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), detail: None, hint: None }
    }
    fn detail(mut self, detail: impl Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
    fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error: {}", self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, "\ndetail: {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl From<wasmill_wasm::Error> for Fault {
    fn from(error: wasmill_wasm::Error) -> Self {
        Self { message: error.message, detail: error.detail, hint: error.hint }
    }
}

/// Runs the command and gives the exit code: 0, 1 where something failed, 2 for wrong usage.
pub fn main(command: &UdfCommand) -> u8 {
    let done = match command {
        UdfCommand::New(args) => project::new(args).map(|()| true),
        UdfCommand::Build(args) => build::build(args).map(|()| true),
        UdfCommand::Inspect(args) => inspect::inspect(args).map(|()| true),
        UdfCommand::Test(args) => cases::test(args),
        UdfCommand::Bench(args) => bench::bench(args).map(|()| true),
    };
    match done {
        Ok(all_well) => u8::from(!all_well),
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "{fault}");
            1
        }
    }
}

/// Writes to standard output; a reader that went away is no failure.
fn say(text: impl Display) {
    let _ = write!(std::io::stdout(), "{text}");
}
