//! What SQL sees. `README.md` has the statements.

use crate::drift::{Adwin as Window, Ddm as ErrorRate, Level, PageHinkley as Test};
use crate::half_space::HalfSpaceTrees as Forest;
use crate::logistic::LogisticRegression as Logistic;
use crate::roc_auc::RocAuc as Curve;
use crate::statistics as of;
use crate::tree::HoeffdingTree as Tree;

/// OUTPUT (probability DOUBLE, predicted BOOLEAN) LABEL (truth BOOLEAN).
pub struct LogisticRegression(Logistic);

#[wasmill::model(probability, predicted)]
impl LogisticRegression {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        Logistic::new(artifact).map(Self)
    }
    fn predict(&mut self, inputs: &[f64]) -> (f64, bool) {
        let probability = self.0.predict(inputs);
        (probability, probability > 1.0 - probability)
    }
    fn learn(&mut self, inputs: &[f64], truth: bool) {
        self.0.learn(inputs, truth);
    }
    fn snapshot(&self) -> Vec<u8> {
        self.0.snapshot()
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.restore(bytes)
    }
}

/// OUTPUT (score DOUBLE) LABEL (learns BOOLEAN): learns from the rows whose label is TRUE.
pub struct HalfSpaceTrees(Forest);

#[wasmill::model(score)]
impl HalfSpaceTrees {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        Forest::new(artifact).map(Self)
    }
    fn predict(&mut self, inputs: &[f64]) -> f64 {
        self.0.score(inputs)
    }
    fn learn(&mut self, inputs: &[f64], learns: bool) {
        if learns {
            self.0.learn(inputs);
        }
    }
    fn snapshot(&self) -> Vec<u8> {
        self.0.snapshot()
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.restore(bytes)
    }
}

/// OUTPUT (predicted BIGINT, probability DOUBLE) LABEL (class BIGINT); both are NULL before anything was learnt.
pub struct HoeffdingTree(Tree);

#[wasmill::model(predicted, probability)]
impl HoeffdingTree {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        Tree::new(artifact).map(Self)
    }
    fn predict(&self, inputs: &[f64]) -> (Option<i64>, Option<f64>) {
        self.0.predict(inputs).unzip()
    }
    fn learn(&mut self, inputs: &[f64], class: i64) {
        self.0.learn(inputs, class);
    }
    fn snapshot(&self) -> Vec<u8> {
        self.0.snapshot()
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.restore(bytes)
    }
}

/// The area under the ROC curve; a FALSE or TRUE prediction is a score of 0 or 1.
#[derive(Clone, Copy, Default)]
pub struct RocAuc(Curve);

#[wasmill::aggregate]
impl RocAuc {
    fn accumulate(&mut self, truth: bool, score: f64) {
        self.0.update(truth, score);
    }
    fn retract(&mut self, truth: bool, score: f64) {
        self.0.revert(truth, score);
    }
    fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }
    fn finish(&self) -> f64 {
        self.0.get()
    }
}

#[derive(Clone, Copy, Default)]
pub struct EwMean(of::EwMean);

#[wasmill::aggregate]
impl EwMean {
    fn accumulate(&mut self, x: f64, fading: f64) {
        self.0.update(x, fading);
    }
    fn finish(&self) -> Option<f64> {
        self.0.get()
    }
}

#[derive(Clone, Copy, Default)]
pub struct EwVar(of::EwVar);

#[wasmill::aggregate]
impl EwVar {
    fn accumulate(&mut self, x: f64, fading: f64) {
        self.0.update(x, fading);
    }
    fn finish(&self) -> Option<f64> {
        self.0.get()
    }
}

#[derive(Clone, Copy, Default)]
pub struct Skew(of::Moments);

#[wasmill::aggregate]
impl Skew {
    fn accumulate(&mut self, x: f64) {
        self.0.update(x);
    }
    fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }
    fn finish(&self) -> f64 {
        self.0.skew()
    }
}

#[derive(Clone, Copy, Default)]
pub struct Kurtosis(of::Moments);

#[wasmill::aggregate]
impl Kurtosis {
    fn accumulate(&mut self, x: f64) {
        self.0.update(x);
    }
    fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }
    fn finish(&self) -> f64 {
        self.0.kurtosis()
    }
}

#[derive(Clone, Copy, Default)]
pub struct P2Quantile(of::P2Quantile);

#[wasmill::aggregate(name = "p2_quantile")]
impl P2Quantile {
    fn accumulate(&mut self, x: f64, quantile: f64) -> Result<(), String> {
        in_unit("the quantile", quantile)?;
        self.0.update(x, quantile);
        Ok(())
    }
    fn finish(&self) -> Option<f64> {
        self.0.get()
    }
}

#[derive(Clone, Copy, Default)]
pub struct Mad(of::MedianDeviation);

#[wasmill::aggregate]
impl Mad {
    fn accumulate(&mut self, x: f64) {
        self.0.update(x);
    }
    fn finish(&self) -> Option<f64> {
        self.0.get()
    }
}

/// Keeps all values of its frame.
#[derive(Default)]
pub struct ExactQuantile {
    values: of::SortedValues,
    quantile: f64,
}

#[wasmill::aggregate]
impl ExactQuantile {
    fn accumulate(&mut self, x: f64, quantile: f64) -> Result<(), String> {
        in_unit("the quantile", quantile)?;
        self.quantile = quantile;
        self.values.insert(x);
        Ok(())
    }
    fn retract(&mut self, x: f64, _quantile: f64) {
        self.values.remove(x);
    }
    fn merge(&mut self, other: &Self) {
        self.quantile = other.quantile;
        self.values.extend(&other.values);
    }
    fn finish(&self) -> Option<f64> {
        self.values.quantile(self.quantile)
    }
    fn save(&self) -> Vec<u8> {
        let mut to = crate::bytes::Writer::new(1);
        to.f64(self.quantile).f64s(self.values.values().iter()).done()
    }
    fn load(bytes: &[u8]) -> Result<Self, String> {
        let mut from = crate::bytes::Reader::new(bytes, 1)?;
        let (quantile, values) = (from.f64()?, from.f64s()?);
        from.end()?;
        Ok(Self { values, quantile })
    }
}

#[derive(Default)]
pub struct Entropy(of::Entropy);

#[wasmill::aggregate]
impl Entropy {
    fn accumulate(&mut self, value: &str, fading: f64) {
        self.0.update(value, fading);
    }
    fn finish(&self) -> f64 {
        self.0.get()
    }
    fn save(&self) -> Vec<u8> {
        self.0.save()
    }
    fn load(bytes: &[u8]) -> Result<Self, String> {
        of::Entropy::load(bytes).map(Self)
    }
}

/// Whether the latest row showed a change.
#[derive(Default)]
pub struct Adwin(Window);

#[wasmill::aggregate]
impl Adwin {
    fn accumulate(&mut self, x: f64, delta: f64) {
        self.0.update(x, delta);
    }
    fn finish(&self) -> bool {
        self.0.drift()
    }
    fn save(&self) -> Vec<u8> {
        self.0.save()
    }
    fn load(bytes: &[u8]) -> Result<Self, String> {
        Window::load(bytes).map(Self)
    }
}

/// The mean since the last change.
#[derive(Default)]
pub struct AdwinMean(Window);

#[wasmill::aggregate]
impl AdwinMean {
    fn accumulate(&mut self, x: f64, delta: f64) {
        self.0.update(x, delta);
    }
    fn finish(&self) -> f64 {
        self.0.mean()
    }
    fn save(&self) -> Vec<u8> {
        self.0.save()
    }
    fn load(bytes: &[u8]) -> Result<Self, String> {
        Window::load(bytes).map(Self)
    }
}

/// Whether the latest row showed a change.
#[derive(Clone, Copy, Default)]
pub struct PageHinkley(Test);

#[wasmill::aggregate]
impl PageHinkley {
    fn accumulate(&mut self, x: f64, delta: f64, threshold: f64) {
        self.0.update(x, delta, threshold);
    }
    fn finish(&self) -> bool {
        self.0.drift()
    }
}

/// 'warning' or 'drift' where the error rate has risen, else NULL.
#[derive(Clone, Copy, Default)]
pub struct Ddm(ErrorRate);

#[wasmill::aggregate]
impl Ddm {
    fn accumulate(&mut self, error: bool) {
        self.0.update(error);
    }
    fn finish(&self) -> Option<&'static str> {
        match self.0.level() {
            Level::Stable => None,
            Level::Warning => Some("warning"),
            Level::Drift => Some("drift"),
        }
    }
}

fn in_unit(what: &str, x: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&x) { Ok(()) } else { Err(format!("{what} is {x}, not between 0 and 1")) }
}
