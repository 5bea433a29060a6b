//! Rows out of the front of a tree.

use super::{Root, Trees};

impl Trees {
    /// Forgets the first leaf.
    pub(in crate::operators::over) fn drop_first_leaf(&mut self, root: &mut Root) {
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
    pub(in crate::operators::over) fn drop_first_rows(&mut self, root: &mut Root, count: u64) {
        debug_assert!(root.depth == 0 && count < root.rows);
        let leaf = self.leaves[root.node as usize];
        self.free_bytes(root.node, count as usize);
        self.copy_rows(leaf.base, count as usize, leaf.base, 0, leaf.len as usize - count as usize);
        self.leaves[root.node as usize].len -= count as u8;
        root.rows -= count;
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
