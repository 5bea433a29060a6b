//! `DISTINCT`: hands on a value when it first comes to a group, and takes it back when the last of its rows is retracted.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, UInt32Array};
use arrow::datatypes::{self as t, DataType as A};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use wasmill_plan::{DataType, Result};

use super::row_values::{Keys, list_type, lists, saved_lists, with_keys_of};
use super::{Aggregate, corrupt};

/// Wraps an aggregate of arguments of those types.
pub(super) fn new(inner: Box<dyn Aggregate>, types: &[DataType]) -> Result<Box<dyn Aggregate>> {
    with_keys_of!(types, keys => Ok(Box::new(Distinct::new(inner, keys))))
}

struct Seen {
    /// How many rows hold the value.
    count: i64,
    /// When it first came, among all of the operator's values.
    order: u64,
}

/// State: `counts`, a list of Int64 per distinct value in the order they came; a list per argument; then the state of the
/// wrapped aggregate.
struct Distinct<K: Keys> {
    inner: Box<dyn Aggregate>,
    keys: K,
    // A fixed hash: merged values keep their order, so the order in the map never shows.
    groups: Vec<HashMap<K::Key, Seen, FixedState>>,
    next_order: u64,
}

impl<K: Keys> Distinct<K> {
    fn new(inner: Box<dyn Aggregate>, keys: K) -> Self {
        Self { inner, keys, groups: Vec::new(), next_order: 0 }
    }
    /// The distinct values of a group as they came.
    fn in_order(&self, group: u32) -> Vec<(&K::Key, &Seen)> {
        let mut values: Vec<_> = self.groups[group as usize].iter().collect();
        values.sort_unstable_by_key(|(_, seen)| seen.order);
        values
    }
}

fn take(args: &[ArrayRef], rows: Vec<u32>) -> Result<Vec<ArrayRef>> {
    let rows = UInt32Array::from(rows);
    Ok(args.iter().map(|a| arrow::compute::take(a, &rows, None)).collect::<Result<_, _>>()?)
}

impl<K: Keys> Aggregate for Distinct<K> {
    fn resize(&mut self, groups: usize) {
        self.groups.resize_with(groups.max(self.groups.len()), || HashMap::with_hasher(FixedState::default()));
        self.inner.resize(groups);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let (mut new_groups, mut new_rows) = (Vec::new(), Vec::new());
        for (row, (key, &g)) in self.keys.keys(args)?.into_iter().zip(groups).enumerate() {
            let order = self.next_order;
            let seen = self.groups[g as usize].entry(key).or_insert(Seen { count: 0, order });
            seen.count += 1;
            if seen.count == 1 {
                self.next_order += 1;
                new_groups.push(g);
                new_rows.push(row as u32);
            }
        }
        if new_rows.is_empty() {
            return Ok(());
        }
        self.inner.update(&new_groups, &take(args, new_rows)?)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let (mut gone_groups, mut gone_rows) = (Vec::new(), Vec::new());
        for (row, (key, &g)) in self.keys.keys(args)?.into_iter().zip(groups).enumerate() {
            let values = &mut self.groups[g as usize];
            let Some(seen) = values.get_mut(&key) else { continue };
            seen.count -= 1;
            if seen.count == 0 {
                values.remove(&key);
                gone_groups.push(g);
                gone_rows.push(row as u32);
            }
        }
        if gone_rows.is_empty() {
            return Ok(());
        }
        self.inner.retract(&gone_groups, &take(args, gone_rows)?)
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let values: Vec<_> = self.in_order(from).into_iter().map(|(k, s)| (k.clone(), s.count)).collect();
            let mut new = Vec::new();
            for (key, count) in values {
                let order = self.next_order;
                let seen = self.groups[into as usize].entry(key.clone()).or_insert(Seen { count: 0, order });
                if seen.count == 0 {
                    self.next_order += 1;
                    new.push(key);
                }
                seen.count += count;
            }
            if !new.is_empty() {
                self.inner.update(&vec![into; new.len()], &self.keys.columns(new.iter())?)?;
            }
        }
        Ok(())
    }
    fn can_retract(&self) -> bool {
        self.inner.can_retract()
    }
    fn merges_in_order(&self) -> bool {
        self.inner.merges_in_order()
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        self.inner.finish(groups)
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.groups[g as usize].clear());
        self.inner.clear(groups);
    }
    fn state_types(&self) -> Vec<A> {
        let lists = self.keys.types().iter().map(list_type).collect::<Vec<_>>();
        [vec![list_type(&A::Int64)], lists, self.inner.state_types()].concat()
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let values: Vec<_> = groups.iter().map(|&g| self.in_order(g)).collect();
        let lengths = || values.iter().map(Vec::len);
        let counts = Int64Array::from_iter_values(values.iter().flatten().map(|(_, s)| s.count));
        let mut columns = vec![lists(Arc::new(counts), lengths())];
        for column in self.keys.columns(values.iter().flatten().map(|(key, _)| *key))? {
            columns.push(lists(column, lengths()));
        }
        columns.extend(self.inner.save(groups)?);
        Ok(columns)
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let what = "a DISTINCT aggregate";
        let types = self.keys.types();
        if columns.len() < 1 + types.len() {
            return Err(corrupt(what));
        }
        let counts = saved_lists(columns, 0, what)?;
        for (row, &g) in groups.iter().enumerate() {
            let mut args = Vec::with_capacity(types.len());
            for (i, data_type) in types.iter().enumerate() {
                let values = saved_lists(columns, 1 + i, what)?.value(row);
                if values.data_type() != data_type {
                    return Err(corrupt(what));
                }
                args.push(values);
            }
            let counts = counts.value(row);
            let counts = counts.as_primitive_opt::<t::Int64Type>().ok_or_else(|| corrupt(what))?;
            for (key, &count) in self.keys.keys(&args)?.into_iter().zip(counts.values()) {
                self.groups[g as usize].insert(key, Seen { count, order: self.next_order });
                self.next_order += 1;
            }
        }
        self.inner.load(groups, &columns[1 + types.len()..])
    }
}
