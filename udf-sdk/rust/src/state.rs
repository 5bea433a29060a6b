//! The state of a process function: the fields of a struct, which the engine keeps for each key in columns.

use std::collections::BTreeMap;

use crate::argument::FromColumn;
use crate::batch::{Batch, Column};
use crate::result::{Builder, Columns, IntoRow};

/// What a process function remembers of a key; written by `#[derive(wasmill::State)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the state of a process function",
    label = "its fields are not known",
    note = "write #[derive(wasmill::State)] before the struct"
)]
pub trait State: Default {
    /// The fields, as the module's description has them.
    const FIELDS: &'static str;
    /// A bit for each field.
    const ALL: u64;
    /// The columns of what is written.
    type Columns: Columns;
    /// The state of that key.
    fn read(state: &Batch, key: usize) -> Self;
    /// A bit for each field that is not as [`State::read`] finds it.
    fn changed(&self, state: &Batch, key: usize) -> u64;
    /// Adds a row with the fields whose bits are set.
    fn write(self, fields: u64, into: &mut Self::Columns);
}

/// What a field of a state may be. One that was never written or has expired is its default, and the default is written as NULL; an
/// `Option` keeps the two apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a state",
    note = "fields are numbers, bool, String, Vec<u8>, Date, Time, Timestamp, TimestampLtz, Decimal, a Vec or BTreeMap of these, or an Option"
)]
pub trait Field: for<'a> FromColumn<'a> + IntoRow + Default {
    /// Whether it is what NULL is read as.
    fn is_default(&self) -> bool;
    /// Whether that row of the column is read as the same value.
    fn is(&self, column: Column<'_>, row: usize) -> bool;
    /// The value of that row.
    fn read(column: Column<'_>, row: usize) -> Self {
        Self::from_column(column, row).unwrap_or_default()
    }
    /// Adds the value; NULL where it is not `written`.
    fn write(self, written: bool, into: &mut Builder<Self::Builder>) {
        if written && !self.is_default() { self.put(into) } else { Self::put_null(into) }
    }
}

/// How two values of a type are compared: numbers by their bits.
macro_rules! fields {
    ($($ty:ty: $read:ty, |$value:ident| $comparable:expr;)*) => {$(
        impl Field for $ty {
            #[inline]
            fn is_default(&self) -> bool {
                let $value = self;
                $comparable == { let $value = &<$read>::default(); $comparable }
            }
            #[inline]
            fn is(&self, column: Column<'_>, row: usize) -> bool {
                let $value = self;
                $comparable == { let $value = &<$read>::from_column(column, row).unwrap_or_default(); $comparable }
            }
        }
    )*};
}
fields! {
    bool: bool, |v| *v;
    i8: i8, |v| *v;
    i16: i16, |v| *v;
    i32: i32, |v| *v;
    i64: i64, |v| *v;
    i128: i128, |v| *v;
    f32: f32, |v| v.to_bits();
    f64: f64, |v| v.to_bits();
    String: &str, |v| &v[..];
    Vec<u8>: &[u8], |v| &v[..];
}

impl<T: Field> Field for Option<T> {
    fn is_default(&self) -> bool {
        self.is_none()
    }
    fn is(&self, column: Column<'_>, row: usize) -> bool {
        match self {
            None => column.is_null(row),
            Some(value) => !column.is_null(row) && value.is(column, row),
        }
    }
}

impl<T: Field> Field for Vec<T> {
    fn is_default(&self) -> bool {
        self.is_empty()
    }
    fn is(&self, column: Column<'_>, row: usize) -> bool {
        let (elements, range) = column.elements(row);
        self.len() == range.len() && self.iter().zip(range).all(|(element, i)| element.is(elements, i))
    }
}

impl<K: Field + Ord, V: Field> Field for BTreeMap<K, V> {
    fn is_default(&self) -> bool {
        self.is_empty()
    }
    fn is(&self, column: Column<'_>, row: usize) -> bool {
        let (keys, values, range) = column.entries(row);
        // A map that another module wrote may be in another order.
        let mut found = |i| K::from_column(keys, i).and_then(|key| self.get(&key)).is_some_and(|v| v.is(values, i));
        self.len() == range.len()
            && (self.iter().zip(range.clone()).all(|((key, value), i)| key.is(keys, i) && value.is(values, i))
                || range.into_iter().all(&mut found))
    }
}
