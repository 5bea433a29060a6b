//! The scripts of `examples/online-learning` as they are, against what River gives row by row: run straight, and with crashes and
//! restores on the way, so that models and aggregates go on from their checkpoints.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_connectors::Connectors;
use wasmill_runtime::testing::matrix::{compact, run, run_crashing};
use wasmill_runtime::testing::memory::MemorySinks;
use wasmill_runtime::{JobOptions, JobParts};
use wasmill_server::Session;
use wasmill_sql::{Statement, parse_script, plan_inserts, plan_query};

/// Exponential and logarithm differ from Python's in the last digit.
const RELATIVE_MAX: f64 = 1e-12;
/// The rows between two crashes, about.
const BATCH_ROWS: usize = 150;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/online-learning")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(example().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The rows of the query that the scripts insert into a table, in order; a run with crashes must give the same.
#[track_caller]
fn rows(scripts: &[&str]) -> Vec<Vec<String>> {
    let here = format!("'{}/", example().display());
    let insert = regex::Regex::new(r"INSERT INTO \w+\n").unwrap();
    let mut text = scripts.iter().map(|name| read(name)).collect::<String>();
    for folder in ["data/", "models/", "river.wasm"] {
        text = text.replace(&format!("'{folder}"), &format!("{here}{folder}"));
    }
    // Of a set the rows come by the name of their table.
    let text = if text.contains("STATEMENT SET") { text.into() } else { insert.replace(&text, "") };
    let statements = parse_script(&text).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    let (last, before) = statements.split_last().unwrap();
    let mut session = Session::new();
    for statement in before {
        session.execute(statement).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    }
    let plan = match &last.statement {
        Statement::Query(query) => plan_query(query, session.catalog(), session.settings()),
        Statement::StatementSet(inserts) => plan_inserts(inserts, session.catalog(), session.settings()),
        _ => panic!("the last statement is a query or a set"),
    };
    let plan = plan.unwrap_or_else(|e| panic!("{}", e.render(&text)));
    let options = JobOptions {
        time_zone: session.settings().zone(),
        watermark_interval_ms: session.settings().watermark_interval_ms(),
        ..JobOptions::default()
    };
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(MemorySinks::default()),
        functions: session.functions(),
    };
    let lines = |outcome: wasmill_runtime::testing::matrix::Outcome| {
        outcome.tables.values().flatten().cloned().collect::<Vec<String>>()
    };
    let straight = lines(run(&plan, &options, &parts).unwrap_or_else(|e| panic!("{e}")));
    let options = JobOptions { batch_rows_max: Some(BATCH_ROWS), ..options };
    let crashing = lines(run_crashing(&plan, &options, &parts, &[1]).unwrap_or_else(|e| panic!("{e}")));
    assert!(compact(&crashing) == compact(&straight), "with crashes the rows are others");
    straight.iter().map(|line| line[3..].split(" | ").map(str::to_owned).collect()).collect()
}

/// Compares rows with columns of an expected file, of which there may be fewer rows.
#[track_caller]
fn agree(rows: &[Vec<String>], file: &str, columns: &[&str]) {
    let expected = read(file);
    let mut lines = expected.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let places: Vec<usize> = columns.iter().map(|c| names.iter().position(|n| n == c).expect(c)).collect();
    let lines: Vec<&str> = lines.collect();
    assert!(lines.len() >= 1000 && rows.len() >= lines.len(), "{} rows", rows.len());
    for (i, (row, line)) in rows.iter().zip(lines).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(row.len(), places.len());
        for (found, &place) in row.iter().zip(&places) {
            let expected = cells[place];
            let same = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(a), Ok(b)) => (a - b).abs() <= RELATIVE_MAX * b.abs(),
                _ => found.to_lowercase() == expected.to_lowercase() || (expected.is_empty() && found == "NULL"),
            };
            assert!(same, "row {i}, {}: {found} is not {expected}", names[place]);
        }
    }
}

#[test]
fn logistic_regression_of_the_tutorial() {
    let found = rows(&["payments.sql", "tutorial.sql"]);
    agree(&found, "expected/logistic.csv", &["tut_pred", "tut_proba", "tut_rocauc"]);
    assert_eq!(found[1999][2], "0.49924924924924924");
}

#[test]
fn logistic_regression_of_river_0_26() {
    let found = rows(&["payments.sql", "river.sql"]);
    agree(&found, "expected/logistic.csv", &["r026_pred", "r026_proba", "r026_rocauc"]);
    assert_eq!(found[1999][2], "0.49874874874874875");
}

#[test]
fn labels_that_come_five_minutes_later() {
    agree(&rows(&["payments.sql", "delayed.sql"]), "expected/delayed.csv", &["pred", "proba"]);
}

#[test]
fn half_space_trees() {
    agree(&rows(&["payments.sql", "anomalies.sql"]), "expected/anomalies.csv", &["score"]);
}

#[test]
fn running_statistics() {
    let columns =
        ["ew_mean", "ew_var", "median", "p95", "mad", "rolling_q90", "rolling_iqr", "skew", "kurtosis", "entropy"];
    agree(&rows(&["payments.sql", "statistics.sql"]), "expected/statistics.csv", &columns);
}

#[test]
fn hoeffding_tree_and_drift() {
    let columns = ["row", "nba_pred", "nba_proba", "adwin", "adwin_mean", "page_hinkley", "ddm"];
    agree(&rows(&["drift.sql"]), "expected/trees.csv", &columns);
}
