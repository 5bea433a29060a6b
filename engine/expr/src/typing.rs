//! Flink's rules of types: common types, results of arithmetic, and which conversions exist.
//!
//! Sources: Flink's `LogicalTypeMerging` and `LogicalTypeCasts`, Calcite's `leastRestrictive`.

mod casts;
mod decimal;

pub use casts::{can_cast, can_cast_implicitly};
pub use decimal::{
    addition_decimal, as_decimal, division_decimal, modulo_decimal, multiplication_decimal, round_decimal,
};

use wasmill_plan::{DataType, Field, TypeKind};

/// The type that values of all these types can be given in one column: of CASE, COALESCE, UNION, IN and VALUES. Nullable if
/// one of them is. `None` where there is none; a bare NULL goes with everything.
pub fn least_restrictive(types: &[DataType]) -> Option<DataType> {
    let nullable = types.iter().any(|t| t.nullable || t.kind == TypeKind::Null);
    let mut result: Option<TypeKind> = None;
    for data_type in types {
        result = Some(match result {
            None => data_type.kind.clone(),
            Some(kind) => common_kind(&kind, &data_type.kind)?,
        });
    }
    result.map(|kind| DataType { kind, nullable })
}

/// The common type of two, without their nullability.
pub fn common_kind(a: &TypeKind, b: &TypeKind) -> Option<TypeKind> {
    use TypeKind as K;
    if a == b {
        return Some(a.clone());
    }
    Some(match (a, b) {
        (K::Null, other) | (other, K::Null) => other.clone(),
        (K::Char(x) | K::Varchar(x), K::Char(y) | K::Varchar(y)) => K::Varchar(*x.max(y)),
        (K::Binary(x) | K::Varbinary(x), K::Binary(y) | K::Varbinary(y)) => K::Varbinary(*x.max(y)),
        (x, y) if x.is_numeric() && y.is_numeric() => common_numeric(x, y),
        (K::Time(x), K::Time(y)) => K::Time(*x.max(y)),
        (K::Date, t @ (K::Timestamp(_) | K::TimestampLtz(_)))
        | (t @ (K::Timestamp(_) | K::TimestampLtz(_)), K::Date) => t.clone(),
        (K::Timestamp(x), K::Timestamp(y)) => K::Timestamp(*x.max(y)),
        (K::Timestamp(x) | K::TimestampLtz(x), K::Timestamp(y) | K::TimestampLtz(y)) => K::TimestampLtz(*x.max(y)),
        (K::Array(x), K::Array(y)) => K::Array(Box::new(common_type(x, y)?)),
        (K::Multiset(x), K::Multiset(y)) => K::Multiset(Box::new(common_type(x, y)?)),
        (K::Map(k1, v1), K::Map(k2, v2)) => K::Map(Box::new(common_type(k1, k2)?), Box::new(common_type(v1, v2)?)),
        (K::Row(x), K::Row(y)) if x.len() == y.len() => K::Row(
            x.iter()
                .zip(y)
                .map(|(x, y)| Some(Field::new(x.name.clone(), common_type(&x.data_type, &y.data_type)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    least_restrictive(&[a.clone(), b.clone()])
}

/// The common type of two numbers: the wider integer, a DECIMAL that holds both, or DOUBLE for DECIMAL with FLOAT or DOUBLE.
fn common_numeric(a: &TypeKind, b: &TypeKind) -> TypeKind {
    use TypeKind as K;
    match (a, b) {
        (K::Double, _) | (_, K::Double) => K::Double,
        (K::Float, K::Decimal(..)) | (K::Decimal(..), K::Float) => K::Double,
        (K::Float, _) | (_, K::Float) => K::Float,
        (K::Decimal(..), _) | (_, K::Decimal(..)) => {
            let ((p1, s1), (p2, s2)) = (as_decimal(a).unwrap_or((38, 0)), as_decimal(b).unwrap_or((38, 0)));
            let scale = s1.max(s2);
            let whole = (p1 - s1).max(p2 - s2);
            K::Decimal((whole + scale).min(38), scale)
        }
        _ => {
            if integer_rank(a) >= integer_rank(b) {
                a.clone()
            } else {
                b.clone()
            }
        }
    }
}

/// TINYINT 1, SMALLINT 2, INT 3, BIGINT 4; 0 for what is no integer.
pub fn integer_rank(kind: &TypeKind) -> u8 {
    match kind {
        TypeKind::TinyInt => 1,
        TypeKind::SmallInt => 2,
        TypeKind::Int => 3,
        TypeKind::BigInt => 4,
        _ => 0,
    }
}

/// The type in which two values are compared by `=`, `<` and the like, `None` where Flink does not compare them: numbers
/// with each other; text with numbers (as the number), with DATE, TIME and timestamps (as those) and BOOLEAN; TIMESTAMP
/// with TIMESTAMP_LTZ (in the session's zone).
pub fn comparison_kind(a: &TypeKind, b: &TypeKind) -> Option<TypeKind> {
    use TypeKind as K;
    match (a, b) {
        (text, other) | (other, text) if text.is_text() && !other.is_text() => match other {
            K::Null => Some(text.clone()),
            K::TinyInt | K::SmallInt | K::Int | K::BigInt | K::Float | K::Double | K::Decimal(..) => {
                Some(other.clone())
            }
            K::Boolean | K::Date | K::Time(_) | K::Timestamp(_) | K::TimestampLtz(_) => Some(other.clone()),
            _ => None,
        },
        (K::Char(x), K::Char(y)) => Some(K::Char(*x.max(y))),
        (K::Date, b) if b.is_timestamp() => None,
        (a, K::Date) if a.is_timestamp() => None,
        _ => common_kind(a, b),
    }
}

/// Whether two values of the type can be told smaller and larger.
pub fn is_orderable(kind: &TypeKind) -> bool {
    !matches!(
        kind,
        TypeKind::Array(_) | TypeKind::Map(..) | TypeKind::Multiset(_) | TypeKind::Row(_) | TypeKind::Bitmap
    )
}
