//! The clauses of JSON_EXISTS, JSON_VALUE and JSON_QUERY, read back from their text literals (see the parent module).

use wasmill_plan::{DataType, MAX_LENGTH, TypeKind, Value};

/// What happens where there is no value, or no valid one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Behaviour {
    Null,
    Error,
    True,
    False,
    /// The value of that argument.
    Default(usize),
    EmptyArray,
    EmptyObject,
}

/// How JSON_QUERY wraps what it found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wrapper {
    Without,
    /// What is no array.
    Conditional,
    /// Everything.
    Unconditional,
}

/// All clauses of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clauses {
    pub(super) returning: Option<TypeKind>,
    pub(super) wrapper: Wrapper,
    pub(super) on_empty: Option<Behaviour>,
    pub(super) on_error: Option<Behaviour>,
    /// Which arguments are clauses.
    pub(super) arguments: Vec<usize>,
}

impl Clauses {
    /// Reads the literals after the first two arguments.
    pub(super) fn parse<'a>(literals: impl Iterator<Item = Option<&'a Value>>) -> Result<Self, String> {
        let mut clauses =
            Self { returning: None, wrapper: Wrapper::Without, on_empty: None, on_error: None, arguments: Vec::new() };
        let mut literals = literals.enumerate().skip(2);
        while let Some((index, literal)) = literals.next() {
            let Some(Value::Text(clause)) = literal else {
                return Err(format!("argument {} must be a clause such as NULL ON EMPTY", index + 1));
            };
            clauses.arguments.push(index);
            if let Some(data_type) = clause.strip_prefix("RETURNING ") {
                let kind = parse_type(data_type).ok_or_else(|| format!("RETURNING {data_type} is not supported"))?;
                clauses.returning = Some(kind);
            } else if let Some(wrapper) = clause.strip_suffix(" WRAPPER") {
                clauses.wrapper = match wrapper.strip_suffix(" ARRAY").unwrap_or(wrapper) {
                    "WITHOUT" => Wrapper::Without,
                    "WITH CONDITIONAL" => Wrapper::Conditional,
                    "WITH" | "WITH UNCONDITIONAL" => Wrapper::Unconditional,
                    _ => return Err(format!("unknown clause '{clause}'")),
                };
            } else {
                let (behaviour, place) = match (clause.strip_suffix(" ON EMPTY"), clause.strip_suffix(" ON ERROR")) {
                    (Some(behaviour), _) => (behaviour, &mut clauses.on_empty),
                    (None, Some(behaviour)) => (behaviour, &mut clauses.on_error),
                    (None, None) => return Err(format!("unknown clause '{clause}'")),
                };
                *place = Some(match behaviour {
                    "NULL" | "UNKNOWN" => Behaviour::Null,
                    "ERROR" => Behaviour::Error,
                    "TRUE" => Behaviour::True,
                    "FALSE" => Behaviour::False,
                    "EMPTY ARRAY" => Behaviour::EmptyArray,
                    "EMPTY OBJECT" => Behaviour::EmptyObject,
                    "DEFAULT" => match literals.next() {
                        Some((index, _)) => Behaviour::Default(index),
                        None => return Err(format!("'{clause}' lacks its value")),
                    },
                    _ => return Err(format!("unknown clause '{clause}'")),
                });
            }
        }
        Ok(clauses)
    }
}

/// A type that RETURNING may name, as it is printed.
fn parse_type(text: &str) -> Option<TypeKind> {
    let text = text.trim();
    let text = text.strip_suffix(" NOT NULL").unwrap_or(text).trim();
    if let Some(item) = text.strip_prefix("ARRAY<").and_then(|t| t.strip_suffix('>')) {
        return Some(TypeKind::Array(Box::new(DataType::nullable(parse_type(item)?))));
    }
    let (name, parameters) = match text.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix(')')?),
        None => (text, ""),
    };
    let numbers: Vec<u32> =
        parameters.split(',').filter(|p| !p.trim().is_empty()).map(|p| p.trim().parse().ok()).collect::<Option<_>>()?;
    Some(match (name, numbers.as_slice()) {
        ("BOOLEAN", []) => TypeKind::Boolean,
        ("TINYINT", []) => TypeKind::TinyInt,
        ("SMALLINT", []) => TypeKind::SmallInt,
        ("INT" | "INTEGER", []) => TypeKind::Int,
        ("BIGINT", []) => TypeKind::BigInt,
        ("FLOAT", []) => TypeKind::Float,
        ("DOUBLE", []) => TypeKind::Double,
        ("DECIMAL", [p @ 1..=38, s]) if s <= p => TypeKind::Decimal(*p as u8, *s as u8),
        ("STRING" | "VARCHAR", []) => TypeKind::Varchar(MAX_LENGTH),
        ("VARCHAR", [n]) => TypeKind::Varchar(*n),
        ("CHAR", [n]) => TypeKind::Char(*n),
        _ => return None,
    })
}
