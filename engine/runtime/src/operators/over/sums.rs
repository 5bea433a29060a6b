//! Sums: of DECIMALs without overflow, of DOUBLEs with and without their rounding error, and the moments of DOUBLEs.

use super::monoid::{InWords, Invertible, Monoid, counts};
use super::store::wide;

/// A sum of 128-bit values.
pub(super) struct SumWide {
    pub(super) bit: usize,
    pub(super) word: usize,
}

/// Sum of 128-bit values in 192 bits: low 128, and how often they overflowed.
#[derive(Clone, Copy)]
pub(super) struct Wide192 {
    pub(super) low: i128,
    pub(super) carry: i64,
}

impl Wide192 {
    #[inline]
    pub(super) fn add(self, value: i128) -> Self {
        let (low, over) = self.low.overflowing_add(value);
        Self { low, carry: self.carry + if over { value.signum() as i64 } else { 0 } }
    }
    #[inline]
    pub(super) fn subtract(self, value: i128) -> Self {
        let (low, over) = self.low.overflowing_sub(value);
        Self { low, carry: self.carry - if over { value.signum() as i64 } else { 0 } }
    }
    /// The value where it fits 128 bits.
    pub(super) fn exact(self) -> Option<i128> {
        (self.carry == 0).then_some(self.low)
    }
}

impl InWords for Wide192 {
    type Words = [u64; 3];
    #[inline]
    fn read(words: &[u64]) -> Self {
        Self { low: wide(words, 0), carry: words[2] as i64 }
    }
    #[inline]
    fn write(self) -> [u64; 3] {
        [self.low as u64, (self.low >> 64) as u64, self.carry as u64]
    }
}

impl Monoid for SumWide {
    type Value = Wide192;
    fn identity(&self) -> Wide192 {
        Wide192 { low: 0, carry: 0 }
    }
    fn bit(&self) -> usize {
        self.bit
    }
    #[inline]
    fn of(&self, record: &[u64]) -> Wide192 {
        Wide192 { low: wide(record, self.word), carry: 0 }
    }
    #[inline]
    fn join(&self, a: Wide192, b: Wide192) -> Wide192 {
        let sum = a.add(b.low);
        Wide192 { carry: sum.carry + b.carry, ..sum }
    }
}

impl Invertible for SumWide {
    #[inline]
    fn without(&self, value: Wide192, record: &[u64]) -> Wide192 {
        if counts(record, self.bit) { value.subtract(wide(record, self.word)) } else { value }
    }
}

/// A sum of DOUBLEs, or of FLOATs, rounded to FLOAT at each step.
pub(super) struct SumFloat<const SINGLE: bool> {
    pub(super) bit: usize,
    pub(super) word: usize,
}

impl<const SINGLE: bool> Monoid for SumFloat<SINGLE> {
    type Value = f64;
    #[inline]
    fn identity(&self) -> f64 {
        // The one value that leaves every other as it is, 0.0 and -0.0 too.
        -0.0
    }
    fn bit(&self) -> usize {
        self.bit
    }
    #[inline]
    fn of(&self, record: &[u64]) -> f64 {
        f64::from_bits(record[self.word])
    }
    #[inline]
    fn join(&self, a: f64, b: f64) -> f64 {
        if SINGLE { f64::from(a as f32 + b as f32) } else { a + b }
    }
}

/// A sum of DOUBLEs with its rounding error (Knuth's two-sum), so that the shape of a tree does not show in the result.
pub(super) struct Exact(pub(super) SumFloat<false>);

#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

impl Exact {
    /// The sum as one DOUBLE.
    pub(super) fn total(words: &[u64]) -> f64 {
        let (sum, error) = (f64::from_bits(words[0]), f64::from_bits(words[1]));
        // Past infinity the error is not a number, and without one -0.0 stays.
        if error == 0.0 || error.is_nan() { sum } else { sum + error }
    }
}

impl InWords for (f64, f64) {
    type Words = [u64; 2];
    #[inline]
    fn read(words: &[u64]) -> Self {
        (f64::from_bits(words[0]), f64::from_bits(words[1]))
    }
    #[inline]
    fn write(self) -> [u64; 2] {
        [self.0.to_bits(), self.1.to_bits()]
    }
}

impl Monoid for Exact {
    type Value = (f64, f64);
    fn identity(&self) -> (f64, f64) {
        (-0.0, 0.0)
    }
    fn bit(&self) -> usize {
        self.0.bit
    }
    #[inline]
    fn of(&self, record: &[u64]) -> (f64, f64) {
        (self.0.of(record), 0.0)
    }
    #[inline]
    fn join(&self, a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
        let (sum, error) = two_sum(a.0, b.0);
        let error = error + a.1 + b.1;
        if error == 0.0 || !error.is_finite() {
            return (sum, error);
        }
        two_sum(sum, error)
    }
}

/// The count, mean and squared deviations of DOUBLEs.
pub(super) struct Moments {
    pub(super) bit: usize,
    pub(super) word: usize,
}

/// Count, mean, and sum of squared deviations from the mean; joined as in Chan, Golub, LeVeque (1979).
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) m2: f64,
}

impl InWords for Moment {
    type Words = [u64; 3];
    #[inline]
    fn read(words: &[u64]) -> Self {
        Self { count: f64::from_bits(words[0]), mean: f64::from_bits(words[1]), m2: f64::from_bits(words[2]) }
    }
    #[inline]
    fn write(self) -> [u64; 3] {
        [self.count.to_bits(), self.mean.to_bits(), self.m2.to_bits()]
    }
}

impl Monoid for Moments {
    type Value = Moment;
    fn identity(&self) -> Moment {
        Moment { count: 0.0, mean: 0.0, m2: 0.0 }
    }
    fn bit(&self) -> usize {
        self.bit
    }
    #[inline]
    fn of(&self, record: &[u64]) -> Moment {
        Moment { count: 1.0, mean: f64::from_bits(record[self.word]), m2: 0.0 }
    }
    #[inline]
    fn join(&self, a: Moment, b: Moment) -> Moment {
        if a.count == 0.0 {
            return b;
        }
        if b.count == 0.0 {
            return a;
        }
        let (count, delta) = (a.count + b.count, b.mean - a.mean);
        Moment {
            count,
            mean: a.mean + delta * b.count / count,
            m2: a.m2 + b.m2 + delta * delta * a.count * b.count / count,
        }
    }
}
