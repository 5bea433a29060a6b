//! Walks over the tokens of one JSON text (RFC 8259) without building anything.

use super::marks::{self, Marks};
use super::number::{INTEGER_POWERS, eight_digits, exact_double, leading_digits};

/// Deepest nesting of what is skipped or kept as text.
const DEPTH_MAX: usize = 512;

/// Where a JSON text breaks its grammar.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    /// What was expected.
    pub(crate) expected: &'static str,
    /// Index of the byte.
    pub(crate) at: usize,
}

/// A number of few digits: `mantissa` times ten to the power of minus `scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShortNumber {
    negative: bool,
    mantissa: u64,
    /// Digits behind the point.
    scale: usize,
}

impl ShortNumber {
    /// The nearest DOUBLE, where one exact division gives it (Clinger's fast path).
    pub(crate) fn to_double(self) -> Option<f64> {
        exact_double(self.mantissa, self.scale).map(|value| if self.negative { -value } else { value })
    }
}

/// A position in a JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    marks: &'a Marks,
}

/// A string between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawString<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether it has escapes.
    pub(crate) escaped: bool,
}

impl<'a> Cursor<'a> {
    /// At the beginning of a text of which nothing else is known.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self::marked(bytes, &marks::NONE)
    }
    /// At the beginning of a text with its marks.
    pub(super) fn marked(bytes: &'a [u8], marks: &'a Marks) -> Self {
        Self { bytes, at: 0, marks }
    }
    pub(crate) fn fail<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { expected, at: self.at })
    }
    /// The next byte behind white space, not consumed; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => byte,
            _ => self.peek_behind_space(),
        }
    }
    fn peek_behind_space(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }
    /// Consumes `byte` behind white space.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), SyntaxError> {
        if self.peek() != byte {
            return self.fail(expected);
        }
        self.at += 1;
        Ok(())
    }
    /// Only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), SyntaxError> {
        self.peek();
        if self.at == self.bytes.len() { Ok(()) } else { self.fail("the end of the record") }
    }
    /// Consumes `null`, `true` or `false`.
    pub(crate) fn word(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fail("a JSON value");
        }
        self.at += word.len();
        Ok(())
    }
    /// Consumes a string; the cursor is at its opening quote.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<RawString<'a>, SyntaxError> {
        debug_assert_eq!(self.bytes[self.at], b'"');
        if self.marks.search {
            return self.search_string();
        }
        match self.marked_string() {
            Some(raw) => Ok(raw),
            None => {
                self.at = self.bytes.len();
                self.fail("the closing quote of a string")
            }
        }
    }
    /// Consumes a string; `None`, and nothing consumed, where there is none, or there are no marks. The cursor is not at white space.
    #[inline]
    pub(super) fn marked_string(&mut self) -> Option<RawString<'a>> {
        let start = self.at + 1;
        if self.bytes.get(self.at) != Some(&b'"') || self.marks.search {
            return None;
        }
        let end = self.marks.quote(start)?;
        self.at = end + 1;
        Some(RawString { bytes: &self.bytes[start..end], escaped: self.marks.has_backslash(start, end) })
    }
    /// The same without marks.
    #[cold]
    fn search_string(&mut self) -> Result<RawString<'a>, SyntaxError> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at += plain_length(&self.bytes[at..]);
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(RawString { bytes: &self.bytes[start..at], escaped });
                }
                Some(b'\\') if at + 1 < self.bytes.len() => {
                    escaped = true;
                    at += 2;
                }
                Some(byte) if *byte < 0x20 => {
                    self.at = at;
                    return self.fail("no unescaped control character in a string");
                }
                _ => {
                    self.at = self.bytes.len();
                    return self.fail("the closing quote of a string");
                }
            }
        }
    }
    /// Appends a string that [`Cursor::string`] gave with its escapes resolved; the cursor is behind its closing quote.
    ///
    /// # Errors
    /// As [`unescape`].
    pub(super) fn unescape(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        if self.marks.search {
            return unescape(raw, out);
        }
        let end = self.at - 1;
        let start = end - raw.len();
        unescape_at(raw, out, |from| self.marks.backslash(start + from, end).map(|at| at - start))
    }
    /// Consumes a number and gives its text; the cursor is at its first byte.
    pub(crate) fn number(&mut self) -> Result<&'a [u8], SyntaxError> {
        let start = self.at;
        let rest = |at: usize| self.bytes.get(at).copied().unwrap_or(0);
        let mut at = start + usize::from(rest(start) == b'-');
        let integer = at;
        while rest(at).is_ascii_digit() {
            at += 1;
        }
        let leading_zero = at - integer > 1 && rest(integer) == b'0';
        let mut valid = at > integer && !leading_zero;
        if rest(at) == b'.' {
            let fraction = at + 1;
            at = fraction;
            while rest(at).is_ascii_digit() {
                at += 1;
            }
            valid &= at > fraction;
        }
        if matches!(rest(at), b'e' | b'E') {
            at += 1 + usize::from(matches!(rest(at + 1), b'+' | b'-'));
            let exponent = at;
            while rest(at).is_ascii_digit() {
                at += 1;
            }
            valid &= at > exponent;
        }
        if !valid {
            return self.fail("a JSON value");
        }
        self.at = at;
        Ok(&self.bytes[start..at])
    }
    /// Consumes an integer of at most 18 digits; `None`, and nothing consumed, where it is something else. The cursor is at its first
    /// byte.
    #[inline]
    pub(crate) fn short_integer(&mut self) -> Option<i64> {
        let text = &self.bytes[self.at..];
        let negative = text.first() == Some(&b'-');
        let digits = &text[usize::from(negative)..];
        let (value, count) = leading_digits(digits);
        let plain = !matches!(digits.get(count), Some(b'.' | b'e' | b'E'));
        if !(1..=18).contains(&count) || !plain || (count > 1 && digits[0] == b'0') {
            return None;
        }
        self.at += usize::from(negative) + count;
        // 18 digits fit.
        Some(if negative { -(value as i64) } else { value as i64 })
    }
    /// Consumes an integer of one to seven digits with a comma or a brace behind it; `None`, and nothing consumed, where it is something
    /// else. The cursor is not at white space.
    #[inline(always)]
    pub(super) fn usual_integer(&mut self) -> Option<i64> {
        let chunk = self.bytes.get(self.at..)?.first_chunk()?;
        let (value, count) = eight_digits(chunk);
        if !(1..8).contains(&count) || !matches!(chunk[count], b',' | b'}') || (chunk[0] == b'0' && count > 1) {
            return None;
        }
        self.at += count;
        Some(value as i64)
    }
    /// A plain number of at most 18 digits, without an exponent, and its length; the cursor is at its first byte and stays there.
    #[inline]
    pub(crate) fn short_number(&self) -> Option<(ShortNumber, usize)> {
        let bytes = &self.bytes[self.at..];
        let negative = bytes.first() == Some(&b'-');
        let first = usize::from(negative);
        let (mut mantissa, mut digits) = leading_digits(&bytes[first..]);
        if digits == 0 || (digits > 1 && bytes[first] == b'0') {
            return None;
        }
        let (mut at, mut scale) = (first + digits, 0);
        if bytes.get(at) == Some(&b'.') {
            let fraction;
            (fraction, scale) = leading_digits(&bytes[at + 1..]);
            digits += scale;
            if scale == 0 || digits > 18 {
                return None;
            }
            mantissa = mantissa * INTEGER_POWERS[scale] + fraction;
            at += 1 + scale;
        }
        if digits > 18 || matches!(bytes.get(at), Some(b'e' | b'E')) {
            return None;
        }
        Some((ShortNumber { negative, mantissa, scale }, at))
    }
    /// Consumes any value and checks its grammar.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            _ => self.skip_nested(0),
        }
    }
    fn skip_nested(&mut self, depth: usize) -> Result<(), SyntaxError> {
        if depth > DEPTH_MAX {
            return self.fail("no deeper nesting");
        }
        match self.peek() {
            b'"' => self.string().map(|_| ()),
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'{' => {
                self.at += 1;
                if self.peek() == b'}' {
                    self.at += 1;
                    return Ok(());
                }
                loop {
                    self.key()?;
                    self.skip_nested(depth + 1)?;
                    if !self.more(b'}')? {
                        return Ok(());
                    }
                }
            }
            b'[' => {
                self.at += 1;
                if self.peek() == b']' {
                    self.at += 1;
                    return Ok(());
                }
                loop {
                    self.skip_nested(depth + 1)?;
                    if !self.more(b']')? {
                        return Ok(());
                    }
                }
            }
            _ => match self.short_number() {
                Some((_, length)) => {
                    self.at += length;
                    Ok(())
                }
                None => self.number().map(|_| ()),
            },
        }
    }
    /// Consumes `"key":`.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<RawString<'a>, SyntaxError> {
        if self.peek() != b'"' {
            return self.fail("a field name in quotes");
        }
        let key = self.string()?;
        self.expect(b':', "':'")?;
        Ok(key)
    }
    /// Behind an element: consumes a comma (true) or `close` (false).
    #[inline]
    pub(crate) fn more(&mut self, close: u8) -> Result<bool, SyntaxError> {
        let byte = self.peek();
        if byte == b',' {
            self.at += 1;
            Ok(true)
        } else if byte == close {
            self.at += 1;
            Ok(false)
        } else {
            self.fail(if close == b'}' { "',' or '}'" } else { "',' or ']'" })
        }
    }
}

/// How many bytes come before the first quote, backslash or control character; eight at a time.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut length = 0;
    let (words, tail) = bytes.as_chunks::<8>();
    for chunk in words {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found =
            zero_bytes(word ^ (ONES * u64::from(b'"'))) | zero_bytes(word ^ (ONES * u64::from(b'\\'))) | control;
        if found != 0 {
            return length + found.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + tail.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20)).count()
}

/// Appends the string with its escapes resolved. A lone surrogate becomes `?`, as in Java's encoder.
///
/// # Errors
/// What was expected in place of an escape.
pub(crate) fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    unescape_at(raw, out, |from| memchr::memchr(b'\\', &raw[from..]).map(|at| from + at))
}

/// The same; `next` gives the first backslash at or behind a place.
#[inline]
fn unescape_at(raw: &[u8], out: &mut Vec<u8>, next: impl Fn(usize) -> Option<usize>) -> Result<(), &'static str> {
    let mut rest = raw;
    while let Some(at) = next(raw.len() - rest.len()) {
        let at = at - (raw.len() - rest.len());
        out.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).ok_or("the rest of an escape")?;
        rest = &rest[at + 2..];
        match escape {
            b'"' | b'\\' | b'/' => out.push(*escape),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let first = hex4(rest).ok_or("four hexadecimal digits")?;
                rest = &rest[4..];
                let mut code = first;
                if (0xD800..0xDC00).contains(&first)
                    && rest.starts_with(b"\\u")
                    && let Some(second @ 0xDC00..0xE000) = hex4(&rest[2..])
                {
                    code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                    rest = &rest[6..];
                }
                let character = char::from_u32(code).unwrap_or('?');
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return Err("one of the escapes \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u"),
        }
    }
    out.extend_from_slice(rest);
    Ok(())
}

fn hex4(text: &[u8]) -> Option<u32> {
    text.get(..4)?.iter().try_fold(0, |n, b| Some(n * 16 + (*b as char).to_digit(16)?))
}
