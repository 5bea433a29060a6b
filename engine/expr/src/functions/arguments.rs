//! Checks of a call's arguments, shared by the `infer` sides of the families.

use wasmill_plan::{DataType, TypeKind};

use crate::function::{Argument, Signature};

/// What a parameter takes. A bare NULL is taken by all but [`Param::Array`] and [`Param::Map`], as NULL of their type.
#[derive(Clone, Copy, Debug)]
pub enum Param {
    /// CHAR or VARCHAR.
    Text,
    /// BINARY or VARBINARY.
    Bytes,
    /// Either of the two.
    TextOrBytes,
    /// TINYINT, SMALLINT or INT, made INT.
    Int,
    /// Any integer, made BIGINT.
    BigInt,
    /// Any number, left as it is.
    Number,
    /// Any number, made DOUBLE.
    Double,
    /// BOOLEAN.
    Boolean,
    /// ARRAY.
    Array,
    /// MAP.
    Map,
    /// BITMAP.
    Bitmap,
    /// Anything, left as it is.
    Any,
}

impl Param {
    /// The type that an argument of type `given` gets, or `None` where it does not fit.
    fn accept(self, given: &DataType) -> Option<DataType> {
        let kind = &given.kind;
        let null = matches!(kind, TypeKind::Null);
        let string = || DataType::string().kind;
        let taken = match self {
            Self::Any => kind.clone(),
            Self::Text | Self::TextOrBytes if null => string(),
            Self::Text if kind.is_text() => kind.clone(),
            Self::Bytes if null => DataType::bytes().kind,
            Self::Bytes if kind.is_binary() => kind.clone(),
            Self::TextOrBytes if kind.is_text() || kind.is_binary() => kind.clone(),
            Self::Int if null || (kind.is_integer() && *kind != TypeKind::BigInt) => TypeKind::Int,
            Self::BigInt if null || kind.is_integer() => TypeKind::BigInt,
            Self::Number if null => TypeKind::Int,
            Self::Number if kind.is_numeric() => kind.clone(),
            Self::Double if null || kind.is_numeric() => TypeKind::Double,
            Self::Boolean if null || *kind == TypeKind::Boolean => TypeKind::Boolean,
            Self::Array if matches!(kind, TypeKind::Array(_)) => kind.clone(),
            Self::Map if matches!(kind, TypeKind::Map(..)) => kind.clone(),
            Self::Bitmap if null || *kind == TypeKind::Bitmap => TypeKind::Bitmap,
            _ => return None,
        };
        Some(DataType { kind: taken, nullable: given.nullable || null })
    }

    /// What it takes, in words.
    fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::TextOrBytes => "text or bytes",
            Self::Int => "an INT",
            Self::BigInt => "an integer",
            Self::Number | Self::Double => "a number",
            Self::Boolean => "a BOOLEAN",
            Self::Array => "an ARRAY",
            Self::Map => "a MAP",
            Self::Bitmap => "a BITMAP",
            Self::Any => "a value",
        }
    }
}

/// The types of a call's arguments where it takes `required` and then up to all of `optional`.
pub fn params(args: &[Argument], required: &[Param], optional: &[Param]) -> Result<Vec<DataType>, String> {
    let (least, most) = (required.len(), required.len() + optional.len());
    if args.len() < least || args.len() > most {
        let takes = if least == most { format!("{least}") } else { format!("{least} to {most}") };
        return Err(format!("takes {takes} {}, not {}", arguments(most), args.len()));
    }
    accept_all(args, required.iter().chain(optional))
}

/// The types of a call's arguments where it takes `required` and then any number of `rest`.
pub fn variadic(args: &[Argument], required: &[Param], rest: Param) -> Result<Vec<DataType>, String> {
    if args.len() < required.len() {
        return Err(format!("takes {} or more arguments, not {}", required.len(), args.len()));
    }
    accept_all(args, required.iter().chain(std::iter::repeat(&rest)))
}

fn accept_all<'a>(args: &[Argument], params: impl Iterator<Item = &'a Param>) -> Result<Vec<DataType>, String> {
    args.iter().zip(params).enumerate().map(|(i, (arg, param))| accept(i, arg, *param)).collect()
}

fn accept(index: usize, arg: &Argument, param: Param) -> Result<DataType, String> {
    param
        .accept(arg.data_type)
        .ok_or_else(|| format!("argument {} must be {}, not {}", index + 1, param.words(), arg.data_type.kind))
}

fn arguments(count: usize) -> &'static str {
    if count == 1 { "argument" } else { "arguments" }
}

/// A function whose result is NULL exactly where an argument is NULL.
pub fn strict(args: Vec<DataType>, returns: TypeKind) -> Result<Signature, String> {
    let nullable = args.iter().any(|a| a.nullable);
    Ok(Signature { returns: DataType { kind: returns, nullable }, args })
}

/// A function whose result may be NULL whatever its arguments.
pub fn nullable(args: Vec<DataType>, returns: TypeKind) -> Result<Signature, String> {
    Ok(Signature { args, returns: DataType::nullable(returns) })
}

/// A function whose result is never NULL.
pub fn total(args: Vec<DataType>, returns: TypeKind) -> Result<Signature, String> {
    Ok(Signature { args, returns: DataType::not_null(returns) })
}

/// `STRING`.
pub fn string() -> TypeKind {
    DataType::string().kind
}

/// `BYTES`.
pub fn bytes() -> TypeKind {
    DataType::bytes().kind
}

/// The length of a text or bytes type.
pub fn length(kind: &TypeKind) -> u32 {
    match kind {
        TypeKind::Char(n) | TypeKind::Varchar(n) | TypeKind::Binary(n) | TypeKind::Varbinary(n) => *n,
        _ => wasmill_plan::MAX_LENGTH,
    }
}
