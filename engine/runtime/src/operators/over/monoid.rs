//! Values that grow by joining, in the order of the rows; those that can also shrink; and the choice of the one for a
//! partial. Sums of more than a word are in [`super::sums`].

use super::partial::{Place, Rule};
use super::store::Slab;

/// A value that grows by joining, in the order of the rows.
pub(super) trait Monoid {
    type Value: InWords;
    fn identity(&self) -> Self::Value;
    /// The bit that says whether a row counts.
    fn bit(&self) -> usize;
    /// Of one row that counts.
    fn of(&self, record: &[u64]) -> Self::Value;
    fn join(&self, a: Self::Value, b: Self::Value) -> Self::Value;

    /// Of one row; the identity where it does not count.
    #[inline]
    fn value(&self, record: &[u64]) -> Self::Value {
        if counts(record, self.bit()) { self.of(record) } else { self.identity() }
    }
}

/// How a value lies in records, keys and trees.
pub(super) trait InWords: Copy {
    type Words: AsRef<[u64]>;
    fn read(words: &[u64]) -> Self;
    fn write(self) -> Self::Words;
}

macro_rules! in_one_word {
    ($type:ty, $read:expr, $write:expr) => {
        impl InWords for $type {
            type Words = [u64; 1];
            #[inline]
            fn read(words: &[u64]) -> Self {
                $read(words[0])
            }
            #[inline]
            fn write(self) -> [u64; 1] {
                [$write(self)]
            }
        }
    };
}
in_one_word!(u64, |word| word, |value| value);
in_one_word!(i64, |word| word as i64, |value| value as u64);
in_one_word!(f64, f64::from_bits, f64::to_bits);

impl InWords for [u64; 3] {
    type Words = Self;
    #[inline]
    fn read(words: &[u64]) -> Self {
        [words[0], words[1], words[2]]
    }
    #[inline]
    fn write(self) -> Self {
        self
    }
}

/// A monoid from whose values a row can be taken away again, exactly.
pub(super) trait Invertible: Monoid {
    /// `value` without a row that was joined to it.
    fn without(&self, value: Self::Value, record: &[u64]) -> Self::Value;
}

/// Whether a row counts for the bit's condition.
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

/// How many rows count.
pub(super) struct Count {
    pub(super) bit: usize,
}

impl Monoid for Count {
    type Value = u64;
    fn identity(&self) -> u64 {
        0
    }
    fn bit(&self) -> usize {
        self.bit
    }
    #[inline]
    fn of(&self, _record: &[u64]) -> u64 {
        1
    }
    #[inline]
    fn join(&self, a: u64, b: u64) -> u64 {
        a + b
    }
}

impl Invertible for Count {
    #[inline]
    fn without(&self, value: u64, record: &[u64]) -> u64 {
        value - self.value(record)
    }
}

/// A sum modulo 2^64.
pub(super) struct SumInt {
    pub(super) bit: usize,
    pub(super) word: usize,
}

impl Monoid for SumInt {
    type Value = u64;
    fn identity(&self) -> u64 {
        0
    }
    fn bit(&self) -> usize {
        self.bit
    }
    #[inline]
    fn of(&self, record: &[u64]) -> u64 {
        record[self.word]
    }
    #[inline]
    fn join(&self, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }
}

impl Invertible for SumInt {
    #[inline]
    fn without(&self, value: u64, record: &[u64]) -> u64 {
        value.wrapping_sub(self.value(record))
    }
}

/// The least or greatest `i64`, or f64 in [`ordered`] form.
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
    #[inline]
    fn identity(&self) -> i64 {
        Extreme::none(GREATEST)
    }
    fn bit(&self) -> usize {
        self.bit
    }
    #[inline]
    fn of(&self, record: &[u64]) -> i64 {
        if FLOAT { ordered(record[self.word]) } else { record[self.word] as i64 }
    }
    #[inline]
    fn join(&self, a: i64, b: i64) -> i64 {
        if GREATEST { a.max(b) } else { a.min(b) }
    }
}

/// One of the values, as `[present, low, high]`.
pub(super) struct Chosen<'a> {
    pub(super) bit: usize,
    pub(super) value: Place,
    pub(super) rule: Rule,
    pub(super) slab: &'a Slab,
}

impl Monoid for Chosen<'_> {
    type Value = [u64; 3];
    fn identity(&self) -> [u64; 3] {
        [0; 3]
    }
    fn bit(&self) -> usize {
        self.bit
    }
    fn of(&self, record: &[u64]) -> [u64; 3] {
        self.value.take(record)
    }
    fn join(&self, a: [u64; 3], b: [u64; 3]) -> [u64; 3] {
        let later = match (a[0], b[0], self.rule) {
            (0, _, _) => true,
            (_, 0, _) | (_, _, Rule::First) => false,
            (_, _, Rule::Last) => true,
            (_, _, Rule::Least) => self.value.compare(self.slab, b, a).is_lt(),
            (_, _, Rule::Greatest) => self.value.compare(self.slab, b, a).is_gt(),
        };
        if later { b } else { a }
    }
}
