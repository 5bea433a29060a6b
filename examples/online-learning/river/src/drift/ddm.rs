//! DDM: a model's error rate rises above the lowest that it had (Gama, Medas, Castillo and Rodrigues 2004).

use crate::statistics::MeanVariance;

const VALUES_MIN: f64 = 30.0;
const WARNING: f64 = 2.0;
const DRIFT: f64 = 3.0;

/// What the error rate says.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Level {
    #[default]
    Stable,
    Warning,
    Drift,
}

#[derive(Clone, Copy)]
pub struct Ddm {
    rate: MeanVariance,
    /// Rate and deviation when their sum was lowest.
    lowest_rate: f64,
    lowest_deviation: f64,
    lowest: f64,
    level: Level,
}

impl Default for Ddm {
    fn default() -> Self {
        let rate = MeanVariance::default();
        Self { rate, lowest_rate: 0.0, lowest_deviation: 0.0, lowest: f64::INFINITY, level: Level::Stable }
    }
}

impl Ddm {
    /// Takes in whether a prediction was wrong.
    pub fn update(&mut self, error: bool) {
        if self.level == Level::Drift {
            *self = Self::default();
        }
        self.rate.update(f64::from(u8::from(error)));
        let (rate, count) = (self.rate.mean, self.rate.count);
        let deviation = (rate * (1.0 - rate) / count).sqrt();
        if count <= VALUES_MIN {
            return;
        }
        if rate + deviation <= self.lowest {
            (self.lowest_rate, self.lowest_deviation) = (rate, deviation);
            self.lowest = rate + deviation;
        }
        let beyond = |times: f64| rate + deviation > self.lowest_rate + times * self.lowest_deviation;
        self.level = match (beyond(DRIFT), beyond(WARNING)) {
            (true, _) => Level::Drift,
            (false, true) => Level::Warning,
            (false, false) => Level::Stable,
        };
    }
    pub fn level(&self) -> Level {
        self.level
    }
}
