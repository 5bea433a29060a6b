//! Where rows stand in a tree, and what they are.

use super::{LEAF_MAX, Part, Root, Trees};

impl Trees {
    /// How many rows are earlier than `time`.
    pub(in crate::operators::over) fn rows_before(&self, root: &Root, time: i64) -> u64 {
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
    pub(in crate::operators::over) fn range(&self, root: &Root, from: u64, to: u64, parts: &mut Vec<Part>) {
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
    pub(in crate::operators::over) fn row(&self, root: &Root, mut index: u64) -> &[u64] {
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
    pub(in crate::operators::over) fn for_each<'a>(
        &'a self,
        root: &Root,
        from: u64,
        to: u64,
        f: &mut impl FnMut(&'a [u64]),
    ) {
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
    pub(in crate::operators::over) fn last_time(&self, root: &Root) -> Option<i64> {
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
    pub(in crate::operators::over) fn first_leaf(&self, root: &Root) -> (u64, i64) {
        let mut node = root.node;
        for _ in 0..root.depth {
            node = self.inners[node as usize].children[0];
        }
        let leaf = &self.leaves[node as usize];
        (u64::from(leaf.len), self.time(leaf, leaf.len as usize - 1))
    }

    /// Whether the tree is one leaf that has no room.
    pub(in crate::operators::over) fn is_full_leaf(&self, root: &Root) -> bool {
        root.depth == 0 && root.rows as usize == LEAF_MAX
    }
}
