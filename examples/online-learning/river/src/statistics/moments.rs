//! `Skew` and `Kurtosis`, corrected for bias, by running central moments (Pébay 2008).

#[derive(Clone, Copy, Default)]
pub struct Moments {
    count: f64,
    mean: f64,
    /// Sums of powers of the differences from the mean.
    m2: f64,
    m3: f64,
    m4: f64,
}

impl Moments {
    pub fn update(&mut self, x: f64) {
        self.count += 1.0;
        let n = self.count;
        let delta = (x - self.mean) / n;
        let term = (x - self.mean) * delta * (n - 1.0);
        self.mean += delta;
        let square = delta * delta;
        self.m4 += term * square * (n * n - 3.0 * n + 3.0) + 6.0 * square * self.m2 - 4.0 * delta * self.m3;
        self.m3 += term * delta * (n - 2.0) - 3.0 * delta * self.m2;
        self.m2 += term;
    }

    /// Adds the values of another, which are later; not in River.
    pub fn merge(&mut self, other: &Self) {
        if self.count == 0.0 || other.count == 0.0 {
            if self.count == 0.0 {
                *self = *other;
            }
            return;
        }
        let (a, b) = (self.count, other.count);
        let n = a + b;
        let delta = other.mean - self.mean;
        let (part, square) = (delta / n, delta * delta);
        let m4 = square * part * part * a * b * (a * a - a * b + b * b) / n
            + 6.0 * part * part * (a * a * other.m2 + b * b * self.m2)
            + 4.0 * part * (a * other.m3 - b * self.m3);
        let m3 = square * part * a * b * (a - b) / n + 3.0 * part * (a * other.m2 - b * self.m2);
        self.m4 += other.m4 + m4;
        self.m3 += other.m3 + m3;
        self.m2 += other.m2 + square * a * b / n;
        self.mean += part * b;
        self.count = n;
    }

    pub fn skew(&self) -> f64 {
        let n = self.count;
        let skew = if self.m2 == 0.0 { 0.0 } else { n.sqrt() * self.m3 / (self.m2 * self.m2.sqrt()) };
        if n > 2.0 { ((n - 1.0) * n).sqrt() / (n - 2.0) * skew } else { skew }
    }

    pub fn kurtosis(&self) -> f64 {
        let n = self.count;
        let kurtosis = if self.m2 == 0.0 { 0.0 } else { n * self.m4 / (self.m2 * self.m2) };
        if n > 3.0 {
            let beyond = (n * n - 1.0) * kurtosis - 3.0 * ((n - 1.0) * (n - 1.0));
            1.0 / (n - 2.0) / (n - 3.0) * beyond
        } else {
            kurtosis - 3.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_halves_are_the_whole() {
        let values: Vec<f64> = (0..50).map(|i| f64::from(i * i % 17) + 0.25 * f64::from(i)).collect();
        let of = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|x| moments.update(*x));
            moments
        };
        let (whole, mut half) = (of(&values), of(&values[..20]));
        half.merge(&of(&values[20..]));
        assert!((whole.skew() - half.skew()).abs() < 1e-12);
        assert!((whole.kurtosis() - half.kurtosis()).abs() < 1e-12);
    }
}
