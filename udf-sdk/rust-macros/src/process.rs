//! `#[wasmill::process]`.

use proc_macro::TokenStream;

use crate::aggregate::{receiver, snake_case};
use crate::arguments::Arguments;
use crate::describe::{self, export, section_with_state};
use crate::fault::Fault;
use crate::scalar::{call_of, columns_from, values};
use crate::signature::{self, Function, Receiver};
use crate::table;

/// Columns of a call before the arguments: the key's row and the time.
const FIRST_ARGUMENT: usize = 2;

/// The `impl` block with its exports.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<(TokenStream, String), Fault> {
    let attribute = Arguments::parse(attribute, &["name"], true)?;
    let (block, item) = signature::implementation(item)?;
    let ty = &block.ty.text;
    let name = attribute.get("name").map_or_else(|| snake_case(ty), str::to_owned);
    let Some(process) = block.function("process") else {
        return Err(Fault::new("a process function has `process`; besides there may be `timer`", block.ty.span));
    };
    let row = row_type(process)?;
    let arguments = describe::columns(&process.arguments[1..])?;
    let returns = table::output(row, &process.arguments[0].ty, &attribute)?;
    let mut code = entry(&name, ty, process);
    if let Some(timer) = block.function("timer") {
        let of_timer = row_type(timer)?;
        if of_timer != row {
            let why =
                format!("`timer` gives rows of {of_timer}, `process` of {row}: one function gives one kind of rows");
            return Err(Fault::new(why, timer.arguments[0].ty.span));
        }
        match &timer.arguments[1..] {
            [] => {}
            [name] if name.ty.text == "Option<&str>" => {}
            [first, ..] => {
                let why = "`timer` takes &mut self, context: &mut Context<…>, and it may take name: Option<&str>";
                return Err(Fault::new(why, first.ty.span));
            }
        }
        code += &entry(&name, ty, timer);
    }
    let section = section_with_state(&name, &arguments, &returns, ty);
    Ok((item, format!("#[allow(unreachable_patterns, dead_code)] const _: () = {{ {code} {section} }};")))
}

/// The `R` of a method's `&mut Context<R>`.
fn row_type(function: &Function) -> Result<&str, Fault> {
    receiver(function, Receiver::Mutable, None)?;
    let context = |text: &'_ str| -> Option<usize> {
        let path = text.strip_prefix("&mut ")?.trim_start_matches("::").trim_start_matches("wasmill::");
        Some(text.len() - path.strip_prefix("Context<")?.strip_suffix('>').map(str::len)? - 1)
    };
    let first = function.arguments.first();
    match first.and_then(|a| Some((&a.ty.text, context(&a.ty.text)?))) {
        Some((text, start)) => Ok(&text[start..text.len() - 1]),
        None => {
            let why = format!(
                "`{}` takes &mut self, then context: &mut Context<R>, where R is the row that it gives: a value or a tuple",
                function.name
            );
            Err(Fault::new(why, first.map_or(function.span, |a| a.ty.span)))
        }
    }
}

/// The export that calls a method for each row or timer.
fn entry(name: &str, ty: &str, method: &Function) -> String {
    let count = method.arguments.len() - 1;
    let method = &method.name;
    let values: Vec<String> = std::iter::once("Some(context)".to_owned()).chain(values(count)).collect();
    format!(
        "{} unsafe extern \"C\" fn {method}(batch: *const ::wasmill::Batch, state: *const ::wasmill::Batch, \
         results: *mut [::wasmill::RawResult; 3]) -> u32 {{ let (batch, state, results) = unsafe {{ (&*batch, &*state, &mut *results) }}; \
         {} ::wasmill::exports::process(batch, state, results, |state: &mut {ty}, context, row| {}) }}",
        export(&format!("{name}__{method}")),
        columns_from(FIRST_ARGUMENT, count),
        call_of(&values, &format!("Some(state.{method}"), ")"),
    )
}
