//! `wasmill udf bench`: what a row costs, copies and deadlines included, beside the same in native code where that is known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::*;
use serde_json::json;
use wasmill_expr::{Context, UserAggregate, UserTable};
use wasmill_plan::{DataType, Field, TypeKind};
use wasmill_sql::types;
use wasmill_wasm::{
    AggregateFunction, AggregateSpec, Description, Function, FunctionOptions, FunctionSpec, Kind, Module, Part,
    Returns, Shape, TableFunction, TableSpec,
};

use super::{BenchArgs, Fault, Result, inspect, native, say};

/// How long each function is run, after it ran for a tenth of that.
const TIME: Duration = Duration::from_millis(500);

/// Groups of an aggregate function.
pub(super) const GROUPS: usize = 1000;

/// The group of a row.
pub(super) fn group_of(row: usize) -> u32 {
    (row * 7919 % GROUPS) as u32
}

/// Measures the scalar, table and aggregate functions of a module.
pub(super) fn bench(args: &BenchArgs) -> Result<()> {
    let module = Module::load(&args.module, &FunctionOptions::default())?;
    let functions: Vec<Description> = match &args.signature {
        Some(signature) => vec![declared(signature)?],
        None => candidates(&module, args.function.as_deref())?,
    };
    if !args.json {
        say(format_args!("{:24} {:>12} {:>10} {:>10} {:>8}\n", "function", "way", "ns a row", "native", "factor"));
    }
    for described in &functions {
        measure(&module, described, args)?;
    }
    Ok(())
}

/// The functions to measure: those that describe their types, or whose Wasm types are all numbers.
fn candidates(module: &Module, only: Option<&str>) -> Result<Vec<Description>> {
    let measured = |d: &&Description| matches!(d.kind, Kind::Scalar | Kind::Table | Kind::Aggregate);
    let mut all: Vec<Description> = module.descriptions().iter().filter(measured).cloned().collect();
    for export in module.describe().functions {
        if !all.iter().any(|d| d.name == export.name) && !export.columns && !export.name.contains("__") {
            all.extend(inspect::fitting(&export.name, &export.wasm_type));
        }
    }
    all.retain(|d| d.arguments.is_some() && d.returns.is_some());
    if let Some(only) = only {
        all.retain(|d| d.name == only);
    }
    if all.is_empty() {
        let what = only.map_or("it has no function".to_owned(), |name| format!("it has no function '{name}'"));
        return Err(Fault::new(format!("there is nothing to measure in '{}'", module.path().display()))
            .detail(format!("{what} whose arguments are known"))
            .hint("say what it takes: --signature \"f(a DOUBLE, b STRING) RETURNS DOUBLE\""));
    }
    Ok(all)
}

/// `f(a DOUBLE, STRING) RETURNS DOUBLE`.
fn declared(text: &str) -> Result<Description> {
    let wrong =
        || Fault::new(format!("'{text}' is no signature")).hint("write it as \"f(a DOUBLE, b STRING) RETURNS DOUBLE\"");
    let upper = text.to_ascii_uppercase();
    let at = upper.rfind("RETURNS").ok_or_else(wrong)?;
    let (head, returns) = (text[..at].trim(), text[at + "RETURNS".len()..].trim());
    let (name, list) = head.strip_suffix(')').and_then(|h| h.split_once('(')).ok_or_else(wrong)?;
    let mut arguments = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (i, c) in list.char_indices().chain([(list.len(), ',')]) {
        match c {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            ',' if depth == 0 => {
                let part = list[start..i].trim();
                if !part.is_empty() {
                    // A name may stand before the type.
                    let ty = match types::parse_text(part) {
                        Ok(_) => part,
                        Err(_) => part.split_once(char::is_whitespace).map_or(part, |(_, ty)| ty.trim()),
                    };
                    arguments.push(Part::Type(ty.to_owned()));
                }
                start = i + 1;
            }
            _ => {}
        }
    }
    Ok(Description {
        name: name.trim().to_owned(),
        kind: Kind::Scalar,
        arguments: Some(arguments),
        returns: Some(Returns::Type(returns.to_owned())),
        labels: None,
        state: Vec::new(),
    })
}

fn measure(module: &Module, described: &Description, args: &BenchArgs) -> Result<()> {
    let fields = fields_of(described.arguments.as_deref().unwrap_or_default(), "arg")?;
    let rows = args.rows as usize;
    let Some(columns) =
        fields.iter().enumerate().map(|(i, f)| column(&f.data_type, i, rows)).collect::<Option<Vec<_>>>()
    else {
        let shown = format!("{:24} {:>12}\n", described.name, "not measured: nested arguments");
        if !args.json {
            say(shown);
        }
        return Ok(());
    };
    let kinds: Vec<String> = fields.iter().map(|f| f.data_type.kind.to_string()).collect();
    let (way, mut call) = caller(module, described, fields, columns.clone(), rows)?;
    let mut failure = None;
    let ns = best_ns(rows, || {
        if let Err(e) = call() {
            failure.get_or_insert(e);
        }
    });
    let native = native::find(&format!("{}({})", described.name, kinds.join(", ")));
    let native_ns = native.map(|native| best_ns(rows, || native(&columns)));
    if args.json {
        let ns = failure.is_none().then_some(ns);
        say(format_args!(
            "{}\n",
            json!({"function": described.name, "way": way, "rows": rows, "ns_per_row": ns, "native_ns_per_row": native_ns, "failure": failure})
        ));
    } else if let Some(failure) = failure {
        say(format_args!("{:24} {way:>12} it fails on made-up rows: {failure}\n", described.name));
    } else {
        let text = |ns: Option<f64>| ns.map_or("-".to_owned(), |ns| format!("{ns:.2}"));
        let factor = native_ns.map_or("-".to_owned(), |native| format!("{:.1}", ns / native));
        say(format_args!(
            "{:24} {way:>12} {:>10} {:>10} {factor:>8}\n",
            described.name,
            text(Some(ns)),
            text(native_ns)
        ));
    }
    Ok(())
}

/// A call of the function over the columns; its result, or why it fails.
type Caller = Box<dyn FnMut() -> Result<(), String>>;

/// How the function is called, as the table shows it, and a call.
fn caller(
    module: &Module,
    described: &Description,
    args: Vec<Field>,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<(&'static str, Caller)> {
    let (name, export, path) = (described.name.clone(), described.name.clone(), module.path().to_owned());
    let options = FunctionOptions { timeout: Duration::from_secs(60), ..FunctionOptions::default() };
    let returns: Vec<Field> = match &described.returns {
        Some(Returns::Columns(parts)) => fields_of(parts, "f")?,
        Some(Returns::Type(ty)) => vec![Field::new("f0", data_type(ty)?)],
        None => Vec::new(),
    };
    let first = returns.first().map(|f| f.data_type.clone());
    let first = first.ok_or_else(|| Fault::new(format!("'{name}' gives nothing")))?;
    Ok(match described.kind {
        Kind::Table => {
            let mut table =
                TableFunction::from_module(TableSpec { name, export, path, args, returns, options }, module)?.table();
            let context = Context::default();
            ("table", Box::new(move || table.call(&columns, rows, &context).map(drop).map_err(|e| e.to_string())))
        }
        Kind::Aggregate => {
            let spec = AggregateSpec { name, export, path, args, returns: first, options };
            let mut aggregate = AggregateFunction::from_module(spec, module)?.aggregate();
            aggregate.resize(GROUPS);
            let groups: Vec<u32> = (0..rows).map(group_of).collect();
            // Groups are emptied as often as windows would do it, so that states with memory of their own do not grow for ever.
            let (all, mut rounds): (Vec<u32>, u32) = ((0..GROUPS as u32).collect(), 0);
            let call = move || {
                rounds += 1;
                if rounds % 64 == 0 {
                    aggregate.clear(&all);
                }
                aggregate.update(&groups, &columns).map_err(|e| e.to_string())
            };
            ("aggregate", Box::new(call))
        }
        _ => {
            let spec = FunctionSpec { name, export, path, args, returns: first, options };
            let function = Function::from_module(spec, module)?;
            let way = match function.shape() {
                Some(Shape::Vector(_)) => "plain, SIMD",
                Some(Shape::Inline(_)) => "plain, inline",
                Some(Shape::Call) => "plain, called",
                None if module.is_component() => "component",
                None => "columns",
            };
            let mut scalar = function.scalar();
            (way, Box::new(move || scalar.evaluate(&columns, rows).map(drop).map_err(|e| e.to_string())))
        }
    })
}

fn data_type(text: &str) -> Result<DataType> {
    types::parse_text(text).map_err(|e| Fault::new(format!("'{text}' is no SQL type")).detail(e.message))
}

fn fields_of(parts: &[Part], prefix: &str) -> Result<Vec<Field>> {
    parts
        .iter()
        .enumerate()
        .map(|(i, part)| Ok(Field::new(part.name(prefix, i), data_type(part.type_text())?)))
        .collect()
}

/// The best time a row of many rounds.
fn best_ns(rows: usize, mut round: impl FnMut()) -> f64 {
    let warm = Instant::now();
    while warm.elapsed() < TIME / 10 {
        round();
    }
    let (start, mut best) = (Instant::now(), f64::MAX);
    while start.elapsed() < TIME {
        let begun = Instant::now();
        round();
        best = best.min(begun.elapsed().as_nanos() as f64 / rows as f64);
    }
    best
}

/// Made-up values without NULLs; `None` for types that have parts.
fn column(ty: &DataType, index: usize, rows: usize) -> Option<ArrayRef> {
    const NAMES: [&str; 8] = [
        "Ada Lovelace",
        "alan turing",
        "ada@example.com",
        "DE",
        "ZZ",
        "Grace Brewster Murray Hopper",
        "2026-11-25",
        "Łukasiewicz",
    ];
    let number = move |i: usize| ((i * 7 + index * 13) as f64 * 0.37).sin();
    let whole = move |i: usize| (i * 31 + index * 7) as i64 % 97 + 1;
    let indices = 0..rows;
    let array: ArrayRef = match &ty.kind {
        TypeKind::Boolean => Arc::new(indices.map(|i| Some(i % 3 == 0)).collect::<BooleanArray>()),
        TypeKind::TinyInt => Arc::new(Int8Array::from_iter_values(indices.map(|i| whole(i) as i8))),
        TypeKind::SmallInt => Arc::new(Int16Array::from_iter_values(indices.map(|i| whole(i) as i16))),
        TypeKind::Int => Arc::new(Int32Array::from_iter_values(indices.map(|i| whole(i) as i32 % 12 + 1))),
        TypeKind::BigInt => Arc::new(Int64Array::from_iter_values(indices.map(whole))),
        TypeKind::Float => Arc::new(Float32Array::from_iter_values(indices.map(|i| number(i).abs() as f32 * 50.0))),
        TypeKind::Double => Arc::new(Float64Array::from_iter_values(indices.map(|i| number(i).abs() * 50.0 + 0.01))),
        TypeKind::Decimal(p, s) => {
            let values = Decimal128Array::from_iter_values(indices.map(|i| i128::from(whole(i))));
            Arc::new(values.with_precision_and_scale(*p, *s as i8).ok()?)
        }
        kind if kind.is_text() => {
            Arc::new(StringArray::from_iter_values(indices.map(|i| NAMES[(i + index) % NAMES.len()])))
        }
        kind if kind.is_binary() => {
            Arc::new(BinaryArray::from_iter_values(indices.map(|i| NAMES[(i + index) % NAMES.len()].as_bytes())))
        }
        TypeKind::Date => Arc::new(Date32Array::from_iter_values(indices.map(|i| 20_000 + i as i32 % 700))),
        TypeKind::Time(_) => {
            Arc::new(Time32MillisecondArray::from_iter_values(indices.map(|i| i as i32 * 1000 % 86_400_000)))
        }
        TypeKind::Timestamp(_) | TypeKind::TimestampLtz(_) => {
            let unit: i64 = match ty.to_arrow() {
                arrow::datatypes::DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, _) => 1_000,
                arrow::datatypes::DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, _) => 1_000_000,
                _ => 1,
            };
            let values = Int64Array::from_iter_values(indices.map(|i| (1_700_000_000_000 + i as i64 * 977) * unit));
            arrow::compute::cast(&values, &ty.to_arrow()).ok()?
        }
        _ => return None,
    };
    Some(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        let f = declared("f(a DOUBLE, DECIMAL(10, 2), c STRING) RETURNS BIGINT").unwrap();
        let types: Vec<&str> = f.arguments.as_deref().unwrap().iter().map(Part::type_text).collect();
        assert_eq!((f.name.as_str(), &types[..]), ("f", &["DOUBLE", "DECIMAL(10, 2)", "STRING"][..]));
        assert_eq!(f.returns, Some(Returns::Type("BIGINT".into())));
        assert!(declared("f DOUBLE").is_err());
    }
}
