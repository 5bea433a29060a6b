//! A running query as a table that changes in place, on the terminal's other screen; its last state is printed afterwards.
//!
//! ```text
//! job --Batch--> rows.rs (changes applied) --screen.rs (lines)--> terminal, ten times a second
//! keys --------> move, or stop the job
//! ```

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::{cursor, execute, queue, terminal};
use wasmill_plan::{ChangelogMode, Error};
use wasmill_server::{Job, RunningJob, SessionError};

use super::rows::{ResultRows, SharedRows};
use super::screen::Screen;
use crate::job::{Ended, conclude, ended};
use crate::output::{column, room, write_error};
use crate::progress::{ProgressLine, Rate, figures};
use crate::stop::StopSignal;
use crate::style::Colours;
use crate::table::{Column, Table};

/// The time between two pictures.
const FRAME: Duration = Duration::from_millis(100);
/// A query that ends sooner is printed at once.
const QUICK: Duration = Duration::from_millis(400);
/// Of a result that was stopped, so many rows are printed.
const PRINTED_MAX: usize = 100;

/// Runs a query in the view. At most `rows_max` rows are kept.
///
/// # Errors
/// What made it fail.
pub fn run(job: Job, rows_max: usize, quiet: bool, stop: &StopSignal) -> Result<Ended, SessionError> {
    let (schema, changelog) = job.output().map(|(s, c)| (s.clone(), c)).expect("a query");
    let columns: Vec<Column> = schema.fields.iter().map(column).collect();
    let is_bounded = job.is_bounded();
    let rows = SharedRows::new(ResultRows::new(changelog, rows_max).in_order(job.order(), &schema));
    let mut summary = ProgressLine::new(quiet, true);
    let running = job.start(Some(rows.writer(schema)))?;
    if !(is_bounded && wait_shortly(&running, stop)) {
        let screen = Screen::new(columns.clone(), changelog == ChangelogMode::Append, Colours::of(&io::stdout()));
        watch(&running, &rows, screen, stop).map_err(|e| SessionError::Job(write_error(&e)))?;
    }
    let figures = running.progress();
    let ended = ended(running)?;
    let from_end = changelog == ChangelogMode::Append;
    rows.with(|rows| print(rows, columns, ended, from_end)).map_err(|e| SessionError::Job(write_error(&e)))?;
    conclude(ended, &mut summary, &figures, &[]);
    Ok(ended)
}

/// Whether the job ended by itself before a view would be worth while.
fn wait_shortly(running: &RunningJob, stop: &StopSignal) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < QUICK && stop.times() == 0 {
        if running.wait_for(Duration::from_millis(20)) {
            return true;
        }
    }
    false
}

/// Shows the rows until the job has ended.
fn watch(running: &RunningJob, rows: &SharedRows, mut screen: Screen, stop: &StopSignal) -> io::Result<()> {
    let terminal = Terminal::enter()?;
    let (begun, mut rate) = (Instant::now(), Rate::default());
    let (mut asked, mut signals) = (0, 0);
    while !running.wait_for(Duration::ZERO) {
        let times = stop.times();
        for _ in signals..times {
            ask_to_stop(running, &mut asked);
        }
        signals = times;
        let progress = running.progress();
        let mut line = figures(&progress, begun.elapsed(), rate.per_second(progress.rows_in, begun.elapsed()));
        if asked > 0 {
            line.insert_str(0, "stopping, ");
        }
        let size = terminal::size().map_or((80, 24), |(w, h)| (usize::from(w), usize::from(h)));
        let lines = rows.with(|rows| screen.lines(rows, &line, size));
        terminal.draw(&lines)?;
        let next = Instant::now() + FRAME;
        while event::poll(next.saturating_duration_since(Instant::now()))? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if is_stop(key) {
                        ask_to_stop(running, &mut asked);
                    }
                    screen.press(key.code, rows.with(|r| r.len()), Screen::page(size.1));
                    break;
                }
                Event::Resize(..) => break,
                _ => {}
            }
        }
    }
    Ok(())
}

fn is_stop(key: KeyEvent) -> bool {
    let ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    ctrl_c || matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc)
}

fn ask_to_stop(running: &RunningJob, asked: &mut usize) {
    if *asked == 0 {
        running.stop();
    } else {
        running.cancel();
    }
    *asked += 1;
}

/// The last state. All rows of a query that came to its end, the first (or last) rows of one that was stopped.
fn print(rows: &ResultRows, columns: Vec<Column>, ended: Ended, from_end: bool) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout());
    let mut table = Table::new(columns, room(), Colours::of(&io::stdout()));
    let count = if ended == Ended::Done { rows.len() } else { rows.len().min(PRINTED_MAX) };
    let from = if from_end { rows.len() - count } else { 0 };
    for row in rows.window(from, count) {
        table.row(row.iter().map(|c| (*c).to_owned()).collect(), &mut out)?;
    }
    let left = (rows.len() - count) as u64 + rows.forgotten();
    let note = match (left, from_end) {
        (0, _) => String::new(),
        (n, true) => format!(", {n} before them not shown"),
        (n, false) => format!(", {n} more not shown"),
    };
    table.end(&note, &mut out)?;
    out.flush()
}

/// The terminal's other screen, without a cursor and with keys as they come. Dropping it goes back.
struct Terminal;

impl Terminal {
    fn enter() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let entered = Self;
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(entered)
    }
    fn draw(&self, lines: &[String]) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        queue!(out, terminal::BeginSynchronizedUpdate)?;
        for (line, y) in lines.iter().zip(0u16..) {
            queue!(out, cursor::MoveTo(0, y))?;
            write!(out, "{line}")?;
            queue!(out, terminal::Clear(terminal::ClearType::UntilNewLine))?;
        }
        queue!(out, terminal::EndSynchronizedUpdate)?;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Back to the first screen, with a cursor and lines.
pub fn leave() {
    let _ = execute!(io::stdout(), cursor::Show, terminal::LeaveAlternateScreen);
    let _ = terminal::disable_raw_mode();
}

/// Why a query over that table cannot run here.
pub fn keyboard_error(table: &str) -> SessionError {
    SessionError::Job(Error::Query {
        message: format!("table '{table}' reads standard input, which is the keyboard here"),
        hint: Some("put the statements into a file: wasmill run FILE.sql < rows".to_owned()),
    })
}
