//! What an OVER operator keeps of a row: its time, its arguments and which of them count, as 64-bit words.
//!
//! ```text
//! record:  [ time | valid bits… | argument words… | partials of the two-stack windows… ]
//! ```

use std::sync::Arc;

use arrow::array::{self as a, Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{self as t, DataType as A, TimeUnit};
use arrow::row::{RowConverter, SortField};
use wasmill_plan::{Error, Result};

use crate::operators::key_index::{bytes_at, bytes_column};

/// How an argument lies in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// One word, an `i64`: integers, BOOLEAN, dates, times, intervals.
    Int,
    /// One word, the bits of an `f64`: FLOAT and DOUBLE.
    Float,
    /// Two words, low and high, of an `i128`: DECIMAL.
    Wide,
    /// One word, an id in the store's slab: text and bytes as they are, everything else in Arrow's row encoding.
    Bytes,
}

/// A value that functions read: a column, or several taken as one (`COUNT(DISTINCT a, b)`).
pub(super) struct Argument {
    columns: Vec<usize>,
    types: Vec<A>,
    pub(super) class: Class,
    /// Offset of its first word in a record.
    pub(super) word: usize,
    converter: Option<RowConverter>,
}

/// When a row counts for a function: its argument is not NULL and its filter is TRUE.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Condition {
    argument: Option<usize>,
    filter: Option<usize>,
}

/// The arguments of all functions, each once.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) list: Vec<Argument>,
    conditions: Vec<Condition>,
}

/// An argument's values over some rows; NULLs hold anything.
pub(super) enum Values {
    Words(Vec<u64>),
    Wide(Vec<i128>),
    Bytes { ends: Vec<usize>, bytes: Vec<u8> },
}

impl Values {
    pub(super) fn bytes(&self, row: usize) -> &[u8] {
        match self {
            Self::Bytes { ends, bytes } => &bytes[if row == 0 { 0 } else { ends[row - 1] }..ends[row]],
            _ => unreachable!("bytes of a number"),
        }
    }
}

impl Arguments {
    /// The argument made of those columns of the input.
    ///
    /// # Errors
    /// `Error::Query` for a type without an encoding.
    pub(super) fn add(&mut self, columns: &[usize], input: &[A]) -> Result<usize> {
        if let Some(found) = self.list.iter().position(|x| x.columns == columns) {
            return Ok(found);
        }
        let types: Vec<A> = columns.iter().map(|&c| input[c].clone()).collect();
        let class = match types.as_slice() {
            [one] => class_of(one),
            _ => Class::Bytes,
        };
        let plain = matches!(types.as_slice(), [A::Utf8 | A::Binary]);
        let converter = if class == Class::Bytes && !plain {
            let fields = types.iter().map(|t| SortField::new(t.clone())).collect();
            Some(
                RowConverter::new(fields)
                    .map_err(|e| Error::query(format!("values of these types cannot be kept: {e}")))?,
            )
        } else {
            None
        };
        self.list.push(Argument { columns: columns.to_vec(), types, class, word: 0, converter });
        Ok(self.list.len() - 1)
    }

    /// The bit that says whether a row counts.
    pub(super) fn condition(&mut self, argument: Option<usize>, filter: Option<usize>) -> usize {
        let wanted = Condition { argument, filter };
        self.conditions.iter().position(|c| *c == wanted).unwrap_or_else(|| {
            self.conditions.push(wanted);
            self.conditions.len() - 1
        })
    }

    /// How many words the bits take.
    pub(super) fn bit_words(&self) -> usize {
        self.conditions.len().div_ceil(64)
    }

    /// Gives each argument its place behind time and bits, and returns the number of words so far.
    pub(super) fn place(&mut self) -> usize {
        let mut word = 1 + self.bit_words();
        for argument in &mut self.list {
            argument.word = word;
            word += if argument.class == Class::Wide { 2 } else { 1 };
        }
        word
    }

    /// The bit words of each row: `rows × bit_words`.
    pub(super) fn bits(&self, rows: &RecordBatch) -> Vec<u64> {
        let width = self.bit_words();
        let mut words = vec![0u64; rows.num_rows() * width];
        for (bit, condition) in self.conditions.iter().enumerate() {
            let (at, mask) = (bit / 64, 1u64 << (bit % 64));
            let mut nulls = None;
            for &column in condition.argument.iter().flat_map(|&x| &self.list[x].columns) {
                nulls = arrow::buffer::NullBuffer::union(nulls.as_ref(), rows.column(column).logical_nulls().as_ref());
            }
            let filter = condition.filter.map(|f| rows.column(f).as_boolean());
            if nulls.is_none() && filter.is_none() {
                words.iter_mut().skip(at).step_by(width).for_each(|w| *w |= mask);
                continue;
            }
            for (row, word) in words.iter_mut().skip(at).step_by(width).enumerate() {
                let valid = nulls.as_ref().is_none_or(|n| n.is_valid(row))
                    && filter.is_none_or(|f| f.is_valid(row) && f.value(row));
                *word |= if valid { mask } else { 0 };
            }
        }
        words
    }
}

impl Argument {
    /// Its values in those rows.
    ///
    /// # Errors
    /// `Error::Data` where a value cannot be encoded.
    pub(super) fn values(&self, rows: &RecordBatch) -> Result<Values> {
        let column = rows.column(self.columns[0]);
        macro_rules! words {
            ($t:ident) => {
                Values::Words(column.as_primitive::<t::$t>().values().iter().map(|&v| v as i64 as u64).collect())
            };
        }
        if self.class == Class::Bytes {
            return self.byte_values(rows);
        }
        Ok(match column.data_type() {
            A::Int8 => words!(Int8Type),
            A::Int16 => words!(Int16Type),
            A::Int32 => words!(Int32Type),
            A::Int64 => words!(Int64Type),
            A::Date32 => words!(Date32Type),
            A::Time32(_) => words!(Time32MillisecondType),
            A::Interval(_) => words!(IntervalYearMonthType),
            A::Duration(_) => words!(DurationMillisecondType),
            A::Timestamp(TimeUnit::Millisecond, _) => words!(TimestampMillisecondType),
            A::Timestamp(TimeUnit::Microsecond, _) => words!(TimestampMicrosecondType),
            A::Timestamp(..) => words!(TimestampNanosecondType),
            A::Boolean => Values::Words(column.as_boolean().values().iter().map(u64::from).collect()),
            A::Float32 => {
                let values = column.as_primitive::<t::Float32Type>().values();
                Values::Words(values.iter().map(|&v| f64::from(v).to_bits()).collect())
            }
            A::Float64 => {
                Values::Words(column.as_primitive::<t::Float64Type>().values().iter().map(|v| v.to_bits()).collect())
            }
            A::Decimal128(..) => Values::Wide(column.as_primitive::<t::Decimal128Type>().values().to_vec()),
            other => unreachable!("class {:?} of {other}", self.class),
        })
    }

    fn byte_values(&self, rows: &RecordBatch) -> Result<Values> {
        let (mut ends, mut bytes) = (Vec::with_capacity(rows.num_rows()), Vec::new());
        match &self.converter {
            None => {
                let column = rows.column(self.columns[0]);
                for row in 0..rows.num_rows() {
                    if column.is_valid(row) {
                        bytes.extend_from_slice(bytes_at(column, row));
                    }
                    ends.push(bytes.len());
                }
            }
            Some(converter) => {
                let columns: Vec<ArrayRef> = self.columns.iter().map(|&c| rows.column(c).clone()).collect();
                for row in converter.convert_columns(&columns)?.iter() {
                    bytes.extend_from_slice(row.as_ref());
                    ends.push(bytes.len());
                }
            }
        }
        Ok(Values::Bytes { ends, bytes })
    }

    /// The first column again, from kept bytes.
    ///
    /// # Errors
    /// `Error::Data` for bytes that are not of this argument.
    pub(super) fn from_bytes(&self, values: &[Option<&[u8]>]) -> Result<ArrayRef> {
        let Some(converter) = &self.converter else {
            return bytes_column(&self.types[0], values);
        };
        let parser = converter.parser();
        let present = converter.convert_rows(values.iter().flatten().map(|v| parser.parse(v)))?;
        let mut next = 0u32;
        let indices: a::UInt32Array = values
            .iter()
            .map(|v| {
                v.map(|_| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        Ok(arrow::compute::take(&present[0], &indices, None)?)
    }

    /// The type of the first column.
    pub(super) fn data_type(&self) -> &A {
        &self.types[0]
    }
}

/// How values of a type are kept.
fn class_of(data_type: &A) -> Class {
    match data_type {
        A::Float32 | A::Float64 => Class::Float,
        A::Decimal128(..) => Class::Wide,
        A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::Boolean => Class::Int,
        A::Date32 | A::Time32(_) | A::Duration(_) | A::Interval(_) | A::Timestamp(..) => Class::Int,
        _ => Class::Bytes,
    }
}

/// An array of that type from words of class Int or Float; `None` is NULL.
pub(super) fn from_words(data_type: &A, words: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    macro_rules! ints {
        ($t:ident) => {
            Arc::new(words.map(|w| w.map(|w| w as i64 as _)).collect::<a::PrimitiveArray<t::$t>>())
        };
    }
    macro_rules! stamps {
        ($t:ident, $zone:expr) => {
            Arc::new(
                words
                    .map(|w| w.map(|w| w as i64))
                    .collect::<a::PrimitiveArray<t::$t>>()
                    .with_timezone_opt($zone.clone()),
            )
        };
    }
    match data_type {
        A::Int8 => ints!(Int8Type),
        A::Int16 => ints!(Int16Type),
        A::Int32 => ints!(Int32Type),
        A::Int64 => ints!(Int64Type),
        A::Date32 => ints!(Date32Type),
        A::Time32(_) => ints!(Time32MillisecondType),
        A::Interval(_) => ints!(IntervalYearMonthType),
        A::Duration(_) => ints!(DurationMillisecondType),
        A::Timestamp(TimeUnit::Millisecond, zone) => stamps!(TimestampMillisecondType, zone),
        A::Timestamp(TimeUnit::Microsecond, zone) => stamps!(TimestampMicrosecondType, zone),
        A::Timestamp(_, zone) => stamps!(TimestampNanosecondType, zone),
        A::Boolean => Arc::new(words.map(|w| w.map(|w| w != 0)).collect::<a::BooleanArray>()),
        A::Float32 => Arc::new(words.map(|w| w.map(|w| f64::from_bits(w) as f32)).collect::<a::Float32Array>()),
        A::Float64 => Arc::new(words.map(|w| w.map(f64::from_bits)).collect::<a::Float64Array>()),
        other => unreachable!("words of {other}"),
    }
}
