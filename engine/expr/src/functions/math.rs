//! Mathematical functions of one result type: powers, logarithms, trigonometry, number bases; [`round`] has those that keep
//! the type of their argument.

pub(crate) mod round;

use arrow::datatypes::Float64Type;
use wasmill_plan::{Result, TypeKind};

use super::arguments::{Param::*, params, strict, string, total};
use super::columns::{bigint, kernel, numbers, octets, primitive, texts};
use crate::Function;
use crate::function::{CallSite, Kernel};

/// A function of one DOUBLE.
macro_rules! double {
    ($name:literal, $f:expr) => {
        Function {
            name: $name,
            aliases: &[],
            usage: concat!($name, "(number)"),
            infer: |a| strict(params(a, &[Double], &[])?, TypeKind::Double),
            kernel: |_| {
                kernel(|args, rows| {
                    let x = primitive::<Float64Type>(&args[0]);
                    let f: fn(f64) -> f64 = $f;
                    numbers::<Float64Type>(rows, |row| Some(f(x.get(row)?)))
                })
            },
        }
    };
}

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function { name: "ABS", aliases: &[], usage: "ABS(number)", infer: round::infer_same, kernel: round::abs },
    Function { name: "SIGN", aliases: &[], usage: "SIGN(number)", infer: round::infer_same, kernel: round::sign },
    Function {
        name: "ROUND",
        aliases: &[],
        usage: "ROUND(number [, places])",
        infer: round::infer_places,
        kernel: round::round,
    },
    Function {
        name: "TRUNCATE",
        aliases: &[],
        usage: "TRUNCATE(number [, places])",
        infer: round::infer_places,
        kernel: round::truncate,
    },
    double!("EXP", f64::exp),
    double!("LN", f64::ln),
    double!("LOG10", f64::log10),
    double!("LOG2", |x| x.ln() / std::f64::consts::LN_2),
    double!("SQRT", |x| x.powf(0.5)),
    double!("SIN", f64::sin),
    double!("COS", f64::cos),
    double!("TAN", f64::tan),
    double!("COT", |x| 1.0 / x.tan()),
    double!("ASIN", f64::asin),
    double!("ACOS", f64::acos),
    double!("ATAN", f64::atan),
    double!("SINH", f64::sinh),
    double!("COSH", f64::cosh),
    double!("TANH", f64::tanh),
    double!("DEGREES", f64::to_degrees),
    double!("RADIANS", f64::to_radians),
    Function {
        name: "LOG",
        aliases: &[],
        usage: "LOG([base,] number)",
        infer: |a| strict(params(a, &[Double], &[Double])?, TypeKind::Double),
        kernel: log,
    },
    Function {
        name: "POWER",
        aliases: &["POW"],
        usage: "POWER(base, exponent)",
        infer: |a| strict(params(a, &[Double, Double], &[])?, TypeKind::Double),
        kernel: |_| of_two_doubles(f64::powf),
    },
    Function {
        name: "ATAN2",
        aliases: &[],
        usage: "ATAN2(y, x)",
        infer: |a| strict(params(a, &[Double, Double], &[])?, TypeKind::Double),
        kernel: |_| of_two_doubles(f64::atan2),
    },
    Function {
        name: "PI",
        aliases: &[],
        usage: "PI()",
        infer: |a| total(params(a, &[], &[])?, TypeKind::Double),
        kernel: |_| kernel(|_, rows| numbers::<Float64Type>(rows, |_| Some(std::f64::consts::PI))),
    },
    Function {
        name: "E",
        aliases: &[],
        usage: "E()",
        infer: |a| total(params(a, &[], &[])?, TypeKind::Double),
        kernel: |_| kernel(|_, rows| numbers::<Float64Type>(rows, |_| Some(std::f64::consts::E))),
    },
    Function {
        name: "BIN",
        aliases: &[],
        usage: "BIN(integer)",
        infer: |a| strict(params(a, &[BigInt], &[])?, string()),
        kernel: bin,
    },
    Function {
        name: "HEX",
        aliases: &[],
        usage: "HEX(integer or text)",
        infer: |a| match a.first() {
            Some(x) if x.data_type.kind.is_text() => strict(params(a, &[Text], &[])?, string()),
            _ => strict(params(a, &[BigInt], &[])?, string()),
        },
        kernel: hex,
    },
    Function {
        name: "UNHEX",
        aliases: &[],
        usage: "UNHEX(text)",
        infer: |a| super::arguments::nullable(params(a, &[Text], &[])?, super::arguments::bytes()),
        kernel: unhex,
    },
    Function {
        name: "CONV",
        aliases: &[],
        usage: "CONV(number, from base, to base)",
        infer: |a| match a.first() {
            Some(x) if x.data_type.kind.is_integer() => {
                super::arguments::nullable(params(a, &[BigInt, Int, Int], &[])?, string())
            }
            _ => super::arguments::nullable(params(a, &[Text, Int, Int], &[])?, string()),
        },
        kernel: conv,
    },
];

fn of_two_doubles(f: fn(f64, f64) -> f64) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| {
        let (x, y) = (primitive::<Float64Type>(&args[0]), primitive::<Float64Type>(&args[1]));
        numbers::<Float64Type>(rows, |row| Some(f(x.get(row)?, y.get(row)?)))
    })
}

/// `LOG(x)` is natural, `LOG(base, x)` of that base.
fn log(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if site.args.len() == 2 {
        return of_two_doubles(|base, x| x.ln() / base.ln());
    }
    kernel(|args, rows| {
        let x = primitive::<Float64Type>(&args[0]);
        numbers::<Float64Type>(rows, |row| Some(x.get(row)?.ln()))
    })
}

/// Binary digits; of a negative number all 64 of its two's complement.
fn bin(_: &CallSite) -> Result<Box<dyn Kernel>> {
    use std::fmt::Write;
    kernel(|args, rows| {
        let x = bigint(&args[0]);
        texts(rows, |row, out| write!(out, "{:b}", x.get(row)?).ok())
    })
}

/// Upper-case hexadecimal digits of an integer (two's complement) or of the UTF-8 of a text.
fn hex(site: &CallSite) -> Result<Box<dyn Kernel>> {
    use std::fmt::Write;
    if site.args[0].kind.is_integer() {
        return kernel(|args, rows| {
            let x = bigint(&args[0]);
            texts(rows, |row, out| write!(out, "{:X}", x.get(row)?).ok())
        });
    }
    kernel(|args, rows| {
        let bytes = octets(&args[0]);
        texts(rows, |row, out| bytes.get(row)?.iter().try_for_each(|b| write!(out, "{b:02X}").ok()))
    })
}

/// NULL where the text has anything but hexadecimal digits. Of an odd count of digits the first gives a zero byte, as in
/// Flink.
fn unhex(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = octets(&args[0]);
        let digit = |b: &u8| char::from(*b).to_digit(16);
        super::columns::binaries(rows, |row, out| {
            let digits = s.get(row)?;
            let (odd, pairs) = digits.split_at(digits.len() % 2);
            for first in odd {
                digit(first)?;
                out.push(0);
            }
            for pair in pairs.chunks_exact(2) {
                out.push((digit(&pair[0])? << 4 | digit(&pair[1])?) as u8);
            }
            Some(())
        })
    })
}

/// `CONV(number, from, to)`: bases 2 to 36; a negative target base reads and writes signed numbers. Reading stops at the
/// first character that is no digit; beyond 64 bits the largest number is taken.
fn conv(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let of_text = site.args[0].kind.is_text();
    kernel(move |args, rows| {
        let (from, to) = (super::columns::int(&args[1]), super::columns::int(&args[2]));
        texts(rows, |row, out| {
            let digits;
            let s = if of_text {
                super::columns::text(&args[0]).get(row)?
            } else {
                digits = bigint(&args[0]).get(row)?.to_string();
                &digits
            };
            convert_base(s, from.get(row)?, to.get(row)?, out)
        })
    })
}

fn convert_base(s: &str, from: i32, to: i32, out: &mut String) -> Option<()> {
    let (base, target) = (from.unsigned_abs(), to.unsigned_abs());
    if !(2..=36).contains(&base) || !(2..=36).contains(&target) {
        return None;
    }
    let s = s.trim_matches(' ');
    let (negative, digits) = s.strip_prefix('-').map_or((false, s), |rest| (true, rest));
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for digit in digits.chars().map_while(|c| c.to_digit(base)) {
        value = value.checked_mul(base.into()).and_then(|v| v.checked_add(digit.into())).unwrap_or(u64::MAX);
    }
    if negative {
        value = value.wrapping_neg();
    }
    if to < 0 && (value as i64) < 0 {
        out.push('-');
        value = (value as i64).unsigned_abs();
    }
    let mut reversed = [0u8; 64];
    let mut length = 0;
    loop {
        // A digit below the base has a character.
        reversed[length] = char::from_digit((value % u64::from(target)) as u32, target)? as u8;
        length += 1;
        value /= u64::from(target);
        if value == 0 {
            break;
        }
    }
    out.extend(reversed[..length].iter().rev().map(|b| char::from(b.to_ascii_uppercase())));
    Some(())
}

#[cfg(test)]
mod tests;
