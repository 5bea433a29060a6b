//! JSON_OBJECTAGG: one value per key; a later row with the same key replaces the earlier one.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType as A;
use wasmill_plan::{Error, Result};

use super::Aggregate;
use super::row_values::{list_type, lists, saved_lists};

/// Keys come out sorted, as in Flink. State: `keys` and `values`, lists of text of the same length; values are JSON texts,
/// NULL for JSON's null.
pub(super) struct JsonObjects {
    groups: Vec<BTreeMap<String, Option<String>>>,
    absent_on_null: bool,
}

impl JsonObjects {
    pub(super) fn new(absent_on_null: bool) -> Self {
        Self { groups: Vec::new(), absent_on_null }
    }
}

impl Aggregate for JsonObjects {
    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups.max(self.groups.len()), BTreeMap::new());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let (keys, values) = (args[0].as_string::<i32>(), args[1].as_string::<i32>());
        for (row, &g) in groups.iter().enumerate() {
            if keys.is_null(row) {
                return Err(Error::data("a key of JSON_OBJECTAGG is NULL"));
            }
            let value = values.is_valid(row).then(|| values.value(row).to_owned());
            if value.is_some() || !self.absent_on_null {
                self.groups[g as usize].insert(keys.value(row).to_owned(), value);
            }
        }
        Ok(())
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        let keys = args[0].as_string::<i32>();
        for (row, &g) in groups.iter().enumerate() {
            if keys.is_valid(row) {
                self.groups[g as usize].remove(keys.value(row));
            }
        }
        Ok(())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let entries = self.groups[from as usize].clone();
            self.groups[into as usize].extend(entries);
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let object = |&g: &u32| {
            let entry = |(key, value): (&String, &Option<String>)| {
                let key = serde_json::Value::String(key.clone());
                format!("{key}:{}", value.as_deref().unwrap_or("null"))
            };
            format!("{{{}}}", self.groups[g as usize].iter().map(entry).collect::<Vec<_>>().join(","))
        };
        Ok(Arc::new(StringArray::from_iter_values(groups.iter().map(object))))
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.groups[g as usize].clear());
    }
    fn state_types(&self) -> Vec<A> {
        vec![list_type(&A::Utf8), list_type(&A::Utf8)]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let entries = || groups.iter().flat_map(|&g| &self.groups[g as usize]);
        let lengths = || groups.iter().map(|&g| self.groups[g as usize].len());
        let keys = StringArray::from_iter_values(entries().map(|(key, _)| key));
        let values = entries().map(|(_, value)| value.as_deref()).collect::<StringArray>();
        Ok(vec![lists(Arc::new(keys), lengths()), lists(Arc::new(values), lengths())])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let keys = saved_lists(columns, 0, "JSON_OBJECTAGG")?;
        let values = saved_lists(columns, 1, "JSON_OBJECTAGG")?;
        for (row, &g) in groups.iter().enumerate() {
            let (keys, values) = (keys.value(row), values.value(row));
            let entries = keys.as_string::<i32>().iter().zip(values.as_string::<i32>());
            self.groups[g as usize] =
                entries.map(|(key, value)| (key.unwrap_or_default().to_owned(), value.map(str::to_owned))).collect();
        }
        Ok(())
    }
}
