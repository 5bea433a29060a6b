//! From the values of partials to result columns.

use std::sync::Arc;

use arrow::array::{self as a, ArrayRef};
use arrow::datatypes::{DataType as A, i256};
use wasmill_plan::Result;

use super::arguments::{Arguments, Class, from_words};
use super::functions::Output;
use super::monoid::{InWords, unordered};
use super::partial::Kind;
use super::store::{Slab, wide};
use super::sums::{Moment, Wide192};

/// What the steps of a group gave, row by row.
#[derive(Default)]
pub(super) struct Results {
    /// Of each partial, its width times the rows.
    pub(super) words: Vec<Vec<u64>>,
    /// Of each partial that gives bytes, the values.
    pub(super) bytes: Vec<Vec<Option<Box<[u8]>>>>,
    /// Of each accumulator, one array per row.
    pub(super) accumulated: Vec<Vec<ArrayRef>>,
}

/// The numbers of each row in its key.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) row: Vec<i64>,
    pub(super) rank: Vec<i64>,
    pub(super) dense_rank: Vec<i64>,
}

impl Results {
    /// Room for that many rows.
    pub(super) fn new<'a>(kinds: impl Iterator<Item = &'a Kind>, accumulators: usize, rows: usize) -> Self {
        let words: Vec<Vec<u64>> = kinds.map(|k| Vec::with_capacity(k.width() * rows)).collect();
        let bytes = words.iter().map(|_| Vec::new()).collect();
        Self { words, bytes, accumulated: vec![Vec::new(); accumulators] }
    }

    /// Reads the values that the last `rows` results refer to, before they may go.
    pub(super) fn resolve<'a>(&mut self, kinds: impl Iterator<Item = &'a Kind>, slab: &Slab, rows: usize) {
        for ((kind, words), bytes) in kinds.zip(&self.words).zip(&mut self.bytes) {
            if kind.value_class() == Some(Class::Bytes) {
                let last = &words[words.len() - rows * 3..];
                bytes.extend(last.chunks_exact(3).map(|c| (c[0] == 1).then(|| slab.get(c[1]).into())));
            }
        }
    }
}

impl Output {
    /// The result column.
    ///
    /// # Errors
    /// `Error::Data` where a value has no result.
    pub(super) fn finish(&self, results: &Results, numbers: &Numbers, arguments: &Arguments) -> Result<ArrayRef> {
        let words = |p: usize| results.words[p].iter().copied();
        let with_count = |p: usize, n: usize| words(p).zip(words(n)).map(|(v, n)| (n > 0).then_some((v, n as i64)));
        let wides = |p: usize, n: usize| {
            let sums = results.words[p].chunks_exact(3).map(Wide192::read);
            sums.zip(words(n)).map(|(v, n)| if n > 0 { v.exact().and_then(in_decimal).map(|v| (v, n)) } else { None })
        };
        let ints = |values: &[i64]| -> ArrayRef { Arc::new(a::Int64Array::from(values.to_vec())) };
        Ok(match self {
            Self::RowNumber => ints(&numbers.row),
            Self::Rank => ints(&numbers.rank),
            Self::DenseRank => ints(&numbers.dense_rank),
            Self::Count(count) => Arc::new(a::Int64Array::from_iter_values(words(*count).map(|n| n as i64))),
            Self::Int { value, count, data_type } | Self::Float { value, count, data_type } => {
                from_words(data_type, with_count(*value, *count).map(|v| v.map(|(v, _)| v)))
            }
            Self::AverageInt { sum, count, data_type } => {
                let average = |(sum, count): (u64, i64)| wrap(sum as i64, data_type).wrapping_div(count) as u64;
                from_words(data_type, with_count(*sum, *count).map(|v| v.map(average)))
            }
            Self::AverageFloat { sum, count, data_type } => {
                let single = *data_type == A::Float32;
                let average = |(sum, count): (u64, i64)| {
                    let sum = f64::from_bits(sum);
                    if single { f64::from(sum as f32 / count as f32) } else { sum / count as f64 }.to_bits()
                };
                from_words(data_type, with_count(*sum, *count).map(|v| v.map(average)))
            }
            Self::Wide { value, count, data_type } => {
                decimals(wides(*value, *count).map(|v| v.map(|(v, _)| v)), data_type)
            }
            Self::AverageWide { sum, count, scale, data_type } => {
                let A::Decimal128(_, result_scale) = data_type else { unreachable!("AVG of a DECIMAL is one") };
                let up = i256::from_i128(10i128.pow((result_scale - scale).max(0) as u32));
                let average = |(sum, count): (i128, u64)| {
                    let by = i256::from_i128(i128::from(count));
                    let (value, twice_rest) = {
                        let scaled = i256::from_i128(sum).wrapping_mul(up);
                        let rest = scaled.wrapping_rem(by).wrapping_abs();
                        (scaled.wrapping_div(by), rest.wrapping_add(rest))
                    };
                    let away = if twice_rest < by { 0 } else { sum.signum() };
                    in_decimal(value.to_i128()? + away)
                };
                decimals(wides(*sum, *count).map(|v| v.and_then(average)), data_type)
            }
            Self::Extreme { value, count, float, data_type } => {
                let plain = |(v, _): (u64, i64)| if *float { unordered(v as i64) } else { v };
                from_words(data_type, with_count(*value, *count).map(|v| v.map(plain)))
            }
            Self::Variance { moments, sample, root } => {
                let value = |m: Moment| {
                    let over = m.count - if *sample { 1.0 } else { 0.0 };
                    let variance = (over > 0.0).then(|| m.m2 / over);
                    if *root { variance.map(f64::sqrt) } else { variance }
                };
                let moments = results.words[*moments].chunks_exact(3).map(Moment::read);
                Arc::new(moments.map(value).collect::<a::Float64Array>())
            }
            Self::Value { value, argument } => {
                let argument = &arguments.list[*argument];
                let cells = results.words[*value].chunks_exact(3);
                match argument.class {
                    Class::Bytes => {
                        argument.from_bytes(&results.bytes[*value].iter().map(Option::as_deref).collect::<Vec<_>>())?
                    }
                    Class::Wide => {
                        let value = |c: &[u64]| (c[0] == 1).then(|| wide(c, 1));
                        decimals(cells.map(value), argument.data_type())
                    }
                    _ => from_words(argument.data_type(), cells.map(|c| (c[0] == 1).then_some(c[1]))),
                }
            }
            Self::Accumulated(index) => {
                let parts: Vec<&dyn a::Array> = results.accumulated[*index].iter().map(AsRef::as_ref).collect();
                arrow::compute::concat(&parts)?
            }
        })
    }
}

fn wrap(sum: i64, data_type: &A) -> i64 {
    match data_type {
        A::Int8 => i64::from(sum as i8),
        A::Int16 => i64::from(sum as i16),
        A::Int32 => i64::from(sum as i32),
        _ => sum,
    }
}

fn in_decimal(value: i128) -> Option<i128> {
    (value.unsigned_abs() < 10u128.pow(38)).then_some(value)
}

fn decimals(values: impl Iterator<Item = Option<i128>>, data_type: &A) -> ArrayRef {
    Arc::new(values.collect::<a::Decimal128Array>().with_data_type(data_type.clone()))
}
