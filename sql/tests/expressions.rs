//! The expressions of `tests/expressions`, over constants and over columns with NULLs: their types, values and refusals are
//! those that Apache Flink gave (`expected/*.jsonl`, made by `make-expected.sh` there).
//!
//! Where ours differs on purpose, `exceptions.txt` names the expression and the reason; an exception that no longer differs
//! fails the test, so that the list stays true.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::concat;
use serde_json::Value as Json;
use wasmill_expr::display::write_text;
use wasmill_expr::{Context, Evaluator, NoUserFunctions};
use wasmill_plan::{DataType, Operator, Plan};
use wasmill_sql::{Catalog, Settings, Statement, ddl, parse_script, plan_query};

#[test]
fn expressions_give_the_types_and_values_of_flink() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expressions");
    let table = read(&folder.join("table.sql"));
    let exceptions = read(&folder.join("exceptions.txt"));
    let exceptions = exceptions_of(&exceptions);
    let only = std::env::var("EXPRESSIONS").unwrap_or_default();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder.join("expected")).expect("the folder of results").map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().contains(&only));
    files.sort();
    assert!(!files.is_empty(), "no results in {}", folder.display());
    let (mut failures, mut count) = (Vec::new(), 0);
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let source = read(&folder.join(format!("{name}.txt")));
        let zone = source.lines().find_map(|line| line.strip_prefix("-- zone: "));
        let session = Session::new(&table, zone);
        for line in read(&file).lines() {
            let case: Json = serde_json::from_str(line).expect("a line of JSON");
            let expression = case["expr"].as_str().expect("an expression");
            let difference = difference(&case, session.evaluate(expression));
            count += 1;
            let in_file = format!("{name}: {expression}");
            let excepted = exceptions.contains_key(expression) || exceptions.contains_key(in_file.as_str());
            match (difference, excepted) {
                (Some(difference), false) => failures.push(format!("{name}: {expression}: {difference}")),
                (None, true) => failures.push(format!("{name}: {expression}: is as Flink's: no exception any more")),
                _ => {}
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count} expressions:\n{}", failures.len(), failures.join("\n"));
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Expressions and reasons: a line `# reason`, then expressions; `file: expression` where it differs in that file only.
fn exceptions_of(text: &str) -> BTreeMap<&str, &str> {
    let mut reason = "";
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("# ") {
            Some(text) => reason = text,
            None => drop(found.insert(line, reason)),
        }
    }
    found
}

/// The catalog with the view that expressions are evaluated over.
struct Session {
    catalog: Catalog,
    settings: Settings,
}

impl Session {
    fn new(view: &str, zone: Option<&str>) -> Self {
        let (mut catalog, mut settings) = (Catalog::default(), Settings::default());
        if let Some(zone) = zone {
            settings.set("table.local-time-zone", zone).expect("a zone");
        }
        let statements = parse_script(view).expect("the view");
        let Statement::CreateView(statement) = &statements[0].statement else { panic!("a view was expected") };
        let view = ddl::view(statement, &catalog, &settings).expect("the view");
        catalog.add_view(view);
        Self { catalog, settings }
    }

    /// The type of an expression and its value at each row as text, `None` for NULL.
    fn evaluate(&self, expression: &str) -> Result<(String, Vec<Option<String>>), String> {
        let sql = format!("SELECT id, {expression} AS v FROM t");
        let statements = parse_script(&sql).map_err(|e| e.to_string())?;
        let Statement::Query(query) = &statements[0].statement else { return Err("no query".to_owned()) };
        let plan = plan_query(query, &self.catalog, &self.settings).map_err(|e| e.to_string())?;
        let context = Context { time_zone: self.settings.zone(), now_ms: 1_700_000_000_000, ..Context::default() };
        let last = plan.nodes.len() - 1;
        let columns = rows(&plan, plan.nodes[last].inputs[0].node, &context)?;
        let data_type = &plan.nodes[last].schema.fields[1].data_type;
        let value = &columns[1];
        let values = (0..value.len()).map(|row| (!value.is_null(row)).then(|| text(value, row, data_type))).collect();
        Ok((data_type.to_string(), values))
    }
}

fn text(array: &ArrayRef, row: usize, data_type: &DataType) -> String {
    let mut out = Vec::new();
    write_text(array, row, data_type, &mut out);
    String::from_utf8(out).expect("text")
}

/// The rows of a node that is VALUES under projections.
fn rows(plan: &Plan, node: usize, context: &Context) -> Result<Vec<ArrayRef>, String> {
    let node = &plan.nodes[node];
    let evaluate = |expr, batch: &RecordBatch| {
        let mut evaluator = Evaluator::new(expr, &NoUserFunctions).map_err(|e| e.to_string())?;
        evaluator.evaluate(batch, context).map_err(|e| e.to_string())
    };
    match &node.operator {
        Operator::Values { rows } => {
            let none = batch(Vec::new(), 1)?;
            (0..node.schema.len())
                .map(|column| {
                    let cells =
                        rows.iter().map(|row| evaluate(&row[column], &none)).collect::<Result<Vec<_>, String>>()?;
                    let cells: Vec<&dyn Array> = cells.iter().map(AsRef::as_ref).collect();
                    concat(&cells).map_err(|e| e.to_string())
                })
                .collect()
        }
        Operator::Calc { filter: None, projection } => {
            let input = rows(plan, node.inputs[0].node, context)?;
            let count = input.first().map_or(0, |column| column.len());
            let input = batch(input, count)?;
            projection.iter().map(|expr| evaluate(expr, &input)).collect()
        }
        other => Err(format!("no projection of VALUES but {other:?}")),
    }
}

fn batch(columns: Vec<ArrayRef>, count: usize) -> Result<RecordBatch, String> {
    let fields: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| arrow::datatypes::Field::new(format!("c{i}"), column.data_type().clone(), true))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(arrow::datatypes::Schema::new(fields).into(), columns, &options)
        .map_err(|e| e.to_string())
}

/// What is not as the case wants it.
fn difference(case: &Json, got: Result<(String, Vec<Option<String>>), String>) -> Option<String> {
    let (data_type, values) = match (case["error"].as_str(), got) {
        (Some(_), Err(_)) => return None,
        (Some(error), Ok((_, values))) => return Some(format!("Flink refuses it ({error}), got {values:?}")),
        (None, Err(error)) => return Some(format!("refused: {error}")),
        (None, Ok(got)) => got,
    };
    let wanted_type = plain_type(case["type"].as_str().expect("a type"));
    if wanted_type != plain_type(&data_type) {
        return Some(format!("is {data_type}, wanted {wanted_type}"));
    }
    let wanted: Vec<Option<&str>> = match case["values"].as_array() {
        Some(values) => values.iter().map(Json::as_str).collect(),
        None => vec![case["value"].as_str(); values.len()],
    };
    let same = |(got, wanted): (&Option<String>, &Option<&str>)| match (got, wanted) {
        (Some(got), Some(wanted)) => sorted_entries(got) == sorted_entries(wanted),
        (got, wanted) => got.is_none() == wanted.is_none(),
    };
    let all = values.len() == wanted.len() && values.iter().zip(&wanted).all(same);
    (!all).then(|| format!("gave {values:?}, wanted {wanted:?}"))
}

/// Interval types print differently: Flink's names say the resolution, and only two kinds are told apart.
fn plain_type(text: &str) -> String {
    text.replace("INTERVAL MONTH", "INTERVAL YEAR TO MONTH").replace("INTERVAL SECOND(3)", "INTERVAL DAY TO SECOND(3)")
}

/// Maps have no order; the entries of a text `{k=v, …}` in one.
fn sorted_entries(text: &str) -> String {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(inner) => {
            let mut entries: Vec<&str> = inner.split(", ").collect();
            entries.sort_unstable();
            entries.join(", ")
        }
        None => text.to_owned(),
    }
}
