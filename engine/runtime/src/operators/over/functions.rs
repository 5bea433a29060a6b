//! From the plan's OVER functions to partials, and from partials to result columns.
//!
//! ```text
//! OverFunction --Layout::new--> partials (shared by the functions of a frame) + Output --Output::finish--> column
//! ```

use std::sync::Arc;

use arrow::array::{self as a, ArrayRef};
use arrow::datatypes::{DataType as A, i256};
use wasmill_plan::{AggregateCall, Error, OverFrame, OverFunction, OverGroup, Result, Schema, TypeKind};

use super::arguments::{Arguments, Class, from_words};
use super::windows::{Bounds, Kind, Moment, Moments, Monoid, Partial, Place, Rule, Wide192, unordered};
use crate::aggregate::{Aggregate, new_over_aggregate};

/// Where everything lies: the records, the words of a key, and what each function is made of.
pub(super) struct Layout {
    pub(super) arguments: Arguments,
    pub(super) groups: Vec<Group>,
    /// Words of a record without its partials.
    pub(super) record_words: usize,
    /// Words of a record.
    pub(super) stride: usize,
    /// The words of a new key: for each group `[lo, mid, hi]`, then its partials.
    pub(super) key_template: Vec<u64>,
    /// Rows before the next one that LAG reads.
    pub(super) lag: Option<u64>,
}

/// One frame.
pub(super) struct Group {
    pub(super) bounds: Bounds,
    /// Offset of `[lo, mid, hi]` in the key's words.
    pub(super) word: usize,
    pub(super) partials: Vec<Partial>,
    pub(super) accumulators: Vec<Accumulators>,
    pub(super) outputs: Vec<Output>,
}

/// A function without partials (DISTINCT, LISTAGG, …): rows are added and taken back one frame step at a time.
pub(super) struct Accumulators {
    pub(super) aggregate: Box<dyn Aggregate>,
    /// Its columns: argument and the bit that says it is not NULL.
    pub(super) arguments: Vec<(usize, usize)>,
    /// The bit of its filter.
    pub(super) filter: Option<usize>,
}

/// How a result column is made; the numbers are partials of the group.
pub(super) enum Output {
    RowNumber,
    Rank,
    DenseRank,
    Count(usize),
    Int {
        value: usize,
        count: usize,
        data_type: A,
    },
    AverageInt {
        sum: usize,
        count: usize,
        data_type: A,
    },
    Float {
        value: usize,
        count: usize,
        data_type: A,
    },
    AverageFloat {
        sum: usize,
        count: usize,
        data_type: A,
    },
    Wide {
        value: usize,
        count: usize,
        data_type: A,
    },
    AverageWide {
        sum: usize,
        count: usize,
        scale: i8,
        data_type: A,
    },
    Extreme {
        value: usize,
        count: usize,
        float: bool,
        data_type: A,
    },
    Variance {
        moments: usize,
        sample: bool,
        root: bool,
    },
    /// A partial that gives values of an argument.
    Value {
        value: usize,
        argument: usize,
    },
    Accumulated(usize),
}

impl Layout {
    /// For those frames over input of that schema.
    ///
    /// # Errors
    /// `Error::Query` for a function that is not known.
    pub(super) fn new(groups: &[OverGroup], input: &Schema) -> Result<Self> {
        let types: Vec<A> = input.fields.iter().map(|f| f.data_type.to_arrow()).collect();
        let mut arguments = Arguments::default();
        // The first pass only collects the arguments, whose places the second needs.
        build(groups, &types, &mut arguments)?;
        let front = arguments.place();
        let (mut groups, mut lag) = (build(groups, &types, &mut arguments)?, None);
        let (mut stride, mut key_template) = (front, Vec::new());
        for group in &mut groups {
            group.word = key_template.len();
            key_template.extend([0, 0, 0]);
            for partial in &mut group.partials {
                partial.key_word = key_template.len();
                key_template.extend(partial.kind.initial());
                partial.front_word = stride;
                stride += partial.kind.front_width();
                if let Kind::Lag { offset, .. } = partial.kind {
                    lag = lag.max(Some(offset));
                }
            }
        }
        Ok(Self { arguments, groups, record_words: front, stride, key_template, lag })
    }

    /// Whether every frame is bounded: Flink then judges lateness by the key.
    pub(super) fn all_bounded(&self) -> bool {
        self.lag.is_none()
            && self.groups.iter().all(|g| {
                let running = |o: &Output| matches!(o, Output::RowNumber | Output::Rank | Output::DenseRank);
                !matches!(g.bounds, Bounds::Rows(None) | Bounds::Range(None)) && !g.outputs.iter().any(running)
            })
    }

    /// The longest RANGE, where every frame is a bounded RANGE.
    pub(super) fn longest_range_ms(&self) -> Option<i64> {
        let range = |g: &Group| if let Bounds::Range(ms) = g.bounds { ms } else { None };
        if !self.all_bounded() {
            return None;
        }
        self.groups.iter().map(range).try_fold(0, |longest, ms| Some(longest.max(ms?)))
    }
}

fn build(groups: &[OverGroup], types: &[A], arguments: &mut Arguments) -> Result<Vec<Group>> {
    groups
        .iter()
        .map(|group| {
            let bounds = match group.frame {
                OverFrame::Rows { preceding } => Bounds::Rows(preceding),
                OverFrame::Range { preceding_ms } => Bounds::Range(preceding_ms),
            };
            let unbounded = matches!(bounds, Bounds::Rows(None) | Bounds::Range(None));
            let mut builder = Builder { types, arguments, unbounded, partials: Vec::new(), accumulators: Vec::new() };
            let outputs = group.functions.iter().map(|f| builder.function(f)).collect::<Result<_>>()?;
            let Builder { partials, accumulators, .. } = builder;
            Ok(Group { bounds, word: 0, partials, accumulators, outputs })
        })
        .collect()
}

struct Builder<'a> {
    types: &'a [A],
    arguments: &'a mut Arguments,
    unbounded: bool,
    partials: Vec<Partial>,
    accumulators: Vec<Accumulators>,
}

impl Builder<'_> {
    fn partial(&mut self, kind: Kind) -> usize {
        self.partials.iter().position(|p| p.kind == kind).unwrap_or_else(|| {
            self.partials.push(Partial { kind, key_word: 0, front_word: 0 });
            self.partials.len() - 1
        })
    }

    fn place(&self, argument: usize) -> Place {
        let argument = &self.arguments.list[argument];
        Place { word: argument.word, class: argument.class }
    }

    fn function(&mut self, function: &OverFunction) -> Result<Output> {
        Ok(match function {
            OverFunction::RowNumber => Output::RowNumber,
            OverFunction::Rank => Output::Rank,
            OverFunction::DenseRank => Output::DenseRank,
            OverFunction::Lag { column, offset, default, .. } => {
                let argument = self.arguments.add(&[*column], self.types)?;
                let bit = self.arguments.condition(Some(argument), None);
                let mut fallback = None;
                if let Some(column) = default {
                    let argument = self.arguments.add(&[*column], self.types)?;
                    fallback = Some((self.arguments.condition(Some(argument), None), self.place(argument)));
                }
                let value = self.place(argument);
                let kind = Kind::Lag { bit, value, offset: *offset, default: fallback };
                Output::Value { value: self.partial(kind), argument }
            }
            OverFunction::Aggregate(call) => self.aggregate(call)?,
        })
    }

    fn aggregate(&mut self, call: &AggregateCall) -> Result<Output> {
        let name = call.function.as_str();
        let distinct = call.distinct && !matches!(name, "MIN" | "MAX") && !call.args.is_empty();
        let known = matches!(name, "COUNT" | "SUM" | "AVG" | "MIN" | "MAX" | "FIRST_VALUE" | "LAST_VALUE")
            || (variance(name).is_some() && call.arg_types.first().is_some_and(|t| t.kind == TypeKind::Double));
        if distinct || !known || call.args.len() > 1 {
            return self.accumulate(call);
        }
        let Some(&column) = call.args.first() else {
            let bit = self.arguments.condition(None, call.filter);
            return match name {
                "COUNT" => Ok(Output::Count(self.partial(Kind::Count { bit }))),
                _ => Err(Error::query(format!("{name} needs an argument"))),
            };
        };
        let argument = self.arguments.add(&[column], self.types)?;
        let bit = self.arguments.condition(Some(argument), call.filter);
        let place = self.place(argument);
        let (word, class) = (place.word, place.class);
        let data_type = call.data_type.to_arrow();
        let single = call.arg_types[0].kind == TypeKind::Float;
        if let "FIRST_VALUE" | "LAST_VALUE" = name {
            let kind = match (self.unbounded, name) {
                (true, "FIRST_VALUE") => Kind::Keep { bit, value: place, rule: Rule::First },
                (true, _) => Kind::Keep { bit, value: place, rule: Rule::Last },
                (false, "FIRST_VALUE") => Kind::First { bit, value: place },
                (false, _) => Kind::Last { bit, value: place },
            };
            return Ok(Output::Value { value: self.partial(kind), argument });
        }
        if let ("MIN" | "MAX", Class::Wide | Class::Bytes) = (name, class) {
            let greatest = name == "MAX";
            let kind = match (self.unbounded, greatest) {
                (true, true) => Kind::Keep { bit, value: place, rule: Rule::Greatest },
                (true, false) => Kind::Keep { bit, value: place, rule: Rule::Least },
                (false, _) => Kind::ExtremeAt { bit, value: place, greatest },
            };
            return Ok(Output::Value { value: self.partial(kind), argument });
        }
        let count = self.partial(Kind::Count { bit });
        let sum_float = if single { Kind::SumSingle { bit, word } } else { Kind::SumFloat { bit, word } };
        Ok(match (name, class) {
            ("COUNT", _) => Output::Count(count),
            ("MIN" | "MAX", _) => {
                let float = class == Class::Float;
                let value = self.partial(Kind::Extreme { bit, word, float, greatest: name == "MAX" });
                Output::Extreme { value, count, float, data_type }
            }
            ("SUM", Class::Int) => Output::Int { value: self.partial(Kind::SumInt { bit, word }), count, data_type },
            ("AVG", Class::Int) => {
                Output::AverageInt { sum: self.partial(Kind::SumInt { bit, word }), count, data_type }
            }
            ("SUM", Class::Float) => Output::Float { value: self.partial(sum_float), count, data_type },
            ("AVG", Class::Float) => Output::AverageFloat { sum: self.partial(sum_float), count, data_type },
            ("SUM", Class::Wide) => Output::Wide { value: self.partial(Kind::SumWide { bit, word }), count, data_type },
            ("AVG", Class::Wide) => {
                let scale = if let TypeKind::Decimal(_, scale) = call.arg_types[0].kind { scale as i8 } else { 0 };
                Output::AverageWide { sum: self.partial(Kind::SumWide { bit, word }), count, scale, data_type }
            }
            _ => match variance(name) {
                Some((sample, root)) if class == Class::Float => {
                    Output::Variance { moments: self.partial(Kind::Moments { bit, word }), sample, root }
                }
                _ => return Err(Error::query(format!("{name} does not take {}", call.arg_types[0]))),
            },
        })
    }

    fn accumulate(&mut self, call: &AggregateCall) -> Result<Output> {
        let aggregate = new_over_aggregate(call, !self.unbounded)?;
        let mut columns = Vec::new();
        for &column in &call.args {
            let argument = self.arguments.add(&[column], self.types)?;
            columns.push((argument, self.arguments.condition(Some(argument), None)));
        }
        let filter = call.filter.map(|f| self.arguments.condition(None, Some(f)));
        self.accumulators.push(Accumulators { aggregate, arguments: columns, filter });
        Ok(Output::Accumulated(self.accumulators.len() - 1))
    }
}

/// (sample, square root) of a variance function.
fn variance(name: &str) -> Option<(bool, bool)> {
    match name {
        "VAR_POP" => Some((false, false)),
        "VAR_SAMP" => Some((true, false)),
        "STDDEV_POP" => Some((false, true)),
        "STDDEV_SAMP" => Some((true, true)),
        _ => None,
    }
}

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
                let moments = results.words[*moments].chunks_exact(3).map(Moments::read);
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
                        let value = |c: &[u64]| (c[0] == 1).then(|| super::store::wide(c, 1));
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
