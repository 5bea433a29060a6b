//! STARTSWITH, ENDSWITH, IS_ALPHA, IS_DIGIT and IS_DECIMAL.

use arrow::array::Array;
use wasmill_plan::{Result, TypeKind};

use crate::function::{CallSite, Kernel};
use crate::functions::columns::{booleans, kernel, octets, text};

pub(super) fn starts_with(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, prefix) = (octets(&args[0]), octets(&args[1]));
        booleans(rows, |row| Some(s.get(row)?.starts_with(prefix.get(row)?)))
    })
}

pub(super) fn ends_with(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (s, suffix) = (octets(&args[0]), octets(&args[1]));
        booleans(rows, |row| Some(s.get(row)?.ends_with(suffix.get(row)?)))
    })
}

pub(super) fn is_alpha(site: &CallSite) -> Result<Box<dyn Kernel>> {
    test(site, |_| false, |s| s.chars().all(char::is_alphabetic))
}

pub(super) fn is_digit(site: &CallSite) -> Result<Box<dyn Kernel>> {
    test(site, TypeKind::is_integer, |s| s.chars().all(char::is_numeric))
}

pub(super) fn is_decimal(site: &CallSite) -> Result<Box<dyn Kernel>> {
    test(site, TypeKind::is_numeric, is_number)
}

/// False for NULL and for the empty text. A value that is no text passes where its type does.
fn test(site: &CallSite, of_type: fn(&TypeKind) -> bool, of_text: fn(&str) -> bool) -> Result<Box<dyn Kernel>> {
    let kind = site.args[0].kind.clone();
    kernel(move |args, rows| {
        if kind.is_text() {
            let s = text(&args[0]);
            return booleans(rows, |row| Some(s.get(row).is_some_and(|s| !s.is_empty() && of_text(s))));
        }
        let passes = of_type(&kind);
        booleans(rows, |row| Some(passes && !args[0].array().is_null(args[0].index(row))))
    })
}

/// What Java's `Double.parseDouble` takes: white space around, a type suffix, hexadecimal not.
fn is_number(s: &str) -> bool {
    let s = s.trim_matches(|c: char| c <= ' ');
    let unsigned = s.strip_prefix(['+', '-']).unwrap_or(s);
    if matches!(unsigned, "NaN" | "Infinity") {
        return true;
    }
    let digits = unsigned.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(unsigned);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.parse::<f64>().is_ok()
}
