//! Functions of arrays and maps. Elements are compared in the byte form of `arrow::row`, in which equal values are equal
//! bytes, NULL equals NULL, and order is the order of the type; maps are equal if their entries are in the same order.

mod access;
mod array;
mod construct;
mod elements;
mod map;
mod sort;
mod text;

use wasmill_plan::{DataType, Field, TypeKind};

use super::arguments::{Param::*, nullable, params, strict, string};
use crate::Function;
use crate::function::{Argument, Signature};
use crate::typing::{can_cast_implicitly, common_kind, is_orderable};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "ARRAY",
        aliases: &[],
        usage: "ARRAY[element, …]",
        infer: construct::infer_array,
        kernel: construct::array,
    },
    Function {
        name: "MAP",
        aliases: &[],
        usage: "MAP[key, value, …]",
        infer: construct::infer_map,
        kernel: construct::map,
    },
    Function {
        name: "ROW", aliases: &[], usage: "ROW(value, …)", infer: construct::infer_row, kernel: construct::row
    },
    Function {
        name: "ITEM",
        aliases: &[],
        usage: "array[index] or map[key]",
        infer: access::infer_item,
        kernel: access::item,
    },
    Function { name: "FIELD", aliases: &[], usage: "row.field", infer: access::infer_field, kernel: access::field },
    Function {
        name: "CARDINALITY",
        aliases: &[],
        usage: "CARDINALITY(array, map or multiset)",
        infer: access::infer_cardinality,
        kernel: access::cardinality,
    },
    Function {
        name: "ELEMENT",
        aliases: &[],
        usage: "ELEMENT(array)",
        infer: |a| {
            let args = params(a, &[Array], &[])?;
            let element = item(&args[0].kind).clone();
            let nullable = element.nullable || args[0].nullable;
            Ok(Signature { args, returns: element.with_nullable(nullable) })
        },
        kernel: access::element,
    },
    Function {
        name: "ARRAY_APPEND",
        aliases: &[],
        usage: "ARRAY_APPEND(array, element)",
        infer: infer_extended,
        kernel: array::append,
    },
    Function {
        name: "ARRAY_PREPEND",
        aliases: &[],
        usage: "ARRAY_PREPEND(array, element)",
        infer: infer_extended,
        kernel: array::prepend,
    },
    Function {
        name: "ARRAY_CONCAT",
        aliases: &[],
        usage: "ARRAY_CONCAT(array, …)",
        infer: |a| infer_combined(a, 1, usize::MAX),
        kernel: array::concat,
    },
    Function {
        name: "ARRAY_UNION",
        aliases: &[],
        usage: "ARRAY_UNION(array, array)",
        infer: |a| infer_combined(a, 2, 2),
        kernel: array::union,
    },
    Function {
        name: "ARRAY_EXCEPT",
        aliases: &[],
        usage: "ARRAY_EXCEPT(array, array)",
        infer: |a| infer_combined(a, 2, 2),
        kernel: array::except,
    },
    Function {
        name: "ARRAY_INTERSECT",
        aliases: &[],
        usage: "ARRAY_INTERSECT(array, array)",
        infer: |a| infer_combined(a, 2, 2),
        kernel: array::intersect,
    },
    Function {
        name: "ARRAY_CONTAINS",
        aliases: &[],
        usage: "ARRAY_CONTAINS(array, element)",
        infer: |a| {
            let args = with_element(a)?;
            let nullable = args[0].nullable;
            Ok(Signature { args, returns: DataType { kind: TypeKind::Boolean, nullable } })
        },
        kernel: array::contains,
    },
    Function {
        name: "ARRAY_POSITION",
        aliases: &[],
        usage: "ARRAY_POSITION(array, element)",
        infer: |a| strict(with_element(a)?, TypeKind::Int),
        kernel: array::position,
    },
    Function {
        name: "ARRAY_REMOVE",
        aliases: &[],
        usage: "ARRAY_REMOVE(array, element)",
        infer: |a| {
            let args = with_element(a)?;
            let returns = args[0].clone();
            Ok(Signature { args, returns })
        },
        kernel: array::remove,
    },
    Function {
        name: "ARRAY_DISTINCT",
        aliases: &[],
        usage: "ARRAY_DISTINCT(array)",
        infer: infer_same,
        kernel: array::distinct,
    },
    Function {
        name: "ARRAY_REVERSE",
        aliases: &[],
        usage: "ARRAY_REVERSE(array)",
        infer: infer_same,
        kernel: array::reverse,
    },
    Function {
        name: "ARRAY_SLICE",
        aliases: &[],
        usage: "ARRAY_SLICE(array, start [, end])",
        infer: |a| {
            let args = params(a, &[Array, Int], &[Int])?;
            let returns = args[0].kind.clone();
            strict(args, returns)
        },
        kernel: array::slice,
    },
    Function {
        name: "ARRAY_SORT",
        aliases: &[],
        usage: "ARRAY_SORT(array [, ascending [, nulls first]])",
        infer: |a| {
            let args = params(a, &[Array], &[Boolean, Boolean])?;
            orderable(&args[0].kind)?;
            let returns = args[0].kind.clone();
            strict(args, returns)
        },
        kernel: sort::sort,
    },
    Function { name: "ARRAY_MAX", aliases: &[], usage: "ARRAY_MAX(array)", infer: infer_extreme, kernel: sort::max },
    Function { name: "ARRAY_MIN", aliases: &[], usage: "ARRAY_MIN(array)", infer: infer_extreme, kernel: sort::min },
    Function {
        name: "ARRAY_JOIN",
        aliases: &[],
        usage: "ARRAY_JOIN(array of text, delimiter [, replacement of NULL])",
        infer: |a| {
            let args = params(a, &[Array, Text], &[Text])?;
            match item(&args[0].kind) {
                item if item.kind.is_text() => strict(args, string()),
                item => Err(format!("argument 1 must be an array of text, not of {}", item.kind)),
            }
        },
        kernel: text::array_join,
    },
    Function {
        name: "MAP_KEYS",
        aliases: &[],
        usage: "MAP_KEYS(map)",
        infer: |a| infer_of_map(a, |key, _| TypeKind::Array(Box::new(key.clone()))),
        kernel: map::keys,
    },
    Function {
        name: "MAP_VALUES",
        aliases: &[],
        usage: "MAP_VALUES(map)",
        infer: |a| infer_of_map(a, |_, value| TypeKind::Array(Box::new(value.clone()))),
        kernel: map::values,
    },
    Function {
        name: "MAP_ENTRIES",
        aliases: &[],
        usage: "MAP_ENTRIES(map)",
        infer: |a| {
            infer_of_map(a, |key, value| {
                let row = vec![Field::new("key", key.clone()), Field::new("value", value.clone())];
                TypeKind::Array(Box::new(DataType::nullable(TypeKind::Row(row))))
            })
        },
        kernel: map::entries,
    },
    Function {
        name: "MAP_FROM_ARRAYS",
        aliases: &[],
        usage: "MAP_FROM_ARRAYS(keys, values)",
        infer: |a| {
            let args = params(a, &[Array, Array], &[])?;
            let map = TypeKind::Map(Box::new(item(&args[0].kind).clone()), Box::new(item(&args[1].kind).clone()));
            strict(args, map)
        },
        kernel: map::from_arrays,
    },
    Function {
        name: "MAP_UNION",
        aliases: &[],
        usage: "MAP_UNION(map, …)",
        infer: |a| infer_combined_kind(a, 1, usize::MAX, |kind| matches!(kind, TypeKind::Map(..)), "a MAP"),
        kernel: map::union,
    },
    Function {
        name: "STR_TO_MAP",
        aliases: &[],
        usage: "STR_TO_MAP(text [, pair delimiter, key delimiter])",
        infer: |a| {
            if a.len() == 2 {
                return Err("takes 1 or 3 arguments, not 2".to_owned());
            }
            let map = TypeKind::Map(Box::new(DataType::string()), Box::new(DataType::string()));
            nullable(params(a, &[Text], &[Text, Text])?, map)
        },
        kernel: text::str_to_map,
    },
];

/// The element type of an array type.
fn item(kind: &TypeKind) -> &DataType {
    match kind {
        TypeKind::Array(item) => item,
        _ => unreachable!("the parameter takes arrays only"),
    }
}

fn orderable(array: &TypeKind) -> Result<(), String> {
    match &item(array).kind {
        kind if is_orderable(kind) => Ok(()),
        kind => Err(format!("elements of type {kind} have no order")),
    }
}

/// The array's own type.
fn infer_same(args: &[Argument]) -> Result<Signature, String> {
    let args = params(args, &[Array], &[])?;
    let returns = args[0].kind.clone();
    strict(args, returns)
}

fn infer_extreme(args: &[Argument]) -> Result<Signature, String> {
    let args = params(args, &[Array], &[])?;
    orderable(&args[0].kind)?;
    let returns = item(&args[0].kind).kind.clone();
    nullable(args, returns)
}

/// An array and something that its element type can hold.
fn with_element(args: &[Argument]) -> Result<Vec<DataType>, String> {
    let mut types = params(args, &[Array, Any], &[])?;
    let element = item(&types[0].kind).clone();
    let given = &types[1];
    if given.kind != TypeKind::Null && !can_cast_implicitly(&given.clone().with_nullable(false), &element) {
        return Err(format!("argument 2 must be of the element type {}, not {}", element.kind, given.kind));
    }
    types[1] = fitted(given, element.kind);
    Ok(types)
}

/// An array and a new element, of a type that holds both.
fn infer_extended(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[Array, Any], &[])?;
    let (element, given) = (item(&types[0].kind), &types[1]);
    let kind = common_kind(&element.kind, &given.kind)
        .ok_or_else(|| format!("there is no common type of the elements ({}) and {}", element.kind, given.kind))?;
    let nullable = element.nullable || given.nullable;
    let array = TypeKind::Array(Box::new(DataType { kind: kind.clone(), nullable }));
    let returns = DataType { kind: array.clone(), nullable: types[0].nullable || given.nullable };
    Ok(Signature { args: vec![fitted(&types[0], array), fitted(given, kind)], returns })
}

/// Arrays of a common type.
fn infer_combined(args: &[Argument], least: usize, most: usize) -> Result<Signature, String> {
    infer_combined_kind(args, least, most, |kind| matches!(kind, TypeKind::Array(_)), "an ARRAY")
}

/// `least` to `most` values of a kind, and the type that holds them all.
fn infer_combined_kind(
    args: &[Argument],
    least: usize,
    most: usize,
    fits: fn(&TypeKind) -> bool,
    words: &str,
) -> Result<Signature, String> {
    if args.len() < least || args.len() > most {
        return Err(format!(
            "takes {least}{} arguments, not {}",
            if most > least { " or more" } else { "" },
            args.len()
        ));
    }
    let mut common = TypeKind::Null;
    for (i, arg) in args.iter().enumerate() {
        let kind = &arg.data_type.kind;
        if !fits(kind) {
            return Err(format!("argument {} must be {words}, not {kind}", i + 1));
        }
        common = common_kind(&common, kind)
            .ok_or_else(|| format!("there is no common type of {common} and {kind} (argument {})", i + 1))?;
    }
    strict(args.iter().map(|a| fitted(a.data_type, common.clone())).collect(), common)
}

/// `given` as `kind`; left alone where the two are held alike (they differ in what may be NULL inside, or in a length), which
/// saves a cast.
fn fitted(given: &DataType, kind: TypeKind) -> DataType {
    let kind = if given.kind.to_arrow() == kind.to_arrow() { given.kind.clone() } else { kind };
    DataType { kind, nullable: given.nullable }
}

fn infer_of_map(args: &[Argument], returns: fn(&DataType, &DataType) -> TypeKind) -> Result<Signature, String> {
    let args = params(args, &[Map], &[])?;
    let returns = match &args[0].kind {
        TypeKind::Map(key, value) => returns(key, value),
        _ => unreachable!("the parameter takes maps only"),
    };
    strict(args, returns)
}

#[cfg(test)]
mod tests;
