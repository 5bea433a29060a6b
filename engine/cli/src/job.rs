//! One job from its start to its end, with its progress and the user's wish to stop it.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use wasmill_plan::Error;
use wasmill_server::{Job, Progress, RunningJob, SessionError};

use crate::args::Format;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::stop::StopSignal;
use crate::style::Colours;

/// How often a running job is looked at.
const POLL: Duration = Duration::from_millis(50);

/// How a job ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its input ended.
    Done,
    /// The user stopped it.
    Stopped,
    /// Nobody reads its rows any more.
    ReaderGone,
}

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub struct Presentation {
    /// Of rows and listings.
    pub format: Format,
    /// No progress, no summaries.
    pub quiet: bool,
}

impl Presentation {
    /// What the command line asks for, else what suits standard output.
    pub fn of(options: &crate::args::Options) -> Self {
        Self { format: options.output.unwrap_or_else(output::default_format), quiet: options.quiet }
    }
}

/// Runs a job to its end; rows of a query are printed as they come.
///
/// # Errors
/// What made it fail.
pub fn run(job: Job, how: Presentation, stop: &StopSignal) -> Result<Ended, SessionError> {
    let is_endless = !job.is_bounded();
    let rows = job.output().map(|(schema, changelog)| Output::new(how.format, schema, changelog, is_endless));
    let writes_to_terminal = (rows.is_some() || job.prints()) && std::io::stdout().is_terminal();
    let mut progress = ProgressLine::new(how.quiet, writes_to_terminal);
    let running = job.start(rows.map(|rows| Box::new(rows) as _))?;
    let mut asked = 0;
    while !running.wait_for(POLL) {
        let times = stop.times();
        if times > asked {
            progress.clear();
            ask_to_stop(&running, asked);
            asked = times;
        }
        progress.update(&running.progress());
    }
    progress.clear();
    let figures = running.progress();
    let tables = running.rows_by_table();
    let ended = ended(running)?;
    conclude(ended, &mut progress, &figures, &tables);
    Ok(ended)
}

/// The first time the job may finish what it has read, then it ends at once.
fn ask_to_stop(running: &RunningJob, times_before: usize) {
    if times_before == 0 {
        complain("stopping: the rows read so far are finished (Ctrl-C again ends at once)");
        running.stop();
    } else {
        running.cancel();
    }
}

/// Waits for the end of a job that has finished.
///
/// # Errors
/// What made it fail.
pub fn ended(running: RunningJob) -> Result<Ended, SessionError> {
    match running.finish() {
        Err(error) if error.is_broken_pipe() => Ok(Ended::ReaderGone),
        Err(SessionError::Job(Error::Stopped)) | Ok(true) => Ok(Ended::Stopped),
        Ok(false) => Ok(Ended::Done),
        Err(error) => Err(error),
    }
}

/// The last lines about a job that did not fail.
pub fn conclude(ended: Ended, progress: &mut ProgressLine, figures: &Progress, tables: &[(String, u64)]) {
    match ended {
        Ended::Done => progress.summary("done", figures, tables),
        Ended::Stopped => progress.summary("stopped", figures, tables),
        Ended::ReaderGone => {}
    }
}

/// A line on standard error; a reader that went away is no reason to fail.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// An error, in colours where standard error takes them.
pub fn complain_of(rendered: &str) {
    complain(&Colours::of(&std::io::stderr()).error(rendered));
}
