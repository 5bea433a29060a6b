//! `ARRAY[…]`, `MAP[…]` and `ROW(…)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StructArray};
use wasmill_plan::{DataType, Field, Result, TypeKind};

use super::elements::lists;
use super::fitted;
use super::map::{Source, maps};
use crate::function::{Argument, CallSite, Kernel, Signature};
use crate::functions::columns::kernel;
use crate::typing::least_restrictive;

/// The common type of those arguments, or why there is none.
fn common<'a>(args: impl Iterator<Item = &'a Argument<'a>>, what: &str) -> Result<DataType, String> {
    let types: Vec<DataType> = args.map(|a| a.data_type.clone()).collect();
    least_restrictive(&types).ok_or_else(|| {
        let types: Vec<String> = types.iter().map(|t| t.kind.to_string()).collect();
        format!("{what} must be of one type, not {}", types.join(", "))
    })
}

pub(super) fn infer_array(args: &[Argument]) -> Result<Signature, String> {
    if args.is_empty() {
        return Err("an array needs an element, to tell its type".to_owned());
    }
    let item = common(args.iter(), "elements")?;
    Ok(Signature {
        args: args.iter().map(|a| fitted(a.data_type, item.kind.clone())).collect(),
        returns: DataType::not_null(TypeKind::Array(Box::new(item))),
    })
}

pub(super) fn array(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let sources: Vec<&dyn Array> = args.iter().map(|a| a.array() as &dyn Array).collect();
        lists(rows, &sources, |row, out| {
            out.extend(args.iter().enumerate().map(|(source, arg)| (source, arg.index(row))));
            Some(())
        })
    })
}

pub(super) fn infer_map(args: &[Argument]) -> Result<Signature, String> {
    if args.is_empty() || !args.len().is_multiple_of(2) {
        return Err("takes keys and values in turn".to_owned());
    }
    let key = common(args.iter().step_by(2), "keys")?;
    let value = common(args.iter().skip(1).step_by(2), "values")?;
    let kinds = [key.kind.clone(), value.kind.clone()];
    Ok(Signature {
        args: args.iter().zip(kinds.iter().cycle()).map(|(a, kind)| fitted(a.data_type, kind.clone())).collect(),
        returns: DataType::not_null(TypeKind::Map(Box::new(key), Box::new(value))),
    })
}

pub(super) fn map(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let sources: Vec<_> =
            args.chunks_exact(2).map(|pair| Source { keys: pair[0].array(), values: pair[1].array() }).collect();
        maps(rows, &sources, |row, entries| {
            entries.extend(
                args.chunks_exact(2)
                    .enumerate()
                    .map(|(source, pair)| ((source, pair[0].index(row)), (source, pair[1].index(row)))),
            );
            Ok(Some(()))
        })
    })
}

/// Fields are named `EXPR$0`, `EXPR$1`, … as in Flink.
pub(super) fn infer_row(args: &[Argument]) -> Result<Signature, String> {
    if args.is_empty() {
        return Err("a row needs a field".to_owned());
    }
    let types: Vec<DataType> = args.iter().map(|a| a.data_type.clone()).collect();
    let fields = types.iter().enumerate().map(|(i, t)| Field::new(format!("EXPR${i}"), t.clone())).collect();
    Ok(Signature { args: types, returns: DataType::not_null(TypeKind::Row(fields)) })
}

pub(super) fn row(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let data_type = site.returns.to_arrow();
    kernel(move |args, rows| -> Result<ArrayRef> {
        let arrow::datatypes::DataType::Struct(fields) = &data_type else {
            return Err(wasmill_plan::Error::query("ROW gives a ROW"));
        };
        let columns = args.iter().map(|a| a.to_array(rows)).collect();
        Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, rows)?))
    })
}
