//! What a running job does, on standard error: a line in place on a terminal, lines now and then in a pipe.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthChar;
use wasmill_server::Progress;

use crate::style::Colours;

/// How often the line on a terminal changes.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(200);
/// How often a pipe gets a line.
const PIPE_INTERVAL: Duration = Duration::from_secs(10);

/// Who is behind the others by no more than this is not worth a word.
const BEHIND_MS: i64 = 10_000;

/// The progress of one job.
pub struct ProgressLine {
    mode: Mode,
    colours: Colours,
    started: Instant,
    shown: Instant,
    rate: Rate,
    is_visible: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Quiet,
    /// In place; not where rows come to the same terminal.
    Terminal,
    /// Only the summary.
    Summary,
    Pipe,
}

impl ProgressLine {
    /// `rows_on_terminal`: the job writes rows to the terminal that the line would stand on.
    pub fn new(quiet: bool, rows_on_terminal: bool) -> Self {
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Quiet,
            (false, true) if rows_on_terminal => Mode::Summary,
            (false, true) => Mode::Terminal,
            (false, false) => Mode::Pipe,
        };
        let now = Instant::now();
        let colours = Colours::of(&std::io::stderr());
        Self { mode, colours, started: now, shown: now, rate: Rate::default(), is_visible: false }
    }

    /// Shows figures if it is time to.
    pub fn update(&mut self, progress: &Progress) {
        let interval = match self.mode {
            Mode::Terminal => TERMINAL_INTERVAL,
            Mode::Pipe => PIPE_INTERVAL,
            Mode::Quiet | Mode::Summary => return,
        };
        if self.shown.elapsed() < interval {
            return;
        }
        self.shown = Instant::now();
        let rate = self.rate.per_second(progress.rows_in, self.started.elapsed());
        let line = figures(progress, self.started.elapsed(), rate);
        let mut err = std::io::stderr().lock();
        if self.mode == Mode::Terminal {
            // A line that wraps could not be taken back.
            let room = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns).max(20));
            let _ = write!(err, "\r\x1b[2K{}", cut(&line, room - 1));
            let _ = err.flush();
            self.is_visible = true;
        } else {
            let _ = writeln!(err, "{line}");
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_visible) {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }

    /// The last lines: figures, and how many rows each table got where there are several.
    pub fn summary(&mut self, how: &str, progress: &Progress, tables: &[(String, u64)]) {
        if self.mode == Mode::Quiet {
            return;
        }
        let elapsed = progress.elapsed;
        let mut text = format!("{how}: {}", figures(progress, elapsed, mean_rate(progress.rows_in, elapsed)));
        if tables.len() > 1 {
            let width = tables.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
            for (name, rows) in tables {
                text.push_str(&format!(
                    "\n  {name:width$}  {} {}",
                    grouped(*rows),
                    if *rows == 1 { "row" } else { "rows" }
                ));
            }
        }
        let mut err = std::io::stderr().lock();
        for line in text.lines() {
            let _ = writeln!(err, "{}", self.colours.faint(line));
        }
    }
}

/// How fast rows came of late.
#[derive(Debug, Default)]
pub struct Rate {
    /// Rows at moments, the oldest first; together they span about [`RATE_SPAN`].
    samples: std::collections::VecDeque<(Duration, u64)>,
}

/// The time that a rate is taken over.
const RATE_SPAN: Duration = Duration::from_secs(2);

impl Rate {
    /// Rows per second, given that `rows` have come `elapsed` after the start; `None` until there is enough to tell.
    pub fn per_second(&mut self, rows: u64, elapsed: Duration) -> Option<u64> {
        self.samples.push_back((elapsed, rows));
        while self.samples.get(1).is_some_and(|(at, _)| elapsed.saturating_sub(*at) >= RATE_SPAN) {
            self.samples.pop_front();
        }
        let (from, before) = *self.samples.front()?;
        let seconds = elapsed.saturating_sub(from).as_secs_f64();
        (seconds >= 0.2).then(|| (rows.saturating_sub(before) as f64 / seconds) as u64)
    }
}

fn mean_rate(rows: u64, elapsed: Duration) -> Option<u64> {
    let seconds = elapsed.as_secs_f64();
    (rows > 0 && seconds >= 1.0).then(|| (rows as f64 / seconds) as u64)
}

/// `30,000 rows in (1,200/s), 12 out, 3 late, watermark 2024-01-31 12:00:05, 40 %, 25.0 s`.
pub fn figures(progress: &Progress, elapsed: Duration, rate: Option<u64>) -> String {
    let mut line = format!("{} {} in", grouped(progress.rows_in), if progress.rows_in == 1 { "row" } else { "rows" });
    if let Some(rate) = rate.filter(|_| progress.rows_in > 0) {
        line.push_str(&format!(" ({}/s)", grouped(rate)));
    }
    line.push_str(&format!(", {} out", grouped(progress.rows_out)));
    for (count, what) in [(progress.late_rows, "late"), (progress.rejected, "rejected")] {
        if count > 0 {
            line.push_str(&format!(", {} {what}", grouped(count)));
        }
    }
    if let Some(watermark) = progress.watermark_ms.and_then(timestamp) {
        line.push_str(&format!(", watermark {watermark}"));
        if let Some(holder) = progress.watermark_holder.as_ref().filter(|h| h.behind_ms > BEHIND_MS) {
            let table = holder.table.as_ref().unwrap_or(&holder.uid);
            line.push_str(&format!(" (held back by '{table}', instance {})", holder.instance));
        }
    }
    if let Some(done) = progress.done.filter(|done| *done < 1.0) {
        line.push_str(&format!(", {:.0} %", (done * 100.0).floor()));
    }
    line.push_str(&format!(", {:.1} s", elapsed.as_secs_f64()));
    line
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The beginning of `text` that fits `room` columns; it ends in `…` where something is missing.
pub fn cut(text: &str, room: usize) -> String {
    let width = |c: char| c.width().unwrap_or(0);
    if text.chars().map(width).sum::<usize>() <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += width(c);
        if used > room {
            break;
        }
        out.push(c);
    }
    if room > 0 {
        out.push('…');
    }
    out
}

/// `2024-01-31 12:00:05` UTC; `None` for the ends of time.
fn timestamp(ms: i64) -> Option<String> {
    if !(-62_135_596_800_000..=253_402_300_799_999).contains(&ms) {
        return None;
    }
    let array = arrow::array::TimestampSecondArray::from(vec![ms.div_euclid(1000)]);
    arrow::util::display::array_value_to_string(&array, 0).ok().map(|text| text.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(timestamp(1_706_702_405_000).as_deref(), Some("2024-01-31 12:00:05"));
        assert_eq!(timestamp(i64::MAX), None);
        let progress = Progress { rows_in: 30_000, rows_out: 12, late_rows: 3, rejected: 2, ..Progress::default() };
        let elapsed = Duration::from_millis(320);
        assert_eq!(figures(&progress, elapsed, None), "30,000 rows in, 12 out, 3 late, 2 rejected, 0.3 s");
        let progress = Progress { rows_in: 30_000, done: Some(0.419), ..Progress::default() };
        assert_eq!(figures(&progress, elapsed, Some(1500)), "30,000 rows in (1,500/s), 0 out, 41 %, 0.3 s");
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut rate = Rate::default();
        let at = Duration::from_secs;
        assert_eq!(rate.per_second(0, at(0)), None);
        assert_eq!(rate.per_second(1000, at(1)), Some(1000));
        assert_eq!(rate.per_second(1000, at(3)), Some(0));
        assert_eq!(rate.per_second(1500, at(4)), Some(166));
        assert_eq!(rate.per_second(2500, at(5)), Some(750));
    }

    #[test]
    fn texts_are_cut_to_the_room() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("天天天", 4), "天…");
    }
}
