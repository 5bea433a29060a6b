//! A line of the custom section `wasmill.udf`.

use crate::fault::Fault;
use crate::signature::Argument;
use crate::sql;

/// Name and SQL type.
pub(crate) type Column = (String, String);

/// The SQL types of arguments, with their names.
pub(crate) fn columns(arguments: &[Argument]) -> Result<Vec<Column>, Fault> {
    arguments.iter().map(|a| Ok((a.name.clone(), sql::argument(a)?))).collect()
}

/// What a function gives.
pub(crate) enum Returns {
    /// A value.
    One(String),
    /// Columns.
    Columns(Vec<Column>),
}

/// The code of the static that holds the line. The linker joins those of all functions.
pub(crate) fn section(name: &str, kind: &str, arguments: Option<&[Column]>, returns: Option<&Returns>) -> String {
    section_with_labels(name, kind, arguments, returns, None)
}

/// The same with what a model learns from, where that is not its OUTPUT.
pub(crate) fn section_with_labels(
    name: &str,
    kind: &str,
    arguments: Option<&[Column]>,
    returns: Option<&Returns>,
    labels: Option<&[Column]>,
) -> String {
    let mut line = opening(name, kind, arguments, returns);
    if let Some(labels) = labels {
        line += &format!(", \"labels\": {}", list(labels));
    }
    line += "}\n";
    format!("{SECTION} static DESCRIPTION: [u8; {}] = *b{line:?};", line.len())
}

/// The same of a process function, whose state is of a type that knows its fields.
pub(crate) fn section_with_state(name: &str, arguments: &[Column], returns: &Returns, state: &str) -> String {
    let line = opening(name, "process", Some(arguments), Some(returns)) + ", \"state\": ";
    format!(
        "const LINE: &[&str] = &[{line:?}, <{state} as ::wasmill::State>::FIELDS, {:?}]; {SECTION} static DESCRIPTION: \
         [u8; ::wasmill::exports::bytes_of(LINE)] = ::wasmill::exports::joined(LINE);",
        "}\n"
    )
}

const SECTION: &str = "#[cfg(target_arch = \"wasm32\")] #[unsafe(link_section = \"wasmill.udf\")] #[used]";

/// The line up to what only some kinds have.
fn opening(name: &str, kind: &str, arguments: Option<&[Column]>, returns: Option<&Returns>) -> String {
    let mut line = format!("{{\"name\": {}, \"kind\": \"{kind}\"", quoted(name));
    if let Some(arguments) = arguments {
        line += &format!(", \"arguments\": {}", list(arguments));
    }
    match returns {
        Some(Returns::One(ty)) => line += &format!(", \"returns\": {}", quoted(ty)),
        Some(Returns::Columns(columns)) => line += &format!(", \"returns\": {}", list(columns)),
        None => {}
    }
    line
}

fn list(columns: &[Column]) -> String {
    let parts: Vec<String> =
        columns.iter().map(|(n, t)| format!("{{\"name\": {}, \"type\": {}}}", quoted(n), quoted(t))).collect();
    format!("[{}]", parts.join(", "))
}

/// A JSON string; names and SQL types are ASCII.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The attribute before a function that the host calls by `name`.
pub(crate) fn export(name: &str) -> String {
    format!("#[cfg_attr(target_arch = \"wasm32\", unsafe(export_name = {name:?}))]")
}
