//! The two-sided Page-Hinkley test: the sum of the differences from the running mean leaves its extreme by more than a threshold.

use crate::statistics::MeanVariance;

const VALUES_MIN: f64 = 30.0;
const FADING: f64 = 1.0 - 0.0001;

#[derive(Clone, Copy)]
pub struct PageHinkley {
    mean: MeanVariance,
    rising: f64,
    falling: f64,
    lowest: f64,
    highest: f64,
    drift: bool,
}

impl Default for PageHinkley {
    fn default() -> Self {
        Self {
            mean: MeanVariance::default(),
            rising: 0.0,
            falling: 0.0,
            lowest: f64::INFINITY,
            highest: -1.0,
            drift: false,
        }
    }
}

impl PageHinkley {
    /// `delta` is how much change is let pass, `threshold` how much of the rest is a drift.
    pub fn update(&mut self, x: f64, delta: f64, threshold: f64) {
        if self.drift {
            *self = Self::default();
        }
        self.mean.update(x);
        let off = x - self.mean.mean;
        self.rising = FADING * self.rising + off - delta;
        self.falling = FADING * self.falling + off + delta;
        self.lowest = self.lowest.min(self.rising);
        self.highest = self.highest.max(self.falling);
        if self.mean.count >= VALUES_MIN {
            self.drift = self.rising - self.lowest > threshold || self.highest - self.falling > threshold;
        }
    }
    pub fn drift(&self) -> bool {
        self.drift
    }
}
