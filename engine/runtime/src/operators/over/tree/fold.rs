//! Partials of a tree, made and read.

use super::{Part, Trees};
use crate::operators::over::monoid::{Chosen, Count, Extreme, InWords, Monoid, SumInt};
use crate::operators::over::partial::{Kind, Rule};
use crate::operators::over::sums::{Exact, Moments, SumFloat, SumWide};

/// Calls generic code with the monoid of a kind.
macro_rules! with_monoid {
    ($kind:expr, $slab:expr, |$m:ident| $body:expr) => {
        match $kind {
            Kind::Count { bit } => {
                let $m = Count { bit };
                $body
            }
            Kind::SumInt { bit, word } => {
                let $m = SumInt { bit, word };
                $body
            }
            Kind::SumWide { bit, word } => {
                let $m = SumWide { bit, word };
                $body
            }
            Kind::SumFloat { bit, word } | Kind::SumSingle { bit, word } => {
                let $m = Exact(SumFloat { bit, word });
                $body
            }
            Kind::Moments { bit, word } => {
                let $m = Moments { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: false, greatest: false } => {
                let $m = Extreme::<false, false> { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: false, greatest: true } => {
                let $m = Extreme::<false, true> { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: true, greatest: false } => {
                let $m = Extreme::<true, false> { bit, word };
                $body
            }
            Kind::Extreme { bit, word, float: true, greatest: true } => {
                let $m = Extreme::<true, true> { bit, word };
                $body
            }
            Kind::ExtremeAt { bit, value, greatest } => {
                let rule = if greatest { Rule::Greatest } else { Rule::Least };
                let $m = Chosen { bit, value, rule, slab: $slab };
                $body
            }
            Kind::First { bit, value } => {
                let $m = Chosen { bit, value, rule: Rule::First, slab: $slab };
                $body
            }
            Kind::Last { bit, value } => {
                let $m = Chosen { bit, value, rule: Rule::Last, slab: $slab };
                $body
            }
            Kind::Keep { bit, value, rule } => {
                let $m = Chosen { bit, value, rule, slab: $slab };
                $body
            }
            Kind::Lag { .. } => unreachable!("LAG is a row, not a partial"),
        }
    };
}

impl Trees {
    /// All partials over some parts.
    pub(super) fn fold_all(&self, parts: &[Part]) -> Vec<u64> {
        let mut words = Vec::with_capacity(self.width);
        for index in 0..self.partials.len() {
            self.fold(index, parts, &mut words);
        }
        words
    }

    /// Takes a new row below a child into the child's partials.
    pub(super) fn join_into(&mut self, node: u32, child: usize, depth: u32, record: &[u64], appended: bool) {
        let entry = self.entry(node, child);
        for index in 0..self.partials.len() {
            let (kind, offset) = self.partials[index];
            let at = entry + offset;
            if !appended && !kind.commutes() {
                let below = self.inners[node as usize].children[child];
                let whole = if depth == 1 {
                    Part::Rows { leaf: below, from: 0, to: self.leaves[below as usize].len as usize }
                } else {
                    Part::Children { inner: below, from: 0, to: self.inners[below as usize].len as usize }
                };
                let mut words = Vec::new();
                self.fold(index, &[whole], &mut words);
                self.inner_words[at..at + words.len()].copy_from_slice(&words);
                continue;
            }
            let words = &mut self.inner_words[at..];
            with_monoid!(kind, &self.slab, |m| join_words(&m, words, record));
        }
    }

    /// Appends the value of partial `index` over some parts.
    pub(in crate::operators::over) fn fold(&self, index: usize, parts: &[Part], out: &mut Vec<u64>) {
        let (kind, offset) = self.partials[index];
        with_monoid!(kind, &self.slab, |m| self.fold_parts(&m, offset, parts, out));
    }

    #[inline]
    fn fold_parts<M: Monoid>(&self, monoid: &M, offset: usize, parts: &[Part], out: &mut Vec<u64>) {
        let mut value = monoid.identity();
        for part in parts {
            match *part {
                Part::Rows { leaf, from, to } => {
                    let base = self.leaves[leaf as usize].base as usize;
                    let rows = &self.records[(base + from) * self.stride..(base + to) * self.stride];
                    for record in rows.chunks_exact(self.stride) {
                        value = monoid.join(value, monoid.value(record));
                    }
                }
                Part::Children { inner, from, to } => {
                    for child in from..to {
                        value =
                            monoid.join(value, M::Value::read(&self.inner_words[self.entry(inner, child) + offset..]));
                    }
                }
            }
        }
        out.extend_from_slice(value.write().as_ref());
    }

    /// Joins a value of partial `index` in front of another, in place.
    pub(in crate::operators::over) fn join(&self, index: usize, before: &[u64], value: &mut [u64]) {
        with_monoid!(self.partials[index].0, &self.slab, |m| join_front(&m, before, value));
    }
}

fn join_words<M: Monoid>(monoid: &M, words: &mut [u64], record: &[u64]) {
    let value = monoid.join(M::Value::read(words), monoid.value(record)).write();
    words[..value.as_ref().len()].copy_from_slice(value.as_ref());
}

fn join_front<M: Monoid>(monoid: &M, before: &[u64], value: &mut [u64]) {
    let joined = monoid.join(M::Value::read(before), M::Value::read(value)).write();
    value[..joined.as_ref().len()].copy_from_slice(joined.as_ref());
}
