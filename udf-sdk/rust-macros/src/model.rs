//! `#[wasmill::model]`.

use proc_macro::TokenStream;

use crate::aggregate::{receiver, snake_case};
use crate::arguments::Arguments;
use crate::describe::{self, Returns, export, section_with_labels};
use crate::fault::Fault;
use crate::scalar::{call_of, columns, values};
use crate::signature::{self, Function, Receiver};
use crate::sql;
use crate::table;

/// The `impl` block with its exports.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> Result<(TokenStream, String), Fault> {
    let attribute = Arguments::parse(attribute, &["name"], true)?;
    let (block, item) = signature::implementation(item)?;
    let ty = &block.ty.text;
    let name = attribute.get("name").map_or_else(|| snake_case(ty), str::to_owned);
    let Some(predict) = block.function("predict") else {
        return Err(Fault::new("a model has `predict`", block.ty.span));
    };
    if predict.receiver == Receiver::None {
        return Err(Fault::new("`predict` takes &self", predict.span));
    }
    let any = takes_any(predict);
    let inputs = if any { Vec::new() } else { describe::columns(&predict.arguments)? };
    let Some(returned) = &predict.returns else { return Err(Fault::new("`predict` returns a value", predict.span)) };
    let value = sql::without_result(&returned.text).0;
    // NULL for all columns is written as an Option of a tuple too.
    let outputs = table::output(
        if value.starts_with("Option<(") { sql::without_option(value).0 } else { value },
        returned,
        &attribute,
    )?;
    let load = block.function("load");
    let fresh = match load {
        Some(_) => format!("Err::<{ty}, String>(\"no artifact was loaded\".to_owned())"),
        None => format!("Ok(<{ty} as Default>::default())"),
    };
    let mut code = format!("static MODEL: ::wasmill::exports::Holder<{ty}> = ::wasmill::exports::Holder::empty();");
    let rows = |method: &str, function: &Function, labels: usize, run: &str| {
        let bound = Bound::new(function, any, labels);
        format!(
            "let (batch, result) = unsafe {{ (&*batch, &mut *result) }}; {} MODEL.with(result, || {fresh}, |model, result| \
             ::wasmill::exports::{run}(batch, result, |row| {}))",
            bound.columns,
            bound.call(method)
        )
    };
    // A model may say how many columns it takes: a batch of no rows is asked too, at CREATE MODEL.
    let width = match block.function("inputs").filter(|_| any) {
        Some(inputs) => {
            receiver(inputs, Receiver::Shared, Some(0))?;
            format!(
                "let code = MODEL.with(unsafe {{ &mut *result }}, || {fresh}, |model, result| \
                 ::wasmill::exports::width(unsafe {{ &*batch }}, model.inputs(), result)); if code != 0 {{ return code; }} "
            )
        }
        None => String::new(),
    };
    let in_out = "(batch: *const ::wasmill::Batch, result: *mut ::wasmill::RawResult) -> u32";
    let bytes_out = "(address: *const u8, length: u32, result: *mut ::wasmill::RawResult) -> u32";
    code += &format!(
        "{} unsafe extern \"C\" fn predict{in_out} {{ {width}{} }}",
        export(&format!("{name}__predict__cols")),
        rows("predict", predict, 0, "run")
    );
    if let Some(load) = load {
        receiver(load, Receiver::None, Some(1))?;
        let fallible = load.returns.as_ref().is_some_and(|r| sql::without_result(&r.text).1);
        let call = format!("<{ty}>::load(unsafe {{ ::wasmill::exports::bytes(address, length) }})");
        let loaded = if fallible { format!("{call}.map_err(|e| e.to_string())") } else { format!("Ok({call})") };
        code += &format!(
            "{} unsafe extern \"C\" fn load{bytes_out} {{ MODEL.take({loaded}, unsafe {{ &mut *result }}) }}",
            export(&format!("{name}__load"))
        );
    }
    let mut labels = None;
    if let Some(learn) = block.function("learn") {
        receiver(learn, Receiver::Mutable, None)?;
        if any && !takes_any(learn) {
            return Err(Fault::new("`learn` takes the arguments of `predict`, then what was true", learn.span));
        }
        let learnt = describe::columns(&learn.arguments[usize::from(any)..])?;
        let inputs_first = learnt.len() > inputs.len() && learnt.iter().zip(&inputs).all(|(l, i)| l.1 == i.1);
        if !inputs_first {
            return Err(Fault::new("`learn` takes the arguments of `predict`, then what was true", learn.span));
        }
        // Where that is not the OUTPUT itself, it is described by itself.
        let truth = &learnt[inputs.len()..];
        let Returns::Columns(output) = &outputs else { unreachable!("a model gives columns") };
        if truth.len() != output.len() || truth.iter().zip(output).any(|(t, o)| t.1 != o.1) {
            labels = Some(truth.to_vec());
        }
        if block.function("snapshot").is_none() || block.function("restore").is_none() {
            return Err(Fault::new("a model that learns has `snapshot` and `restore`", learn.span));
        }
        code += &format!(
            "{} unsafe extern \"C\" fn learn{in_out} {{ {} }}",
            export(&format!("{name}__learn")),
            rows("learn", learn, truth.len(), "each")
        );
        let (first, then) = (Bound::new(predict, any, truth.len()), Bound::new(learn, any, truth.len()));
        code += &format!(
            "{} unsafe extern \"C\" fn predict_learn{in_out} {{ let (batch, result) = unsafe {{ (&*batch, &mut *result) }}; \
             let predict = {{ {} move |model: &mut {ty}, row: usize| {} }}; let learn = {{ {} move |model: &mut {ty}, row: usize| {} }}; \
             MODEL.with(result, || {fresh}, |model, result| ::wasmill::exports::predict_learn(batch, result, {}, model, predict, learn)) }}",
            export(&format!("{name}__predict_learn__cols")),
            first.columns,
            first.call("predict"),
            then.columns,
            then.call("learn"),
            truth.len()
        );
    }
    if let Some(snapshot) = block.function("snapshot") {
        receiver(snapshot, Receiver::Shared, Some(0))?;
        code += &format!(
            "{} unsafe extern \"C\" fn snapshot(result: *mut ::wasmill::RawResult) -> u32 {{ \
             MODEL.with(unsafe {{ &mut *result }}, || {fresh}, |model, result| ::wasmill::exports::give_bytes(model.snapshot(), result)) }}",
            export(&format!("{name}__snapshot"))
        );
    }
    for method in ["restore", "merge"] {
        let Some(function) = block.function(method) else { continue };
        receiver(function, Receiver::Mutable, Some(1))?;
        code += &format!(
            "{} unsafe extern \"C\" fn {method}{bytes_out} {{ MODEL.with(unsafe {{ &mut *result }}, || {fresh}, |model, result| \
             ::wasmill::exports::done(model.{method}(unsafe {{ ::wasmill::exports::bytes(address, length) }}), result)) }}",
            export(&format!("{name}__{method}"))
        );
    }
    let section = section_with_labels(&name, "model", (!any).then_some(&inputs[..]), Some(&outputs), labels.as_deref());
    Ok((item, format!("#[allow(unreachable_patterns, dead_code)] const _: () = {{ {code} {section} }};")))
}

/// Whether a method's INPUT is any number of DOUBLE columns.
fn takes_any(function: &Function) -> bool {
    function
        .arguments
        .first()
        .is_some_and(|a| a.sql.is_none() && matches!(a.ty.text.as_str(), "&[f64]" | "&[Option<f64>]"))
}

/// Whether that method sees NULLs among them.
fn sees_nulls(function: &Function) -> bool {
    function.arguments.first().is_some_and(|a| a.ty.text == "&[Option<f64>]")
}

/// How the arguments of a method come out of a batch.
struct Bound {
    /// Statements that find the columns.
    columns: String,
    values: Vec<String>,
}

impl Bound {
    /// For a batch whose last `labels` columns are labels.
    fn new(function: &Function, any: bool, labels: usize) -> Self {
        let count = function.arguments.len();
        if !any {
            return Self { columns: columns(count), values: values(count) };
        }
        let features = if sees_nulls(function) { "features.row_with_nulls(row)" } else { "features.row(row)" };
        let truth: String = (1..count).map(|i| format!("batch.column(batch.columns() - {}), ", count - i)).collect();
        Self {
            columns: format!(
                "let mut features = ::wasmill::exports::Features::new(batch, {labels}); let columns = ({truth});"
            ),
            values: std::iter::once(features.to_owned()).chain(values(count - 1)).collect(),
        }
    }
    /// Calls the method of `model`; `None` where an argument is missing.
    fn call(&self, method: &str) -> String {
        call_of(&self.values, &format!("Some(model.{method}"), ")")
    }
}
