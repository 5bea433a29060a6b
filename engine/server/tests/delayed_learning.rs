//! INSERT INTO MODEL: a model that learns from labels that arrive on another stream. A regression by stochastic gradient descent in C
//! (`udf-sdk/examples/c/online.c`), run whole, in batches of one row, at parallelism 3, and with crashes and restores at every batch;
//! computed here by hand.

use std::path::Path;
use std::sync::Arc;

use wasmill_connectors::Connectors;
use wasmill_runtime::testing::matrix::{compact, run_all};
use wasmill_runtime::{JobOptions, JobParts};
use wasmill_server::Session;
use wasmill_sql::{Statement, parse_script, plan_inserts};

/// Rows to predict: second, id, x, y. Row 7 comes late.
const ASKED: [(i64, i64, f64, f64); 8] = [
    (1, 1, 0.5, 1.0),
    (3, 2, 1.0, -1.0),
    (4, 3, 0.25, 0.5),
    (9, 4, 2.0, 1.0),
    (9, 5, 1.0, 1.0),
    (14, 6, -1.0, 0.5),
    (16, 8, 0.5, 0.25),
    (40, 9, 1.0, 2.0),
];
/// What was true of some of them, later: second, x, y, truth.
const TOLD: [(i64, f64, f64, Option<f64>); 6] = [
    (3, 0.5, 1.0, Some(2.0)),
    (4, 9.0, 9.0, None),
    (9, 1.0, -1.0, Some(-1.0)),
    (12, 0.25, 0.5, Some(4.0)),
    (15, 2.0, 1.0, Some(1.0)),
    (30, 1.0, 1.0, Some(0.5)),
];

/// The predictions where both come in the order of time, predictions first.
fn expected() -> Vec<String> {
    let (mut bias, mut weights) = (0.0, [0.0, 0.0]);
    let mut told = TOLD.iter().peekable();
    let mut lines = Vec::new();
    for (second, id, x, y) in ASKED {
        while let Some((_, a, b, truth)) = told.next_if(|(at, ..)| *at < second) {
            let Some(truth) = truth else { continue };
            let step = 0.0625 * (truth - (bias + weights[0] * a + weights[1] * b));
            bias += step;
            weights[0] += step * a;
            weights[1] += step * b;
        }
        lines.push(format!("1 x {id} | {}", bias + weights[0] * x + weights[1] * y));
    }
    lines.sort();
    lines
}

fn script(folder: &Path) -> String {
    let time = |second: i64| format!("2024-05-01 00:00:{second:02}");
    let asked: String = ASKED.iter().map(|(s, id, x, y)| format!("{},{id},{x},{y}\n", time(*s))).collect();
    let truth = |t: &Option<f64>| t.map_or(String::new(), |t| t.to_string());
    let told: String = TOLD.iter().map(|(s, x, y, t)| format!("{},{x},{y},{}\n", time(*s), truth(t))).collect();
    std::fs::write(folder.join("asked.csv"), asked).unwrap();
    std::fs::write(folder.join("told.csv"), told).unwrap();
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/c/online.wasm");
    let (module, folder) = (module.display(), folder.display());
    format!(
        "CREATE TABLE asked (ts TIMESTAMP(3), id INT, x DOUBLE, y DOUBLE, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
           WITH ('connector' = 'filesystem', 'path' = '{folder}/asked.csv', 'format' = 'csv');
         CREATE TABLE told (ts TIMESTAMP(3), x DOUBLE, y DOUBLE, truth DOUBLE, WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
           WITH ('connector' = 'filesystem', 'path' = '{folder}/told.csv', 'format' = 'csv', 'csv.null-literal' = '');
         CREATE TABLE result (id INT, z DOUBLE) WITH ('connector' = 'blackhole');
         CREATE MODEL regression INPUT (a DOUBLE, b DOUBLE) OUTPUT (z DOUBLE) LANGUAGE WASM USING FILE '{module}';
         CREATE MODEL skips INPUT (a DOUBLE, b DOUBLE) OUTPUT (z DOUBLE)
           LANGUAGE WASM AS 'regression' USING FILE '{module}' WITH ('on-error' = 'null');
         CREATE MODEL linear INPUT (a DOUBLE, b DOUBLE) OUTPUT (score DOUBLE, x BOOLEAN)
           LANGUAGE WASM USING FILE '{}/model.wasm' WITH ('artifact' = '{folder}/linear.txt');",
        module.to_string().trim_end_matches("/online.wasm")
    )
}

/// The rows of table `result`, compacted, of a set of statements; every run gives them.
fn rows(set: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("linear.txt"), "0.5 2 -1").unwrap();
    let text = format!("{}\nEXECUTE STATEMENT SET BEGIN {set} END;", script(folder.path()));
    let statements = parse_script(&text).map_err(|e| e.render(&text))?;
    let (last, before) = statements.split_last().unwrap();
    let mut session = Session::new();
    for statement in before {
        session.execute(statement).map_err(|e| e.render(&text))?;
    }
    let Statement::StatementSet(inserts) = &last.statement else { panic!("the last statement is a set") };
    let plan = plan_inserts(inserts, session.catalog(), session.settings()).map_err(|e| e.render(&text))?;
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(wasmill_runtime::testing::memory::MemorySinks::default()),
        functions: session.functions(),
    };
    let (outcome, differences) = run_all(&plan, &JobOptions::default(), &parts).map_err(|e| e.to_string())?;
    if let Some(d) = differences.first() {
        panic!("run '{}' gives {:?} instead of {:?}", d.run, d.got, d.expected);
    }
    Ok(compact(&outcome.tables.values().flatten().cloned().collect::<Vec<_>>()))
}

const PREDICT: &str =
    "INSERT INTO result SELECT id, z FROM ML_PREDICT(TABLE asked, MODEL regression, DESCRIPTOR(x, y));";

#[test]
fn predictions_and_labels_come_in_the_order_of_time() {
    let learn = "INSERT INTO MODEL regression SELECT x, y, truth FROM told;";
    assert_eq!(rows(&format!("{learn} {PREDICT}")).unwrap(), expected());
    assert_eq!(rows(&format!("{PREDICT} {learn}")).unwrap(), expected(), "in whatever order they are written");
    let named = "INSERT INTO MODEL regression (z, b, a) SELECT truth, y, x FROM told WHERE truth IS NOT NULL;";
    assert_eq!(rows(&format!("{named} {PREDICT}")).unwrap(), expected());
}

#[test]
fn a_model_that_was_told_nothing_predicts_as_it_was_made() {
    let learn = "INSERT INTO MODEL regression SELECT x, y, truth FROM told WHERE FALSE;";
    let rows = rows(&format!("{learn} {PREDICT}")).unwrap();
    assert!(rows.len() == 8 && rows.iter().all(|row| row.ends_with("| 0")), "{rows:?}");
}

#[test]
fn wrong_statements_say_what_is_wrong() {
    let learn = "INSERT INTO MODEL regression SELECT x, y, truth FROM told;";
    let twice = "INSERT INTO result SELECT id, z FROM ML_PREDICT(TABLE (SELECT * FROM asked WHERE id > 3), MODEL regression, DESCRIPTOR(x, y));";
    for (set, says) in [
        (learn.to_owned(), "nothing in this job predicts by model 'regression'"),
        (format!("{learn} {learn} {PREDICT}"), "learns from two inserts in this job"),
        (format!("{learn} {PREDICT} {twice}"), "predicts in two places of this job"),
        (
            format!("INSERT INTO MODEL regression SELECT x, y FROM told; {PREDICT}"),
            "the query gives 2 columns, and model 'regression' learns from 3",
        ),
        (
            format!("INSERT INTO MODEL regression SELECT x, CAST(y AS STRING), truth FROM told; {PREDICT}"),
            "column 'b' of model 'regression' is DOUBLE, and the query gives",
        ),
        (
            format!("INSERT INTO MODEL regression (a, b, truth) SELECT x, y, truth FROM told; {PREDICT}"),
            "unknown column 'truth'",
        ),
        (format!("INSERT INTO MODEL regresion SELECT x, y, truth FROM told; {PREDICT}"), "did you mean 'regression'?"),
        (format!("INSERT INTO MODEL linear SELECT x, y, truth FROM told; {PREDICT}"), "model 'linear' does not learn"),
        (format!("INSERT INTO MODEL skips SELECT x, y, truth FROM told; {PREDICT}"), "cannot go on after a failure"),
        (
            format!(
                "INSERT INTO MODEL regression SELECT x, y, z FROM ML_PREDICT(TABLE asked, MODEL regression, DESCRIPTOR(x, y)); {PREDICT}"
            ),
            "depends on its own predictions",
        ),
        (
            format!(
                "{learn} INSERT INTO result SELECT id, z FROM ML_PREDICT(TABLE asked, MODEL regression, DESCRIPTOR(x, y), LABELS => DESCRIPTOR(y));"
            ),
            "learns in two ways in this job",
        ),
        (
            format!("INSERT INTO MODEL regression SELECT x, y, SUM(truth) FROM told GROUP BY x, y; {PREDICT}"),
            "cannot work on a query that updates its rows",
        ),
    ] {
        let error = rows(&set).expect_err(&set);
        assert!(error.contains(says), "{set}\n{error}");
    }
}
