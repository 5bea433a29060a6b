//! MAP_KEYS, MAP_VALUES, MAP_ENTRIES, MAP_FROM_ARRAYS and MAP_UNION.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow::compute::interleave;
use arrow::datatypes::{DataType as Arrow, Field, Fields};
use wasmill_plan::{Error, Result};

use super::elements::{Comparable, Pick, range};
use crate::function::{CallSite, ColumnValue, Kernel};
use crate::functions::columns::{kernel, list, map, variable_length};

pub(super) fn keys(_: &CallSite) -> Result<Box<dyn Kernel>> {
    parts(|map| map.keys().clone())
}

pub(super) fn values(_: &CallSite) -> Result<Box<dyn Kernel>> {
    parts(|map| map.values().clone())
}

/// Rows of `key` and `value`.
pub(super) fn entries(_: &CallSite) -> Result<Box<dyn Kernel>> {
    parts(|map| {
        let columns = vec![map.keys().clone(), map.values().clone()];
        let fields: Fields = ["key", "value"]
            .iter()
            .zip(&columns)
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
            .collect();
        Arc::new(StructArray::new(fields, columns, None))
    })
}

/// One array per map, of what `f` takes from all entries: it shares their offsets.
fn parts(f: fn(&MapArray) -> ArrayRef) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| {
        let maps = map(&args[0]).array();
        let items = f(maps);
        let field = Arc::new(Field::new("item", items.data_type().clone(), true));
        let lists = ListArray::try_new(field, maps.offsets().clone(), items, maps.nulls().cloned())?;
        let lists: ArrayRef = Arc::new(lists);
        Ok(if args[0].is_constant() { ColumnValue::Constant(lists).to_array(rows) } else { lists })
    })
}

/// The key and value columns that entries are picked from.
struct Source<'a> {
    keys: &'a ArrayRef,
    values: &'a ArrayRef,
}

/// Maps of entries picked from `sources`; the keys of a row must differ.
pub(super) fn maps(
    rows: usize,
    keys: &[&dyn Array],
    values: &[&dyn Array],
    mut f: impl FnMut(usize, &mut Vec<Pick>, &mut Vec<Pick>) -> Result<Option<()>>,
) -> Result<ArrayRef> {
    let (mut key_picks, mut value_picks) = (Vec::new(), Vec::new());
    let (offsets, nulls) = variable_length(rows, |row| {
        let start = key_picks.len();
        let some = f(row, &mut key_picks, &mut value_picks)?.is_some();
        if !some {
            key_picks.truncate(start);
            value_picks.truncate(start);
        }
        debug_assert_eq!(key_picks.len(), value_picks.len());
        Ok((key_picks.len(), some))
    })?;
    let (keys, values) = (interleave(keys, &key_picks)?, interleave(values, &value_picks)?);
    if keys.null_count() > 0 {
        return Err(Error::data("a key of a MAP is NULL, which is not supported"));
    }
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let field = Arc::new(Field::new("entries", Arrow::Struct(fields), false));
    Ok(Arc::new(MapArray::try_new(field, offsets, entries, nulls, false)?))
}

/// The last value of a key counts.
pub(super) fn from_arrays(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (keys, values) = (list(&args[0]), list(&args[1]));
        let source = Source { keys: keys.array().values(), values: values.array().values() };
        let comparable = Comparable::new(source.keys.data_type())?.rows(source.keys)?;
        let mut places = HashMap::new();
        maps(rows, &[source.keys], &[source.values], |row, key_picks, value_picks| {
            let (Some(keys), Some(values)) = (range(&keys, row), range(&values, row)) else { return Ok(None) };
            if keys.len() != values.len() {
                return Err(Error::data(format!(
                    "MAP_FROM_ARRAYS has {} keys but {} values",
                    keys.len(),
                    values.len()
                )));
            }
            places.clear();
            for (key, value) in keys.zip(values) {
                let place = *places.entry(comparable.row(key)).or_insert(value_picks.len());
                if place == value_picks.len() {
                    key_picks.push((0, key));
                    value_picks.push((0, value));
                } else {
                    value_picks[place] = (0, value);
                }
            }
            Ok(Some(()))
        })
    })
}

/// The value of a key is that of the last map which has it; keys come in ascending order, since Flink's have none.
pub(super) fn union(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let columns: Vec<_> = args.iter().map(map).collect();
        let sources: Vec<_> =
            columns.iter().map(|c| Source { keys: c.array().keys(), values: c.array().values() }).collect();
        let comparable = Comparable::new(sources[0].keys.data_type())?;
        let key_rows = sources.iter().map(|s| comparable.rows(s.keys)).collect::<Result<Vec<_>>>()?;
        let keys: Vec<&dyn Array> = sources.iter().map(|s| s.keys as &dyn Array).collect();
        let values: Vec<&dyn Array> = sources.iter().map(|s| s.values as &dyn Array).collect();
        maps(rows, &keys, &values, |row, key_picks, value_picks| {
            let mut last = std::collections::BTreeMap::new();
            for (source, column) in columns.iter().enumerate() {
                let index = column.index(row);
                if column.array().is_null(index) {
                    return Ok(None);
                }
                let offsets = column.array().value_offsets();
                for i in offsets[index] as usize..offsets[index + 1] as usize {
                    last.insert(key_rows[source].row(i), (source, i));
                }
            }
            key_picks.extend(last.values());
            value_picks.extend(last.values());
            Ok(Some(()))
        })
    })
}
