//! What a leaf knows of one feature: a Gaussian and the range of it for each class, and which split of it gains most.

use super::Settings;
use super::erf::erf;
use crate::bytes::{Reader, Unreadable, Writer};
use crate::statistics::MeanVariance;

/// Places in a feature's range at which a split is tried.
const SPLITS: usize = 10;
/// Half the logarithm of 2π.
const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_7;

/// How many rows there are of each class, in the order in which the classes came.
pub(super) type Classes = Vec<(i64, f64)>;

/// A candidate for a split.
pub(super) struct Split {
    pub merit: f64,
    pub feature: usize,
    pub threshold: f64,
    /// The rows that go left and right.
    pub classes: [Classes; 2],
}

#[derive(Clone)]
struct OfClass {
    class: i64,
    lowest: f64,
    highest: f64,
    spread: MeanVariance,
}

#[derive(Clone, Default)]
pub(super) struct Gaussians(Vec<OfClass>);

impl Gaussians {
    pub fn update(&mut self, x: f64, class: i64) {
        let known = self.0.iter().position(|of| of.class == class);
        let at = known.unwrap_or_else(|| {
            self.0.push(OfClass { class, lowest: x, highest: x, spread: MeanVariance::default() });
            self.0.len() - 1
        });
        let of = &mut self.0[at];
        of.lowest = of.lowest.min(x);
        of.highest = of.highest.max(x);
        of.spread.update(x);
    }

    /// The logarithm of the density at `x` for a class; `None` where it has none.
    pub fn log_density(&self, x: f64, class: i64) -> Option<f64> {
        let of = self.0.iter().find(|of| of.class == class)?;
        let variance = of.spread.variance();
        let off = x - of.spread.mean;
        (variance > 0.0).then(|| off * off / (-2.0 * variance) - HALF_LOG_TAU - 0.5 * variance.ln())
    }

    /// The best split of the feature; `None` if none gains anything that can be compared.
    pub fn best_split(&self, feature: usize, before: &Classes, settings: &Settings) -> Option<Split> {
        let lowest = self.0.iter().fold(f64::INFINITY, |lowest, of| lowest.min(of.lowest));
        let highest = self.0.iter().fold(f64::NEG_INFINITY, |highest, of| highest.max(of.highest));
        let step = (highest - lowest) / (SPLITS as f64 + 1.0);
        let mut best: Option<Split> = None;
        for i in 1..=SPLITS {
            let threshold = lowest + step * i as f64;
            if !(lowest < threshold && threshold < highest) {
                continue;
            }
            let classes = self.divide(threshold);
            let merit = gain(before, &classes, settings.branch_min);
            if merit > best.as_ref().map_or(f64::NEG_INFINITY, |best| best.merit) {
                best = Some(Split { merit, feature, threshold, classes });
            }
        }
        best
    }

    /// How many rows of each class lie on each side, by its Gaussian where its range is cut.
    fn divide(&self, threshold: f64) -> [Classes; 2] {
        let (mut left, mut right) = (Classes::new(), Classes::new());
        for of in &self.0 {
            let rows = of.spread.count;
            if threshold < of.lowest {
                right.push((of.class, rows));
            } else if threshold >= of.highest {
                left.push((of.class, rows));
            } else {
                let below = normal_below(threshold, of.spread.mean, of.spread.variance().sqrt()) * rows;
                left.push((of.class, below));
                right.push((of.class, rows - below));
            }
        }
        [left, right]
    }

    pub fn save(&self, to: &mut Writer) {
        to.u64(self.0.len() as u64);
        for of in &self.0 {
            of.spread.save(to.i64(of.class).f64(of.lowest).f64(of.highest));
        }
    }
    pub fn load(from: &mut Reader) -> Result<Self, Unreadable> {
        let of_class = |from: &mut Reader| {
            let (class, lowest, highest) = (from.i64()?, from.f64()?, from.f64()?);
            Ok(OfClass { class, lowest, highest, spread: MeanVariance::load(from)? })
        };
        Ok(Self((0..from.count()?).map(|_| of_class(from)).collect::<Result<_, Unreadable>>()?))
    }
}

pub(super) fn rows(classes: &Classes) -> f64 {
    classes.iter().fold(0.0, |sum, (_, rows)| sum + rows)
}

/// The information gain of a split; −∞ where one side has too few rows.
fn gain(before: &Classes, after: &[Classes; 2], branch_min: f64) -> f64 {
    let sides = [rows(&after[0]), rows(&after[1])];
    let all = sides[0] + sides[1];
    if !sides.iter().all(|side| side / all > branch_min) {
        return f64::NEG_INFINITY;
    }
    let left = sides[0] * entropy(&after[0]);
    entropy(before) - (left + sides[1] * entropy(&after[1])) / all
}

fn entropy(classes: &Classes) -> f64 {
    let (mut entropy, mut all) = (0.0, 0.0);
    for (_, rows) in classes.iter().filter(|(_, rows)| *rows > 0.0) {
        entropy -= rows * rows.log2();
        all += rows;
    }
    if all > 0.0 { (entropy + all * all.log2()) / all } else { 0.0 }
}

/// How much of a normal distribution lies below `x`.
fn normal_below(x: f64, mean: f64, deviation: f64) -> f64 {
    if deviation == 0.0 {
        return 0.0;
    }
    0.5 * (1.0 + erf((x - mean) / deviation / 2f64.sqrt()))
}
