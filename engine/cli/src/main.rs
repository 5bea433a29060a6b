//! The `wasmill` binary: the interactive shell; runs, checks and explains scripts of streaming SQL.
//!
//! ```text
//! args --run---> Session (wasmill-server) --rows----> output.rs --> standard output
//!      --shell-> Session                  --figures-> progress.rs --> standard error
//!                                         --rows----> shell/view.rs, in place on the terminal
//! ```

mod allocator;
mod args;
mod background;
mod job;
mod output;
mod progress;
mod run;
mod script;
mod shell;
mod stop;
mod style;
mod table;
mod udf;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

/// Deeply nested queries recurse; the stack is only touched as far as it is used.
const STACK_BYTES: usize = 256 << 20;

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; wrong usage ends with 2.
            let _ = error.print();
            args::advice(&error).iter().for_each(|advice| eprintln!("{advice}"));
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let work = move || dispatch(&args);
    match std::thread::Builder::new().name("main".to_owned()).stack_size(STACK_BYTES).spawn(work) {
        Ok(thread) => ExitCode::from(thread.join().unwrap_or(run::FAILED)),
        Err(error) => {
            eprintln!("error: cannot start a thread: {error}");
            ExitCode::from(run::FAILED)
        }
    }
}

/// Does what the arguments say and gives the exit code.
fn dispatch(args: &Args) -> u8 {
    match &args.command {
        Some(Command::Run(args)) => run::script(args),
        Some(Command::Check(args)) => run::check(args),
        Some(Command::Explain(args)) => run::explain(args),
        Some(Command::Udf(command)) => udf::main(command),
        None if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => shell::main(&args.options),
        None => run::arriving(&args.options),
    }
}
