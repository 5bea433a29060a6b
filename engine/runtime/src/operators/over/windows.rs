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

use std::cmp::Ordering;

use super::arguments::Class;
use super::store::{Head, Slab, Store, wide};

/// How the frame of a key moves for one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) key: u32,
    base: u32,
    mask: u32,
    /// The front partials are to be made anew.
    flip: bool,
    pub(super) lo_from: u64,
    pub(super) lo: u64,
    pub(super) mid: u64,
    pub(super) hi_from: u64,
    pub(super) hi: u64,
}

impl Step {
    #[inline]
    fn offset(&self, position: u64, stride: usize) -> usize {
        (self.base as usize + (position as usize & self.mask as usize)) * stride
    }
    #[inline]
    fn record<'a>(&self, store: &'a Store, position: u64) -> &'a [u64] {
        let at = self.offset(position, store.stride);
        &store.records[at..at + store.stride]
    }
}

/// The frame's bounds and shape; its words in a key are `[lo, mid, hi]`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds {
    Rows(Option<u64>),
    Range(Option<i64>),
}

/// Moves the frames of the keys for each row, in order. `rows` are (key, position); all rows of one time are in the store.
pub(super) fn steps(store: &mut Store, bounds: Bounds, word: usize, rows: &[(u32, u64)], out: &mut Vec<Step>) {
    out.clear();
    for &(key, position) in rows {
        let head = store.heads[key as usize];
        let at = key as usize * store.key_stride + word;
        let [lo_from, mut mid, hi_from] = [store.key_words[at], store.key_words[at + 1], store.key_words[at + 2]];
        let (mut lo, mut hi) = (lo_from, hi_from.max(position + 1));
        match bounds {
            Bounds::Rows(None) => {}
            Bounds::Rows(Some(preceding)) => lo = lo.max(position.saturating_sub(preceding)),
            Bounds::Range(preceding) => {
                let time = time_at(store, &head, position);
                if position >= hi_from {
                    while hi < head.next && time_at(store, &head, hi) == time {
                        hi += 1;
                    }
                }
                if let Some(preceding) = preceding {
                    let from = time.saturating_sub(preceding);
                    while lo < position && time_at(store, &head, lo) < from {
                        lo += 1;
                    }
                }
            }
        }
        let flip = lo > mid;
        if flip {
            mid = hi;
        }
        store.key_words[at..at + 3].copy_from_slice(&[lo, mid, hi]);
        out.push(Step { key, base: head.base, mask: head.capacity - 1, flip, lo_from, lo, mid, hi_from, hi });
    }
}

#[inline]
fn time_at(store: &Store, head: &Head, position: u64) -> i64 {
    store.records[store.offset(head, position)] as i64
}

/// One aggregate of a frame. `bit` says which rows count; words are offsets in the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Rows that count.
    Count { bit: usize },
    /// Sum modulo 2^64.
    SumInt { bit: usize, word: usize },
    /// Sum of 128-bit values in 192 bits.
    SumWide { bit: usize, word: usize },
    /// Sum of DOUBLEs.
    SumFloat { bit: usize, word: usize },
    /// Sum of FLOATs, rounded to FLOAT at each step.
    SumSingle { bit: usize, word: usize },
    /// Count, mean and sum of squared deviations of DOUBLEs.
    Moments { bit: usize, word: usize },
    /// Least or greatest `i64`, or f64 in [`ordered`] form.
    Extreme { bit: usize, word: usize, float: bool, greatest: bool },
    /// The least or greatest value of the other classes; ties: the first. (Its partials are positions + 1; 0 for none.)
    ExtremeAt { bit: usize, value: Place, greatest: bool },
    /// The value of the first row that counts.
    First { bit: usize, value: Place },
    /// The value of the last row that counts.
    Last { bit: usize, value: Place },
    /// The same over an unbounded frame, of which no row is kept: the value itself is.
    Keep { bit: usize, value: Place, rule: Rule },
    /// The value `offset` rows before the frame's last, or of `default` in the last.
    Lag { bit: usize, value: Place, offset: u64, default: Option<(usize, Place)> },
}

/// Where a value lies in a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) word: usize,
    pub(super) class: Class,
}

/// Which value an unbounded frame keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    First,
    Last,
    Least,
    Greatest,
}

impl Place {
    /// `[1, low, high]`.
    #[inline]
    pub(super) fn take(&self, record: &[u64]) -> [u64; 3] {
        [1, record[self.word], if self.class == Class::Wide { record[self.word + 1] } else { 0 }]
    }
    pub(super) fn compare(&self, slab: &Slab, a: [u64; 3], b: [u64; 3]) -> Ordering {
        match self.class {
            Class::Int => (a[1] as i64).cmp(&(b[1] as i64)),
            Class::Float => ordered(a[1]).cmp(&ordered(b[1])),
            Class::Wide => wide(&a, 1).cmp(&wide(&b, 1)),
            Class::Bytes => slab.get(a[1]).cmp(slab.get(b[1])),
        }
    }
}

/// A [`Kind`] with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Partial {
    pub(super) kind: Kind,
    /// Offset of its running words in the key's words.
    pub(super) key_word: usize,
    /// Offset of its front partial in the record.
    pub(super) front_word: usize,
}

impl Kind {
    /// Words of its value in the results: the value, or `[present, low, high]`.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::SumWide { .. } | Self::Moments { .. } => 3,
            Self::Count { .. }
            | Self::SumInt { .. }
            | Self::SumFloat { .. }
            | Self::SumSingle { .. }
            | Self::Extreme { .. } => 1,
            _ => 3,
        }
    }
    /// Words of its partial in each record.
    pub(super) fn front_width(&self) -> usize {
        match self {
            Self::SumFloat { .. } | Self::SumSingle { .. } | Self::Extreme { .. } | Self::ExtremeAt { .. } => 1,
            Self::Moments { .. } => 3,
            _ => 0,
        }
    }
    /// The running words of a new key.
    pub(super) fn initial(&self) -> Vec<u64> {
        match self {
            Self::SumFloat { .. } | Self::SumSingle { .. } => vec![(-0.0f64).to_bits()],
            Self::Extreme { greatest, .. } => vec![Extreme::none(*greatest) as u64],
            Self::SumWide { .. } | Self::Moments { .. } | Self::Keep { .. } => vec![0; 3],
            Self::Lag { .. } => Vec::new(),
            _ => vec![0],
        }
    }
}

#[inline]
pub(super) fn counts(record: &[u64], bit: usize) -> bool {
    record[1 + bit / 64] >> (bit % 64) & 1 == 1
}

/// A DOUBLE as an integer of the same order; NaN is greatest, and one value.
#[inline]
pub(super) fn ordered(bits: u64) -> i64 {
    let bits = if f64::from_bits(bits).is_nan() { f64::NAN.to_bits() } else { bits } as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The inverse of [`ordered`].
#[inline]
pub(super) fn unordered(value: i64) -> u64 {
    (value ^ (((value >> 63) as u64) >> 1) as i64) as u64
}

impl Partial {
    /// Runs the steps and appends its value for each, [`Kind::width`] words a row.
    pub(super) fn run(&self, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        match self.kind {
            Kind::Count { bit } => self.running(&Count { bit }, store, steps, out),
            Kind::SumInt { bit, word } => self.running(&SumInt { bit, word }, store, steps, out),
            Kind::SumWide { bit, word } => self.running(&SumWide { bit, word }, store, steps, out),
            Kind::SumFloat { bit, word } => self.stacks(&SumFloat { bit, word }, store, steps, out),
            Kind::SumSingle { bit, word } => self.stacks(&SumSingle { bit, word }, store, steps, out),
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
            Kind::Lag { bit, value, offset, default } => lag_values(bit, value, offset, default, store, steps, out),
        }
    }

    fn running<R: Running>(&self, running: &R, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        let stride = store.stride;
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            let mut value = R::read(&store.key_words[at..]);
            for position in step.hi_from..step.hi {
                let offset = step.offset(position, stride);
                value = running.add(value, &store.records[offset..offset + stride]);
            }
            for position in step.lo_from..step.lo {
                let offset = step.offset(position, stride);
                value = running.subtract(value, &store.records[offset..offset + stride]);
            }
            let words = R::write(value);
            store.key_words[at..at + words.as_ref().len()].copy_from_slice(words.as_ref());
            out.extend_from_slice(words.as_ref());
        }
    }

    fn stacks<M: Monoid>(&self, monoid: &M, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
        let stride = store.stride;
        for step in steps {
            let at = step.key as usize * store.key_stride + self.key_word;
            let mut back = M::read(&store.key_words[at..]);
            if step.flip {
                let mut front = monoid.identity();
                for position in (step.lo..step.hi).rev() {
                    let offset = step.offset(position, stride);
                    let record = &mut store.records[offset..offset + stride];
                    front = monoid.join(monoid.value(record), front);
                    let words = M::write(front);
                    record[self.front_word..self.front_word + words.as_ref().len()].copy_from_slice(words.as_ref());
                }
                back = monoid.identity();
            } else {
                for position in step.hi_from..step.hi {
                    let offset = step.offset(position, stride);
                    back = monoid.join(back, monoid.value(&store.records[offset..offset + stride]));
                }
            }
            let words = M::write(back);
            store.key_words[at..at + words.as_ref().len()].copy_from_slice(words.as_ref());
            let value = if step.lo < step.mid {
                let offset = step.offset(step.lo, stride) + self.front_word;
                monoid.join(M::read(&store.records[offset..]), back)
            } else {
                back
            };
            out.extend_from_slice(M::write(value).as_ref());
        }
    }

    fn first_values(&self, bit: usize, value: Place, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
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

    fn last_values(&self, bit: usize, value: Place, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
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

    fn kept_values(&self, bit: usize, value: Place, rule: Rule, store: &mut Store, steps: &[Step], out: &mut Vec<u64>) {
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

/// No value, as `[present, low, high]`.
const NONE: [u64; 3] = [0; 3];

fn lag_values(
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

/// A value from which rows can be taken away again, exactly.
trait Running {
    type Value: Copy;
    type Words: AsRef<[u64]>;
    fn add(&self, value: Self::Value, record: &[u64]) -> Self::Value;
    fn subtract(&self, value: Self::Value, record: &[u64]) -> Self::Value;
    fn read(words: &[u64]) -> Self::Value;
    fn write(value: Self::Value) -> Self::Words;
}

pub(super) struct Count {
    pub(super) bit: usize,
}

impl Running for Count {
    type Value = u64;
    type Words = [u64; 1];
    #[inline]
    fn add(&self, value: u64, record: &[u64]) -> u64 {
        value + u64::from(counts(record, self.bit))
    }
    #[inline]
    fn subtract(&self, value: u64, record: &[u64]) -> u64 {
        value - u64::from(counts(record, self.bit))
    }
    #[inline]
    fn read(words: &[u64]) -> u64 {
        words[0]
    }
    #[inline]
    fn write(value: u64) -> [u64; 1] {
        [value]
    }
}

pub(super) struct SumInt {
    pub(super) bit: usize,
    pub(super) word: usize,
}

impl Running for SumInt {
    type Value = u64;
    type Words = [u64; 1];
    #[inline]
    fn add(&self, value: u64, record: &[u64]) -> u64 {
        value.wrapping_add(if counts(record, self.bit) { record[self.word] } else { 0 })
    }
    #[inline]
    fn subtract(&self, value: u64, record: &[u64]) -> u64 {
        value.wrapping_sub(if counts(record, self.bit) { record[self.word] } else { 0 })
    }
    #[inline]
    fn read(words: &[u64]) -> u64 {
        words[0]
    }
    #[inline]
    fn write(value: u64) -> [u64; 1] {
        [value]
    }
}

pub(super) struct SumWide {
    pub(super) bit: usize,
    pub(super) word: usize,
}

/// Sum of 128-bit values in 192 bits: low 128, and how often they overflowed.
#[derive(Clone, Copy)]
pub(super) struct Wide192 {
    pub(super) low: i128,
    pub(super) carry: i64,
}

impl Wide192 {
    #[inline]
    pub(super) fn add(self, value: i128) -> Self {
        let (low, over) = self.low.overflowing_add(value);
        Self { low, carry: self.carry + if over { value.signum() as i64 } else { 0 } }
    }
    #[inline]
    pub(super) fn subtract(self, value: i128) -> Self {
        let (low, over) = self.low.overflowing_sub(value);
        Self { low, carry: self.carry - if over { value.signum() as i64 } else { 0 } }
    }
    #[inline]
    pub(super) fn read(words: &[u64]) -> Self {
        Self { low: wide(words, 0), carry: words[2] as i64 }
    }
    /// The value where it fits 128 bits.
    pub(super) fn exact(self) -> Option<i128> {
        (self.carry == 0).then_some(self.low)
    }
}

impl Running for SumWide {
    type Value = Wide192;
    type Words = [u64; 3];
    #[inline]
    fn add(&self, value: Wide192, record: &[u64]) -> Wide192 {
        if counts(record, self.bit) { value.add(wide(record, self.word)) } else { value }
    }
    #[inline]
    fn subtract(&self, value: Wide192, record: &[u64]) -> Wide192 {
        if counts(record, self.bit) { value.subtract(wide(record, self.word)) } else { value }
    }
    #[inline]
    fn read(words: &[u64]) -> Wide192 {
        Wide192::read(words)
    }
    #[inline]
    fn write(value: Wide192) -> [u64; 3] {
        [value.low as u64, (value.low >> 64) as u64, value.carry as u64]
    }
}

/// A value that grows by joining, in the order of the rows.
pub(super) trait Monoid {
    type Value: Copy;
    type Words: AsRef<[u64]>;
    fn identity(&self) -> Self::Value;
    /// Of one row; the identity where it does not count.
    fn value(&self, record: &[u64]) -> Self::Value;
    fn join(&self, a: Self::Value, b: Self::Value) -> Self::Value;
    fn read(words: &[u64]) -> Self::Value;
    fn write(value: Self::Value) -> Self::Words;
}

pub(super) struct SumFloat {
    pub(super) bit: usize,
    pub(super) word: usize,
}

impl Monoid for SumFloat {
    type Value = f64;
    type Words = [u64; 1];
    #[inline]
    fn identity(&self) -> f64 {
        // The one value that leaves every other as it is, 0.0 and -0.0 too.
        -0.0
    }
    #[inline]
    fn value(&self, record: &[u64]) -> f64 {
        if counts(record, self.bit) { f64::from_bits(record[self.word]) } else { -0.0 }
    }
    #[inline]
    fn join(&self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline]
    fn read(words: &[u64]) -> f64 {
        f64::from_bits(words[0])
    }
    #[inline]
    fn write(value: f64) -> [u64; 1] {
        [value.to_bits()]
    }
}

pub(super) struct SumSingle {
    pub(super) bit: usize,
    pub(super) word: usize,
}

impl Monoid for SumSingle {
    type Value = f64;
    type Words = [u64; 1];
    #[inline]
    fn identity(&self) -> f64 {
        -0.0
    }
    #[inline]
    fn value(&self, record: &[u64]) -> f64 {
        if counts(record, self.bit) { f64::from_bits(record[self.word]) } else { -0.0 }
    }
    #[inline]
    fn join(&self, a: f64, b: f64) -> f64 {
        f64::from(a as f32 + b as f32)
    }
    #[inline]
    fn read(words: &[u64]) -> f64 {
        f64::from_bits(words[0])
    }
    #[inline]
    fn write(value: f64) -> [u64; 1] {
        [value.to_bits()]
    }
}

pub(super) struct Extreme<const FLOAT: bool, const GREATEST: bool> {
    pub(super) bit: usize,
    pub(super) word: usize,
}

impl Extreme<false, false> {
    /// What is worse than every value; whether there was one is told by a count.
    pub(super) fn none(greatest: bool) -> i64 {
        if greatest { i64::MIN } else { i64::MAX }
    }
}

impl<const FLOAT: bool, const GREATEST: bool> Monoid for Extreme<FLOAT, GREATEST> {
    type Value = i64;
    type Words = [u64; 1];
    #[inline]
    fn identity(&self) -> i64 {
        Extreme::none(GREATEST)
    }
    #[inline]
    fn value(&self, record: &[u64]) -> i64 {
        match (counts(record, self.bit), FLOAT) {
            (false, _) => self.identity(),
            (true, true) => ordered(record[self.word]),
            (true, false) => record[self.word] as i64,
        }
    }
    #[inline]
    fn join(&self, a: i64, b: i64) -> i64 {
        if GREATEST { a.max(b) } else { a.min(b) }
    }
    #[inline]
    fn read(words: &[u64]) -> i64 {
        words[0] as i64
    }
    #[inline]
    fn write(value: i64) -> [u64; 1] {
        [value as u64]
    }
}

pub(super) struct Moments {
    pub(super) bit: usize,
    pub(super) word: usize,
}

/// Count, mean, and sum of squared deviations from the mean; joined as in Chan, Golub, LeVeque (1979).
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) m2: f64,
}

impl Monoid for Moments {
    type Value = Moment;
    type Words = [u64; 3];
    fn identity(&self) -> Moment {
        Moment { count: 0.0, mean: 0.0, m2: 0.0 }
    }
    #[inline]
    fn value(&self, record: &[u64]) -> Moment {
        if !counts(record, self.bit) {
            return self.identity();
        }
        let mean = f64::from_bits(record[self.word]);
        Moment { count: 1.0, mean, m2: 0.0 }
    }
    #[inline]
    fn join(&self, a: Moment, b: Moment) -> Moment {
        if a.count == 0.0 {
            return b;
        }
        if b.count == 0.0 {
            return a;
        }
        let (count, delta) = (a.count + b.count, b.mean - a.mean);
        Moment {
            count,
            mean: a.mean + delta * b.count / count,
            m2: a.m2 + b.m2 + delta * delta * a.count * b.count / count,
        }
    }
    #[inline]
    fn read(words: &[u64]) -> Moment {
        Moment { count: f64::from_bits(words[0]), mean: f64::from_bits(words[1]), m2: f64::from_bits(words[2]) }
    }
    #[inline]
    fn write(value: Moment) -> [u64; 3] {
        [value.count.to_bits(), value.mean.to_bits(), value.m2.to_bits()]
    }
}
