//! Functions without partials on arrival: what the frame of a key's last row holds is kept, and moves on with the next row.
//!
//! ```text
//! row in order:      kept [ start ────────── ) + row − what left the frame      O(1) amortised
//! row out of order:  its own frame whole, in group 0; what is kept takes it in, or is made anew by the next row
//! ```
//! Of each key there are two groups: what unbounded frames have forgotten, needed by rows out of order, and what is kept.

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType as A, Int64Type};
use wasmill_plan::Result;

use super::arguments::Argument;
use super::functions::Accumulators;
use super::tree::{Root, Trees};

/// Nothing is kept of a key.
const NOTHING: i64 = -1;

/// What is kept of each key.
#[derive(Default)]
pub(super) struct Running {
    /// The position in its tree where the frame begins, or [`NOTHING`]; it ends with the tree.
    starts: Vec<i64>,
    /// Frames begin with the key's first row.
    unbounded: bool,
    /// Rows may come out of order.
    disorder: bool,
}

/// The rows of one key.
pub(super) struct KeyRows<'a> {
    pub(super) key: u32,
    pub(super) root: Root,
    pub(super) trees: &'a Trees,
    pub(super) arguments: &'a [Argument],
}

fn forgotten(key: u32) -> u32 {
    2 * key + 1
}

fn kept(key: u32) -> u32 {
    2 * key + 2
}

impl Running {
    pub(super) fn new(unbounded: bool, disorder: bool) -> Self {
        Self { starts: Vec::new(), unbounded, disorder }
    }
}

impl Accumulators {
    /// Makes room for keys up to `count`.
    pub(super) fn resize_running(&mut self, count: usize) {
        self.running.starts.resize(count, NOTHING);
        self.aggregate.resize(2 * count + 1);
    }

    /// The result of the row that now stands at `position`, whose frame begins at `from`.
    ///
    /// # Errors
    /// `Error::Data` where a value cannot be aggregated.
    pub(super) fn answer(&mut self, rows: &KeyRows<'_>, from: u64, position: u64) -> Result<ArrayRef> {
        let in_order = position + 1 == rows.root.rows;
        debug_assert!(in_order || self.running.disorder, "in processing time rows come in order");
        if self.anew {
            return self.whole(rows, from, position);
        }
        let own = kept(rows.key);
        let start = &mut self.running.starts[rows.key as usize];
        if !in_order {
            match *start {
                NOTHING => {}
                at if (position as i64) < at => *start += 1,
                _ if self.in_order => *start = NOTHING,
                _ => self.add(rows, own, position, position + 1)?,
            }
            return self.whole(rows, from, position);
        }
        if *start == NOTHING {
            *start = from as i64;
            self.aggregate.clear(&[own]);
            if self.has_forgotten() {
                self.aggregate.merge(&[own], &[forgotten(rows.key)])?;
            }
            self.add(rows, own, from, position + 1)?;
        } else {
            // What leaves goes first, as where rows are answered at the watermark: it shows in the order of distinct values.
            let left = std::mem::replace(start, from as i64) as u64;
            self.take_back(rows, left, from)?;
            self.add(rows, own, position, position + 1)?;
        }
        self.aggregate.finish(&[own])
    }

    /// The first `count` rows of a key are about to be forgotten.
    ///
    /// # Errors
    /// As [`Accumulators::answer`].
    pub(super) fn forget(&mut self, rows: &KeyRows<'_>, count: u64) -> Result<()> {
        if self.has_forgotten() {
            self.add(rows, forgotten(rows.key), 0, count)?;
        }
        let start = self.running.starts[rows.key as usize];
        if start != NOTHING && !self.running.unbounded {
            self.take_back(rows, start as u64, count)?;
            self.running.starts[rows.key as usize] = (start - count as i64).max(0);
        }
        Ok(())
    }

    /// Forgets a key.
    pub(super) fn remove(&mut self, key: u32) {
        self.running.starts[key as usize] = NOTHING;
        self.aggregate.clear(&[forgotten(key), kept(key)]);
    }

    /// Whether rows out of order need what unbounded frames have forgotten.
    fn has_forgotten(&self) -> bool {
        self.running.unbounded && self.running.disorder
    }

    fn whole(&mut self, rows: &KeyRows<'_>, from: u64, position: u64) -> Result<ArrayRef> {
        self.aggregate.clear(&[0]);
        if self.has_forgotten() {
            self.aggregate.merge(&[0], &[forgotten(rows.key)])?;
        }
        self.add(rows, 0, from, position + 1)?;
        self.aggregate.finish(&[0])
    }

    fn add(&mut self, rows: &KeyRows<'_>, group: u32, from: u64, to: u64) -> Result<()> {
        let records = rows.records(from, to);
        let columns = self.columns(&rows.trees.slab, rows.arguments, &records)?;
        self.aggregate.update(&vec![group; records.len()], &columns)
    }

    fn take_back(&mut self, rows: &KeyRows<'_>, from: u64, to: u64) -> Result<()> {
        if from >= to {
            return Ok(());
        }
        let records = rows.records(from, to);
        let columns = self.columns(&rows.trees.slab, rows.arguments, &records)?;
        self.aggregate.retract(&vec![kept(rows.key); records.len()], &columns)
    }

    /// The types of [`Accumulators::save_running`].
    pub(super) fn running_types(&self) -> Vec<A> {
        let state = self.aggregate.state_types();
        let forgotten = if self.has_forgotten() { state.clone() } else { Vec::new() };
        let kept = if self.anew { Vec::new() } else { [vec![A::Int64], state].concat() };
        [forgotten, kept].concat()
    }

    /// Of each key: what unbounded frames have forgotten; where the frame that is kept begins (−1: none is), and what it holds.
    ///
    /// # Errors
    /// What the function cannot save.
    pub(super) fn save_running(&self, keys: &[u32]) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::new();
        let groups = |of: fn(u32) -> u32| keys.iter().map(|&key| of(key)).collect::<Vec<u32>>();
        if self.has_forgotten() {
            columns.extend(self.aggregate.save(&groups(forgotten))?);
        }
        if !self.anew {
            let starts = keys.iter().map(|&key| self.running.starts[key as usize]);
            columns.push(std::sync::Arc::new(Int64Array::from_iter_values(starts)));
            columns.extend(self.aggregate.save(&groups(kept))?);
        }
        Ok(columns)
    }

    /// The inverse of [`Accumulators::save_running`], for keys of which nothing is known.
    ///
    /// # Errors
    /// `Error::Corrupt` where the columns are not of [`Accumulators::running_types`].
    pub(super) fn load_running(&mut self, keys: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let groups = |of: fn(u32) -> u32| keys.iter().map(|&key| of(key)).collect::<Vec<u32>>();
        let mut columns = columns;
        if self.has_forgotten() {
            let (own, rest) = columns.split_at(self.aggregate.state_types().len());
            self.aggregate.load(&groups(forgotten), own)?;
            columns = rest;
        }
        if let [starts, own @ ..] = columns {
            let starts = starts.as_primitive::<Int64Type>();
            for (row, &key) in keys.iter().enumerate() {
                self.running.starts[key as usize] = starts.value(row);
            }
            self.aggregate.load(&groups(kept), own)?;
        }
        Ok(())
    }
}

impl<'a> KeyRows<'a> {
    fn records(&self, from: u64, to: u64) -> Vec<&'a [u64]> {
        let mut records = Vec::with_capacity((to - from) as usize);
        self.trees.for_each(&self.root, from, to, &mut |record| records.push(record));
        records
    }
}
