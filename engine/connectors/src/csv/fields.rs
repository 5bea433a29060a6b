//! Where records and fields of CSV text end.

use super::CsvOptions;

/// The length of the first record with its line break; a quoted field may hold line breaks. `None` where it does not end.
pub(crate) fn record_length(options: &CsvOptions, bytes: &[u8], searched: usize) -> Option<usize> {
    let Some(quote) = options.quote else {
        return memchr::memchr(b'\n', &bytes[searched..]).map(|at| searched + at + 1);
    };
    if options.allow_comments && bytes.first() == Some(&b'#') {
        return memchr::memchr(b'\n', bytes).map(|at| at + 1);
    }
    let end = memchr::memchr(b'\n', bytes)? + 1;
    if memchr::memchr(quote, &bytes[..end]).is_none() {
        return Some(end);
    }
    let (mut at, mut quoted) = (0, false);
    while at < bytes.len() {
        let byte = bytes[at];
        if Some(byte) == options.escape && byte != quote {
            at += 1;
        } else if byte == quote {
            // A quote opens a field only at its beginning; a doubled one closes and opens again.
            quoted = !quoted && opens_field(options, bytes, at) || (!quoted && at > 0 && bytes[at - 1] == quote);
        } else if byte == b'\n' && !quoted {
            return Some(at + 1);
        }
        at += 1;
    }
    None
}

/// The length of all records that end in `bytes`; 0 where none does. Where no field is quoted, the last line break ends the last.
pub(crate) fn whole_records(options: &CsvOptions, bytes: &[u8]) -> usize {
    if options.quote.is_none_or(|quote| memchr::memchr(quote, bytes).is_none()) {
        return memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    }
    let mut length = 0;
    while let Some(next) = record_length(options, &bytes[length..], 0) {
        length += next;
    }
    length
}

fn opens_field(options: &CsvOptions, bytes: &[u8], at: usize) -> bool {
    let before = bytes[..at].iter().rev().find(|b| **b != b' ');
    before.is_none_or(|b| *b == options.delimiter)
}

/// Walks over the fields of one record.
pub(crate) struct Fields<'a, 'o> {
    options: &'o CsvOptions,
    record: &'a [u8],
    at: usize,
    /// No quote or escape in the record: fields end at the next delimiter.
    plain: bool,
    done: bool,
}

/// One field.
pub(crate) enum FieldText<'a> {
    /// As it stands in the record.
    Plain(&'a [u8]),
    /// In the buffer given to [`Fields::next`], quotes and escapes resolved.
    Unquoted,
}

impl<'a, 'o> Fields<'a, 'o> {
    pub(crate) fn new(options: &'o CsvOptions, record: &'a [u8]) -> Self {
        let special = |byte: Option<u8>| byte.is_some_and(|b| memchr::memchr(b, record).is_some());
        let plain = !special(options.quote) && !special(options.escape);
        Self { options, record, at: 0, plain, done: false }
    }

    /// The next field.
    ///
    /// # Errors
    /// A quoted field that does not end, or goes on behind its closing quote.
    pub(crate) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Option<FieldText<'a>>, String> {
        if self.done {
            return Ok(None);
        }
        let rest = &self.record[self.at..];
        if self.plain {
            let length = memchr::memchr(self.options.delimiter, rest).unwrap_or(rest.len());
            self.finish_field(length);
            return Ok(Some(FieldText::Plain(&rest[..length])));
        }
        buffer.clear();
        let blanks = if self.options.delimiter == b' ' { 0 } else { rest.iter().take_while(|b| **b == b' ').count() };
        match self.options.quote {
            Some(quote) if rest.get(blanks) == Some(&quote) => self.quoted(quote, blanks, buffer)?,
            _ => self.unquoted(buffer),
        }
        Ok(Some(FieldText::Unquoted))
    }

    /// Consumes the field of `length` bytes and the delimiter behind it.
    fn finish_field(&mut self, length: usize) {
        self.at += length;
        self.done = self.at >= self.record.len();
        self.at += 1;
    }

    fn unquoted(&mut self, buffer: &mut Vec<u8>) {
        let rest = &self.record[self.at..];
        let mut at = 0;
        while at < rest.len() && rest[at] != self.options.delimiter {
            if Some(rest[at]) == self.options.escape && at + 1 < rest.len() {
                at += 1;
                buffer.push(unescaped(rest[at]));
            } else {
                buffer.push(rest[at]);
            }
            at += 1;
        }
        self.finish_field(at);
    }

    fn quoted(&mut self, quote: u8, blanks: usize, buffer: &mut Vec<u8>) -> Result<(), String> {
        let rest = &self.record[self.at..];
        let mut at = blanks + 1;
        loop {
            match rest.get(at) {
                None => return Err("a quoted field does not end".into()),
                Some(byte) if *byte == quote => {
                    if rest.get(at + 1) == Some(&quote) {
                        buffer.push(quote);
                        at += 2;
                        continue;
                    }
                    at += 1;
                    break;
                }
                Some(byte) if Some(*byte) == self.options.escape && at + 1 < rest.len() => {
                    buffer.push(unescaped(rest[at + 1]));
                    at += 2;
                }
                Some(byte) => {
                    buffer.push(*byte);
                    at += 1;
                }
            }
        }
        while rest.get(at) == Some(&b' ') && self.options.delimiter != b' ' {
            at += 1;
        }
        if at < rest.len() && rest[at] != self.options.delimiter {
            return Err(format!("'{}' behind the closing quote of a field", char::from(rest[at])));
        }
        self.finish_field(at);
        Ok(())
    }
}

/// What an escaped character stands for.
fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => 0,
        other => other,
    }
}
