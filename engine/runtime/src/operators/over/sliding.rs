//! Sliding aggregates over one frame in time order, O(1) amortised a row whatever the frame and the skew.
//!
//! ```text
//! rows of a key:   … lo ─────────── mid ─────────── hi …
//!                    front[lo] = v[lo]+…+v[mid-1]   back = v[mid]+…+v[hi-1]      result = front[lo] + back
//! ```
//! What can be taken back exactly (counts, integer and decimal sums) is a running value. Everything else is two stacks
//! (Tangwongsan, Hirzel, Schneider: "Low-latency sliding-window aggregation in worst-case constant time", DEBS 2017, §2): each
//! record holds the partial from it to `mid`; when `lo` passes `mid`, the partials of the whole frame are made anew. Nothing is
//! ever subtracted from a DOUBLE, so sums do not drift and a NaN or an infinity leaves with its row.

use super::monoid::{Count, Extreme, InWords, Invertible, Monoid, SumInt, counts};
use super::partial::{Kind, Partial, Place};
use super::row_values::NONE;
use super::steps::Step;
use super::store::Store;
use super::sums::{Moments, SumFloat, SumWide};

impl Partial {
    /// Runs the steps and appends its value for each, [`Kind::width`] words a row.
    pub(super) fn run(&self, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        match self.kind {
            Kind::Count { bit } => self.running(&Count { bit }, store, steps, out),
            Kind::SumInt { bit, word } => self.running(&SumInt { bit, word }, store, steps, out),
            Kind::SumWide { bit, word } => self.running(&SumWide { bit, word }, store, steps, out),
            Kind::SumFloat { bit, word } => self.stacks(&SumFloat::<false> { bit, word }, store, steps, out),
            Kind::SumSingle { bit, word } => self.stacks(&SumFloat::<true> { bit, word }, store, steps, out),
            Kind::Moments { bit, word } => self.stacks(&Moments { bit, word }, store, steps, out),
            Kind::Extreme { bit, word, float: false, greatest: false } => {
                self.stacks(&Extreme::<false, false> { bit, word }, store, steps, out)
            }
            Kind::Extreme { bit, word, float: false, greatest: true } => {
                self.stacks(&Extreme::<false, true> { bit, word }, store, steps, out)
            }
            Kind::Extreme { bit, word, float: true, greatest: false } => {
                self.stacks(&Extreme::<true, false> { bit, word }, store, steps, out)
            }
            Kind::Extreme { bit, word, float: true, greatest: true } => {
                self.stacks(&Extreme::<true, true> { bit, word }, store, steps, out)
            }
            Kind::ExtremeAt { bit, value, greatest } => self.extreme_values(bit, value, greatest, store, steps, out),
            Kind::First { bit, value } => self.first_values(bit, value, store, steps, out),
            Kind::Last { bit, value } => self.last_values(bit, value, store, steps, out),
            Kind::Keep { bit, value, rule } => self.kept_values(bit, value, rule, store, steps, out),
            Kind::Lag { bit, value, offset, default } => {
                super::row_values::lag_values(bit, value, offset, default, store, steps, out)
            }
        }
    }

    fn running<R: Invertible>(&self, monoid: &R, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        let stride = store.stride;
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            let mut value = R::Value::read(&store.key_words[at..]);
            for position in step.hi_from..step.hi {
                let offset = step.offset(position, stride);
                value = monoid.join(value, monoid.value(&store.records[offset..offset + stride]));
            }
            for position in step.lo_from..step.lo {
                let offset = step.offset(position, stride);
                value = monoid.without(value, &store.records[offset..offset + stride]);
            }
            let words = value.write();
            store.key_words[at..at + words.as_ref().len()].copy_from_slice(words.as_ref());
            out.extend_from_slice(words.as_ref());
        }
    }

    fn stacks<M: Monoid>(&self, monoid: &M, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        let stride = store.stride;
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            let mut back = M::Value::read(&store.key_words[at..]);
            if step.flip {
                let mut front = monoid.identity();
                for position in (step.lo..step.hi).rev() {
                    let offset = step.offset(position, stride);
                    let record = &mut store.records[offset..offset + stride];
                    front = monoid.join(monoid.value(record), front);
                    let words = front.write();
                    record[self.front_word..self.front_word + words.as_ref().len()].copy_from_slice(words.as_ref());
                }
                back = monoid.identity();
            } else {
                for position in step.hi_from..step.hi {
                    let offset = step.offset(position, stride);
                    back = monoid.join(back, monoid.value(&store.records[offset..offset + stride]));
                }
            }
            let words = back.write();
            store.key_words[at..at + words.as_ref().len()].copy_from_slice(words.as_ref());
            let value = if step.lo < step.mid {
                let offset = step.offset(step.lo, stride) + self.front_word;
                monoid.join(M::Value::read(&store.records[offset..]), back)
            } else {
                back
            };
            out.extend_from_slice(value.write().as_ref());
        }
    }

    fn extreme_values(
        &self,
        bit: usize,
        value: Place,
        greatest: bool,
        store: &mut Store,
        steps: &[Step],
        out: &mut Vec<u64>,
    ) {
        // The operands come in the order of the rows: the first of equals wins.
        let better = |store: &Store, step: &Step, a: u64, b: u64| -> u64 {
            if a == 0 || b == 0 {
                return a.max(b);
            }
            let (x, y) = (value.take(step.record(store, a - 1)), value.take(step.record(store, b - 1)));
            let order = value.compare(&store.slab, x, y);
            if (if greatest { order.reverse() } else { order }).is_gt() { b } else { a }
        };
        let own = |store: &Store, step: &Step, position: u64| -> u64 {
            if counts(step.record(store, position), bit) { position + 1 } else { 0 }
        };
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            let mut back = store.key_words[at];
            if step.flip {
                let mut front = 0;
                for position in (step.lo..step.hi).rev() {
                    front = better(store, step, own(store, step, position), front);
                    let offset = step.offset(position, store.stride) + self.front_word;
                    store.records[offset] = front;
                }
                back = 0;
            } else {
                for position in step.hi_from..step.hi {
                    back = better(store, step, back, own(store, step, position));
                }
            }
            store.key_words[at] = back;
            let best = if step.lo < step.mid {
                better(store, step, step.record(store, step.lo)[self.front_word], back)
            } else {
                back
            };
            out.extend(if best > 0 { value.take(step.record(store, best - 1)) } else { NONE });
        }
    }
}
