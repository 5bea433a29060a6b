//! `Quantile` and `MAD`: a quantile in constant memory by the P² algorithm (Jain and Chlamtac 1985), whose five markers move
//! along a parabola.

const MARKERS: usize = 5;

#[derive(Clone, Copy, Default)]
pub struct P2Quantile {
    quantile: f64,
    /// Values so far, while there are fewer than six.
    count: u32,
    heights: [f64; MARKERS],
    positions: [f64; MARKERS],
    desired: [f64; MARKERS],
}

impl P2Quantile {
    /// `quantile`, between 0 and 1, is that of the first call.
    pub fn update(&mut self, x: f64, quantile: f64) {
        if self.count == 0 {
            let q = quantile;
            self.quantile = q;
            self.positions = [1.0, 2.0, 3.0, 4.0, 5.0];
            self.desired = [1.0, 1.0 + 2.0 * q, 1.0 + 4.0 * q, 3.0 + 2.0 * q, 5.0];
        }
        if (self.count as usize) < MARKERS {
            self.heights[self.count as usize] = x;
            self.count += 1;
            return;
        }
        if self.count as usize == MARKERS {
            self.heights.sort_by(f64::total_cmp);
            self.count += 1;
        }
        self.place(x);
        for i in 1..MARKERS - 1 {
            self.adjust(i);
        }
    }

    /// Counts the value in the markers above it, and widens the outer ones to it.
    fn place(&mut self, x: f64) {
        let above = if x < self.heights[0] {
            self.heights[0] = x;
            1
        } else {
            let cell = (1..MARKERS).find(|&i| self.heights[i - 1] <= x && x < self.heights[i]);
            if cell.is_none() && x > self.heights[MARKERS - 1] {
                self.heights[MARKERS - 1] = x;
            }
            cell.unwrap_or(MARKERS - 1)
        };
        self.positions[above..].iter_mut().for_each(|position| *position += 1.0);
        let q = self.quantile;
        for (desired, step) in self.desired.iter_mut().zip([0.0, q / 2.0, q, (1.0 + q) / 2.0, 1.0]) {
            *desired += step;
        }
    }

    /// Moves an inner marker by one towards where it should be.
    fn adjust(&mut self, i: usize) {
        let (below, at, above) = (self.positions[i - 1], self.positions[i], self.positions[i + 1]);
        let off = self.desired[i] - at;
        let may = (off >= 1.0 && above - at > 1.0) || (off <= -1.0 && below - at < -1.0);
        if !may {
            return;
        }
        let step = 1f64.copysign(off);
        let (lower, height, upper) = (self.heights[i - 1], self.heights[i], self.heights[i + 1]);
        let left = (at - below + step) * (upper - height) / (above - at);
        let right = (above - at - step) * (height - lower) / (at - below);
        let parabolic = height + step / (above - below) * (left + right);
        self.heights[i] = if lower < parabolic && parabolic < upper {
            parabolic
        } else {
            let next = if step > 0.0 { i + 1 } else { i - 1 };
            height + step * (self.heights[next] - height) / (self.positions[next] - at)
        };
        self.positions[i] = at + step;
    }

    pub fn get(&self) -> Option<f64> {
        let count = self.count as usize;
        if count > MARKERS {
            return Some(self.heights[2]);
        }
        let mut values = self.heights;
        let values = &mut values[..count];
        values.sort_by(f64::total_cmp);
        let length = count as f64;
        values.get((length - 1.0).max(0.0).min(length * self.quantile) as usize).copied()
    }
}

/// The median of the distances from the median, both running.
#[derive(Clone, Copy, Default)]
pub struct MedianDeviation {
    median: P2Quantile,
    deviation: P2Quantile,
}

impl MedianDeviation {
    pub fn update(&mut self, x: f64) {
        self.median.update(x, 0.5);
        self.deviation.update((x - self.median.get().expect("there is a value")).abs(), 0.5);
    }
    pub fn get(&self) -> Option<f64> {
        self.deviation.get()
    }
}
