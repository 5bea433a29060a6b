//! An aggregate function for wasmill: its state is an ordinary value, one for each group.

/// The mean of the values that are not NULL; NULL of nothing.
#[derive(Clone, Copy, Default)]
pub struct Mean {
    sum: f64,
    count: u64,
}

#[wasmill::aggregate]
impl Mean {
    fn accumulate(&mut self, x: f64) {
        self.sum += x;
        self.count += 1;
    }
    // Rows are taken back: for OVER and for queries that update.
    fn retract(&mut self, x: f64) {
        self.sum -= x;
        self.count -= 1;
    }
    // Groups become one: for windows that are made of parts.
    fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.count += other.count;
    }
    fn finish(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}
