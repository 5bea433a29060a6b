//! The `datagen` connector: random rows and sequences, with Flink's options
//! (<https://nightlies.apache.org/flink/flink-docs-stable/docs/connectors/table/datagen/>).
//!
//! Row n depends on the seed and n alone. Only DATE, TIME and timestamps look at the clock, unless `start-time` is given.

mod field;

use std::time::{SystemTime, UNIX_EPOCH};

use wasmill_plan::{SourceNode, Table};
use wasmill_runtime::source::Source;

use crate::column::ColumnBuilder;
use crate::format::physical_columns;
use crate::generator::{Generator, GeneratorSource};
use crate::options::{OptionError, OptionKind, OptionSpec, Reader, nearest};
use crate::random::Random;
use crate::time::{TimestampFormat, parse_timestamp};
use field::FieldGenerator;

const KINDS: &[&str] = &["random", "sequence"];

pub(crate) const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("rows-per-second", OptionKind::Integer(1), "the pace, of all instances together").or("10000"),
    OptionSpec::new("number-of-rows", OptionKind::Integer(0), "how many rows; without it there is no end"),
    OptionSpec::new("seed", OptionKind::Integer(0), "other rows for another seed").or("0"),
    OptionSpec::new(
        "start-time",
        OptionKind::Text,
        "the clock of the first row, such as '2020-01-01 00:00:00'; it goes on at the pace of 'rows-per-second'",
    ),
    OptionSpec::new("fields.#.kind", OptionKind::Choice(KINDS), "how the column's values are made").or("random"),
    OptionSpec::new("fields.#.min", OptionKind::Number(f64::MIN), "least random value of a number"),
    OptionSpec::new("fields.#.max", OptionKind::Number(f64::MIN), "largest random value of a number"),
    OptionSpec::new("fields.#.max-past", OptionKind::Duration, "how far a timestamp may lie back").or("0 ms"),
    OptionSpec::new("fields.#.length", OptionKind::Integer(1), "length of text, bytes, arrays, maps and multisets")
        .or("100"),
    OptionSpec::new("fields.#.var-len", OptionKind::Boolean, "any length from 1 to 'length'").or("false"),
    OptionSpec::new("fields.#.null-rate", OptionKind::Number(0.0), "how many values are NULL, from 0 to 1").or("0"),
    OptionSpec::new("fields.#.start", OptionKind::Integer(i64::MIN), "first value of a sequence"),
    OptionSpec::new("fields.#.end", OptionKind::Integer(i64::MIN), "last value of a sequence"),
];

/// Settings of one column, or of a part of one: `fields.NAME.…`.
#[derive(Clone, Debug, Default)]
struct FieldOptions {
    sequence: bool,
    min: Option<f64>,
    max: Option<f64>,
    max_past_ms: u64,
    length: usize,
    length_varies: bool,
    null_rate: f64,
    start: Option<i64>,
    end: Option<i64>,
}

impl FieldOptions {
    fn of(table: &Table, name: &str) -> Result<Self, OptionError> {
        let options = Reader::of(table);
        let key = |last: &str| format!("fields.{name}.{last}");
        let read = Self {
            sequence: options.choice(&key("kind"), KINDS)? == Some("sequence"),
            min: options.number(&key("min"))?,
            max: options.number(&key("max"))?,
            max_past_ms: options.duration(&key("max-past"))?.map_or(0, |d| d.as_millis() as u64),
            length: options.integer(&key("length"))?.map_or(100, |n| n.clamp(1, 1 << 20) as usize),
            length_varies: options.boolean(&key("var-len"), false)?,
            null_rate: options.number(&key("null-rate"))?.unwrap_or(0.0),
            start: options.integer(&key("start"))?,
            end: options.integer(&key("end"))?,
        };
        if let (Some(min), Some(max)) = (read.min, read.max)
            && min > max
        {
            return Err(OptionError::new(&key("min"), format!("'{}' is above '{}'", key("min"), key("max"))));
        }
        if read.null_rate > 1.0 {
            return Err(OptionError::new(&key("null-rate"), format!("'{}' is above 1", key("null-rate"))));
        }
        if read.sequence {
            match (read.start, read.end) {
                (Some(start), Some(end)) if start <= end => {}
                (Some(_), Some(_)) => {
                    return Err(OptionError::new(
                        &key("start"),
                        format!("'{}' is above '{}'", key("start"), key("end")),
                    ));
                }
                (None, _) => {
                    return Err(OptionError::new(&key("kind"), format!("a sequence needs option '{}'", key("start"))));
                }
                (_, None) => {
                    return Err(OptionError::new(&key("kind"), format!("a sequence needs option '{}'", key("end"))));
                }
            }
        }
        Ok(read)
    }
    fn rows(&self) -> Option<u64> {
        self.sequence.then(|| self.end.zip(self.start).map_or(0, |(end, start)| end.abs_diff(start).saturating_add(1)))
    }
}

/// The rows of a table.
pub(crate) struct DataGenerator {
    seed: u64,
    fields: Vec<FieldGenerator>,
    clock: Clock,
}

/// What time a row's timestamps count from.
enum Clock {
    Machine,
    /// From the start, so many ms a row.
    Rows {
        start_ms: i64,
        row_ms: f64,
    },
}

impl Clock {
    fn now_ms(&self, row: u64) -> i64 {
        match self {
            Self::Machine => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64),
            Self::Rows { start_ms, row_ms } => start_ms + (row as f64 * row_ms) as i64,
        }
    }
}

impl Generator for DataGenerator {
    fn push(&mut self, row: u64, columns: &mut [ColumnBuilder]) {
        let now_ms = self.clock.now_ms(row);
        for (field, column) in self.fields.iter().zip(columns) {
            let mut random = Random::at(self.seed, field.stream, row);
            field.push(row, now_ms, &mut random, column);
        }
    }
}

/// Checks the options against the columns.
///
/// # Errors
/// The first that is wrong.
pub(crate) fn check(table: &Table) -> Result<(), OptionError> {
    generators(table)?;
    clock(table)?;
    let names: Vec<&str> = physical_columns(table).map(|c| c.name.as_str()).collect();
    for key in table.options.keys().filter(|k| k.starts_with("fields.")) {
        let of_column =
            |name: &&str| key["fields.".len()..].strip_prefix(*name).is_some_and(|rest| rest.starts_with('.'));
        if !names.iter().any(|n| of_column(&n)) {
            let name = key["fields.".len()..].rsplit_once('.').map_or("", |(name, _)| name);
            let error = OptionError::new(key, format!("option '{key}': the table has no column '{name}'"));
            return Err(match nearest(name, names.iter().copied()) {
                Some(near) => error.hint(format!("did you mean '{near}'?")),
                None => error,
            });
        }
    }
    Ok(())
}

/// A generator per physical column.
fn generators(table: &Table) -> Result<Vec<(String, FieldGenerator)>, OptionError> {
    let mut generators = Vec::new();
    for (stream, column) in physical_columns(table).enumerate() {
        let generator = FieldGenerator::new(table, &column.name, &column.data_type, stream as u64)?;
        generators.push((column.name.clone(), generator));
    }
    Ok(generators)
}

fn clock(table: &Table) -> Result<Clock, OptionError> {
    let options = Reader::of(table);
    let Some(text) = options.text("start-time") else { return Ok(Clock::Machine) };
    let start_ms = parse_timestamp(text.trim().as_bytes(), TimestampFormat::Sql).and_then(|t| t.to_units(3));
    let start_ms = start_ms.ok_or_else(|| {
        OptionError::new("start-time", format!("'{text}' is not a value of option 'start-time'"))
            .hint("use a time such as '2020-01-01 00:00:00'")
    })?;
    Ok(Clock::Rows { start_ms, row_ms: 1000.0 / rows_per_second(table)? })
}

fn rows_per_second(table: &Table) -> Result<f64, OptionError> {
    Ok(Reader::of(table).integer("rows-per-second")?.unwrap_or(10_000) as f64)
}

/// How many rows there are: as many as the option says, and as the shortest sequence has.
fn rows_total(table: &Table) -> Result<Option<u64>, OptionError> {
    let number = Reader::of(table).integer("number-of-rows")?.map(|n| n.max(0) as u64);
    let sequences = generators(table)?.into_iter().filter_map(|(_, g)| g.rows()).min();
    Ok([number, sequences].into_iter().flatten().min())
}

/// The table's source.
///
/// # Errors
/// A wrong option.
pub(crate) fn source(node: &SourceNode, index: usize, parallelism: usize) -> Result<Box<dyn Source>, OptionError> {
    let table = &node.table;
    check(table)?;
    let all = generators(table)?;
    let of_column = |i: &usize| all.iter().find(|(name, _)| *name == table.columns[*i].name).map(|(_, g)| g.clone());
    let fields = node.projection.iter().filter_map(of_column).collect();
    let seed = Reader::of(table).integer("seed")?.unwrap_or(0) as u64;
    let generator = DataGenerator { seed, fields, clock: clock(table)? };
    let (rows, rate) = (rows_total(table)?, rows_per_second(table)?);
    Ok(Box::new(GeneratorSource::new(generator, node, (index, parallelism), rows, Some(rate))))
}

/// Whether the rows end.
pub(crate) fn is_bounded(table: &Table) -> bool {
    matches!(rows_total(table), Ok(Some(_)))
}
