//! Models that are ready to use: `CREATE MODEL … USING FILE 'models.wasm' WITH ('artifact' = …)` is all that a user writes.
//!
//! | export | artifact |
//! |---|---|
//! | `gbt` | gradient-boosted trees: XGBoost's JSON (`Booster.save_model("m.json")`) or LightGBM's text (`Booster.save_model("m.txt")`) |
//! | `logreg` | a logistic regression behind a standard scaler, JSON |
//! | `dense` | a small dense network, JSON |
//! | `iforest` | an isolation forest, JSON |

pub mod dense;
pub mod gbt;
pub mod iforest;
pub mod lightgbm;
pub mod logreg;
pub mod tree;
pub mod xgboost;

/// Reads JSON; the error says what is wrong with the file, for `what`.
pub(crate) fn json<'a, T: serde::Deserialize<'a>>(artifact: &'a [u8], what: &str) -> Result<T, String> {
    serde_json::from_slice(artifact).map_err(|e| match e.classify() {
        serde_json::error::Category::Eof => format!("the artifact is cut off: {e}"),
        serde_json::error::Category::Syntax => format!("the artifact is no JSON: {e}"),
        _ => format!("the artifact is not {what}: {e}"),
    })
}

/// Refuses numbers that are not finite.
pub(crate) fn finite(values: &[f64], what: &str) -> Result<(), String> {
    match values.iter().find(|v| !v.is_finite()) {
        None => Ok(()),
        Some(v) => Err(format!("the artifact has {v} in {what}")),
    }
}

/// The logistic function.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
