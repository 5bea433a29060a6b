//! Rows as a table of text. On a terminal it fits the width: the widest columns are narrowed, and where that is not enough
//! each row becomes a small record.
//!
//! ```text
//! +----+-------+        -[ row 1 ]--
//! | id | name  |        id   | 1
//! +----+-------+        name | Ada
//! |  1 | Ada   |
//! +----+-------+
//! ```

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::progress::cut;
use crate::style::Colours;

/// Rows that are looked at before the widths of the columns are fixed.
const SAMPLE_ROWS: usize = 1000;
/// A table whose first rows come singly leaves room for wider ones.
const SAMPLE_ROWS_FEW: usize = 20;
/// A wider value is cut.
const CELL_WIDTH_MAX: usize = 100;
/// Columns of text are not narrowed below this.
const NARROW_WIDTH: usize = 10;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub name: String,
    /// Numbers stand on the right.
    pub is_numeric: bool,
    /// Whether a part of a value is of use; of a number or a time it is not.
    pub may_narrow: bool,
    /// The width that most values of its type need.
    pub usual_width: usize,
}

/// Writes rows as they come; the widths are those of the first rows.
pub struct Table {
    columns: Vec<Column>,
    widths: Vec<usize>,
    sample: Vec<Vec<String>>,
    layout: Option<Layout>,
    room: Option<usize>,
    wraps: bool,
    is_endless: bool,
    colours: Colours,
    rows: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Columns,
    Records,
}

impl Table {
    /// `room`: how wide a line may be, where that is limited.
    pub fn new(columns: Vec<Column>, room: Option<usize>, colours: Colours) -> Self {
        let columns: Vec<Column> = columns.into_iter().map(|c| Column { name: cell(&c.name), ..c }).collect();
        let widths = columns.iter().map(|c| c.name.width()).collect();
        Self {
            columns,
            widths,
            sample: Vec::new(),
            layout: None,
            room,
            wraps: false,
            is_endless: false,
            colours,
            rows: 0,
        }
    }

    /// Where a text is too wide for its column, it goes on below instead of being cut.
    pub fn wrapping(mut self) -> Self {
        self.wraps = true;
        self
    }

    /// Rows will come one by one: columns get the widths that are usual for their types.
    pub fn endless(mut self) -> Self {
        self.is_endless = true;
        self
    }

    /// Takes a row; cells as [`cell`] gives them.
    pub fn row(&mut self, cells: Vec<String>, out: &mut impl Write) -> io::Result<()> {
        self.rows += 1;
        if self.layout.is_some() {
            self.widen(&cells);
            return self.line(&cells, self.rows, out);
        }
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.width());
        }
        self.sample.push(cells);
        if self.sample.len() >= SAMPLE_ROWS { self.begin(out) } else { Ok(()) }
    }

    /// Writes what was held back so far; with no row yet, waits for one.
    pub fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.sample.is_empty() { Ok(()) } else { self.begin(out) }
    }

    /// The last line; `note` stands behind the number of rows.
    pub fn end(&mut self, note: &str, out: &mut impl Write) -> io::Result<()> {
        self.begin(out)?;
        if self.layout == Some(Layout::Columns) {
            self.rule(out)?;
        }
        let count = format!("{} {}{note}", self.rows, if self.rows == 1 { "row" } else { "rows" });
        writeln!(out, "{}", self.colours.faint(&count))
    }

    /// Settles the layout and writes the head and the sample.
    fn begin(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.layout.is_some() {
            return Ok(());
        }
        if self.is_endless && self.sample.len() < SAMPLE_ROWS_FEW {
            let usual = self.columns.iter().map(|c| c.usual_width);
            self.widths.iter_mut().zip(usual).for_each(|(width, usual)| *width = (*width).max(usual));
        }
        let fitting = self.room.map_or_else(|| Some(self.widths.clone()), |room| self.fit(room));
        match fitting {
            Some(widths) => {
                self.widths = widths;
                self.layout = Some(Layout::Columns);
                self.rule(out)?;
                let names: Vec<String> = self.columns.iter().map(|c| c.name.clone()).collect();
                let head = self.cells(&names, |text| self.colours.strong(text));
                writeln!(out, "{head}")?;
                self.rule(out)?;
            }
            None => self.layout = Some(Layout::Records),
        }
        for (cells, number) in std::mem::take(&mut self.sample).into_iter().zip(1..) {
            self.line(&cells, number, out)?;
        }
        Ok(())
    }

    /// Gives a later row that is wider than the first ones the room that is left on the terminal.
    fn widen(&mut self, cells: &[String]) {
        let Some(room) = self.room else { return };
        let mut left = room.saturating_sub(self.widths.iter().sum::<usize>() + 3 * self.widths.len() + 1);
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            let more = cell.width().saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    }

    /// Widths of which the table is at most `room` wide: the widest columns are narrowed, none below [`NARROW_WIDTH`]. `None`
    /// where that is not enough.
    fn fit(&self, room: usize) -> Option<Vec<usize>> {
        let frame = 3 * self.widths.len() + 1;
        let mut widths = self.widths.clone();
        while widths.iter().sum::<usize>() + frame > room {
            let narrowable = widths.iter_mut().zip(&self.columns).filter(|(_, c)| c.may_narrow).map(|(width, _)| width);
            let widest = narrowable.max().filter(|width| **width > NARROW_WIDTH)?;
            *widest -= 1;
        }
        Some(widths)
    }

    fn rule(&self, out: &mut impl Write) -> io::Result<()> {
        let dashes: Vec<String> = self.widths.iter().map(|w| "-".repeat(w + 2)).collect();
        writeln!(out, "{}", self.colours.faint(&format!("+{}+", dashes.join("+"))))
    }

    fn line(&self, cells: &[String], number: u64, out: &mut impl Write) -> io::Result<()> {
        if self.layout == Some(Layout::Columns) {
            return if self.wraps {
                self.wrapped(cells, out)
            } else {
                writeln!(out, "{}", self.cells(cells, str::to_owned))
            };
        }
        let width = self.columns.iter().map(|c| c.name.width()).max().unwrap_or(0);
        writeln!(out, "{}", self.colours.faint(&format!("-[ row {number} ]{}", "-".repeat(width))))?;
        for (cell, column) in cells.iter().zip(&self.columns) {
            let pad = " ".repeat(width - column.name.width());
            writeln!(out, "{}{pad} {} {cell}", self.colours.strong(&column.name), self.colours.faint("|"))?;
        }
        Ok(())
    }

    /// A row in as many lines as its longest cell needs.
    fn wrapped(&self, cells: &[String], out: &mut impl Write) -> io::Result<()> {
        let all: Vec<Vec<String>> = cells.iter().zip(&self.widths).map(|(text, width)| wrap(text, *width)).collect();
        for i in 0..all.iter().map(Vec::len).max().unwrap_or(0) {
            let line: Vec<String> = all.iter().map(|lines| lines.get(i).cloned().unwrap_or_default()).collect();
            writeln!(out, "{}", self.cells(&line, str::to_owned))?;
        }
        Ok(())
    }

    /// One line of the table; a cell that is too wide for a terminal is cut, elsewhere it moves the line.
    fn cells(&self, cells: &[String], paint: impl Fn(&str) -> String) -> String {
        let bar = self.colours.faint("|");
        let mut line = bar.clone();
        for ((text, width), column) in cells.iter().zip(&self.widths).zip(&self.columns) {
            let text = if self.room.is_some() { cut(text, *width) } else { text.clone() };
            let pad = " ".repeat(width.saturating_sub(text.width()));
            let (left, right) = if column.is_numeric { (pad.as_str(), "") } else { ("", pad.as_str()) };
            line.push_str(&format!(" {left}{}{right} {bar}", paint(&text)));
        }
        line
    }
}

/// A text in lines of at most `width`, broken between words; a word that is wider stays whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("one at least");
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A value on one line, cut where it is too wide.
pub fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut width = 0;
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        width += c.width().unwrap_or(2);
        if width >= CELL_WIDTH_MAX {
            out.push('…');
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        let column =
            |n: &&str| Column { name: (*n).to_owned(), is_numeric: *n == "n", may_narrow: *n != "n", usual_width: 6 };
        names.iter().map(column).collect()
    }

    fn table(rows: &[&[&str]], names: &[&str], room: Option<usize>) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(columns(names), room, Colours::OFF);
        for row in rows {
            table.row(row.iter().map(|c| cell(c)).collect(), &mut out).unwrap();
        }
        table.end("", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_fits_a_terminal() {
        let rows: &[&[&str]] = &[&["1", "a short one"], &["20", "a value of more words than fit"]];
        let lines = "+----+---------------+\n|  n | name          |\n+----+---------------+\n|  1 | a short one   |\n\
                     | 20 | a value of m… |\n+----+---------------+\n2 rows\n";
        assert_eq!(table(rows, &["n", "name"], Some(22)), lines);
        let records = "-[ row 1 ]----\nn    | 1\nname | a short one\n-[ row 2 ]----\nn    | 20\n\
                       name | a value of more words than fit\n2 rows\n";
        assert_eq!(table(rows, &["n", "name"], Some(15)), records);
        assert_eq!(table(&[], &["n"], None), "+---+\n| n |\n+---+\n+---+\n0 rows\n");
    }

    #[test]
    fn texts_wrap_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible", 7), ["incomprehensible"]);
        assert_eq!(wrap("", 7), [""]);
        let mut out = Vec::new();
        let mut table = Table::new(columns(&["n", "meaning"]), Some(24), Colours::OFF).wrapping();
        table.row(vec!["1".to_owned(), "what it is good for".to_owned()], &mut out).unwrap();
        table.end("", &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("| 1 | what it is good  |\n|   | for              |\n"), "{text}");
    }

    #[test]
    fn numbers_are_shown_whole_or_not_in_columns() {
        let rows: &[&[&str]] = &[&["12345678901234567890"]];
        assert!(table(rows, &["n"], Some(24)).contains("| 12345678901234567890 |"));
        assert!(table(rows, &["n"], Some(23)).contains("n | 12345678901234567890\n"));
    }

    /// A table whose first row is shown before the second comes.
    fn singly(table: Table, first: &str, second: &str) -> String {
        let (mut table, mut out) = (table, Vec::new());
        table.row(vec![first.to_owned()], &mut out).unwrap();
        table.flush(&mut out).unwrap();
        table.row(vec![second.to_owned()], &mut out).unwrap();
        table.end("", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_that_come_singly_get_room_for_wider_ones() {
        let endless = singly(Table::new(columns(&["n"]), None, Colours::OFF).endless(), "1", "123456");
        assert!(endless.contains("|      1 |\n| 123456 |"), "{endless}");
        let bounded = singly(Table::new(columns(&["n"]), Some(20), Colours::OFF), "1", "123456");
        assert!(bounded.contains("| 1 |\n| 123456 |"), "{bounded}");
        let narrow = singly(Table::new(columns(&["n"]), Some(8), Colours::OFF), "1", "123456");
        assert!(narrow.contains("| 1 |\n| 123… |"), "{narrow}");
    }

    #[test]
    fn cells_stay_on_one_line() {
        assert_eq!(cell("a\nb\tc\u{1b}[31m"), "a\\nb\\tc\u{fffd}[31m");
        assert_eq!(cell(&"天".repeat(60)).chars().count(), 51);
    }
}
