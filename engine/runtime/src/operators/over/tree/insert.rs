//! Rows into a tree.

use super::{INNER_MAX, LEAF_MAX, Leaf, Part, Root, Trees};

impl Trees {
    /// Puts a record behind all of its time or earlier, and gives the number of rows before it.
    pub(in crate::operators::over) fn insert(&mut self, root: &mut Root, record: &[u64]) -> u64 {
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

    pub(super) fn copy_rows(&mut self, from: u32, first: usize, to: u32, at: usize, count: usize) {
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
    pub(super) fn set_child(&mut self, node: u32, at: usize, child: u32, depth: u32) {
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
}
