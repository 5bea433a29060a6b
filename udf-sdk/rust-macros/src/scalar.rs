//! `#[wasmill::scalar]` and `#[wasmill::batch]`.

use proc_macro::TokenStream;

use crate::arguments::Arguments;
use crate::describe::{self, Returns, export, section};
use crate::fault::Fault;
use crate::signature::{self, Function};
use crate::sql;

/// Names that the standard library's own functions have at link time: an export of that name would take their place.
const TAKEN: [&str; 33] = [
    "acos", "asin", "atan", "atan2", "cbrt", "ceil", "cos", "cosh", "exp", "exp2", "expm1", "fabs", "fdim", "floor",
    "fma", "fmod", "hypot", "ldexp", "log", "log10", "log1p", "log2", "memcmp", "memcpy", "memmove", "memset", "pow",
    "rint", "round", "sin", "sqrt", "tan", "trunc",
];

/// A function with its exports.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<(TokenStream, String), Fault> {
    let attribute = Arguments::parse(attribute, &["name", "returns"], false)?;
    let (function, item) = signature::function(item)?;
    let name = attribute.get("name").unwrap_or(&function.name).to_owned();
    let arguments = describe::columns(&function.arguments)?;
    let Some(returned) = &function.returns else {
        return Err(Fault::new("a scalar function returns a value", function.span));
    };
    let (value, _) = sql::without_result(&returned.text);
    let returns = match attribute.get("returns") {
        Some(ty) => ty.to_owned(),
        None => {
            sql::result(value, returned, "for another name of one of them write returns = \"TYPE\" in the attribute")?
        }
    };
    let code = if is_plain(&function) {
        if TAKEN.contains(&name.as_str()) {
            let why =
                format!("the standard library has a `{name}` of its own; export this one as name = \"my_{name}\"");
            return Err(Fault::new(why, function.span));
        }
        plain(&function, &name)
    } else {
        let call = call(&function.arguments.len(), &format!("Some({}", function.name), ")");
        format!(
            "{} unsafe extern \"C\" fn exported(batch: *const ::wasmill::Batch, result: *mut ::wasmill::RawResult) -> u32 {{ \
             let (batch, result) = unsafe {{ (&*batch, &mut *result) }}; {} \
             ::wasmill::exports::run(batch, result, |row| {call}) }}",
            export(&format!("{name}__cols")),
            columns(function.arguments.len())
        )
    };
    let section = section(&name, "scalar", Some(&arguments), Some(&Returns::One(returns)));
    Ok((item, format!("#[allow(unreachable_patterns, dead_code)] const _: () = {{ {code} {section} }};")))
}

/// Whether values of one row, all of them numbers, cross as they are: the engine then runs the body inside its own loop.
fn is_plain(function: &Function) -> bool {
    let number = |text: &str| matches!(text, "bool" | "i8" | "i16" | "i32" | "i64" | "f32" | "f64");
    function.arguments.iter().all(|a| number(&a.ty.text)) && function.returns.as_ref().is_some_and(|r| number(&r.text))
}

fn plain(function: &Function, name: &str) -> String {
    let parameters: Vec<String> =
        function.arguments.iter().enumerate().map(|(i, a)| format!("a{i}: {}", a.ty.text)).collect();
    let values: Vec<String> = (0..function.arguments.len()).map(|i| format!("a{i}")).collect();
    let returns = function.returns.as_ref().map_or("()", |r| &r.text);
    format!(
        "{} extern \"C\" fn exported({}) -> {returns} {{ {}({}) }}",
        export(name),
        parameters.join(", "),
        function.name,
        values.join(", ")
    )
}

/// `let columns = (batch.column(0), …);`
pub(crate) fn columns(count: usize) -> String {
    columns_from(0, count)
}

/// The same for columns from another one on.
pub(crate) fn columns_from(first: usize, count: usize) -> String {
    let all: String = (first..first + count).map(|i| format!("batch.column({i}), ")).collect();
    format!("let columns = ({all});")
}

/// A `match` that calls `before(a0, a1)after` where no argument is missing, else gives `None`.
pub(crate) fn call(count: &usize, before: &str, after: &str) -> String {
    call_of(&values(*count), before, after)
}

/// What reads the value of each column.
pub(crate) fn values(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("::wasmill::FromColumn::from_column(columns.{i}, row)")).collect()
}

/// The same with expressions for the arguments.
pub(crate) fn call_of(values: &[String], before: &str, after: &str) -> String {
    let names: Vec<String> = (0..values.len()).map(|i| format!("a{i}")).collect();
    let values: String = values.iter().map(|v| format!("{v}, ")).collect();
    let found: String = names.iter().map(|n| format!("Some({n}), ")).collect();
    format!("match ({values}) {{ ({found}) => {before}({}){after}, _ => None }}", names.join(", "))
}

/// A function of whole columns.
pub(crate) fn expand_batch(attribute: TokenStream, item: TokenStream) -> Result<(TokenStream, String), Fault> {
    let attribute = Arguments::parse(attribute, &["name", "arguments", "returns"], false)?;
    let (function, item) = signature::function(item)?;
    let name = attribute.get("name").unwrap_or(&function.name).to_owned();
    let wrong = || Fault::new("write fn name(batch: &Batch) -> Result<Vec<T>, String>", function.span);
    if function.arguments.len() != 1 {
        return Err(wrong());
    }
    let returned = function.returns.as_ref().ok_or_else(wrong)?;
    let (list, true) = sql::without_result(&returned.text) else { return Err(wrong()) };
    let value = list.strip_prefix("Vec<").and_then(|t| t.strip_suffix('>')).ok_or_else(wrong)?;
    let returns = match attribute.get("returns") {
        Some(ty) => ty.to_owned(),
        None => {
            sql::result(value, returned, "for another name of one of them write returns = \"TYPE\" in the attribute")?
        }
    };
    let arguments: Option<Vec<describe::Column>> = attribute.get("arguments").map(|list| {
        let types = sql::top_level(list).into_iter().map(str::trim);
        types.enumerate().map(|(i, ty)| (format!("arg{i}"), ty.to_owned())).collect()
    });
    let code = format!(
        "{} unsafe extern \"C\" fn exported(batch: *const ::wasmill::Batch, result: *mut ::wasmill::RawResult) -> u32 {{ \
         let (batch, result) = unsafe {{ (&*batch, &mut *result) }}; ::wasmill::exports::whole(batch, result, {}(batch)) }}",
        export(&format!("{name}__cols")),
        function.name
    );
    let section = section(&name, "scalar", arguments.as_deref(), Some(&Returns::One(returns)));
    Ok((item, format!("#[allow(unreachable_patterns, dead_code)] const _: () = {{ {code} {section} }};")))
}
