//! ADWIN (Bifet and Gavaldà 2007): a window of the latest values that is cut where two parts of it have different means.
//!
//! The window is kept as sums over 1, 2, 4, … values, at most five or six of each size, so that it takes O(log n) memory:
//!
//! ```text
//! newest  level 0: 1 1 1   level 1: 2 2 2 2 2   level 2: 4 4   level 3: 8   oldest
//! ```

use std::collections::VecDeque;

use crate::bytes::{Reader, Unreadable, Writer};

const VERSION: u8 = 1;
/// How many sums of a size there may be.
const SUMS_MAX: usize = 5;
/// Values between two looks for a change.
const CLOCK: u64 = 32;
/// Values that a part must have at least.
const PART_MIN: f64 = 5.0;
/// Values without a look in the beginning.
const GRACE: f64 = 10.0;

/// The sum of 2^level values, and the sum of the squares of their differences from their mean.
#[derive(Clone, Copy)]
struct Sum {
    total: f64,
    squares: f64,
}

#[derive(Clone)]
pub struct Adwin {
    /// By level; the oldest sum of a level is first.
    levels: Vec<VecDeque<Sum>>,
    total: f64,
    squares: f64,
    width: f64,
    ticks: u64,
    drift: bool,
}

impl Default for Adwin {
    fn default() -> Self {
        Self { levels: vec![VecDeque::new()], total: 0.0, squares: 0.0, width: 0.0, ticks: 0, drift: false }
    }
}

impl Adwin {
    /// `delta` is the chance of seeing a change where there is none.
    pub fn update(&mut self, x: f64, delta: f64) {
        if self.drift {
            *self = Self::default();
        }
        self.insert(x);
        self.ticks += 1;
        if self.ticks.is_multiple_of(CLOCK) && self.width > GRACE {
            while self.cut(delta) {
                self.drift = true;
            }
        }
    }
    /// Whether the last value showed a change.
    pub fn drift(&self) -> bool {
        self.drift
    }
    /// The mean of the window.
    pub fn mean(&self) -> f64 {
        if self.width == 0.0 { 0.0 } else { self.total / self.width }
    }
    /// The values in the window.
    pub fn width(&self) -> u64 {
        self.width as u64
    }

    fn insert(&mut self, x: f64) {
        self.levels[0].push_back(Sum { total: x, squares: 0.0 });
        self.width += 1.0;
        if self.width > 1.0 {
            let off = x - self.total / (self.width - 1.0);
            self.squares += (self.width - 1.0) * off * off / self.width;
        }
        self.total += x;
        self.compress();
    }

    /// Where a level has one sum too many, its two oldest become one of the next level.
    fn compress(&mut self) {
        let mut level = 0;
        while level < self.levels.len() && self.levels[level].len() > SUMS_MAX {
            let size = values_of(level);
            let mut oldest = || self.levels[level].pop_front().expect("it has more than enough");
            let (a, b) = (oldest(), oldest());
            let off = a.total / size - b.total / size;
            let squares = a.squares + b.squares + size * 0.5 * off * off;
            if level + 1 == self.levels.len() {
                self.levels.push(VecDeque::new());
            }
            self.levels[level + 1].push_back(Sum { total: a.total + b.total, squares });
            level += 1;
        }
    }

    /// Drops the oldest sum if the window has two parts whose means differ.
    fn cut(&mut self, delta: f64) -> bool {
        let (mut older, mut newer) = (0.0, self.width);
        let (mut older_total, mut newer_total) = (0.0, self.total);
        for (level, sums) in self.levels.iter().enumerate().rev() {
            for (i, sum) in sums.iter().enumerate() {
                older += values_of(level);
                newer -= values_of(level);
                older_total += sum.total;
                newer_total -= sum.total;
                if level == 0 && i + 1 == sums.len() {
                    return false;
                }
                let off = older_total / older - newer_total / newer;
                if newer >= PART_MIN && older >= PART_MIN && off.abs() > self.bound(older, newer, delta) {
                    self.drop_oldest();
                    return true;
                }
            }
        }
        false
    }

    /// How far the means of two parts of the window may be apart by chance.
    fn bound(&self, older: f64, newer: f64, delta: f64) -> f64 {
        let confidence = (2.0 * self.width.ln() / delta).ln();
        let parts = 1.0 / (older - PART_MIN + 1.0) + 1.0 / (newer - PART_MIN + 1.0);
        let variance = self.squares / self.width;
        (2.0 * parts * variance * confidence).sqrt() + 2.0 / 3.0 * confidence * parts
    }

    fn drop_oldest(&mut self) {
        let level = self.levels.len() - 1;
        let Some(oldest) = self.levels[level].pop_front() else { return };
        let size = values_of(level);
        self.width -= size;
        self.total -= oldest.total;
        let off = oldest.total / size - self.total / self.width;
        self.squares -= oldest.squares + size * self.width * off * off / (size + self.width);
        if self.levels[level].is_empty() && level > 0 {
            self.levels.pop();
        }
    }

    pub fn save(&self) -> Vec<u8> {
        let mut to = Writer::new(VERSION);
        to.f64(self.total).f64(self.squares).f64(self.width).u64(self.ticks).bool(self.drift);
        to.u64(self.levels.len() as u64);
        for sums in &self.levels {
            to.u64(sums.len() as u64);
            sums.iter().for_each(|sum| {
                to.f64(sum.total).f64(sum.squares);
            });
        }
        to.done()
    }
    pub fn load(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut from = Reader::new(bytes, VERSION)?;
        let (total, squares, width, ticks, drift) = (from.f64()?, from.f64()?, from.f64()?, from.u64()?, from.bool()?);
        let level = |from: &mut Reader| {
            let sum = |from: &mut Reader| Ok(Sum { total: from.f64()?, squares: from.f64()? });
            (0..from.count()?).map(|_| sum(from)).collect::<Result<_, Unreadable>>()
        };
        let levels = (0..from.count()?).map(|_| level(&mut from)).collect::<Result<Vec<_>, Unreadable>>()?;
        from.end()?;
        if levels.is_empty() || levels.len() > 64 {
            return Err("the state has no window".to_owned());
        }
        Ok(Self { levels, total, squares, width, ticks, drift })
    }
}

fn values_of(level: usize) -> f64 {
    (1u64 << level) as f64
}
