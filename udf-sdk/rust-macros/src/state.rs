//! `#[derive(wasmill::State)]`.

use proc_macro::TokenStream;

use crate::describe::quoted;
use crate::fault::Fault;
use crate::signature::{self, Argument};
use crate::sql;

/// How many fields a state may have: a bit each.
const FIELDS_MAX: usize = 63;

/// The trait's implementation for the struct.
pub(crate) fn expand(item: TokenStream) -> Result<String, Fault> {
    let (ty, fields) = signature::structure(item)?;
    let count = fields.len();
    if count > FIELDS_MAX {
        let why = format!("a state has at most {FIELDS_MAX} fields, this one has {count}");
        return Err(Fault::new(why, ty.span));
    }
    let described: Vec<String> =
        fields.iter().map(|(f, ttl)| described(f, ttl.as_deref())).collect::<Result<_, _>>()?;
    let each = |text: &dyn Fn(usize, &Argument) -> String| -> String {
        fields.iter().enumerate().map(|(i, (field, _))| text(i, field)).collect()
    };
    let ty = &ty.text;
    Ok(format!(
        "const _: () = {{ #[derive(Default)] pub struct StateColumns {{ {} }} \
         impl ::wasmill::Columns for StateColumns {{ fn give(&self, columns: &mut [::wasmill::RawColumn]) {{ {} }} }} \
         impl ::wasmill::State for {ty} {{ \
         const FIELDS: &'static str = {:?}; const ALL: u64 = {}; type Columns = StateColumns; \
         fn read(state: &::wasmill::Batch, key: usize) -> Self {{ Self {{ {} }} }} \
         fn changed(&self, state: &::wasmill::Batch, key: usize) -> u64 {{ 0 {} }} \
         fn write(self, fields: u64, into: &mut StateColumns) {{ {} }} }} }};",
        each(&|i, field| format!("c{i}: ::wasmill::Builder<<{} as ::wasmill::IntoRow>::Builder>, ", field.ty.text)),
        each(&|i, _| format!("self.c{i}.fill(&mut columns[{i}]); ")),
        format!("[{}]", described.join(", ")),
        (1u64 << count) - 1,
        each(&|i, field| format!("r#{}: ::wasmill::Field::read(state.column({i}), key), ", field.name)),
        each(&|i, field| format!(
            "| u64::from(!::wasmill::Field::is(&self.r#{}, state.column({i}), key)) << {i}",
            field.name
        )),
        each(&|i, field| format!(
            "::wasmill::Field::write(self.r#{}, fields >> {i} & 1 == 1, &mut into.c{i}); ",
            field.name
        )),
    ))
}

/// A field in the module's description.
fn described(field: &Argument, ttl: Option<&str>) -> Result<String, Fault> {
    let ty = sql::field(field)?;
    let kind = if ty.starts_with("ARRAY<") {
        "list"
    } else if ty.starts_with("MAP<") {
        "map"
    } else {
        "value"
    };
    let ttl = ttl.map_or(String::new(), |ttl| format!(", \"ttl\": {}", quoted(ttl)));
    Ok(format!("{{\"name\": {}, \"type\": {}, \"kind\": \"{kind}\"{ttl}}}", quoted(&field.name), quoted(&ty)))
}
