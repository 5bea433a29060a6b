//! Which SQL types cross to a guest how, and whether an export fits what CREATE FUNCTION declares.

use std::path::Path;

use wasm_encoder::ValType;
use wasmill_plan::{DataType, Field, StateField, TypeKind};

use crate::descriptor::{self, Description, Part, Returns};
use crate::error::{Error, Result, nearest};
use crate::module::{COLUMNS_SUFFIX, Module, type_text};

/// How a SQL value is held in the arena and passed to a plain export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// BOOLEAN: a byte, passed as i32 0 or 1.
    Bool,
    /// TINYINT, passed as i32.
    I8,
    /// SMALLINT, passed as i32.
    I16,
    /// INT, DATE, TIME and year-month intervals.
    I32,
    /// BIGINT, timestamps and day-time intervals.
    I64,
    /// DECIMAL of up to 18 digits: the unscaled value as i64.
    Decimal,
    /// FLOAT.
    F32,
    /// DOUBLE.
    F64,
    /// CHAR, VARCHAR, BINARY, VARBINARY: address and length, in guest memory.
    Bytes,
}

impl Slot {
    /// `None` where the type cannot be passed to a plain export.
    pub(crate) fn of(kind: &TypeKind) -> Option<Self> {
        Some(match kind {
            TypeKind::Boolean => Self::Bool,
            TypeKind::TinyInt => Self::I8,
            TypeKind::SmallInt => Self::I16,
            TypeKind::Int | TypeKind::Date | TypeKind::Time(_) | TypeKind::IntervalYearMonth => Self::I32,
            TypeKind::BigInt | TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) | TypeKind::IntervalDayTime => {
                Self::I64
            }
            TypeKind::Decimal(precision, _) if *precision <= 18 => Self::Decimal,
            TypeKind::Float => Self::F32,
            TypeKind::Double => Self::F64,
            kind if kind.is_text() || kind.is_binary() => Self::Bytes,
            _ => return None,
        })
    }
    /// Bytes a row takes as an argument in the arena.
    pub(crate) fn argument_bytes(self) -> u32 {
        match self {
            Self::Bool | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::Decimal | Self::F64 | Self::Bytes => 8,
        }
    }
    /// Bytes a row takes as a result: small integers come back as they are returned, to be checked.
    pub(crate) fn result_bytes(self) -> u32 {
        self.argument_bytes().max(4)
    }
    /// The Wasm parameters of an argument.
    pub(crate) fn parameters(self) -> &'static [ValType] {
        match self {
            Self::Bool | Self::I8 | Self::I16 | Self::I32 => &[ValType::I32],
            Self::I64 | Self::Decimal => &[ValType::I64],
            Self::F32 => &[ValType::F32],
            Self::F64 => &[ValType::F64],
            Self::Bytes => &[ValType::I32, ValType::I32],
        }
    }
    /// The Wasm results that are accepted.
    fn results(self) -> &'static [&'static [ValType]] {
        match self {
            Self::Bytes => &[&[ValType::I64], &[ValType::I32, ValType::I32]],
            Self::Bool | Self::I8 | Self::I16 | Self::I32 => &[&[ValType::I32]],
            Self::I64 | Self::Decimal => &[&[ValType::I64]],
            Self::F32 => &[&[ValType::F32]],
            Self::F64 => &[&[ValType::F64]],
        }
    }
}

/// How a declared function is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// One value at a time, by the loop that the rewrite adds.
    Plain {
        /// The exported function.
        function: u32,
        args: Vec<Slot>,
        returns: Slot,
    },
    /// Whole columns, by `name__cols`.
    Columns,
}

/// Finds the export and checks it against the declaration.
///
/// # Errors
/// The export is missing, is no function, or has another signature; a type cannot be passed; the module describes itself
/// otherwise.
pub(crate) fn check(module: &Module, name: &str, export: &str, args: &[Field], returns: &DataType) -> Result<Entry> {
    check_description(module, Kind::Scalar, name, export, args, |described| returns_differ(described, returns))?;
    let columns = format!("{export}{COLUMNS_SUFFIX}");
    if may_have(module, export, COLUMNS_SUFFIX, 2, 1, "Columns")? {
        columns_abi(module, &format!("the column function '{columns}'"))?;
        return Ok(Entry::Columns);
    }
    let Some((function, ty)) = module.function(export) else {
        return Err(missing(module, export));
    };
    let (params, results) = (types(ty.params()), types(ty.results()));
    let slot = |what: String, data_type: &DataType| {
        Slot::of(&data_type.kind).ok_or_else(|| {
            Error::new(format!("{what} of function '{name}' is {}, which a plain export cannot take or give", data_type.kind))
                .detail("plain exports have BOOLEAN, integers, DATE, TIME, TIMESTAMP, intervals, DECIMAL of up to 18 digits, FLOAT, DOUBLE, texts and bytes")
                .hint(format!("write it as a column function, '{columns}' (udf-sdk/ABI.md), or CAST the value"))
        })
    };
    let args_slots =
        args.iter().map(|arg| slot(format!("argument '{}'", arg.name), &arg.data_type)).collect::<Result<Vec<_>>>()?;
    let returns_slot = slot("the result".to_owned(), returns)?;
    let expected: Vec<ValType> = args_slots.iter().flat_map(|s| s.parameters()).copied().collect();
    let fits = |results: &[Option<ValType>], accepted: &[ValType]| {
        results.len() == accepted.len() && results.iter().zip(accepted).all(|(r, a)| *r == Some(*a))
    };
    if !fits(&params, &expected) || !returns_slot.results().iter().any(|accepted| fits(&results, accepted)) {
        let declared: Vec<String> = args.iter().map(|a| a.data_type.kind.to_string()).collect();
        return Err(Error::new(format!(
            "export '{export}' of '{}' is {}, which does not fit {name}({}) RETURNS {}",
            module.path().display(),
            type_text(ty),
            declared.join(", "),
            returns.kind
        ))
        .detail(first_difference(args, &args_slots, &params, returns, returns_slot, &results))
        .hint(fitting(&params, &results)));
    }
    if module.memories.is_empty() && args_slots.iter().chain([&returns_slot]).any(|s| *s == Slot::Bytes) {
        return Err(Error::new(format!(
            "'{}' has no memory, so that function '{name}' cannot take or give texts or bytes",
            module.path().display()
        )));
    }
    Ok(Entry::Plain { function, args: args_slots, returns: returns_slot })
}

/// Refuses types that do not cross to guests.
pub(crate) fn check_types<'a>(name: &str, types: impl IntoIterator<Item = &'a DataType>) -> Result<()> {
    for ty in types {
        if let Some(part) = crate::columns::unfit(&ty.kind) {
            return Err(Error::new(format!("function '{name}' has the type {}", ty.kind))
                .detail(format!("{part} does not cross to Wasm functions")));
        }
    }
    Ok(())
}

/// The kinds of functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One value for each row.
    #[default]
    Scalar,
    /// One value for the rows of a group.
    Aggregate,
    /// Any number of rows for each row.
    Table,
    /// A model: loaded from an artifact, predicts, may learn.
    Model,
    /// Keyed, with state and timers.
    Process,
}

impl Kind {
    /// `an aggregate function`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Scalar => "a scalar function",
            Self::Aggregate => "an aggregate function",
            Self::Table => "a table function",
            Self::Model => "a model",
            Self::Process => "a process function",
        }
    }
    /// The statement that makes it.
    pub fn statement(self) -> &'static str {
        match self {
            Self::Scalar => "CREATE FUNCTION",
            Self::Aggregate => "CREATE AGGREGATE FUNCTION",
            Self::Table => "CREATE TABLE FUNCTION",
            Self::Model => "CREATE MODEL",
            Self::Process => "CREATE PROCESS FUNCTION",
        }
    }
}

/// Refuses a declaration that contradicts the module's own description of `export`. `returns_differ` says how the results do.
pub(crate) fn check_description(
    module: &Module,
    kind: Kind,
    name: &str,
    export: &str,
    args: &[Field],
    returns_differ: impl Fn(&Returns) -> Option<String>,
) -> Result<()> {
    match module.description(export) {
        Some(described) => check_described(module.path(), described, kind, name, args, returns_differ),
        None => Ok(()),
    }
}

/// The same with the description of a module or component at hand.
pub(crate) fn check_described(
    path: &Path,
    described: &Description,
    kind: Kind,
    name: &str,
    args: &[Field],
    returns_differ: impl Fn(&Returns) -> Option<String>,
) -> Result<()> {
    let contradiction = |what: String| {
        Error::new(format!("'{name}' is declared otherwise than '{}' describes it", path.display())).detail(what)
    };
    if described.kind != kind {
        return Err(contradiction(format!("'{}' is {}, not {}", described.name, described.kind.text(), kind.text()))
            .hint(format!("write {}", described.kind.statement())));
    }
    if let Some(parts) = &described.arguments {
        let types: Vec<&str> = parts.iter().map(Part::type_text).collect();
        let text = format!("'{}' takes ({})", described.name, types.join(", "));
        if types.len() != args.len() {
            return Err(contradiction(format!("{text}, {} are declared", args.len())));
        }
        if let Some((arg, _)) = args.iter().zip(types).find(|(a, t)| !descriptor::same_type(t, &a.data_type.kind)) {
            let (name, kind) = (&arg.name, &arg.data_type.kind);
            return Err(contradiction(format!("{text}, argument '{name}' is declared as {kind}")));
        }
    }
    match described.returns.as_ref().and_then(returns_differ) {
        Some(how) => Err(contradiction(format!("'{}' {how}", described.name))),
        None => Ok(()),
    }
}

/// Refuses a declared state that contradicts the module's own description of it.
pub(crate) fn check_state(module: &Module, name: &str, export: &str, declared: &[StateField]) -> Result<()> {
    let Some(described) = module.description(export) else { return Ok(()) };
    let same = described.state.len() == declared.len()
        && described.state.iter().zip(declared).all(|(described, declared)| {
            described.name == declared.name && descriptor::same_type(&described.data_type, &declared.data_type.kind)
        });
    if same {
        return Ok(());
    }
    let list = |fields: Vec<String>| if fields.is_empty() { "none".to_owned() } else { fields.join(", ") };
    let (has, is) = (
        list(described.state.iter().map(|f| format!("{} {}", f.name, f.data_type)).collect()),
        list(declared.iter().map(|f| format!("{} {}", f.name, f.data_type.kind)).collect()),
    );
    Err(Error::new(format!("the state of '{name}' is not that of '{}'", module.path().display()))
        .detail(format!("the module describes {has}; declared is {is}"))
        .hint("leave STATE out: the module describes itself"))
}

/// How a described result differs from a declared value.
pub(crate) fn returns_differ(described: &Returns, declared: &DataType) -> Option<String> {
    match described {
        Returns::Type(ty) if descriptor::same_type(ty, &declared.kind) => None,
        Returns::Type(ty) => Some(format!("returns {ty}, declared is {}", declared.kind)),
        Returns::Columns(columns) => {
            let types: Vec<&str> = columns.iter().map(Part::type_text).collect();
            Some(format!("returns columns ({}), declared is {}", types.join(", "), declared.kind))
        }
    }
}

/// How described result columns differ from declared ones.
pub(crate) fn columns_differ(described: &Returns, declared: &[Field]) -> Option<String> {
    let types: Vec<&str> = match described {
        Returns::Type(ty) => vec![ty],
        Returns::Columns(columns) => columns.iter().map(Part::type_text).collect(),
    };
    let same = types.len() == declared.len()
        && types.iter().zip(declared).all(|(t, field)| descriptor::same_type(t, &field.data_type.kind));
    let kinds: Vec<String> = declared.iter().map(|f| f.data_type.kind.to_string()).collect();
    (!same).then(|| format!("gives ({}), declared is ({})", types.join(", "), kinds.join(", ")))
}

/// Refuses a module without the exports that columns need; `what` needs them.
pub(crate) fn columns_abi(module: &Module, what: &str) -> Result<()> {
    for needed in ["wm_abi", "wm_alloc", "wm_free"] {
        if module.function(needed).is_none() {
            return Err(Error::new(format!("'{}' has {what} but does not export '{needed}'", module.path().display()))
                .hint("the SDK exports it; see udf-sdk/ABI.md, \"Columns\""));
        }
    }
    if !module.exports.iter().any(|e| e.kind == wasmparser::ExternalKind::Memory && e.name == "memory") {
        return Err(Error::new(format!(
            "'{}' has {what} but does not export its memory as 'memory'",
            module.path().display()
        )));
    }
    Ok(())
}

/// Checks that `name` + `suffix` is an exported function of so many i32 parameters and results.
pub(crate) fn needs(
    module: &Module,
    name: &str,
    suffix: &str,
    params: usize,
    results: usize,
    section: &str,
) -> Result<()> {
    if may_have(module, name, suffix, params, results, section)? {
        return Ok(());
    }
    let error = missing(module, &format!("{name}{suffix}"));
    Err(Error { hint: None, ..error }.hint(match module.function_names().find(|n| n.eq_ignore_ascii_case(name)) {
        Some(near) if near != name => format!("did you mean AS '{near}'?"),
        _ => format!("see udf-sdk/ABI.md, \"{section}\""),
    }))
}

/// As [`needs`], for an export that may be absent; gives whether it is there.
pub(crate) fn may_have(
    module: &Module,
    name: &str,
    suffix: &str,
    params: usize,
    results: usize,
    section: &str,
) -> Result<bool> {
    let export = format!("{name}{suffix}");
    let Some((_, ty)) = module.function(&export) else { return Ok(false) };
    let i32s = |n| std::iter::repeat_n(wasmparser::ValType::I32, n);
    let expected = wasmparser::FuncType::new(i32s(params), i32s(results));
    if *ty == expected {
        return Ok(true);
    }
    let found = type_text(ty);
    Err(Error::new(format!("export '{export}' of '{}' is {found}", module.path().display()))
        .detail(format!("it should be {}", type_text(&expected)))
        .hint(format!("see udf-sdk/ABI.md, \"{section}\"")))
}

pub(crate) fn missing(module: &Module, export: &str) -> Error {
    let path = module.path().display();
    if module.component.is_some() {
        return Error::new(format!("'{path}' is a component, which has scalar and table functions only"))
            .detail("aggregate and process functions and models are core modules")
            .hint("build a core module: in Rust, C, Zig, Go or AssemblyScript");
    }
    if let Some(other) = module.exports.iter().find(|e| e.name == export) {
        let kind = match other.kind {
            wasmparser::ExternalKind::Memory => "a memory",
            wasmparser::ExternalKind::Table => "a table",
            wasmparser::ExternalKind::Global => "a global",
            _ => "no function",
        };
        return Error::new(format!("export '{export}' of '{path}' is {kind}, not a function"));
    }
    const SHOWN: usize = 12;
    let names: Vec<&str> = module.function_names().take(SHOWN + 1).collect();
    let error = Error::new(format!("'{path}' does not export a function '{export}'"));
    if names.is_empty() {
        return error.detail("it exports no function").hint(
            "export it: `#[unsafe(no_mangle)] pub extern \"C\" fn` in Rust, `__attribute__((export_name(\"…\")))` in C",
        );
    }
    let more = if names.len() > SHOWN { ", …" } else { "" };
    let error = error.detail(format!("it exports {}{more}", names[..names.len().min(SHOWN)].join(", ")));
    match nearest(export, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean AS '{near}'?")),
        None => error.hint("name the export with AS 'export'"),
    }
}

fn first_difference(
    args: &[Field],
    slots: &[Slot],
    params: &[Option<ValType>],
    returns: &DataType,
    returns_slot: Slot,
    results: &[Option<ValType>],
) -> String {
    let list = |types: &[ValType]| types.iter().map(|t| name_of(Some(*t))).collect::<Vec<_>>().join(", ");
    let mut position = 0;
    for (arg, slot) in args.iter().zip(slots) {
        let wanted = slot.parameters();
        let has = params.get(position..position + wanted.len());
        if has.is_none_or(|has| has.iter().zip(wanted).any(|(h, w)| *h != Some(*w))) {
            let found = match params.get(position..) {
                None | Some([]) => "takes no further parameter".to_owned(),
                Some(rest) => {
                    let rest = &rest[..rest.len().min(wanted.len())];
                    format!("takes {} there", rest.iter().map(|t| name_of(*t)).collect::<Vec<_>>().join(", "))
                }
            };
            let (name, kind) = (&arg.name, &arg.data_type.kind);
            return format!("argument '{name}' is {kind}, passed as {}, but the export {found}", list(wanted));
        }
        position += wanted.len();
    }
    if position < params.len() {
        return format!("{} arguments are declared, the export takes more parameters", args.len());
    }
    let accepted: Vec<String> = returns_slot.results().iter().map(|r| list(r)).collect();
    let found = match results {
        [] => "returns nothing".to_owned(),
        some => format!("returns {}", some.iter().map(|t| name_of(*t)).collect::<Vec<_>>().join(", ")),
    };
    format!("{} is returned as {}, but the export {found}", returns.kind, accepted.join(" or "))
}

/// The declaration that an export would fit.
fn fitting(params: &[Option<ValType>], results: &[Option<ValType>]) -> String {
    let fits = |ty: &Option<ValType>| match ty {
        Some(ValType::I32) => "INT (or BOOLEAN, TINYINT, SMALLINT, DATE, TIME)",
        Some(ValType::I64) => "BIGINT (or TIMESTAMP, DECIMAL of up to 18 digits)",
        Some(ValType::F32) => "FLOAT",
        Some(ValType::F64) => "DOUBLE",
        _ => "(no SQL type)",
    };
    let args: Vec<&str> = params.iter().map(fits).collect();
    let returns = match results {
        [] => return "a function must return a value".to_owned(),
        [one] => fits(one),
        [Some(ValType::I32), Some(ValType::I32)] => "STRING",
        _ => "(no SQL type)",
    };
    let text = params.windows(2).any(|w| w == [Some(ValType::I32); 2]);
    let note = if text { "; STRING and BYTES take two i32, address and length" } else { "" };
    format!("it would fit ({}) RETURNS {returns}{note}", args.join(", "))
}

fn types(types: &[wasmparser::ValType]) -> Vec<Option<ValType>> {
    types
        .iter()
        .map(|t| match t {
            wasmparser::ValType::I32 => Some(ValType::I32),
            wasmparser::ValType::I64 => Some(ValType::I64),
            wasmparser::ValType::F32 => Some(ValType::F32),
            wasmparser::ValType::F64 => Some(ValType::F64),
            wasmparser::ValType::V128 => Some(ValType::V128),
            wasmparser::ValType::Ref(_) => None,
        })
        .collect()
}

fn name_of(ty: Option<ValType>) -> &'static str {
    match ty {
        Some(ValType::I32) => "i32",
        Some(ValType::I64) => "i64",
        Some(ValType::F32) => "f32",
        Some(ValType::F64) => "f64",
        Some(ValType::V128) => "v128",
        _ => "a reference",
    }
}
