//! A small dense network with one output: `{"mean": […], "scale": […], "layers": [{"weights": [[…]], "bias": […], "activation": "relu"}]}`.
//! `weights[i][j]` goes from input i to unit j, as in scikit-learn's `coefs_`; mean and scale may be left out.

use serde::Deserialize;

use crate::{finite, sigmoid};

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    mean: Vec<f64>,
    #[serde(default)]
    scale: Vec<f64>,
    layers: Vec<FileLayer>,
}

#[derive(Debug, Deserialize)]
struct FileLayer {
    weights: Vec<Vec<f64>>,
    bias: Vec<f64>,
    activation: String,
}

#[derive(Debug)]
struct Layer {
    /// Row by row of the inputs.
    weights: Vec<f64>,
    bias: Vec<f64>,
    activation: Activation,
}

#[derive(Clone, Copy, Debug)]
enum Activation {
    Identity,
    Relu,
    Tanh,
    Logistic,
}

/// See the module.
#[derive(Debug)]
pub struct Dense {
    mean: Vec<f64>,
    scale: Vec<f64>,
    inputs: usize,
    layers: Vec<Layer>,
    values: [Vec<f64>; 2],
}

impl Dense {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(artifact: &[u8]) -> Result<Self, String> {
        let file: File = crate::json(artifact, "a dense network")?;
        let inputs = file.layers.first().map_or(0, |l| l.weights.len());
        if inputs == 0 {
            return Err("the artifact has no layer, or one without weights".into());
        }
        for (name, list) in [("mean", &file.mean), ("scale", &file.scale)] {
            finite(list, name)?;
            if !list.is_empty() && list.len() != inputs {
                return Err(format!("the artifact has {} values of '{name}' for {inputs} inputs", list.len()));
            }
        }
        if file.scale.contains(&0.0) {
            return Err("the artifact has a 'scale' of 0".into());
        }
        let (mut width, mut layers) = (inputs, Vec::new());
        for (i, layer) in file.layers.into_iter().enumerate() {
            let units = layer.bias.len();
            if units == 0 || layer.weights.len() != width || layer.weights.iter().any(|row| row.len() != units) {
                return Err(format!("layer {i} of the artifact does not take {width} values to {units} units"));
            }
            let activation = match layer.activation.as_str() {
                "identity" | "linear" => Activation::Identity,
                "relu" => Activation::Relu,
                "tanh" => Activation::Tanh,
                "logistic" | "sigmoid" => Activation::Logistic,
                other => {
                    return Err(format!(
                        "layer {i} of the artifact has the activation '{other}', which is not supported"
                    ));
                }
            };
            let weights = layer.weights.concat();
            finite(&weights, "'weights'")?;
            finite(&layer.bias, "'bias'")?;
            layers.push(Layer { weights, bias: layer.bias, activation });
            width = units;
        }
        match width {
            1 => Ok(Self { mean: file.mean, scale: file.scale, inputs, layers, values: Default::default() }),
            units => Err(format!("the last layer of the artifact has {units} units, one is supported")),
        }
    }

    /// The score of a row.
    pub fn score(&mut self, row: &[f64]) -> f64 {
        let [mut from, mut to] = std::mem::take(&mut self.values);
        from.clear();
        from.extend(row);
        self.mean.iter().zip(&mut from).for_each(|(mean, value)| *value -= mean);
        self.scale.iter().zip(&mut from).for_each(|(scale, value)| *value /= scale);
        for layer in &self.layers {
            to.clear();
            to.extend(&layer.bias);
            for (value, weights) in from.iter().zip(layer.weights.chunks_exact(layer.bias.len())) {
                to.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
            }
            match layer.activation {
                Activation::Identity => {}
                Activation::Relu => to.iter_mut().for_each(|v| *v = v.max(0.0)),
                Activation::Tanh => to.iter_mut().for_each(|v| *v = v.tanh()),
                Activation::Logistic => to.iter_mut().for_each(|v| *v = sigmoid(*v)),
            }
            std::mem::swap(&mut from, &mut to);
        }
        let score = from[0];
        self.values = [from, to];
        score
    }
}

#[wasmill::model(score)]
impl Dense {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        Self::read(artifact)
    }
    fn inputs(&self) -> usize {
        self.inputs
    }
    fn predict(&mut self, inputs: &[f64]) -> f64 {
        self.score(inputs)
    }
}
