//! XGBoost's JSON (<https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html>).

use serde::Deserialize;

use crate::gbt::{Gbt, Link};
use crate::tree::{Missing, Node, check};

#[derive(Deserialize)]
struct File {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    gradient_booster: Booster,
    learner_model_param: ModelParam,
    objective: Objective,
}

#[derive(Deserialize)]
struct ModelParam {
    /// A number, or since XGBoost 3 a list of one.
    base_score: String,
    num_feature: String,
    #[serde(default)]
    num_class: Option<String>,
    #[serde(default)]
    num_target: Option<String>,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    #[serde(default)]
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
struct Tree {
    left_children: Vec<i32>,
    right_children: Vec<i32>,
    split_indices: Vec<u32>,
    /// Of leaves, their value.
    split_conditions: Vec<f32>,
    default_left: Vec<Bool>,
    #[serde(default)]
    split_type: Vec<u8>,
}

/// Written as 0 and 1, or as false and true.
#[derive(Deserialize)]
#[serde(untagged)]
enum Bool {
    Number(u8),
    Word(bool),
}

/// Reads the file.
///
/// # Errors
/// What is wrong with it, or what it has that is not supported.
pub fn read(artifact: &[u8]) -> Result<Gbt, String> {
    let File { learner } = crate::json(artifact, "a model of XGBoost")?;
    let Learner { gradient_booster, learner_model_param: param, objective } = learner;
    if gradient_booster.name != "gbtree" {
        return Err(format!("boosters of the kind '{}' are not supported, only 'gbtree'", gradient_booster.name));
    }
    let Some(model) = gradient_booster.model else { return Err("the artifact has no trees".into()) };
    let one = |count: &Option<String>, at_most: u32| {
        count.as_deref().is_none_or(|c| c.parse::<u32>().is_ok_and(|n| n <= at_most))
    };
    if !one(&param.num_class, 1) || !one(&param.num_target, 1) {
        return Err("models of several classes or targets are not supported".into());
    }
    let wrong = |what: &str, text: &str| format!("the artifact has the {what} '{text}'");
    let base: f32 =
        param.base_score.trim_matches(['[', ']']).parse().map_err(|_| wrong("base_score", &param.base_score))?;
    let features: usize = param.num_feature.parse().map_err(|_| wrong("num_feature", &param.num_feature))?;
    let (link, base) = match objective.name.as_str() {
        "binary:logistic" | "reg:logistic" => (Link::Sigmoid(1.0), logit(base)?),
        "binary:logitraw" => (Link::Identity, logit(base)?),
        "reg:squarederror"
        | "reg:absoluteerror"
        | "reg:pseudohubererror"
        | "reg:quantileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map" => (Link::Identity, base),
        "count:poisson" | "reg:gamma" | "reg:tweedie" => (Link::Exp, base.ln()),
        other => return Err(format!("the objective '{other}' is not supported")),
    };
    let mut gbt = Gbt::new(features, link, true);
    gbt.base = f64::from(base);
    for (number, tree) in model.trees.iter().enumerate() {
        let broken = |what: &str| format!("tree {number} of the artifact {what}");
        let count = tree.left_children.len();
        let lengths =
            [tree.right_children.len(), tree.split_indices.len(), tree.split_conditions.len(), tree.default_left.len()];
        if count == 0 || lengths != [count; 4] {
            return Err(broken("has lists of different lengths"));
        }
        if tree.split_type.iter().any(|t| *t != 0) {
            return Err(broken("splits by categories, which is not supported: encode them as numbers"));
        }
        let first = gbt.nodes.len() as u32;
        gbt.roots.push(first);
        for i in 0..count {
            let threshold = f64::from(tree.split_conditions[i]);
            let (left, right) = (tree.left_children[i], tree.right_children[i]);
            if left < 0 {
                gbt.nodes.push(Node::leaf(threshold));
                continue;
            }
            if right < 0 || left == 0 || right == 0 {
                return Err(broken("has a child that is no node"));
            }
            gbt.nodes.push(Node {
                threshold,
                feature: tree.split_indices[i],
                left: first + left as u32,
                right: first + right as u32,
                missing: Missing::Nan,
                default_left: matches!(tree.default_left[i], Bool::Number(1) | Bool::Word(true)),
                categories: None,
            });
        }
    }
    check(&gbt.nodes, &gbt.roots, features)?;
    Ok(gbt)
}

fn logit(base: f32) -> Result<f32, String> {
    match base > 0.0 && base < 1.0 {
        true => Ok(-(1.0 / base - 1.0).ln()),
        false => Err(format!("the base_score {base} is no probability")),
    }
}
