//! Numbers as text, fast where they are short.

/// An integer without sign, fraction or blanks around it, where it has at most 18 digits; else `None` (see [`parse_integer`]).
#[inline]
pub(crate) fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// An integer as Java's `Long.parseLong` reads it.
pub(crate) fn parse_integer(text: &[u8]) -> Option<i64> {
    short_integer(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// Ten to the power of 0 to 18.
pub(super) const INTEGER_POWERS: [u64; 19] = {
    let (mut powers, mut i) = ([1; 19], 1);
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The value of the decimal digits at the front, and how many they are; wrong where they are more than 18. Eight at a time.
#[inline]
pub(super) fn leading_digits(bytes: &[u8]) -> (u64, usize) {
    match bytes.first_chunk().map(eight_digits) {
        Some((value, count)) if count < 8 => (value, count),
        Some((value, _)) => more_digits(bytes, value, 8),
        None => more_digits(bytes, 0, 0),
    }
}

fn more_digits(bytes: &[u8], mut value: u64, mut count: usize) -> (u64, usize) {
    while let Some(chunk) = bytes[count..].first_chunk() {
        let (part, length) = eight_digits(chunk);
        value = value.wrapping_mul(INTEGER_POWERS[length]).wrapping_add(part);
        count += length;
        if length < 8 {
            return (value, count);
        }
    }
    for byte in &bytes[count..] {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
    }
    (value, count)
}

/// The same for a word.
#[inline(always)]
pub(super) fn eight_digits(chunk: &[u8; 8]) -> (u64, usize) {
    // A digit leaves 0 to 9; what is more, or was above 0x7F, gets its high bit set.
    let digits = u64::from_le_bytes(*chunk) ^ 0x3030_3030_3030_3030;
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let length = others.trailing_zeros() / 8;
    // The digits to the end of the word, zeros before them (in two steps: there may be no digit), then neighbours are joined.
    let word = digits << (4 * (8 - length)) << (4 * (8 - length));
    let pairs = (word & 0x000F_000F_000F_000F) * 10 + (word >> 8 & 0x000F_000F_000F_000F);
    let fours = (pairs & 0x0000_00FF_0000_00FF) * 100 + (pairs >> 16 & 0x0000_00FF_0000_00FF);
    ((fours & 0xFFFF) * 10_000 + (fours >> 32 & 0xFFFF), length as usize)
}

const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// `mantissa` times ten to the power of minus `scale`, where one division of two exact DOUBLEs gives it.
#[inline]
pub(super) fn exact_double(mantissa: u64, scale: usize) -> Option<f64> {
    (mantissa < 1 << 53 && scale < POWERS.len()).then(|| mantissa as f64 / POWERS[scale])
}

/// A DOUBLE as Java's `Double.parseDouble` reads it, but for hexadecimal digits. A plain decimal of few digits is one exact
/// division (Clinger's fast path).
#[inline]
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if (1..=16).contains(&digits.len()) && digits[0].is_ascii_digit() {
        let (mut mantissa, mut scale, mut point) = (0u64, 0usize, false);
        let plain = digits.iter().all(|byte| match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                scale += usize::from(point);
                true
            }
            b'.' if !point => {
                point = true;
                true
            }
            _ => false,
        });
        if let Some(value) = exact_double(mantissa, scale).filter(|_| plain) {
            return Some(if negative { -value } else { value });
        }
    }
    slow_double(text)
}

fn slow_double(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match digits {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }
    let digits = digits.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(digits);
    let first = digits.as_bytes().first()?;
    if !first.is_ascii_digit() && *first != b'.' {
        return None;
    }
    digits.parse::<f64>().ok().map(|v| sign * v)
}

/// A DECIMAL(precision, scale): its unscaled value, rounded half up; `Ok(None)` where it does not fit (Flink: NULL).
///
/// # Errors
/// The text is no number.
#[allow(clippy::result_unit_err, reason = "there is one way to fail; the caller knows the column")]
pub(crate) fn parse_decimal(text: &[u8], precision: u8, scale: u8) -> Result<Option<i128>, ()> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let exponent_at = digits.iter().position(|b| matches!(b, b'e' | b'E'));
    let (mantissa, exponent) = match exponent_at {
        Some(at) => {
            let exponent = std::str::from_utf8(&digits[at + 1..]).map_err(|_| ())?;
            (&digits[..at], exponent.parse::<i32>().map_err(|_| ())?)
        }
        None => (digits, 0),
    };
    let point = mantissa.iter().position(|b| *b == b'.');
    let fraction = point.map_or(0, |p| mantissa.len() - p - 1);
    if mantissa.len() == usize::from(point.is_some()) {
        return Err(());
    }
    // Digits that still count: those down to the scale, and one more for rounding.
    let dropped = fraction as i64 - i64::from(exponent) - i64::from(scale);
    let count = (mantissa.len() - usize::from(point.is_some())) as i64;
    let (mut value, mut seen, mut round_up, mut overflow) = (0i128, 0i64, false, false);
    for byte in mantissa.iter().filter(|b| **b != b'.') {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(());
        }
        seen += 1;
        if seen <= count - dropped {
            match value.checked_mul(10).and_then(|v| v.checked_add(i128::from(digit))) {
                Some(v) => value = v,
                None => overflow = true,
            }
        } else if seen == count - dropped + 1 {
            round_up = digit >= 5;
        }
    }
    if mantissa.iter().filter(|b| **b == b'.').count() > 1 {
        return Err(());
    }
    let limit = 10i128.pow(u32::from(precision.min(38)));
    for _ in 0..(-dropped).max(0) {
        if value == 0 {
            break;
        }
        match value.checked_mul(10) {
            Some(v) if v < limit => value = v,
            _ => return Ok(None),
        }
    }
    value += i128::from(round_up);
    if overflow || value >= limit {
        return Ok(None);
    }
    Ok(Some(if negative { -value } else { value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_digits_are_read_at_every_length_and_place() {
        let digits = "123456789012345678";
        for length in 0..=18 {
            for rest in ["", ".", "e5", ",1234567", "}", "/1234567", ":1234567", "\u{e9}1234567", " 12345678"] {
                let text = format!("{}{rest}", &digits[..length]);
                let value = digits[..length].parse().unwrap_or(0);
                assert_eq!(leading_digits(text.as_bytes()), (value, length), "{text}");
            }
        }
        assert_eq!(leading_digits(b"0000000000123"), (123, 13));
    }
}
