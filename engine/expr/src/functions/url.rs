//! URL functions, as Java's `URL`, `URLEncoder` and `URLDecoder` have them.

mod parse;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use wasmill_plan::{Result, Value};

use super::arguments::{Param::*, nullable, params, string};
use super::columns::{Column, kernel, text, texts};
use crate::Function;
use crate::function::{Argument, CallSite, Kernel, Signature};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "PARSE_URL",
        aliases: &[],
        usage: "PARSE_URL(url, part [, key]): part is HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO",
        infer: |a| nullable(params(a, &[Text, Text], &[Text])?, string()),
        kernel: parse_url,
    },
    Function {
        name: "URL_ENCODE",
        aliases: &[],
        usage: "URL_ENCODE(text)",
        infer: |a| nullable(params(a, &[Text], &[])?, string()),
        kernel: url_encode,
    },
    Function {
        name: "URL_DECODE",
        aliases: &[],
        usage: "URL_DECODE(text)",
        infer: |a| nullable(params(a, &[Text], &[])?, string()),
        kernel: url_decode,
    },
    Function {
        name: "URL_DECODE_RECURSIVE",
        aliases: &[],
        usage: "URL_DECODE_RECURSIVE(text [, depth])",
        infer: infer_recursive,
        kernel: url_decode_recursive,
    },
];

/// What `application/x-www-form-urlencoded` escapes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'*').remove(b'_').remove(b' ');

/// How often URL_DECODE_RECURSIVE decodes where it is not told.
const DEPTH_DEFAULT: i64 = 10;

/// NULL for what is no URL of a protocol that Java knows, and for a part that is not there. With a key, the value of that
/// parameter of the QUERY.
fn parse_url(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (url, part, key) = (text(&args[0]), text(&args[1]), args.get(2).map(text));
        texts(rows, |row, out| {
            let (url, part) = (url.get(row)?, part.get(row)?);
            let url = parse::Url::parse(url)?;
            let found = match &key {
                Some(key) => {
                    let key = key.get(row)?;
                    if part != "QUERY" {
                        return None;
                    }
                    url.query?.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))?
                }
                None => match part {
                    "HOST" => url.host,
                    "PATH" => &url.path,
                    "QUERY" => url.query?,
                    "REF" => url.reference?,
                    "PROTOCOL" => &url.protocol,
                    "AUTHORITY" => url.authority?,
                    "USERINFO" => url.user?,
                    "FILE" => {
                        out.push_str(&url.path);
                        if let Some(query) = url.query {
                            out.push('?');
                            out.push_str(query);
                        }
                        return Some(());
                    }
                    _ => return None,
                },
            };
            out.push_str(found);
            Some(())
        })
    })
}

fn url_encode(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| {
            for part in percent_encode(s.get(row)?.as_bytes(), ESCAPED) {
                out.extend(part.chars().map(|c| if c == ' ' { '+' } else { c }));
            }
            Some(())
        })
    })
}

fn url_decode(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        texts(rows, |row, out| decode(s.get(row)?).map(|decoded| out.push_str(&decoded)))
    })
}

fn infer_recursive(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Text], &[BigInt])?;
    match args.get(1).map(|a| a.literal) {
        None | Some(Some(Value::Int(1..))) => nullable(types, string()),
        _ => Err("the depth must be a positive integer literal".to_owned()),
    }
}

/// Decodes until nothing changes, the depth is reached, or (after the first time) it fails.
fn url_decode_recursive(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, depth) = (text(&args[0]), args.get(1).map(super::columns::bigint));
        texts(rows, |row, out| {
            let s = s.get(row)?;
            let depth = depth.as_ref().map_or(Some(DEPTH_DEFAULT), |depth| Column::get(depth, row))?;
            let mut last = decode(s)?;
            for _ in 1..depth {
                match decode(&last) {
                    Some(next) if next != last => last = next,
                    _ => break,
                }
            }
            out.push_str(&last);
            Some(())
        })
    })
}

/// `None` where a `%` is not followed by two hexadecimal digits.
fn decode(s: &str) -> Option<String> {
    let mut bytes = s.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' && !(bytes.next()?.is_ascii_hexdigit() && bytes.next()?.is_ascii_hexdigit()) {
            return None;
        }
    }
    let spaced = s.replace('+', " ");
    Some(percent_decode(spaced.as_bytes()).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests;
