//! The tree's nodes, and how a leaf becomes a split.

use super::Settings;
use super::leaf::{Leaf, Verdict};
use crate::bytes::{Reader, Unreadable, Writer};

pub(super) enum Node {
    Leaf(Leaf),
    /// Rows whose feature is at most `threshold` go left.
    Split {
        feature: usize,
        threshold: f64,
        children: Box<[Node; 2]>,
    },
}

impl Node {
    /// The leaf that the row falls into.
    pub fn leaf(&self, row: &[f64]) -> &Leaf {
        let mut node = self;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Split { feature, threshold, children } => {
                    node = &children[usize::from(row[*feature] > *threshold)];
                }
            }
        }
    }

    /// Teaches the leaf that the row falls into, and may split it. Says whether a split was decided on, be it for no split.
    pub fn learn(&mut self, row: &[f64], class: i64, settings: &Settings) -> bool {
        let mut node = self;
        while let Node::Split { feature, threshold, children } = node {
            node = &mut children[usize::from(row[*feature] > *threshold)];
        }
        let Node::Leaf(leaf) = node else { unreachable!("the loop ends at a leaf") };
        leaf.learn(row, class, settings);
        match leaf.verdict(settings) {
            Verdict::Wait => false,
            Verdict::Sleep => {
                leaf.sleep();
                true
            }
            Verdict::Split(split) => {
                let depth = leaf.depth() + 1;
                let children = split.classes.map(|classes| Node::Leaf(Leaf::new(classes, depth)));
                *node =
                    Node::Split { feature: split.feature, threshold: split.threshold, children: Box::new(children) };
                true
            }
        }
    }

    /// Leaves that slept observe their features anew: as River's memory management has it after each decision.
    pub fn wake(&mut self, depth_max: u64) {
        match self {
            Node::Leaf(leaf) => leaf.wake(depth_max),
            Node::Split { children, .. } => children.iter_mut().for_each(|child| child.wake(depth_max)),
        }
    }

    pub fn count(&self) -> usize {
        match self {
            Node::Leaf(_) => 1,
            Node::Split { children, .. } => 1 + children.iter().map(Node::count).sum::<usize>(),
        }
    }

    pub fn save(&self, to: &mut Writer) {
        match self {
            Node::Leaf(leaf) => leaf.save(to.bool(false)),
            Node::Split { feature, threshold, children } => {
                to.bool(true).u64(*feature as u64).f64(*threshold);
                children.iter().for_each(|child| child.save(to));
            }
        }
    }
    pub fn load(from: &mut Reader, features: usize, depth: u64) -> Result<Self, Unreadable> {
        if !from.bool()? {
            return Ok(Node::Leaf(Leaf::load(from, features, depth)?));
        }
        let (feature, threshold) = (from.u64()? as usize, from.f64()?);
        if feature >= features || depth > 1000 {
            return Err("the snapshot has a split of a feature that there is not".to_owned());
        }
        let children = [Self::load(from, features, depth + 1)?, Self::load(from, features, depth + 1)?];
        Ok(Node::Split { feature, threshold, children: Box::new(children) })
    }
}
