//! The pieces of SQL text, finished or not, for highlighting and completion. It never fails: what is not closed reaches to the
//! end. The statements themselves are read by wasmill-sql.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Blanks and line breaks.
    Space,
    /// `-- …` and `/* … */`.
    Comment,
    /// A word without quotes.
    Word,
    /// Digits and what belongs to them.
    Number,
    /// `'…'`.
    Text,
    /// A name in backticks.
    Name,
    /// Any other character.
    Symbol,
}

/// A piece of a text, by bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub start: usize,
    /// Its text, quotes included.
    pub text: &'a str,
    /// Whether its quotes or comment are closed.
    pub is_closed: bool,
}

impl<'a> Piece<'a> {
    /// The byte behind it.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
    /// Whether it is that word (in upper case).
    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }
    /// Whether it is that character.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }
    /// What stands between the quotes; doubled ones are left as they are.
    pub fn unquoted(&self) -> &'a str {
        let quote = match self.kind {
            Kind::Text => '\'',
            Kind::Name => '`',
            _ => return self.text,
        };
        let inner = &self.text[1..];
        if self.is_closed { inner.strip_suffix(quote).unwrap_or(inner) } else { inner }
    }
    /// Whether it means something.
    pub fn is_significant(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// The pieces of `text`, one behind the other, nothing left out.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let (kind, length, is_closed) = next(&text[start..]);
        pieces.push(Piece { kind, start, text: &text[start..start + length], is_closed });
        start += length;
    }
    pieces
}

/// The first piece of `rest`, which is not empty.
fn next(rest: &str) -> (Kind, usize, bool) {
    let while_ = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
    let first = rest.chars().next().unwrap_or_default();
    match first {
        '\'' => quoted(rest, '\'', Kind::Text),
        '`' => quoted(rest, '`', Kind::Name),
        '-' if rest.starts_with("--") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len()), true),
        '/' if rest.starts_with("/*") => match rest[2..].find("*/") {
            Some(at) => (Kind::Comment, at + 4, true),
            None => (Kind::Comment, rest.len(), false),
        },
        c if c.is_whitespace() => (Kind::Space, while_(char::is_whitespace), true),
        c if c.is_alphabetic() || c == '_' => (Kind::Word, while_(|c| c.is_alphanumeric() || "_$".contains(c)), true),
        c if c.is_ascii_digit() => (Kind::Number, while_(|c| c.is_ascii_alphanumeric() || c == '.'), true),
        c => (Kind::Symbol, c.len_utf8(), true),
    }
}

/// Up to the closing quote; a doubled one is part of the text.
fn quoted(rest: &str, quote: char, kind: Kind) -> (Kind, usize, bool) {
    let mut at = 1;
    while let Some(found) = rest[at..].find(quote) {
        at += found + 1;
        if !rest[at..].starts_with(quote) {
            return (kind, at, true);
        }
        at += 1;
    }
    (kind, rest.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_text() {
        let text = "SELECT a.`b``c`, 'it''s', 1.5e3 -- x\nFROM t /* y";
        let all = pieces(text);
        assert_eq!(all.iter().map(|p| p.text).collect::<String>(), text);
        let significant: Vec<&str> = all.iter().filter(|p| p.is_significant()).map(|p| p.text).collect();
        assert_eq!(significant, ["SELECT", "a", ".", "`b``c`", ",", "'it''s'", ",", "1.5e3", "FROM", "t"]);
        assert!(!all.last().unwrap().is_closed && all.last().unwrap().kind == Kind::Comment);
        assert_eq!(all.iter().find(|p| p.kind == Kind::Text).unwrap().unquoted(), "it''s");
    }

    #[test]
    fn what_is_not_closed_reaches_to_the_end() {
        let all = pieces("WITH ('conn");
        let last = all.last().unwrap();
        assert_eq!((last.kind, last.is_closed, last.unquoted()), (Kind::Text, false, "conn"));
        assert_eq!(pieces("'").last().unwrap().unquoted(), "");
    }
}
