//! `wasmill udf inspect`: what a module holds, and the statements that create its functions.

use std::fmt::Write;

use serde_json::json;
use wasmill_wasm::{Description, FunctionOptions, Kind, Module, Part, Returns};

use super::{InspectArgs, Result, say};

/// Shows the module.
pub(super) fn inspect(args: &InspectArgs) -> Result<()> {
    let module = Module::load(&args.module, &FunctionOptions::default())?;
    say(if args.json { as_json(&module) } else { as_text(&module) });
    Ok(())
}

/// A function as inspect shows it.
struct Shown {
    name: String,
    kind: Kind,
    /// How it is called: plain, columns or component.
    way: &'static str,
    wasm_type: String,
    /// Its own description, or what its Wasm type fits first of all.
    description: Option<Description>,
    described: bool,
}

/// The functions of a module: those that it describes, and the other exports that SQL may call.
fn functions(module: &Module) -> Vec<Shown> {
    let exports = module.describe().functions;
    let mut shown: Vec<Shown> = Vec::new();
    for described in module.descriptions() {
        let of_it = |e: &&wasmill_wasm::FunctionDescription| {
            e.name == described.name || e.name == format!("{}__predict", described.name)
        };
        let export = exports.iter().find(of_it);
        shown.push(Shown {
            name: described.name.clone(),
            kind: described.kind,
            way: if module.is_component() {
                "component"
            } else if described.kind == Kind::Scalar && export.is_some_and(|e| !e.columns) {
                "plain"
            } else {
                "columns"
            },
            wasm_type: export.map(|e| e.wasm_type.clone()).unwrap_or_default(),
            description: Some(described.clone()),
            described: true,
        });
    }
    let part_of_another =
        |name: &str| shown.iter().any(|s| name.strip_prefix(&s.name).is_some_and(|r| r.starts_with("__")));
    let rest: Vec<Shown> = exports
        .iter()
        .filter(|e| !shown.iter().any(|s| s.name == e.name) && !part_of_another(&e.name) && e.name != "_initialize")
        .map(|e| Shown {
            name: e.name.clone(),
            kind: Kind::Scalar,
            way: if e.columns { "columns" } else { "plain" },
            wasm_type: e.wasm_type.clone(),
            description: if e.columns { None } else { fitting(&e.name, &e.wasm_type) },
            described: false,
        })
        .collect();
    shown.extend(rest);
    shown
}

/// The declaration that a plain export's type fits first of all: numbers only, since texts are two numbers each.
pub(super) fn fitting(name: &str, wasm_type: &str) -> Option<Description> {
    let (parameters, result) = wasm_type.strip_prefix('(')?.split_once(") -> ")?;
    let sql = |ty: &str| match ty.trim() {
        "i32" => Some("INT"),
        "i64" => Some("BIGINT"),
        "f32" => Some("FLOAT"),
        "f64" => Some("DOUBLE"),
        _ => None,
    };
    let parameters = parameters.split(',').filter(|p| !p.trim().is_empty());
    let arguments = parameters.map(|ty| Some(Part::Type(sql(ty)?.to_owned()))).collect::<Option<Vec<_>>>()?;
    Some(Description {
        name: name.to_owned(),
        kind: Kind::Scalar,
        arguments: Some(arguments),
        returns: Some(Returns::Type(sql(result)?.to_owned())),
        labels: None,
        state: Vec::new(),
    })
}

/// `a DOUBLE, arg1 STRING`.
fn columns(parts: &[Part], prefix: &str) -> String {
    let all: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(i, p)| format!("{} {}", identifier(&p.name(prefix, i)), p.type_text()))
        .collect();
    all.join(", ")
}

/// A name as SQL writes it.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && wasmill_sql::parse_script(&format!("SELECT {name} FROM (SELECT 1 AS {name}) AS t")).is_ok();
    if plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

/// The statement that creates a function; `None` where its arguments or result are not known.
pub(super) fn statement(module: &Module, function: &Description) -> Option<String> {
    let name = identifier(&function.name);
    let arguments = columns(function.arguments.as_deref()?, "arg");
    let returns = function.returns.as_ref()?;
    let parts = |returns: &Returns| match returns {
        Returns::Type(ty) => format!("f0 {ty}"),
        Returns::Columns(all) => columns(all, "f"),
    };
    let file = module.path().display().to_string().replace('\'', "''");
    let from = format!("LANGUAGE WASM USING FILE '{file}'");
    Some(match (function.kind, returns) {
        (Kind::Model, returns) => {
            let output = parts(returns);
            let with = if module.exports_function(&format!("{}__load", function.name)) {
                " WITH ('artifact' = '…')"
            } else {
                ""
            };
            let labels = function.labels.as_deref().map(|all| format!(" LABEL ({})", columns(all, "label")));
            let labels = labels.unwrap_or_default();
            format!("CREATE MODEL {name} INPUT ({arguments}) OUTPUT ({output}){labels}\n{from}{with};")
        }
        (Kind::Table, returns) => {
            format!("CREATE TABLE FUNCTION {name}({arguments}) RETURNS TABLE ({})\n{from};", parts(returns))
        }
        (Kind::Process, returns) => {
            let fields = function.state.iter().map(|f| format!("{} {}", identifier(&f.name), f.data_type));
            let fields = fields.collect::<Vec<_>>().join(", ");
            let state = if fields.is_empty() { String::new() } else { format!(" STATE ({fields})") };
            let ttls =
                function.state.iter().filter_map(|f| Some(format!("'state.{}.ttl' = '{}'", f.name, f.ttl.as_ref()?)));
            let ttls = ttls.collect::<Vec<_>>().join(", ");
            let with = if ttls.is_empty() { String::new() } else { format!(" WITH ({ttls})") };
            let returns = parts(returns);
            format!("CREATE PROCESS FUNCTION {name}({arguments}) RETURNS TABLE ({returns}){state}\n{from}{with};")
        }
        (kind, Returns::Type(ty)) => format!("{} {name}({arguments}) RETURNS {ty}\n{from};", kind.statement()),
        (_, Returns::Columns(_)) => return None,
    })
}

fn as_text(module: &Module) -> String {
    let about = module.describe();
    let mut text = String::new();
    let what = if module.is_component() { "component" } else { "module" };
    let _ = writeln!(text, "{}: a {what} of {} bytes", about.path.display(), about.bytes);
    let _ = writeln!(text, "  sha256   {}", about.sha256);
    if !module.is_component() {
        let _ = writeln!(text, "  memory   {} bytes at the start", about.memory_bytes);
    }
    let imports = if about.imports.is_empty() {
        "none".to_owned()
    } else {
        format!("{} (given by the engine, without authority)", about.imports.join(", "))
    };
    let _ = writeln!(text, "  imports  {imports}");
    let functions = functions(module);
    if functions.is_empty() {
        let _ = writeln!(text, "\nno function that SQL could call");
    }
    let width = functions.iter().map(|f| f.name.len()).max().unwrap_or(0);
    for f in &functions {
        let kind = format!("{:?}", f.kind).to_lowercase();
        let _ = write!(text, "\n  {:width$}  {kind:9}  {:9}  {}", f.name, f.way, f.wasm_type);
    }
    text.push('\n');
    for f in &functions {
        match f.description.as_ref().and_then(|d| statement(module, d)) {
            Some(statement) => {
                let guessed = "-- guessed from the Wasm type: i32 may also be BOOLEAN or DATE, i64 TIMESTAMP or DECIMAL, i32 i32 a STRING\n";
                let _ = writeln!(text, "\n{}{statement}", if f.described { "" } else { guessed });
            }
            None => {
                let _ = writeln!(text, "\n-- {}: the module does not say what it takes and gives", f.name);
            }
        }
    }
    text
}

fn as_json(module: &Module) -> String {
    let about = module.describe();
    let part = |(i, p): (usize, &Part), prefix: &str| json!({"name": p.name(prefix, i), "type": p.type_text()});
    let functions: Vec<serde_json::Value> = functions(module)
        .iter()
        .map(|f| {
            let description = f.description.as_ref();
            let arguments = description.and_then(|d| d.arguments.as_deref());
            let arguments = arguments.map(|all| all.iter().enumerate().map(|p| part(p, "arg")).collect::<Vec<_>>());
            let returns = description.and_then(|d| d.returns.as_ref()).map(|r| match r {
                Returns::Type(ty) => json!(ty),
                Returns::Columns(all) => json!(all.iter().enumerate().map(|p| part(p, "f")).collect::<Vec<_>>()),
            });
            json!({
                "name": f.name,
                "kind": format!("{:?}", f.kind).to_lowercase(),
                "way": f.way,
                "wasm_type": f.wasm_type,
                "described": f.described,
                "arguments": arguments,
                "returns": returns,
                "statement": description.and_then(|d| statement(module, d)),
            })
        })
        .collect();
    let object = json!({
        "path": about.path.display().to_string(),
        "component": module.is_component(),
        "bytes": about.bytes,
        "sha256": about.sha256,
        "memory_bytes": about.memory_bytes,
        "imports": about.imports,
        "functions": functions,
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_fit_first() {
        let f = fitting("f", "(f64, i32) -> i64").unwrap();
        assert_eq!(columns(f.arguments.as_deref().unwrap(), "arg"), "arg0 DOUBLE, arg1 INT");
        assert_eq!(f.returns, Some(Returns::Type("BIGINT".into())));
        assert!(fitting("f", "(v128) -> i64").is_none());
        assert!(fitting("f", "(f64) -> nothing").is_none());
        assert_eq!(fitting("f", "() -> f32").unwrap().arguments, Some(Vec::new()));
    }
}
