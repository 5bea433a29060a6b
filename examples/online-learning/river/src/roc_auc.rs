//! `metrics.ROCAUC`: the area under the ROC curve over ten thresholds from 0 to 1, in constant memory.

const THRESHOLDS: usize = 10;

/// Rows above each threshold and not, by what was true.
#[derive(Clone, Copy, Default)]
pub struct RocAuc {
    positives: f64,
    negatives: f64,
    true_positives: [f64; THRESHOLDS],
    false_positives: [f64; THRESHOLDS],
}

impl RocAuc {
    pub fn update(&mut self, truth: bool, score: f64) {
        self.count(truth, score, 1.0);
    }
    pub fn revert(&mut self, truth: bool, score: f64) {
        self.count(truth, score, -1.0);
    }
    fn count(&mut self, truth: bool, score: f64, rows: f64) {
        let (total, above) = match truth {
            true => (&mut self.positives, &mut self.true_positives),
            false => (&mut self.negatives, &mut self.false_positives),
        };
        *total += rows;
        for (i, above) in above.iter_mut().enumerate() {
            if score > threshold(i) {
                *above += rows;
            }
        }
    }
    pub fn merge(&mut self, other: &Self) {
        self.positives += other.positives;
        self.negatives += other.negatives;
        for i in 0..THRESHOLDS {
            self.true_positives[i] += other.true_positives[i];
            self.false_positives[i] += other.false_positives[i];
        }
    }
    /// The area by the trapezoidal rule, added up in the order in which NumPy adds nine numbers.
    pub fn get(&self) -> f64 {
        let rate = |count: f64, of: f64| if of == 0.0 { 0.0 } else { count / of };
        let x = self.false_positives.map(|count| rate(count, self.negatives));
        let y = self.true_positives.map(|count| rate(count, self.positives));
        let part = |i: usize| (x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2.0;
        let pairs = |i: usize| part(i) + part(i + 1);
        -((pairs(0) + pairs(2)) + (pairs(4) + pairs(6)) + part(8))
    }
}

fn threshold(i: usize) -> f64 {
    match i {
        0 => -1e-7,
        i if i == THRESHOLDS - 1 => 1.0 + 1e-7,
        i => i as f64 / (THRESHOLDS - 1) as f64,
    }
}
