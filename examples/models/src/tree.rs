//! Trees as flat arrays of nodes.

/// Where rows go whose value is missing at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// NaN counts as 0; nothing is missing.
    None,
    /// 0 and NaN are missing.
    Zero,
    /// NaN is missing.
    Nan,
}

/// What a node asks.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// The value is compared with this; a leaf's value.
    pub threshold: f64,
    pub feature: u32,
    /// Nodes of the same tree, counted over all trees; both 0 in a leaf.
    pub left: u32,
    pub right: u32,
    pub missing: Missing,
    pub default_left: bool,
    /// Not a threshold: the bit set of categories that go left (LightGBM).
    pub categories: Option<u32>,
}

impl Node {
    pub fn leaf(value: f64) -> Self {
        Self {
            threshold: value,
            feature: 0,
            left: 0,
            right: 0,
            missing: Missing::Nan,
            default_left: false,
            categories: None,
        }
    }
    pub fn is_leaf(&self) -> bool {
        self.left == 0
    }
}

/// Checks that every tree is one: children lie behind their parents or before, but each is reached once.
///
/// # Errors
/// What is wrong, for the user.
pub fn check(nodes: &[Node], roots: &[u32], features: usize) -> Result<(), String> {
    let mut reached = vec![false; nodes.len()];
    for (number, &root) in roots.iter().enumerate() {
        let mut stack = vec![root];
        while let Some(at) = stack.pop() {
            let broken = |what: &str| format!("tree {number} of the artifact {what}");
            let Some(node) = nodes.get(at as usize) else { return Err(broken("has a child that is no node")) };
            if std::mem::replace(&mut reached[at as usize], true) {
                return Err(broken("has a node with two parents"));
            }
            if node.is_leaf() {
                if !node.threshold.is_finite() {
                    return Err(broken("has a leaf that is no number"));
                }
                continue;
            }
            if node.feature as usize >= features {
                return Err(broken(&format!("splits by feature {} of {features}", node.feature)));
            }
            stack.extend([node.left, node.right]);
        }
    }
    Ok(())
}

/// Trees as they are walked: a few at a time, always to their full depth, so that nothing depends on which way a row goes.
#[derive(Debug, Default)]
pub struct Forest {
    steps: Vec<Step>,
    /// Of the steps that are leaves.
    values: Vec<f64>,
    trees: Vec<(u32, u32)>,
}

/// Where a row goes that is below the threshold, or else; a leaf leads to itself.
#[derive(Clone, Copy, Debug)]
struct Step {
    threshold: f64,
    feature: u32,
    /// For NaN: 0 or 1 into `next`.
    missing: u32,
    next: [u32; 2],
}

/// Trees that are walked together.
const TOGETHER: usize = 8;

impl Forest {
    /// The same trees; `None` where a node asks for more than whether a value is below a threshold.
    pub fn new(nodes: &[Node], roots: &[u32], or_equal: bool) -> Option<Self> {
        let mut forest = Self::default();
        for (i, node) in nodes.iter().enumerate() {
            forest.values.push(if node.is_leaf() { node.threshold } else { 0.0 });
            if node.is_leaf() {
                forest.steps.push(Step { threshold: 0.0, feature: 0, missing: 0, next: [i as u32; 2] });
                continue;
            }
            // `x <= t` is `x < the next number above t`.
            let threshold = if or_equal { node.threshold.next_up() } else { node.threshold };
            let default_left = match node.missing {
                Missing::Nan => node.default_left,
                Missing::None => 0.0 < threshold,
                Missing::Zero => return None,
            };
            if node.categories.is_some() || !threshold.is_finite() {
                return None;
            }
            let next = [node.left, node.right];
            forest.steps.push(Step { threshold, feature: node.feature, missing: u32::from(!default_left), next });
        }
        forest.trees = roots.iter().map(|&root| (root, depth(nodes, root))).collect();
        Some(forest)
    }

    /// Calls `with` with the leaf's value of each tree, in their order.
    pub fn leaves(&self, row: &[f64], mut with: impl FnMut(f64)) {
        for trees in self.trees.chunks(TOGETHER) {
            let mut at = [0u32; TOGETHER];
            let mut deepest = 0;
            for (at, (root, depth)) in at.iter_mut().zip(trees) {
                *at = *root;
                deepest = deepest.max(*depth);
            }
            for _ in 0..deepest {
                for at in &mut at {
                    let step = &self.steps[*at as usize];
                    let value = row[step.feature as usize];
                    let right = if value.is_nan() { step.missing } else { u32::from(value >= step.threshold) };
                    *at = step.next[right as usize];
                }
            }
            at.iter().take(trees.len()).for_each(|&leaf| with(self.values[leaf as usize]));
        }
    }
}

fn depth(nodes: &[Node], root: u32) -> u32 {
    let (mut deepest, mut stack) = (0, vec![(root, 0)]);
    while let Some((at, depth)) = stack.pop() {
        deepest = deepest.max(depth);
        let node = &nodes[at as usize];
        if !node.is_leaf() {
            stack.extend([(node.left, depth + 1), (node.right, depth + 1)]);
        }
    }
    deepest
}
