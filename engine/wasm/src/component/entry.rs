//! How a component's function is called, and whether that is as CREATE FUNCTION declares it.

use std::path::Path;

use wasmill_plan::{DataType, Field, TypeKind};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, Type};

use crate::descriptor::{Description, Part, Returns};
use crate::engine::shared;
use crate::error::{Error, Result, nearest};
use crate::signature::{self, Kind};

/// The interface of udf-sdk/udf.wit, without its version.
const INTERFACE: &str = "wasmill:udf/functions";
const VERSION: &str = "1.0.0";

/// See the module.
pub(super) enum Entry {
    /// By `call`, with whole batches.
    World { describe: ComponentExportIndex, call: ComponentExportIndex, function: String },
    /// By an export of its own type, with the values of one row.
    Typed { function: ComponentExportIndex, parameters: Vec<(String, Type)>, returns: Vec<Type> },
}

/// The way to the function that AS names.
pub(super) fn find(path: &Path, code: &Component, export: &str) -> Result<Entry> {
    if let Some(Entry::World { describe, call, .. }) = world(path, code)? {
        return Ok(Entry::World { describe, call, function: export.to_owned() });
    }
    // WIT has hyphens where SQL has underscores.
    let component = code.component_type();
    for name in [export.to_owned(), export.replace('_', "-")] {
        let Some(item) = component.get_export(&shared().engine, &name) else { continue };
        let ComponentItem::ComponentFunc(ty) = item.ty else {
            return Err(Error::new(format!("export '{name}' of '{}' is no function", path.display())));
        };
        return Ok(Entry::Typed {
            function: code.get_export_index(None, name.as_str()).expect("it was found by this name"),
            parameters: ty.params().map(|(name, ty)| (name.to_owned(), ty)).collect(),
            returns: ty.results().collect(),
        });
    }
    let names: Vec<String> = functions(code);
    let error = Error::new(format!("'{}' does not export a function '{export}'", path.display()));
    if names.is_empty() {
        return Err(error
            .detail("it exports no function by itself, and not the interface of udf-sdk/udf.wit")
            .hint("see udf-sdk/ABI.md, \"Components\""));
    }
    let error = error.detail(format!("it exports {}", names.join(", ")));
    Err(match nearest(export, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean AS '{near}'?")),
        None => error.hint("name the export with AS 'export'"),
    })
}

/// The exports of the world of udf-sdk/udf.wit, if it is one of those.
pub(super) fn world(path: &Path, code: &Component) -> Result<Option<Entry>> {
    let name = format!("{INTERFACE}@{VERSION}");
    let ty = code.component_type();
    let Some(interface) = code.get_export_index(None, name.as_str()) else {
        let exports: Vec<&str> = ty.exports(&shared().engine).map(|(name, _)| name).collect();
        return match exports.iter().find_map(|e| e.strip_prefix(INTERFACE)) {
            None => Ok(None),
            Some(version) => {
                let version = version.trim_start_matches('@');
                Err(Error::new(format!(
                    "the component '{}' was built for version {version} of '{INTERFACE}', this is {VERSION}",
                    path.display()
                ))
                .hint("build it with the udf.wit of this version: `wasmill udf new` writes it"))
            }
        };
    };
    let function = |name: &str| {
        code.get_export_index(Some(&interface), name).ok_or_else(|| {
            Error::new(format!("the component '{}' has no '{name}' in '{INTERFACE}'", path.display()))
                .hint("build it with the udf.wit of this version: `wasmill udf new` writes it")
        })
    };
    Ok(Some(Entry::World { describe: function("describe")?, call: function("call")?, function: String::new() }))
}

/// The functions that a component exports by themselves.
fn functions(code: &Component) -> Vec<String> {
    let ty = code.component_type();
    let exports = ty.exports(&shared().engine);
    let is_function = |item: &ComponentItem| matches!(item, ComponentItem::ComponentFunc(_));
    exports.filter(|(_, item)| is_function(&item.ty)).map(|(name, _)| name.replace('-', "_")).collect()
}

/// Descriptions of the functions that a component exports by themselves, for those whose types all have one in SQL.
pub(super) fn typed_descriptions(code: &Component) -> Vec<Description> {
    let ty = code.component_type();
    let one = |(name, item): (&str, wasmtime::component::types::ComponentExtern)| {
        let ComponentItem::ComponentFunc(ty) = item.ty else { return None };
        let argument = |(name, ty): (&str, Type)| {
            Some(Part::Named(crate::descriptor::NamedPart { name: name.replace('-', "_"), data_type: natural(&ty)? }))
        };
        let arguments = ty.params().map(argument).collect::<Option<Vec<_>>>();
        let returns = match &ty.results().collect::<Vec<_>>()[..] {
            [one] => natural(&value_of(one)).map(Returns::Type),
            _ => None,
        };
        Some(Description {
            name: name.replace('-', "_"),
            kind: Kind::Scalar,
            arguments,
            returns,
            labels: None,
            state: Vec::new(),
        })
    };
    ty.exports(&shared().engine).filter_map(one).collect()
}

/// The SQL type that a WIT type is first of all.
fn natural(ty: &Type) -> Option<String> {
    Some(
        match ty {
            Type::Bool => "BOOLEAN",
            Type::S8 => "TINYINT",
            Type::S16 => "SMALLINT",
            Type::S32 => "INT",
            Type::S64 => "BIGINT",
            Type::Float32 => "FLOAT",
            Type::Float64 => "DOUBLE",
            Type::String => "STRING",
            Type::List(list) if list.ty() == Type::U8 => "BYTES",
            Type::Option(option) => return natural(&option.ty()),
            _ => return None,
        }
        .to_owned(),
    )
}

/// `result<T, E>` → `T`.
pub(super) fn value_of(ty: &Type) -> Type {
    match ty {
        Type::Result(result) => result.ok().unwrap_or(Type::ErrorContext),
        other => other.clone(),
    }
}

/// Whether values of the SQL type can be passed as the WIT type.
fn fits(ty: &Type, kind: &TypeKind) -> bool {
    match (ty, kind) {
        (Type::Option(option), kind) => !matches!(option.ty(), Type::Option(_)) && fits(&option.ty(), kind),
        (Type::Bool, TypeKind::Boolean)
        | (Type::S8, TypeKind::TinyInt)
        | (Type::S16, TypeKind::SmallInt)
        | (Type::S32, TypeKind::Int | TypeKind::Date | TypeKind::Time(_) | TypeKind::IntervalYearMonth)
        | (
            Type::S64,
            TypeKind::BigInt | TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) | TypeKind::IntervalDayTime,
        )
        | (Type::Float32, TypeKind::Float)
        | (Type::Float64, TypeKind::Double) => true,
        (Type::S64, TypeKind::Decimal(precision, _)) => *precision <= 18,
        (Type::String, kind) => kind.is_text(),
        (Type::List(list), kind) => list.ty() == Type::U8 && kind.is_binary(),
        _ => false,
    }
}

/// A WIT type as WIT writes it, for those that may stand here.
fn wit(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".into(),
        Type::S8 => "s8".into(),
        Type::U8 => "u8".into(),
        Type::S16 => "s16".into(),
        Type::U16 => "u16".into(),
        Type::S32 => "s32".into(),
        Type::U32 => "u32".into(),
        Type::S64 => "s64".into(),
        Type::U64 => "u64".into(),
        Type::Float32 => "f32".into(),
        Type::Float64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::List(list) => format!("list<{}>", wit(&list.ty())),
        Type::Option(option) => format!("option<{}>", wit(&option.ty())),
        Type::Result(result) => {
            let part = |ty: Option<Type>| ty.as_ref().map_or("_".to_owned(), wit);
            format!("result<{}, {}>", part(result.ok()), part(result.err()))
        }
        Type::Record(_) => "a record".into(),
        Type::Tuple(_) => "a tuple".into(),
        Type::Variant(_) => "a variant".into(),
        _ => "another type".into(),
    }
}

/// Checks an export with a type of its own.
pub(super) fn check_typed(
    path: &Path,
    (name, export): (&str, &str),
    parameters: &[(String, Type)],
    results: &[Type],
    args: &[Field],
    returns: &DataType,
) -> Result<()> {
    let refused = |what: String| {
        Err(Error::new(format!("export '{export}' of '{}' does not fit function '{name}'", path.display()))
            .detail(what)
            .hint("see udf-sdk/ABI.md, \"Components\", for the WIT types of SQL types"))
    };
    if parameters.len() != args.len() {
        return refused(format!("{} arguments are declared, the export takes {}", args.len(), parameters.len()));
    }
    for (arg, (_, ty)) in args.iter().zip(parameters) {
        if !fits(ty, &arg.data_type.kind) {
            return refused(format!("argument '{}' is {}, the export takes {}", arg.name, arg.data_type.kind, wit(ty)));
        }
    }
    let [result] = results else {
        return refused("the export gives nothing".to_owned());
    };
    let message_fits = match result {
        Type::Result(result) => matches!(result.err(), None | Some(Type::String)),
        _ => true,
    };
    if !message_fits || !fits(&value_of(result), &returns.kind) {
        return refused(format!("the result is {}, the export gives {}", returns.kind, wit(result)));
    }
    Ok(())
}

/// What the component says of a function.
pub(super) fn find_described<'a>(path: &Path, all: &'a [Description], export: &str) -> Result<&'a Description> {
    all.iter().find(|d| d.name == export).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|d| d.name.as_str()).collect();
        let error =
            Error::new(format!("'{}' has no function '{export}'", path.display())).detail(if names.is_empty() {
                "it describes none".to_owned()
            } else {
                format!("it has {}", names.join(", "))
            });
        match nearest(export, names) {
            Some(near) => error.hint(format!("did you mean AS '{near}'?")),
            None => error.hint("name the function with AS 'name'"),
        }
    })
}

/// Checks a function of the world by what the component says of it.
pub(super) fn check_described(
    path: &Path,
    all: &[Description],
    (name, export): (&str, &str),
    args: &[Field],
    returns: &DataType,
) -> Result<()> {
    signature::check_types(name, args.iter().map(|a| &a.data_type).chain([returns]))?;
    let described = find_described(path, all, export)?;
    signature::check_described(path, described, Kind::Scalar, name, args, |r| signature::returns_differ(r, returns))
}
