//! What a running job does, on standard error: a line in place on a terminal, lines now and then in a pipe.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use wasmill_server::Progress;

use crate::args::Format;

/// How often the line on a terminal changes.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(200);
/// How often a pipe gets a line.
const PIPE_INTERVAL: Duration = Duration::from_secs(10);

/// Who is behind the others by no more than this is not worth a word.
const BEHIND_MS: i64 = 10_000;

/// The progress of one job.
pub struct ProgressLine {
    mode: Mode,
    started: Instant,
    shown: Instant,
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
    /// `has_rows`: the job gives rows to standard output.
    pub fn new(quiet: bool, format: Format, has_rows: bool) -> Self {
        let rows_on_terminal = has_rows && std::io::stdout().is_terminal();
        let mode = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Mode::Quiet,
            (false, true) if rows_on_terminal => Mode::Summary,
            (false, true) => Mode::Terminal,
            (false, false) => Mode::Pipe,
        };
        let _ = format;
        let now = Instant::now();
        Self { mode, started: now, shown: now, is_visible: false }
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
        let line = figures(progress, self.started.elapsed());
        let mut err = std::io::stderr().lock();
        if self.mode == Mode::Terminal {
            let _ = write!(err, "\r\x1b[2K{line}");
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

    /// The last line.
    pub fn summary(&mut self, how: &str, progress: &Progress) {
        if self.mode != Mode::Quiet {
            let _ = writeln!(std::io::stderr(), "{how}: {}", figures(progress, self.started.elapsed()));
        }
    }
}

fn figures(progress: &Progress, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let mut line = format!("{} rows in, {} out", grouped(progress.rows_in), grouped(progress.rows_out));
    if progress.late_rows > 0 {
        line.push_str(&format!(", {} late", grouped(progress.late_rows)));
    }
    if progress.rejected > 0 {
        line.push_str(&format!(", {} rejected", grouped(progress.rejected)));
    }
    if let Some(watermark) = progress.watermark_ms.and_then(timestamp) {
        line.push_str(&format!(", watermark {watermark}"));
        if let Some(holder) = progress.watermark_holder.as_ref().filter(|h| h.behind_ms > BEHIND_MS) {
            let table = holder.table.as_ref().unwrap_or(&holder.uid);
            line.push_str(&format!(" (held back by '{table}', instance {})", holder.instance));
        }
    }
    line.push_str(&format!(", {seconds:.1} s"));
    if progress.rows_in > 0 && seconds >= 1.0 {
        line.push_str(&format!(", {} rows/s", grouped((progress.rows_in as f64 / seconds) as u64)));
    }
    line
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
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

/// `2024-01-31 12:00:05` UTC; `None` for the ends of time.
fn timestamp(ms: i64) -> Option<String> {
    const DAY_MS: i64 = 86_400_000;
    if !(-62_135_596_800_000..=253_402_300_799_999).contains(&ms) {
        return None;
    }
    let array = arrow::array::TimestampSecondArray::from(vec![ms.div_euclid(1000)]);
    let _ = DAY_MS;
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
        let progress = Progress { rows_in: 30_000, rows_out: 12, late_rows: 3, ..Progress::default() };
        assert_eq!(figures(&progress, Duration::from_millis(320)), "30,000 rows in, 12 out, 3 late, 0.3 s");
    }
}
