//! Columns in guest memory: lays out what goes in, and checks everything that comes back. udf-sdk/ABI.md, "Columns", is the
//! contract; the numbers here are its.
//!
//! ```text
//! one block from wm_alloc:  wm_batch | wm_column per argument | wm_result | wm_column per result | lists, buffers, 64-aligned
//!   Guest::place   guest.rs, write.rs   a call's arguments, and the frame of its results
//!   Guest::finish  guest.rs, read.rs    error code and text, then the result columns, copied out
//! ```

mod guest;
pub(crate) mod image;
mod read;
mod scalar;
mod write;

use wasmill_plan::{DataType, TypeKind};

pub(crate) use guest::{Call, Guest};
pub(crate) use scalar::ColumnsInstance;

/// The version that `wm_abi` must give.
pub(crate) const ABI_VERSION: u32 = 1;
const BATCH_BYTES: usize = 16;
const COLUMN_BYTES: usize = 64;
const RESULT_BYTES: usize = 32;
const BUFFER_ALIGNMENT: usize = 64;
/// `wm_column.flags`: one value for all rows.
const FLAG_CONSTANT: u32 = 1;
/// `wm_column.null_count`: to be counted by the host.
const NULLS_UNKNOWN: u32 = u32::MAX;

/// A `wm_column`: its words, by the names of ABI.md.
type Words = [u32; 16];
const TYPE: usize = 0;
const FLAGS: usize = 1;
const LENGTH: usize = 2;
const NULL_COUNT: usize = 3;
const VALIDITY: usize = 4;
const OFFSETS: usize = 5;
const DATA: usize = 6;
const DATA_BYTES: usize = 7;
const CHILDREN: usize = 8;
const CHILD_COUNT: usize = 9;
const PARAMETER: usize = 10;

/// Code and parameter of a type in `wm_column`; `None` where it cannot cross.
fn type_code(kind: &TypeKind) -> Option<(u32, u32)> {
    Some(match kind {
        TypeKind::Boolean => (1, 0),
        TypeKind::TinyInt => (2, 0),
        TypeKind::SmallInt => (3, 0),
        TypeKind::Int => (4, 0),
        TypeKind::BigInt => (5, 0),
        TypeKind::Float => (6, 0),
        TypeKind::Double => (7, 0),
        TypeKind::Decimal(precision, scale) => (8, u32::from(*precision) << 8 | u32::from(*scale)),
        TypeKind::Char(_) | TypeKind::Varchar(_) => (9, 0),
        TypeKind::Binary(_) | TypeKind::Varbinary(_) => (10, 0),
        TypeKind::Date => (11, 0),
        TypeKind::Time(_) => (12, 0),
        TypeKind::Timestamp(precision) => (13, u32::from(*precision)),
        TypeKind::TimestampLtz(precision) => (14, u32::from(*precision)),
        TypeKind::IntervalYearMonth => (15, 0),
        TypeKind::IntervalDayTime => (16, 0),
        TypeKind::Array(_) => (17, 0),
        TypeKind::Map(..) => (18, 0),
        TypeKind::Row(_) => (19, 0),
        TypeKind::Multiset(_) => (20, 0),
        TypeKind::Null | TypeKind::Bitmap => return None,
    })
}

/// The types of a column's children: elements, keys and values, fields.
fn child_types(kind: &TypeKind) -> Vec<DataType> {
    match kind {
        TypeKind::Array(item) => vec![(**item).clone()],
        TypeKind::Map(key, value) => vec![(**key).clone(), (**value).clone()],
        TypeKind::Multiset(item) => vec![(**item).clone(), DataType::not_null(TypeKind::Int)],
        TypeKind::Row(fields) => fields.iter().map(|f| f.data_type.clone()).collect(),
        _ => Vec::new(),
    }
}

/// The part of a type, itself included, that cannot cross to a guest.
pub(crate) fn unfit(kind: &TypeKind) -> Option<TypeKind> {
    if type_code(kind).is_none() {
        return Some(kind.clone());
    }
    child_types(kind).iter().find_map(|child| unfit(&child.kind))
}
