//! Scalers, which learn a feature's range or spread as rows come: River's `preprocessing`.

use crate::bytes::{Reader, Unreadable, Writer};

/// `StandardScaler`: mean 0, variance 1, by Welford's running mean and variance.
#[derive(Clone, Default)]
pub struct StandardScaler {
    count: u64,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl StandardScaler {
    pub fn learn(&mut self, row: &[f64]) {
        self.means.resize(row.len(), 0.0);
        self.variances.resize(row.len(), 0.0);
        self.count += 1;
        let count = self.count as f64;
        for ((x, mean), variance) in row.iter().zip(&mut self.means).zip(&mut self.variances) {
            let before = *mean;
            *mean += (x - before) / count;
            *variance += ((x - before) * (x - *mean) - *variance) / count;
        }
    }
    /// Scales a row; a feature that never changed is 0.
    pub fn scale(&self, row: &[f64], scaled: &mut Vec<f64>) {
        scaled.clear();
        let seen = self.means.iter().zip(&self.variances);
        scaled.extend(row.iter().zip(seen).map(
            |(x, (mean, variance))| {
                if *variance == 0.0 { 0.0 } else { (x - mean) / variance.sqrt() }
            },
        ));
        scaled.resize(row.len(), 0.0);
    }
    pub fn save(&self, to: &mut Writer) {
        to.u64(self.count).f64s(self.means.iter()).f64s(self.variances.iter());
    }
    pub fn load(from: &mut Reader) -> Result<Self, Unreadable> {
        Ok(Self { count: from.u64()?, means: from.f64s()?, variances: from.f64s()? })
    }
}

/// `MinMaxScaler`: what was seen lies from 0 to 1.
#[derive(Clone, Default)]
pub struct MinMaxScaler {
    lowest: Vec<f64>,
    highest: Vec<f64>,
}

impl MinMaxScaler {
    pub fn learn(&mut self, row: &[f64]) {
        self.lowest.resize(row.len(), f64::INFINITY);
        self.highest.resize(row.len(), f64::NEG_INFINITY);
        for ((x, lowest), highest) in row.iter().zip(&mut self.lowest).zip(&mut self.highest) {
            *lowest = lowest.min(*x);
            *highest = highest.max(*x);
        }
    }
    /// Scales a row; a feature that never changed is 0.
    pub fn scale(&self, row: &[f64], scaled: &mut Vec<f64>) {
        scaled.clear();
        let seen = self.lowest.iter().zip(&self.highest);
        scaled.extend(row.iter().zip(seen).map(|(x, (lowest, highest))| {
            let range = highest - lowest;
            if range == 0.0 { 0.0 } else { (x - lowest) / range }
        }));
        scaled.resize(row.len(), 0.0);
    }
    pub fn save(&self, to: &mut Writer) {
        to.f64s(self.lowest.iter()).f64s(self.highest.iter());
    }
    pub fn load(from: &mut Reader) -> Result<Self, Unreadable> {
        Ok(Self { lowest: from.f64s()?, highest: from.f64s()? })
    }
}
