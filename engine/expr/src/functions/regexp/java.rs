//! Rewrites an expression of Java's syntax for the Rust engines, where the same text would mean something else or nothing.
//!
//! `\d`, `\w`, `\s` are ASCII in Java and Unicode here; `\Q…\E`, `\0n`, `\h`, `\R`, POSIX classes such as `\p{Alpha}` and
//! possessive quantifiers are not known here; `#`, `~~` and `--` mean nothing special in a class of Java's. `\b` stays
//! Unicode, as in Java up to 18. A `$` does not match before a last line end, and `.` excludes only `\n`.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// An expression in the syntax of the Rust engines.
pub(super) struct Translated {
    pub(super) text: String,
    /// It needs the engine with look-around, back references and atomic groups.
    pub(super) backtracking: bool,
}

/// Reads a Java expression. `Err` only where it ends too early; other errors are for the engine to find.
pub(super) fn translate(java: &str) -> Result<Translated, String> {
    let mut out = Translated { text: String::with_capacity(java.len() + 16), backtracking: false };
    let mut chars = java.chars().peekable();
    let mut depth = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, depth > 0, &mut out)?,
            '[' => {
                depth += 1;
                out.text.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.text.push('^');
                }
                // A bracket or minus right at the start is literal there as here; elsewhere it is never left bare.
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.text.push(']');
            }
            '-' if depth > 0 => {
                // Literal next to a class or at an end; Rust would read `--` as a difference.
                let literal =
                    matches!(chars.peek(), None | Some(']' | '-' | '[')) || out.text.ends_with(['[', '^', ']']);
                out.text.push_str(if literal { "\\-" } else { "-" });
            }
            '~' | '#' if depth > 0 => push_literal(c, &mut out.text),
            '(' if depth == 0 => group(&mut chars, &mut out),
            '*' | '+' | '?' | '}' if depth == 0 && chars.peek() == Some(&'+') => {
                out.text.push(c);
                if c != '}' || out.text.contains('{') {
                    chars.next();
                    out.text.push('+');
                    out.backtracking = true;
                }
            }
            c => out.text.push(c),
        }
    }
    Ok(out)
}

/// Reads what follows `(`: flags that the engines do not know are dropped, look-around needs backtracking.
fn group(chars: &mut Peekable<Chars>, out: &mut Translated) {
    out.text.push('(');
    if chars.next_if_eq(&'?').is_none() {
        return;
    }
    out.text.push('?');
    match chars.peek() {
        Some('=' | '!' | '>') => out.backtracking = true,
        Some('<') => {
            out.text.push('<');
            chars.next();
            if matches!(chars.peek(), Some('=' | '!')) {
                out.backtracking = true;
            }
        }
        _ => {
            // `(?idmsux-idmsux)` or `(?i:…)`.
            let start = out.text.len();
            while let Some(c) = chars.next_if(|c| c.is_ascii_alphabetic() || *c == '-') {
                if !matches!(c, 'd' | 'u' | 'U') {
                    out.text.push(c);
                }
            }
            if out.text[start..] == *"-" {
                out.text.truncate(start);
            }
            if out.text.len() == start && chars.next_if_eq(&')').is_some() {
                out.text.push_str(":)");
            }
        }
    }
}

/// Reads what follows a backslash.
fn escape(chars: &mut Peekable<Chars>, in_class: bool, out: &mut Translated) -> Result<(), String> {
    let c = chars.next().ok_or("it ends with a backslash")?;
    let text = &mut out.text;
    match c {
        'd' => text.push_str("[0-9]"),
        'D' => text.push_str("[^0-9]"),
        'w' => text.push_str("[A-Za-z0-9_]"),
        'W' => text.push_str("[^A-Za-z0-9_]"),
        's' => text.push_str("[ \\t\\n\\x0B\\f\\r]"),
        'S' => text.push_str("[^ \\t\\n\\x0B\\f\\r]"),
        'h' => text.push_str("[ \\t\\xA0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]"),
        'H' => text.push_str("[^ \\t\\xA0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]"),
        'v' => text.push_str("[\\n\\x0B\\f\\r\\x85\\u2028\\u2029]"),
        'V' => text.push_str("[^\\n\\x0B\\f\\r\\x85\\u2028\\u2029]"),
        'R' if !in_class => text.push_str("(?:\\r\\n|[\\n\\x0B\\f\\r\\x85\\u2028\\u2029])"),
        'e' => text.push_str("\\x1B"),
        'Z' if !in_class => {
            text.push_str("(?=\\n?\\z)");
            out.backtracking = true;
        }
        'c' => {
            let control = chars.next().ok_or("\\c lacks its letter")?;
            push_code(control as u32 ^ 64, text);
        }
        '0' => {
            let mut code = 0;
            for _ in 0..3 {
                match chars.peek().and_then(|c| c.to_digit(8)) {
                    Some(digit) if code * 8 + digit < 256 => {
                        code = code * 8 + digit;
                        chars.next();
                    }
                    _ => break,
                }
            }
            push_code(code, text);
        }
        'Q' => {
            while let Some(c) = chars.next() {
                if c == '\\' && chars.next_if_eq(&'E').is_some() {
                    break;
                }
                push_literal(c, text);
            }
        }
        'E' => {}
        'p' | 'P' => property(c, chars, text),
        'k' | 'G' | '1'..='9' if !in_class => {
            out.backtracking = true;
            text.push('\\');
            text.push(c);
        }
        c if c.is_ascii_alphanumeric() => {
            text.push('\\');
            text.push(c);
        }
        c => push_literal(c, text),
    }
    Ok(())
}

/// `\p{…}`: POSIX names are ASCII classes in Java; `Is` and `In` prefixes and `java…` names go.
fn property(p: char, chars: &mut Peekable<Chars>, out: &mut String) {
    let negated = p == 'P';
    let mut name = String::new();
    if chars.next_if_eq(&'{').is_none() {
        name.extend(chars.next());
    } else {
        name.extend(chars.by_ref().take_while(|c| *c != '}'));
    }
    let posix = match name.as_str() {
        "Lower" => "lower",
        "Upper" => "upper",
        "ASCII" => "ascii",
        "Alpha" => "alpha",
        "Digit" => "digit",
        "Alnum" => "alnum",
        "Punct" => "punct",
        "Graph" => "graph",
        "Print" => "print",
        "Blank" => "blank",
        "Cntrl" => "cntrl",
        "XDigit" => "xdigit",
        "Space" => "space",
        _ => "",
    };
    // Writing to a String cannot fail.
    let _ = if posix.is_empty() {
        let name = match name.as_str() {
            "javaLowerCase" => "Lowercase",
            "javaUpperCase" => "Uppercase",
            "javaWhitespace" => "White_Space",
            "javaAlphabetic" => "Alphabetic",
            name => name.strip_prefix("Is").or_else(|| name.strip_prefix("In")).unwrap_or(name),
        };
        write!(out, "\\{p}{{{name}}}")
    } else {
        write!(out, "[[:{}{posix}:]]", if negated { "^" } else { "" })
    };
}

fn push_code(code: u32, out: &mut String) {
    let _ = write!(out, "\\x{{{code:x}}}");
}

/// A character that stands for itself.
fn push_literal(c: char, out: &mut String) {
    if c.is_ascii_punctuation()
        && !matches!(c, '<' | '>' | '_' | '"' | '\'' | '`' | '@' | '!' | '%' | ',' | ':' | ';' | '=' | '/')
    {
        out.push('\\');
    }
    out.push(c);
}
