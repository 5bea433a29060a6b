//! The values of a frame in order, for exact quantiles: River's `RollingQuantile` and `RollingIQR`, whose window the frame is.

#[derive(Default)]
pub struct SortedValues(Vec<f64>);

impl SortedValues {
    pub fn insert(&mut self, x: f64) {
        let at = self.0.partition_point(|value| value.total_cmp(&x).is_lt());
        self.0.insert(at, x);
    }
    /// Takes a value out that was inserted.
    pub fn remove(&mut self, x: f64) {
        if let Ok(at) = self.0.binary_search_by(|value| value.total_cmp(&x)) {
            self.0.remove(at);
        }
    }
    pub fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_by(f64::total_cmp);
    }
    /// Linear between the two values that are nearest; NULL of nothing.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        let place = quantile.clamp(0.0, 1.0) * last as f64;
        let lower = place.floor() as usize;
        let higher = (lower + 1).min(last);
        Some(self.0[lower] + (self.0[higher] - self.0[lower]) * (place - lower as f64))
    }
    pub fn values(&self) -> &[f64] {
        &self.0
    }
}

impl FromIterator<f64> for SortedValues {
    /// Of values in order.
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}
