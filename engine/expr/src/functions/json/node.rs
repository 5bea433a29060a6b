//! JSON documents as trees: numbers keep their text, so that no digit is lost; the reader takes what Jackson takes.

use std::borrow::Cow;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Boolean(bool),
    /// As it was written, but `-0` is `0`.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    /// Members in the order of their first appearance; of a repeated key the last value counts.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// Why a text is no JSON.
#[derive(Debug)]
pub(super) struct Malformed {
    what: &'static str,
    at: usize,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// Deeper nesting is refused, as by Jackson.
const DEPTH_MAX: usize = 1000;

impl<'a> Node<'a> {
    /// Reads the first JSON value of a text; what follows it is not looked at, as in Flink.
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        reader.skip_space();
        reader.value()
    }

    /// Neither array nor object.
    pub(super) fn is_scalar(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }

    /// Appends the value as JSON, keys in ascending order as Flink does.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Boolean(true) => out.push_str("true"),
            Self::Boolean(false) => out.push_str("false"),
            Self::Number(text) => write_number(text, out),
            Self::Text(text) => write_text(text, out),
            Self::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                out.push('{');
                for (i, (key, value)) in members.into_iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// Appends a JSON string with its quotes.
pub(super) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..at]);
        start = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                out.push_str("\\u00");
                for digit in [control >> 4, control & 15] {
                    out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

/// Appends a number as Java's `BigDecimal` (`BigInteger` where it has neither point nor exponent) prints it.
pub(super) fn write_number(text: &str, out: &mut String) {
    let Some(exponent_at) = text.find(['e', 'E']) else { return out.push_str(text) };
    let exponent: i64 = text[exponent_at + 1..].parse().unwrap_or(0);
    let (sign, mantissa) = match text[..exponent_at].strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", &text[..exponent_at]),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let scale = fraction.len() as i64 - exponent;
    let adjusted = digits.len() as i64 - 1 - scale;
    out.push_str(sign);
    if scale >= 0 && adjusted >= -6 {
        let scale = scale as usize;
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        out.push_str(whole);
        if scale > 0 {
            out.push('.');
            out.push_str(fraction);
        }
        return;
    }
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
    if adjusted != 0 {
        out.push_str(if adjusted > 0 { "E+" } else { "E" });
        out.push_str(&adjusted.to_string());
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn fail<T>(&self, what: &'static str) -> Result<T, Malformed> {
        Err(Malformed { what, at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes that byte if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn value(&mut self) -> Result<Node<'a>, Malformed> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Node::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Node::Boolean(true)),
            Some(b'f') => self.word("false", Node::Boolean(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(_) => self.fail("unexpected character"),
            None => self.fail("unexpected end"),
        }
    }

    fn nested(&mut self, f: fn(&mut Self) -> Result<Node<'a>, Malformed>) -> Result<Node<'a>, Malformed> {
        if self.depth == DEPTH_MAX {
            return self.fail("nested too deeply");
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        let node = f(self);
        self.depth -= 1;
        node
    }

    fn object(&mut self) -> Result<Node<'a>, Malformed> {
        let mut members: Vec<(Cow<'a, str>, Node<'a>)> = Vec::new();
        if self.take(b'}') {
            return Ok(Node::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fail("a key is missing");
            }
            let key = self.string()?;
            self.skip_space();
            if !self.take(b':') {
                return self.fail("':' is missing");
            }
            self.skip_space();
            let value = self.value()?;
            match members.iter_mut().find(|(known, _)| *known == key) {
                Some(member) => member.1 = value,
                None => members.push((key, value)),
            }
            self.skip_space();
            if self.take(b'}') {
                return Ok(Node::Object(members));
            }
            if !self.take(b',') {
                return self.fail("',' or '}' is missing");
            }
            self.skip_space();
        }
    }

    fn array(&mut self) -> Result<Node<'a>, Malformed> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Node::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Node::Array(items));
            }
            if !self.take(b',') {
                return self.fail("',' or ']' is missing");
            }
            self.skip_space();
        }
    }

    /// A word ends where letters and digits do.
    fn word(&mut self, word: &'static str, node: Node<'a>) -> Result<Node<'a>, Malformed> {
        let rest = &self.text[self.at..];
        if !rest.starts_with(word) || rest[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return self.fail("unknown word");
        }
        self.at += word.len();
        Ok(node)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Node<'a>, Malformed> {
        let start = self.at;
        self.take(b'-');
        let zero = self.peek() == Some(b'0');
        match self.digits() {
            0 => return self.fail("a digit is missing"),
            2.. if zero => return self.fail("a number starts with 0"),
            _ => {}
        }
        if self.take(b'.') && self.digits() == 0 {
            return self.fail("a digit is missing");
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            if self.digits() == 0 {
                return self.fail("a digit is missing");
            }
        }
        if !matches!(self.peek(), None | Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b']' | b'}' | b':'))
            && self.depth == 0
        {
            return self.fail("a number is followed by something else");
        }
        let text = match &self.text[start..self.at] {
            "-0" => "0",
            text => text,
        };
        Ok(Node::Number(Cow::Borrowed(text)))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut copied = start;
        loop {
            match self.peek() {
                None => return self.fail("a string does not end"),
                Some(b'"') => {
                    let rest = &self.text[copied..self.at];
                    self.at += 1;
                    return Ok(match unescaped {
                        Some(mut text) => {
                            text.push_str(rest);
                            Cow::Owned(text)
                        }
                        None => Cow::Borrowed(rest),
                    });
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(&self.text[copied..self.at]);
                    self.at += 1;
                    let c = self.escape()?;
                    unescaped.get_or_insert_default().push(c);
                    copied = self.at;
                }
                Some(..0x20) => return self.fail("a string has a control character"),
                Some(_) => self.at += 1,
            }
        }
    }

    /// What follows a backslash; a lone surrogate becomes the replacement character.
    fn escape(&mut self) -> Result<char, Malformed> {
        let Some(byte) = self.peek() else { return self.fail("a string does not end") };
        let c = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                let first = self.hex4()?;
                if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let second = self.hex4()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
                    }
                    self.at = back;
                }
                return Ok(char::from_u32(first).unwrap_or('\u{fffd}'));
            }
            _ => return self.fail("an unknown escape"),
        };
        self.at += 1;
        Ok(c)
    }

    fn hex4(&mut self) -> Result<u32, Malformed> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|d| u32::from_str_radix(d, 16).ok()) else {
            return self.fail("four hexadecimal digits are missing");
        };
        self.at += 4;
        Ok(code)
    }
}
