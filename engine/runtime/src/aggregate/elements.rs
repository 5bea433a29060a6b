//! Aggregates that keep their rows: ARRAY_AGG, JSON_ARRAYAGG, SINGLE_VALUE, and FIRST_VALUE and LAST_VALUE with
//! retractions.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, UInt32Array, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType as A, Field};
use wasmill_plan::{DataType, Error, Result};

use super::row_values::{Keys, list_type, lists, saved_lists, with_keys_of};
use super::{Aggregate, corrupt};

/// What a group's values become.
#[derive(Clone, Debug)]
pub(super) enum Give {
    /// An ARRAY; NULL where there is none.
    Array,
    /// A JSON array of JSON texts.
    JsonArray,
    /// The first, or NULL.
    First,
    /// The last, or NULL.
    Last,
    /// The only one; two are an error.
    Single,
}

/// Makes the accumulators; with `skip_nulls`, NULLs do not count.
pub(super) fn new(give: Give, types: &[DataType], skip_nulls: bool) -> Result<Box<dyn Aggregate>> {
    let Some(first) = types.first() else { return Err(Error::query("the aggregate needs an argument")) };
    let first = std::slice::from_ref(first);
    with_keys_of!(first, codec => Ok(Box::new(Elements { groups: Vec::new(), codec, give, skip_nulls })))
}

/// State: `values`, a list of the argument's type, in the order of arrival.
struct Elements<K: Keys> {
    groups: Vec<VecDeque<K::Key>>,
    codec: K,
    give: Give,
    skip_nulls: bool,
}

impl<K: Keys> Elements<K> {
    fn each(
        &mut self,
        groups: &[u32],
        args: &[ArrayRef],
        mut each: impl FnMut(&mut VecDeque<K::Key>, K::Key),
    ) -> Result<()> {
        let nulls = args[0].logical_nulls().filter(|_| self.skip_nulls);
        for (row, (value, &g)) in self.codec.keys(&args[..1])?.into_iter().zip(groups).enumerate() {
            if nulls.as_ref().is_none_or(|n| n.is_valid(row)) {
                each(&mut self.groups[g as usize], value);
            }
        }
        Ok(())
    }
    fn decode(&self, groups: &[u32]) -> Result<ArrayRef> {
        let values = groups.iter().flat_map(|&g| &self.groups[g as usize]);
        Ok(self.codec.columns(values)?.swap_remove(0))
    }
    /// One value per group, picked by position; NULL where `at` gives none.
    fn pick(&self, groups: &[u32], at: impl Fn(usize) -> Option<usize>) -> Result<ArrayRef> {
        let picked = groups.iter().map(|&g| {
            let values = &self.groups[g as usize];
            at(values.len()).map(|i| &values[i])
        });
        let mut present = 0;
        let indices: UInt32Array = picked
            .clone()
            .map(|v| {
                v.map(|_| {
                    present += 1;
                    present - 1
                })
            })
            .collect();
        let values = self.codec.columns(picked.flatten())?.swap_remove(0);
        if present == 0 {
            return Ok(new_null_array(values.data_type(), groups.len()));
        }
        Ok(arrow::compute::take(&values, &indices, None)?)
    }
}

impl<K: Keys> Aggregate for Elements<K> {
    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups.max(self.groups.len()), VecDeque::new());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.each(groups, args, |values, v| values.push_back(v))
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.each(groups, args, |values, v| {
            // Frames take back their oldest row, which is the first.
            if let Some(at) = values.iter().position(|held| *held == v) {
                values.remove(at);
            }
        })
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let values = self.groups[from as usize].clone();
            self.groups[into as usize].extend(values);
        }
        Ok(())
    }
    fn merges_in_order(&self) -> bool {
        matches!(self.give, Give::First | Give::Last)
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let lengths = groups.iter().map(|&g| self.groups[g as usize].len());
        Ok(match &self.give {
            Give::First => self.pick(groups, |n| (n > 0).then_some(0))?,
            Give::Last => self.pick(groups, |n| n.checked_sub(1))?,
            Give::Single => {
                if lengths.clone().any(|n| n > 1) {
                    return Err(Error::data("a subquery that should give one value gave more than one row"));
                }
                self.pick(groups, |n| (n > 0).then_some(0))?
            }
            Give::Array => {
                let values = self.decode(groups)?;
                let field = Arc::new(Field::new("item", values.data_type().clone(), true));
                let nulls = lengths.clone().map(|n| n > 0).collect::<NullBuffer>();
                Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, Some(nulls)))
            }
            Give::JsonArray => json_arrays(&self.decode(groups)?, lengths),
        })
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.groups[g as usize].clear());
    }
    fn state_types(&self) -> Vec<A> {
        vec![list_type(&self.codec.types()[0])]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        Ok(vec![lists(self.decode(groups)?, groups.iter().map(|&g| self.groups[g as usize].len()))])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let saved = saved_lists(columns, 0, "a list aggregate")?;
        if *saved.values().data_type() != self.codec.types()[0] {
            return Err(corrupt("a list aggregate"));
        }
        for (row, &g) in groups.iter().enumerate() {
            self.groups[g as usize] = self.codec.keys(&[saved.value(row)])?.into();
        }
        Ok(())
    }
}

/// Runs of JSON texts as arrays; a NULL among them is `null`.
fn json_arrays(values: &ArrayRef, lengths: impl Iterator<Item = usize>) -> ArrayRef {
    let values = values.as_string::<i32>();
    let mut at = 0;
    let texts = lengths.map(|n| {
        let run = at..at + n;
        at += n;
        let text = |i| if values.is_null(i) { "null" } else { values.value(i) };
        Some(format!("[{}]", run.map(text).collect::<Vec<_>>().join(",")))
    });
    Arc::new(texts.collect::<StringArray>())
}
