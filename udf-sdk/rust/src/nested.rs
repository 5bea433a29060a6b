//! Lists and maps: ARRAY is a `Vec`, MAP a `BTreeMap`, whose order is the same in every instance.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::argument::FromColumn;
use crate::batch::{Column, RawColumn};
use crate::result::{Builder, IntoRow, Output};

impl<'a, T: FromColumn<'a>> FromColumn<'a> for Vec<T> {
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        if column.is_null(row) {
            return None;
        }
        let (elements, range) = column.elements(row);
        range.map(|i| T::from_column(elements, i)).collect()
    }
}

impl<'a, K: FromColumn<'a> + Ord, V: FromColumn<'a>> FromColumn<'a> for BTreeMap<K, V> {
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        if column.is_null(row) {
            return None;
        }
        let (keys, values, range) = column.entries(row);
        range.map(|i| Some((K::from_column(keys, i)?, V::from_column(values, i)?))).collect()
    }
}

impl<'a> Column<'a> {
    /// The elements of all rows of an ARRAY column, and which of them are that row's; none where it is NULL.
    ///
    /// # Panics
    /// If it is a column of another type.
    pub fn elements(self, row: usize) -> (Column<'a>, Range<usize>) {
        (self.child(TYPE_ARRAY, 0), self.range(row))
    }
    /// The keys and the values of all rows of a MAP column, and which of them are that row's; none where it is NULL.
    ///
    /// # Panics
    /// If it is a column of another type.
    pub fn entries(self, row: usize) -> (Column<'a>, Column<'a>, Range<usize>) {
        (self.child(TYPE_MAP, 0), self.child(TYPE_MAP, 1), self.range(row))
    }
}

const TYPE_ARRAY: u32 = 17;
const TYPE_MAP: u32 = 18;

/// Lists one behind the other, and where each ends.
pub struct Lists<B> {
    offsets: Vec<i32>,
    children: B,
}

impl<B: Default> Default for Lists<B> {
    fn default() -> Self {
        Self { offsets: vec![0], children: B::default() }
    }
}

impl<B> Lists<B> {
    fn end(&mut self, values: usize) {
        self.offsets.push(i32::try_from(values).expect("a column of lists has at most 2,147,483,647 elements"));
    }
    fn end_empty(&mut self) {
        self.offsets.push(*self.offsets.last().expect("it begins with 0"));
    }
    /// The children of the result column, which the host has made.
    fn fill(&self, column: &mut RawColumn) -> &'static mut [RawColumn] {
        column.offsets = self.offsets.as_ptr();
        // SAFETY: the host gives `child_count` children in memory that is the guest's to write until the call returns.
        unsafe { std::slice::from_raw_parts_mut(column.children.cast_mut(), column.child_count as usize) }
    }
}

impl<T: Output> Output for Lists<Builder<T>> {
    fn fill(&self, _rows: usize, column: &mut RawColumn) {
        self.children.fill(&mut Lists::fill(self, column)[0]);
    }
}

impl<K: Output, V: Output> Output for Lists<(Builder<K>, Builder<V>)> {
    fn fill(&self, _rows: usize, column: &mut RawColumn) {
        let children = Lists::fill(self, column);
        self.children.0.fill(&mut children[0]);
        self.children.1.fill(&mut children[1]);
    }
}

impl<T: IntoRow> IntoRow for Vec<T> {
    type Builder = Lists<Builder<T::Builder>>;
    fn put(self, into: &mut Builder<Self::Builder>) {
        let lists = into.values();
        for element in self {
            element.put(&mut lists.children);
        }
        lists.end(lists.children.rows());
        into.valid();
    }
    fn put_null(into: &mut Builder<Self::Builder>) {
        into.values().end_empty();
        into.null();
    }
}

impl<K: IntoRow, V: IntoRow> IntoRow for BTreeMap<K, V> {
    type Builder = Lists<(Builder<K::Builder>, Builder<V::Builder>)>;
    fn put(self, into: &mut Builder<Self::Builder>) {
        let maps = into.values();
        for (key, value) in self {
            key.put(&mut maps.children.0);
            value.put(&mut maps.children.1);
        }
        maps.end(maps.children.0.rows());
        into.valid();
    }
    fn put_null(into: &mut Builder<Self::Builder>) {
        into.values().end_empty();
        into.null();
    }
}
