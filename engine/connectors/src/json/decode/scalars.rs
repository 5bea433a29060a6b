//! Numbers, texts and literals of a record.

use super::{Fail, Failed, Walk};
use crate::column::Fixed;
use crate::json::cursor::{SyntaxError, unescape};
use crate::json::number::{parse_double, parse_integer};

impl<'a> Walk<'a, '_> {
    pub(super) fn bad_escape<T>(&self, expected: &'static str) -> Result<T, Failed> {
        Err(SyntaxError { expected, at: self.cursor.at.saturating_sub(1) }.into())
    }

    /// A number or a word, as it is written.
    #[inline]
    pub(super) fn bare(&mut self, byte: u8) -> Result<&'a [u8], SyntaxError> {
        let start = self.cursor.at;
        match byte {
            b't' => self.cursor.word("true")?,
            b'f' => self.cursor.word("false")?,
            _ => return self.cursor.number(),
        }
        Ok(&self.cursor.bytes[start..self.cursor.at])
    }

    /// A string's content or a bare token; an object or an array does not fit.
    #[inline]
    pub(super) fn scalar(&mut self, byte: u8, type_name: &'static str) -> Result<Token<'a>, Failed> {
        match byte {
            b'"' => {
                let raw = self.cursor.string()?;
                if !raw.escaped {
                    return Ok(Token::Plain(raw.bytes));
                }
                self.scratch.clear();
                match unescape(raw.bytes, self.scratch) {
                    Ok(()) => Ok(Token::Scratch),
                    Err(expected) => self.bad_escape(expected),
                }
            }
            b'{' | b'[' => {
                let start = self.cursor.at;
                self.cursor.skip()?;
                Err(mismatch(&self.cursor.bytes[start..self.cursor.at], type_name))
            }
            _ => Ok(Token::Plain(self.bare(byte)?)),
        }
    }

    /// A value of another kind than the column's: skipped, and refused.
    pub(super) fn other(&mut self, expected: &'static str) -> Result<(), Failed> {
        let start = self.cursor.at;
        self.cursor.skip()?;
        Err(mismatch(&self.cursor.bytes[start..self.cursor.at], expected))
    }

    #[inline]
    pub(super) fn integer(&mut self, byte: u8, type_name: &'static str) -> Result<i64, Failed> {
        match self.cursor.short_integer() {
            Some(value) => Ok(value),
            None => self.long_integer(byte, type_name),
        }
    }

    /// An integer of many digits, in quotes, or with a fraction.
    pub(super) fn long_integer(&mut self, byte: u8, type_name: &'static str) -> Result<i64, Failed> {
        if byte != b'"' {
            let text = self.bare_scalar(byte, type_name)?;
            return whole(text).ok_or_else(|| mismatch(text, type_name));
        }
        let token = self.scalar(byte, type_name)?;
        let text = trim(token.bytes(self.scratch));
        parse_integer(text).ok_or_else(|| mismatch(text, type_name))
    }

    pub(super) fn bare_scalar(&mut self, byte: u8, type_name: &'static str) -> Result<&'a [u8], Failed> {
        match self.scalar(byte, type_name)? {
            Token::Plain(text) => Ok(text),
            Token::Scratch => unreachable!("only a string is unescaped"),
        }
    }

    #[inline]
    pub(super) fn narrow<T: TryFrom<i64> + Default>(
        &mut self,
        byte: u8,
        type_name: &'static str,
        values: &mut Fixed<T>,
    ) -> Result<(), Failed> {
        let value = self.integer(byte, type_name)?;
        match T::try_from(value) {
            Ok(narrow) => {
                values.push(narrow);
                Ok(())
            }
            Err(_) => Err(Fail::Value(format!("'{value}' is not {type_name}: it is out of its range")).into()),
        }
    }

    #[inline]
    pub(super) fn double(&mut self, byte: u8, type_name: &'static str) -> Result<f64, Failed> {
        if let Some((number, length)) = self.cursor.short_number()
            && let Some(value) = number.to_double()
        {
            self.cursor.at += length;
            return Ok(value);
        }
        let token = self.scalar(byte, type_name)?;
        let text = token.bytes(self.scratch);
        parse_double(text).ok_or_else(|| mismatch(text, type_name))
    }
}

/// The text of a scalar.
pub(super) enum Token<'a> {
    Plain(&'a [u8]),
    /// In the walk's scratch space.
    Scratch,
}

impl<'a> Token<'a> {
    #[inline]
    pub(super) fn bytes<'s>(&self, scratch: &'s [u8]) -> &'s [u8]
    where
        'a: 's,
    {
        match self {
            Self::Plain(text) => text,
            Self::Scratch => scratch,
        }
    }
}

/// A number with a fraction or an exponent as an integer: cut off towards zero, as Jackson does.
pub(super) fn whole(text: &[u8]) -> Option<i64> {
    parse_integer(text).or_else(|| {
        if !text.iter().any(|b| matches!(b, b'.' | b'e' | b'E')) {
            return None;
        }
        let value = parse_double(text)?.trunc();
        (value >= i64::MIN as f64 && value < i64::MAX as f64).then_some(value as i64)
    })
}

pub(super) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

pub(super) fn mismatch(text: &[u8], expected: &str) -> Failed {
    Fail::Value(crate::scalar::mismatch(text, expected)).into()
}
