//! Columns of a Parquet file as the declared types: widened, rescaled, fields of a ROW found by name; never narrowed in silence.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType as A, TimeUnit};
use arrow::error::ArrowError;
use wasmill_plan::{DataType, TypeKind};

/// Why a column of type `found` cannot be read as `declared`; `None` where it can.
pub(crate) fn mismatch(found: &A, declared: &DataType) -> Option<String> {
    let wrong = || Some(format!("the file has {found}"));
    match (&declared.kind, found) {
        (TypeKind::Array(item), A::List(f) | A::LargeList(f) | A::FixedSizeList(f, _)) => mismatch(f.data_type(), item),
        (TypeKind::Map(key, value), A::Map(entries, _)) => match entries.data_type() {
            A::Struct(fields) => {
                mismatch(fields[0].data_type(), key).or_else(|| mismatch(fields[1].data_type(), value))
            }
            _ => wrong(),
        },
        (TypeKind::Multiset(item), A::Map(entries, _)) => match entries.data_type() {
            A::Struct(fields) if fields[1].data_type() == &A::Int32 => mismatch(fields[0].data_type(), item),
            _ => wrong(),
        },
        (TypeKind::Row(declared), A::Struct(fields)) => declared.iter().find_map(|d| match fields.find(&d.name) {
            Some((_, field)) => {
                mismatch(field.data_type(), &d.data_type).map(|why| format!("field '{}': {why}", d.name))
            }
            None => Some(format!("the file's ROW has no field '{}'", d.name)),
        }),
        (_, A::Dictionary(_, value)) => mismatch(value, declared),
        (kind, found) => (!scalar_fits(found, kind)).then(|| format!("the file has {found}")),
    }
}

/// Whether every value of `found` has a place in `kind`; a DECIMAL may overflow, which is an error of its row.
fn scalar_fits(found: &A, kind: &TypeKind) -> bool {
    if *found == kind.to_arrow() {
        return true;
    }
    let integer_bits = match kind {
        TypeKind::TinyInt => 8,
        TypeKind::SmallInt => 16,
        TypeKind::Int => 32,
        TypeKind::BigInt => 64,
        _ => 0,
    };
    match found {
        A::Null => true,
        A::Int8 => integer_bits >= 8,
        A::UInt8 | A::Int16 => integer_bits >= 16,
        A::UInt16 | A::Int32 => integer_bits >= 32 || (*found == A::Int32 && *kind == TypeKind::Double),
        A::UInt32 | A::Int64 => integer_bits >= 64,
        A::Float16 => matches!(kind, TypeKind::Float | TypeKind::Double),
        A::Float32 => matches!(kind, TypeKind::Double),
        A::Decimal32(..) | A::Decimal64(..) | A::Decimal128(..) | A::Decimal256(..) => {
            matches!(kind, TypeKind::Decimal(..))
        }
        A::Utf8 | A::LargeUtf8 | A::Utf8View => kind.is_text(),
        A::Binary | A::LargeBinary | A::BinaryView | A::FixedSizeBinary(_) => kind.is_binary(),
        A::Date32 | A::Date64 => matches!(kind, TypeKind::Date),
        A::Time32(_) | A::Time64(_) => matches!(kind, TypeKind::Time(_)),
        A::Timestamp(..) => kind.is_timestamp(),
        _ => false,
    }
}

/// The column as the declared type; `mismatch` has said that it can be.
///
/// # Errors
/// A value out of range.
pub(crate) fn convert(array: &ArrayRef, declared: &DataType) -> Result<ArrayRef, ArrowError> {
    let target = declared.to_arrow();
    if *array.data_type() == target {
        return Ok(array.clone());
    }
    match (&declared.kind, array.data_type()) {
        (TypeKind::Array(item), A::List(_) | A::LargeList(_) | A::FixedSizeList(..)) => {
            let A::List(field) = &target else { unreachable!("the type of an ARRAY") };
            let lists = match array.data_type() {
                A::List(_) => array.clone(),
                A::LargeList(inner) | A::FixedSizeList(inner, _) => {
                    cast_with_options(array, &A::List(inner.clone()), &STRICT)?
                }
                _ => unreachable!("a list"),
            };
            let lists = lists.as_list::<i32>();
            let items = convert(lists.values(), item)?;
            Ok(Arc::new(ListArray::try_new(field.clone(), lists.offsets().clone(), items, lists.nulls().cloned())?))
        }
        (TypeKind::Map(..) | TypeKind::Multiset(_), A::Map(..)) => {
            let A::Map(entries_field, sorted) = &target else { unreachable!("the type of a MAP") };
            let A::Struct(fields) = entries_field.data_type() else { unreachable!("a MAP's entries") };
            let maps = array.as_map();
            let int = DataType::nullable(TypeKind::Int);
            let (key, value) = match &declared.kind {
                TypeKind::Map(key, value) => (&**key, &**value),
                TypeKind::Multiset(item) => (&**item, &int),
                _ => unreachable!("a MAP"),
            };
            let columns = vec![convert(maps.keys(), key)?, convert(maps.values(), value)?];
            let entries = StructArray::try_new(fields.clone(), columns, None)?;
            let (offsets, nulls) = (maps.offsets().clone(), maps.nulls().cloned());
            Ok(Arc::new(MapArray::try_new(entries_field.clone(), offsets, entries, nulls, *sorted)?))
        }
        (TypeKind::Row(declared), A::Struct(_)) => {
            let A::Struct(fields) = &target else { unreachable!("the type of a ROW") };
            let rows = array.as_struct();
            let column = |d: &wasmill_plan::Field| match rows.column_by_name(&d.name) {
                Some(column) => convert(column, &d.data_type),
                None => Err(ArrowError::SchemaError(format!("no field '{}'", d.name))),
            };
            let columns = declared.iter().map(column).collect::<Result<Vec<_>, _>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, rows.nulls().cloned(), rows.len())?))
        }
        // Through milliseconds of the day, whatever the unit was.
        (TypeKind::Time(_), A::Time64(_)) => cast_with_options(array, &A::Time32(TimeUnit::Millisecond), &STRICT),
        _ => cast_with_options(array, &target, &STRICT),
    }
}

const STRICT: CastOptions<'static> =
    CastOptions { safe: false, format_options: arrow::util::display::FormatOptions::new() };

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Int32Array, TimestampNanosecondArray};

    use super::*;

    #[test]
    fn lossless_conversions_are_made_and_others_refused() {
        let bigint = DataType::nullable(TypeKind::BigInt);
        assert!(mismatch(&A::Int32, &bigint).is_none());
        assert_eq!(mismatch(&A::Float64, &bigint).unwrap(), "the file has Float64");
        assert!(mismatch(&A::Int64, &DataType::nullable(TypeKind::Int)).is_some());
        let column: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        assert_eq!(convert(&column, &bigint).unwrap().data_type(), &A::Int64);
        let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_500_000_000]).with_timezone("UTC"));
        let ltz = DataType::nullable(TypeKind::TimestampLtz(3));
        assert_eq!(convert(&nanos, &ltz).unwrap().data_type(), &ltz.to_arrow());
    }

    #[test]
    fn a_decimal_that_does_not_fit_is_an_error() {
        let column: ArrayRef = Arc::new(Decimal128Array::from(vec![123_456]).with_precision_and_scale(10, 2).unwrap());
        assert!(convert(&column, &DataType::nullable(TypeKind::Decimal(6, 2))).is_ok());
        assert!(convert(&column, &DataType::nullable(TypeKind::Decimal(4, 2))).is_err());
    }
}
