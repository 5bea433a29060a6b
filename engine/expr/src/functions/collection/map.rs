//! MAP_KEYS, MAP_VALUES, MAP_ENTRIES, MAP_FROM_ARRAYS and MAP_UNION.

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

/// A column of keys and the column of their values; entries are picked from several such sources.
pub(super) struct Source<'a> {
    pub(super) keys: &'a ArrayRef,
    pub(super) values: &'a ArrayRef,
}

/// A key and its value, each by the source and the index in it.
pub(super) type Entry = (Pick, Pick);

/// Maps of picked entries: `f` appends row `row`'s entries, or gives `None` for a NULL map. The last value of a key counts.
/// Keys come in ascending order: Flink's have none, and so equal maps are held alike.
pub(super) fn maps(
    rows: usize,
    sources: &[Source],
    mut f: impl FnMut(usize, &mut Vec<Entry>) -> Result<Option<()>>,
) -> Result<ArrayRef> {
    let comparable = Comparable::new(sources[0].keys.data_type())?;
    let key_rows = sources.iter().map(|s| comparable.rows(s.keys)).collect::<Result<Vec<_>>>()?;
    let (mut key_picks, mut value_picks): (Vec<Pick>, Vec<Pick>) = (Vec::new(), Vec::new());
    let mut entries: Vec<Entry> = Vec::new();
    let (offsets, nulls) = variable_length(rows, |row| {
        entries.clear();
        if f(row, &mut entries)?.is_none() {
            return Ok((key_picks.len(), false));
        }
        let key = |entry: &Entry| key_rows[entry.0.0].row(entry.0.1);
        entries.sort_by(|a, b| key(a).cmp(&key(b)));
        for (i, entry) in entries.iter().enumerate() {
            if entries.get(i + 1).is_none_or(|next| key(next) != key(entry)) {
                key_picks.push(entry.0);
                value_picks.push(entry.1);
            }
        }
        Ok((key_picks.len(), true))
    })?;
    let keys: Vec<&dyn Array> = sources.iter().map(|s| s.keys as &dyn Array).collect();
    let values: Vec<&dyn Array> = sources.iter().map(|s| s.values as &dyn Array).collect();
    let (keys, values) = (interleave(&keys, &key_picks)?, interleave(&values, &value_picks)?);
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

pub(super) fn from_arrays(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (keys, values) = (list(&args[0]), list(&args[1]));
        let source = Source { keys: keys.array().values(), values: values.array().values() };
        maps(rows, &[source], |row, entries| {
            let (Some(keys), Some(values)) = (range(&keys, row), range(&values, row)) else { return Ok(None) };
            if keys.len() != values.len() {
                let (keys, values) = (keys.len(), values.len());
                return Err(Error::data(format!("MAP_FROM_ARRAYS has {keys} keys but {values} values")));
            }
            entries.extend(keys.zip(values).map(|(key, value)| ((0, key), (0, value))));
            Ok(Some(()))
        })
    })
}

/// The value of a key is that of the last map which has it.
pub(super) fn union(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let columns: Vec<_> = args.iter().map(map).collect();
        let sources: Vec<_> =
            columns.iter().map(|c| Source { keys: c.array().keys(), values: c.array().values() }).collect();
        maps(rows, &sources, |row, entries| {
            for (source, column) in columns.iter().enumerate() {
                let index = column.index(row);
                if column.array().is_null(index) {
                    return Ok(None);
                }
                let offsets = column.array().value_offsets();
                entries
                    .extend((offsets[index] as usize..offsets[index + 1] as usize).map(|i| ((source, i), (source, i))));
            }
            Ok(Some(()))
        })
    })
}
