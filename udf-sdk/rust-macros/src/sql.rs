//! The SQL types of Rust types, by how these are written.

use crate::fault::Fault;
use crate::signature::{Argument, Type};

/// The SQL type of a Rust type without `Option`; `None` where it cannot be told.
fn known(text: &str) -> Option<String> {
    let text = text.strip_prefix("wasmill::").or_else(|| text.strip_prefix("::wasmill::")).unwrap_or(text);
    let fixed = match text {
        "bool" => "BOOLEAN",
        "i8" => "TINYINT",
        "i16" => "SMALLINT",
        "i32" => "INT",
        "i64" => "BIGINT",
        "f32" => "FLOAT",
        "f64" => "DOUBLE",
        "&str" | "String" | "Cow<str>" | "std::borrow::Cow<str>" => "STRING",
        "&[u8]" | "Vec<u8>" => "BYTES",
        "Date" => "DATE",
        "Time" => "TIME",
        _ => {
            let (name, parameters) = text.strip_suffix('>')?.split_once('<')?;
            let parameters = parameters.trim_end_matches(',');
            match (name, &top_level(parameters)[..]) {
                ("Vec", [element]) => return Some(format!("ARRAY<{}>", known(without_option(element).0)?)),
                ("BTreeMap" | "std::collections::BTreeMap", [key, value]) => {
                    return Some(format!("MAP<{}, {}>", known(key)?, known(without_option(value).0)?));
                }
                _ => {}
            }
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let numbers: Vec<&str> = parameters.split(',').collect();
            return match (name, &numbers[..]) {
                ("Timestamp", [p]) if digits(p) => Some(format!("TIMESTAMP({p})")),
                ("TimestampLtz", [p]) if digits(p) => Some(format!("TIMESTAMP_LTZ({p})")),
                ("Decimal", [p, s]) if digits(p) && digits(s) => Some(format!("DECIMAL({p}, {s})")),
                _ => None,
            };
        }
    };
    Some(fixed.to_owned())
}

/// `Option<T>` → `T`, and whether it was one.
pub(crate) fn without_option(text: &str) -> (&str, bool) {
    match text.strip_prefix("Option<").and_then(|t| t.strip_suffix('>')) {
        Some(inner) => (inner, true),
        None => (text, false),
    }
}

/// `Result<T, E>` → `T`, and whether it was one.
pub(crate) fn without_result(text: &str) -> (&str, bool) {
    let Some((path, rest)) = text.split_once('<') else { return (text, false) };
    if path != "Result" && !path.ends_with("::Result") {
        return (text, false);
    }
    let inner = rest.strip_suffix('>').unwrap_or(rest);
    (top_level(inner).first().copied().unwrap_or(inner), true)
}

/// The parts of `(A, B)`, or the one type.
pub(crate) fn parts(text: &str) -> Vec<&str> {
    match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inner) => top_level(inner),
        None => vec![text],
    }
}

/// Splits at the commas that are in no brackets.
pub(crate) fn top_level(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0i32, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|p| !p.is_empty());
    parts
}

const KNOWN: &str = "bool, i8 to i64, f32, f64, texts (&str, String), bytes (&[u8], Vec<u8>), Date, Time, Timestamp<P>, \
                     TimestampLtz<P>, Decimal<P, S>, and Vec and BTreeMap of these";

/// The SQL type of an argument.
pub(crate) fn argument(argument: &Argument) -> Result<String, Fault> {
    if let Some(sql) = &argument.sql {
        return Ok(sql.clone());
    }
    let (inner, _) = without_option(&argument.ty.text);
    match inner {
        "String" => Err(Fault::new("take a text as &str", argument.ty.span)),
        "Vec<u8>" => Err(Fault::new("take bytes as &[u8]", argument.ty.span)),
        _ => known(inner).ok_or_else(|| {
            let why = format!(
                "the SQL type of `{inner}` is not known here: it is known for {KNOWN}; for another name of one of them write \
                 #[sql(\"TYPE\")] before the argument"
            );
            Fault::new(why, argument.ty.span)
        }),
    }
}

/// The SQL type of a field of a state.
pub(crate) fn field(field: &Argument) -> Result<String, Fault> {
    if let Some(sql) = &field.sql {
        return Ok(sql.clone());
    }
    if field.ty.text.contains("HashMap<") {
        return Err(Fault::new("take a BTreeMap: its order is the same in every instance", field.ty.span));
    }
    result(&field.ty.text, &field.ty, "for another name of one of them write #[sql(\"TYPE\")] before the field")
}

/// The SQL type of one result column.
pub(crate) fn result(text: &str, of: &Type, how: &str) -> Result<String, Fault> {
    let (inner, _) = without_option(text);
    known(inner).ok_or_else(|| {
        Fault::new(format!("the SQL type of `{inner}` is not known here: it is known for {KNOWN}; {how}"), of.span)
    })
}
