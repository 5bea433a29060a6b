//! `run`, `check` and `explain`: the statements of a script, one after the other.

use std::io::{BufRead, Write};

use wasmill_server::{Answer, Session, SessionError};
use wasmill_sql::show::Listing;
use wasmill_sql::{ParsedStatement, Statement, parse_script};

use crate::args::{Format, Options, RunArgs, ScriptArgs, Source};
use crate::background;
use crate::job::{self, Ended, Presentation, complain, complain_of};
use crate::output;
use crate::script::{self, Arriving};
use crate::stop::{STOPPED, StopSignal};

/// Everything is done.
pub const DONE: u8 = 0;
/// A job failed.
pub const FAILED: u8 = 1;
/// Wrong SQL or usage.
pub const WRONG: u8 = 2;

/// `wasmill run`.
pub fn script(args: &RunArgs) -> u8 {
    coded(|| {
        let stop = listen()?;
        let mut session = session(&args.options.set)?;
        let text = read(&args.source)?;
        let how = Presentation::of(&args.options);
        let executed = execute_all(&mut session, &text, how, &stop);
        background::end(&mut session, executed, how, &stop)
    })
}

/// `wasmill` where standard input is no terminal: statements are executed as they arrive.
pub fn arriving(options: &Options) -> u8 {
    coded(|| {
        let stop = listen()?;
        let mut session = session(&options.set)?;
        let how = Presentation::of(options);
        let mut arriving = Arriving::new(|line| std::io::stdin().lock().read_until(b'\n', line));
        let mut all = || {
            while let Some(text) = arriving.next().map_err(wrong)? {
                execute_all(&mut session, &text, how, &stop)?;
            }
            Ok(())
        };
        let executed = all();
        background::end(&mut session, executed, how, &stop)
    })
}

/// `wasmill check`.
pub fn check(args: &ScriptArgs) -> u8 {
    coded(|| {
        let mut jobs = 0;
        let count = plan_all(args, |answer, _| {
            jobs += usize::from(matches!(answer, Answer::Job(_)));
            Ok(())
        })?;
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        complain(&format!("no mistake found in {}, {} planned", plural(count, "statement"), plural(jobs, "job")));
        Ok(())
    })
}

/// `wasmill explain`.
pub fn explain(args: &ScriptArgs) -> u8 {
    coded(|| {
        let mut first = true;
        plan_all(args, |answer, statement| {
            let (Answer::Job(_) | Answer::Text(_)) = &answer else { return Ok(()) };
            // One statement on the command line needs no heading.
            let head = match args.source.execute {
                None => format!("-- {}\n", summary_line(&statement.text)),
                Some(_) => String::new(),
            };
            let plan = match answer {
                Answer::Job(job) => job.explain(),
                Answer::Text(text) => text,
                _ => String::new(),
            };
            let gap = if std::mem::take(&mut first) { "" } else { "\n" };
            write_out(&format!("{gap}{head}{plan}\n"))
        })
        .map(drop)
    })
}

/// Runs `work`, whose error is an exit code.
fn coded(work: impl FnOnce() -> Result<(), u8>) -> u8 {
    work().err().unwrap_or(DONE)
}

fn listen() -> Result<StopSignal, u8> {
    StopSignal::listen().map_err(|error| {
        complain_of(&format!("error: cannot listen for Ctrl-C: {error}"));
        FAILED
    })
}

fn wrong(message: String) -> u8 {
    complain_of(&format!("error: {message}"));
    WRONG
}

fn read(source: &Source) -> Result<String, u8> {
    script::read(source).map_err(wrong)
}

/// A session with the settings of the command line.
pub fn session(set: &[(String, String)]) -> Result<Session, u8> {
    let mut session = Session::new();
    for (key, value) in set {
        match session.set(key, value) {
            Ok(note) => note.iter().for_each(|note| complain(&format!("note: {note}"))),
            Err(error) => {
                complain_of(&error.render(""));
                return Err(WRONG);
            }
        }
    }
    Ok(session)
}

/// Executes all statements of `text`, until one fails or is stopped.
fn execute_all(session: &mut Session, text: &str, how: Presentation, stop: &StopSignal) -> Result<(), u8> {
    let statements = parse(text)?;
    for (i, statement) in statements.iter().enumerate() {
        let ended = session.execute(statement).and_then(|answer| match answer {
            Answer::Job(job) if job.is_in_background() => {
                let id = session.run_in_background(*job)?;
                show(Answer::Listing(id), how.format).map(|()| Ended::Done)
            }
            Answer::Job(job) => job::run(*job, how, stop),
            other => show(other, how.format).map(|()| Ended::Done),
        });
        match ended {
            Ok(Ended::Done) => {}
            Ok(Ended::Stopped) => return Err(STOPPED),
            Ok(Ended::ReaderGone) => return reader_gone(&statements[i + 1..]),
            Err(error) if error.is_broken_pipe() => return reader_gone(&statements[i + 1..]),
            Err(error) => return Err(fail(&error, text)),
        }
    }
    Ok(())
}

/// Nobody reads standard output: a script that had only rows left to give is done, one that had inserts left is not.
fn reader_gone(left: &[ParsedStatement]) -> Result<(), u8> {
    let inserts = |s: &&ParsedStatement| match &s.statement {
        Statement::Insert(_) | Statement::StatementSet(_) => true,
        Statement::CreateTable(table) => table.query.is_some(),
        _ => false,
    };
    match left.iter().find(inserts) {
        None => Err(DONE),
        Some(first) => {
            let message = "error: standard output was closed before the script was done";
            complain_of(&format!("{message}\ndetail: line {} was not run", first.span.line));
            Err(FAILED)
        }
    }
}

fn parse(text: &str) -> Result<Vec<ParsedStatement>, u8> {
    parse_script(text).map_err(|error| {
        complain_of(&error.render(text));
        WRONG
    })
}

/// `check` and `explain`: statements take effect, jobs are planned and not started. Gives how many statements there are.
fn plan_all(
    args: &ScriptArgs,
    mut each: impl FnMut(Answer, &ParsedStatement) -> Result<(), SessionError>,
) -> Result<usize, u8> {
    let mut session = session(&args.set)?;
    let text = read(&args.source)?;
    let statements = parse(&text)?;
    for statement in &statements {
        if matches!(statement.statement, Statement::StopJob(_)) {
            // No job runs.
            continue;
        }
        let done = session.execute(statement).and_then(|answer| each(answer, statement));
        match done {
            Ok(()) => {}
            Err(error) if error.is_broken_pipe() => return Err(DONE),
            Err(error) => return Err(fail(&error, &text)),
        }
    }
    Ok(statements.len())
}

/// The beginning of a statement on one line.
fn summary_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    crate::progress::cut(&words.join(" "), 100)
}

/// Shows what a statement answered at once.
///
/// # Errors
/// Standard output cannot be written.
pub fn show(answer: Answer, format: Format) -> Result<(), SessionError> {
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

/// Writes to standard output.
///
/// # Errors
/// It cannot be written.
pub fn write_out(text: &str) -> Result<(), SessionError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| SessionError::Job(output::write_error(&error)))
}

/// Reports a failed statement and gives its exit code.
fn fail(error: &SessionError, text: &str) -> u8 {
    complain_of(&error.render(text));
    if error.is_query() { WRONG } else { FAILED }
}
