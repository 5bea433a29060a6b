//! ASCII, CHR, ENCODE, DECODE, TO_BASE64 and FROM_BASE64.

use arrow::datatypes::Int32Type;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use wasmill_plan::{Error, Result};

use crate::function::{CallSite, Kernel};
use crate::functions::columns::{bigint, binary, kernel, numbers, octets, text, texts, try_binaries, try_texts};

/// Java's decoder: padding may be left out, and bits beyond the last byte are ignored.
const BASE64_DECODER: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The first byte, signed as in Java; 0 of the empty text.
pub(super) fn ascii(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        numbers::<Int32Type>(rows, |row| Some(s.get(row)?.as_bytes().first().map_or(0, |b| i32::from(*b as i8))))
    })
}

/// The Latin-1 character of the code modulo 256; empty for a negative code.
pub(super) fn chr(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let code = bigint(&args[0]);
        texts(rows, |row, out| {
            let code = code.get(row)?;
            if code >= 0 {
                out.push(char::from(code as u8));
            }
            Some(())
        })
    })
}

pub(super) fn encode(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, charset) = (text(&args[0]), text(&args[1]));
        try_binaries(rows, |row, out| {
            let (Some(s), Some(charset)) = (s.get(row), charset.get(row)) else { return Ok(None) };
            match Charset::named(charset)? {
                Charset::Utf8 => out.extend_from_slice(s.as_bytes()),
                Charset::Ascii => out.extend(s.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' })),
                Charset::Latin1 => out.extend(s.chars().map(|c| u8::try_from(c).unwrap_or(b'?'))),
                Charset::Utf16 => {
                    if !s.is_empty() {
                        out.extend([0xfe, 0xff]);
                    }
                    out.extend(s.encode_utf16().flat_map(u16::to_be_bytes));
                }
                Charset::Utf16Be => out.extend(s.encode_utf16().flat_map(u16::to_be_bytes)),
                Charset::Utf16Le => out.extend(s.encode_utf16().flat_map(u16::to_le_bytes)),
            }
            Ok(Some(()))
        })
    })
}

pub(super) fn decode(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (bytes, charset) = (binary(&args[0]), text(&args[1]));
        try_texts(rows, |row, out| {
            let (Some(bytes), Some(charset)) = (bytes.get(row), charset.get(row)) else { return Ok(None) };
            match Charset::named(charset)? {
                Charset::Utf8 => out.push_str(&String::from_utf8_lossy(bytes)),
                Charset::Ascii => {
                    out.extend(bytes.iter().map(|b| if b.is_ascii() { char::from(*b) } else { '\u{fffd}' }));
                }
                Charset::Latin1 => out.extend(bytes.iter().map(|b| char::from(*b))),
                Charset::Utf16 => match bytes {
                    [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes, out),
                    [0xfe, 0xff, rest @ ..] | rest => utf16(rest, u16::from_be_bytes, out),
                },
                Charset::Utf16Be => utf16(bytes, u16::from_be_bytes, out),
                Charset::Utf16Le => utf16(bytes, u16::from_le_bytes, out),
            }
            Ok(Some(()))
        })
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, out: &mut String) {
    let (pairs, rest) = bytes.as_chunks::<2>();
    out.extend(char::decode_utf16(pairs.iter().map(|p| unit(*p))).map(|c| c.unwrap_or('\u{fffd}')));
    if !rest.is_empty() {
        out.push('\u{fffd}');
    }
}

/// The charsets that every Java has, under Java's names.
#[derive(Clone, Copy)]
enum Charset {
    Utf8,
    Ascii,
    Latin1,
    Utf16,
    Utf16Be,
    Utf16Le,
}

impl Charset {
    fn named(name: &str) -> Result<Self> {
        const NAMES: &[(&str, Charset)] = &[
            ("UTF-8", Charset::Utf8),
            ("UTF8", Charset::Utf8),
            ("US-ASCII", Charset::Ascii),
            ("ASCII", Charset::Ascii),
            ("ISO-8859-1", Charset::Latin1),
            ("ISO8859-1", Charset::Latin1),
            ("ISO8859_1", Charset::Latin1),
            ("LATIN1", Charset::Latin1),
            ("UTF-16", Charset::Utf16),
            ("UTF16", Charset::Utf16),
            ("UTF-16BE", Charset::Utf16Be),
            ("UTF-16LE", Charset::Utf16Le),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, charset)| *charset).ok_or_else(|| {
            Error::data(format!(
                "unknown charset '{name}'; known are UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE, UTF-16LE"
            ))
        })
    }
}

pub(super) fn to_base64(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let bytes = octets(&args[0]);
        texts(rows, |row, out| {
            general_purpose::STANDARD.encode_string(bytes.get(row)?, out);
            Some(())
        })
    })
}

/// Gives a STRING, as in Flink; bytes that are not UTF-8 become replacement characters.
pub(super) fn from_base64(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let encoded = octets(&args[0]);
        let mut decoded = Vec::new();
        try_texts(rows, |row, out| {
            let Some(encoded) = encoded.get(row) else { return Ok(None) };
            decoded.clear();
            BASE64_DECODER
                .decode_vec(encoded, &mut decoded)
                .map_err(|e| Error::data(format!("FROM_BASE64 of text that is not base64: {e}")))?;
            out.push_str(&String::from_utf8_lossy(&decoded));
            Ok(Some(()))
        })
    })
}
