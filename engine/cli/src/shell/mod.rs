//! The interactive shell.
//!
//! ```text
//! editor (reedline: history, highlight, complete) --entry--> command: help, source, quit …
//!                                                     \----> Session --Answer::Job--> job.rs   rows as they come, progress
//!                                                                            \------> view.rs  a table that changes in place
//! ```

mod command;
mod complete;
mod context;
mod editor;
mod help;
mod highlight;
mod lexer;
mod names;
mod rows;
mod screen;
mod view;
mod words;

use std::io::{IsTerminal, Write};
use std::sync::{Arc, PoisonError, RwLock};

use reedline::{Reedline, Signal};
use wasmill_plan::ChangelogMode;
use wasmill_server::{Answer, Job, Session, SessionError};
use wasmill_sql::statement::DropKind;
use wasmill_sql::{ParsedStatement, Statement, parse_script};

use self::command::Entry;
use self::editor::SqlPrompt;
use self::names::Names;
use crate::args::{Format, Options};
use crate::background;
use crate::job::{self, Ended, Presentation, complain, complain_of};
use crate::run;
use crate::stop::StopSignal;
use crate::style::Colours;

/// Opens the shell and gives the exit code.
pub fn main(options: &Options) -> u8 {
    let stop = match StopSignal::listen_in_shell() {
        Ok(stop) => stop,
        Err(error) => {
            complain_of(&format!("error: cannot listen for Ctrl-C: {error}"));
            return run::FAILED;
        }
    };
    let session = match run::session(&options.set) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let names = Arc::new(RwLock::new(Names::of(&session)));
    let (mut editor, note) = editor::editor(&names, Colours::of(&std::io::stderr()).are_on());
    let mut shell = Shell {
        session,
        names,
        how: Presentation::of(options),
        stop,
        out: Colours::of(&std::io::stdout()),
        err: Colours::of(&std::io::stderr()),
    };
    if !options.quiet {
        let title = shell.err.strong(&format!("wasmill {}", env!("CARGO_PKG_VERSION")));
        complain(&format!("{title}: streaming SQL. 'help' shows what there is, Tab completes, Ctrl-D leaves."));
    }
    note.iter().for_each(|note| complain(&format!("note: {note}")));
    shell.work(&mut editor)
}

/// Puts the terminal back as it was, from wherever.
pub fn leave_terminal() {
    view::leave();
}

struct Shell {
    session: Session,
    names: Arc<RwLock<Names>>,
    how: Presentation,
    stop: StopSignal,
    out: Colours,
    err: Colours,
}

impl Shell {
    /// Reads and does entries until the user leaves.
    fn work(&mut self, editor: &mut Reedline) -> u8 {
        let mut is_empty_again = false;
        loop {
            self.tell_ended();
            match editor.read_line(&SqlPrompt) {
                Ok(Signal::Success(text)) => {
                    is_empty_again = false;
                    // At once, so that a crash of ours does not lose it.
                    let _ = editor.sync_history();
                    if self.enter(&text, editor).is_break() && self.may_leave() {
                        return self.leave();
                    }
                }
                Ok(Signal::CtrlC) => {
                    if std::mem::replace(&mut is_empty_again, true) {
                        complain(&self.err.faint("Ctrl-D or 'quit' leaves the shell"));
                    }
                }
                Ok(Signal::CtrlD) => {
                    if self.may_leave() {
                        return self.leave();
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    complain_of(&format!("error: cannot read the terminal: {error}"));
                    return run::FAILED;
                }
            }
        }
    }

    /// Jobs of the background that have ended meanwhile.
    fn tell_ended(&mut self) {
        for ended in self.session.take_ended_jobs() {
            background::tell(&ended, self.how);
        }
    }

    /// Asks before jobs of the background are stopped.
    fn may_leave(&mut self) -> bool {
        self.tell_ended();
        let jobs = match self.session.background_jobs() {
            0 => return true,
            1 => "1 job runs in the background".to_owned(),
            n => format!("{n} jobs run in the background"),
        };
        let _ = write!(std::io::stderr(), "{jobs}: stop and leave? [y/N] ");
        let mut answer = String::new();
        // Nobody answers any more: leave.
        let answered = std::io::stdin().read_line(&mut answer).is_ok_and(|bytes| bytes > 0);
        !answered || matches!(answer.trim(), "y" | "Y" | "yes")
    }

    /// What the jobs of the background have read is finished; gives the exit code.
    fn leave(&mut self) -> u8 {
        self.stop.forget();
        self.session.stop_background();
        match background::wait(&mut self.session, self.how, &self.stop) {
            Ok(()) => run::DONE,
            Err(code) => code,
        }
    }

    fn enter(&mut self, text: &str, editor: &mut Reedline) -> std::ops::ControlFlow<()> {
        match command::read(text) {
            Entry::Nothing => {}
            Entry::Quit => return std::ops::ControlFlow::Break(()),
            Entry::Statements => self.statements(text),
            Entry::Help(subject) => {
                let text = help::text(&subject, &self.read_names(), self.out);
                self.say(&text);
            }
            Entry::Source(file) => self.source(&file),
            Entry::History => self.report(&editor.print_history()),
            Entry::Clear => self.report(&editor.clear_screen()),
            Entry::Unknown { message, hint } => complain_of(&format!("error: {message}\nhint: {hint}")),
        }
        std::ops::ControlFlow::Continue(())
    }

    fn read_names(&self) -> std::sync::RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the editor could not do.
    fn report<E: std::fmt::Display>(&self, done: &Result<(), E>) {
        if let Err(error) = done {
            complain_of(&format!("error: {error}"));
        }
    }

    /// A line on standard output.
    fn say(&self, text: &str) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    fn source(&mut self, file: &str) {
        let path = file.strip_prefix("~/").and_then(|rest| Some(format!("{}/{rest}", std::env::var("HOME").ok()?)));
        let source = crate::args::Source { file: Some(path.unwrap_or_else(|| file.to_owned()).into()), execute: None };
        match crate::script::read(&source) {
            Ok(text) => self.statements(&text),
            Err(why) => complain_of(&format!("error: {why}")),
        }
    }

    /// Executes statements one after the other, until one fails or is stopped; errors are shown under the text.
    fn statements(&mut self, text: &str) {
        let statements = match parse_script(text) {
            Ok(statements) => statements,
            Err(error) => return complain_of(&error.render(text)),
        };
        for statement in &statements {
            self.stop.forget();
            let ended = self.execute(statement);
            *self.names.write().unwrap_or_else(PoisonError::into_inner) = Names::of(&self.session);
            match ended {
                Ok(Ended::Done) => {}
                Ok(Ended::Stopped | Ended::ReaderGone) => return,
                Err(error) => return complain_of(&error.render(text)),
            }
        }
    }

    fn execute(&mut self, statement: &ParsedStatement) -> Result<Ended, SessionError> {
        match self.session.execute(statement)? {
            Answer::Job(job) if job.is_in_background() => {
                if let Some(table) = job.reads_standard_input() {
                    return Err(view::keyboard_error(table));
                }
                let id = self.session.run_in_background(*job)?;
                run::show(Answer::Listing(id), self.how.format).map(|()| Ended::Done)
            }
            Answer::Job(job) => self.run(*job),
            Answer::Done(Some(note)) => {
                complain(&format!("note: {note}"));
                Ok(Ended::Done)
            }
            Answer::Done(None) => {
                complain(&self.err.faint(&confirmation(&statement.statement, &self.session)));
                Ok(Ended::Done)
            }
            other => run::show(other, self.how.format).map(|()| Ended::Done),
        }
    }

    fn run(&self, job: Job) -> Result<Ended, SessionError> {
        if let Some(table) = job.reads_standard_input() {
            return Err(view::keyboard_error(table));
        }
        let settings = self.session.settings();
        let as_table = settings.get("sql-client.execution.result-mode") == Some("table");
        let changes = job.output().is_some_and(|(_, changelog)| changelog == ChangelogMode::Retract);
        let is_live = job.output().is_some() && (changes || !job.is_bounded());
        let on_terminal = self.how.format == Format::Table && std::io::stdout().is_terminal();
        if is_live && as_table && on_terminal {
            let kept = settings.get("sql-client.execution.max-table-result.rows");
            let rows_max = kept.and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
            view::run(job, rows_max, self.how.quiet, &self.stop)
        } else {
            job::run(job, self.how, &self.stop)
        }
    }
}

/// What a statement that gives nothing has done.
fn confirmation(statement: &Statement, session: &Session) -> String {
    match statement {
        Statement::CreateTable(table) => {
            let columns = session.catalog().table(&table.name.text).map_or(0, |t| t.columns.len());
            let s = if columns == 1 { "" } else { "s" };
            format!("table {} created, {columns} column{s}", table.name.text)
        }
        Statement::CreateView(view) => format!("view {} created", view.name.text),
        Statement::CreateFunction(function) => format!("function {} created", function.name.text),
        Statement::CreateModel(model) => format!("model {} created", model.name.text),
        Statement::Alter(alter) => {
            let kind = if alter.is_model { "model" } else { "function" };
            format!("{kind} {} altered", alter.name.text)
        }
        Statement::StopJob(id) => format!("job {} stopped", id.text),
        Statement::Set(Some(setting)) => {
            let value = session.settings().get(&setting.key.text).unwrap_or(&setting.value.text);
            format!("{} is now '{value}'", setting.key.text)
        }
        Statement::Reset(Some(key)) => {
            format!("{} is now '{}'", key.text, session.settings().get(&key.text).unwrap_or_default())
        }
        Statement::Reset(None) => "all settings have their defaults".to_owned(),
        Statement::Drop(drop) => {
            let kind = match drop.kind {
                DropKind::Table => "table",
                DropKind::View => "view",
                DropKind::Function => "function",
                DropKind::Model => "model",
            };
            format!("{kind} {} dropped", drop.name.text)
        }
        Statement::Use(name) => format!("using {}", name.text),
        _ => "done".to_owned(),
    }
}
