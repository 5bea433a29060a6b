//! Aggregates whose result is the value of one row: FIRST_VALUE, LAST_VALUE, LAG, and what unbounded frames keep.

use super::arguments::Class;
use super::monoid::counts;
use super::partial::{Partial, Place, Rule};
use super::steps::Step;
use super::store::Store;

/// No value, as `[present, low, high]`.
pub(super) const NONE: [u64; 3] = [0; 3];

impl Partial {
    pub(super) fn first_values(&self, bit: usize, value: Place, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            let mut first = store.key_words[at].max(step.lo);
            while first < step.hi && !counts(step.record(store, first), bit) {
                first += 1;
            }
            store.key_words[at] = first;
            out.extend(if first < step.hi { value.take(step.record(store, first)) } else { NONE });
        }
    }

    pub(super) fn last_values(&self, bit: usize, value: Place, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            for position in step.hi_from..step.hi {
                if counts(step.record(store, position), bit) {
                    store.key_words[at] = position + 1;
                }
            }
            let last = store.key_words[at];
            out.extend(if last > step.lo { value.take(step.record(store, last - 1)) } else { NONE });
        }
    }

    pub(super) fn kept_values(
        &self,
        bit: usize,
        value: Place,
        rule: Rule,
        store: &mut Store,
        steps: &[Step],
        out: &mut Vec<u64>,
    ) {
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            let mut kept = [store.key_words[at], store.key_words[at + 1], store.key_words[at + 2]];
            for position in step.hi_from..step.hi {
                let record = step.record(store, position);
                if !counts(record, bit) {
                    continue;
                }
                let new = value.take(record);
                let better = kept[0] == 0
                    || match rule {
                        Rule::First => false,
                        Rule::Last => true,
                        Rule::Least => value.compare(&store.slab, new, kept).is_lt(),
                        Rule::Greatest => value.compare(&store.slab, new, kept).is_gt(),
                    };
                if better {
                    let old = std::mem::replace(&mut kept, new);
                    if value.class == Class::Bytes {
                        kept[1] = store.slab.copy(new[1]);
                        if old[0] == 1 {
                            store.slab.retire(old[1]);
                        }
                    }
                }
            }
            store.key_words[at..at + 3].copy_from_slice(&kept);
            out.extend(kept);
        }
    }
}

pub(super) fn lag_values(
    bit: usize,
    value: Place,
    offset: u64,
    default: Option<(usize, Place)>,
    store: &Store,
    steps: &[Step],
    out: &mut Vec<u64>,
) {
    let present =
        |record: &[u64], bit: usize, value: Place| if counts(record, bit) { value.take(record) } else { NONE };
    for step in steps {
        out.extend(match ((step.hi - 1).checked_sub(offset), default) {
            (Some(position), _) => present(step.record(store, position), bit, value),
            (None, Some((bit, value))) => present(step.record(store, step.hi - 1), bit, value),
            (None, None) => NONE,
        });
    }
}
