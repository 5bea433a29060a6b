//! SHOW FUNCTIONS, SHOW MODELS and DESCRIBE FUNCTION: the limits of functions and models, and what they have used in this session.

use wasmill_plan::{Field, StateField};
use wasmill_sql::show::{self, Listing};
use wasmill_sql::statement::Name;
use wasmill_sql::{Catalog, QueryError, UserFunction};
use wasmill_wasm::{UsageSnapshot, bytes_text, hex};

use crate::functions::{About, Functions};

/// So many digits of a digest tell modules apart in a listing.
const DIGITS_SHOWN: usize = 12;

/// The columns of a version and of what it used.
const COLUMNS: [&str; 11] = [
    "kind",
    "language",
    "module",
    "memory.max",
    "timeout",
    "on-error",
    "calls",
    "rows",
    "ns per row",
    "memory",
    "failures",
];

fn cells(about: &About, usage: UsageSnapshot) -> Vec<Option<String>> {
    let limit = |key: &str| about.options.describe().into_iter().find(|(k, _)| *k == key).map(|(_, value)| value);
    vec![
        Some(kind(about).to_owned()),
        about.language.map(str::to_owned),
        Some(hex(&about.sha256)[..DIGITS_SHOWN].to_owned()),
        limit("memory.max"),
        limit("timeout"),
        limit("on-error"),
        Some(usage.batches.to_string()),
        Some(usage.rows.to_string()),
        ns_per_row(usage),
        (usage.memory_bytes_max > 0).then(|| bytes_text(usage.memory_bytes_max)),
        Some(usage.failures.to_string()),
    ]
}

/// `scalar function`.
fn kind(about: &About) -> &'static str {
    about.kind.text().split_once(' ').map_or("", |(_, kind)| kind)
}

fn ns_per_row(usage: UsageSnapshot) -> Option<String> {
    (usage.rows > 0).then(|| format!("{:.1}", usage.busy.as_nanos() as f64 / usage.rows as f64))
}

/// SHOW [USER] FUNCTIONS.
pub(crate) fn functions(catalog: &Catalog, functions: &Functions, user_only: bool) -> Listing {
    let mut listing = show::functions(catalog, user_only);
    let named = |row: &[Option<String>]| functions.function(row.first()?.as_deref()?);
    if user_only {
        listing.columns.extend(COLUMNS);
        for row in &mut listing.rows {
            let entry = named(row).expect("a user's function is loaded");
            row.extend(cells(&entry.about, entry.loaded.usage()));
        }
        return listing;
    }
    listing.columns.extend(["limits", "used"]);
    for row in &mut listing.rows {
        let entry = named(row);
        row.push(entry.map(|entry| limits(&entry.about)));
        row.push(entry.map(|entry| used(entry.loaded.usage())));
    }
    listing
}

/// SHOW MODELS.
pub(crate) fn models(catalog: &Catalog, functions: &Functions) -> Listing {
    let row = |model: &wasmill_sql::Model| {
        let entry = functions.model_entry(&model.name).expect("a model is loaded");
        let from = format!("'{}' of {}", model.export, model.path);
        let mut row = vec![Some(model.name.clone()), Some(from), model.options.get("artifact").cloned()];
        row.extend(cells(&entry.about, entry.loaded.usage()));
        row
    };
    let mut columns = vec!["model name", "from", "artifact"];
    columns.extend(COLUMNS);
    Listing { columns, rows: catalog.models().map(row).collect() }
}

fn limits(about: &About) -> String {
    let shown = about.options.describe().into_iter().filter(|(key, _)| !matches!(*key, "artifact" | "sha256"));
    shown.map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
}

fn used(usage: UsageSnapshot) -> String {
    let Some(ns) = ns_per_row(usage) else { return "nothing yet".to_owned() };
    let mut text = format!("{} rows in {} calls, {ns} ns a row", usage.rows, usage.batches);
    if usage.memory_bytes_max > 0 {
        text.push_str(&format!(", {} of memory", bytes_text(usage.memory_bytes_max)));
    }
    for (count, what) in [
        (usage.failures, "failures"),
        (usage.rows_nulled, "rows NULL by on-error"),
        (usage.rows_skipped, "rows left out"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

/// DESCRIBE FUNCTION.
///
/// # Errors
/// There is none of the user's of that name.
pub(crate) fn describe(name: &Name, catalog: &Catalog, functions: &Functions) -> Result<Listing, QueryError> {
    let (Some(function), Some(entry)) = (catalog.function(&name.text), functions.function(&name.text)) else {
        let error = QueryError::unknown("function", &name.text, catalog.functions().map(|f| f.name.as_str()));
        let built_in = wasmill_expr::registry::find(&name.text).is_some()
            || wasmill_expr::aggregate::find(&name.text.to_uppercase()).is_some();
        let error = error.with_span(name.span);
        return Err(match built_in {
            true => error.with_hint(format!("{} is built in: SHOW FUNCTIONS says how it is called", name.text)),
            false => error,
        });
    };
    let usage = entry.loaded.usage();
    let arguments =
        |fields: &[Field]| fields.iter().map(|f| format!("{} {}", f.name, f.data_type)).collect::<Vec<_>>().join(", ");
    let mut rows = vec![
        ("name", function.name.clone()),
        ("kind", kind(&entry.about).to_owned()),
        ("arguments", arguments(&function.args)),
        ("returns", function.returns.to_string()),
        ("state", state(function)),
        ("file", function.path.clone()),
        ("export", function.export.clone()),
        ("language", entry.about.language.unwrap_or("not said").to_owned()),
        ("module sha256", hex(&entry.about.sha256)),
    ];
    rows.retain(|(key, value)| *key != "state" || !value.is_empty());
    rows.extend(entry.about.options.describe().into_iter().filter(|(key, _)| *key != "sha256"));
    rows.extend([
        ("calls", usage.batches.to_string()),
        ("rows", usage.rows.to_string()),
        ("ns per row", ns_per_row(usage).unwrap_or_default()),
        ("memory", bytes_text(usage.memory_bytes_max)),
        ("failures", usage.failures.to_string()),
        ("rows NULL by on-error", usage.rows_nulled.to_string()),
        ("rows left out", usage.rows_skipped.to_string()),
    ]);
    if let Some(shadow) = &entry.shadow {
        let digits = &hex(&shadow.about.sha256)[..DIGITS_SHOWN];
        rows.push(("shadow", format!("module {digits}, into {}", shadow.table.table.name)));
    }
    let row = |(name, value): (&str, String)| vec![Some(name.to_owned()), Some(value)];
    Ok(Listing { columns: vec!["info name", "info value"], rows: rows.into_iter().map(row).collect() })
}

/// What a process function keeps for each key: `total DOUBLE (for 3600000 ms)`.
fn state(function: &UserFunction) -> String {
    let field = |field: &StateField| {
        let ttl = field.ttl_ms.map_or(String::new(), |ms| format!(" (for {ms} ms)"));
        format!("{} {}{ttl}", field.name, field.data_type.kind)
    };
    function.state.iter().map(field).collect::<Vec<_>>().join(", ")
}
