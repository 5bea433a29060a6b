//! The rows of each key in time order, as a B+ tree that holds partial aggregates: what frames on arrival are answered from.
//!
//! ```text
//! inner:  children | rows below each | last time of each | partials of each
//! leaf:   up to 32 records, in a block of 4, 8, 16 or 32
//! ```
//! A row in order and a row out of order cost O(log n), as does any range of rows; only whole leaves are forgotten, from the
//! front. (After Tangwongsan, Hirzel, Schneider: "Optimal and general out-of-order sliding-window aggregation", VLDB 2019.)
mod fold;
mod forget;
mod insert;
mod read;

use super::partial::Kind;
use super::store::Slab;

const LEAF_MAX: usize = 32;
const INNER_MAX: usize = 16;

/// The trees of all keys.
pub(in crate::operators::over) struct Trees {
    /// Words of a record.
    stride: usize,
    /// The partials of each child of an inner node, with their offsets.
    pub(in crate::operators::over) partials: Vec<(Kind, usize)>,
    /// Words of all partials.
    pub(in crate::operators::over) width: usize,
    pub(in crate::operators::over) records: Vec<u64>,
    free_blocks: [Vec<u32>; 4],
    leaves: Vec<Leaf>,
    free_leaves: Vec<u32>,
    inners: Vec<Inner>,
    /// `INNER_MAX × width` words an inner node.
    inner_words: Vec<u64>,
    free_inners: Vec<u32>,
    byte_words: Vec<usize>,
    pub(in crate::operators::over) slab: Slab,
}

/// A tree.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::operators::over) struct Root {
    node: u32,
    /// Levels of inner nodes above the leaves.
    depth: u32,
    /// Rows in it; 0: it has no node.
    pub(in crate::operators::over) rows: u64,
}

#[derive(Clone, Copy, Debug)]
struct Leaf {
    base: u32,
    len: u8,
    capacity: u8,
}

#[derive(Clone, Copy, Debug)]
struct Inner {
    len: u8,
    children: [u32; INNER_MAX],
    rows: [u64; INNER_MAX],
    last: [i64; INNER_MAX],
}

/// Parts of a tree that together are a range of rows, in order.
#[derive(Clone, Copy, Debug)]
pub(in crate::operators::over) enum Part {
    /// Rows `from..to` of a leaf.
    Rows { leaf: u32, from: usize, to: usize },
    /// Children `from..to` of an inner node.
    Children { inner: u32, from: usize, to: usize },
}

impl Trees {
    pub(in crate::operators::over) fn new(
        stride: usize,
        partials: Vec<(Kind, usize)>,
        width: usize,
        byte_words: Vec<usize>,
    ) -> Self {
        Self {
            stride,
            partials,
            width,
            records: Vec::new(),
            free_blocks: Default::default(),
            leaves: Vec::new(),
            free_leaves: Vec::new(),
            inners: Vec::new(),
            inner_words: Vec::new(),
            free_inners: Vec::new(),
            byte_words,
            slab: Slab::default(),
        }
    }

    fn record(&self, leaf: u32, row: usize) -> &[u64] {
        let at = (self.leaves[leaf as usize].base as usize + row) * self.stride;
        &self.records[at..at + self.stride]
    }

    #[inline]
    fn time(&self, leaf: &Leaf, row: usize) -> i64 {
        self.records[(leaf.base as usize + row) * self.stride] as i64
    }

    fn new_block(&mut self, capacity: usize) -> u32 {
        let class = capacity.trailing_zeros() as usize - 2;
        self.free_blocks[class].pop().unwrap_or_else(|| {
            let base = self.records.len() / self.stride;
            self.records.resize(self.records.len() + capacity * self.stride, 0);
            u32::try_from(base).expect("fewer than 2^32 rows in all frames")
        })
    }

    fn free_block(&mut self, leaf: &Leaf) {
        self.free_blocks[leaf.capacity.trailing_zeros() as usize - 2].push(leaf.base);
    }

    fn new_leaf(&mut self, capacity: usize) -> u32 {
        let leaf = Leaf { base: self.new_block(capacity), len: 0, capacity: capacity as u8 };
        if let Some(id) = self.free_leaves.pop() {
            self.leaves[id as usize] = leaf;
            return id;
        }
        self.leaves.push(leaf);
        self.leaves.len() as u32 - 1
    }

    fn new_inner(&mut self) -> u32 {
        let inner = Inner { len: 0, children: [0; INNER_MAX], rows: [0; INNER_MAX], last: [0; INNER_MAX] };
        if let Some(id) = self.free_inners.pop() {
            self.inners[id as usize] = inner;
            return id;
        }
        self.inners.push(inner);
        self.inner_words.resize(self.inners.len() * INNER_MAX * self.width, 0);
        self.inners.len() as u32 - 1
    }

    fn entry(&self, inner: u32, child: usize) -> usize {
        (inner as usize * INNER_MAX + child) * self.width
    }
}
