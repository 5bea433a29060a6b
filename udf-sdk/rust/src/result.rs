//! From Rust values to the columns of a result, and what a function may return.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Display;

use crate::batch::{NULLS_UNKNOWN, RawColumn, RawResult};

/// A result column under construction.
#[derive(Default)]
pub struct Builder<T> {
    values: T,
    /// A bit a row from the first NULL on; empty while there is none.
    validity: Vec<u8>,
    rows: usize,
}

impl<T> Builder<T> {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }
    pub(crate) fn values(&mut self) -> &mut T {
        &mut self.values
    }
    #[inline(always)]
    pub(crate) fn valid(&mut self) {
        if !self.validity.is_empty() {
            self.bit(true);
        }
        self.rows += 1;
    }
    pub(crate) fn null(&mut self) {
        if self.validity.is_empty() {
            self.validity = vec![0xff; self.rows / 8 + 1];
        }
        self.bit(false);
        self.rows += 1;
    }
    fn bit(&mut self, valid: bool) {
        if self.rows / 8 == self.validity.len() {
            self.validity.push(0xff);
        }
        if !valid {
            self.validity[self.rows / 8] &= !(1 << (self.rows % 8));
        }
    }
}

impl<T> Builder<Vec<T>> {
    /// All rows at once, none NULL.
    pub(crate) fn all(&mut self, values: Vec<T>) {
        self.rows = values.len();
        self.values = values;
    }
}

impl<T: Output> Builder<T> {
    /// Points the column to what was added.
    #[doc(hidden)]
    pub fn fill(&self, column: &mut RawColumn) {
        column.length = self.rows as u32;
        column.null_count = if self.validity.is_empty() { 0 } else { NULLS_UNKNOWN };
        column.validity = if self.validity.is_empty() { std::ptr::null() } else { self.validity.as_ptr() };
        self.values.fill(self.rows, column);
    }
}

/// What a function may give as a value of a row.
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

macro_rules! values {
    ($($ty:ty),*) => {$(
        impl IntoRow for $ty {
            type Builder = Vec<$ty>;
            #[inline(always)]
            fn put(self, into: &mut Builder<Vec<$ty>>) {
                into.values.push(self);
                into.valid();
            }
            fn put_null(into: &mut Builder<Vec<$ty>>) {
                into.values.push(<$ty>::default());
                into.null();
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
values!(i8, i16, i32, i64, f32, f64, i128);

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
        into.valid();
    }
    fn put_null(into: &mut Builder<Bits>) {
        into.values.push(false);
        into.null();
    }
}

/// Texts one behind the other, and where each ends.
pub struct Texts {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0] }
    }
}
impl Texts {
    #[inline(always)]
    fn push(&mut self, text: &[u8]) {
        append(&mut self.bytes, text);
        self.offsets.push(i32::try_from(self.bytes.len()).expect("a column of texts has at most 2 GiB"));
    }
}

/// Appends bytes; short ones without the call that a copy of any length is in WebAssembly.
#[inline(always)]
fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = bytes.len();
    if length > 32 {
        return to.extend_from_slice(bytes);
    }
    to.reserve(length);
    // SAFETY: there is room for `length` bytes, and no more of either side is touched: a first and a last word overlap where there are
    // less than two.
    unsafe {
        let (from, into) = (bytes.as_ptr(), to.as_mut_ptr().add(to.len()));
        match length {
            16.. => words::<u128>(from, into, length),
            8.. => words::<u64>(from, into, length),
            4.. => words::<u32>(from, into, length),
            _ => (0..length).for_each(|i| *into.add(i) = *from.add(i)),
        }
        to.set_len(to.len() + length);
    }
}

/// Copies a first and a last `W` of `length` bytes.
///
/// # Safety
/// Both sides have `length` bytes, and a `W` has no more.
#[inline(always)]
unsafe fn words<W: Copy>(from: *const u8, into: *mut u8, length: usize) {
    let last = length - size_of::<W>();
    // SAFETY: as the caller says.
    unsafe {
        let (first, end) = (from.cast::<W>().read_unaligned(), from.add(last).cast::<W>().read_unaligned());
        into.cast::<W>().write_unaligned(first);
        into.add(last).cast::<W>().write_unaligned(end);
    }
}

impl Output for Texts {
    fn fill(&self, _rows: usize, column: &mut RawColumn) {
        column.data = self.bytes.as_ptr();
        column.data_bytes = self.bytes.len() as u32;
        column.offsets = self.offsets.as_ptr();
    }
}
macro_rules! texts {
    ($($ty:ty: $bytes:path;)*) => {$(
        impl IntoRow for $ty {
            type Builder = Texts;
            #[inline(always)]
            fn put(self, into: &mut Builder<Texts>) {
                into.values.push($bytes(&self));
                into.valid();
            }
            fn put_null(into: &mut Builder<Texts>) {
                into.values.push(b"");
                into.null();
            }
        }
    )*};
}
texts! {
    String: String::as_bytes;
    &str: str::as_bytes;
    std::borrow::Cow<'_, str>: str::as_bytes;
    Vec<u8>: Vec::as_slice;
    &[u8]: AsRef::<[u8]>::as_ref;
}

impl<T: IntoRow> IntoRow for Option<T> {
    type Builder = T::Builder;
    #[inline(always)]
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

/// A result row: a value, or a tuple of values, a column each.
pub trait Row {
    /// The columns under construction.
    type Builders: Columns;
    /// Adds this row.
    fn put_row(self, into: &mut Self::Builders);
    /// Adds a row of NULLs.
    fn put_nulls(into: &mut Self::Builders);
}

/// Result columns under construction.
pub trait Columns: Default + 'static {
    /// Points the host's result to them.
    #[doc(hidden)]
    fn give(&self, columns: &mut [RawColumn]);
}

impl<T: IntoRow> Row for T {
    type Builders = (Builder<T::Builder>,);
    #[inline(always)]
    fn put_row(self, into: &mut Self::Builders) {
        self.put(&mut into.0);
    }
    fn put_nulls(into: &mut Self::Builders) {
        T::put_null(&mut into.0);
    }
}

macro_rules! tuples {
    ($($($t:ident $n:tt),+;)*) => {$(
        impl<$($t: IntoRow),+> Row for ($($t,)+) {
            type Builders = ($(Builder<$t::Builder>,)+);
            #[inline(always)]
            fn put_row(self, into: &mut Self::Builders) {
                $(self.$n.put(&mut into.$n);)+
            }
            fn put_nulls(into: &mut Self::Builders) {
                $($t::put_null(&mut into.$n);)+
            }
        }
        impl<$($t: Output + Default),+> Columns for ($(Builder<$t>,)+) {
            fn give(&self, columns: &mut [RawColumn]) {
                $(self.$n.fill(&mut columns[$n]);)+
            }
        }
    )*};
}
tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}

/// What a function returns: a row, or a `Result` of one whose error fails the row.
pub trait Outcome {
    /// The row.
    type Row;
    /// The row or the message.
    fn outcome(self) -> Result<Self::Row, String>;
}
impl<T: Row> Outcome for T {
    type Row = T;
    #[inline(always)]
    fn outcome(self) -> Result<T, String> {
        Ok(self)
    }
}
impl<T, E: Display> Outcome for Result<T, E> {
    type Row = T;
    #[inline(always)]
    fn outcome(self) -> Result<T, String> {
        self.map_err(|e| e.to_string())
    }
}

/// What something that gives no row returns: nothing, or a `Result` of nothing.
#[diagnostic::on_unimplemented(message = "this method returns nothing, or a Result<(), E> whose error has a text")]
pub trait Status {
    /// Nothing, or the message.
    fn status(self) -> Result<(), String>;
}
impl Status for () {
    #[inline(always)]
    fn status(self) -> Result<(), String> {
        Ok(())
    }
}
impl<E: Display> Status for Result<(), E> {
    #[inline(always)]
    fn status(self) -> Result<(), String> {
        self.map_err(|e| e.to_string())
    }
}

thread_local! {
    /// The host copies a result after the call: it stays until the next one.
    static LAST: RefCell<Box<dyn Any>> = RefCell::new(Box::new(()));
}

/// Hands columns of `rows` rows to the host, and gives the code for success.
pub fn give<C: Columns>(columns: C, rows: usize, result: &mut RawResult) -> u32 {
    let columns = Box::new(columns);
    point(result, &*columns, rows);
    keep(columns);
    0
}

/// Points the host's result to columns of `rows` rows, which must be kept.
pub(crate) fn point(result: &mut RawResult, columns: &impl Columns, rows: usize) {
    // SAFETY: the host gives `column_count` result columns.
    let raw = unsafe { std::slice::from_raw_parts_mut(result.columns, result.column_count as usize) };
    columns.give(raw);
    result.rows = rows as u32;
}

/// Keeps what the host was pointed to, until the next result.
pub(crate) fn keep(given: Box<dyn Any>) {
    LAST.with_borrow_mut(|last| *last = given);
}

/// Hands a message to the host, and gives the code for failure.
pub fn fail(message: String, result: &mut RawResult) -> u32 {
    let message = Box::new(message);
    result.error = message.as_ptr();
    result.error_bytes = message.len() as u32;
    keep(message);
    1
}
