//! An isolation forest: `{"features": n, "max_samples": m, "trees": [{"left": […], "right": […], "feature": […], "threshold": […],
//! "samples": […]}]}`, as `export.py` writes it from scikit-learn. The score is between 0 and 1, higher where a row is easier to
//! isolate: scikit-learn's `-score_samples`.

use serde::Deserialize;

use crate::tree::{Forest, Missing, Node, check};

#[derive(Deserialize)]
struct File {
    features: usize,
    max_samples: u64,
    trees: Vec<FileTree>,
}

#[derive(Deserialize)]
struct FileTree {
    /// -1 in leaves.
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    samples: Vec<u64>,
}

/// See the module.
#[derive(Debug)]
pub struct IForest {
    features: usize,
    trees: usize,
    /// A leaf's value is how deep a row is there, with what its samples would add.
    forest: Forest,
    row: Vec<f64>,
    /// The depth of a tree of `max_samples` rows, on average.
    depth: f64,
}

impl IForest {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(artifact: &[u8]) -> Result<Self, String> {
        let file: File = crate::json(artifact, "an isolation forest")?;
        if file.trees.is_empty() || file.max_samples < 2 {
            return Err("the artifact has no trees, or trees of less than two rows".into());
        }
        let (mut nodes, mut roots) = (Vec::new(), Vec::new());
        for (number, tree) in file.trees.iter().enumerate() {
            let broken = |what: &str| format!("tree {number} of the artifact {what}");
            let count = tree.left.len();
            let lengths = [tree.right.len(), tree.feature.len(), tree.threshold.len(), tree.samples.len()];
            if count == 0 || lengths != [count; 4] {
                return Err(broken("has lists of different lengths"));
            }
            let first = nodes.len() as u32;
            roots.push(first);
            for i in 0..count {
                if tree.left[i] < 0 {
                    nodes.push(Node::leaf(average_depth(tree.samples[i])));
                    continue;
                }
                let child = |at: i64| match u32::try_from(at) {
                    Ok(at) if at > 0 && (at as usize) < count => Ok(first + at),
                    _ => Err(broken("has a child that is no node")),
                };
                nodes.push(Node {
                    threshold: tree.threshold[i],
                    feature: u32::try_from(tree.feature[i]).map_err(|_| broken("splits by no feature"))?,
                    left: child(tree.left[i])?,
                    right: child(tree.right[i])?,
                    missing: Missing::None,
                    default_left: false,
                    categories: None,
                });
            }
        }
        check(&nodes, &roots, file.features)?;
        roots.iter().for_each(|&root| add_depths(&mut nodes, root));
        let forest = Forest::new(&nodes, &roots, true).ok_or("the artifact has a threshold that is no number")?;
        let depth = average_depth(file.max_samples);
        Ok(Self { features: file.features, trees: roots.len(), forest, row: Vec::new(), depth })
    }

    /// The score of a row.
    pub fn score(&mut self, row: &[f64]) -> f64 {
        // scikit-learn's trees compare values of single precision.
        self.row.clear();
        self.row.extend(row.iter().map(|&value| f64::from(value as f32)));
        let mut depths = 0.0;
        self.forest.leaves(&self.row, |depth| depths += depth);
        2f64.powf(-depths / (self.trees as f64 * self.depth))
    }
}

/// Adds to each leaf how deep it is.
fn add_depths(nodes: &mut [Node], root: u32) {
    let mut stack = vec![(root, 0.0)];
    while let Some((at, depth)) = stack.pop() {
        let node = &mut nodes[at as usize];
        match node.is_leaf() {
            true => node.threshold += depth,
            false => stack.extend([(node.left, depth + 1.0), (node.right, depth + 1.0)]),
        }
    }
}

/// How deep an unsuccessful search in a binary tree of so many rows ends, on average (Liu, Ting, Zhou: "Isolation Forest", 2008).
fn average_depth(rows: u64) -> f64 {
    const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        n => {
            let n = n as f64;
            2.0 * ((n - 1.0).ln() + EULER_GAMMA) - 2.0 * (n - 1.0) / n
        }
    }
}

#[wasmill::model(name = "iforest", score)]
impl IForest {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        Self::read(artifact)
    }
    fn inputs(&self) -> usize {
        self.features
    }
    fn predict(&mut self, inputs: &[f64]) -> f64 {
        self.score(inputs)
    }
}
