//! Colours for SQL as it is typed.

use std::sync::{Arc, RwLock};

use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

use super::command::{self, Entry};
use super::lexer::{Kind, Piece, pieces};
use super::names::Names;
use super::words::{is_keyword, is_type};
use crate::style::Colours;

/// Highlights what is typed, with the names of the session.
pub struct SqlHighlighter {
    names: Arc<RwLock<Names>>,
}

impl SqlHighlighter {
    /// With these names.
    pub fn new(names: Arc<RwLock<Names>>) -> Self {
        Self { names }
    }
}

impl Highlighter for SqlHighlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let names = self.names.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut text = StyledText::new();
        styled(line, &names).into_iter().for_each(|(style, part)| text.push((style, part.to_owned())));
        text
    }
}

/// SQL in colours, without a session.
pub fn painted(sql: &str, colours: Colours) -> String {
    styled(sql, &Names::default()).into_iter().map(|(style, text)| colours.paint(style, text)).collect()
}

/// The parts of `text`, each with its style.
fn styled<'a>(text: &'a str, names: &Names) -> Vec<(Style, &'a str)> {
    let is_command = !matches!(command::read(text), Entry::Statements | Entry::Nothing | Entry::Unknown { .. });
    let all = pieces(text);
    let mut first = true;
    let style_of = |(i, piece): (usize, &Piece<'a>)| {
        let is_first = piece.is_significant() && std::mem::take(&mut first);
        if is_command && is_first {
            return (Style::new().fg(Color::Cyan).bold(), piece.text);
        }
        let called = all[i + 1..].iter().find(|p| p.kind != Kind::Space).is_some_and(|p| p.is_symbol("("));
        (style(piece, called, names), piece.text)
    };
    all.iter().enumerate().map(style_of).collect()
}

fn style(piece: &Piece, is_called: bool, names: &Names) -> Style {
    let plain = Style::new();
    match piece.kind {
        Kind::Comment => plain.fg(Color::DarkGray),
        Kind::Text => plain.fg(Color::Green),
        Kind::Number => plain.fg(Color::Purple),
        Kind::Name => plain.fg(Color::Yellow),
        Kind::Word if is_called && !is_keyword(piece.text) && names.is_function(piece.text) => plain.fg(Color::Cyan),
        Kind::Word if names.relation(piece.text).is_some() => plain.fg(Color::Yellow),
        Kind::Word if is_keyword(piece.text) => plain.fg(Color::Blue).bold(),
        Kind::Word if is_type(piece.text) => plain.fg(Color::Blue),
        Kind::Word | Kind::Symbol | Kind::Space => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_kept_and_kinds_differ() {
        let text = "SELECT upper(name), 'x', 1 FROM t -- end";
        let parts = styled(text, &Names::default());
        assert_eq!(parts.iter().map(|(_, t)| *t).collect::<String>(), text);
        let of = |word: &str| parts.iter().find(|(_, t)| *t == word).expect("a part").0;
        assert_eq!(of("SELECT"), of("FROM"));
        assert_eq!(of("upper").foreground, Some(Color::Cyan));
        assert_eq!(of("name"), Style::new());
        assert_eq!(of("'x'").foreground, Some(Color::Green));
        assert_eq!(styled("help SELECT", &Names::default())[0].0.foreground, Some(Color::Cyan));
    }
}
