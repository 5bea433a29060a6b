//! What a function is computed from: partials, and where they lie in keys and records.

use std::cmp::Ordering;

use super::arguments::Class;
use super::monoid::{Extreme, ordered};
use super::store::{Slab, wide};

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
    /// Words of its partial in a tree.
    pub(super) fn tree_width(&self) -> usize {
        match self {
            Self::Count { .. } | Self::SumInt { .. } | Self::Extreme { .. } => 1,
            Self::SumFloat { .. } | Self::SumSingle { .. } => 2,
            _ => 3,
        }
    }

    /// Whether the order of the rows does not matter.
    pub(super) fn commutes(&self) -> bool {
        !matches!(self, Self::First { .. } | Self::Last { .. } | Self::Keep { .. } | Self::ExtremeAt { .. })
    }
    /// The class of the values that it gives as `[present, low, high]`.
    pub(super) fn value_class(&self) -> Option<Class> {
        match self {
            Self::First { value, .. }
            | Self::Last { value, .. }
            | Self::Keep { value, .. }
            | Self::ExtremeAt { value, .. }
            | Self::Lag { value, .. } => Some(value.class),
            _ => None,
        }
    }
}
