//! The model runtimes of `examples/models`: scores of XGBoost, LightGBM and scikit-learn within 1e-6, in every run, and what is said of
//! artifacts that are none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_connectors::Connectors;
use wasmill_runtime::testing::matrix::{run, run_all};
use wasmill_runtime::testing::memory::MemorySinks;
use wasmill_runtime::{JobOptions, JobParts};
use wasmill_server::Session;
use wasmill_sql::{Statement, parse_script, plan_query};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/models")
}

/// The example's tables and models, reading `rows`.
fn script(rows: &Path) -> String {
    let read = |name: &str| std::fs::read_to_string(example().join(name)).unwrap();
    let models = read("models.sql").replace("'models.wasm'", &format!("'{}'", example().join("models.wasm").display()));
    let models = models.replace("'data/", &format!("'{}/data/", example().display()));
    read("tables.sql").replace("data/scores.csv", &rows.display().to_string()) + &models
}

/// A session behind those statements, and the plan of the last.
#[track_caller]
fn planned(text: &str) -> (Session, wasmill_plan::Plan, JobParts) {
    let statements = parse_script(text).unwrap_or_else(|e| panic!("{}", e.render(text)));
    let (last, before) = statements.split_last().unwrap();
    let mut session = Session::new();
    for statement in before {
        session.execute(statement).unwrap_or_else(|e| panic!("{}", e.render(text)));
    }
    let Statement::Query(query) = &last.statement else { panic!("the last statement is a query") };
    let plan =
        plan_query(query, session.catalog(), session.settings()).unwrap_or_else(|e| panic!("{}", e.render(text)));
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(MemorySinks::default()),
        functions: session.functions(),
    };
    (session, plan, parts)
}

/// The model, the score and the expected score of a line `+I fraud_xgb | 0.1 | 0.1`.
fn cells(line: &str) -> (&str, f64, f64) {
    let line = line.trim_start_matches("+I ").trim_start_matches("1 x ");
    let cells: Vec<&str> = line.split(" | ").collect();
    (cells[0], cells[1].parse().unwrap(), cells[2].parse().unwrap())
}

#[test]
fn scores_are_those_of_the_libraries() {
    let compare = std::fs::read_to_string(example().join("compare.sql")).unwrap();
    let (_, plan, parts) = planned(&(script(&example().join("data/scores.csv")) + &compare));
    let outcome = run(&plan, &JobOptions::default(), &parts).unwrap();
    let lines: Vec<&String> = outcome.tables.values().flatten().collect();
    assert_eq!(lines.len(), 5_000);
    for line in lines {
        let (model, score, expected) = cells(line);
        assert!((score - expected).abs() < 1e-6, "{model}: {score} instead of {expected}");
    }
}

#[test]
fn every_run_gives_the_same_scores() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("some.csv");
    let all = std::fs::read_to_string(example().join("data/scores.csv")).unwrap();
    std::fs::write(&rows, all.lines().take(31).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let compare = std::fs::read_to_string(example().join("compare.sql")).unwrap();
    let (_, plan, parts) = planned(&(script(&rows) + &compare));
    let (outcome, differences) = run_all(&plan, &JobOptions::default(), &parts).unwrap();
    if let Some(d) = differences.first() {
        panic!("run '{}' gives {:?} instead of {:?}", d.run, d.got, d.expected);
    }
    assert_eq!(outcome.tables.values().flatten().count(), 150);
}

#[test]
fn a_null_is_missing_and_another_artifact_takes_its_place() {
    let text = script(&example().join("data/scores.csv"));
    let features = "CAST(NULL AS DOUBLE)".to_owned() + &", 0.0".repeat(14);
    let columns: Vec<String> = (0..15).map(|i| format!("c{i}")).collect();
    let columns = columns.join(", ");
    let query = |alter: &str, model: &str| {
        let query = format!(
            "{text}{alter}
             CREATE VIEW one ({columns}) AS SELECT {features};
             SELECT 'x', score, score FROM ML_PREDICT(TABLE one, MODEL {model}, DESCRIPTOR({columns}));"
        );
        let (_, plan, parts) = planned(&query);
        let outcome = run(&plan, &JobOptions::default(), &parts).unwrap();
        cells(outcome.tables.values().flatten().next().unwrap()).1
    };
    let (xgboost, lightgbm) = (query("", "fraud_xgb"), query("", "fraud_lgb"));
    assert!(xgboost > 0.0 && xgboost < 1.0 && lightgbm > 0.0 && xgboost != lightgbm, "{xgboost} {lightgbm}");
    let artifact = example().join("data/fraud_lgb.txt");
    let alter = format!("ALTER MODEL fraud_xgb SET ('artifact' = '{}');", artifact.display());
    assert_eq!(query(&alter, "fraud_xgb"), lightgbm);
}

#[test]
fn wrong_artifacts_are_refused_at_create() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read_to_string(example().join("data").join(name)).unwrap();
    let (xgboost, lightgbm) = (read("fraud_xgb.json"), read("fraud_lgb.txt"));
    let replaced = |from: &str, to: &str| {
        assert!(xgboost.contains(from) || lightgbm.contains(from), "{from}");
        if xgboost.contains(from) { xgboost.replacen(from, to, 1) } else { lightgbm.replacen(from, to, 1) }
    };
    for (export, artifact, says) in [
        ("gbt", String::new(), "the artifact is empty"),
        ("gbt", "weights".into(), "neither XGBoost's JSON nor LightGBM's text"),
        ("gbt", "{L\u{0}\u{0}".into(), "XGBoost's UBJSON: save it as JSON"),
        ("gbt", "{\"a\": 1}".into(), "is not a model of XGBoost: missing field `learner`"),
        ("gbt", xgboost[..xgboost.len() / 2].to_owned(), "the artifact is cut off"),
        ("gbt", lightgbm[..lightgbm.len() / 2].to_owned(), "the artifact is cut off"),
        ("gbt", replaced("\"name\":\"gbtree\"", "\"name\":\"dart\""), "boosters of the kind 'dart' are not supported"),
        ("gbt", replaced("binary:logistic", "multi:softprob"), "the objective 'multi:softprob' is not supported"),
        ("gbt", replaced("\"split_indices\":[", "\"split_indices\":[99999,"), "has lists of different lengths"),
        ("gbt", replaced("version=v4", "version=v9"), "version v9 of LightGBM's format is not supported"),
        ("gbt", replaced("num_class=1", "num_class=3"), "models of several classes are not supported"),
        ("gbt", replaced("left_child=1 ", "left_child=0 "), "has a child that is no node"),
        ("gbt", replaced("left_child=1 ", "left_child=2 "), "has a node with two parents"),
        ("gbt", replaced("split_feature=12 ", "split_feature=15 "), "splits by feature 15 of 15"),
        ("logreg", "{\"mean\": [1], \"scale\": [0], \"coef\": [1], \"intercept\": 0}".into(), "a 'scale' of 0"),
        (
            "logreg",
            "{\"mean\": [1], \"scale\": [1, 2], \"coef\": [1], \"intercept\": 0}".into(),
            "of different lengths",
        ),
        (
            "logreg",
            "{\"mean\": [1], \"scale\": [1], \"coef\": [1], \"intercept\": 0}".into(),
            "the model takes 1 columns, its INPUT has 2",
        ),
        ("dense", "{\"layers\": []}".into(), "has no layer"),
        (
            "dense",
            "{\"layers\": [{\"weights\": [[1], [2]], \"bias\": [0], \"activation\": \"gelu\"}]}".into(),
            "the activation 'gelu', which is not supported",
        ),
        ("iforest", "{\"features\": 2, \"max_samples\": 256, \"trees\": []}".into(), "has no trees"),
    ] {
        let file = folder.path().join("artifact");
        std::fs::write(&file, &artifact).unwrap();
        let text = format!(
            "CREATE MODEL m INPUT (a DOUBLE, b DOUBLE) OUTPUT (score DOUBLE) LANGUAGE WASM AS '{export}' USING FILE '{}' WITH ('artifact' = '{}');",
            example().join("models.wasm").display(),
            file.display()
        );
        let statements = parse_script(&text).unwrap();
        let Err(error) = Session::new().execute(&statements[0]) else { panic!("{export}: accepted, not '{says}'") };
        let error = error.render(&text);
        assert!(error.contains(says), "'{says}' is missing in:\n{error}");
    }
}
