//! Gradient-boosted trees, from the files of XGBoost and LightGBM as they are.

use crate::tree::{Forest, Missing, Node};
use crate::{lightgbm, sigmoid, xgboost};

/// What the sum of the leaves becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    Identity,
    /// The logistic function of the sum times this.
    Sigmoid(f64),
    Exp,
}

/// See the module.
#[derive(Debug)]
pub struct Gbt {
    pub nodes: Vec<Node>,
    pub roots: Vec<u32>,
    pub categories: Vec<Vec<u32>>,
    pub features: usize,
    /// Added to the sum.
    pub base: f64,
    /// The sum is divided by the number of trees.
    pub averages: bool,
    pub link: Link,
    /// XGBoost: values, thresholds and sums are single precision, and a value equal to the threshold goes right.
    pub single: bool,
    row: Vec<f64>,
    /// The trees, where they can be walked together.
    forest: Option<Forest>,
}

impl Gbt {
    /// Without trees.
    pub fn new(features: usize, link: Link, single: bool) -> Self {
        Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            categories: Vec::new(),
            features,
            base: 0.0,
            averages: false,
            link,
            single,
            row: Vec::new(),
            forest: None,
        }
    }

    /// Reads either file.
    ///
    /// # Errors
    /// What is wrong with it, or what it has that is not supported.
    pub fn read(artifact: &[u8]) -> Result<Self, String> {
        let mut gbt = Self::of(artifact)?;
        gbt.forest = Forest::new(&gbt.nodes, &gbt.roots, !gbt.single);
        Ok(gbt)
    }

    fn of(artifact: &[u8]) -> Result<Self, String> {
        match artifact.iter().find(|b| !b.is_ascii_whitespace()) {
            None => Err("the artifact is empty".into()),
            // UBJSON begins with a brace too, but no text comes behind it.
            Some(b'{') if artifact.get(1).is_some_and(|b| !b.is_ascii_whitespace() && *b != b'"' && *b != b'}') => {
                Err(binary("XGBoost's UBJSON"))
            }
            Some(b'{') => xgboost::read(artifact),
            Some(_) if artifact.starts_with(b"tree\n") || artifact.starts_with(b"tree\r\n") => lightgbm::read(artifact),
            Some(b'b') if artifact.starts_with(b"binf") => Err(binary("XGBoost's old binary format")),
            Some(_) => Err("the artifact is neither XGBoost's JSON nor LightGBM's text".into()),
        }
    }

    /// The score of a row; NaN stands for what is missing.
    pub fn score(&self, row: &[f64]) -> f64 {
        let sum = if self.single { self.single_sum(row) } else { self.double_sum(row) };
        let sum = if self.averages { sum / self.roots.len() as f64 } else { sum } + self.base;
        match self.link {
            Link::Identity => sum,
            Link::Sigmoid(factor) => sigmoid(factor * sum),
            Link::Exp => sum.exp(),
        }
    }

    fn single_sum(&self, row: &[f64]) -> f64 {
        let mut sum = 0f32;
        match &self.forest {
            Some(forest) => forest.leaves(row, |value| sum += value as f32),
            None => self.roots.iter().for_each(|&root| sum += self.leaf(root, row) as f32),
        }
        f64::from(sum)
    }

    fn double_sum(&self, row: &[f64]) -> f64 {
        let mut sum = 0.0;
        match &self.forest {
            Some(forest) => forest.leaves(row, |value| sum += value),
            None => self.roots.iter().for_each(|&root| sum += self.leaf(root, row)),
        }
        sum
    }

    /// Walks one tree of LightGBM.
    fn leaf(&self, root: u32, row: &[f64]) -> f64 {
        let mut node = &self.nodes[root as usize];
        while !node.is_leaf() {
            let value = row[node.feature as usize];
            let left = match node.categories {
                Some(set) => self.is_in(set, value),
                None => {
                    // LightGBM takes what is closer to 0 than this for 0.
                    const ZERO: f64 = 1e-35;
                    let number = if value.is_nan() && node.missing != Missing::Nan { 0.0 } else { value };
                    let missing = match node.missing {
                        Missing::None => false,
                        Missing::Zero => number.abs() <= ZERO,
                        Missing::Nan => number.is_nan(),
                    };
                    if missing { node.default_left } else { number <= node.threshold }
                }
            };
            node = &self.nodes[if left { node.left } else { node.right } as usize];
        }
        node.threshold
    }

    /// Whether a category is in a set; NaN and negative numbers are in none.
    fn is_in(&self, set: u32, value: f64) -> bool {
        if value.is_nan() || value < 0.0 {
            return false;
        }
        let category = value as u32;
        let bits = &self.categories[set as usize];
        bits.get(category as usize / 32).is_some_and(|word| word >> (category % 32) & 1 == 1)
    }
}

fn binary(what: &str) -> String {
    format!("the artifact is {what}: save it as JSON, Booster.save_model(\"model.json\")")
}

#[wasmill::model(score)]
impl Gbt {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        Self::read(artifact)
    }

    fn inputs(&self) -> usize {
        self.features
    }

    fn predict(&mut self, inputs: &[Option<f64>]) -> f64 {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        // XGBoost compares in single precision.
        let value = |v: &Option<f64>| v.map_or(f64::NAN, |v| if self.single { f64::from(v as f32) } else { v });
        row.extend(inputs.iter().map(value));
        let score = self.score(&row);
        self.row = row;
        score
    }
}
