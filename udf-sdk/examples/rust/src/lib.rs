//! Functions of each kind in Rust.
//!
//! ```sql
//! CREATE FUNCTION domain(email STRING) RETURNS STRING LANGUAGE WASM USING FILE 'examples.wasm';
//! CREATE TABLE FUNCTION words(line STRING) RETURNS TABLE (word STRING, position INT) LANGUAGE WASM USING FILE 'examples.wasm';
//! CREATE AGGREGATE FUNCTION geo_mean(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'examples.wasm';
//! CREATE PROCESS FUNCTION quiet LANGUAGE WASM USING FILE 'examples.wasm';
//! CREATE MODEL linear INPUT (x DOUBLE) OUTPUT (y DOUBLE) LANGUAGE WASM USING FILE 'examples.wasm' WITH ('artifact' = 'line.txt');
//! ```

mod process;

use std::collections::{BTreeMap, BTreeSet};

use wasmill::{Batch, Decimal, Timestamp};

/// The part of an address after the last @; NULL where there is none.
#[wasmill::scalar]
pub fn domain(email: &str) -> Option<String> {
    email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
}

/// Whether a text begins with another.
#[wasmill::scalar]
pub fn begins(text: &str, with: &str) -> bool {
    text.starts_with(with)
}

/// Numbers alone: the engine takes the body into its own loop.
#[wasmill::scalar]
pub fn half(amount: f64) -> f64 {
    amount / 2.0
}

/// The first that is not NULL.
#[wasmill::scalar]
pub fn first_known<'a>(a: Option<&'a str>, b: Option<&'a str>) -> Option<&'a str> {
    a.or(b)
}

/// Refuses what is below zero.
#[wasmill::scalar]
pub fn root(x: f64) -> Result<f64, String> {
    if x < 0.0 { Err(format!("no root of {x}")) } else { Ok(x.sqrt()) }
}

/// A price in hundredths, with so many percent on top.
#[wasmill::scalar]
pub fn with_tax(price: Decimal<10, 2>, percent: i32) -> Decimal<12, 2> {
    Decimal(price.0 * (100 + i128::from(percent)) / 100)
}

/// The start of the hour.
#[wasmill::scalar]
pub fn hour(at: Timestamp<3>) -> Timestamp<3> {
    Timestamp(at.0 - at.0.rem_euclid(3_600_000))
}

/// What this module calls an amount of money.
pub type Cents = i64;

/// With types that the attribute cannot know.
#[wasmill::scalar(name = "cents_up", returns = "BIGINT")]
pub fn rounded_up(#[sql("BIGINT")] amount: Cents, step: i64) -> Cents {
    if step <= 0 { amount } else { amount.div_euclid(step) * step + if amount.rem_euclid(step) > 0 { step } else { 0 } }
}

/// The function that the benchmark measures, over whole columns.
#[wasmill::batch(arguments = "DOUBLE, DOUBLE")]
pub fn blend(batch: &Batch) -> Result<Vec<f64>, String> {
    let (a, b) = (batch.column(0), batch.column(1));
    if a.is_constant() || b.is_constant() || a.null_count() + b.null_count() > 0 {
        return Err("blend takes columns without NULL".to_owned());
    }
    let pairs = a.values::<f64>().iter().zip(b.values::<f64>());
    Ok(pairs.map(|(a, b)| 0.7 * a + b / (1.0 + a.abs()) + 0.25 * if *b > 0.0 { *b } else { 0.0 }).collect())
}

/// How often each text of an array is there; a NULL among them counts as ''.
#[wasmill::scalar]
pub fn counted(texts: Vec<Option<&str>>) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text.unwrap_or("").to_owned()).or_default() += 1;
    }
    counts
}

/// The values of a map, in the order of their keys.
#[wasmill::scalar]
pub fn values_of(map: BTreeMap<&str, Option<f64>>) -> Vec<Option<f64>> {
    map.into_values().collect()
}

/// The words of a line, with their places from 1.
#[wasmill::table(word, position)]
pub fn words(line: &str) -> impl Iterator<Item = (&str, i32)> {
    line.split_whitespace().zip(1..)
}

/// The parts of `a=1;b=2`; a part without a value fails the row.
#[wasmill::table(key, value)]
pub fn settings(text: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let part = |part: &str| {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("'{part}' has no value"))?;
        Ok((key.trim().to_owned(), Some(value.trim()).filter(|v| !v.is_empty()).map(str::to_owned)))
    };
    text.split(';').map(str::trim).filter(|p| !p.is_empty()).map(part).collect()
}

/// The geometric mean of what is above zero; NULL of nothing.
#[derive(Clone, Copy, Default)]
pub struct GeoMean {
    logs: f64,
    count: u64,
}

#[wasmill::aggregate]
impl GeoMean {
    fn accumulate(&mut self, x: f64) -> Result<(), String> {
        if x <= 0.0 {
            return Err(format!("no geometric mean of {x}"));
        }
        self.logs += x.ln();
        self.count += 1;
        Ok(())
    }
    fn retract(&mut self, x: f64) {
        self.logs -= x.ln();
        self.count -= 1;
    }
    fn merge(&mut self, other: &Self) {
        self.logs += other.logs;
        self.count += other.count;
    }
    fn finish(&self) -> Option<f64> {
        (self.count > 0).then(|| (self.logs / self.count as f64).exp())
    }
}

/// All different texts of a group in their order, with commas between them: a state with memory of its own.
#[derive(Default)]
pub struct AllOf {
    texts: BTreeSet<String>,
}

#[wasmill::aggregate]
impl AllOf {
    fn accumulate(&mut self, text: &str) {
        if !self.texts.contains(text) {
            self.texts.insert(text.to_owned());
        }
    }
    fn merge(&mut self, other: &Self) {
        self.texts.extend(other.texts.iter().cloned());
    }
    fn finish(&self) -> String {
        self.texts.iter().map(String::as_str).collect::<Vec<_>>().join(",")
    }
    fn save(&self) -> Vec<u8> {
        self.texts.iter().flat_map(|t| t.bytes().chain([0])).collect()
    }
    fn load(bytes: &[u8]) -> Result<Self, std::str::Utf8Error> {
        let texts = std::str::from_utf8(bytes)?;
        Ok(Self { texts: texts.split_terminator('\0').map(str::to_owned).collect() })
    }
}

/// A line through the origin: the artifact has its slope, which is corrected by what is learnt.
pub struct Line {
    slope: f64,
    seen: u64,
}

#[wasmill::model(y)]
impl Line {
    fn load(artifact: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(artifact).map_err(|e| e.to_string())?;
        let slope = text.trim().parse().map_err(|e| format!("'{}' is no slope: {e}", text.trim()))?;
        Ok(Self { slope, seen: 0 })
    }
    fn predict(&self, x: f64) -> f64 {
        self.slope * x
    }
    fn learn(&mut self, x: f64, y: f64) {
        self.seen += 1;
        if x != 0.0 {
            self.slope += (y / x - self.slope) / (self.seen + 1) as f64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_stay_ordinary() {
        assert_eq!(domain("Ada@Example.COM").as_deref(), Some("example.com"));
        assert_eq!(words(" a  bc").collect::<Vec<_>>(), [("a", 1), ("bc", 2)]);
        let mut mean = GeoMean::default();
        mean.accumulate(2.0).unwrap();
        mean.accumulate(8.0).unwrap();
        assert!((mean.finish().unwrap() - 4.0).abs() < 1e-12);
    }
}
