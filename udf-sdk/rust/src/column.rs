//! Column functions: a batch of columns in, a column out, with NULLs.

use std::cell::RefCell;
use std::slice;

/// `wm_column`, see ABI.md.
#[repr(C)]
pub struct RawColumn {
    ty: u32,
    flags: u32,
    length: u32,
    null_count: u32,
    validity: *const u8,
    offsets: *const i32,
    data: *const u8,
    data_bytes: u32,
    children: *const RawColumn,
    child_count: u32,
    parameter: u32,
    reserved: [u32; 5],
}

/// `wm_batch`.
#[repr(C)]
pub struct RawBatch {
    rows: u32,
    column_count: u32,
    columns: *const RawColumn,
    reserved: u32,
}

/// `wm_result`.
#[repr(C)]
#[doc(hidden)]
pub struct RawResult {
    columns: *mut RawColumn,
    column_count: u32,
    rows: u32,
    error: *const u8,
    error_bytes: u32,
    reserved: [u32; 3],
}

const CONSTANT: u32 = 1;
const NULLS_UNKNOWN: u32 = u32::MAX;

/// The arguments of one call.
#[repr(transparent)]
pub struct Batch(RawBatch);

impl Batch {
    /// How many rows are asked for.
    pub fn rows(&self) -> usize {
        self.0.rows as usize
    }
    /// Argument `index`.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn column(&self, index: usize) -> Column<'_> {
        assert!(index < self.0.column_count as usize, "column {index} of {}", self.0.column_count);
        // SAFETY: the host gives `column_count` columns that stay until the call returns.
        Column(unsafe { &*self.0.columns.add(index) })
    }
}

/// One argument: a value a row, or one for all rows.
#[derive(Clone, Copy)]
pub struct Column<'a>(&'a RawColumn);

impl<'a> Column<'a> {
    /// Whether one value stands for all rows.
    pub fn is_constant(self) -> bool {
        self.0.flags & CONSTANT != 0
    }
    /// How many rows are NULL, of [`Column::values`].
    pub fn null_count(self) -> usize {
        self.0.null_count as usize
    }
    /// Whether that row is NULL.
    pub fn is_null(self, row: usize) -> bool {
        let row = self.index(row);
        // SAFETY: a bitmap has a bit for each value.
        !self.0.validity.is_null() && unsafe { *self.0.validity.add(row / 8) } >> (row % 8) & 1 == 0
    }
    /// The values of a column of fixed width, one for a constant; those of NULL rows mean nothing.
    ///
    /// # Panics
    /// If values of the column's SQL type are no `T`.
    pub fn values<T: Value>(self) -> &'a [T] {
        assert!(T::TYPES.contains(&self.0.ty), "a column of type {} read as another one", self.0.ty);
        if self.0.length == 0 {
            return &[];
        }
        // SAFETY: the host gives `length` values of the type, aligned to 64 bytes.
        unsafe { slice::from_raw_parts(self.0.data.cast(), self.0.length as usize) }
    }
    /// The bytes of that row of a STRING or BYTES column.
    ///
    /// # Panics
    /// If it is a column of another type.
    pub fn bytes(self, row: usize) -> &'a [u8] {
        assert!(matches!(self.0.ty, 9 | 10), "a column of type {} read as a text", self.0.ty);
        let row = self.index(row);
        // SAFETY: the host gives length + 1 offsets that rise, and the bytes between them.
        unsafe {
            let (from, to) = (*self.0.offsets.add(row), *self.0.offsets.add(row + 1));
            if to == from {
                return &[];
            }
            slice::from_raw_parts(self.0.data.add(from as usize), (to - from) as usize)
        }
    }
    /// That row of a STRING column.
    pub fn text(self, row: usize) -> &'a str {
        assert_eq!(self.0.ty, 9, "a column of another type read as STRING");
        // SAFETY: the host gives UTF-8.
        unsafe { std::str::from_utf8_unchecked(self.bytes(row)) }
    }
    /// That row of a BOOLEAN column.
    pub fn boolean(self, row: usize) -> bool {
        assert_eq!(self.0.ty, 1, "a column of another type read as BOOLEAN");
        let row = self.index(row);
        // SAFETY: there is a bit for each value.
        unsafe { *self.0.data.add(row / 8) >> (row % 8) & 1 == 1 }
    }
    fn index(self, row: usize) -> usize {
        let row = if self.is_constant() { 0 } else { row };
        assert!(row < self.0.length as usize, "row {row} of {}", self.0.length);
        row
    }
}

/// A type whose values lie in columns as they are.
pub trait Value: Copy + Default + 'static {
    /// The codes of the SQL types that it holds.
    const TYPES: &'static [u32];
}

macro_rules! values {
    ($($ty:ty: $codes:expr),* $(,)?) => {$(
        impl Value for $ty {
            const TYPES: &'static [u32] = &$codes;
        }
        impl FromColumn<'_> for $ty {
            fn from_column(column: Column<'_>, row: usize) -> Option<Self> {
                (!column.is_null(row)).then(|| column.values::<$ty>()[column.index(row)])
            }
        }
        impl IntoRow for $ty {
            type Builder = Vec<$ty>;
            fn put(self, into: &mut Builder<Vec<$ty>>) {
                into.values.push(self);
                into.valid(true);
            }
            fn put_null(into: &mut Builder<Vec<$ty>>) {
                into.values.push(<$ty>::default());
                into.valid(false);
            }
        }
        impl Output for Vec<$ty> {
            fn fill(&self, _rows: usize, column: &mut RawColumn) {
                column.data = self.as_ptr().cast();
                column.data_bytes = std::mem::size_of_val(&self[..]) as u32;
            }
        }
    )*};
}
values!(i8: [2], i16: [3], i32: [4, 11, 12, 15], i64: [5, 13, 14, 16], f32: [6], f64: [7], i128: [8]);

/// What a row-wise column function may take; `Option` for those that want to see NULL.
pub trait FromColumn<'a>: Sized {
    /// The value of that row; `None` leaves the function uncalled and the row NULL.
    fn from_column(column: Column<'a>, row: usize) -> Option<Self>;
}

impl<'a> FromColumn<'a> for &'a str {
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        (!column.is_null(row)).then(|| column.text(row))
    }
}
impl<'a> FromColumn<'a> for &'a [u8] {
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        (!column.is_null(row)).then(|| column.bytes(row))
    }
}
impl FromColumn<'_> for bool {
    fn from_column(column: Column<'_>, row: usize) -> Option<Self> {
        (!column.is_null(row)).then(|| column.boolean(row))
    }
}
impl<'a, T: FromColumn<'a>> FromColumn<'a> for Option<T> {
    fn from_column(column: Column<'a>, row: usize) -> Option<Self> {
        Some(T::from_column(column, row))
    }
}

/// A result column under construction.
#[derive(Default)]
pub struct Builder<T> {
    values: T,
    validity: Vec<u8>,
    rows: usize,
}

impl<T> Builder<T> {
    fn valid(&mut self, valid: bool) {
        if self.rows % 8 == 0 {
            self.validity.push(0);
        }
        if valid {
            self.validity[self.rows / 8] |= 1 << (self.rows % 8);
        }
        self.rows += 1;
    }
}

/// What a column function may give for a row.
pub trait IntoRow {
    /// What values of the type are collected in.
    type Builder: Output + Default;
    /// Adds this value.
    fn put(self, into: &mut Builder<Self::Builder>);
    /// Adds NULL.
    fn put_null(into: &mut Builder<Self::Builder>);
}

/// The values of a result column.
pub trait Output: 'static {
    /// Points the column to them.
    #[doc(hidden)]
    fn fill(&self, rows: usize, column: &mut RawColumn);
}

/// Bits, a row each.
#[derive(Default)]
pub struct Bits(Vec<u8>, usize);

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.1 % 8 == 0 {
            self.0.push(0);
        }
        self.0[self.1 / 8] |= u8::from(bit) << (self.1 % 8);
        self.1 += 1;
    }
}
impl Output for Bits {
    fn fill(&self, _rows: usize, column: &mut RawColumn) {
        column.data = self.0.as_ptr();
        column.data_bytes = self.0.len() as u32;
    }
}
impl IntoRow for bool {
    type Builder = Bits;
    fn put(self, into: &mut Builder<Bits>) {
        into.values.push(self);
        into.valid(true);
    }
    fn put_null(into: &mut Builder<Bits>) {
        into.values.push(false);
        into.valid(false);
    }
}

/// Texts one behind the other, and where each ends.
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        if self.offsets.is_empty() {
            self.offsets.push(0);
        }
        self.bytes.extend_from_slice(text);
        self.offsets.push(self.bytes.len() as i32);
    }
}
impl Output for Texts {
    fn fill(&self, rows: usize, column: &mut RawColumn) {
        static NONE: i32 = 0;
        column.data = self.bytes.as_ptr();
        column.data_bytes = self.bytes.len() as u32;
        column.offsets = if rows == 0 { &NONE } else { self.offsets.as_ptr() };
    }
}
macro_rules! texts {
    ($($ty:ty),*) => {$(
        impl IntoRow for $ty {
            type Builder = Texts;
            fn put(self, into: &mut Builder<Texts>) {
                into.values.push(self.as_ref());
                into.valid(true);
            }
            fn put_null(into: &mut Builder<Texts>) {
                into.values.push(b"");
                into.valid(false);
            }
        }
    )*};
}
texts!(String, &str, Vec<u8>, &[u8]);

impl<T: IntoRow> IntoRow for Option<T> {
    type Builder = T::Builder;
    fn put(self, into: &mut Builder<T::Builder>) {
        match self {
            Some(value) => value.put(into),
            None => T::put_null(into),
        }
    }
    fn put_null(into: &mut Builder<T::Builder>) {
        T::put_null(into);
    }
}

/// Runs a function over a batch and hands its column to the host; called by the macros only.
///
/// # Safety
/// The addresses are those that the host gave.
#[doc(hidden)]
pub unsafe fn run<B: Output + Default>(
    batch: *const Batch,
    result: *mut RawResult,
    function: impl FnOnce(&Batch, &mut Builder<B>) -> Result<(), String>,
) -> u32 {
    thread_local! {
        // The host copies the result after the call: it stays until the next one.
        static LAST: RefCell<(Option<Box<dyn std::any::Any>>, String)> = const { RefCell::new((None, String::new())) };
    }
    // SAFETY: as the caller promises.
    let (batch, result) = unsafe { (&*batch, &mut *result) };
    let mut builder = Box::<Builder<B>>::new(Builder { values: B::default(), validity: Vec::new(), rows: 0 });
    let outcome = function(batch, &mut builder);
    LAST.with_borrow_mut(|(last, message)| match outcome {
        Ok(()) => {
            // SAFETY: the host gives one result column.
            let column = unsafe { &mut *result.columns };
            column.length = builder.rows as u32;
            column.null_count = NULLS_UNKNOWN;
            column.validity = builder.validity.as_ptr();
            builder.values.fill(builder.rows, column);
            *last = Some(builder);
            0
        }
        Err(why) => {
            *message = why;
            result.error = message.as_ptr();
            result.error_bytes = message.len() as u32;
            1
        }
    })
}

/// What a row-wise function gives: a value, or `Result` of one with a message that fails the row.
pub trait RowResult {
    /// The value's type.
    type Row: IntoRow;
    /// The value or the message.
    fn row(self) -> Result<Self::Row, String>;
}
impl<T: IntoRow> RowResult for T {
    type Row = T;
    fn row(self) -> Result<T, String> {
        Ok(self)
    }
}
impl<T: IntoRow> RowResult for Result<T, String> {
    type Row = T;
    fn row(self) -> Result<T, String> {
        self
    }
}

/// Exports column functions written row by row. An argument that is no `Option` is never NULL: such rows give NULL without
/// a call. The result is a value, an `Option`, or a `Result<_, String>`, whose message fails the row.
#[macro_export]
macro_rules! columns {
    () => {};
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $returns:ty $body:block $($rest:tt)*) => {
        $(#[$meta])*
        pub fn $name($($arg: $ty),*) -> $returns $body
        const _: () = {
            use $name as function;
            use $crate::column::RowResult;
            /// # Safety
            /// Called by the host.
            #[unsafe(export_name = concat!(stringify!($name), "__cols"))]
            unsafe extern "C" fn exported(batch: *const $crate::Batch, result: *mut $crate::RawResult) -> u32 {
                let run = |batch: &$crate::Batch, into: &mut $crate::Builder<_>| {
                    for row in 0..batch.rows() {
                        let mut next = 0;
                        $(
                            let column = batch.column(next);
                            next += 1;
                            let $arg = $crate::FromColumn::from_column(column, row);
                        )*
                        let _ = next;
                        match ($($arg,)*) {
                            ($(Some($arg),)*) => $crate::IntoRow::put(function($($arg),*).row()?, into),
                            #[allow(unreachable_patterns)]
                            _ => <<$returns as RowResult>::Row as $crate::IntoRow>::put_null(into),
                        }
                    }
                    Ok(())
                };
                unsafe { $crate::column::run::<<<$returns as RowResult>::Row as $crate::IntoRow>::Builder>(batch, result, run) }
            }
        };
        $crate::columns!($($rest)*);
    };
}

/// Exports functions of whole batches: `fn name(batch: &Batch) -> Result<Vec<T>, String>`, without NULLs in the result.
#[macro_export]
macro_rules! batch {
    () => {};
    ($(#[$meta:meta])* fn $name:ident($batch:ident: &Batch) -> Result<Vec<$ty:ty>, String> $body:block $($rest:tt)*) => {
        $(#[$meta])*
        pub fn $name($batch: &$crate::Batch) -> Result<Vec<$ty>, String> $body
        const _: () = {
            use $name as function;
            /// # Safety
            /// Called by the host.
            #[unsafe(export_name = concat!(stringify!($name), "__cols"))]
            unsafe extern "C" fn exported(batch: *const $crate::Batch, result: *mut $crate::RawResult) -> u32 {
                let run = |batch: &$crate::Batch, into: &mut $crate::Builder<Vec<$ty>>| {
                    into.all(function(batch)?);
                    Ok(())
                };
                unsafe { $crate::column::run(batch, result, run) }
            }
        };
        $crate::batch!($($rest)*);
    };
}

impl<T> Builder<Vec<T>> {
    /// All rows at once, none NULL.
    #[doc(hidden)]
    pub fn all(&mut self, values: Vec<T>) {
        self.rows = values.len();
        self.validity = vec![0xff; values.len().div_ceil(8)];
        self.values = values;
    }
}
