//! `HoeffdingTreeClassifier`: a decision tree that splits a leaf when the rows in it are enough to know the best split
//! (Hulten, Spencer and Domingos 2001), with information gain, and a Gaussian of each feature by class in each leaf.
//!
//! River's limit on a tree's memory, which counts the bytes of Python's objects, is not here.

mod erf;
mod gaussian;
mod leaf;
mod node;

use crate::bytes::{Reader, Unreadable, Writer};
use crate::options::Options;
use leaf::Leaf;
use node::Node;

const VERSION: u8 = 1;

/// How a leaf predicts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Prediction {
    /// What most rows were.
    MajorityClass,
    /// By the features' Gaussians.
    NaiveBayes,
    /// The one of both that was right more often in the leaf.
    Adaptive,
}

struct Settings {
    grace_period: f64,
    delta: f64,
    tau: f64,
    prediction: Prediction,
    naive_bayes_rows: f64,
    depth_max: u64,
    /// Two branches need at least this part of the rows.
    branch_min: f64,
    /// A leaf in which one class has a larger part is not split.
    share_max: f64,
}

pub struct HoeffdingTree {
    settings: Settings,
    root: Option<Node>,
    features: usize,
}

impl HoeffdingTree {
    /// Options: `leaf_prediction` (`nba`, `nb` or `mc`), `grace_period`, `delta`, `tau`, `nb_threshold`, `max_depth`,
    /// `min_branch_fraction`, `max_share_to_split`.
    pub fn new(artifact: &[u8]) -> Result<Self, String> {
        let mut options = Options::parse(artifact)?;
        let predictions =
            [("nba", Prediction::Adaptive), ("nb", Prediction::NaiveBayes), ("mc", Prediction::MajorityClass)];
        let settings = Settings {
            grace_period: options.take("grace_period", 200.0)?,
            delta: options.take("delta", 1e-7)?,
            tau: options.take("tau", 0.05)?,
            prediction: options.choose("leaf_prediction", &predictions)?,
            naive_bayes_rows: options.take("nb_threshold", 0.0)?,
            depth_max: options.take("max_depth", 980)?,
            branch_min: options.take("min_branch_fraction", 0.01)?,
            share_max: options.take("max_share_to_split", 0.99)?,
        };
        options.end()?;
        if settings.depth_max > 1000 {
            return Err("option 'max_depth' is at most 1000".to_owned());
        }
        Ok(Self { settings, root: None, features: 0 })
    }

    /// The most probable class and its probability; `None` before anything was learnt.
    pub fn predict(&self, row: &[f64]) -> Option<(i64, f64)> {
        let votes = self.root.as_ref()?.leaf(row).votes(row, &self.settings);
        let mut best: Option<(i64, f64)> = None;
        for (class, probability) in votes {
            // The lowest class where several are most probable.
            let better =
                |(known, highest): (i64, f64)| probability > highest || (probability == highest && class < known);
            if best.is_none_or(better) {
                best = Some((class, probability));
            }
        }
        best
    }

    pub fn learn(&mut self, row: &[f64], class: i64) {
        self.features = row.len();
        let root = self.root.get_or_insert_with(|| Node::Leaf(Leaf::new(Vec::new(), 0)));
        if root.learn(row, class, &self.settings) {
            root.wake(self.settings.depth_max);
        }
    }

    /// Inner nodes and leaves.
    pub fn nodes(&self) -> usize {
        self.root.as_ref().map_or(0, Node::count)
    }

    pub fn snapshot(&self) -> Vec<u8> {
        let mut to = Writer::new(VERSION);
        to.u64(self.features as u64).bool(self.root.is_some());
        if let Some(root) = &self.root {
            root.save(&mut to);
        }
        to.done()
    }
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let mut from = Reader::new(bytes, VERSION)?;
        self.features = from.u64()? as usize;
        self.root = if from.bool()? { Some(Node::load(&mut from, self.features, 0)?) } else { None };
        from.end()
    }
}
