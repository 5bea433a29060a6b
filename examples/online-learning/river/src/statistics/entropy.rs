//! `Entropy`: of the values' frequencies, in nats, updated in constant time a row (Sovdat 2014).

use std::collections::BTreeMap;

use crate::bytes::{Reader, Unreadable, Writer};

const VERSION: u8 = 1;
/// Keeps logarithms of nothing away.
const EPSILON: f64 = 1e-8;

#[derive(Default)]
pub struct Entropy {
    entropy: f64,
    rows: u64,
    counts: BTreeMap<String, u64>,
}

impl Entropy {
    /// `fading` 1 forgets nothing.
    pub fn update(&mut self, value: &str, fading: f64) {
        let count = match self.counts.get_mut(value) {
            Some(count) => {
                *count += 1;
                *count - 1
            }
            None => {
                self.counts.insert(value.to_owned(), 1);
                0
            }
        };
        let (count, n) = (count as f64, self.rows as f64);
        let before = (n + EPSILON) / (n + 1.0);
        let mut entropy = before * (fading * self.entropy - before.ln());
        let (new, old) = ((count + 1.0) / (n + 1.0), (count + EPSILON) / (n + 1.0));
        entropy -= new * new.ln();
        entropy += old * old.ln();
        self.entropy = entropy;
        self.rows += 1;
    }
    pub fn get(&self) -> f64 {
        self.entropy
    }
    pub fn save(&self) -> Vec<u8> {
        let mut to = Writer::new(VERSION);
        to.f64(self.entropy).u64(self.rows).u64(self.counts.len() as u64);
        self.counts.iter().for_each(|(value, count)| {
            to.text(value).u64(*count);
        });
        to.done()
    }
    pub fn load(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut from = Reader::new(bytes, VERSION)?;
        let (entropy, rows, values) = (from.f64()?, from.u64()?, from.count()?);
        let counts = (0..values).map(|_| Ok((from.text()?, from.u64()?))).collect::<Result<_, Unreadable>>()?;
        from.end()?;
        Ok(Self { entropy, rows, counts })
    }
}
