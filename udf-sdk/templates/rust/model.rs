//! A model for wasmill: one value in each instance. With `load(artifact: &[u8])` it is made from a file, WITH ('artifact' = '…').

/// A line through the origin, learnt row by row: its slope is the mean of y / x.
#[derive(Default)]
pub struct Line {
    slope: f64,
    seen: u64,
}

#[wasmill::model(y)]
impl Line {
    fn predict(&self, x: f64) -> f64 {
        self.slope * x
    }
    // A model that learns has `snapshot` and `restore` too: the engine's checkpoints keep what it learnt.
    fn learn(&mut self, x: f64, y: f64) {
        if x != 0.0 {
            self.seen += 1;
            self.slope += (y / x - self.slope) / self.seen as f64;
        }
    }
    /// Version 1: slope, rows seen.
    fn snapshot(&self) -> Vec<u8> {
        [&[1][..], &self.slope.to_le_bytes(), &self.seen.to_le_bytes()].concat()
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (Some((1, rest)), 17) = (bytes.split_first(), bytes.len()) else {
            return Err("this is no snapshot of version 1".to_owned());
        };
        let word = |at: usize| <[u8; 8]>::try_from(&rest[at..at + 8]).expect("17 bytes");
        (self.slope, self.seen) = (f64::from_le_bytes(word(0)), u64::from_le_bytes(word(8)));
        Ok(())
    }
}
