//! LISTAGG: the texts of a group as they are given, so that a frame that moves by a row does not join them anew.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType as A;
use wasmill_plan::Result;

use super::row_values::{list_type, lists, saved_lists};
use super::{Aggregate, corrupt};

/// State: `values`, a list of STRING, in the order of arrival.
pub(super) struct Joined {
    separator: String,
    groups: Vec<Texts>,
}

/// `a,b,c,` from `start` on, and the lengths of the values.
#[derive(Clone, Default)]
struct Texts {
    text: String,
    start: usize,
    lengths: VecDeque<usize>,
}

impl Joined {
    pub(super) fn new(separator: String) -> Self {
        Self { separator, groups: Vec::new() }
    }

    fn each(&mut self, groups: &[u32], args: &[ArrayRef], each: fn(&mut Texts, &str, &str)) {
        let values = args[0].as_string::<i32>();
        for (row, &g) in groups.iter().enumerate().filter(|(row, _)| values.is_valid(*row)) {
            each(&mut self.groups[g as usize], values.value(row), &self.separator);
        }
    }
}

impl Texts {
    fn add(&mut self, value: &str, separator: &str) {
        self.text.push_str(value);
        self.text.push_str(separator);
        self.lengths.push_back(value.len());
    }

    /// Takes out the first value of its kind; of a frame that is the first value.
    fn take_back(&mut self, value: &str, separator: &str) {
        let mut values = self.values(separator).enumerate();
        let found = values.find_map(|(place, (at, v))| (v == value).then_some((place, at)));
        drop(values);
        let Some((place, at)) = found else { return };
        let width = value.len() + separator.len();
        self.lengths.remove(place);
        if place > 0 {
            self.text.drain(at..at + width);
            return;
        }
        self.start += width;
        if self.start * 2 > self.text.len() {
            self.text.drain(..self.start);
            self.start = 0;
        }
    }

    /// The values, with where they stand in the text.
    fn values<'a>(&'a self, separator: &'a str) -> impl Iterator<Item = (usize, &'a str)> + 'a {
        let mut at = self.start;
        self.lengths.iter().map(move |length| {
            let start = at;
            at += length + separator.len();
            (start, &self.text[start..start + length])
        })
    }

    fn joined(&self, separator: &str) -> Option<&str> {
        let last = self.text.len().checked_sub(separator.len())?;
        (!self.lengths.is_empty()).then(|| &self.text[self.start..last])
    }
}

impl Aggregate for Joined {
    fn resize(&mut self, groups: usize) {
        self.groups.resize(groups.max(self.groups.len()), Texts::default());
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.each(groups, args, Texts::add);
        Ok(())
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> Result<()> {
        self.each(groups, args, Texts::take_back);
        Ok(())
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> Result<()> {
        for (&into, &from) in into.iter().zip(from) {
            let from = self.groups[from as usize].clone();
            from.values(&self.separator).for_each(|(_, v)| self.groups[into as usize].add(v, &self.separator));
        }
        Ok(())
    }
    fn finish(&self, groups: &[u32]) -> Result<ArrayRef> {
        let texts = groups.iter().map(|&g| self.groups[g as usize].joined(&self.separator));
        Ok(Arc::new(texts.collect::<StringArray>()))
    }
    fn clear(&mut self, groups: &[u32]) {
        groups.iter().for_each(|&g| self.groups[g as usize] = Texts::default());
    }
    fn state_types(&self) -> Vec<A> {
        vec![list_type(&A::Utf8)]
    }
    fn save(&self, groups: &[u32]) -> Result<Vec<ArrayRef>> {
        let groups = || groups.iter().map(|&g| &self.groups[g as usize]);
        let values = groups().flat_map(|texts| texts.values(&self.separator)).map(|(_, v)| Some(v));
        let values: ArrayRef = Arc::new(values.collect::<StringArray>());
        Ok(vec![lists(values, groups().map(|texts| texts.lengths.len()))])
    }
    fn load(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let saved = saved_lists(columns, 0, "LISTAGG")?;
        for (row, &g) in groups.iter().enumerate() {
            let values = saved.value(row);
            let values = values.as_string_opt::<i32>().ok_or_else(|| corrupt("LISTAGG"))?;
            values.iter().flatten().for_each(|v| self.groups[g as usize].add(v, &self.separator));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_back_wherever_they_stand() {
        for separator in [",", "", " – "] {
            let mut texts = Texts::default();
            assert_eq!(texts.joined(separator), None);
            let mut values: Vec<&str> = Vec::new();
            for (step, value) in ["a", "", "bc", "a", "é", "bc", "d"].into_iter().cycle().take(70).enumerate() {
                texts.add(value, separator);
                values.push(value);
                // The first one, one from the middle, or one that there is not.
                let gone = [values[0], values[values.len() / 2], "none"][step % 3];
                texts.take_back(gone, separator);
                if let Some(at) = values.iter().position(|v| *v == gone) {
                    values.remove(at);
                }
                assert_eq!(texts.joined(separator).unwrap_or_default(), values.join(separator));
                assert_eq!(texts.joined(separator).is_none(), values.is_empty());
            }
        }
    }
}
