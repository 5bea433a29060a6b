//! Numbers as Java and Flink read, round and write them.

use arrow::datatypes::i256;

/// 10 to the power `n`, where it fits.
pub(crate) fn pow10(n: u8) -> Option<i128> {
    const POWERS: [i128; 39] = {
        let mut powers = [1i128; 39];
        let mut i = 1;
        while i < 39 {
            powers[i] = powers[i - 1] * 10;
            i += 1;
        }
        powers
    };
    POWERS.get(n as usize).copied()
}

/// Whether an unscaled value has at most `precision` digits.
pub(crate) fn fits(value: i128, precision: u8) -> bool {
    pow10(precision).is_none_or(|bound| value < bound && value > -bound)
}

/// An unscaled value at another, not larger, scale, rounded half away from zero; unchanged where the scale grows by 0.
pub(crate) fn round_half_up(value: i128, from: u8, to: u8) -> i128 {
    if to >= from {
        return value.saturating_mul(pow10(to - from).unwrap_or(i128::MAX));
    }
    let Some(unit) = pow10(from - to) else { return 0 };
    let (quotient, rest) = (value / unit, value % unit);
    if rest.unsigned_abs() >= (unit / 2) as u128 { quotient + value.signum() } else { quotient }
}

/// As [`round_half_up`] in 256 bits.
pub(crate) fn round_half_up_wide(value: i256, from: u8, to: u8) -> Option<i256> {
    let ten = i256::from_i128(10);
    if to >= from {
        return value.checked_mul(ten.checked_pow((to - from).into())?);
    }
    let unit = ten.checked_pow((from - to).into())?;
    let (quotient, rest) = (value.checked_div(unit)?, value.checked_rem(unit)?);
    let twice = rest.wrapping_abs().checked_mul(i256::from_i128(2))?;
    let sign = i256::from_i128(if value < i256::ZERO { -1 } else { 1 });
    if twice >= unit { quotient.checked_add(sign) } else { Some(quotient) }
}

/// An unscaled value at another scale, rounded half up; `None` where it exceeds `precision`.
pub(crate) fn rescale(value: i128, from: u8, (precision, scale): (u8, u8)) -> Option<i128> {
    let value = if scale > from { value.checked_mul(pow10(scale - from)?)? } else { round_half_up(value, from, scale) };
    fits(value, precision).then_some(value)
}

/// A DOUBLE as DECIMAL, by its shortest digits as Java does; `None` where it exceeds the precision or is not finite.
pub(crate) fn decimal_of_double(value: f64, to: (u8, u8)) -> Option<i128> {
    if !value.is_finite() {
        return None;
    }
    parse_decimal(&format!("{value:e}"), to)
}

/// Reads a decimal number with optional exponent, as Java's `BigDecimal`, rounded half up to the scale; `None` where it is
/// no number or exceeds the precision.
pub(crate) fn parse_decimal(text: &str, (precision, scale): (u8, u8)) -> Option<i128> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.as_bytes().first()? {
        b'-' => (true, &mantissa[1..]),
        b'+' => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits = whole.bytes().chain(fraction.bytes());
    if !digits.clone().all(|c| c.is_ascii_digit()) {
        return None;
    }
    // How many of the digits stand before the wanted last place.
    let kept = i64::from(whole.len() as u32) + i64::from(exponent) + i64::from(scale);
    let mut value = 0i128;
    let mut at = 0i64;
    for digit in digits {
        if at == kept {
            if digit >= b'5' {
                value += 1;
            }
            break;
        }
        if at > kept {
            break;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        at += 1;
    }
    if value != 0 && at < kept && kept <= 80 {
        for _ in at..kept {
            value = value.checked_mul(10)?;
        }
    } else if value != 0 && kept > 80 {
        return None;
    }
    fits(value, precision).then_some(if negative { -value } else { value })
}

/// A DECIMAL as DOUBLE, correctly rounded.
pub(crate) fn decimal_to_double(value: i128, scale: u8) -> f64 {
    if value.unsigned_abs() < 1 << 53 && scale <= 22 {
        return value as f64 / 10f64.powi(scale.into());
    }
    format!("{value}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// Writes an unscaled value with its point: `-0.50`.
pub(crate) fn write_decimal(value: i128, scale: u8, out: &mut String) {
    use std::fmt::Write;
    let scale = scale as usize;
    if scale == 0 {
        let _ = write!(out, "{value}");
        return;
    }
    if value < 0 {
        out.push('-');
    }
    let digits = value.unsigned_abs();
    let unit = pow10(scale as u8).unwrap_or(1) as u128;
    let _ = write!(out, "{}.{:0scale$}", digits / unit, digits % unit);
}

/// Writes a DOUBLE as Java's `Double.toString`: `1.0`, `1.0E10`, `NaN`, `-Infinity`.
pub(crate) fn write_double(value: f64, out: &mut String) {
    if !write_special(value, out) {
        // From 2^53 on Java keeps a digit of the integer that the shortest form drops.
        match wide_integer(value, 53) {
            Some(digits) => write_digits(value < 0.0, &digits.0, digits.1, out),
            None => write_shortest(&format!("{value:e}"), out),
        }
    }
}

/// Writes a FLOAT as Java's `Float.toString`.
pub(crate) fn write_float(value: f32, out: &mut String) {
    if !write_special(value.into(), out) {
        match wide_integer(value.into(), 24) {
            Some(digits) => write_digits(value < 0.0, &digits.0, digits.1, out),
            None => write_shortest(&format!("{value:e}"), out),
        }
    }
}

fn write_special(value: f64, out: &mut String) -> bool {
    let text = if value.is_nan() {
        "NaN"
    } else if value == f64::INFINITY {
        "Infinity"
    } else if value == f64::NEG_INFINITY {
        "-Infinity"
    } else if value == 0.0 {
        if value.is_sign_negative() { "-0.0" } else { "0.0" }
    } else {
        return false;
    };
    out.push_str(text);
    true
}

/// The digits and exponent that Java (before 19) gives an integer of more bits than the type holds: the integer itself,
/// rounded at the digits that its lowest bit does not reach.
fn wide_integer(value: f64, significant_bits: i32) -> Option<(String, i32)> {
    let magnitude = value.abs();
    if !(1.0..9.2e18).contains(&magnitude) || magnitude.fract() != 0.0 {
        return None;
    }
    let exponent = ((magnitude.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    if exponent <= significant_bits || exponent > 62 {
        return None;
    }
    let power = exponent - significant_bits - 1;
    let dropped = if power > 3 { (f64::from(power) * std::f64::consts::LOG10_2) as u32 } else { 0 };
    let unit = 10u64.pow(dropped);
    let integer = magnitude as u64;
    let rounded = integer / unit + u64::from(dropped > 0 && integer % unit >= unit / 2);
    let digits = rounded.to_string();
    let exponent = digits.len() as i32 - 1 + dropped as i32;
    let trimmed = digits.trim_end_matches('0');
    Some((trimmed.to_owned(), exponent))
}

/// Rewrites Rust's `d.ddde±n` the way Java writes it.
fn write_shortest(scientific: &str, out: &mut String) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    write_digits(negative, &digits, exponent.parse().unwrap_or(0), out);
}

/// Writes digits `d₁d₂d₃…` times ten to `exponent` (of the first digit): plain from 10⁻³ to below 10⁷, else with `E`.
fn write_digits(negative: bool, digits: &str, exponent: i32, out: &mut String) {
    use std::fmt::Write;
    if negative {
        out.push('-');
    }
    if (-3..7).contains(&exponent) {
        if exponent < 0 {
            out.push_str("0.");
            (1..-exponent).for_each(|_| out.push('0'));
            out.push_str(digits);
            return;
        }
        let whole = exponent as usize + 1;
        if digits.len() <= whole {
            out.push_str(digits);
            (digits.len()..whole).for_each(|_| out.push('0'));
            out.push_str(".0");
        } else {
            let _ = write!(out, "{}.{}", &digits[..whole], &digits[whole..]);
        }
        return;
    }
    let rest = if digits.len() > 1 { &digits[1..] } else { "0" };
    let _ = write!(out, "{}.{rest}E{exponent}", &digits[..1]);
}
