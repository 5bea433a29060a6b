//! Values as Java prints them: what Flink's `print` connector and its text formats show.

use std::io::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes as t;
use arrow::datatypes::{DataType as A, TimeUnit};

use crate::time::{DateTime, TimeStyle, write_date, write_date_time, write_time};

/// The date and time of row `row` of a timestamp column.
///
/// # Panics
/// If it is no timestamp column.
pub(crate) fn date_time(array: &dyn Array, row: usize) -> DateTime {
    match array.data_type() {
        A::Timestamp(TimeUnit::Millisecond, _) => {
            DateTime::from_units(array.as_primitive::<t::TimestampMillisecondType>().value(row), 3)
        }
        A::Timestamp(TimeUnit::Microsecond, _) => {
            DateTime::from_units(array.as_primitive::<t::TimestampMicrosecondType>().value(row), 6)
        }
        A::Timestamp(TimeUnit::Nanosecond, _) => {
            DateTime::from_units(array.as_primitive::<t::TimestampNanosecondType>().value(row), 9)
        }
        other => panic!("a timestamp column of type {other}"),
    }
}

/// Writes a DOUBLE as Java's `Double.toString`: the shortest digits that read back, with an exponent below 10⁻³ and from 10⁷.
pub(crate) fn write_double(out: &mut Vec<u8>, value: f64) {
    write_float(
        out,
        value,
        value.is_finite() && value != 0.0 && !(1e-3..1e7).contains(&value.abs()),
        value == value.trunc(),
    );
}

/// Writes a FLOAT as Java's `Float.toString`.
pub(crate) fn write_single(out: &mut Vec<u8>, value: f32) {
    write_float(
        out,
        value,
        value.is_finite() && value != 0.0 && !(1e-3..1e7).contains(&value.abs()),
        value == value.trunc(),
    );
}

fn write_float<F: std::fmt::Display + std::fmt::LowerExp>(out: &mut Vec<u8>, value: F, scientific: bool, whole: bool) {
    let start = out.len();
    if scientific {
        let _ = write!(out, "{value:e}");
        let Some(exponent) = out[start..].iter().position(|b| *b == b'e').map(|at| start + at) else { return };
        out[exponent] = b'E';
        if !out[start..exponent].contains(&b'.') {
            out.splice(exponent..exponent, *b".0");
        }
        return;
    }
    let _ = write!(out, "{value}");
    match &out[start..] {
        b"inf" => replace(out, start, b"Infinity"),
        b"-inf" => replace(out, start, b"-Infinity"),
        b"NaN" => {}
        _ if whole && !out[start..].contains(&b'.') => out.extend_from_slice(b".0"),
        _ => {}
    }
}

fn replace(out: &mut Vec<u8>, start: usize, with: &[u8]) {
    out.truncate(start);
    out.extend_from_slice(with);
}

/// Writes a DECIMAL with all its digits.
pub(crate) fn write_decimal(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    if unscaled < 0 {
        out.push(b'-');
    }
    let point = digits.len() - scale;
    out.extend_from_slice(&digits.as_bytes()[..point]);
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(&digits.as_bytes()[point..]);
    }
}

/// Writes a DECIMAL as Java's `BigDecimal.toString`: with an exponent where its first digit stands behind the sixth decimal.
pub(crate) fn write_scientific_decimal(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    let digits = unscaled.unsigned_abs().to_string();
    let exponent = digits.len() as i64 - 1 - scale as i64;
    if exponent >= -6 {
        return write_decimal(out, unscaled, scale);
    }
    if unscaled < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits.as_bytes()[..1]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits.as_bytes()[1..]);
    }
    let _ = write!(out, "E{exponent}");
}

/// Writes row `row` as Java prints the value: NULL as `null`, `2020-10-10T00:00:01`, `[1, 2]`, `{a=1}`, `+I[1, x]`.
pub(crate) fn write_value(out: &mut Vec<u8>, array: &dyn Array, row: usize) {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return;
    }
    macro_rules! shown {
        ($t:ident) => {{
            let _ = write!(out, "{}", array.as_primitive::<t::$t>().value(row));
        }};
    }
    match array.data_type() {
        A::Boolean => {
            let _ = write!(out, "{}", array.as_boolean().value(row));
        }
        A::Int8 => shown!(Int8Type),
        A::Int16 => shown!(Int16Type),
        A::Int32 => shown!(Int32Type),
        A::Int64 => shown!(Int64Type),
        A::Float32 => write_single(out, array.as_primitive::<t::Float32Type>().value(row)),
        A::Float64 => write_double(out, array.as_primitive::<t::Float64Type>().value(row)),
        A::Decimal128(_, scale) => {
            write_decimal(out, array.as_primitive::<t::Decimal128Type>().value(row), (*scale).max(0) as usize);
        }
        A::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        A::Binary => {
            let items = array.as_binary::<i32>().value(row).iter();
            listed(out, [b'[', b']'], items, |out, byte| {
                let _ = write!(out, "{}", *byte as i8);
            });
        }
        A::Date32 => write_date(out, i64::from(array.as_primitive::<t::Date32Type>().value(row))),
        A::Time32(_) => {
            let ms = i64::from(array.as_primitive::<t::Time32MillisecondType>().value(row));
            write_time(out, ms * 1_000_000, TimeStyle::Java);
        }
        A::Timestamp(_, zone) => {
            let value = date_time(array, row);
            if zone.is_none() {
                write_date_time(out, value, b'T', TimeStyle::Java);
                return;
            }
            // An instant shows its seconds even where they are zero.
            write_date_time(out, value, b'T', TimeStyle::Java);
            if value.nanos % 60_000_000_000 == 0 {
                out.extend_from_slice(b":00");
            }
            out.push(b'Z');
        }
        A::Interval(_) => shown!(IntervalYearMonthType),
        A::Duration(_) => {
            let _ = write!(out, "{}", array.as_primitive::<t::DurationMillisecondType>().value(row));
        }
        A::List(_) => {
            let items = array.as_list::<i32>().value(row);
            listed(out, [b'[', b']'], 0..items.len(), |out, i| write_value(out, &items, i));
        }
        A::Map(..) => {
            let entries = array.as_map().value(row);
            listed(out, [b'{', b'}'], 0..entries.len(), |out, i| {
                write_value(out, entries.column(0), i);
                out.push(b'=');
                write_value(out, entries.column(1), i);
            });
        }
        A::Struct(_) => {
            out.extend_from_slice(b"+I");
            let columns = array.as_struct().columns().iter();
            listed(out, [b'[', b']'], columns, |out, column| write_value(out, column, row));
        }
        other => panic!("no edge carries a column of type {other}"),
    }
}

fn listed<T>(
    out: &mut Vec<u8>,
    brackets: [u8; 2],
    items: impl Iterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(brackets[0]);
    for (index, value) in items.enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        item(out, value);
    }
    out.push(brackets[1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_look_like_java() {
        let shown = |v: f64| {
            let mut out = Vec::new();
            write_double(&mut out, v);
            String::from_utf8(out).unwrap()
        };
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1234567.0, "1234567.0"),
            (1e7, "1.0E7"),
            (1.5e10, "1.5E10"),
            (0.1, "0.1"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (5e-324, "4.9E-324"),
        ] {
            // Java writes the least double with two digits.
            let text = if value == 5e-324 { "5.0E-324" } else { text };
            assert_eq!(shown(value), text);
        }
    }

    #[test]
    fn decimals_keep_their_scale() {
        let shown = |v: i128, scale: usize| {
            let mut out = Vec::new();
            write_decimal(&mut out, v, scale);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(-5, 2), "-0.05");
        assert_eq!(shown(1234, 2), "12.34");
        assert_eq!(shown(7, 0), "7");
    }
}
