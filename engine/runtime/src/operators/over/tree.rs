//! The rows of each key in time order, as a B+ tree that holds partial aggregates: what frames on arrival are answered from.
//!
//! ```text
//! inner:  children | rows below each | last time of each | partials of each
//! leaf:   up to 32 records, in a block of 4, 8, 16 or 32
//! ```
//! A row in order and a row out of order cost O(log n), as does any range of rows; only whole leaves are forgotten, from the
//! front. (After Tangwongsan, Hirzel, Schneider: "Optimal and general out-of-order sliding-window aggregation", VLDB 2019.)

use super::store::Slab;
use super::windows::{Count, Extreme, Kind, Moments, Monoid, Place, Rule, SumFloat, SumInt, SumWide, Wide192, counts};

/// Calls generic code with the monoid of a kind.
macro_rules! with_monoid {
    ($kind:expr, $slab:expr, |$m:ident| $body:expr) => {
        match $kind {
            Kind::Count { bit } => {
                let $m = Count { bit };
                $body
            }
            Kind::SumInt { bit, word } => {
                let $m = SumInt { bit, word };
                $body
            }
            Kind::SumWide { bit, word } => {
                let $m = SumWide { bit, word };
                $body
            }
            Kind::SumFloat { bit, word } | Kind::SumSingle { bit, word } => {
                let $m = Exact(SumFloat { bit, word });
                $body
            }
            Kind::Moments { bit, word } => {
                let $m = Moments { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: false, greatest: false } => {
                let $m = Extreme::<false, false> { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: false, greatest: true } => {
                let $m = Extreme::<false, true> { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: true, greatest: false } => {
                let $m = Extreme::<true, false> { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: true, greatest: true } => {
                let $m = Extreme::<true, true> { bit, word };
                $body
            }
            Kind::ExtremeAt { bit, value, greatest } => {
                let rule = if greatest { Rule::Greatest } else { Rule::Least };
                let $m = Chosen { bit, value, rule, slab: $slab };
                $body
            }
            Kind::First { bit, value } => {
                let $m = Chosen { bit, value, rule: Rule::First, slab: $slab };
                $body
            }
            Kind::Last { bit, value } => {
                let $m = Chosen { bit, value, rule: Rule::Last, slab: $slab };
                $body
            }
            Kind::Keep { bit, value, rule } => {
                let $m = Chosen { bit, value, rule, slab: $slab };
                $body
            }
            Kind::Lag { .. } => unreachable!("LAG is a row, not a partial"),
        }
    };
}
const LEAF_MAX: usize = 32;
const INNER_MAX: usize = 16;

/// The trees of all keys.
pub(super) struct Trees {
    /// Words of a record.
    stride: usize,
    /// The partials of each child of an inner node, with their offsets.
    pub(super) partials: Vec<(Kind, usize)>,
    /// Words of all partials.
    pub(super) width: usize,
    pub(super) records: Vec<u64>,
    free_blocks: [Vec<u32>; 4],
    leaves: Vec<Leaf>,
    free_leaves: Vec<u32>,
    inners: Vec<Inner>,
    /// `INNER_MAX × width` words an inner node.
    inner_words: Vec<u64>,
    free_inners: Vec<u32>,
    byte_words: Vec<usize>,
    pub(super) slab: Slab,
}

/// A tree.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Root {
    node: u32,
    /// Levels of inner nodes above the leaves.
    depth: u32,
    /// Rows in it; 0: it has no node.
    pub(super) rows: u64,
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
pub(super) enum Part {
    /// Rows `from..to` of a leaf.
    Rows { leaf: u32, from: usize, to: usize },
    /// Children `from..to` of an inner node.
    Children { inner: u32, from: usize, to: usize },
}

impl Trees {
    pub(super) fn new(stride: usize, partials: Vec<(Kind, usize)>, width: usize, byte_words: Vec<usize>) -> Self {
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

    /// Puts a record behind all of its time or earlier, and gives the number of rows before it.
    pub(super) fn insert(&mut self, root: &mut Root, record: &[u64]) -> u64 {
        if root.rows == 0 {
            *root = Root { node: self.new_leaf(4), depth: 0, rows: 0 };
        }
        root.rows += 1;
        let (position, split) = self.insert_below(root.node, root.depth, record);
        if let Some(right) = split {
            let top = self.new_inner();
            self.inners[top as usize].len = 2;
            self.set_child(top, 0, root.node, root.depth);
            self.set_child(top, 1, right, root.depth);
            (root.node, root.depth) = (top, root.depth + 1);
        }
        position
    }

    fn insert_below(&mut self, node: u32, depth: u32, record: &[u64]) -> (u64, Option<u32>) {
        if depth == 0 {
            return self.insert_in_leaf(node, record);
        }
        let time = record[0] as i64;
        let inner = &self.inners[node as usize];
        let last = inner.len as usize - 1;
        let child = if time >= inner.last[last] { last } else { inner.last[..last].partition_point(|&l| l <= time) };
        let before: u64 = inner.rows[..child].iter().sum();
        let below = inner.rows[child];
        let (position, split) = self.insert_below(inner.children[child], depth - 1, record);
        match split {
            None => {
                let inner = &mut self.inners[node as usize];
                inner.rows[child] += 1;
                inner.last[child] = inner.last[child].max(time);
                self.join_into(node, child, depth, record, position == below);
                (before + position, None)
            }
            Some(right) => {
                let left = self.inners[node as usize].children[child];
                let split = self.add_child(node, child + 1, right, depth - 1);
                // The left part has changed too; after a split of this node it may be in either half.
                match split {
                    Some(half) if child >= self.inners[node as usize].len as usize => {
                        let at = child - self.inners[node as usize].len as usize;
                        self.set_child(half, at, left, depth - 1);
                    }
                    _ => self.set_child(node, child, left, depth - 1),
                }
                (before + position, split)
            }
        }
    }

    fn insert_in_leaf(&mut self, id: u32, record: &[u64]) -> (u64, Option<u32>) {
        let time = record[0] as i64;
        let leaf = self.leaves[id as usize];
        let len = leaf.len as usize;
        let mut at = len;
        while at > 0 && self.time(&leaf, at - 1) > time {
            at -= 1;
        }
        if len < leaf.capacity as usize {
            self.put(id, at, record);
            return (at as u64, None);
        }
        if len < LEAF_MAX {
            let grown = Leaf { base: self.new_block(len * 2), capacity: (len * 2) as u8, ..leaf };
            self.copy_rows(leaf.base, 0, grown.base, 0, len);
            self.free_block(&leaf);
            self.leaves[id as usize] = grown;
            self.put(id, at, record);
            return (at as u64, None);
        }
        // A row in order leaves the left leaf nearly full, so that leaves of a stream in order are full.
        let keep = if at == len { LEAF_MAX - 2 } else { LEAF_MAX / 2 };
        let right = self.new_leaf(LEAF_MAX);
        let base = self.leaves[right as usize].base;
        self.copy_rows(leaf.base, keep, base, 0, len - keep);
        self.leaves[right as usize].len = (len - keep) as u8;
        self.leaves[id as usize].len = keep as u8;
        if at <= keep {
            self.put(id, at, record);
        } else {
            self.put(right, at - keep, record);
        }
        (at as u64, Some(right))
    }

    fn copy_rows(&mut self, from: u32, first: usize, to: u32, at: usize, count: usize) {
        let start = (from as usize + first) * self.stride;
        self.records.copy_within(start..start + count * self.stride, (to as usize + at) * self.stride);
    }

    fn put(&mut self, id: u32, at: usize, record: &[u64]) {
        let leaf = self.leaves[id as usize];
        self.copy_rows(leaf.base, at, leaf.base, at + 1, leaf.len as usize - at);
        let start = (leaf.base as usize + at) * self.stride;
        self.records[start..start + self.stride].copy_from_slice(record);
        self.leaves[id as usize].len += 1;
    }

    /// Puts a child into an inner node, which may split.
    fn add_child(&mut self, node: u32, at: usize, child: u32, depth: u32) -> Option<u32> {
        let len = self.inners[node as usize].len as usize;
        if len < INNER_MAX {
            self.make_room(node, at);
            self.set_child(node, at, child, depth);
            return None;
        }
        let keep = if at == len { INNER_MAX - 1 } else { INNER_MAX / 2 };
        let right = self.new_inner();
        let (from, moved) = (self.inners[node as usize], len - keep);
        let to = &mut self.inners[right as usize];
        to.len = moved as u8;
        to.children[..moved].copy_from_slice(&from.children[keep..]);
        to.rows[..moved].copy_from_slice(&from.rows[keep..]);
        to.last[..moved].copy_from_slice(&from.last[keep..]);
        let (source, target) = (self.entry(node, keep), self.entry(right, 0));
        self.inner_words.copy_within(source..source + moved * self.width, target);
        self.inners[node as usize].len = keep as u8;
        let (half, at) =
            if at < keep || (at == keep && keep < INNER_MAX - 1) { (node, at) } else { (right, at - keep) };
        self.make_room(half, at);
        self.set_child(half, at, child, depth);
        Some(right)
    }

    fn make_room(&mut self, node: u32, at: usize) {
        let inner = &mut self.inners[node as usize];
        let len = inner.len as usize;
        inner.children.copy_within(at..len, at + 1);
        inner.rows.copy_within(at..len, at + 1);
        inner.last.copy_within(at..len, at + 1);
        inner.len += 1;
        let (from, to) = (self.entry(node, at), self.entry(node, at + 1));
        self.inner_words.copy_within(from..from + (len - at) * self.width, to);
    }

    /// Makes a child of a node, of `depth` levels itself, known there as it is now.
    fn set_child(&mut self, node: u32, at: usize, child: u32, depth: u32) {
        let (part, rows, last) = if depth == 0 {
            let leaf = self.leaves[child as usize];
            let len = leaf.len as usize;
            (Part::Rows { leaf: child, from: 0, to: len }, len as u64, self.time(&leaf, len - 1))
        } else {
            let inner = &self.inners[child as usize];
            let len = inner.len as usize;
            let rows = inner.rows[..len].iter().sum();
            (Part::Children { inner: child, from: 0, to: len }, rows, inner.last[len - 1])
        };
        let inner = &mut self.inners[node as usize];
        (inner.children[at], inner.rows[at], inner.last[at]) = (child, rows, last);
        let words = self.fold_all(&[part]);
        let entry = self.entry(node, at);
        self.inner_words[entry..entry + self.width].copy_from_slice(&words);
    }

    /// All partials over some parts.
    fn fold_all(&self, parts: &[Part]) -> Vec<u64> {
        let mut words = Vec::with_capacity(self.width);
        for index in 0..self.partials.len() {
            self.fold(index, parts, &mut words);
        }
        words
    }

    /// Takes a new row below a child into the child's partials.
    fn join_into(&mut self, node: u32, child: usize, depth: u32, record: &[u64], appended: bool) {
        let entry = self.entry(node, child);
        for index in 0..self.partials.len() {
            let (kind, offset) = self.partials[index];
            let at = entry + offset;
            if !appended && !kind.commutes() {
                let below = self.inners[node as usize].children[child];
                let whole = if depth == 1 {
                    Part::Rows { leaf: below, from: 0, to: self.leaves[below as usize].len as usize }
                } else {
                    Part::Children { inner: below, from: 0, to: self.inners[below as usize].len as usize }
                };
                let mut words = Vec::new();
                self.fold(index, &[whole], &mut words);
                self.inner_words[at..at + words.len()].copy_from_slice(&words);
                continue;
            }
            let words = &mut self.inner_words[at..];
            with_monoid!(kind, &self.slab, |m| join_words(&m, words, record));
        }
    }

    /// Appends the value of partial `index` over some parts.
    pub(super) fn fold(&self, index: usize, parts: &[Part], out: &mut Vec<u64>) {
        let (kind, offset) = self.partials[index];
        with_monoid!(kind, &self.slab, |m| self.fold_parts(&m, offset, parts, out));
    }

    #[inline]
    fn fold_parts<M: Monoid>(&self, monoid: &M, offset: usize, parts: &[Part], out: &mut Vec<u64>) {
        let mut value = monoid.identity();
        for part in parts {
            match *part {
                Part::Rows { leaf, from, to } => {
                    let base = self.leaves[leaf as usize].base as usize;
                    let rows = &self.records[(base + from) * self.stride..(base + to) * self.stride];
                    for record in rows.chunks_exact(self.stride) {
                        value = monoid.join(value, monoid.value(record));
                    }
                }
                Part::Children { inner, from, to } => {
                    for child in from..to {
                        value = monoid.join(value, M::read(&self.inner_words[self.entry(inner, child) + offset..]));
                    }
                }
            }
        }
        out.extend_from_slice(M::write(value).as_ref());
    }

    /// Joins a value of partial `index` in front of another, in place.
    pub(super) fn join(&self, index: usize, before: &[u64], value: &mut [u64]) {
        with_monoid!(self.partials[index].0, &self.slab, |m| join_front(&m, before, value));
    }

    /// How many rows are earlier than `time`.
    pub(super) fn rows_before(&self, root: &Root, time: i64) -> u64 {
        if root.rows == 0 {
            return 0;
        }
        let (mut node, mut rows) = (root.node, 0);
        for _ in 0..root.depth {
            let inner = &self.inners[node as usize];
            let last = inner.len as usize - 1;
            let child = inner.last[..last].partition_point(|&l| l < time);
            rows += inner.rows[..child].iter().sum::<u64>();
            node = inner.children[child];
        }
        let leaf = &self.leaves[node as usize];
        rows + (0..leaf.len as usize).take_while(|&row| self.time(leaf, row) < time).count() as u64
    }

    /// The parts that are rows `from..to`.
    pub(super) fn range(&self, root: &Root, from: u64, to: u64, parts: &mut Vec<Part>) {
        if from < to {
            self.range_below(root.node, root.depth, from, to, parts);
        }
    }

    fn range_below(&self, node: u32, depth: u32, from: u64, to: u64, parts: &mut Vec<Part>) {
        if depth == 0 {
            parts.push(Part::Rows { leaf: node, from: from as usize, to: to as usize });
            return;
        }
        let inner = &self.inners[node as usize];
        let mut start = 0;
        for child in 0..inner.len as usize {
            let end = start + inner.rows[child];
            if start >= to {
                break;
            }
            if end > from {
                if from <= start && end <= to {
                    match parts.last_mut() {
                        Some(Part::Children { inner, to, .. }) if *inner == node && *to == child => *to += 1,
                        _ => parts.push(Part::Children { inner: node, from: child, to: child + 1 }),
                    }
                } else {
                    let (a, b) = (from.max(start) - start, to.min(end) - start);
                    self.range_below(inner.children[child], depth - 1, a, b, parts);
                }
            }
            start = end;
        }
    }

    /// The record of row `index`.
    pub(super) fn row(&self, root: &Root, mut index: u64) -> &[u64] {
        let mut node = root.node;
        for _ in 0..root.depth {
            let inner = &self.inners[node as usize];
            let mut child = 0;
            while index >= inner.rows[child] {
                index -= inner.rows[child];
                child += 1;
            }
            node = inner.children[child];
        }
        self.record(node, index as usize)
    }

    /// Calls `f` with every record of a range of rows.
    pub(super) fn for_each<'a>(&'a self, root: &Root, from: u64, to: u64, f: &mut impl FnMut(&'a [u64])) {
        if from < to {
            self.for_each_below(root.node, root.depth, from, to, f);
        }
    }

    fn for_each_below<'a>(&'a self, node: u32, depth: u32, from: u64, to: u64, f: &mut impl FnMut(&'a [u64])) {
        if depth == 0 {
            (from..to).for_each(|row| f(self.record(node, row as usize)));
            return;
        }
        let (inner, mut start) = (&self.inners[node as usize], 0);
        for child in 0..inner.len as usize {
            let end = start + inner.rows[child];
            if from.max(start) < to.min(end) {
                let (a, b) = (from.max(start) - start, to.min(end) - start);
                self.for_each_below(inner.children[child], depth - 1, a, b, f);
            }
            start = end;
        }
    }

    /// The time of the last row.
    pub(super) fn last_time(&self, root: &Root) -> Option<i64> {
        let mut node = root.node;
        if root.rows == 0 {
            return None;
        }
        for _ in 0..root.depth {
            let inner = &self.inners[node as usize];
            node = inner.children[inner.len as usize - 1];
        }
        let leaf = &self.leaves[node as usize];
        Some(self.time(leaf, leaf.len as usize - 1))
    }

    /// Rows of the first leaf, and the time of its last.
    pub(super) fn first_leaf(&self, root: &Root) -> (u64, i64) {
        let mut node = root.node;
        for _ in 0..root.depth {
            node = self.inners[node as usize].children[0];
        }
        let leaf = &self.leaves[node as usize];
        (u64::from(leaf.len), self.time(leaf, leaf.len as usize - 1))
    }

    /// Forgets the first leaf.
    pub(super) fn drop_first_leaf(&mut self, root: &mut Root) {
        let (rows, _) = self.first_leaf(root);
        root.rows -= rows;
        if self.drop_first_below(root.node, root.depth) {
            *root = Root::default();
            return;
        }
        while root.depth > 0 && self.inners[root.node as usize].len == 1 {
            self.free_inners.push(root.node);
            (root.node, root.depth) = (self.inners[root.node as usize].children[0], root.depth - 1);
        }
    }

    /// Whether the node is empty, and gone, then.
    fn drop_first_below(&mut self, node: u32, depth: u32) -> bool {
        if depth == 0 {
            self.free_bytes(node, self.leaves[node as usize].len as usize);
            let leaf = self.leaves[node as usize];
            self.free_block(&leaf);
            self.free_leaves.push(node);
            return true;
        }
        let first = self.inners[node as usize].children[0];
        if !self.drop_first_below(first, depth - 1) {
            self.set_child(node, 0, first, depth - 1);
            return false;
        }
        let inner = &mut self.inners[node as usize];
        let len = inner.len as usize;
        if len == 1 {
            self.free_inners.push(node);
            return true;
        }
        inner.children.copy_within(1..len, 0);
        inner.rows.copy_within(1..len, 0);
        inner.last.copy_within(1..len, 0);
        inner.len -= 1;
        let (from, to) = (self.entry(node, 1), self.entry(node, 0));
        self.inner_words.copy_within(from..from + (len - 1) * self.width, to);
        false
    }

    /// Forgets the first rows of a tree that is one leaf.
    pub(super) fn drop_first_rows(&mut self, root: &mut Root, count: u64) {
        debug_assert!(root.depth == 0 && count < root.rows);
        let leaf = self.leaves[root.node as usize];
        self.free_bytes(root.node, count as usize);
        self.copy_rows(leaf.base, count as usize, leaf.base, 0, leaf.len as usize - count as usize);
        self.leaves[root.node as usize].len -= count as u8;
        root.rows -= count;
    }

    /// Whether the tree is one leaf that has no room.
    pub(super) fn is_full_leaf(&self, root: &Root) -> bool {
        root.depth == 0 && root.rows as usize == LEAF_MAX
    }

    fn free_bytes(&mut self, leaf: u32, rows: usize) {
        for row in 0..rows {
            for word in 0..self.byte_words.len() {
                let id = self.record(leaf, row)[self.byte_words[word]];
                self.slab.retire(id);
            }
        }
    }
}

fn join_words<M: Monoid>(monoid: &M, words: &mut [u64], record: &[u64]) {
    let value = M::write(monoid.join(M::read(words), monoid.value(record)));
    words[..value.as_ref().len()].copy_from_slice(value.as_ref());
}

fn join_front<M: Monoid>(monoid: &M, before: &[u64], value: &mut [u64]) {
    let joined = M::write(monoid.join(M::read(before), M::read(value)));
    value[..joined.as_ref().len()].copy_from_slice(joined.as_ref());
}

impl Kind {
    /// Words of its partial in a tree.
    pub(super) fn tree_width(&self) -> usize {
        match self {
            Self::Count { .. } | Self::SumInt { .. } | Self::Extreme { .. } => 1,
            Self::SumFloat { .. } | Self::SumSingle { .. } => 2,
            _ => 3,
        }
    }

    /// Whether the order of the rows does not matter.
    fn commutes(&self) -> bool {
        !matches!(self, Self::First { .. } | Self::Last { .. } | Self::Keep { .. } | Self::ExtremeAt { .. })
    }
}

impl Monoid for Count {
    type Value = u64;
    type Words = [u64; 1];
    fn identity(&self) -> u64 {
        0
    }
    #[inline]
    fn value(&self, record: &[u64]) -> u64 {
        u64::from(counts(record, self.bit))
    }
    #[inline]
    fn join(&self, a: u64, b: u64) -> u64 {
        a + b
    }
    #[inline]
    fn read(words: &[u64]) -> u64 {
        words[0]
    }
    #[inline]
    fn write(value: u64) -> [u64; 1] {
        [value]
    }
}

impl Monoid for SumInt {
    type Value = u64;
    type Words = [u64; 1];
    fn identity(&self) -> u64 {
        0
    }
    #[inline]
    fn value(&self, record: &[u64]) -> u64 {
        if counts(record, self.bit) { record[self.word] } else { 0 }
    }
    #[inline]
    fn join(&self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
    #[inline]
    fn read(words: &[u64]) -> u64 {
        words[0]
    }
    #[inline]
    fn write(value: u64) -> [u64; 1] {
        [value]
    }
}

impl Monoid for SumWide {
    type Value = Wide192;
    type Words = [u64; 3];
    fn identity(&self) -> Wide192 {
        Wide192 { low: 0, carry: 0 }
    }
    #[inline]
    fn value(&self, record: &[u64]) -> Wide192 {
        let low = if counts(record, self.bit) { super::store::wide(record, self.word) } else { 0 };
        Wide192 { low, carry: 0 }
    }
    #[inline]
    fn join(&self, a: Wide192, b: Wide192) -> Wide192 {
        let sum = a.add(b.low);
        Wide192 { carry: sum.carry + b.carry, ..sum }
    }
    #[inline]
    fn read(words: &[u64]) -> Wide192 {
        Wide192::read(words)
    }
    #[inline]
    fn write(value: Wide192) -> [u64; 3] {
        [value.low as u64, (value.low >> 64) as u64, value.carry as u64]
    }
}

/// A sum of DOUBLEs with its rounding error (Knuth's two-sum), so that the shape of a tree does not show in the result.
pub(super) struct Exact(SumFloat);

#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

impl Exact {
    /// The sum as one DOUBLE.
    pub(super) fn total(words: &[u64]) -> f64 {
        let (sum, error) = (f64::from_bits(words[0]), f64::from_bits(words[1]));
        // Past infinity the error is not a number, and without one -0.0 stays.
        if error == 0.0 || error.is_nan() { sum } else { sum + error }
    }
}

impl Monoid for Exact {
    type Value = (f64, f64);
    type Words = [u64; 2];
    fn identity(&self) -> (f64, f64) {
        (-0.0, 0.0)
    }
    #[inline]
    fn value(&self, record: &[u64]) -> (f64, f64) {
        (self.0.value(record), 0.0)
    }
    #[inline]
    fn join(&self, a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
        let (sum, error) = two_sum(a.0, b.0);
        let error = error + a.1 + b.1;
        if error == 0.0 || !error.is_finite() {
            return (sum, error);
        }
        two_sum(sum, error)
    }
    #[inline]
    fn read(words: &[u64]) -> (f64, f64) {
        (f64::from_bits(words[0]), f64::from_bits(words[1]))
    }
    #[inline]
    fn write(value: (f64, f64)) -> [u64; 2] {
        [value.0.to_bits(), value.1.to_bits()]
    }
}

/// One of the values, as `[present, low, high]`.
struct Chosen<'a> {
    bit: usize,
    value: Place,
    rule: Rule,
    slab: &'a Slab,
}

impl Monoid for Chosen<'_> {
    type Value = [u64; 3];
    type Words = [u64; 3];
    fn identity(&self) -> [u64; 3] {
        [0; 3]
    }
    fn value(&self, record: &[u64]) -> [u64; 3] {
        if counts(record, self.bit) { self.value.take(record) } else { [0; 3] }
    }
    fn join(&self, a: [u64; 3], b: [u64; 3]) -> [u64; 3] {
        let later = match (a[0], b[0], self.rule) {
            (0, _, _) => true,
            (_, 0, _) | (_, _, Rule::First) => false,
            (_, _, Rule::Last) => true,
            (_, _, Rule::Least) => self.value.compare(self.slab, b, a).is_lt(),
            (_, _, Rule::Greatest) => self.value.compare(self.slab, b, a).is_gt(),
        };
        if later { b } else { a }
    }
    fn read(words: &[u64]) -> [u64; 3] {
        [words[0], words[1], words[2]]
    }
    fn write(value: [u64; 3]) -> [u64; 3] {
        value
    }
}
