//! A leaf: the classes of its rows, what it observed of the features, how it predicts and whether it should be split.

use std::cmp::Ordering;

use super::gaussian::{Classes, Gaussians, Split, rows};
use super::{Prediction, Settings};
use crate::bytes::{Reader, Unreadable, Writer};

/// What a leaf should become.
pub(super) enum Verdict {
    /// It stays as it is.
    Wait,
    /// No split is best.
    Sleep,
    Split(Split),
}

pub(super) struct Leaf {
    classes: Classes,
    depth: u64,
    awake: bool,
    /// By feature; empty until a row is learnt from.
    features: Vec<Gaussians>,
    rows_at_verdict: f64,
    /// How often the majority class and naive Bayes were right.
    majority_right: f64,
    bayes_right: f64,
}

impl Leaf {
    /// A leaf with what its parent knows of its rows.
    pub fn new(classes: Classes, depth: u64) -> Self {
        let rows_at_verdict = rows(&classes);
        Self {
            classes,
            depth,
            awake: true,
            features: Vec::new(),
            rows_at_verdict,
            majority_right: 0.0,
            bayes_right: 0.0,
        }
    }
    pub fn depth(&self) -> u64 {
        self.depth
    }
    pub fn sleep(&mut self) {
        self.awake = false;
        self.features.clear();
    }
    pub fn wake(&mut self, depth_max: u64) {
        self.awake |= self.depth < depth_max;
    }

    pub fn learn(&mut self, row: &[f64], class: i64, settings: &Settings) {
        if self.awake && settings.prediction == Prediction::Adaptive {
            let right = |votes: &Classes| first_best(votes) == Some(class);
            if self.classes.is_empty() || right(&self.shares()) {
                self.majority_right += 1.0;
            }
            if right(&self.bayes(row)) {
                self.bayes_right += 1.0;
            }
        }
        match self.classes.iter_mut().find(|(known, _)| *known == class) {
            Some((_, rows)) => *rows += 1.0,
            None => self.classes.push((class, 1.0)),
        }
        if self.awake {
            self.features.resize(row.len(), Gaussians::default());
            self.features.iter_mut().zip(row).for_each(|(feature, x)| feature.update(*x, class));
        }
    }

    /// The classes' probabilities.
    pub fn votes(&self, row: &[f64], settings: &Settings) -> Classes {
        let bayes = self.awake
            && match settings.prediction {
                Prediction::MajorityClass => false,
                Prediction::NaiveBayes => rows(&self.classes) >= settings.naive_bayes_rows,
                Prediction::Adaptive => self.bayes_right >= self.majority_right,
            };
        if bayes { self.bayes(row) } else { self.shares() }
    }

    fn shares(&self) -> Classes {
        let all = rows(&self.classes);
        let factor = if all == 0.0 { 1.0 } else { 1.0 / all };
        self.classes.iter().map(|(class, rows)| (*class, rows * factor)).collect()
    }

    fn bayes(&self, row: &[f64]) -> Classes {
        let all = rows(&self.classes);
        if all == 0.0 {
            return Classes::new();
        }
        let mut votes = self.classes.clone();
        for (class, vote) in &mut votes {
            if *vote == 0.0 {
                continue;
            }
            *vote = (*vote / all).ln();
            for (feature, x) in self.features.iter().zip(row) {
                *vote += feature.log_density(*x, *class).unwrap_or(0.0);
            }
        }
        let highest = votes.iter().fold(f64::NEG_INFINITY, |highest, (_, vote)| highest.max(*vote));
        let sum = votes.iter().fold(0.0, |sum, (_, vote)| sum + (vote - highest).exp());
        let log_sum = highest + sum.ln();
        votes.iter_mut().for_each(|(_, vote)| *vote = (*vote - log_sum).exp());
        votes
    }

    /// Looks at the splits, once in each grace period.
    pub fn verdict(&mut self, settings: &Settings) -> Verdict {
        if !self.awake {
            return Verdict::Wait;
        }
        if self.depth >= settings.depth_max {
            self.sleep();
            return Verdict::Wait;
        }
        let seen = rows(&self.classes);
        if seen - self.rows_at_verdict < settings.grace_period {
            return Verdict::Wait;
        }
        self.rows_at_verdict = seen;
        if self.classes.iter().filter(|(_, rows)| *rows != 0.0).count() < 2 {
            return Verdict::Wait;
        }
        self.best_split(seen, settings)
    }

    fn best_split(&self, seen: f64, settings: &Settings) -> Verdict {
        let majority = self.classes.iter().fold(0.0, |most: f64, (_, rows)| most.max(*rows));
        if majority / seen > settings.share_max {
            return Verdict::Sleep;
        }
        let of_feature = |(i, feature): (usize, &Gaussians)| feature.best_split(i, &self.classes, settings);
        // No split at all is a candidate too, and so is a feature without one.
        let mut candidates: Vec<Option<Split>> = vec![None];
        candidates.extend(self.features.iter().enumerate().map(of_feature));
        let merit = |candidate: &Option<Split>| candidate.as_ref().map_or(f64::NEG_INFINITY, |split| split.merit);
        candidates.sort_by(|a, b| merit(a).partial_cmp(&merit(b)).unwrap_or(Ordering::Equal));
        let best = candidates.pop().expect("no split is one");
        if let Some(second) = candidates.last() {
            let range = (self.classes.len().max(2) as f64).log2();
            let bound = (range * range * (1.0 / settings.delta).ln() / (2.0 * seen)).sqrt();
            let clear = merit(&best) - merit(second) > bound || bound < settings.tau;
            if !clear {
                return Verdict::Wait;
            }
        }
        best.map_or(Verdict::Sleep, Verdict::Split)
    }

    pub fn save(&self, to: &mut Writer) {
        to.u64(self.classes.len() as u64);
        self.classes.iter().for_each(|(class, rows)| {
            to.i64(*class).f64(*rows);
        });
        to.bool(self.awake).u64(self.features.len() as u64);
        self.features.iter().for_each(|feature| feature.save(to));
        to.f64(self.rows_at_verdict).f64(self.majority_right).f64(self.bayes_right);
    }
    pub fn load(from: &mut Reader, features: usize, depth: u64) -> Result<Self, Unreadable> {
        let classes = (0..from.count()?).map(|_| Ok((from.i64()?, from.f64()?))).collect::<Result<_, Unreadable>>()?;
        let awake = from.bool()?;
        let observed = (0..from.count()?).map(|_| Gaussians::load(from)).collect::<Result<Vec<_>, Unreadable>>()?;
        if observed.len() > features {
            return Err("the snapshot has a leaf of other features".to_owned());
        }
        let (rows_at_verdict, majority_right, bayes_right) = (from.f64()?, from.f64()?, from.f64()?);
        Ok(Self { classes, depth, awake, features: observed, rows_at_verdict, majority_right, bayes_right })
    }
}

/// The first of the classes with the most votes.
fn first_best(votes: &Classes) -> Option<i64> {
    let mut best: Option<(i64, f64)> = None;
    for (class, vote) in votes {
        if best.is_none_or(|(_, most)| *vote > most) {
            best = Some((*class, *vote));
        }
    }
    best.map(|(class, _)| class)
}
