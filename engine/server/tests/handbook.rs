//! The Fraud Detection Handbook's rolling features over ten days, against the features that its authors made with pandas.
//!
//! The query is the one of the golden script `handbook-features`, which always runs on a few invented payments. The
//! Handbook's data may not be copied into this project: this test runs where its folder lies beside the project
//! (`../shared/data/handbook`), or where `WASMILL_HANDBOOK` says, and says so where it does not run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_connectors::Connectors;
use wasmill_expr::NoUserFunctions;
use wasmill_runtime::testing::matrix::run;
use wasmill_runtime::testing::memory::MemorySinks;
use wasmill_runtime::{JobOptions, JobParts};
use wasmill_server::Session;
use wasmill_sql::{Statement, parse_script, plan_query};

const FEATURES: [&str; 14] = [
    "TX_DURING_WEEKEND",
    "TX_DURING_NIGHT",
    "CUSTOMER_ID_NB_TX_1DAY_WINDOW",
    "CUSTOMER_ID_AVG_AMOUNT_1DAY_WINDOW",
    "CUSTOMER_ID_NB_TX_7DAY_WINDOW",
    "CUSTOMER_ID_AVG_AMOUNT_7DAY_WINDOW",
    "CUSTOMER_ID_NB_TX_30DAY_WINDOW",
    "CUSTOMER_ID_AVG_AMOUNT_30DAY_WINDOW",
    "TERMINAL_ID_NB_TX_1DAY_WINDOW",
    "TERMINAL_ID_RISK_1DAY_WINDOW",
    "TERMINAL_ID_NB_TX_7DAY_WINDOW",
    "TERMINAL_ID_RISK_7DAY_WINDOW",
    "TERMINAL_ID_NB_TX_30DAY_WINDOW",
    "TERMINAL_ID_RISK_30DAY_WINDOW",
];
/// What the Handbook's ten days hold.
const PAYMENTS: usize = 95_815;

fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("WASMILL_HANDBOOK") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/handbook"),
    };
    folder.join("features_2018_04_01_to_10.parquet").exists().then_some(folder)
}

/// The rows of a script's last query, by its first column.
fn rows(script: &str) -> BTreeMap<i64, Vec<f64>> {
    let statements = parse_script(script).unwrap_or_else(|e| panic!("{}", e.render(script)));
    let (query, before) = statements.split_last().expect("a query");
    let mut session = Session::new();
    for statement in before {
        session.execute(statement).expect("a table");
    }
    let Statement::Query(query) = &query.statement else { panic!("the last statement must be a query") };
    let plan =
        plan_query(query, session.catalog(), session.settings()).unwrap_or_else(|e| panic!("{}", e.render(script)));
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(MemorySinks::default()),
        functions: Arc::new(NoUserFunctions),
    };
    let outcome = run(&plan, &JobOptions::default(), &parts).expect("it runs");
    let row = |line: &String| {
        let cells = line[3..].split(" | ").map(|cell| cell.parse().expect("a number")).collect::<Vec<f64>>();
        (cells[0] as i64, cells[1..].to_vec())
    };
    outcome.tables.values().flatten().map(row).collect()
}

#[test]
fn rolling_features_are_those_of_the_handbook() {
    let Some(folder) = folder() else {
        println!(
            "SKIPPED: there is no ../shared/data/handbook beside the project; WASMILL_HANDBOOK names another folder"
        );
        return;
    };
    let path = folder.join("features_2018_04_01_to_10.parquet").to_string_lossy().into_owned();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/handbook-features/case.sql");
    let script = std::fs::read_to_string(script).expect("the golden script");
    let script = script.replace("{DIR}/in.csv", &path).replace("'csv'", "'parquet'");
    let found = rows(&script);

    let doubles: Vec<String> = FEATURES.iter().map(|name| format!("{name} DOUBLE")).collect();
    let casts: Vec<String> = FEATURES[..2].iter().map(|name| format!("{name} BIGINT")).collect();
    let expected = rows(&format!(
        "CREATE TABLE features (TRANSACTION_ID BIGINT, {}, {}) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = \
         'parquet'); SELECT TRANSACTION_ID, {} FROM features;",
        casts.join(", "),
        doubles[2..].join(", "),
        FEATURES.join(", ")
    ));
    assert_eq!((found.len(), expected.len()), (PAYMENTS, PAYMENTS));
    let mut differing: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (id, expected) in &expected {
        for ((name, e), f) in FEATURES.iter().zip(expected).zip(&found[id]) {
            if (e - f).abs() > 1e-9 * e.abs().max(1.0) {
                differing.entry(name).or_default().push(*id);
            }
        }
    }
    println!("{} features compared", PAYMENTS * FEATURES.len());
    assert!(differing.is_empty(), "features of these payments differ: {differing:?}");
}
