//! Casts of ARRAY, MAP, MULTISET and ROW, element by element. A value inside that cannot be converted makes the whole NULL in
//! a safe cast.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, ListArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes as a;
use wasmill_plan::{DataType, Error, Result, TypeKind};

use super::{Convert, Failures, convert as convert_any};

/// The conversion between two kinds of the same shape.
pub(super) fn convert(from: &TypeKind, to: &TypeKind) -> Result<Convert> {
    let arrow = to.to_arrow();
    match (from, to) {
        (TypeKind::Array(x), TypeKind::Array(y)) => list(convert_any(x, y)?, arrow),
        (TypeKind::Map(k1, v1), TypeKind::Map(k2, v2)) => map(convert_any(k1, k2)?, convert_any(v1, v2)?, arrow),
        (TypeKind::Multiset(x), TypeKind::Multiset(y)) => {
            let count = DataType::not_null(TypeKind::Int);
            map(convert_any(x, y)?, convert_any(&count, &count)?, arrow)
        }
        (TypeKind::Row(x), TypeKind::Row(y)) => {
            let fields =
                x.iter().zip(y).map(|(x, y)| convert_any(&x.data_type, &y.data_type)).collect::<Result<Vec<_>>>()?;
            row(fields, arrow)
        }
        _ => Err(Error::query(format!("cannot cast {from} to {to}"))),
    }
}

/// Converts a part, and gives the rows of it that failed.
fn part(
    convert: &mut Convert,
    array: &ArrayRef,
    context: &crate::Context,
    safe: bool,
) -> Result<(ArrayRef, Vec<usize>)> {
    let mut failures = Failures { safe, rows: Vec::new() };
    let array = convert(array, context, &mut failures)?;
    Ok((array, failures.rows))
}

/// `nulls`, and NULL also at the failed rows, which the caller is told of.
fn without(nulls: Option<&NullBuffer>, length: usize, failed: &[usize], failures: &mut Failures) -> Option<NullBuffer> {
    if failed.is_empty() {
        return nulls.cloned();
    }
    let mut valid = BooleanBufferBuilder::new(length);
    valid.append_n(length, true);
    for row in failed {
        valid.set_bit(*row, false);
        failures.rows.push(*row);
    }
    NullBuffer::union(nulls, Some(&NullBuffer::new(valid.finish())))
}

/// The rows of a list that hold the given elements (counted from the first offset).
fn holders(offsets: &OffsetBuffer<i32>, elements: &[usize]) -> Vec<usize> {
    let first = offsets[0] as usize;
    let mut rows: Vec<usize> = elements
        .iter()
        .map(|element| offsets.partition_point(|offset| *offset as usize <= element + first).saturating_sub(1))
        .collect();
    rows.dedup();
    rows
}

/// Offsets that start at 0.
fn rebased(offsets: &OffsetBuffer<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::from_lengths(offsets.lengths())
}

fn list(mut item: Convert, arrow: a::DataType) -> Result<Convert> {
    let a::DataType::List(field) = arrow else { return Err(Error::query("an ARRAY was expected")) };
    Ok(Box::new(move |array, context, failures| {
        let lists = array.as_list::<i32>();
        let offsets = lists.offsets();
        let (start, end) = (offsets[0] as usize, offsets[lists.len()] as usize);
        let items = lists.values().slice(start, end - start);
        let (items, failed) = part(&mut item, &items, context, failures.safe)?;
        let nulls = without(lists.nulls(), lists.len(), &holders(offsets, &failed), failures);
        Ok(Arc::new(ListArray::try_new(field.clone(), rebased(offsets), items, nulls)?))
    }))
}

fn map(mut key: Convert, mut value: Convert, arrow: a::DataType) -> Result<Convert> {
    let a::DataType::Map(entries, _) = arrow else { return Err(Error::query("a MAP was expected")) };
    let a::DataType::Struct(fields) = entries.data_type().clone() else {
        return Err(Error::query("a MAP was expected"));
    };
    Ok(Box::new(move |array, context, failures| {
        let maps = array.as_map();
        let offsets = maps.offsets();
        let (start, end) = (offsets[0] as usize, offsets[maps.len()] as usize);
        let keys = maps.keys().slice(start, end - start);
        let values = maps.values().slice(start, end - start);
        let (mut keys, mut failed) = part(&mut key, &keys, context, failures.safe)?;
        let (values, failed_values) = part(&mut value, &values, context, failures.safe)?;
        if !failed.is_empty() {
            // A key cannot be NULL; what stands in its place is in a map that is NULL as a whole.
            keys = crate::vector::without_nulls(&keys);
        }
        failed.extend(failed_values);
        failed.sort_unstable();
        let nulls = without(maps.nulls(), maps.len(), &holders(offsets, &failed), failures);
        let columns = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
        Ok(Arc::new(MapArray::try_new(entries.clone(), rebased(offsets), columns, nulls, false)?))
    }))
}

fn row(mut fields: Vec<Convert>, arrow: a::DataType) -> Result<Convert> {
    let a::DataType::Struct(types) = arrow else { return Err(Error::query("a ROW was expected")) };
    Ok(Box::new(move |array, context, failures| {
        let rows = array.as_struct();
        let mut columns = Vec::with_capacity(fields.len());
        let mut failed = Vec::new();
        for (convert, column) in fields.iter_mut().zip(rows.columns()) {
            let (column, more) = part(convert, column, context, failures.safe)?;
            columns.push(column);
            failed.extend(more);
        }
        failed.sort_unstable();
        failed.dedup();
        let nulls = without(rows.nulls(), rows.len(), &failed, failures);
        Ok(Arc::new(StructArray::try_new(types.clone(), columns, nulls)?))
    }))
}
