//! Which conversions exist (Flink's `LogicalTypeCasts`).

use wasmill_plan::{DataType, TypeKind};

/// Whether a value of `from` may stand where `to` is wanted without an explicit CAST: nothing can be lost but precision.
pub fn can_cast_implicitly(from: &DataType, to: &DataType) -> bool {
    use TypeKind as K;
    if from.nullable && !to.nullable && from.kind != K::Null {
        return false;
    }
    match (&from.kind, &to.kind) {
        (a, b) if a == b => true,
        (K::Null, _) => to.nullable,
        (K::Char(_) | K::Varchar(_), K::Varchar(_)) | (K::Char(_), K::Char(_)) => true,
        (K::Binary(_) | K::Varbinary(_), K::Varbinary(_)) | (K::Binary(_), K::Binary(_)) => true,
        (K::TinyInt, K::SmallInt | K::Int | K::BigInt | K::Decimal(..) | K::Float | K::Double) => true,
        (K::SmallInt, K::Int | K::BigInt | K::Decimal(..) | K::Float | K::Double) => true,
        (K::Int, K::BigInt | K::Decimal(..) | K::Float | K::Double) => true,
        (K::BigInt, K::Decimal(..) | K::Float | K::Double) => true,
        (K::Decimal(..), K::Decimal(..) | K::Float | K::Double) => true,
        (K::Float, K::Double) => true,
        (K::Date, K::Timestamp(_)) => true,
        (K::Time(_), K::Time(_)) => true,
        (K::Timestamp(_) | K::TimestampLtz(_), K::Timestamp(_) | K::TimestampLtz(_)) => true,
        (K::Array(a), K::Array(b)) | (K::Multiset(a), K::Multiset(b)) => can_cast_implicitly(a, b),
        (K::Map(k1, v1), K::Map(k2, v2)) => can_cast_implicitly(k1, k2) && can_cast_implicitly(v1, v2),
        (K::Row(a), K::Row(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| can_cast_implicitly(&a.data_type, &b.data_type))
        }
        _ => false,
    }
}

/// Whether `CAST(from AS to)` exists.
pub fn can_cast(from: &DataType, to: &DataType) -> bool {
    use TypeKind as K;
    match (&from.kind, &to.kind) {
        (a, b) if a == b => true,
        (K::Null, _) => true,
        (K::Map(..) | K::Multiset(_) | K::Array(_) | K::Row(_) | K::Bitmap, b) if b.is_text() => true,
        (a, b) if a.is_text() && b.is_text() => true,
        (a, K::Boolean) if a.is_text() || a.is_numeric() => true,
        (K::Boolean, b) if b.is_text() || b.is_numeric() => true,
        (a, b) if a.is_text() && (b.is_numeric() || b.is_binary()) => true,
        (a, K::Date | K::Time(_) | K::Timestamp(_) | K::TimestampLtz(_)) if a.is_text() => true,
        (a, K::IntervalDayTime | K::IntervalYearMonth) if a.is_text() => false,
        (_, b) if b.is_text() => true,
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (a, b) if a.is_binary() && b.is_binary() => true,
        (a, K::Bitmap) if a.is_binary() => true,
        (K::Bitmap, b) if b.is_binary() => true,
        (K::Date, K::Timestamp(_) | K::TimestampLtz(_)) => true,
        (K::Time(_), K::Time(_) | K::Timestamp(_) | K::TimestampLtz(_)) => true,
        (K::Timestamp(_) | K::TimestampLtz(_), K::Date | K::Time(_) | K::Timestamp(_) | K::TimestampLtz(_)) => true,
        (a, K::IntervalYearMonth | K::IntervalDayTime) if a.is_integer() => true,
        (K::Array(a), K::Array(b)) | (K::Multiset(a), K::Multiset(b)) => can_cast(a, b),
        (K::Map(k1, v1), K::Map(k2, v2)) => can_cast(k1, k2) && can_cast(v1, v2),
        (K::Row(a), K::Row(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| can_cast(&a.data_type, &b.data_type))
        }
        _ => false,
    }
}
