//! Any text cast to every type: a value that Arrow accepts, NULL or an error, never a panic; and the value's own text gives
//! the same value again.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use wasmill_expr::{Context, Evaluator, NoUserFunctions};
use wasmill_plan::{DataType, Expr, Field, Schema, TypeKind};

fn types() -> Vec<TypeKind> {
    let boxed = |kind| Box::new(DataType::nullable(kind));
    vec![
        TypeKind::Boolean,
        TypeKind::TinyInt,
        TypeKind::SmallInt,
        TypeKind::Int,
        TypeKind::BigInt,
        TypeKind::Float,
        TypeKind::Double,
        TypeKind::Decimal(5, 2),
        TypeKind::Decimal(38, 18),
        TypeKind::Char(3),
        TypeKind::Varchar(4),
        TypeKind::Binary(2),
        TypeKind::Varbinary(5),
        TypeKind::Date,
        TypeKind::Time(0),
        TypeKind::Time(3),
        TypeKind::Timestamp(0),
        TypeKind::Timestamp(3),
        TypeKind::Timestamp(9),
        TypeKind::TimestampLtz(3),
        TypeKind::TimestampLtz(6),
        TypeKind::Array(boxed(TypeKind::Int)),
        TypeKind::Row(vec![Field::new("a", DataType::nullable(TypeKind::Int))]),
    ]
}

/// Casts the text to each type, and back.
///
/// # Panics
/// Where a cast panics, gives a column of another type or length, or does not keep its value over text.
pub fn text_to_every_type(bytes: &[u8]) {
    let text: ArrayRef = Arc::new(StringArray::from(vec![String::from_utf8_lossy(bytes).into_owned()]));
    let string = DataType::string();
    for kind in types() {
        let target = DataType::nullable(kind);
        let Some(value) = cast(&text, &string, &target) else { continue };
        assert_eq!(value.data_type(), &target.to_arrow(), "CAST(… AS {target})");
        assert_eq!(value.len(), 1);
        value.to_data().validate_full().unwrap_or_else(|e| panic!("CAST(… AS {target}): {e}"));
        // Bytes may end within a character.
        let scalar = !matches!(target.kind, TypeKind::Array(_) | TypeKind::Row(_)) && !target.kind.is_binary();
        if value.is_valid(0)
            && scalar
            && let Some(back) = cast(&value, &target, &string)
            && let Some(again) = cast(&back, &string, &target)
        {
            assert_eq!(&value, &again, "{target} {back:?} is not read as it was written");
        }
    }
}

/// `None` where the cast is refused, or fails for the value.
fn cast(column: &ArrayRef, from: &DataType, to: &DataType) -> Option<ArrayRef> {
    let schema = Schema::new(vec![Field::new("v", from.clone())]);
    let rows = RecordBatch::try_new(schema.to_arrow(), vec![column.clone()]).expect("one column");
    let expr = Expr::column(0, from.clone()).cast_to(to.clone());
    Evaluator::new(&expr, &NoUserFunctions).ok()?.evaluate(&rows, &Context::default()).ok()
}
