//! The types of the built-in aggregate functions, with Flink's rules: what the planner needs to know of them. The runtime
//! holds their accumulators (`wasmill-runtime`, `aggregate/`).

use wasmill_plan::{DataType, TypeKind};

/// The types of one aggregate call, as [`infer`] settles them.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateSignature {
    /// Canonical name for [`wasmill_plan::AggregateCall::function`]: `STDDEV` is `STDDEV_SAMP`.
    pub function: &'static str,
    /// The type each argument must have, in the order written; the planner casts where it differs.
    pub args: Vec<DataType>,
    /// Positions of arguments that must be literals: they go to [`wasmill_plan::AggregateCall::constants`] instead of
    /// `args`, in order; an ARRAY literal as one constant per element.
    pub constants: Vec<usize>,
    /// The type of the result over at least one row. A call that may see no row (global, or with FILTER) is nullable, but
    /// for COUNT: the planner says so.
    pub returns: DataType,
}

/// Name, aliases and usage of every function, in the order of help texts.
const FUNCTIONS: &[(&str, &[&str], &str)] = &[
    ("COUNT", &[], "COUNT([DISTINCT] value [, …]) or COUNT(*)"),
    ("SUM", &[], "SUM([DISTINCT] number)"),
    ("AVG", &[], "AVG([DISTINCT] number)"),
    ("MIN", &[], "MIN(value)"),
    ("MAX", &[], "MAX(value)"),
    ("STDDEV_POP", &[], "STDDEV_POP([DISTINCT] number)"),
    ("STDDEV_SAMP", &["STDDEV"], "STDDEV_SAMP([DISTINCT] number)"),
    ("VAR_POP", &[], "VAR_POP([DISTINCT] number)"),
    ("VAR_SAMP", &["VARIANCE"], "VAR_SAMP([DISTINCT] number)"),
    ("FIRST_VALUE", &[], "FIRST_VALUE(value)"),
    ("LAST_VALUE", &[], "LAST_VALUE(value)"),
    ("LISTAGG", &[], "LISTAGG([DISTINCT] text [, separator])"),
    ("COLLECT", &[], "COLLECT([DISTINCT] value)"),
    ("ARRAY_AGG", &[], "ARRAY_AGG([DISTINCT] value [RESPECT NULLS | IGNORE NULLS])"),
    ("JSON_ARRAYAGG", &[], "JSON_ARRAYAGG(value [NULL | ABSENT ON NULL])"),
    ("JSON_OBJECTAGG", &[], "JSON_OBJECTAGG([KEY] key VALUE value [NULL | ABSENT ON NULL])"),
    ("PERCENTILE", &[], "PERCENTILE(number, percentage [, frequency])"),
    ("SINGLE_VALUE", &[], "SINGLE_VALUE(value)"),
    ("BITMAP_BUILD_AGG", &[], "BITMAP_BUILD_AGG(INT)"),
    ("BITMAP_BUILD_CARDINALITY_AGG", &[], "BITMAP_BUILD_CARDINALITY_AGG(INT)"),
    ("BITMAP_AND_AGG", &[], "BITMAP_AND_AGG(bitmap)"),
    ("BITMAP_AND_CARDINALITY_AGG", &[], "BITMAP_AND_CARDINALITY_AGG(bitmap)"),
    ("BITMAP_OR_AGG", &[], "BITMAP_OR_AGG(bitmap)"),
    ("BITMAP_OR_CARDINALITY_AGG", &[], "BITMAP_OR_CARDINALITY_AGG(bitmap)"),
    ("BITMAP_XOR_AGG", &[], "BITMAP_XOR_AGG(bitmap)"),
    ("BITMAP_XOR_CARDINALITY_AGG", &[], "BITMAP_XOR_CARDINALITY_AGG(bitmap)"),
];

/// All names, for help, completion and suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().flat_map(|(name, aliases, _)| std::iter::once(*name).chain(aliases.iter().copied()))
}

/// The canonical name of an aggregate function written as `name` in any case; `None` where there is none.
pub fn find(name: &str) -> Option<&'static str> {
    entry(name).map(|(name, _, _)| *name)
}

/// How the function is called.
pub fn usage(name: &str) -> Option<&'static str> {
    entry(name).map(|(_, _, usage)| *usage)
}

fn entry(name: &str) -> Option<&'static (&'static str, &'static [&'static str], &'static str)> {
    FUNCTIONS.iter().find(|(canonical, aliases, _)| {
        canonical.eq_ignore_ascii_case(name) || aliases.iter().any(|a| a.eq_ignore_ascii_case(name))
    })
}

/// Settles the types of a call; `args` are all the arguments as written, constants too, none for `COUNT(*)`.
///
/// A clause of the call is a constant BOOLEAN behind SQL's arguments:
/// - `JSON_ARRAYAGG`, `JSON_OBJECTAGG`: whether `ABSENT ON NULL` holds (the default of JSON_ARRAYAGG; that of JSON_OBJECTAGG
///   is `NULL ON NULL`).
/// - `ARRAY_AGG`: whether `IGNORE NULLS` was asked for (the default is RESPECT NULLS).
///
/// # Errors
/// What does not fit: lower case, no full stop; the planner adds the place and [`usage`].
pub fn infer(name: &str, args: &[DataType]) -> Result<AggregateSignature, String> {
    let Some(function) = find(name) else {
        return Err(format!("there is no aggregate function '{name}'"));
    };
    let arity = |low: usize, high: usize| -> Result<(), String> {
        if (low..=high).contains(&args.len()) {
            return Ok(());
        }
        let wanted = if low == high { low.to_string() } else { format!("{low} to {high}") };
        let s = if high == 1 { "" } else { "s" };
        Err(format!("{function} takes {wanted} argument{s}, not {}", args.len()))
    };
    let mut signature = AggregateSignature {
        function,
        args: args.to_vec(),
        constants: Vec::new(),
        returns: DataType::nullable(TypeKind::Null),
    };
    signature.returns = match function {
        "COUNT" => DataType::not_null(TypeKind::BigInt),
        "SUM" | "AVG" | "STDDEV_POP" | "STDDEV_SAMP" | "VAR_POP" | "VAR_SAMP" => {
            arity(1, 1)?;
            number(function, &args[0])?;
            let result = match (function, &args[0].kind) {
                (_, TypeKind::Decimal(_, s)) if function == "SUM" => TypeKind::Decimal(38, *s),
                (_, TypeKind::Decimal(_, s)) => TypeKind::Decimal(38, (*s).max(6)),
                (_, kind) => kind.clone(),
            };
            // The variance of a single value is NULL for the sample forms.
            DataType { kind: result, nullable: args[0].nullable || function.ends_with("SAMP") }
        }
        "MIN" | "MAX" => {
            arity(1, 1)?;
            comparable(function, &args[0])?;
            args[0].clone()
        }
        "FIRST_VALUE" | "LAST_VALUE" | "SINGLE_VALUE" => {
            arity(1, 1)?;
            args[0].clone()
        }
        "LISTAGG" => {
            arity(1, 2)?;
            for (position, arg) in args.iter().enumerate() {
                if !arg.kind.is_text() && arg.kind != TypeKind::Null {
                    return Err(format!("LISTAGG takes text, not {arg}"));
                }
                signature.args[position] = DataType::string().with_nullable(arg.nullable);
            }
            signature.constants = (1..args.len()).collect();
            DataType::string().with_nullable(args[0].nullable)
        }
        "COLLECT" => {
            arity(1, 1)?;
            DataType::not_null(TypeKind::Multiset(Box::new(args[0].clone().with_nullable(false))))
        }
        "ARRAY_AGG" => {
            arity(1, 2)?;
            clause(function, args, 1, &mut signature)?;
            DataType::nullable(TypeKind::Array(Box::new(args[0].clone())))
        }
        "JSON_ARRAYAGG" => {
            arity(1, 2)?;
            clause(function, args, 1, &mut signature)?;
            DataType::string().with_nullable(false)
        }
        "JSON_OBJECTAGG" => {
            arity(2, 3)?;
            clause(function, args, 2, &mut signature)?;
            if !args[0].kind.is_text() {
                return Err(format!("the key of JSON_OBJECTAGG must be text, not {}", args[0]));
            }
            signature.args[0] = DataType::string().with_nullable(args[0].nullable);
            DataType::string().with_nullable(false)
        }
        bitmap if bitmap.starts_with("BITMAP_") => {
            arity(1, 1)?;
            signature.args[0] = bitmap_argument(function, &args[0])?;
            let kind = if bitmap.ends_with("_CARDINALITY_AGG") { TypeKind::BigInt } else { TypeKind::Bitmap };
            DataType { kind, nullable: args[0].nullable }
        }
        "PERCENTILE" => {
            arity(2, 3)?;
            percentile(args, &mut signature)?
        }
        other => unreachable!("aggregate function {other} without types"),
    };
    Ok(signature)
}

/// The constant of a clause, at that position where it is given.
fn clause(function: &str, args: &[DataType], at: usize, signature: &mut AggregateSignature) -> Result<(), String> {
    match args.get(at).map(|a| &a.kind) {
        None => Ok(()),
        Some(TypeKind::Boolean) => {
            signature.constants = vec![at];
            Ok(())
        }
        Some(_) => Err(format!("{function} takes {at} argument{}, not {}", if at == 1 { "" } else { "s" }, args.len())),
    }
}

fn number(function: &str, arg: &DataType) -> Result<(), String> {
    if arg.kind.is_numeric() {
        return Ok(());
    }
    Err(format!("{function} takes a number, not {arg}"))
}

/// What BITMAP_BUILD_AGG and its kin are given: an INT, or what widens to one; the others take a BITMAP.
fn bitmap_argument(function: &str, arg: &DataType) -> Result<DataType, String> {
    let (fits, wanted) = if function.starts_with("BITMAP_BUILD") {
        (arg.kind.is_integer() && arg.kind != TypeKind::BigInt, TypeKind::Int)
    } else {
        (arg.kind == TypeKind::Bitmap, TypeKind::Bitmap)
    };
    if fits || arg.kind == TypeKind::Null {
        return Ok(DataType { kind: wanted, nullable: arg.nullable });
    }
    Err(format!("{function} takes {}, not {arg}", if wanted == TypeKind::Int { "an INT" } else { "a BITMAP" }))
}

fn comparable(function: &str, arg: &DataType) -> Result<(), String> {
    use TypeKind as K;
    match &arg.kind {
        K::Array(_)
        | K::Map(..)
        | K::Multiset(_)
        | K::Row(_)
        | K::Bitmap
        | K::Null
        | K::Binary(_)
        | K::Varbinary(_)
        | K::IntervalYearMonth
        | K::IntervalDayTime => Err(format!("{function} takes a number, text, a boolean, a date or a time, not {arg}")),
        _ => Ok(()),
    }
}

fn percentile(args: &[DataType], signature: &mut AggregateSignature) -> Result<DataType, String> {
    number("PERCENTILE", &args[0])?;
    let double = DataType::nullable(TypeKind::Double);
    signature.args[0] = double.clone().with_nullable(args[0].nullable);
    signature.constants = vec![1];
    if let Some(frequency) = args.get(2) {
        if !frequency.kind.is_integer() {
            return Err(format!("the frequency of PERCENTILE must be an integer, not {frequency}"));
        }
        signature.args[2] = DataType { kind: TypeKind::BigInt, nullable: frequency.nullable };
    }
    match &args[1].kind {
        TypeKind::Array(item) if item.kind.is_numeric() => {
            signature.args[1] = DataType::not_null(TypeKind::Array(Box::new(double.clone().with_nullable(false))));
            Ok(DataType::nullable(TypeKind::Array(Box::new(double))))
        }
        kind if kind.is_numeric() => {
            signature.args[1] = double.clone().with_nullable(false);
            Ok(double)
        }
        _ => Err(format!("the percentage of PERCENTILE must be a number or an array of numbers, not {}", args[1])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmill_plan::Field;

    fn nullable(kind: TypeKind) -> DataType {
        DataType::nullable(kind)
    }

    #[test]
    fn results_have_flinks_types() {
        let returns = |name, arg| infer(name, &[nullable(arg)]).map(|s| s.returns.kind);
        assert_eq!(returns("sum", TypeKind::TinyInt), Ok(TypeKind::TinyInt));
        assert_eq!(returns("SUM", TypeKind::Decimal(7, 2)), Ok(TypeKind::Decimal(38, 2)));
        assert_eq!(returns("AVG", TypeKind::Int), Ok(TypeKind::Int));
        assert_eq!(returns("AVG", TypeKind::Decimal(7, 2)), Ok(TypeKind::Decimal(38, 6)));
        assert_eq!(returns("STDDEV", TypeKind::Int), Ok(TypeKind::Int));
        assert_eq!(returns("MAX", TypeKind::Char(3)), Ok(TypeKind::Char(3)));
        assert_eq!(infer("COUNT", &[]).map(|s| s.returns), Ok(DataType::not_null(TypeKind::BigInt)));
        assert_eq!(infer("VARIANCE", &[nullable(TypeKind::Int)]).map(|s| s.function), Ok("VAR_SAMP"));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert_eq!(infer("SUM", &[DataType::string()]).unwrap_err(), "SUM takes a number, not STRING");
        assert_eq!(infer("SUM", &[]).unwrap_err(), "SUM takes 1 argument, not 0");
        let row = nullable(TypeKind::Row(vec![Field::new("f", DataType::string())]));
        assert!(infer("MIN", &[row]).unwrap_err().contains("not ROW"));
        assert!(infer("NOPE", &[]).unwrap_err().contains("NOPE"));
    }

    #[test]
    fn constants_are_told_from_columns() {
        let s = infer("LISTAGG", &[DataType::string(), nullable(TypeKind::Char(1))]).unwrap();
        assert_eq!((s.constants, s.args[1].kind.clone()), (vec![1], DataType::string().kind));
        let int = nullable(TypeKind::Int);
        let list = DataType::not_null(TypeKind::Array(Box::new(nullable(TypeKind::Decimal(2, 1)))));
        let s = infer("PERCENTILE", &[int.clone(), list, int]).unwrap();
        assert_eq!(s.constants, [1]);
        assert!(matches!(s.returns.kind, TypeKind::Array(_)));
    }

    #[test]
    fn every_name_has_types() {
        for name in names() {
            // Any answer but a panic.
            let _ = infer(name, &[nullable(TypeKind::Int)]);
            let _ = infer(name, &[DataType::string(), DataType::string()]);
        }
    }
}
