//! Any text as a script: a plan or an error with a place inside the text, never a panic.

use std::sync::OnceLock;

use wasmill_sql::statement::ExplainTarget;
use wasmill_sql::{
    Catalog, QueryError, Settings, Span, Statement, ddl, explain, is_complete, parse_script, plan_inserts, plan_query,
    show,
};

/// Tables for queries to name.
const TABLES: &str = "
CREATE TABLE bids (auction BIGINT, bidder BIGINT, price DECIMAL(10, 2), channel STRING, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND) WITH ('connector' = 'datagen');
CREATE TABLE users (id BIGINT, name STRING, city STRING, born DATE, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = 'users.csv', 'format' = 'csv');
CREATE TABLE nested (id INT, r ROW<a INT, b ROW<c STRING>>, l ARRAY<ROW<x INT, y DOUBLE>>, m MAP<STRING, BIGINT>,
  z TIMESTAMP_LTZ(3), p AS PROCTIME(), WATERMARK FOR z AS z) WITH ('connector' = 'datagen');
CREATE TABLE results (a BIGINT, b STRING, c DOUBLE) WITH ('connector' = 'print');
CREATE VIEW cheap AS SELECT auction, price, at FROM bids WHERE price < 100;
";

/// Parses and plans what it can.
///
/// # Panics
/// Where an error points outside the text, or anything below panics.
pub fn any_script(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = is_complete(&text);
    let statements = match parse_script(&text) {
        Ok(statements) => statements,
        Err(error) => return check(&error, &text),
    };
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    let mut catalog = CATALOG.get_or_init(tables).clone();
    let mut settings = Settings::default();
    for statement in statements {
        inside(statement.span, &text);
        assert!(text.contains(&statement.text), "a statement's text is part of the script");
        if let Err(error) = execute(&statement.statement, &mut catalog, &mut settings) {
            check(&error, &text);
        }
    }
}

fn tables() -> Catalog {
    let (mut catalog, mut settings) = (Catalog::default(), Settings::default());
    for statement in parse_script(TABLES).expect("the tables of the target") {
        execute(&statement.statement, &mut catalog, &mut settings).expect("the tables of the target");
    }
    catalog
}

/// What a session does with a statement, but for files, modules and jobs.
fn execute(statement: &Statement, catalog: &mut Catalog, settings: &mut Settings) -> Result<(), QueryError> {
    match statement {
        Statement::CreateTable(create) => {
            if ddl::is_free(catalog, &create.name, create.if_not_exists)? {
                catalog.add_table(ddl::table(create, catalog, settings)?);
            }
        }
        Statement::CreateView(create) => {
            if ddl::is_free(catalog, &create.name, create.if_not_exists)? {
                catalog.add_view(ddl::view(create, catalog, settings)?);
            }
        }
        Statement::CreateFunction(_)
        | Statement::CreateModel(_)
        | Statement::Alter(_)
        | Statement::DescribeFunction(_)
        | Statement::StopJob(_)
        | Statement::Use(_) => {}
        Statement::Insert(insert) => {
            drop(explain::plan(&plan_inserts(std::slice::from_ref(insert), catalog, settings)?))
        }
        Statement::StatementSet(inserts) => drop(explain::plan(&plan_inserts(inserts, catalog, settings)?)),
        Statement::Query(query) => drop(explain::plan(&plan_query(query, catalog, settings)?)),
        Statement::Explain(explain) => match &explain.target {
            ExplainTarget::Query(query) => drop(plan_query(query, catalog, settings)?),
            ExplainTarget::Inserts(inserts) => drop(plan_inserts(inserts, catalog, settings)?),
        },
        Statement::Show(what) => drop(show::show(what, catalog, settings)?),
        Statement::Describe(name) => drop(show::describe(name, catalog, settings)?),
        Statement::DescribeModel(name) => drop(show::describe_model(name, catalog)?),
        Statement::Set(None) => drop(show::settings(settings)),
        Statement::Set(Some(setting)) => drop(settings.set(&setting.key.text, &setting.value.text)?),
        Statement::Reset(None) => settings.reset_all(),
        Statement::Reset(Some(key)) => settings.reset(&key.text)?,
        Statement::Drop(statement) => {
            ddl::drop(statement, catalog)?;
        }
    }
    Ok(())
}

/// An error must say something, and its place must be in the text.
fn check(error: &QueryError, text: &str) {
    assert!(!error.message.trim().is_empty());
    assert!(!error.message.contains('\u{1}'), "a mark of the parser is left: {}", error.message);
    if let Some(span) = error.span {
        inside(span, text);
    }
    assert!(error.render(text).starts_with("error: "));
    let _ = error.to_string();
}

fn inside(span: Span, text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    let within = |line: u32, column: u32| {
        line >= 1
            && column >= 1
            && lines.get(line as usize - 1).is_some_and(|l| column as usize <= l.chars().count() + 1)
    };
    assert!(within(span.line, span.column), "{span:?} begins outside the text");
    assert!(within(span.end_line, span.end_column), "{span:?} ends outside the text");
    assert!((span.line, span.column) <= (span.end_line, span.end_column), "{span:?} ends before it begins");
}
