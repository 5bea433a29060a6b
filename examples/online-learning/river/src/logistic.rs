//! `StandardScaler | LogisticRegression`: scaled features, the logarithmic loss, stochastic gradient descent.

use crate::bytes::{Reader, Unreadable, Writer};
use crate::options::Options;
use crate::scale::StandardScaler;

const VERSION: u8 = 1;

/// When the scaler learns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scaler {
    /// With the weights, before they do: River from 0.17 on.
    WhenLearning,
    /// Before each prediction: earlier versions of River.
    WhenPredicting,
    /// There is none.
    Off,
}

pub struct LogisticRegression {
    scaler_learns: Scaler,
    rate: f64,
    intercept_rate: f64,
    l2: f64,
    scaler: StandardScaler,
    weights: Vec<f64>,
    intercept: f64,
    scaled: Vec<f64>,
}

impl LogisticRegression {
    /// Options: `scaler` (`learn`, `predict` or `none`), `learning_rate`, `intercept_learning_rate`, `l2`.
    pub fn new(artifact: &[u8]) -> Result<Self, String> {
        let mut options = Options::parse(artifact)?;
        let scalers = [("learn", Scaler::WhenLearning), ("predict", Scaler::WhenPredicting), ("none", Scaler::Off)];
        let model = Self {
            scaler_learns: options.choose("scaler", &scalers)?,
            rate: options.take("learning_rate", 0.01)?,
            intercept_rate: options.take("intercept_learning_rate", 0.01)?,
            l2: options.take("l2", 0.0)?,
            scaler: StandardScaler::default(),
            weights: Vec::new(),
            intercept: 0.0,
            scaled: Vec::new(),
        };
        options.end()?;
        Ok(model)
    }

    /// The probability of the class 'true'.
    pub fn predict(&mut self, row: &[f64]) -> f64 {
        if self.scaler_learns == Scaler::WhenPredicting {
            self.scaler.learn(row);
        }
        self.scale(row);
        sigmoid(self.raw())
    }

    pub fn learn(&mut self, row: &[f64], truth: bool) {
        if self.scaler_learns == Scaler::WhenLearning {
            self.scaler.learn(row);
        }
        self.scale(row);
        self.weights.resize(row.len(), 0.0);
        let gradient = loss_gradient(self.raw(), if truth { 1.0 } else { -1.0 });
        self.intercept -= self.intercept_rate * gradient;
        for (weight, x) in self.weights.iter_mut().zip(&self.scaled) {
            let mut step = x * gradient;
            if self.l2 != 0.0 {
                step += self.l2 * *weight;
            }
            *weight -= self.rate * step;
        }
    }

    fn scale(&mut self, row: &[f64]) {
        if self.scaler_learns == Scaler::Off {
            self.scaled.clear();
            self.scaled.extend_from_slice(row);
        } else {
            self.scaler.scale(row, &mut self.scaled);
        }
    }

    fn raw(&self) -> f64 {
        self.weights.iter().zip(&self.scaled).fold(0.0, |sum, (weight, x)| sum + weight * x) + self.intercept
    }

    pub fn snapshot(&self) -> Vec<u8> {
        let mut to = Writer::new(VERSION);
        self.scaler.save(&mut to);
        to.f64s(self.weights.iter()).f64(self.intercept).done()
    }
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let mut from = Reader::new(bytes, VERSION)?;
        self.scaler = StandardScaler::load(&mut from)?;
        self.weights = from.f64s()?;
        self.intercept = from.f64()?;
        from.end()
    }
}

/// The logistic function; 0 and 1 beyond ±30.
fn sigmoid(x: f64) -> f64 {
    match x {
        x if x < -30.0 => 0.0,
        x if x > 30.0 => 1.0,
        x => 1.0 / (1.0 + (-x).exp()),
    }
}

/// The derivative of log(1 + exp(−raw · truth)) by `raw`; `truth` is −1 or 1.
fn loss_gradient(raw: f64, truth: f64) -> f64 {
    let z = raw * truth;
    if z > 18.0 {
        (-z).exp() * -truth
    } else if z < -18.0 {
        -truth
    } else {
        -truth / (z.exp() + 1.0)
    }
}
