//! `#[wasmill::table]`.

use proc_macro::TokenStream;

use crate::arguments::Arguments;
use crate::describe::{self, Returns, export, section};
use crate::fault::Fault;
use crate::scalar::{call, columns};
use crate::signature::{self, Type};
use crate::sql;

/// A table function with its export.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<(TokenStream, String), Fault> {
    let attribute = Arguments::parse(attribute, &["name"], true)?;
    let (function, item) = signature::function(item)?;
    let name = attribute.get("name").unwrap_or(&function.name).to_owned();
    let arguments = describe::columns(&function.arguments)?;
    let Some(returned) = &function.returns else {
        return Err(Fault::new("a table function returns rows", function.span));
    };
    let (rows, fallible) = sql::without_result(&returned.text);
    let item_type = item_type(rows).ok_or_else(|| {
        Fault::new(
            "a table function returns a Vec<…>, an Option<…> or an impl Iterator<Item = …> of values or tuples",
            returned.span,
        )
    })?;
    let returns = output(item_type, returned, &attribute)?;
    let count = function.arguments.len();
    let call = if fallible {
        call(&count, &format!("Some({}", function.name), ")")
    } else {
        call(&count, &format!("Some(Ok::<_, String>({}", function.name), "))")
    };
    let code = format!(
        "{} unsafe extern \"C\" fn exported(batch: *const ::wasmill::Batch, result: *mut ::wasmill::RawResult) -> u32 {{ \
         let (batch, result) = unsafe {{ (&*batch, &mut *result) }}; {} \
         ::wasmill::exports::expand(batch, result, |row| {call}) }}",
        export(&format!("{name}__cols")),
        columns(count)
    );
    let section = section(&name, "table", Some(&arguments), Some(&returns));
    Ok((item, format!("#[allow(unreachable_patterns, dead_code)] const _: () = {{ {code} {section} }};")))
}

/// The names and SQL types of result columns.
pub(crate) fn output(text: &str, of: &Type, attribute: &Arguments) -> Result<Returns, Fault> {
    let parts = sql::parts(text);
    if !attribute.columns.is_empty() && attribute.columns.len() != parts.len() {
        let why = format!("{} columns are named, the function gives {}", attribute.columns.len(), parts.len());
        return Err(Fault::new(why, of.span));
    }
    let name = |i: usize| attribute.columns.get(i).cloned().unwrap_or_else(|| format!("f{i}"));
    let column = |(i, part): (usize, &&str)| Ok((name(i), sql::result(part, of, "give one of them")?));
    parts.iter().enumerate().map(column).collect::<Result<_, _>>().map(Returns::Columns)
}

/// What an iterable type is of.
fn item_type(text: &str) -> Option<&str> {
    if let Some((_, rest)) = text.split_once("Item=") {
        let mut depth = 0;
        let end = rest.find(|c| {
            match c {
                '<' | '(' | '[' => depth += 1,
                '>' | ')' | ']' if depth > 0 => depth -= 1,
                '>' => return true,
                _ => {}
            }
            false
        })?;
        return Some(&rest[..end]);
    }
    let (_, inner) = text.strip_suffix('>')?.split_once('<')?;
    ["Vec<", "Option<"].iter().any(|p| text.starts_with(p)).then_some(inner)
}
