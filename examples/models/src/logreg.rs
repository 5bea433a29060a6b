//! A logistic regression behind a standard scaler: `{"mean": […], "scale": […], "coef": […], "intercept": …}`, as scikit-learn has
//! them (`StandardScaler.mean_`, `.scale_`, `LogisticRegression.coef_[0]`, `.intercept_[0]`).

use serde::Deserialize;

use crate::{finite, sigmoid};

/// See the module.
#[derive(Debug, Deserialize)]
pub struct LogReg {
    mean: Vec<f64>,
    scale: Vec<f64>,
    coef: Vec<f64>,
    intercept: f64,
}

impl LogReg {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(artifact: &[u8]) -> Result<Self, String> {
        let model: Self = crate::json(artifact, "a logistic regression")?;
        let lengths = [model.mean.len(), model.scale.len()];
        if model.coef.is_empty() || lengths != [model.coef.len(); 2] {
            return Err("the artifact has lists 'mean', 'scale' and 'coef' of different lengths".into());
        }
        finite(&model.mean, "'mean'")?;
        finite(&model.scale, "'scale'")?;
        finite(&model.coef, "'coef'")?;
        finite(&[model.intercept], "'intercept'")?;
        match model.scale.contains(&0.0) {
            true => Err("the artifact has a 'scale' of 0".into()),
            false => Ok(model),
        }
    }

    /// The score of a row.
    pub fn score(&self, row: &[f64]) -> f64 {
        let scaled = row.iter().zip(&self.mean).zip(&self.scale).map(|((x, mean), scale)| (x - mean) / scale);
        sigmoid(self.intercept + scaled.zip(&self.coef).map(|(x, weight)| x * weight).sum::<f64>())
    }
}

#[wasmill::model(name = "logreg", score)]
impl LogReg {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        Self::read(artifact)
    }
    fn inputs(&self) -> usize {
        self.coef.len()
    }
    fn predict(&self, inputs: &[f64]) -> f64 {
        self.score(inputs)
    }
}
