//! Flink's logical types, and the Arrow type that holds each of them.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes as arrow;
use serde::{Deserialize, Serialize};

/// The length of `STRING` (`VARCHAR(2147483647)`) and `BYTES` (`VARBINARY(2147483647)`).
pub const MAX_LENGTH: u32 = i32::MAX as u32;
/// The largest precision of `DECIMAL`.
pub const MAX_PRECISION: u8 = 38;

/// A Flink type with its nullability, as `INT NOT NULL`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataType {
    /// What it is.
    pub kind: TypeKind,
    /// Whether NULL is one of its values.
    pub nullable: bool,
}

/// The type roots of Flink with their parameters
/// (<https://nightlies.apache.org/flink/flink-docs-stable/docs/dev/table/types/>).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TypeKind {
    /// The type of a bare `NULL`.
    Null,
    /// `BOOLEAN`.
    Boolean,
    /// `TINYINT`, 8 bits.
    TinyInt,
    /// `SMALLINT`, 16 bits.
    SmallInt,
    /// `INT`, 32 bits.
    Int,
    /// `BIGINT`, 64 bits.
    BigInt,
    /// `FLOAT`, 32 bits.
    Float,
    /// `DOUBLE`, 64 bits.
    Double,
    /// `DECIMAL(precision, scale)`.
    Decimal(u8, u8),
    /// `CHAR(n)`.
    Char(u32),
    /// `VARCHAR(n)`; `STRING` is `VARCHAR(MAX_LENGTH)`.
    Varchar(u32),
    /// `BINARY(n)`.
    Binary(u32),
    /// `VARBINARY(n)`; `BYTES` is `VARBINARY(MAX_LENGTH)`.
    Varbinary(u32),
    /// `DATE`.
    Date,
    /// `TIME(p)`; held in milliseconds as in Flink, whatever the precision.
    Time(u8),
    /// `TIMESTAMP(p)`, without time zone.
    Timestamp(u8),
    /// `TIMESTAMP_LTZ(p)`: an instant, shown in the session's zone.
    TimestampLtz(u8),
    /// `INTERVAL YEAR TO MONTH`, in months.
    IntervalYearMonth,
    /// `INTERVAL DAY TO SECOND`, in milliseconds.
    IntervalDayTime,
    /// `ARRAY<t>`.
    Array(Box<DataType>),
    /// `MAP<k, v>`.
    Map(Box<DataType>, Box<DataType>),
    /// `MULTISET<t>`: a map from element to its count.
    Multiset(Box<DataType>),
    /// `ROW<name type, …>`.
    Row(Vec<Field>),
    /// `BITMAP`: a 32-bit Roaring bitmap, held in its portable serialised form.
    Bitmap,
}

/// A named column or a field of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Field {
    /// The name as the user wrote it; names are case sensitive, as in Flink.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
}

/// The columns of an edge between operators.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Schema {
    /// In order; names may repeat inside a plan, operators address columns by index.
    pub fields: Vec<Field>,
}

impl DataType {
    /// A nullable type.
    pub fn nullable(kind: TypeKind) -> Self {
        Self { kind, nullable: true }
    }
    /// A type without NULL.
    pub fn not_null(kind: TypeKind) -> Self {
        Self { kind, nullable: false }
    }
    /// The same type with the given nullability.
    pub fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }
    /// Nullable `STRING`.
    pub fn string() -> Self {
        Self::nullable(TypeKind::Varchar(MAX_LENGTH))
    }
    /// Nullable `BYTES`.
    pub fn bytes() -> Self {
        Self::nullable(TypeKind::Varbinary(MAX_LENGTH))
    }
    /// Whether the two are the same but for nullability at the top.
    pub fn same_kind(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
    /// The Arrow type that holds it.
    pub fn to_arrow(&self) -> arrow::DataType {
        self.kind.to_arrow()
    }
}

impl TypeKind {
    /// The Arrow type that holds it: `TIMESTAMP(0..=3)` in ms, `(4..=6)` in µs, `(7..=9)` in ns, LTZ the same with zone
    /// `+00:00`; text as Utf8, bytes as Binary, `MULTISET<t>` as a map from `t` to Int32, `INTERVAL DAY TO SECOND` as a
    /// Duration in ms.
    pub fn to_arrow(&self) -> arrow::DataType {
        use arrow::{DataType as A, IntervalUnit, TimeUnit};
        let unit = |p: u8| match p {
            0..=3 => TimeUnit::Millisecond,
            4..=6 => TimeUnit::Microsecond,
            _ => TimeUnit::Nanosecond,
        };
        match self {
            Self::Null => A::Null,
            Self::Boolean => A::Boolean,
            Self::TinyInt => A::Int8,
            Self::SmallInt => A::Int16,
            Self::Int => A::Int32,
            Self::BigInt => A::Int64,
            Self::Float => A::Float32,
            Self::Double => A::Float64,
            Self::Decimal(p, s) => A::Decimal128(*p, *s as i8),
            Self::Char(_) | Self::Varchar(_) => A::Utf8,
            Self::Binary(_) | Self::Varbinary(_) | Self::Bitmap => A::Binary,
            Self::Date => A::Date32,
            Self::Time(_) => A::Time32(TimeUnit::Millisecond),
            Self::Timestamp(p) => A::Timestamp(unit(*p), None),
            Self::TimestampLtz(p) => A::Timestamp(unit(*p), Some("+00:00".into())),
            Self::IntervalYearMonth => A::Interval(IntervalUnit::YearMonth),
            Self::IntervalDayTime => A::Duration(TimeUnit::Millisecond),
            Self::Array(item) => A::List(Arc::new(arrow::Field::new("item", item.to_arrow(), true))),
            Self::Map(k, v) => map_type(k.to_arrow(), v.to_arrow()),
            Self::Multiset(item) => map_type(item.to_arrow(), A::Int32),
            Self::Row(fields) => {
                A::Struct(fields.iter().map(|f| arrow::Field::new(&f.name, f.data_type.to_arrow(), true)).collect())
            }
        }
    }
    /// TINYINT, SMALLINT, INT or BIGINT.
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt)
    }
    /// Any number.
    pub fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self, Self::Float | Self::Double | Self::Decimal(..))
    }
    /// CHAR or VARCHAR.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Varchar(_))
    }
    /// BINARY or VARBINARY.
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_) | Self::Varbinary(_))
    }
    /// TIMESTAMP or TIMESTAMP_LTZ.
    pub fn is_timestamp(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::TimestampLtz(_))
    }
}

/// Arrow's map type as used here: entries `key` (not null) and `value`, keys unsorted. A SQL NULL key is not representable.
fn map_type(key: arrow::DataType, value: arrow::DataType) -> arrow::DataType {
    let entries = arrow::DataType::Struct(
        vec![arrow::Field::new("key", key, false), arrow::Field::new("value", value, true)].into(),
    );
    arrow::DataType::Map(Arc::new(arrow::Field::new("entries", entries, false)), false)
}

impl Field {
    /// A field of that name and type.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type }
    }
}

impl Schema {
    /// A schema of those fields.
    pub fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }
    /// How many columns.
    pub fn len(&self) -> usize {
        self.fields.len()
    }
    /// Whether it has no column.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
    /// The Arrow schema of batches on this edge; every column is declared nullable.
    pub fn to_arrow(&self) -> arrow::SchemaRef {
        Arc::new(arrow::Schema::new(
            self.fields.iter().map(|f| arrow::Field::new(&f.name, f.data_type.to_arrow(), true)).collect::<Vec<_>>(),
        ))
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.nullable {
            f.write_str(" NOT NULL")?;
        }
        Ok(())
    }
}

impl fmt::Display for TypeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::TinyInt => f.write_str("TINYINT"),
            Self::SmallInt => f.write_str("SMALLINT"),
            Self::Int => f.write_str("INT"),
            Self::BigInt => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal(p, s) => write!(f, "DECIMAL({p}, {s})"),
            Self::Char(n) => write!(f, "CHAR({n})"),
            Self::Varchar(MAX_LENGTH) => f.write_str("STRING"),
            Self::Varchar(n) => write!(f, "VARCHAR({n})"),
            Self::Binary(n) => write!(f, "BINARY({n})"),
            Self::Varbinary(MAX_LENGTH) => f.write_str("BYTES"),
            Self::Varbinary(n) => write!(f, "VARBINARY({n})"),
            Self::Date => f.write_str("DATE"),
            Self::Time(p) => write!(f, "TIME({p})"),
            Self::Timestamp(p) => write!(f, "TIMESTAMP({p})"),
            Self::TimestampLtz(p) => write!(f, "TIMESTAMP_LTZ({p})"),
            Self::IntervalYearMonth => f.write_str("INTERVAL YEAR TO MONTH"),
            Self::IntervalDayTime => f.write_str("INTERVAL DAY TO SECOND(3)"),
            Self::Array(item) => write!(f, "ARRAY<{item}>"),
            Self::Map(k, v) => write!(f, "MAP<{k}, {v}>"),
            Self::Multiset(item) => write!(f, "MULTISET<{item}>"),
            Self::Row(fields) => {
                f.write_str("ROW<")?;
                for (i, field) in fields.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}`{}` {}", field.name, field.data_type)?;
                }
                f.write_str(">")
            }
            Self::Bitmap => f.write_str("BITMAP"),
        }
    }
}
