//! What SHOW and DESCRIBE list.

use wasmill_plan::{ColumnKind, Field, Schema, Table};

use crate::catalog::{Catalog, FunctionKind, Relation};
use crate::error::{QueryError, Result};
use crate::explain;
use crate::planner::query_schema;
use crate::settings::{KEYS, Settings};
use crate::statement::{Name, Show};

/// A small table of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The headings.
    pub columns: Vec<&'static str>,
    /// A value per heading; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Listing {
    /// One column of text.
    pub fn one(column: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        Self { columns: vec![column], rows: values.into_iter().map(|v| vec![Some(v)]).collect() }
    }
}

/// What SHOW lists.
///
/// # Errors
/// There is no table, view or function of the name given.
pub fn show(what: &Show, catalog: &Catalog, settings: &Settings) -> Result<Listing> {
    let only = |column, value: &str| Ok(Listing::one(column, [value.to_owned()]));
    match what {
        Show::Tables => {
            let mut names: Vec<&str> =
                catalog.tables().map(|t| t.name.as_str()).chain(catalog.views().map(|v| v.name.as_str())).collect();
            names.sort_unstable();
            Ok(Listing::one("table name", names.into_iter().map(str::to_owned)))
        }
        Show::Views => Ok(Listing::one("view name", catalog.views().map(|v| v.name.clone()))),
        Show::Functions { user_only } => Ok(functions(catalog, *user_only)),
        Show::Models => Ok(Listing::one("model name", catalog.models().map(|m| m.name.clone()))),
        Show::Jobs => Ok(Listing::one("job id", [])),
        Show::Create(name) => match catalog.text(&name.text) {
            Some(text) => only("result", text),
            None => Err(catalog.unknown_relation(name)),
        },
        Show::Columns(name) => describe(name, catalog, settings),
        Show::Catalogs => only("catalog name", "default_catalog"),
        Show::Databases => only("database name", "default_database"),
        Show::CurrentCatalog => only("current catalog name", "default_catalog"),
        Show::CurrentDatabase => only("current database name", "default_database"),
    }
}

fn fields(fields: &[Field]) -> String {
    fields.iter().map(|f| format!("{} {}", f.name, f.data_type)).collect::<Vec<_>>().join(", ")
}

/// The columns of a model, as Flink's DESCRIBE MODEL shows them.
///
/// # Errors
/// There is none of that name.
pub fn describe_model(name: &Name, catalog: &Catalog) -> Result<Listing> {
    let model = catalog.model(&name.text).ok_or_else(|| catalog.unknown_model(name))?;
    let row = |field: &Field, is_input: bool| {
        let text = |b: bool| Some(if b { "TRUE" } else { "FALSE" }.to_owned());
        vec![
            Some(field.name.clone()),
            Some(field.data_type.kind.to_string()),
            text(field.data_type.nullable),
            text(is_input),
        ]
    };
    let inputs = model.input.iter().map(|f| row(f, true));
    let rows = inputs.chain(model.output.iter().map(|f| row(f, false))).collect();
    Ok(Listing { columns: vec!["name", "type", "null", "is input"], rows })
}

/// The users' functions, and the built-in ones: name, how it is called, where it is from.
pub fn functions(catalog: &Catalog, user_only: bool) -> Listing {
    let user = catalog.functions().map(|f| {
        let (what, returns) = match f.kind {
            FunctionKind::Scalar => ("", f.returns.to_string()),
            FunctionKind::Aggregate { .. } => (", aggregate", f.returns.to_string()),
            FunctionKind::Table => (", table function", format!("TABLE ({})", fields(f.columns()))),
            FunctionKind::Process => {
                let mut returns = format!("TABLE ({})", fields(f.columns()));
                if !f.state.is_empty() {
                    let state = f.state.iter().map(|s| format!("{} {}", s.name, s.data_type.kind));
                    returns.push_str(&format!(" STATE ({})", state.collect::<Vec<_>>().join(", ")));
                }
                (", process function", returns)
            }
        };
        let usage = format!("{}({}) RETURNS {returns}", f.name, fields(&f.args));
        vec![Some(f.name.clone()), Some(usage), Some(format!("'{}' of {}{what}", f.export, f.path))]
    });
    let mut rows: Vec<Vec<Option<String>>> = user.collect();
    if !user_only {
        let built_in = wasmill_expr::registry::all().filter(|f| f.name.starts_with(|c: char| c.is_ascii_alphabetic()));
        rows.extend(
            built_in.map(|f| vec![Some(f.name.to_owned()), Some(f.usage.to_owned()), Some("built in".to_owned())]),
        );
        let aggregates = wasmill_expr::aggregate::names();
        rows.extend(aggregates.map(|name| {
            let usage = wasmill_expr::aggregate::usage(name).unwrap_or(name);
            vec![Some(name.to_owned()), Some(usage.to_owned()), Some("built in, aggregate".to_owned())]
        }));
    }
    rows.sort();
    Listing { columns: vec!["function name", "usage", "from"], rows }
}

/// The columns of a table or view, as Flink's DESCRIBE shows them.
///
/// # Errors
/// There is none of that name.
pub fn describe(name: &Name, catalog: &Catalog, settings: &Settings) -> Result<Listing> {
    let columns = vec!["name", "type", "null", "key", "extras", "watermark"];
    let rows = match catalog.require(name)? {
        Relation::Table(table) => table_columns(table),
        Relation::View(view) => {
            let schema = query_schema(&view.query, catalog, settings).map_err(|error| {
                // Its places are in another text.
                QueryError { span: name.span, ..error }
            })?;
            let names = |i: usize, name: &str| view.columns.get(i).cloned().unwrap_or_else(|| name.to_owned());
            let fields = schema.fields.iter().enumerate();
            fields.map(|(i, f)| described(&names(i, &f.name), &f.data_type, None, None, None)).collect()
        }
    };
    Ok(Listing { columns, rows })
}

fn table_columns(table: &Table) -> Vec<Vec<Option<String>>> {
    let schema: Schema = table.schema();
    let key: Vec<&str> = table.primary_key.iter().map(|&i| table.columns[i].name.as_str()).collect();
    let row = |(i, column): (usize, &wasmill_plan::Column)| {
        let extras = match &column.kind {
            ColumnKind::Physical => None,
            ColumnKind::Computed(e) => Some(format!("AS {}", explain::expr(e, &schema))),
            ColumnKind::Metadata { key, is_virtual } => {
                Some(format!("METADATA FROM '{key}'{}", if *is_virtual { " VIRTUAL" } else { "" }))
            }
        };
        let watermark = table.watermark.as_ref().filter(|w| w.column == i).map(|w| explain::expr(&w.expr, &schema));
        let key = table.primary_key.contains(&i).then(|| format!("PRI({})", key.join(", ")));
        described(&column.name, &column.data_type, key, extras, watermark)
    };
    table.columns.iter().enumerate().map(row).collect()
}

fn described(
    name: &str,
    data_type: &wasmill_plan::DataType,
    key: Option<String>,
    extras: Option<String>,
    watermark: Option<String>,
) -> Vec<Option<String>> {
    let nullable = if data_type.nullable { "TRUE" } else { "FALSE" };
    vec![Some(name.to_owned()), Some(data_type.kind.to_string()), Some(nullable.to_owned()), key, extras, watermark]
}

/// Every setting with its value and meaning.
pub fn settings(settings: &Settings) -> Listing {
    let row = |key: &crate::settings::Key| {
        let value = settings.get(key.name).unwrap_or(key.default);
        vec![Some(key.name.to_owned()), Some(value.to_owned()), Some(key.help.to_owned())]
    };
    Listing { columns: vec!["key", "value", "meaning"], rows: KEYS.iter().map(row).collect() }
}
