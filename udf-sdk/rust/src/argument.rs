//! From a column to a Rust value.

use crate::batch::Column;

/// What an argument may be; an `Option` for those that want to see NULL.
pub trait FromColumn<'a>: Sized {
    /// The value of that row; `None` leaves the function uncalled.
    fn from_column(column: Column<'a>, row: usize) -> Option<Self>;
}

macro_rules! values {
    ($($ty:ty),*) => {$(
        impl FromColumn<'_> for $ty {
            #[inline(always)]
            fn from_column(column: Column<'_>, row: usize) -> Option<Self> {
                (!column.is_null(row)).then(|| column.value::<$ty>(row))
            }
        }
    )*};
}
values!(i8, i16, i32, i64, f32, f64, i128);

impl<'a> FromColumn<'a> for &'a str {
    #[inline(always)]
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        (!column.is_null(row)).then(|| column.text(row))
    }
}
impl<'a> FromColumn<'a> for &'a [u8] {
    #[inline(always)]
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        (!column.is_null(row)).then(|| column.bytes(row))
    }
}
impl FromColumn<'_> for String {
    fn from_column(column: Column<'_>, row: usize) -> Option<Self> {
        <&str>::from_column(column, row).map(str::to_owned)
    }
}
impl FromColumn<'_> for Vec<u8> {
    fn from_column(column: Column<'_>, row: usize) -> Option<Self> {
        <&[u8]>::from_column(column, row).map(<[u8]>::to_vec)
    }
}
impl FromColumn<'_> for bool {
    #[inline(always)]
    fn from_column(column: Column<'_>, row: usize) -> Option<Self> {
        (!column.is_null(row)).then(|| column.boolean(row))
    }
}
impl<'a, T: FromColumn<'a>> FromColumn<'a> for Option<T> {
    #[inline(always)]
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        Some(T::from_column(column, row))
    }
}
