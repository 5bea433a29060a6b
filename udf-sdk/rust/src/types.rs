//! SQL types that Rust has no type of its own for. Each is the number that lies in a column.

use crate::argument::FromColumn;
use crate::batch::Column;
use crate::result::{Builder, IntoRow};
use crate::state::Field;

macro_rules! numbers {
    ($($(#[$meta:meta])* $name:ident $(<$($p:ident),+>)?: $value:ty;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name $(<$(const $p: u8),+>)? (pub $value);

        impl $(<$(const $p: u8),+>)? FromColumn<'_> for $name $(<$($p),+>)? {
            #[inline]
            fn from_column(column: Column<'_>, row: usize) -> Option<Self> {
                <$value>::from_column(column, row).map(Self)
            }
        }
        impl $(<$(const $p: u8),+>)? IntoRow for $name $(<$($p),+>)? {
            type Builder = Vec<$value>;
            #[inline]
            fn put(self, into: &mut Builder<Vec<$value>>) {
                self.0.put(into);
            }
            fn put_null(into: &mut Builder<Vec<$value>>) {
                <$value>::put_null(into);
            }
        }
        impl $(<$(const $p: u8),+>)? Field for $name $(<$($p),+>)? {
            fn is_default(&self) -> bool {
                self.0.is_default()
            }
            fn is(&self, column: Column<'_>, row: usize) -> bool {
                self.0.is(column, row)
            }
        }
    )*};
}

numbers! {
    /// DATE: days since 1970-01-01.
    Date: i32;
    /// TIME: milliseconds since midnight.
    Time: i32;
    /// TIMESTAMP(P) since 1970-01-01 00:00: milliseconds for P ≤ 3, microseconds for P ≤ 6, else nanoseconds.
    Timestamp<P>: i64;
    /// TIMESTAMP_LTZ(P), as [`Timestamp`], in UTC.
    TimestampLtz<P>: i64;
    /// DECIMAL(P, S): the value times 10 to the S.
    Decimal<P, S>: i128;
}
