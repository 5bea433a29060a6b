//! The stable hash of key columns.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{self as t, DataType as A, TimeUnit};

const NULL: u64 = 0x9E37_79B9_7F4A_7C15;
const SEED: u64 = 0x51_7C_C1_B7_27_22_0A_95;

/// See [`crate::state::hash_rows`].
pub fn hash_rows(columns: &[ArrayRef], rows: usize) -> Vec<u64> {
    let mut hashes = vec![0u64; rows];
    for column in columns {
        hash_column(column, &mut hashes);
    }
    hashes
}

/// Folds one value into a hash: multiply and fold the 128-bit product (as wyhash does).
#[inline]
fn mix(hash: u64, value: u64) -> u64 {
    let product = u128::from(hash ^ value ^ SEED) * u128::from(0xA076_1D64_78BD_642F_u64 ^ value.rotate_left(32));
    (product as u64) ^ ((product >> 64) as u64)
}

#[inline]
fn mix_bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        hash = mix(hash, u64::from_le_bytes(chunk.try_into().expect("8 bytes")));
    }
    let rest = chunks.remainder();
    let mut last = [0u8; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(hash, u64::from_le_bytes(last)), bytes.len() as u64)
}

fn hash_column(column: &ArrayRef, hashes: &mut [u64]) {
    macro_rules! fixed {
        ($t:ty, |$v:ident| $bits:expr) => {{
            let array = column.as_primitive::<$t>();
            match array.nulls() {
                None => {
                    for (h, &$v) in hashes.iter_mut().zip(array.values()) {
                        *h = mix(*h, $bits);
                    }
                }
                Some(nulls) => {
                    for (row, (h, &$v)) in hashes.iter_mut().zip(array.values()).enumerate() {
                        *h = mix(*h, if nulls.is_valid(row) { $bits } else { NULL });
                    }
                }
            }
        }};
    }
    macro_rules! bytes {
        ($array:expr, $as:ident) => {{
            let array = $array;
            for (row, h) in hashes.iter_mut().enumerate() {
                *h = if array.is_null(row) { mix(*h, NULL) } else { mix_bytes(*h, array.value(row).$as()) };
            }
        }};
    }
    match column.data_type() {
        A::Int8 => fixed!(t::Int8Type, |v| v as u64),
        A::Int16 => fixed!(t::Int16Type, |v| v as u64),
        A::Int32 => fixed!(t::Int32Type, |v| v as u64),
        A::Int64 => fixed!(t::Int64Type, |v| v as u64),
        A::Date32 => fixed!(t::Date32Type, |v| v as u64),
        A::Time32(_) => fixed!(t::Time32MillisecondType, |v| v as u64),
        A::Interval(_) => fixed!(t::IntervalYearMonthType, |v| v as u64),
        A::Duration(_) => fixed!(t::DurationMillisecondType, |v| v as u64),
        A::Timestamp(TimeUnit::Millisecond, _) => fixed!(t::TimestampMillisecondType, |v| v as u64),
        A::Timestamp(TimeUnit::Microsecond, _) => fixed!(t::TimestampMicrosecondType, |v| v as u64),
        A::Timestamp(TimeUnit::Nanosecond, _) => fixed!(t::TimestampNanosecondType, |v| v as u64),
        // -0.0 and 0.0 are one key, as are all NaNs.
        A::Float32 => fixed!(t::Float32Type, |v| u64::from(canonical(f64::from(v)).to_bits() as u32)
            ^ canonical(f64::from(v)).to_bits()),
        A::Float64 => fixed!(t::Float64Type, |v| canonical(v).to_bits()),
        A::Decimal128(..) => fixed!(t::Decimal128Type, |v| (v as u64) ^ ((v >> 64) as u64).rotate_left(17)),
        A::Utf8 => bytes!(column.as_string::<i32>(), as_bytes),
        A::Binary => bytes!(column.as_binary::<i32>(), as_ref),
        A::Boolean => {
            let array = column.as_boolean();
            for (row, h) in hashes.iter_mut().enumerate() {
                *h = mix(*h, if array.is_null(row) { NULL } else { u64::from(array.value(row)) });
            }
        }
        A::Null => hashes.iter_mut().for_each(|h| *h = mix(*h, NULL)),
        _ => hash_nested(column, hashes),
    }
}

fn canonical(v: f64) -> f64 {
    if v == 0.0 {
        0.0
    } else if v.is_nan() {
        f64::NAN
    } else {
        v
    }
}

/// Arrays, maps and rows: by their Arrow row encoding, which is canonical.
fn hash_nested(column: &ArrayRef, hashes: &mut [u64]) {
    use arrow::row::{RowConverter, SortField};
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())]).expect("a type with rows");
    let rows = converter.convert_columns(std::slice::from_ref(column)).expect("rows of the converter's type");
    for (h, row) in hashes.iter_mut().zip(rows.iter()) {
        *h = mix_bytes(*h, row.as_ref());
    }
}
