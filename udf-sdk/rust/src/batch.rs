//! A batch as the host gives it: the structures of ABI.md, and columns to read values from.

use std::ops::Range;
use std::slice;

/// `wm_column`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawColumn {
    pub(crate) ty: u32,
    pub(crate) flags: u32,
    pub(crate) length: u32,
    pub(crate) null_count: u32,
    pub(crate) validity: *const u8,
    pub(crate) offsets: *const i32,
    pub(crate) data: *const u8,
    pub(crate) data_bytes: u32,
    pub(crate) children: *const RawColumn,
    pub(crate) child_count: u32,
    pub(crate) parameter: u32,
    pub(crate) reserved: [u32; 5],
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
pub struct RawResult {
    pub(crate) columns: *mut RawColumn,
    pub(crate) column_count: u32,
    pub(crate) rows: u32,
    pub(crate) error: *const u8,
    pub(crate) error_bytes: u32,
    reserved: [u32; 3],
}

const CONSTANT: u32 = 1;
pub(crate) const NULLS_UNKNOWN: u32 = u32::MAX;
const TYPE_BOOLEAN: u32 = 1;
const TYPE_STRING: u32 = 9;
const TYPE_BYTES: u32 = 10;

/// The arguments of one call.
#[repr(transparent)]
pub struct Batch(RawBatch);

impl Batch {
    /// How many rows are asked for.
    pub fn rows(&self) -> usize {
        self.0.rows as usize
    }
    /// How many arguments there are.
    pub fn columns(&self) -> usize {
        self.0.column_count as usize
    }
    /// Argument `index`.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn column(&self, index: usize) -> Column<'_> {
        assert!(index < self.0.column_count as usize, "column {index} of {}", self.0.column_count);
        // SAFETY: the host gives `column_count` columns that stay until the call returns.
        Column::new(unsafe { &*self.0.columns.add(index) })
    }
}

/// One argument: a value a row, or one for all rows.
#[derive(Clone, Copy)]
pub struct Column<'a> {
    ty: u32,
    /// 0 for a constant: all rows are row 0.
    mask: usize,
    length: usize,
    null_count: usize,
    validity: *const u8,
    offsets: *const i32,
    data: *const u8,
    children: &'a [RawColumn],
}

// What reads a row is inlined always: left to itself the compiler hands this structure over in memory for each row, which costs more than most
// functions do (`first_known`: 28 ns a row, and 11 as it is).
impl<'a> Column<'a> {
    fn new(raw: &'a RawColumn) -> Self {
        let children = match raw.child_count {
            0 => &[][..],
            // SAFETY: the host gives `child_count` children that stay until the call returns.
            count => unsafe { slice::from_raw_parts(raw.children, count as usize) },
        };
        Self {
            ty: raw.ty,
            mask: if raw.flags & CONSTANT != 0 { 0 } else { usize::MAX },
            length: raw.length as usize,
            null_count: raw.null_count as usize,
            validity: raw.validity,
            offsets: raw.offsets,
            data: raw.data,
            children,
        }
    }
    /// Whether one value stands for all rows.
    pub fn is_constant(self) -> bool {
        self.mask == 0
    }
    /// How many values are NULL.
    pub fn null_count(self) -> usize {
        self.null_count
    }
    /// Whether that row is NULL.
    #[inline(always)]
    pub fn is_null(self, row: usize) -> bool {
        if self.validity.is_null() {
            return false;
        }
        let row = self.index(row);
        // SAFETY: a bitmap has a bit for each value.
        unsafe { *self.validity.add(row / 8) >> (row % 8) & 1 == 0 }
    }
    /// The values of a column of fixed width, one for a constant; those of NULL rows mean nothing.
    ///
    /// # Panics
    /// If values of the column's SQL type are no `T`.
    #[inline(always)]
    pub fn values<T: Value>(self) -> &'a [T] {
        assert!(T::TYPES.contains(&self.ty), "a column of type {} read as another one", self.ty);
        if self.length == 0 {
            return &[];
        }
        // SAFETY: the host gives `length` values of the type, aligned to 64 bytes.
        unsafe { slice::from_raw_parts(self.data.cast(), self.length) }
    }
    /// The value of that row of a column of fixed width.
    #[inline(always)]
    pub fn value<T: Value>(self, row: usize) -> T {
        self.values::<T>()[row & self.mask]
    }
    /// The bytes of that row of a STRING or BYTES column.
    ///
    /// # Panics
    /// If it is a column of another type.
    #[inline(always)]
    pub fn bytes(self, row: usize) -> &'a [u8] {
        assert!(matches!(self.ty, TYPE_STRING | TYPE_BYTES), "a column of type {} read as a text", self.ty);
        let row = self.index(row);
        // SAFETY: the host gives length + 1 offsets that rise, and the bytes between them.
        unsafe {
            let (from, to) = (*self.offsets.add(row), *self.offsets.add(row + 1));
            if to == from {
                return &[];
            }
            slice::from_raw_parts(self.data.add(from as usize), (to - from) as usize)
        }
    }
    /// That row of a STRING column.
    ///
    /// # Panics
    /// If it is a column of another type.
    #[inline(always)]
    pub fn text(self, row: usize) -> &'a str {
        assert_eq!(self.ty, TYPE_STRING, "a column of another type read as STRING");
        // SAFETY: the host gives UTF-8.
        unsafe { std::str::from_utf8_unchecked(self.bytes(row)) }
    }
    /// That row of a BOOLEAN column.
    ///
    /// # Panics
    /// If it is a column of another type.
    #[inline(always)]
    pub fn boolean(self, row: usize) -> bool {
        assert_eq!(self.ty, TYPE_BOOLEAN, "a column of another type read as BOOLEAN");
        let row = self.index(row);
        // SAFETY: there is a bit for each value.
        unsafe { *self.data.add(row / 8) >> (row % 8) & 1 == 1 }
    }
    /// A child of a column of that nested type.
    pub(crate) fn child(self, ty: u32, index: usize) -> Self {
        assert_eq!(self.ty, ty, "a column of another type read as an ARRAY or MAP");
        Self::new(&self.children[index])
    }
    /// The values of a child that are that row's; none where it is NULL.
    pub(crate) fn range(self, row: usize) -> Range<usize> {
        if self.is_null(row) {
            return 0..0;
        }
        let row = self.index(row);
        // SAFETY: the host gives length + 1 offsets that rise.
        unsafe { *self.offsets.add(row) as usize..*self.offsets.add(row + 1) as usize }
    }
    #[inline(always)]
    fn index(self, row: usize) -> usize {
        let row = row & self.mask;
        assert!(row < self.length, "row {row} of {}", self.length);
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
    )*};
}
values!(i8: [2], i16: [3], i32: [4, 11, 12, 15], i64: [5, 13, 14, 16], f32: [6], f64: [7], i128: [8]);
