//! `#[wasmill::aggregate]`.

use proc_macro::TokenStream;

use crate::arguments::Arguments;
use crate::describe::{self, Returns, export, section};
use crate::fault::Fault;
use crate::scalar::{call, columns};
use crate::signature::{self, Function, Implementation, Receiver};
use crate::sql;

/// The names of methods that mean something here.
const METHODS: [&str; 6] = ["accumulate", "retract", "merge", "finish", "save", "load"];

/// The `impl` block with its exports.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<(TokenStream, String), Fault> {
    let attribute = Arguments::parse(attribute, &["name", "returns"], false)?;
    let (block, item) = signature::implementation(item)?;
    let ty = &block.ty.text;
    let name = attribute.get("name").map_or_else(|| snake_case(ty), str::to_owned);
    let needed = |method: &str| {
        let why = format!("an aggregate function has `{method}`; besides there may be {}", METHODS.join(", "));
        block.function(method).ok_or_else(|| Fault::new(why, block.ty.span))
    };
    let (accumulate, finish) = (needed("accumulate")?, needed("finish")?);
    receiver(accumulate, Receiver::Mutable, None)?;
    receiver(finish, Receiver::Shared, Some(0))?;
    let arguments = describe::columns(&accumulate.arguments)?;
    let Some(returned) = &finish.returns else { return Err(Fault::new("`finish` returns a value", finish.span)) };
    let returns = match attribute.get("returns") {
        Some(ty) => ty.to_owned(),
        None => {
            let value = sql::without_result(&returned.text).0;
            sql::result(value, returned, "for another name of one of them write returns = \"TYPE\" in the attribute")?
        }
    };
    let mut code = format!(
        "{} extern \"C\" fn state_size() -> u32 {{ const {{ ::wasmill::exports::state_bytes::<{ty}>() }} }} \
         {} unsafe extern \"C\" fn init(states: *mut u8, groups: *const u32, count: u32) {{ \
         ::wasmill::exports::init::<{ty}>(unsafe {{ ::wasmill::exports::Groups::new(states, groups) }}, count) }} \
         {} unsafe extern \"C\" fn finish(states: *mut u8, groups: *const u32, count: u32, result: *mut ::wasmill::RawResult) -> u32 {{ \
         let (groups, result) = unsafe {{ (::wasmill::exports::Groups::new(states, groups), &mut *result) }}; \
         ::wasmill::exports::finish(groups, count, result, |state: &{ty}| state.finish()) }}",
        export(&format!("{name}__state_size")),
        export(&format!("{name}__init")),
        export(&format!("{name}__finish")),
    );
    code += &step(&name, "acc", ty, "accumulate", accumulate);
    if let Some(retract) = block.function("retract") {
        receiver(retract, Receiver::Mutable, Some(accumulate.arguments.len()))?;
        code += &step(&name, "retract", ty, "retract", retract);
    }
    if let Some(merge) = block.function("merge") {
        receiver(merge, Receiver::Mutable, Some(1))?;
        code += &format!(
            "{} unsafe extern \"C\" fn merge(states: *mut u8, into: *const u32, from: *const u32, count: u32, \
             result: *mut ::wasmill::RawResult) -> u32 {{ let (into, from, result) = unsafe {{ \
             (::wasmill::exports::Groups::new(states, into), ::wasmill::exports::Groups::new(states, from), &mut *result) }}; \
             ::wasmill::exports::merge(into, from, count, result, |into: &mut {ty}, from: &{ty}| into.merge(from)) }}",
            export(&format!("{name}__merge")),
        );
    }
    code += &saving(&name, ty, &block)?;
    let section = section(&name, "aggregate", Some(&arguments), Some(&Returns::One(returns)));
    Ok((item, format!("#[allow(unreachable_patterns, dead_code)] const _: () = {{ {code} {section} }};")))
}

/// The export that adds rows, or takes them back.
fn step(name: &str, suffix: &str, ty: &str, method: &str, function: &Function) -> String {
    let count = function.arguments.len();
    let call = call(&count, &format!("Some(unsafe {{ &mut *groups.state::<{ty}>(row) }}.{method}"), ")");
    format!(
        "{} unsafe extern \"C\" fn {suffix}(states: *mut u8, groups: *const u32, batch: *const ::wasmill::Batch, \
         result: *mut ::wasmill::RawResult) -> u32 {{ let (groups, batch, result) = unsafe {{ \
         (::wasmill::exports::Groups::new(states, groups), &*batch, &mut *result) }}; {} \
         ::wasmill::exports::each(batch, result, |row| {call}) }}",
        export(&format!("{name}__{suffix}")),
        columns(count),
    )
}

/// The exports of a state that is more than its bytes, or the check that it is not.
fn saving(name: &str, ty: &str, block: &Implementation) -> Result<String, Fault> {
    let (save, load) = match (block.function("save"), block.function("load")) {
        (None, None) => {
            return Ok(format!(
                "const _: () = {{ const fn state_is_plain_bytes_or_has_save_and_load<T: Copy + Default + 'static>() {{}} \
                 state_is_plain_bytes_or_has_save_and_load::<{ty}>() }};"
            ));
        }
        (Some(save), Some(load)) => (save, load),
        (Some(one), None) | (None, Some(one)) => {
            return Err(Fault::new("`save` and `load` are there together or not at all", one.span));
        }
    };
    receiver(save, Receiver::Shared, Some(0))?;
    receiver(load, Receiver::None, Some(1))?;
    let fallible = load.returns.as_ref().is_some_and(|r| sql::without_result(&r.text).1);
    let made = if fallible { ".map_err(|e| e.to_string())" } else { "" };
    let loaded = format!("<{ty}>::load(bytes){made}");
    let loaded = if fallible { loaded } else { format!("Ok({loaded})") };
    Ok(format!(
        "{} unsafe extern \"C\" fn clear(states: *mut u8, groups: *const u32, count: u32) {{ \
         ::wasmill::exports::clear::<{ty}>(unsafe {{ ::wasmill::exports::Groups::new(states, groups) }}, count) }} \
         {} unsafe extern \"C\" fn save(states: *mut u8, groups: *const u32, count: u32, result: *mut ::wasmill::RawResult) -> u32 {{ \
         let (groups, result) = unsafe {{ (::wasmill::exports::Groups::new(states, groups), &mut *result) }}; \
         ::wasmill::exports::save(groups, count, result, |state: &{ty}| state.save()) }} \
         {} unsafe extern \"C\" fn load(states: *mut u8, groups: *const u32, batch: *const ::wasmill::Batch, \
         result: *mut ::wasmill::RawResult) -> u32 {{ let (groups, batch, result) = unsafe {{ \
         (::wasmill::exports::Groups::new(states, groups), &*batch, &mut *result) }}; \
         ::wasmill::exports::load::<{ty}>(groups, batch, result, |bytes| {loaded}) }}",
        export(&format!("{name}__clear")),
        export(&format!("{name}__save")),
        export(&format!("{name}__load")),
    ))
}

/// Refuses another receiver or number of arguments than is needed.
pub(crate) fn receiver(function: &Function, receiver: Receiver, arguments: Option<usize>) -> Result<(), Fault> {
    let wanted = match receiver {
        Receiver::None => "no self",
        Receiver::Shared => "&self",
        Receiver::Mutable => "&mut self",
    };
    if function.receiver != receiver {
        return Err(Fault::new(format!("`{}` takes {wanted}", function.name), function.span));
    }
    match arguments {
        Some(count) if function.arguments.len() != count => {
            Err(Fault::new(format!("`{}` takes {wanted} and {count} arguments", function.name), function.span))
        }
        _ => Ok(()),
    }
}

/// `GeoMean` → `geo_mean`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}
