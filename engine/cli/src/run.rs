//! `run`, `check` and `explain`: the statements of a script, one after the other.

use std::io::Write;
use std::time::Duration;

use wasmill_server::{Answer, Job, Session, SessionError};
use wasmill_sql::show::Listing;
use wasmill_sql::{ParsedStatement, parse_script};

use crate::args::{Args, Command, Format, RunArgs, ScriptArgs};
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::script;
use crate::stop::{STOPPED, StopSignal};

/// Everything is done.
const DONE: u8 = 0;
/// A job failed.
pub const FAILED: u8 = 1;
/// Wrong SQL or usage.
const WRONG: u8 = 2;

/// How often a running job is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Runs the command and gives the exit code.
pub fn main(args: Args) -> u8 {
    match args.command {
        Command::Run(args) => run(&args),
        Command::Check(args) => plan_only(&args, false),
        Command::Explain(args) => plan_only(&args, true),
    }
}

/// A session with the settings of the command line, and the parsed script.
fn prepare(args: &ScriptArgs) -> Result<(Session, String, Vec<ParsedStatement>), u8> {
    let wrong = |message: String| {
        complain(&message);
        WRONG
    };
    let text = script::read(args).map_err(|error| wrong(format!("error: {error}")))?;
    let mut session = Session::new();
    for (key, value) in &args.set {
        match session.set(key, value) {
            Ok(note) => note.iter().for_each(|note| complain(&format!("note: {note}"))),
            Err(error) => return Err(wrong(error.render(""))),
        }
    }
    let statements = parse_script(&text).map_err(|error| wrong(error.render(&text)))?;
    Ok((session, text, statements))
}

fn run(args: &RunArgs) -> u8 {
    let stop = match StopSignal::listen() {
        Ok(stop) => stop,
        Err(error) => {
            complain(&format!("error: cannot listen for Ctrl-C: {error}"));
            return FAILED;
        }
    };
    let (mut session, text, statements) = match prepare(&args.script) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    let format = args.output.unwrap_or_else(output::default_format);
    for statement in &statements {
        let answer = session.execute(statement);
        let done = answer.and_then(|answer| match answer {
            Answer::Job(job) => run_job(*job, format, args.quiet, &stop),
            other => show(other, format).map(|()| DONE),
        });
        match done {
            Ok(DONE) => {}
            Ok(code) => return code,
            Err(error) => return fail(&error, &text),
        }
    }
    DONE
}

/// Starts a job and watches it to its end.
fn run_job(job: Job, format: Format, quiet: bool, stop: &StopSignal) -> Result<u8, SessionError> {
    let rows = job.output().map(|(schema, changelog)| Output::new(format, schema, changelog));
    let mut progress = ProgressLine::new(quiet, format, rows.is_some());
    let running = job.start(rows.map(|rows| Box::new(rows) as _))?;
    let mut stopping = false;
    while !running.wait_for(POLL) {
        if stop.is_asked() && !stopping {
            stopping = true;
            progress.clear();
            complain("stopping: the rows read so far are finished (Ctrl-C again ends at once)");
            running.stop();
        }
        progress.update(&running.progress());
    }
    progress.clear();
    let figures = running.progress();
    let result = running.finish();
    match result {
        Err(error) if error.is_broken_pipe() => Ok(DONE),
        Err(SessionError::Job(wasmill_plan::Error::Stopped)) => {
            progress.summary("stopped", &figures);
            Ok(STOPPED)
        }
        Err(error) => Err(error),
        Ok(true) => {
            progress.summary("stopped", &figures);
            Ok(STOPPED)
        }
        Ok(false) => {
            progress.summary("done", &figures);
            Ok(DONE)
        }
    }
}

/// `check` and `explain`: statements take effect, jobs are planned and not started.
fn plan_only(args: &ScriptArgs, explain: bool) -> u8 {
    let (mut session, text, statements) = match prepare(args) {
        Ok(prepared) => prepared,
        Err(code) => return code,
    };
    for statement in &statements {
        let shown = match session.execute(statement) {
            Ok(Answer::Job(job)) if explain => write_out(&format!("{}\n\n", job.explain())),
            Ok(Answer::Text(text)) if explain => write_out(&format!("{text}\n\n")),
            Ok(_) => Ok(()),
            Err(error) => return fail(&error, &text),
        };
        if let Err(error) = shown {
            return fail(&error, &text);
        }
    }
    DONE
}

/// Shows what a statement answered at once.
fn show(answer: Answer, format: Format) -> Result<(), SessionError> {
    match answer {
        Answer::Done(note) => {
            note.iter().for_each(|note| complain(&format!("note: {note}")));
            Ok(())
        }
        Answer::Listing(listing) => write_out(&output::listing(&listing, format)),
        Answer::Text(text) if format == Format::Table => write_out(&format!("{text}\n")),
        Answer::Text(text) => {
            let lines = text.lines().map(str::to_owned);
            write_out(&output::listing(&Listing::one("plan", lines), format))
        }
        Answer::Job(_) => unreachable!("jobs are run or explained"),
    }
}

fn write_out(text: &str) -> Result<(), SessionError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| SessionError::Job(output::write_error(&error)))
}

/// Reports a failed statement and gives its exit code.
fn fail(error: &SessionError, text: &str) -> u8 {
    if error.is_broken_pipe() {
        return DONE;
    }
    complain(&error.render(text));
    if error.is_query() { WRONG } else { FAILED }
}

/// A line on standard error; a reader that went away is no reason to fail.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
