//! `array[index]`, `map[key]`, `row.field`, CARDINALITY and ELEMENT.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::take;
use arrow::datatypes::Int32Type;
use wasmill_plan::{Error, Result, TypeKind, Value};

use super::elements::{Comparable, range};
use super::fitted;
use crate::function::{Argument, CallSite, Kernel, Signature};
use crate::functions::arguments::{Param, nullable, params, strict};
use crate::functions::columns::{bigint, kernel, list, map, numbers};
use crate::typing::can_cast_implicitly;

pub(super) fn infer_item(args: &[Argument]) -> Result<Signature, String> {
    let [of, at] = args else { return Err("takes one index or key".to_owned()) };
    match &of.data_type.kind {
        TypeKind::Array(item) => {
            if let Some(Value::Int(index @ ..=0)) = at.literal {
                return Err(format!("array elements are counted from 1, not {index}"));
            }
            nullable(params(args, &[Param::Array, Param::BigInt], &[])?, item.kind.clone())
        }
        TypeKind::Map(key, value) => {
            if at.data_type.kind != TypeKind::Null
                && !can_cast_implicitly(&at.data_type.clone().with_nullable(false), key)
            {
                return Err(format!("a key must be {}, not {}", key.kind, at.data_type.kind));
            }
            nullable(vec![of.data_type.clone(), fitted(at.data_type, key.kind.clone())], value.kind.clone())
        }
        kind => Err(format!("only an ARRAY or a MAP has elements, not {kind}")),
    }
}

/// NULL where there is no such element.
pub(super) fn item(site: &CallSite) -> Result<Box<dyn Kernel>> {
    if matches!(site.args[0].kind, TypeKind::Array(_)) {
        return kernel(|args, rows| {
            let (arrays, index) = (list(&args[0]), bigint(&args[1]));
            picked(arrays.array().values(), rows, |row| {
                let position = usize::try_from(index.get(row)?.checked_sub(1)?).ok()?;
                range(&arrays, row)?.nth(position)
            })
        });
    }
    kernel(|args, rows| {
        let maps = map(&args[0]);
        let comparable = Comparable::new(maps.array().keys().data_type())?;
        let (keys, wanted) = (comparable.rows(maps.array().keys())?, comparable.rows(args[1].array())?);
        let offsets = maps.array().value_offsets();
        picked(maps.array().values(), rows, |row| {
            let (at, index) = (args[1].index(row), maps.index(row));
            if maps.array().is_null(index) || args[1].array().is_null(at) {
                return None;
            }
            (offsets[index] as usize..offsets[index + 1] as usize).find(|i| keys.row(*i) == wanted.row(at))
        })
    })
}

/// For each row the value with index `f(row)`.
fn picked(values: &ArrayRef, rows: usize, f: impl Fn(usize) -> Option<usize>) -> Result<ArrayRef> {
    let indices: Int64Array = (0..rows).map(|row| f(row).map(|i| i as i64)).collect();
    Ok(take(values, &indices, None)?)
}

/// `FIELD(row, index)`: the field's index from 0, a literal that the planner makes of a name.
pub(super) fn infer_field(args: &[Argument]) -> Result<Signature, String> {
    let [row, Argument { literal: Some(Value::Int(index)), .. }] = args else {
        return Err("takes a row and the index of a field".to_owned());
    };
    let TypeKind::Row(fields) = &row.data_type.kind else {
        return Err(format!("only a ROW has fields, not {}", row.data_type.kind));
    };
    let field = usize::try_from(*index).ok().and_then(|i| fields.get(i)).ok_or("there is no such field")?;
    let returns = field.data_type.clone().with_nullable(row.data_type.nullable || field.data_type.nullable);
    Ok(Signature { args: args.iter().map(|a| a.data_type.clone()).collect(), returns })
}

/// A field of a NULL row is NULL.
pub(super) fn field(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let Some(Some(Value::Int(index))) = site.literals.get(1) else {
        return Err(Error::query("the field of a row must be constant"));
    };
    let index = *index as usize;
    kernel(move |args, rows| -> Result<ArrayRef> {
        let row_column = args[0].array().as_struct();
        let column = row_column.column(index);
        let column = match row_column.nulls() {
            None => column.clone(),
            Some(nulls) => {
                let is_null = arrow::array::BooleanArray::new(!nulls.inner(), None);
                arrow::compute::nullif(column, &is_null)?
            }
        };
        // Where the index alone is constant there is a column of rows; where all is, one row.
        debug_assert!(column.len() == rows || args[0].is_constant());
        Ok(column)
    })
}

pub(super) fn infer_cardinality(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Param::Any], &[])?;
    match &types[0].kind {
        TypeKind::Array(_) | TypeKind::Map(..) | TypeKind::Multiset(_) => strict(types, TypeKind::Int),
        kind => Err(format!("argument 1 must be an ARRAY, a MAP or a MULTISET, not {kind}")),
    }
}

/// The number of elements; of a multiset each counts as often as it is in it.
pub(super) fn cardinality(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let kind = site.args[0].kind.clone();
    kernel(move |args, rows| {
        if matches!(kind, TypeKind::Array(_)) {
            let arrays = list(&args[0]);
            return numbers::<Int32Type>(rows, |row| Some(range(&arrays, row)?.len() as i32));
        }
        let maps = map(&args[0]);
        let offsets = maps.array().value_offsets();
        numbers::<Int32Type>(rows, |row| {
            let index = maps.index(row);
            if maps.array().is_null(index) {
                return None;
            }
            let range = offsets[index] as usize..offsets[index + 1] as usize;
            if !matches!(kind, TypeKind::Multiset(_)) {
                return Some(range.len() as i32);
            }
            let counts = maps.array().values().as_primitive::<Int32Type>();
            Some(range.map(|i| counts.value(i)).sum())
        })
    })
}

/// The only element; NULL of an empty array.
pub(super) fn element(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let arrays = list(&args[0]);
        if let Some(many) = (0..rows).filter_map(|row| range(&arrays, row)).find(|range| range.len() > 1) {
            return Err(Error::data(format!("ELEMENT of an array of {} elements", many.len())));
        }
        picked(arrays.array().values(), rows, |row| range(&arrays, row)?.next())
    })
}
