//! Runs the fuzzer's targets without a fuzzer: over `engine/fuzz/corpus`, which holds small examples and what the fuzzer has
//! found, and over copies that are changed at random, the same on every run.
//!
//! `FUZZ_RUNS=100000` runs more of the changed copies, `FUZZ_TARGET=csv` only one target.

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use targets::TARGETS;

/// Changed copies of each example.
const RUNS: usize = 60;

#[test]
fn targets_hold_over_the_corpus_and_changed_copies_of_it() {
    let runs = std::env::var("FUZZ_RUNS").ok().and_then(|n| n.parse().ok()).unwrap_or(RUNS);
    let only = std::env::var("FUZZ_TARGET").unwrap_or_default();
    // As in the program, so that deep nesting does not end a test's small stack.
    let work = move || {
        TARGETS
            .iter()
            .filter(|(name, _)| name.contains(&only))
            .flat_map(|(name, target)| run(name, *target, runs))
            .collect()
    };
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(work).expect("a thread");
    let failures: Vec<String> = thread.join().expect("failures are caught");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn run(name: &str, target: targets::Target, runs: usize) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder).expect("the corpus").flatten().map(|e| e.path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", folder.display());
    let examples: Vec<Vec<u8>> = files.iter().map(|f| fs::read(f).expect("an example")).collect();
    let mut failures = Vec::new();
    for (file, example) in files.iter().zip(&examples) {
        for number in 0..=runs {
            let mut random = Random::new(number as u64, example);
            let bytes = if number == 0 { example.clone() } else { random.changed(example, &examples) };
            if catch_unwind(AssertUnwindSafe(|| target(&bytes))).is_err() {
                failures.push(format!("{} changed {number}: {:?}", file.display(), String::from_utf8_lossy(&bytes)));
                break;
            }
        }
    }
    failures
}

/// Xorshift: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64, example: &[u8]) -> Self {
        let start = example.iter().fold(seed + 1, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01B3));
        Self(start | 1)
    }
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    /// A copy with one to four changes.
    fn changed(&mut self, example: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = example.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let end = (at + 1 + self.below(12)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                2 if at < end => drop(bytes.drain(at..end)),
                3 if at < end => {
                    let copy = bytes[at..end].to_vec();
                    let to = self.below(bytes.len() + 1);
                    bytes.splice(to..to, copy);
                }
                4 => bytes.truncate(at),
                _ => {
                    // A piece of another example.
                    let other = &others[self.below(others.len())];
                    let from = self.below(other.len() + 1);
                    let to = (from + 1 + self.below(40)).min(other.len());
                    bytes.splice(at..at, other[from..to.max(from)].iter().copied());
                }
            }
        }
        bytes
    }
}
