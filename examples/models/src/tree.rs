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
