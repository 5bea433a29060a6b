//! Rounding to decimal places on the shortest decimal text of a number, as Java's `BigDecimal` does.

/// The digits of `d.ddde±x`, without the point, and the power of ten of the first.
fn digits_of(scientific: &str) -> (String, i32) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
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
