//! Aggregates that keep how often each value came: MIN and MAX with retractions, COLLECT, PERCENTILE.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, ListArray, MapArray, StructArray, UInt32Array,
    new_null_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as A, Field, Float64Type, Int64Type};
use wasmill_plan::{AggregateCall, DataType, Error, Result, Value};

use super::row_values::{Bytes, RowValues, list_type, lists, saved_lists};
use super::{Aggregate, corrupt};

/// Values in their order, with their counts.
type Counts = BTreeMap<Bytes, i64>;

enum Give {
    Smallest,
    Largest,
    Map { data_type: A },
    Percentiles { at: Vec<f64>, as_array: bool },
}

/// State: `values`, a list of the argument's type without repetition, and `counts`, a list of Int64.
pub(super) struct Multisets {
    groups: Vec<Counts>,
    codec: RowValues,
    give: Give,
}

impl Multisets {
    pub(super) fn extremum(argument: &DataType, largest: bool) -> Result<Self> {
        Self::new(argument, if largest { Give::Largest } else { Give::Smallest })
    }
    pub(super) fn collect(argument: &DataType, result: &DataType) -> Result<Self> {
        Self::new(argument, Give::Map { data_type: result.to_arrow() })
    }
    /// The percentages are the call's constants; a second argument is the frequency.
    pub(super) fn percentile(call: &AggregateCall, as_array: bool) -> Result<Self> {
        let percentage = |value: &Value| match value {
            Value::Float(p) if (0.0..=1.0).contains(p) => Ok(*p),
            Value::Int(p @ 0..=1) => Ok(*p as f64),
            other => {
                Err(Error::query(format!("a percentage of PERCENTILE must be a number from 0 to 1, not {other:?}")))
            }
        };
        let at = call.constants.iter().map(percentage).collect::<Result<Vec<_>>>()?;
        if at.is_empty() {
            return Err(Error::query("PERCENTILE needs a constant percentage"));
        }
        Self::new(super::argument(call)?, Give::Percentiles { at, as_array })
    }
    fn new(argument: &DataType, give: Give) -> Result<Self> {
        Ok(Self { groups: Vec::new(), codec: RowValues::new(std::slice::from_ref(argument))?, give })
    }

    fn add(&mut self, groups: &[u32], args: &[ArrayRef], sign: i64) -> Result<()> {
        let rows = self.codec.encode(&args[..1])?;
        let nulls = args[0].logical_nulls();
        let frequencies = args.get(1).map(|f| f.as_primitive::<Int64Type>());
        for (row, &g) in groups.iter().enumerate() {
            let by = match frequencies {
                None => 1,
                Some(f) if f.is_valid(row) => f.value(row),
                Some(_) => 0,
            };
            if by > 0 && nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                let value = rows.row(row);
                add_to(&mut self.groups[g as usize], value.as_ref(), || value.as_ref().into(), sign * by);
            }
        }
        Ok(())
    }

    fn decode(&self, groups: &[u32]) -> Result<ArrayRef> {
        let values = groups.iter().flat_map(|&g| self.groups[g as usize].keys().map(|v| &v[..]));
        Ok(self.codec.decode(values)?.swap_remove(0))
    }
    fn counts<'a>(&'a self, groups: &'a [u32]) -> impl Iterator<Item = i64> + 'a {
        groups.iter().flat_map(|&g| self.groups[g as usize].values().copied())
    }
    fn lengths<'a>(&'a self, groups: &'a [u32]) -> impl Iterator<Item = usize> + 'a {
        groups.iter().map(|&g| self.groups[g as usize].len())
    }

    fn extremes(&self, groups: &[u32], largest: bool) -> Result<ArrayRef> {
        let picked = groups.iter().map(|&g| {
            let counts = &self.groups[g as usize];
            if largest { counts.last_key_value() } else { counts.first_key_value() }
        });
        let mut present = 0;
        let number = |entry: Option<(&Bytes, &i64)>| {
            entry.map(|_| {
                present += 1;
                present - 1
            })
        };
        let indices: UInt32Array = picked.clone().map(number).collect();
        let values = self.codec.decode(picked.flatten().map(|(v, _)| &v[..]))?.swap_remove(0);
        if values.is_empty() {
            return Ok(new_null_array(values.data_type(), groups.len()));
        }
        Ok(arrow::compute::take(&values, &indices, None)?)
    }

    fn maps(&self, groups: &[u32], data_type: &A) -> Result<ArrayRef> {
        let A::Map(entries_field, sorted) = data_type else { return Err(Error::query("COLLECT gives a MULTISET")) };
        let A::Struct(fields) = entries_field.data_type() else { unreachable!("a map's entries are structs") };
        let counts = Int32Array::from_iter_values(self.counts(groups).map(|c| c as i32));
        let entries = StructArray::try_new(fields.clone(), vec![self.decode(groups)?, Arc::new(counts)], None)?;
        let offsets = OffsetBuffer::from_lengths(self.lengths(groups));
        Ok(Arc::new(MapArray::try_new(entries_field.clone(), offsets, entries, None, *sorted)?))
    }

    fn percentiles(&self, groups: &[u32], at: &[f64], as_array: bool) -> Result<ArrayRef> {
        let values = self.decode(groups)?;
        let values = values.as_primitive::<Float64Type>().values();
        let mut start = 0;
        let mut results: Vec<Option<f64>> = Vec::with_capacity(groups.len() * at.len());
        for &g in groups {
            let counts: Vec<i64> = self.groups[g as usize].values().copied().collect();
            let of_group = &values[start..start + counts.len()];
            start += counts.len();
            let total: i64 = counts.iter().sum();
            results.extend(at.iter().map(|&p| (total > 0).then(|| percentile(of_group, &counts, total, p))));
        }
        if !as_array {
            return Ok(Arc::new(results.into_iter().collect::<Float64Array>()));
        }
        let nulls = groups.iter().map(|&g| self.groups[g as usize].values().sum::<i64>() > 0).collect::<NullBuffer>();
        let field = Arc::new(Field::new("item", A::Float64, true));
        let items: ArrayRef = Arc::new(results.into_iter().collect::<Float64Array>());
        let offsets = OffsetBuffer::from_lengths(groups.iter().map(|_| at.len()));
        Ok(Arc::new(ListArray::new(field, offsets, items, Some(nulls))))
    }
}

/// Counts a value, by its key in the map where it is a new one.
pub(super) fn add_to<K: Ord + Borrow<Q>, Q: Ord + ?Sized>(
    counts: &mut BTreeMap<K, i64>,
    value: &Q,
    key: impl FnOnce() -> K,
    by: i64,
) {
    match counts.get_mut(value) {
        Some(count) => {
            *count += by;
            if *count == 0 {
                counts.remove(value);
            }
        }
        None if by != 0 => {
            counts.insert(key(), by);
        }
        None => {}
    }
}

/// The exact percentile with linear interpolation, in the order of operations of Flink.
fn percentile(values: &[f64], counts: &[i64], total: i64, percentage: f64) -> f64 {
    let position = percentage * (total - 1) as f64 + 1.0;
    let (lower, higher) = (position.floor(), position.ceil());
    let (mut at, mut seen) = (0, counts[0]);
    while (seen as f64) < lower {
        at += 1;
        seen += counts[at];
    }
    if seen as f64 >= higher {
        values[at]
    } else {
        (higher - position) * values[at] + (position - lower) * values[at + 1]
    }
}

impl Aggregate for Multisets {
    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups.max(self.groups.len()), Counts::new());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.add(groups, args, 1)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.add(groups, args, -1)
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let counts = std::mem::take(&mut self.groups[from as usize]);
            let target = &mut self.groups[into as usize];
            counts.iter().for_each(|(value, &by)| add_to(target, &**value, || value.clone(), by));
            self.groups[from as usize] = counts;
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        match &self.give {
            Give::Smallest => self.extremes(groups, false),
            Give::Largest => self.extremes(groups, true),
            Give::Map { data_type } => self.maps(groups, data_type),
            Give::Percentiles { at, as_array } => self.percentiles(groups, at, *as_array),
        }
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.groups[g as usize].clear());
    }
    fn state_types(&self) -> Vec<A> {
        vec![list_type(&self.codec.types()[0]), list_type(&A::Int64)]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let counts = Int64Array::from_iter_values(self.counts(groups));
        Ok(vec![lists(self.decode(groups)?, self.lengths(groups)), lists(Arc::new(counts), self.lengths(groups))])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let what = "a multiset aggregate";
        let (values, counts) = (saved_lists(columns, 0, what)?, saved_lists(columns, 1, what)?);
        if *values.values().data_type() != self.codec.types()[0] {
            return Err(corrupt(what));
        }
        let rows = self.codec.encode(std::slice::from_ref(values.values()))?;
        for (row, &g) in groups.iter().enumerate() {
            let range = values.value_offsets()[row] as usize..values.value_offsets()[row + 1] as usize;
            let of_row = counts.value(row);
            let of_row = of_row.as_primitive_opt::<Int64Type>().ok_or_else(|| corrupt(what))?;
            if of_row.len() != range.len() {
                return Err(corrupt(what));
            }
            let entries = range.zip(of_row.values());
            self.groups[g as usize] = entries.map(|(i, &count)| (rows.row(i).as_ref().into(), count)).collect();
        }
        Ok(())
    }
}
