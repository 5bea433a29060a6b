//! The values of one column of `datagen`.

use wasmill_plan::{DataType, Table, TypeKind};

use super::FieldOptions;
use crate::column::ColumnBuilder;
use crate::options::OptionError;
use crate::random::Random;
use crate::time::DateTime;

/// Makes the values of a column, or of a part of one.
#[derive(Clone, Debug)]
pub(super) struct FieldGenerator {
    options: FieldOptions,
    /// The random numbers' stream: the column's number.
    pub(super) stream: u64,
    /// Fields of a ROW, the element of an ARRAY or MULTISET, key and value of a MAP.
    parts: Vec<FieldGenerator>,
}

impl FieldGenerator {
    /// For the column, or the part of one, that is called `name` in options.
    ///
    /// # Errors
    /// An option that is wrong, or does not fit the type.
    pub(super) fn new(table: &Table, name: &str, data_type: &DataType, stream: u64) -> Result<Self, OptionError> {
        let options = FieldOptions::of(table, name)?;
        let part = |last: &str, data_type: &DataType| Self::new(table, &format!("{name}.{last}"), data_type, stream);
        let parts = match &data_type.kind {
            TypeKind::Row(fields) => fields.iter().map(|f| part(&f.name, &f.data_type)).collect::<Result<_, _>>()?,
            TypeKind::Array(item) | TypeKind::Multiset(item) => vec![part("element", item)?],
            TypeKind::Map(key, value) => vec![part("key", key)?, part("value", value)?],
            _ => Vec::new(),
        };
        let counts = data_type.kind.is_numeric() || data_type.kind.is_text();
        if options.sequence && !counts {
            let key = format!("fields.{name}.kind");
            let message = format!("column '{name}' of type {data_type} cannot be a sequence");
            return Err(OptionError::new(&key, message).hint("sequences are numbers or text"));
        }
        if let TypeKind::Bitmap | TypeKind::Null = data_type.kind {
            let message = format!("column '{name}' of type {data_type} cannot be generated");
            return Err(OptionError::new("connector", message));
        }
        Ok(Self { options, stream, parts })
    }

    /// How many values a sequence has.
    pub(super) fn rows(&self) -> Option<u64> {
        self.options.rows()
    }

    /// Appends the value of `row`.
    pub(super) fn push(&self, row: u64, now_ms: i64, random: &mut Random, column: &mut ColumnBuilder) {
        let options = &self.options;
        if options.null_rate > 0.0 && random.unit() < options.null_rate {
            return column.push_null();
        }
        let number = options.start.filter(|_| options.sequence).map(|start| start.wrapping_add(row as i64));
        match column {
            ColumnBuilder::Null(_) => column.push_null(),
            ColumnBuilder::Boolean { values } => values.push(random.bits() & 1 == 1),
            ColumnBuilder::TinyInt(v) => v.push(self.integer(number, random, i8::MIN.into(), i8::MAX.into()) as i8),
            ColumnBuilder::SmallInt(v) => v.push(self.integer(number, random, i16::MIN.into(), i16::MAX.into()) as i16),
            ColumnBuilder::Int(v) | ColumnBuilder::Months(v) => {
                v.push(self.integer(number, random, i32::MIN.into(), i32::MAX.into()) as i32);
            }
            ColumnBuilder::BigInt(v) | ColumnBuilder::Millis(v) => {
                v.push(self.integer(number, random, i64::MIN, i64::MAX));
            }
            ColumnBuilder::Float(v) => {
                v.push(self.real(number, random, f32::MIN.into(), f32::MAX.into()) as f32);
            }
            ColumnBuilder::Double(v) => v.push(self.real(number, random, f64::MIN, f64::MAX)),
            ColumnBuilder::Decimal { values, precision, scale } => {
                let unit = 10f64.powi(i32::from(*scale));
                let bound = 10i128.pow(u32::from(*precision)) - 1;
                let limit = bound as f64 / unit;
                let value = (self.real(number, random, -limit, limit) * unit).round() as i128;
                values.push(value.clamp(-bound, bound));
            }
            ColumnBuilder::Text(text) => {
                match number {
                    Some(number) => text.data.extend_from_slice(number.to_string().as_bytes()),
                    None => {
                        const DIGITS: &[u8; 16] = b"0123456789abcdef";
                        for _ in 0..self.length(random) {
                            text.data.push(DIGITS[random.below(16) as usize]);
                        }
                    }
                }
                text.seal();
            }
            ColumnBuilder::Bytes(bytes) => {
                for _ in 0..self.length(random) {
                    bytes.data.push(random.bits() as u8);
                }
                bytes.seal();
            }
            ColumnBuilder::Date(v) => v.push(now_ms.div_euclid(86_400_000) as i32),
            ColumnBuilder::Time { values, .. } => values.push(now_ms.rem_euclid(86_400_000) as i32),
            ColumnBuilder::Timestamp { values, precision, .. } => {
                let past = if options.max_past_ms > 0 { random.below(options.max_past_ms + 1) as i64 } else { 0 };
                let at = DateTime::from_units(now_ms - past, 3).to_units(*precision);
                values.push(at.unwrap_or_default());
            }
            ColumnBuilder::Array { lists, items } => {
                for _ in 0..self.length(random) {
                    self.parts[0].push(row, now_ms, random, items);
                }
                lists.seal(items.len());
            }
            ColumnBuilder::Map { lists, keys, values } => {
                for _ in 0..self.length(random) {
                    self.parts[0].push(row, now_ms, random, keys);
                    match self.parts.get(1) {
                        Some(value) => value.push(row, now_ms, random, values),
                        None => push_count(values, random),
                    }
                }
                lists.seal(keys.len());
            }
            ColumnBuilder::Row(row_builder) => {
                for (part, field) in self.parts.iter().zip(row_builder.fields()) {
                    part.push(row, now_ms, random, field);
                }
                row_builder.seal();
            }
        }
    }

    fn length(&self, random: &mut Random) -> usize {
        match self.options.length_varies {
            true => 1 + random.below(self.options.length as u64) as usize,
            false => self.options.length,
        }
    }

    fn integer(&self, number: Option<i64>, random: &mut Random, least: i64, most: i64) -> i64 {
        if let Some(number) = number {
            return number.clamp(least, most);
        }
        let bound = |option: Option<f64>, default: i64| option.map_or(default, |v| (v as i64).clamp(least, most));
        let (min, max) = (bound(self.options.min, least), bound(self.options.max, most));
        let width = max.abs_diff(min.min(max));
        let offset = if width == u64::MAX { random.bits() } else { random.below(width + 1) };
        min.min(max).wrapping_add(offset as i64)
    }

    fn real(&self, number: Option<i64>, random: &mut Random, least: f64, most: f64) -> f64 {
        if let Some(number) = number {
            return number as f64;
        }
        let (min, max) = (self.options.min.unwrap_or(least), self.options.max.unwrap_or(most));
        let unit = random.unit();
        min * (1.0 - unit) + max * unit
    }
}

/// How often an element is in a MULTISET.
fn push_count(counts: &mut ColumnBuilder, random: &mut Random) {
    if let ColumnBuilder::Int(values) = counts {
        values.push(1 + random.below(10) as i32);
    }
}
