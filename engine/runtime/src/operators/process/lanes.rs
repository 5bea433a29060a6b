//! The rows of each key, side by side.

/// Rows of one key, as a range of an order of rows; those that are left.
pub(super) struct Lane {
    pub key: u32,
    pub begin: usize,
    pub end: usize,
    /// At most so many are tried at once: fewer behind a conflict, then more again.
    pub window: usize,
    /// So many are in the call that is made.
    pub taken: usize,
}

impl Lane {
    /// Its rows in the call.
    pub fn rows<'o>(&self, order: &'o [u32]) -> &'o [u32] {
        &order[self.begin..self.begin + self.taken]
    }

    /// The rows of the call are done.
    pub fn advance(&mut self) {
        self.begin += self.taken;
        self.window = self.window.saturating_mul(2);
    }

    /// The limit of its last row.
    pub fn last_limit(&self, order: &[u32], limits: &[i64]) -> i64 {
        limits[order[self.end - 1] as usize].saturating_sub(1)
    }
}

/// The order in which the rows of each key lie together, in their own order, and where they do.
pub(super) fn lanes(keys: &[u32]) -> (Vec<u32>, Vec<Lane>) {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_by_key(|&row| keys[row as usize]);
    let mut lanes = Vec::new();
    let mut begin = 0;
    for rows in order.chunk_by(|a, b| keys[*a as usize] == keys[*b as usize]) {
        let end = begin + rows.len();
        lanes.push(Lane { key: keys[rows[0] as usize], begin, end, window: usize::MAX, taken: 0 });
        begin = end;
    }
    (order, lanes)
}
