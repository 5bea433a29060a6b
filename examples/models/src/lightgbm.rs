//! LightGBM's text (`Booster.save_model("model.txt")`, version 3 and 4).

use std::collections::HashMap;

use crate::gbt::{Gbt, Link};
use crate::tree::{Missing, Node, check};

/// `key=value` lines of a part of the file.
struct Part<'a> {
    what: String,
    lines: HashMap<&'a str, &'a str>,
}

impl<'a> Part<'a> {
    fn text(&self, key: &str) -> Result<&'a str, String> {
        self.lines
            .get(key)
            .copied()
            .ok_or_else(|| format!("{} has no '{key}': the artifact is cut off or damaged", self.what))
    }
    fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, String> {
        let text = self.text(key)?;
        text.parse().map_err(|_| format!("{} has {key}={text}", self.what))
    }
    fn list<T: std::str::FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>, String> {
        let text = self.text(key)?;
        let values: Option<Vec<T>> = text.split_ascii_whitespace().map(|v| v.parse().ok()).collect();
        match values {
            Some(values) if values.len() == count => Ok(values),
            Some(values) => Err(format!("{} has {} values of '{key}', {count} are needed", self.what, values.len())),
            None => Err(format!("{} has '{key}' that are no numbers", self.what)),
        }
    }
}

/// Reads the file.
///
/// # Errors
/// What is wrong with it, or what it has that is not supported.
pub fn read(artifact: &[u8]) -> Result<Gbt, String> {
    let text = std::str::from_utf8(artifact).map_err(|_| "the artifact is no text".to_owned())?;
    let mut header = Part { what: "the header".into(), lines: HashMap::new() };
    let mut trees: Vec<Part> = Vec::new();
    let mut ended = false;
    for line in text.lines().map(str::trim_end) {
        if line == "end of trees" {
            ended = true;
            break;
        }
        if let Some(number) = line.strip_prefix("Tree=") {
            trees.push(Part { what: format!("tree {number}"), lines: HashMap::new() });
            continue;
        }
        let part = trees.last_mut().unwrap_or(&mut header);
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        part.lines.insert(key, value);
    }
    if !ended {
        return Err("the artifact is cut off: it does not come to 'end of trees'".into());
    }
    match header.text("version")? {
        "v2" | "v3" | "v4" => {}
        other => return Err(format!("version {other} of LightGBM's format is not supported, v2 to v4 are")),
    }
    if header.number::<u32>("num_class")? != 1 || header.number::<u32>("num_tree_per_iteration")? != 1 {
        return Err("models of several classes are not supported".into());
    }
    let features = header.number::<usize>("max_feature_idx")? + 1;
    let mut gbt = Gbt::new(features, link(header.text("objective").unwrap_or("regression"))?, false);
    gbt.averages = header.lines.contains_key("average_output");
    for tree in &trees {
        add(&mut gbt, tree)?;
    }
    check(&gbt.nodes, &gbt.roots, features)?;
    Ok(gbt)
}

fn link(objective: &str) -> Result<Link, String> {
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or("");
    let sigmoid = words.find_map(|w| w.strip_prefix("sigmoid:")).map_or(Ok(1.0), str::parse::<f64>);
    Ok(match name {
        "binary" => Link::Sigmoid(sigmoid.map_err(|_| format!("the objective '{objective}' has no sigmoid"))?),
        "cross_entropy" => Link::Sigmoid(1.0),
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg"
            if !objective.contains("sqrt") =>
        {
            Link::Identity
        }
        "poisson" | "gamma" | "tweedie" => Link::Exp,
        _ => return Err(format!("the objective '{objective}' is not supported")),
    })
}

fn add(gbt: &mut Gbt, tree: &Part) -> Result<(), String> {
    let leaves = tree.number::<usize>("num_leaves")?;
    if tree.lines.get("is_linear").is_some_and(|v| *v != "0") {
        return Err("linear trees are not supported".into());
    }
    let values: Vec<f64> = tree.list("leaf_value", leaves)?;
    let first = gbt.nodes.len() as u32;
    gbt.roots.push(first);
    if leaves <= 1 {
        gbt.nodes.extend(values.first().map(|&v| Node::leaf(v)));
        return if leaves == 1 { Ok(()) } else { Err(format!("{} has no leaf", tree.what)) };
    }
    let splits = leaves - 1;
    let split_features: Vec<u32> = tree.list("split_feature", splits)?;
    let thresholds: Vec<f64> = tree.list("threshold", splits)?;
    let decisions: Vec<u8> = tree.list("decision_type", splits)?;
    let left: Vec<i64> = tree.list("left_child", splits)?;
    let right: Vec<i64> = tree.list("right_child", splits)?;
    let sets = categories(tree)?;
    let first_set = gbt.categories.len() as u32;
    let set_count = sets.len();
    gbt.categories.extend(sets);
    // Splits, then leaves; child ~i is leaf i.
    let child = |at: i64| -> Result<u32, String> {
        let index = if at >= 0 { at } else { splits as i64 + !at };
        match usize::try_from(index) {
            Ok(index) if index > 0 && index < splits + leaves => Ok(first + index as u32),
            _ => Err(format!("{} has a child that is no node", tree.what)),
        }
    };
    for i in 0..splits {
        let decision = decisions[i];
        let categories = match decision & 1 {
            0 => None,
            _ => {
                let set = thresholds[i];
                if !(set >= 0.0 && (set as usize) < set_count) {
                    return Err(format!("{} splits by the categories {set}, which it does not have", tree.what));
                }
                Some(first_set + set as u32)
            }
        };
        gbt.nodes.push(Node {
            threshold: thresholds[i],
            feature: split_features[i],
            left: child(left[i])?,
            right: child(right[i])?,
            missing: match decision >> 2 & 3 {
                0 => Missing::None,
                1 => Missing::Zero,
                _ => Missing::Nan,
            },
            default_left: decision & 2 != 0,
            categories,
        });
    }
    gbt.nodes.extend(values.into_iter().map(Node::leaf));
    Ok(())
}

/// The bit sets of a tree's categorical splits.
fn categories(tree: &Part) -> Result<Vec<Vec<u32>>, String> {
    let count = tree.number::<usize>("num_cat")?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let bounds: Vec<usize> = tree.list("cat_boundaries", count + 1)?;
    let words: Vec<u32> = tree.list("cat_threshold", *bounds.last().unwrap_or(&0))?;
    let sets = bounds.windows(2).map(|w| words.get(w[0]..w[1]).map(<[u32]>::to_vec)).collect::<Option<_>>();
    sets.ok_or_else(|| format!("{} has broken 'cat_boundaries'", tree.what))
}
