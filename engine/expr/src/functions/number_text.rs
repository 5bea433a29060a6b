//! Numbers as decimal text, as Java writes them, and rounding on that text.

use std::fmt::Write;

/// As Java's `Double.toString`: `1.0`, `1.0E10`, `1.0E-4`, with the fewest digits that tell the number from its neighbours.
pub fn write_double(value: f64, out: &mut String) {
    write_shortest(value, value.is_sign_negative(), &format!("{:e}", value.abs()), out);
}

/// As Java's `Float.toString`.
pub fn write_float(value: f32, out: &mut String) {
    write_shortest(f64::from(value), value.is_sign_negative(), &format!("{:e}", value.abs()), out);
}

fn write_shortest(value: f64, negative: bool, scientific: &str, out: &mut String) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if negative {
        out.push('-');
    }
    if value.is_infinite() {
        return out.push_str("Infinity");
    }
    let (digits, exponent) = digits_of(scientific);
    let (whole, scale) = if (-3..7).contains(&exponent) || value == 0.0 { (exponent, None) } else { (0, Some(exponent)) };
    if whole < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-whole - 1) as usize));
        out.push_str(&digits);
    } else {
        let whole = whole as usize + 1;
        out.extend(digits.chars().chain(std::iter::repeat('0')).take(whole));
        out.push('.');
        out.push_str(digits.get(whole..).filter(|d| !d.is_empty()).unwrap_or("0"));
    }
    if let Some(exponent) = scale {
        // Writing to a String cannot fail.
        let _ = write!(out, "E{exponent}");
    }
}

/// The digits of `d.ddde±x`, without the point, and the power of ten of the first.
fn digits_of(scientific: &str) -> (String, i32) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// A DECIMAL in plain notation with all its fractional digits.
pub fn write_decimal(unscaled: i128, scale: u8, out: &mut String) {
    if unscaled < 0 {
        out.push('-');
    }
    let digits = unscaled.unsigned_abs().to_string();
    let scale = usize::from(scale);
    if scale == 0 {
        return out.push_str(&digits);
    }
    if digits.len() <= scale {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', scale - digits.len()));
        out.push_str(&digits);
    } else {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}

/// `value` rounded to `places` decimal places (before the point where negative), a half away from zero. The shortest text
/// of the number is rounded, as Java's `BigDecimal.valueOf` does: 2.675 at 2 places is 2.68.
pub fn round_half_up(value: f64, places: i32) -> f64 {
    rounded(value, places, true)
}

/// [`round_half_up`] towards zero.
pub fn truncate(value: f64, places: i32) -> f64 {
    rounded(value, places, false)
}

fn rounded(value: f64, places: i32, half_up: bool) -> f64 {
    if !value.is_finite() || value == 0.0 {
        return value;
    }
    let (mut digits, exponent) = digits_of(&format!("{:e}", value.abs()));
    let keep = i64::from(exponent) + 1 + i64::from(places);
    if keep >= digits.len() as i64 {
        return value;
    }
    if keep < 0 {
        return 0.0;
    }
    let keep = keep as usize;
    let up = half_up && digits.as_bytes()[keep] >= b'5';
    digits.truncate(keep);
    let mut unscaled: u128 = digits.parse().unwrap_or(0);
    unscaled += u128::from(up);
    let magnitude: f64 = format!("{unscaled}e{}", -i64::from(places)).parse().unwrap_or(f64::NAN);
    magnitude.copysign(value)
}

/// `magnitude` (not negative) with exactly `places` decimal places, its shortest text rounded half up.
pub fn fixed_half_up(magnitude: f64, places: usize) -> String {
    format!("{:.places$}", round_half_up(magnitude, places.min(400) as i32))
}
