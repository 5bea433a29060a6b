//! Colours, on terminals that take them.

use std::io::IsTerminal;

use nu_ansi_term::{Color, Style};

/// Whether text is coloured. `NO_COLOR` (no-color.org) and `TERM=dumb` switch it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours(bool);

impl Colours {
    /// No colours.
    #[cfg(test)]
    pub const OFF: Self = Self(false);

    /// For what is written to that stream.
    pub fn of(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|v| v == "dumb");
        Self(stream.is_terminal() && !refused)
    }
    /// Whether there are colours.
    pub fn are_on(self) -> bool {
        self.0
    }
    /// `text` in that style.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.0 { style.paint(text).to_string() } else { text.to_owned() }
    }
    /// What matters.
    pub fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }
    /// What matters less.
    pub fn faint(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }
    /// An error as `QueryError::render` gives it: `error:`, the user's line, carets, `detail:` and `hint:`.
    pub fn error(self, rendered: &str) -> String {
        if !self.0 {
            return rendered.to_owned();
        }
        let red = Style::new().fg(Color::Red).bold();
        let line = |(i, line): (usize, &str)| match line.split_once(": ") {
            Some(("error", rest)) if i == 0 => format!("{}: {}", self.paint(red, "error"), self.strong(rest)),
            Some(("detail", rest)) => format!("{}: {rest}", self.strong("detail")),
            Some(("hint", rest)) => format!("{}: {rest}", self.paint(Style::new().fg(Color::Cyan).bold(), "hint")),
            _ => match line.split_once(" | ") {
                Some((gutter, rest)) if gutter.chars().all(|c| c == ' ' || c.is_ascii_digit()) => {
                    let is_mark = gutter.trim().is_empty() && rest.trim_start().chars().all(|c| c == '^');
                    let rest = if is_mark { self.paint(red, rest) } else { rest.to_owned() };
                    format!("{} {rest}", self.paint(Style::new().fg(Color::Blue), &format!("{gutter} |")))
                }
                _ => line.to_owned(),
            },
        };
        rendered.split('\n').enumerate().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_text_under_the_colours() {
        let rendered = "error: unknown table 't'\n  1 | SELECT a | b: c FROM t\n    |                      ^\nhint: did you mean 'u'?";
        assert_eq!(Colours::OFF.error(rendered), rendered);
        let painted = Colours(true).error(rendered);
        assert_ne!(painted, rendered);
        let mut plain = String::new();
        let mut rest = painted.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').expect("a colour").1;
        }
        plain.push_str(rest);
        assert_eq!(plain, rendered);
    }
}
