//! `MinMaxScaler | HalfSpaceTrees`: anomaly scores by random trees over the features' ranges, which count the rows of one window
//! while the counts of the window before give the scores (Tan, Ting and Liu 2011).

use crate::bytes::{Reader, Unreadable, Writer};
use crate::options::Options;
use crate::random::Random;
use crate::scale::MinMaxScaler;

const VERSION: u8 = 1;
/// A split stays away from the ends of its range by this part of it.
const PADDING: f64 = 0.15;
const NODES_MAX: u64 = 1 << 22;

/// One node; the left child of an inner node lies behind it, the right one behind the left subtree.
#[derive(Clone, Copy)]
struct Node {
    feature: u32,
    threshold: f64,
    /// Rows of the window before, by which rows are scored.
    reference: u64,
    /// Rows of this window.
    latest: u64,
}

pub struct HalfSpaceTrees {
    trees: usize,
    height: u32,
    window: u64,
    seed: u64,
    scales: bool,
    scaler: MinMaxScaler,
    /// The trees one behind the other; empty until the first row is learnt from.
    nodes: Vec<Node>,
    rows: u64,
    scores: bool,
    scaled: Vec<f64>,
}

impl HalfSpaceTrees {
    /// Options: `trees`, `height`, `window`, `seed`, and `scaler` (`minmax`, or `none` for features that lie from 0 to 1).
    pub fn new(artifact: &[u8]) -> Result<Self, String> {
        let mut options = Options::parse(artifact)?;
        let model = Self {
            trees: options.take("trees", 10)?,
            height: options.take("height", 8)?,
            window: options.take("window", 250)?,
            seed: options.take("seed", 42)?,
            scales: options.choose("scaler", &[("minmax", true), ("none", false)])?,
            scaler: MinMaxScaler::default(),
            nodes: Vec::new(),
            rows: 0,
            scores: false,
            scaled: Vec::new(),
        };
        options.end()?;
        let nodes = (model.trees as u64).checked_mul((2u64 << model.height.min(40)) - 1);
        if model.window == 0 || model.trees == 0 || nodes.is_none_or(|nodes| nodes > NODES_MAX) {
            return Err(format!("there must be a tree and a window of rows, and at most {NODES_MAX} nodes"));
        }
        Ok(model)
    }

    /// From 0 to 1, the higher the stranger; 0 throughout the first window.
    pub fn score(&mut self, row: &[f64]) -> f64 {
        if !self.scores {
            return 0.0;
        }
        self.scale(row);
        let mut sum = 0.0;
        for tree in self.nodes.chunks_exact(self.tree_nodes()) {
            sum += self.score_by(tree);
        }
        1.0 - sum / (self.trees as f64 * self.window as f64 * self.tree_nodes() as f64)
    }

    fn score_by(&self, tree: &[Node]) -> f64 {
        let enough = 0.1 * self.window as f64;
        let (mut at, mut weight, mut score) = (0, 1.0, 0.0);
        for level in 0..self.height {
            let rows = tree[at].reference as f64;
            score += rows * weight;
            if rows < enough {
                return score;
            }
            at = self.child(tree, at, level);
            weight *= 2.0;
        }
        score + tree[at].reference as f64 * weight
    }

    pub fn learn(&mut self, row: &[f64]) {
        if self.scales {
            self.scaler.learn(row);
        }
        self.scale(row);
        if self.nodes.is_empty() {
            let mut random = Random::new(self.seed);
            for _ in 0..self.trees {
                let mut ranges = vec![(0.0, 1.0); row.len()];
                grow(&mut self.nodes, &mut ranges, self.height, &mut random);
            }
        }
        let size = self.tree_nodes();
        let mut nodes = std::mem::take(&mut self.nodes);
        for tree in nodes.chunks_exact_mut(size) {
            let mut at = 0;
            for level in 0..self.height {
                tree[at].latest += 1;
                at = self.child(tree, at, level);
            }
            tree[at].latest += 1;
        }
        self.rows += 1;
        if self.rows == self.window {
            for node in &mut nodes {
                (node.reference, node.latest) = (node.latest, 0);
            }
            (self.scores, self.rows) = (true, 0);
        }
        self.nodes = nodes;
    }

    /// Where the scaled row goes on from the inner node at `at`, which is `level` levels below the root.
    fn child(&self, tree: &[Node], at: usize, level: u32) -> usize {
        let node = &tree[at];
        if self.scaled[node.feature as usize] < node.threshold { at + 1 } else { at + (1 << (self.height - level)) }
    }

    fn tree_nodes(&self) -> usize {
        (2 << self.height) - 1
    }

    fn scale(&mut self, row: &[f64]) {
        if self.scales {
            self.scaler.scale(row, &mut self.scaled);
        } else {
            self.scaled.clear();
            self.scaled.extend_from_slice(row);
        }
    }

    pub fn snapshot(&self) -> Vec<u8> {
        let mut to = Writer::new(VERSION);
        self.scaler.save(&mut to);
        to.u64(self.rows).bool(self.scores).u64(self.nodes.len() as u64);
        for node in &self.nodes {
            to.u64(u64::from(node.feature)).f64(node.threshold).u64(node.reference).u64(node.latest);
        }
        to.done()
    }
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let mut from = Reader::new(bytes, VERSION)?;
        self.scaler = MinMaxScaler::load(&mut from)?;
        (self.rows, self.scores) = (from.u64()?, from.bool()?);
        let count = from.count()?;
        self.nodes = (0..count)
            .map(|_| {
                let feature = from.u64()? as u32;
                Ok(Node { feature, threshold: from.f64()?, reference: from.u64()?, latest: from.u64()? })
            })
            .collect::<Result<_, Unreadable>>()?;
        if !self.nodes.is_empty() && self.nodes.len() != self.trees * self.tree_nodes() {
            return Err("the snapshot is of trees of other options".to_owned());
        }
        from.end()
    }
}

/// Adds a tree over `ranges`: a feature by the width of its range, a split somewhere inside it, left before right.
fn grow(nodes: &mut Vec<Node>, ranges: &mut [(f64, f64)], height: u32, random: &mut Random) {
    let at = nodes.len();
    nodes.push(Node { feature: 0, threshold: 0.0, reference: 0, latest: 0 });
    if height == 0 {
        return;
    }
    let feature = random.choice(ranges.iter().map(|(from, to)| to - from));
    let (from, to) = ranges[feature];
    let threshold = random.uniform(from + PADDING * (to - from), to - PADDING * (to - from));
    (nodes[at].feature, nodes[at].threshold) = (feature as u32, threshold);
    ranges[feature] = (from, threshold);
    grow(nodes, ranges, height - 1, random);
    ranges[feature] = (threshold, to);
    grow(nodes, ranges, height - 1, random);
    ranges[feature] = (from, to);
}
