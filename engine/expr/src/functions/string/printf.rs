//! PRINTF: Java's `Formatter` under the US locale, without dates (`%t`) and hash codes (`%h`).

use std::fmt::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes as t;
use wasmill_plan::{DataType, Result, TypeKind};

use crate::function::{CallSite, ColumnValue, Kernel};
use crate::functions::columns::{kernel, text, texts};
use crate::number::{write_decimal, write_double, write_float};

/// Why a row's format does not fit its values; the result is then NULL.
struct Misfit;

/// `PRINTF(format, value, …)`: NULL where the format is NULL, wrong, or asks for a value that is not there or of another
/// type. A NULL value prints as `null`.
pub(super) fn printf(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let types = site.args.clone();
    kernel(move |args, rows| {
        let format = text(&args[0]);
        let mut values = Vec::with_capacity(args.len() - 1);
        texts(rows, |row, out| {
            let format = format.get(row)?;
            values.clear();
            values.extend(args.iter().zip(&types).skip(1).map(|(arg, data_type)| Value::read(arg, row, data_type)));
            write_row(format, &values, out).ok()
        })
    })
}

/// A value as Flink holds it inside: DATE and TIME as numbers.
enum Value<'a> {
    Null,
    Boolean(bool),
    Integer { value: i64, bits: u32 },
    Float(f32),
    Double(f64),
    Text(&'a str),
    Other(String),
}

impl<'a> Value<'a> {
    fn read(arg: &'a ColumnValue, row: usize, data_type: &DataType) -> Self {
        let (array, row) = (arg.array(), arg.index(row));
        if array.is_null(row) || data_type.kind == TypeKind::Null {
            return Self::Null;
        }
        let integer = |value, bits| Self::Integer { value, bits };
        match &data_type.kind {
            TypeKind::Boolean => Self::Boolean(array.as_boolean().value(row)),
            TypeKind::TinyInt => integer(array.as_primitive::<t::Int8Type>().value(row).into(), 8),
            TypeKind::SmallInt => integer(array.as_primitive::<t::Int16Type>().value(row).into(), 16),
            TypeKind::Int => integer(array.as_primitive::<t::Int32Type>().value(row).into(), 32),
            TypeKind::BigInt => integer(array.as_primitive::<t::Int64Type>().value(row), 64),
            TypeKind::Date => integer(array.as_primitive::<t::Date32Type>().value(row).into(), 32),
            TypeKind::Time(_) => integer(array.as_primitive::<t::Time32MillisecondType>().value(row).into(), 32),
            TypeKind::IntervalYearMonth => {
                integer(array.as_primitive::<t::IntervalYearMonthType>().value(row).into(), 32)
            }
            TypeKind::IntervalDayTime => integer(array.as_primitive::<t::DurationMillisecondType>().value(row), 64),
            TypeKind::Float => Self::Float(array.as_primitive::<t::Float32Type>().value(row)),
            TypeKind::Double => Self::Double(array.as_primitive::<t::Float64Type>().value(row)),
            TypeKind::Char(_) | TypeKind::Varchar(_) => Self::Text(array.as_string::<i32>().value(row)),
            TypeKind::Decimal(_, scale) => {
                let mut out = String::new();
                write_decimal(array.as_primitive::<t::Decimal128Type>().value(row), *scale, &mut out);
                Self::Other(out)
            }
            TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => Self::Other(timestamp(array, row)),
            _ => {
                let mut out = Vec::new();
                crate::display::write_text(array, row, data_type, &mut out);
                Self::Other(String::from_utf8_lossy(&out).into_owned())
            }
        }
    }
}

/// As Java's `LocalDateTime` prints: no seconds where they are zero, fractions in groups of three digits.
fn timestamp(array: &dyn Array, row: usize) -> String {
    use arrow::datatypes::TimeUnit;
    let ns = match array.data_type() {
        t::DataType::Timestamp(TimeUnit::Millisecond, _) => {
            i128::from(array.as_primitive::<t::TimestampMillisecondType>().value(row)) * 1_000_000
        }
        t::DataType::Timestamp(TimeUnit::Microsecond, _) => {
            i128::from(array.as_primitive::<t::TimestampMicrosecondType>().value(row)) * 1_000
        }
        _ => i128::from(array.as_primitive::<t::TimestampNanosecondType>().value(row)),
    };
    let (seconds, nanos) = (ns.div_euclid(1_000_000_000) as i64, ns.rem_euclid(1_000_000_000) as u32);
    let Some(time) = chrono::DateTime::from_timestamp(seconds, nanos) else { return String::new() };
    let format = match nanos {
        0 if seconds.rem_euclid(60) == 0 => "%Y-%m-%dT%H:%M",
        0 => "%Y-%m-%dT%H:%M:%S",
        _ if nanos.is_multiple_of(1_000_000) => "%Y-%m-%dT%H:%M:%S%.3f",
        _ if nanos.is_multiple_of(1_000) => "%Y-%m-%dT%H:%M:%S%.6f",
        _ => "%Y-%m-%dT%H:%M:%S%.9f",
    };
    time.format(format).to_string()
}

/// `%[index$][flags][width][.precision]conversion`.
#[derive(Default)]
struct Specifier {
    index: Option<usize>,
    previous: bool,
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    comma: bool,
    parentheses: bool,
    alternate: bool,
    width: Option<usize>,
    precision: Option<usize>,
    conversion: char,
}

/// The widest field and the longest fraction that is printed.
const WIDTH_MAX: usize = 10_000;

impl Specifier {
    /// Reads what follows the `%`; gives the rest too.
    fn parse(text: &str) -> Result<(Self, &str), Misfit> {
        let mut spec = Self::default();
        let mut rest = text;
        if let Some((digits, after)) = rest.split_once('$')
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
        {
            spec.index = Some(digits.parse().map_err(|_| Misfit)?);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('<') {
            spec.previous = true;
            rest = after;
        }
        loop {
            let flag = match rest.chars().next() {
                Some('-') => &mut spec.left,
                Some('+') => &mut spec.plus,
                Some(' ') => &mut spec.space,
                Some('0') => &mut spec.zero,
                Some(',') => &mut spec.comma,
                Some('(') => &mut spec.parentheses,
                Some('#') => &mut spec.alternate,
                _ => break,
            };
            if std::mem::replace(flag, true) {
                return Err(Misfit);
            }
            rest = &rest[1..];
        }
        (spec.width, rest) = number(rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            (spec.precision, rest) = number(after)?;
            spec.precision.ok_or(Misfit)?;
        }
        spec.conversion = rest.chars().next().ok_or(Misfit)?;
        if (spec.left || spec.zero) && spec.width.is_none() || spec.left && spec.zero || spec.plus && spec.space {
            return Err(Misfit);
        }
        let rest = &rest[spec.conversion.len_utf8()..];
        Ok((spec, rest))
    }

    /// Appends `body`, whose sign stands apart, in the width.
    fn write_number(&self, negative: bool, body: &str, out: &mut String) {
        let (before, after) = match (negative, self.parentheses) {
            (true, true) => ("(", ")"),
            (true, false) => ("-", ""),
            (false, _) if self.plus => ("+", ""),
            (false, _) if self.space => (" ", ""),
            _ => ("", ""),
        };
        let length = before.len() + body.len() + after.len();
        let missing = self.width.unwrap_or(0).saturating_sub(length);
        let zeros = if self.zero { missing } else { 0 };
        let number = format!("{before}{}{body}{after}", "0".repeat(zeros));
        self.write_padded(&number, out);
    }

    /// Appends `body` in the width, upper case for an upper-case conversion.
    fn write_padded(&self, body: &str, out: &mut String) {
        let missing = self.width.unwrap_or(0).saturating_sub(body.chars().count());
        if !self.left {
            out.extend(std::iter::repeat_n(' ', missing));
        }
        if self.conversion.is_ascii_uppercase() {
            out.push_str(&body.to_uppercase());
        } else {
            out.push_str(body);
        }
        if self.left {
            out.extend(std::iter::repeat_n(' ', missing));
        }
    }
}

/// The digits in front, if any, and the rest.
fn number(text: &str) -> Result<(Option<usize>, &str), Misfit> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Ok((None, text));
    }
    let number = text[..end].parse().ok().filter(|n| *n <= WIDTH_MAX).ok_or(Misfit)?;
    Ok((Some(number), &text[end..]))
}

fn write_row(format: &str, values: &[Value], out: &mut String) -> Result<(), Misfit> {
    let mut rest = format;
    let (mut next, mut last) = (0, None);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (spec, after) = Specifier::parse(&rest[at + 1..])?;
        rest = after;
        match spec.conversion {
            'n' => out.push('\n'),
            '%' => spec.write_padded("%", out),
            _ => {
                let index = match spec.index {
                    Some(index) => index.checked_sub(1).ok_or(Misfit)?,
                    None if spec.previous => last.ok_or(Misfit)?,
                    None => {
                        next += 1;
                        next - 1
                    }
                };
                last = Some(index);
                write_value(&spec, values.get(index).ok_or(Misfit)?, out)?;
            }
        }
    }
    out.push_str(rest);
    Ok(())
}

fn write_value(spec: &Specifier, value: &Value, out: &mut String) -> Result<(), Misfit> {
    match (spec.conversion.to_ascii_lowercase(), value) {
        ('b', Value::Null) => write_cut(spec, "false", out),
        ('b', Value::Boolean(false)) => write_cut(spec, "false", out),
        ('b', _) => write_cut(spec, "true", out),
        ('s' | 'd' | 'f' | 'e' | 'g' | 'x' | 'o' | 'c', Value::Null) => write_cut(spec, "null", out),
        ('s', value) => {
            let mut text = String::new();
            match value {
                Value::Null => {}
                Value::Boolean(b) => text.push_str(if *b { "true" } else { "false" }),
                Value::Integer { value, .. } => write!(text, "{value}").map_err(|_| Misfit)?,
                Value::Float(v) => write_float(*v, &mut text),
                Value::Double(v) => write_double(*v, &mut text),
                Value::Text(v) => {
                    return {
                        write_cut(spec, v, out);
                        Ok(())
                    };
                }
                Value::Other(v) => text.push_str(v),
            }
            write_cut(spec, &text, out);
        }
        ('d', Value::Integer { value, .. }) => {
            let mut digits = value.unsigned_abs().to_string();
            if spec.comma {
                digits = grouped(&digits);
            }
            spec.write_number(*value < 0, &digits, out);
        }
        ('x' | 'o', Value::Integer { value, bits }) => {
            let unsigned = if *bits == 64 { *value as u64 } else { *value as u64 & ((1 << bits) - 1) };
            let (digits, prefix) = match spec.conversion {
                'o' => (format!("{unsigned:o}"), "0"),
                _ => (format!("{unsigned:x}"), "0x"),
            };
            spec.write_number(false, &format!("{}{digits}", if spec.alternate { prefix } else { "" }), out);
        }
        ('c', Value::Integer { value, .. }) => {
            let c = u32::try_from(*value).ok().and_then(char::from_u32).ok_or(Misfit)?;
            spec.write_padded(c.encode_utf8(&mut [0; 4]), out);
        }
        ('f' | 'e' | 'g', Value::Float(v)) => {
            // Java rounds the shortest text of the FLOAT, not its widened value.
            write_fraction(spec, v.to_string().parse().map_err(|_| Misfit)?, out);
        }
        ('f' | 'e' | 'g', Value::Double(v)) => write_fraction(spec, *v, out),
        _ => return Err(Misfit),
    }
    Ok(())
}

/// A text of at most `precision` characters.
fn write_cut(spec: &Specifier, text: &str, out: &mut String) {
    let end = spec.precision.and_then(|n| text.char_indices().nth(n)).map_or(text.len(), |(at, _)| at);
    spec.write_padded(&text[..end], out);
}

fn write_fraction(spec: &Specifier, value: f64, out: &mut String) {
    if !value.is_finite() {
        let name = if value.is_nan() { "NaN" } else { "Infinity" };
        let plain = Specifier { zero: false, ..Specifier { conversion: spec.conversion, ..Specifier::default() } };
        let plain = Specifier { width: spec.width, left: spec.left, plus: spec.plus, ..plain };
        return plain.write_number(value < 0.0, name, out);
    }
    let (precision, magnitude) = (spec.precision.unwrap_or(6), value.abs());
    let body = match spec.conversion.to_ascii_lowercase() {
        'e' => scientific(magnitude, precision),
        'g' => {
            let digits = precision.max(1);
            if magnitude == 0.0 || (1e-4..10f64.powi(digits as i32)).contains(&magnitude) {
                let whole = if magnitude < 1.0 { 0 } else { magnitude.log10().floor() as usize };
                format!("{magnitude:.*}", digits.saturating_sub(whole + 1))
            } else {
                scientific(magnitude, digits - 1)
            }
        }
        _ => {
            let fixed = crate::functions::round_text::fixed_half_up(magnitude, precision);
            match fixed.split_once('.') {
                Some((whole, fraction)) if spec.comma => format!("{}.{fraction}", grouped(whole)),
                None if spec.comma => grouped(&fixed),
                _ => fixed,
            }
        }
    };
    spec.write_number(value.is_sign_negative(), &body, out);
}

/// `1.024000e+01`.
fn scientific(magnitude: f64, precision: usize) -> String {
    let text = format!("{magnitude:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
        }
        None => text,
    }
}

/// Digits with a comma before each group of three.
fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
