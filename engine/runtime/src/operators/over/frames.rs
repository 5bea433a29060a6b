//! Runs rows in time order through all frames of their keys, columns at a time.
//!
//! ```text
//! rows (time order) --chunks--> append to rings -> per frame: steps -> per partial: loop over steps -> trim rings
//! ```

use std::sync::Arc;

use arrow::array::{self as a, Array, ArrayRef, RecordBatch};
use wasmill_expr::UserFunctions;
use wasmill_plan::{OverGroup, Result, Schema};

use super::arguments::{Argument, Class, Values, from_words};
use super::functions::{Accumulators, Layout, Ranks};
use super::monoid::counts;
use super::results::{Numbers, Results};
use super::steps::{Bounds, steps};
use super::store::{Slab, Store, wide};

/// Rows that go through all loops together, so that their records stay in the cache.
const CHUNK_ROWS: usize = 256;

/// The rows and running values of all keys.
pub(crate) struct Frames {
    pub(super) layout: Layout,
    pub(super) store: Store,
}

impl Frames {
    /// For those groups over input of that schema, in the order of plain columns.
    ///
    /// # Errors
    /// `Error::Query` for a function that is not known.
    pub(crate) fn new(groups: &[OverGroup], input: &Schema, functions: &dyn UserFunctions) -> Result<Self> {
        Self::with_ranks(groups, input, Ranks::OfOrder, functions)
    }

    /// For those groups over input of that schema.
    ///
    /// # Errors
    /// `Error::Query` for a function that is not known.
    pub(super) fn with_ranks(
        groups: &[OverGroup],
        input: &Schema,
        ranks: Ranks,
        functions: &dyn UserFunctions,
    ) -> Result<Self> {
        let layout = Layout::new(groups, input, ranks, functions)?;
        let store = Store::new(layout.stride, layout.key_template.clone(), &layout.arguments.list);
        Ok(Self { layout, store })
    }

    /// Makes room for keys up to `count`.
    pub(crate) fn resize(&mut self, count: usize) {
        self.store.resize(count);
        for accumulators in self.layout.groups.iter_mut().flat_map(|g| &mut g.accumulators) {
            accumulators.aggregate.resize(count);
        }
    }

    /// Forgets a key.
    pub(crate) fn clear(&mut self, key: u32) {
        self.store.clear(key);
        for accumulators in self.layout.groups.iter_mut().flat_map(|g| &mut g.accumulators) {
            accumulators.aggregate.clear(&[key]);
        }
    }

    /// Adds rows, which are in time order, later than all rows of their keys before, and of each time all there will be.
    /// Gives the result columns, group by group.
    ///
    /// # Errors
    /// `Error::Data` where a value cannot be aggregated.
    pub(crate) fn run(&mut self, rows: &RecordBatch, times: &[i64], keys: &[u32]) -> Result<Vec<ArrayRef>> {
        let Self { layout, store } = self;
        let values = layout.arguments.list.iter().map(|x| x.values(rows)).collect::<Result<Vec<_>>>()?;
        let bits = layout.arguments.bits(rows);
        let mut numbers = Numbers::default();
        let mut results: Vec<Results> = layout
            .groups
            .iter()
            .map(|g| Results::new(g.partials.iter().map(|p| &p.kind), g.accumulators.len(), times.len()))
            .collect();
        let (mut moves, mut positions) = (Vec::new(), Vec::new());
        let mut start = 0;
        while start < times.len() {
            let mut end = (start + CHUNK_ROWS).min(times.len());
            while end < times.len() && times[end] == times[end - 1] {
                end += 1;
            }
            let chunk = start..end;
            positions.clear();
            for row in chunk.clone() {
                positions.push((keys[row], number(store, keys[row], times[row], &mut numbers)));
            }
            write(layout, store, &values, &bits, times, chunk, &positions);
            for (group, results) in layout.groups.iter_mut().zip(&mut results) {
                steps(store, group.bounds, group.word, &positions, &mut moves);
                for (partial, out) in group.partials.iter().zip(&mut results.words) {
                    partial.run(store, &moves, out);
                }
                results.resolve(group.partials.iter().map(|p| &p.kind), &store.slab, moves.len());
                for (accumulators, out) in group.accumulators.iter_mut().zip(&mut results.accumulated) {
                    accumulators.run(store, &moves, &layout.arguments.list, out)?;
                }
            }
            store.slab.flush();
            trim(layout, store, &positions);
            start = end;
        }
        let mut columns = Vec::new();
        for (group, results) in layout.groups.iter().zip(&results) {
            for output in &group.outputs {
                columns.push(output.finish(results, &numbers, &layout.arguments)?);
            }
        }
        Ok(columns)
    }
}

/// Takes the next position of the row's key and notes its numbers.
#[inline]
fn number(store: &mut Store, key: u32, time: i64, numbers: &mut Numbers) -> u64 {
    let position = store.append(key);
    let head = &mut store.heads[key as usize];
    if position == 0 || head.time != time {
        head.rank = position + 1;
        head.dense_rank += 1;
        head.time = time;
    }
    numbers.row.push(position as i64 + 1);
    numbers.rank.push(head.rank as i64);
    numbers.dense_rank.push(head.dense_rank as i64);
    position
}

/// Writes the records of a chunk, column by column.
fn write(
    layout: &Layout,
    store: &mut Store,
    values: &[Values],
    bits: &[u64],
    times: &[i64],
    chunk: std::ops::Range<usize>,
    positions: &[(u32, u64)],
) {
    let offset = |&(key, position): &(u32, u64)| store.offset(&store.heads[key as usize], position);
    let offsets: Vec<usize> = positions.iter().map(offset).collect();
    let width = layout.arguments.bit_words();
    for (&at, row) in offsets.iter().zip(chunk.clone()) {
        store.records[at] = times[row] as u64;
        store.records[at + 1..at + 1 + width].copy_from_slice(&bits[row * width..(row + 1) * width]);
    }
    for (argument, values) in layout.arguments.list.iter().zip(values) {
        store.write(argument, values, chunk.clone(), &offsets);
    }
}

/// Forgets the rows that no frame needs any more.
fn trim(layout: &Layout, store: &mut Store, positions: &[(u32, u64)]) {
    for &(key, _) in positions {
        let next = store.heads[key as usize].next;
        let mut keep = layout.lag.map_or(next, |lag| next.saturating_sub(lag));
        for group in &layout.groups {
            if !matches!(group.bounds, Bounds::Rows(None) | Bounds::Range(None)) {
                keep = keep.min(store.key_words[key as usize * store.key_stride + group.word]);
            }
        }
        store.trim(key, keep);
    }
}

impl Accumulators {
    /// The argument columns, and the filter's, of those records.
    pub(super) fn columns(&self, slab: &Slab, list: &[Argument], records: &[&[u64]]) -> Result<Vec<ArrayRef>> {
        let column = |&(argument, bit): &(usize, usize)| -> Result<ArrayRef> {
            let argument = &list[argument];
            let word = argument.word;
            let present = |r: &&&[u64]| counts(r, bit);
            Ok(match argument.class {
                Class::Bytes => {
                    let values: Vec<Option<&[u8]>> =
                        records.iter().map(|r| counts(r, bit).then(|| slab.get(r[word]))).collect();
                    argument.from_bytes(&values)?
                }
                Class::Wide => {
                    let values = records.iter().map(|r| counts(r, bit).then(|| wide(r, word)));
                    Arc::new(values.collect::<a::Decimal128Array>().with_data_type(argument.data_type().clone()))
                }
                _ => from_words(argument.data_type(), records.iter().map(|r| present(&r).then(|| r[word]))),
            })
        };
        let mut columns = self.arguments.iter().map(column).collect::<Result<Vec<_>>>()?;
        if let Some(bit) = self.filter {
            let filter = records.iter().map(|r| Some(counts(r, bit))).collect::<a::BooleanArray>();
            columns.push(Arc::new(filter));
        }
        debug_assert!(columns.iter().all(|c| c.len() == records.len()));
        Ok(columns)
    }
}
