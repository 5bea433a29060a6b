//! `a IN (b, …)`: a hash set where the list is constant, a chain of comparisons otherwise.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::or_kleene;
use hashbrown::HashSet;
use wasmill_plan::{Result, TypeKind, Value};

use super::{Comparison, comparison_kernel};
use crate::vector::{int_reader, length};
use crate::{CallSite, ColumnValue, Context, Kernel};

/// The kernel of one call.
pub(super) fn kernel(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let list: Option<Vec<&Value>> = site.literals[1..].iter().map(Option::as_ref).collect();
    match list {
        Some(list) if list.len() > 3 => constant_list(site, &list),
        _ => chain(site),
    }
}

fn constant_list(site: &CallSite, list: &[&Value]) -> Result<Box<dyn Kernel>> {
    let has_null = list.contains(&&Value::Null);
    let kind = &site.args[0].kind;
    if kind.is_text() {
        let set: HashSet<String> = list
            .iter()
            .filter_map(|v| match v {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect();
        return Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
            let values = args[0].array().as_string::<i32>();
            Ok(answers(&args[0], length(args, rows), has_null, |row| set.contains(values.value(row))))
        }));
    }
    let is_integer = kind.is_integer() || kind.is_timestamp() || matches!(kind, TypeKind::Date | TypeKind::Time(_));
    if is_integer {
        let set: HashSet<i64> = list
            .iter()
            .filter_map(|v| match v {
                Value::Int(value) => Some(*value),
                _ => None,
            })
            .collect();
        return Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
            let _ = context;
            let length = length(args, rows);
            let Some(values) = int_reader(args[0].array()) else {
                return Err(wasmill_plan::Error::query("IN over a column that is not of integers"));
            };
            Ok(answers(&args[0], length, has_null, |row| set.contains(&values(row))))
        }));
    }
    chain(site)
}

/// TRUE where `contains`, else FALSE, or NULL where the list has a NULL; NULL for NULL.
fn answers(value: &ColumnValue, length: usize, has_null: bool, contains: impl Fn(usize) -> bool) -> ArrayRef {
    let array = value.array();
    let result: BooleanArray = (0..length)
        .map(|row| {
            let row = value.index(row);
            if array.is_null(row) {
                return None;
            }
            if contains(row) {
                Some(true)
            } else if has_null {
                None
            } else {
                Some(false)
            }
        })
        .collect();
    Arc::new(result)
}

fn chain(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let mut equals = site.args[1..]
        .iter()
        .map(|item| comparison_kernel(Comparison::Equal, &site.args[0], item))
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let length = length(args, rows);
        let mut result: Option<BooleanArray> = None;
        for (kernel, item) in equals.iter_mut().zip(&args[1..]) {
            let pair = [args[0].clone(), item.clone()];
            let equal = kernel.evaluate(&pair, rows, context)?;
            let equal = if equal.len() == length { equal } else { ColumnValue::Constant(equal).to_array(length) };
            result = Some(match result {
                None => equal.as_boolean().clone(),
                Some(before) => or_kleene(&before, equal.as_boolean())?,
            });
        }
        Ok(match result {
            Some(result) => Arc::new(result),
            None => Arc::new(BooleanArray::from(vec![false; length])),
        })
    }))
}
