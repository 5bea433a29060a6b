//! Users' process functions in queries: the examples in C (`udf-sdk/examples/c/process.c`) and the same in Rust. With ORDER BY a query is
//! run whole, in batches of one row, at parallelism 3, and with crashes and restores at every batch, and must give the same rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_connectors::Connectors;
use wasmill_runtime::testing::matrix::{compact, run_all};
use wasmill_runtime::{JobOptions, JobParts};
use wasmill_server::{Answer, Session};
use wasmill_sql::{Statement, parse_script, plan_query};

/// Payments with a row out of order, a late one (8), a NULL card and a NULL amount.
const ROWS: &str = "\
1,a,2024-05-01 00:00:00,10,shop
2,b,2024-05-01 00:01:00,20,shop
3,a,2024-05-01 00:05:00,5,cafe
4,a,2024-05-01 00:04:00,7,inn
5,,2024-05-01 00:06:00,1,shop
6,b,2024-05-01 00:12:00,,shop
7,a,2024-05-01 00:30:00,3,shop
8,a,2024-05-01 00:10:00,1000,late
9,c,2024-05-01 00:31:00,9,
10,a,2024-05-01 00:39:59,4,bar
";

const C: &str = "c/process.wasm";
const RUST: &str = "rust/examples.wasm";

fn example(module: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples").join(module)
}

fn prelude(folder: &Path, module: &str) -> String {
    let module = example(module);
    let (module, folder) = (module.display(), folder.display());
    format!(
        "CREATE TABLE t (id INT, card STRING, ts TIMESTAMP(3), amount DOUBLE, merchant STRING,
           WATERMARK FOR ts AS ts - INTERVAL '2' MINUTE)
         WITH ('connector' = 'filesystem', 'path' = '{folder}/in.csv', 'format' = 'csv', 'csv.null-literal' = '');
         CREATE PROCESS FUNCTION quiet LANGUAGE WASM USING FILE '{module}';
         CREATE PROCESS FUNCTION declared(amount DOUBLE) RETURNS TABLE (payments BIGINT, total DOUBLE)
           STATE (payments BIGINT, total DOUBLE) LANGUAGE WASM AS 'quiet' USING FILE '{module}'
           WITH ('state.total.ttl' = '1 d');
         CREATE PROCESS FUNCTION merchants LANGUAGE WASM USING FILE '{module}';
         CREATE PROCESS FUNCTION heartbeat LANGUAGE WASM USING FILE '{module}';"
    )
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.csv"), ROWS).unwrap();
    folder
}

/// The rows of a query, compacted; all runs must give them, and the functions in C and in Rust the same.
#[track_caller]
fn rows(query: &str) -> Vec<String> {
    let rows = rows_with(C, query);
    assert_eq!(rows_with(RUST, query), rows, "the functions in Rust: {query}");
    rows
}

#[track_caller]
fn rows_with(module: &str, query: &str) -> Vec<String> {
    let folder = folder();
    let text = format!("{}\n{query};", prelude(folder.path(), module));
    let statements = parse_script(&text).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    let (last, before) = statements.split_last().unwrap();
    let mut session = Session::new();
    for statement in before {
        session.execute(statement).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    }
    let Statement::Query(query) = &last.statement else { panic!("the last statement is a query") };
    let plan =
        plan_query(query, session.catalog(), session.settings()).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(wasmill_runtime::testing::memory::MemorySinks::default()),
        functions: session.functions(),
    };
    let (outcome, differences) = run_all(&plan, &JobOptions::default(), &parts).unwrap_or_else(|e| panic!("{e}"));
    if let Some(d) = differences.first() {
        panic!("run '{}' gives {:?} instead of {:?}", d.run, d.got, d.expected);
    }
    let rows = compact(&outcome.tables.values().flatten().cloned().collect::<Vec<_>>());
    rows.into_iter().map(|row| row.trim_start_matches("1 x ").to_owned()).collect()
}

/// The error of the last of some statements.
#[track_caller]
fn error(statements: &str) -> String {
    let folder = folder();
    let module = example(C).display().to_string();
    let text = format!("{}\n{}", prelude(folder.path(), C), statements.replace("{MODULE}", &module));
    let parsed = match parse_script(&text) {
        Ok(parsed) => parsed,
        Err(e) => return e.render(&text),
    };
    let mut session = Session::new();
    for statement in &parsed {
        let error = match &statement.statement {
            Statement::Query(query) => {
                plan_query(query, session.catalog(), session.settings()).err().map(|e| e.render(&text))
            }
            _ => session.execute(statement).err().map(|e| e.render(&text)),
        };
        if let Some(error) = error {
            return error;
        }
    }
    panic!("no error")
}

#[test]
fn timers_fire_between_the_rows_of_a_key_in_the_order_of_time() {
    let expected = [
        "NULL | 1 | 1 | 2024-05-01 00:16:00",
        "a | 2 | 7 | 2024-05-01 00:49:59",
        "a | 3 | 22 | 2024-05-01 00:15:00",
        "b | 1 | 0 | 2024-05-01 00:22:00",
        "b | 1 | 20 | 2024-05-01 00:11:00",
        "c | 1 | 9 | 2024-05-01 00:41:00",
    ];
    for call in [
        "quiet(input => TABLE t PARTITION BY card ORDER BY ts)",
        "quiet(TABLE t PARTITION BY card ORDER BY (ts, id DESC), uid => 'quiet-1')",
        "TABLE(quiet(input => TABLE (SELECT card, ts, amount AS x FROM t) PARTITION BY (card) ORDER BY ts, amount => x))",
        "declared(input => TABLE t PARTITION BY card ORDER BY ts, on_time => DESCRIPTOR(ts))",
    ] {
        assert_eq!(rows(&format!("SELECT card, payments, total, rowtime FROM {call}")), expected, "{call}");
    }
}

#[test]
fn the_time_of_what_comes_out_is_a_time_attribute() {
    let query = "SELECT window_start, SUM(payments) FROM TABLE(TUMBLE(
        TABLE (SELECT * FROM quiet(input => TABLE t PARTITION BY card ORDER BY ts)), DESCRIPTOR(rowtime), INTERVAL '30' MINUTE))
        GROUP BY window_start, window_end";
    assert_eq!(rows(query), ["2024-05-01 00:00:00 | 6", "2024-05-01 00:30:00 | 3"]);
}

#[test]
fn a_map_is_kept_for_each_key() {
    let query = "SELECT card, merchant, number FROM merchants(input => TABLE t PARTITION BY card ORDER BY ts)";
    let expected = ["NULL | shop | 1", "a | bar | 4", "a | cafe | 3", "a | inn | 2", "a | shop | 1", "b | shop | 1"];
    assert_eq!(rows(query), expected);
}

#[test]
fn a_timer_may_set_the_next_one() {
    let query = "SELECT card, `rows`, rowtime FROM heartbeat(input => TABLE t PARTITION BY card ORDER BY ts)";
    let rows = rows(query);
    let of = |card: &str| rows.iter().filter(|row| row.starts_with(card)).collect::<Vec<_>>();
    let times = |card: &str| of(card).into_iter().map(|row| row.rsplit(' ').next().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("c").len(), 4, "{rows:?}");
    assert_eq!(times("NULL"), ["00:08:00", "00:09:00", "00:10:00", "00:07:00"]);
    // What the heart of a counts: each row, and three minutes of silence behind it.
    assert_eq!(of("a").iter().filter(|row| row.starts_with("a | 1")).count(), 5, "{rows:?}");
    assert_eq!(times("a").last(), Some(&"00:40:59"), "a timer that a timer sets behind the last row does not fire");
}

#[test]
fn the_modules_describe_the_same() {
    let described = |module: &str| {
        let folder = folder();
        let mut session = Session::new();
        for statement in &parse_script(&prelude(folder.path(), module)).unwrap() {
            session.execute(statement).unwrap();
        }
        ["quiet", "declared", "merchants", "heartbeat"].map(|name| {
            let answer = session.execute(&parse_script(&format!("DESCRIBE FUNCTION {name};")).unwrap()[0]).unwrap();
            let Answer::Listing(mut listing) = answer else { panic!("a listing") };
            let told = ["kind", "arguments", "returns", "state"].map(|part| Some(part.to_owned()));
            listing.rows.retain(|row| told.contains(&row[0]));
            assert_eq!(listing.rows.len(), 4);
            listing.rows
        })
    };
    assert_eq!(described(RUST), described(C));
}

#[test]
fn late_rows_can_be_kept() {
    let folder = folder();
    let text = format!(
        "{}
         CREATE TABLE late (id INT, card STRING, ts TIMESTAMP(3), amount DOUBLE, merchant STRING)
           WITH ('connector' = 'filesystem', 'path' = '{}/late.csv', 'format' = 'csv');
         CREATE TABLE result (card STRING, payments BIGINT, total DOUBLE, rowtime TIMESTAMP(3))
           WITH ('connector' = 'blackhole');
         INSERT INTO result SELECT * FROM quiet(input => TABLE t PARTITION BY card ORDER BY ts) LATE ROWS INTO late;",
        prelude(folder.path(), C),
        folder.path().display()
    );
    let mut session = Session::new();
    for statement in &parse_script(&text).unwrap_or_else(|e| panic!("{}", e.render(&text))) {
        if let Answer::Job(job) = session.execute(statement).unwrap_or_else(|e| panic!("{}", e.render(&text))) {
            job.start(None).and_then(|running| running.finish()).unwrap_or_else(|e| panic!("{}", e.render(&text)));
        }
    }
    let late = std::fs::read_to_string(folder.path().join("late.csv")).unwrap();
    assert!(late.contains("8,a,") && late.lines().count() <= 2, "{late}");
}

#[test]
fn wrong_calls_say_what_is_wrong() {
    for (statements, expected) in [
        ("SELECT * FROM quiet();", "quiet lacks its argument input"),
        ("SELECT * FROM quiet(input => t);", "needs a table as its first argument"),
        ("SELECT quiet(1);", "process function 'quiet' gives rows, not a value"),
        ("SELECT * FROM quiet(input => TABLE t PARTITION BY card ORDER BY id);", "'id' has no watermark"),
        ("SELECT * FROM quiet(input => TABLE t PARTITION BY card ORDER BY ts DESC);", "time is ordered ascending only"),
        ("SELECT * FROM quiet(input => TABLE t PARTITION BY card, uid => 'a b');", "uid has other characters"),
        ("SELECT * FROM quiet(input => TABLE t PARTITION BY card, amuont => 1);", "did you mean 'amount'?"),
        (
            "SELECT * FROM quiet(input => TABLE t PARTITION BY card, amount => card);",
            "argument 'amount' of quiet is DOUBLE",
        ),
        ("SELECT * FROM quiet(input => TABLE t PARTITION BY card, amount => 1, amount => 2);", "given twice"),
        ("SELECT * FROM quiet(input => TABLE (SELECT card, ts FROM t) PARTITION BY card);", "has no column 'amount'"),
        (
            "SELECT * FROM quiet(input => TABLE t PARTITION BY card, uid => 'q') UNION ALL
             SELECT * FROM quiet(input => TABLE t, uid => 'q', amount => 1.0) ;",
            "uid 'q' is used twice",
        ),
        (
            "SELECT * FROM quiet(input => TABLE (SELECT card, SUM(amount) AS amount FROM t GROUP BY card) PARTITION BY card);",
            "cannot work on a query that updates its rows",
        ),
        (
            "CREATE FUNCTION f(x DOUBLE) RETURNS DOUBLE STATE (n INT) LANGUAGE WASM USING FILE '{MODULE}';",
            "only process functions have a STATE",
        ),
        (
            "CREATE PROCESS FUNCTION f(amount DOUBLE) RETURNS TABLE (payments BIGINT, total DOUBLE) STATE (n INT)
             LANGUAGE WASM AS 'quiet' USING FILE '{MODULE}';",
            "the state of 'f' is not that of",
        ),
        (
            "CREATE PROCESS FUNCTION f LANGUAGE WASM AS 'quiet' USING FILE '{MODULE}' WITH ('state.totl.ttl' = '1 h');",
            "did you mean 'total'?",
        ),
        (
            "CREATE PROCESS FUNCTION f LANGUAGE WASM AS 'quiet' USING FILE '{MODULE}' WITH ('state.total.ttl' = '0 s');",
            "not a time from 1 ms on",
        ),
        (
            "ALTER FUNCTION quiet USING FILE '{MODULE}'; ALTER FUNCTION quiet AS 'merchants' USING FILE '{MODULE}';",
            "'quiet'",
        ),
        ("ALTER FUNCTION quiet USING FILE '{MODULE}' SHADOW INTO t;", "shadow"),
        (
            "CREATE PROCESS FUNCTION f LANGUAGE WASM AS 'quiet' USING FILE '{MODULE}' WITH ('on-error' = 'null');",
            "'null'",
        ),
        (
            "CREATE PROCESS FUNCTION f(amount DOUBLE) RETURNS TABLE (n BIGINT) LANGUAGE WASM AS 'nothing' USING FILE '{MODULE}';",
            "does not export a function 'nothing__process'",
        ),
    ] {
        let error = error(statements);
        assert!(error.contains(expected), "{statements}\n{error}");
    }
}
