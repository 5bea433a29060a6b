//! Running statistics: River's `stats`, each with the numbers that River gives row by row.

mod entropy;
mod exponential;
mod moments;
mod p2;
mod sorted;

pub use entropy::Entropy;
pub use exponential::{EwMean, EwVar};
pub use moments::Moments;
pub use p2::{MedianDeviation, P2Quantile};
pub use sorted::SortedValues;

/// Mean and variance of West's and Welford's running update: River's `Mean` and `Var`.
#[derive(Clone, Copy, Default)]
pub struct MeanVariance {
    pub count: f64,
    pub mean: f64,
    squares: f64,
}

impl MeanVariance {
    pub fn update(&mut self, x: f64) {
        let before = self.mean;
        self.count += 1.0;
        self.mean += (1.0 / self.count) * (x - before);
        self.squares += (x - before) * (x - self.mean);
    }
    /// The sample variance; 0 of fewer than two values.
    pub fn variance(&self) -> f64 {
        if self.count > 1.0 { self.squares / (self.count - 1.0) } else { 0.0 }
    }
    pub fn save(&self, to: &mut crate::bytes::Writer) {
        to.f64(self.count).f64(self.mean).f64(self.squares);
    }
    pub fn load(from: &mut crate::bytes::Reader) -> Result<Self, crate::bytes::Unreadable> {
        Ok(Self { count: from.f64()?, mean: from.f64()?, squares: from.f64()? })
    }
}
