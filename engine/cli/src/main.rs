//! The `wasmill` binary: runs, checks and explains scripts of streaming SQL.
//!
//! ```text
//! args --run--> Session (wasmill-server) --rows--> output.rs --> standard output
//!                                        --figures--> progress.rs --> standard error
//! ```

mod args;
mod output;
mod progress;
mod run;
mod script;
mod stop;

use std::process::ExitCode;

use clap::Parser;

/// Batches are allocated and freed all the time, in pieces that the C library gives back to the system each time: a fifth of the
/// time of reading a file went into page faults.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Deeply nested queries recurse; the stack is only touched as far as it is used.
const STACK_BYTES: usize = 256 << 20;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; wrong usage ends with 2.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let work = move || run::main(args);
    match std::thread::Builder::new().name("main".to_owned()).stack_size(STACK_BYTES).spawn(work) {
        Ok(thread) => ExitCode::from(thread.join().unwrap_or(run::FAILED)),
        Err(error) => {
            eprintln!("error: cannot start a thread: {error}");
            ExitCode::from(run::FAILED)
        }
    }
}
