//! From the plan's OVER functions to partials; [`super::results`] makes their columns.
//!
//! ```text
//! OverFunction --Layout::new--> partials (shared by the functions of a frame) + Output
//! ```

use arrow::datatypes::DataType as A;
use wasmill_expr::UserFunctions;
use wasmill_plan::{AggregateCall, Error, OverFrame, OverFunction, OverGroup, Result, Schema, TypeKind};

use super::arguments::{Arguments, Class};
use super::partial::{Kind, Partial, Place, Rule};
use super::running::Running;
use super::steps::Bounds;
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

/// What RANK and DENSE_RANK count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ranks {
    /// As in SQL: the rows, or the values, before those of the same order.
    OfOrder,
    /// As Flink does in the order of a time attribute, where it tells no rows of one time apart: the rows up to the last of the
    /// same time.
    OfTime,
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

/// A function without partials (DISTINCT, LISTAGG, users' functions): rows are added and taken back as its frame moves.
pub(super) struct Accumulators {
    pub(super) aggregate: Box<dyn Aggregate>,
    /// Its columns: argument and the bit that says it is not NULL.
    pub(super) arguments: Vec<(usize, usize)>,
    /// The bit of its filter.
    pub(super) filter: Option<usize>,
    /// The frame slides and rows cannot be taken back: it is computed anew for each row.
    pub(super) anew: bool,
    /// The order of the rows shows in the result.
    pub(super) in_order: bool,
    /// Whether a row that is taken back leaves nothing of itself, not even in the last digit.
    pub(super) exact: bool,
    /// On arrival: what is kept from row to row.
    pub(super) running: Running,
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
    pub(super) fn new(
        groups: &[OverGroup],
        input: &Schema,
        ranks: Ranks,
        functions: &dyn UserFunctions,
    ) -> Result<Self> {
        let types: Vec<A> = input.fields.iter().map(|f| f.data_type.to_arrow()).collect();
        let mut arguments = Arguments::default();
        // The first pass only collects the arguments, whose places the second needs.
        build(groups, &types, ranks, &mut arguments, functions)?;
        let front = arguments.place();
        let (mut groups, mut lag) = (build(groups, &types, ranks, &mut arguments, functions)?, None);
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

    /// The longest RANGE, where there are frames, and all are bounded RANGEs.
    pub(super) fn longest_range_ms(&self) -> Option<i64> {
        let range = |g: &Group| if let Bounds::Range(ms) = g.bounds { ms } else { None };
        if !self.all_bounded() || self.groups.is_empty() {
            return None;
        }
        self.groups.iter().map(range).try_fold(0, |longest, ms| Some(longest.max(ms?)))
    }
}

fn build(
    groups: &[OverGroup],
    types: &[A],
    ranks: Ranks,
    arguments: &mut Arguments,
    functions: &dyn UserFunctions,
) -> Result<Vec<Group>> {
    groups
        .iter()
        .map(|group| {
            let bounds = match group.frame {
                OverFrame::Rows { preceding } => Bounds::Rows(preceding),
                OverFrame::Range { preceding_ms } => Bounds::Range(preceding_ms),
            };
            let unbounded = matches!(bounds, Bounds::Rows(None) | Bounds::Range(None));
            let (partials, accumulators) = Default::default();
            let mut builder = Builder { types, ranks, arguments, functions, unbounded, partials, accumulators };
            let outputs = group.functions.iter().map(|f| builder.function(f)).collect::<Result<_>>()?;
            let Builder { partials, accumulators, .. } = builder;
            Ok(Group { bounds, word: 0, partials, accumulators, outputs })
        })
        .collect()
}

struct Builder<'a> {
    types: &'a [A],
    ranks: Ranks,
    arguments: &'a mut Arguments,
    functions: &'a dyn UserFunctions,
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
            OverFunction::Rank | OverFunction::DenseRank if self.ranks == Ranks::OfTime => {
                let bit = self.arguments.condition(None, None);
                Output::Count(self.partial(Kind::Count { bit }))
            }
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
        let aggregate = new_over_aggregate(call, !self.unbounded, self.functions)?;
        let mut columns = Vec::new();
        for &column in &call.args {
            let argument = self.arguments.add(&[column], self.types)?;
            columns.push((argument, self.arguments.condition(Some(argument), None)));
        }
        let filter = call.filter.map(|f| self.arguments.condition(None, Some(f)));
        let anew = !self.unbounded && !aggregate.can_retract();
        self.accumulators.push(Accumulators {
            aggregate,
            arguments: columns,
            filter,
            anew,
            in_order: is_in_order(&call.function),
            exact: is_exact(call),
            running: Running::default(),
        });
        Ok(Output::Accumulated(self.accumulators.len() - 1))
    }
}

/// Whether the order of the rows shows in the result; users' functions may.
fn is_in_order(function: &str) -> bool {
    match wasmill_expr::aggregate::find(function) {
        Some("COUNT" | "SUM" | "AVG" | "COLLECT" | "PERCENTILE") => false,
        Some(name) => variance(name).is_none(),
        None => true,
    }
}

fn is_exact(call: &AggregateCall) -> bool {
    let kind = call.arg_types.first().map(|t| &t.kind);
    let is_float = matches!(kind, Some(TypeKind::Float | TypeKind::Double));
    match call.function.as_str() {
        // A sum of DECIMALs begins anew where it has overflowed.
        "SUM" | "AVG" => !is_float && !matches!(kind, Some(TypeKind::Decimal(..))),
        name => variance(name).is_none() || !is_float,
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
