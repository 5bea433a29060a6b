//! Precision and scale of DECIMAL results (Flink's `LogicalTypeMerging`).

use wasmill_plan::{MAX_PRECISION, TypeKind};

/// A fractional part of at least so many digits stays where a precision must be cut to 38.
const SCALE_MIN: i32 = 6;

/// Precision and scale that hold an integer type or are a DECIMAL's own; `None` for other types.
pub fn as_decimal(kind: &TypeKind) -> Option<(u8, u8)> {
    match kind {
        TypeKind::TinyInt => Some((3, 0)),
        TypeKind::SmallInt => Some((5, 0)),
        TypeKind::Int => Some((10, 0)),
        TypeKind::BigInt => Some((19, 0)),
        TypeKind::Decimal(p, s) => Some((*p, *s)),
        _ => None,
    }
}

/// The type of `a + b` and `a - b`.
pub fn addition_decimal((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> TypeKind {
    let scale = s1.max(s2);
    let whole = (p1 - s1).max(p2 - s2);
    adjusted(whole as i32 + scale as i32 + 1, scale as i32)
}

/// The type of `a * b`.
pub fn multiplication_decimal((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> TypeKind {
    adjusted(p1 as i32 + p2 as i32 + 1, s1 as i32 + s2 as i32)
}

/// The type of `a / b`.
pub fn division_decimal((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> TypeKind {
    let scale = SCALE_MIN.max(s1 as i32 + p2 as i32 + 1);
    adjusted(p1 as i32 - s1 as i32 + s2 as i32 + scale, scale)
}

/// The type of `a % b`.
pub fn modulo_decimal((p1, s1): (u8, u8), (p2, s2): (u8, u8)) -> TypeKind {
    let scale = s1.max(s2);
    let whole = (p1 - s1).min(p2 - s2);
    adjusted(whole as i32 + scale as i32, scale as i32)
}

/// The type of `ROUND(a, digits)` and `TRUNCATE(a, digits)`.
pub fn round_decimal((precision, scale): (u8, u8), digits: i32) -> TypeKind {
    if digits >= scale as i32 {
        TypeKind::Decimal(precision, scale)
    } else if digits < 0 {
        TypeKind::Decimal((1 + precision - scale).min(MAX_PRECISION), 0)
    } else {
        // Rounding may carry into a new digit.
        let digits = digits as u8;
        TypeKind::Decimal((1 + precision - scale + digits).min(MAX_PRECISION), digits)
    }
}

/// Cuts the precision to 38; the whole digits are kept, and at least [`SCALE_MIN`] fractional ones where there were so many.
fn adjusted(precision: i32, scale: i32) -> TypeKind {
    let precision_max = MAX_PRECISION as i32;
    if precision <= precision_max {
        return TypeKind::Decimal(precision.max(1) as u8, scale as u8);
    }
    let scale = (precision_max - (precision - scale)).max(scale.min(SCALE_MIN));
    TypeKind::Decimal(MAX_PRECISION, scale as u8)
}
