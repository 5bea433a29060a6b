//! What the table view draws: headings, the rows in sight, and a line with figures. Text only; `view` puts it on the terminal.

use crossterm::event::KeyCode;
use nu_ansi_term::Style;
use unicode_width::UnicodeWidthStr;

use super::rows::ResultRows;
use crate::progress::{cut, grouped};
use crate::style::Colours;
use crate::table::Column;

/// Columns of the view are not wider than this.
const COLUMN_WIDTH_MAX: usize = 40;
/// Between columns.
const GAP: &str = "  ";
/// What the last line says on the right.
const KEYS: &str = "q stops  ↑ ↓ ← → PgUp PgDn";

/// Where the view stands.
#[derive(Debug)]
pub struct Screen {
    columns: Vec<Column>,
    /// They only grow, so that the columns do not jump.
    widths: Vec<usize>,
    top: usize,
    left: usize,
    /// Shows the newest rows as they come.
    follows: bool,
    colours: Colours,
}

impl Screen {
    /// At the first row; with `follows` at the last, whatever comes.
    pub fn new(columns: Vec<Column>, follows: bool, colours: Colours) -> Self {
        let widths = columns.iter().map(|c| c.name.width().min(COLUMN_WIDTH_MAX)).collect();
        Self { columns, widths, top: 0, left: 0, follows, colours }
    }

    /// Moves; `page` rows are in sight of `len`.
    pub fn press(&mut self, key: KeyCode, len: usize, page: usize) {
        let last = len.saturating_sub(page);
        let top = if self.follows { last } else { self.top };
        let moved = match key {
            KeyCode::Up => top.saturating_sub(1),
            KeyCode::Down => top + 1,
            KeyCode::PageUp => top.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => top + page,
            KeyCode::Home => 0,
            KeyCode::End => last,
            KeyCode::Left => return self.left = self.left.saturating_sub(1),
            KeyCode::Right => return self.left = (self.left + 1).min(self.columns.len().saturating_sub(1)),
            _ => return,
        };
        self.top = moved.min(last);
        // At the end again, or never away from it.
        self.follows = self.top == last && matches!(key, KeyCode::End | KeyCode::Down | KeyCode::PageDown);
    }

    /// How many rows a terminal of that height shows.
    pub fn page(height: usize) -> usize {
        height.saturating_sub(2).max(1)
    }

    /// The lines of a terminal of that size, each at most `width` wide.
    pub fn lines(&mut self, rows: &ResultRows, figures: &str, (width, height): (usize, usize)) -> Vec<String> {
        let page = Self::page(height);
        let last = rows.len().saturating_sub(page);
        self.top = if self.follows { last } else { self.top.min(last) };
        let window = rows.window(self.top, page);
        for row in &window {
            for (known, cell) in self.widths.iter_mut().zip(row) {
                *known = (*known).max(cell.width().min(COLUMN_WIDTH_MAX));
            }
        }
        let names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let mut lines = vec![self.colours.paint(Style::new().bold().underline(), &self.row(&names, width))];
        lines.extend(window.iter().map(|row| self.row(row, width)));
        lines.resize(page + 1, String::new());
        lines.push(self.colours.paint(Style::new().reverse(), &self.status(rows, figures, page, width)));
        lines
    }

    fn row(&self, cells: &[&str], width: usize) -> String {
        let cell = |(i, text): (usize, &&str)| {
            let text = cut(text, self.widths[i]);
            let pad = " ".repeat(self.widths[i] - text.width());
            if self.columns[i].is_numeric { format!("{pad}{text}") } else { format!("{text}{pad}") }
        };
        let shown: Vec<String> = cells.iter().enumerate().skip(self.left).map(cell).collect();
        cut(&shown.join(GAP), width)
    }

    fn status(&self, rows: &ResultRows, figures: &str, page: usize, width: usize) -> String {
        let place = if rows.len() > page {
            format!(
                "rows {}–{} of {}",
                grouped(self.top as u64 + 1),
                grouped((self.top + page) as u64),
                grouped(rows.len() as u64)
            )
        } else {
            format!("{} {}", rows.len(), if rows.len() == 1 { "row" } else { "rows" })
        };
        let forgotten = match rows.forgotten() {
            0 => String::new(),
            n => format!(" ({} older ones not kept)", grouped(n)),
        };
        let left = format!(" {place}{forgotten} · {figures} ");
        let room = width.saturating_sub(left.width());
        match room.checked_sub(KEYS.width() + 1) {
            Some(gap) => format!("{left}{}{KEYS} ", " ".repeat(gap)),
            None => {
                let left = cut(&left, width);
                format!("{left}{}", " ".repeat(width - left.width()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmill_plan::ChangelogMode;
    use wasmill_server::RowKind;

    use super::*;

    fn rows(n: usize) -> ResultRows {
        let mut rows = ResultRows::new(ChangelogMode::Append, 1000);
        for i in 0..n {
            rows.apply(RowKind::Insert, [i.to_string(), format!("name {i}")].into_iter());
        }
        rows
    }

    fn screen(follows: bool) -> Screen {
        let column =
            |name: &str, is_numeric| Column { name: name.to_owned(), is_numeric, may_narrow: true, usual_width: 0 };
        Screen::new(vec![column("id", true), column("name", false)], follows, Colours::OFF)
    }

    #[test]
    fn rows_in_sight_and_figures_fill_the_terminal() {
        let lines = screen(false).lines(&rows(2), "2 rows in", (30, 6));
        assert_eq!(lines[..4], ["id  name  ", " 0  name 0", " 1  name 1", ""]);
        assert_eq!((lines.len(), lines[5].as_str()), (6, " 2 rows · 2 rows in           "));
        let wide = screen(false).lines(&rows(2), "2 rows in", (80, 6));
        assert!(wide[5].ends_with("PgDn ") && wide[5].width() == 80, "{}", wide[5]);
        assert!(screen(false).lines(&rows(2), "", (6, 6)).iter().all(|l| l.width() <= 6));
        assert_eq!(screen(false).lines(&rows(2), "", (0, 0)).len(), 3, "no terminal is too small");
    }

    #[test]
    fn keys_move_and_the_end_is_followed() {
        let mut screen = screen(true);
        let first = |screen: &mut Screen, n| screen.lines(&rows(n), "", (30, 12))[1].trim().to_owned();
        assert_eq!(first(&mut screen, 100), "90  name 90");
        assert_eq!(first(&mut screen, 101), "91  name 91");
        screen.press(KeyCode::Up, 101, 10);
        assert_eq!(first(&mut screen, 200), "90  name 90", "no longer at the end");
        screen.press(KeyCode::PageUp, 200, 10);
        assert_eq!(first(&mut screen, 200), "80  name 80");
        screen.press(KeyCode::Home, 200, 10);
        assert_eq!(first(&mut screen, 200), "0  name 0");
        screen.press(KeyCode::End, 200, 10);
        assert_eq!(first(&mut screen, 300), "290  name 290", "followed again");
        screen.press(KeyCode::Right, 300, 10);
        assert_eq!(first(&mut screen, 300), "name 290");
        screen.press(KeyCode::Left, 300, 10);
        assert!(screen.lines(&rows(300), "", (60, 12))[11].starts_with(" rows 291–300 of 300"));
    }
}
