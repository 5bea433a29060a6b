//! Users' aggregate functions, table functions and models in queries. Each query is run whole, in batches of one row, at
//! parallelism 3, and with crashes and restores at every batch, and must give the same rows. Where there is a built-in
//! function that does the same, it is the oracle: both stand in one query.

use std::path::Path;
use std::sync::Arc;

use wasmill_connectors::Connectors;
use wasmill_runtime::testing::matrix::{compact, run_all};
use wasmill_runtime::{JobOptions, JobParts};
use wasmill_server::Session;
use wasmill_sql::{Statement, parse_script, plan_query};

/// Rows in order of time with some late ones; amounts are whole, so that sums do not depend on their order.
const ROWS: &str = "\
1,a,2024-05-01 00:00:01,10,1,to be or not to be
2,b,2024-05-01 00:00:03,20,2,that is
3,a,2024-05-01 00:00:02,5,,the question
4,a,2024-05-01 00:00:09,,1,
5,c,2024-05-01 00:00:14,7,3,whether
6,a,2024-05-01 00:00:11,10,1,tis nobler
7,b,2024-05-01 00:00:25,1,1,in the mind
8,c,2024-05-01 00:00:31,2,5,to suffer
9,a,2024-05-01 00:00:33,3,2,the slings
10,b,2024-05-01 00:00:36,20,1,and arrows
11,a,2024-05-01 00:00:52,10,4,of outrageous
12,a,2024-05-01 00:00:05,1000,4,late
13,c,2024-05-01 00:01:20,9,1,fortune
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.csv"), ROWS).unwrap();
    std::fs::write(folder.path().join("linear.txt"), "0.5 2 -1").unwrap();
    folder
}

/// The table, and the functions of the SDK's examples in C.
fn prelude(folder: &Path) -> String {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/c");
    let modules = modules.display();
    format!(
        "CREATE TABLE t (id INT, k STRING, ts TIMESTAMP(3), x DOUBLE, w DOUBLE, line STRING,
           WATERMARK FOR ts AS ts - INTERVAL '4' SECOND)
         WITH ('connector' = 'filesystem', 'path' = '{}/in.csv', 'format' = 'csv', 'csv.null-literal' = '');
         CREATE AGGREGATE FUNCTION total(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE '{modules}/aggregates.wasm';
         CREATE AGGREGATE FUNCTION mean(x DOUBLE, w DOUBLE) RETURNS DOUBLE
           LANGUAGE WASM AS 'weighted_mean' USING FILE '{modules}/aggregates.wasm';
         CREATE AGGREGATE FUNCTION longest(s STRING) RETURNS STRING LANGUAGE WASM USING FILE '{modules}/aggregates.wasm';
         CREATE TABLE FUNCTION words(line STRING) RETURNS TABLE (word STRING, pos INT)
           LANGUAGE WASM USING FILE '{modules}/tables.wasm';
         CREATE MODEL linear INPUT (a DOUBLE, b DOUBLE) OUTPUT (score DOUBLE, x BOOLEAN)
           LANGUAGE WASM USING FILE '{modules}/model.wasm' WITH ('artifact' = '{}/linear.txt');
         CREATE MODEL regression INPUT (a DOUBLE, b DOUBLE) OUTPUT (y DOUBLE)
           LANGUAGE WASM USING FILE '{modules}/online.wasm';
         CREATE MODEL regression_by_row INPUT (a DOUBLE, b DOUBLE) OUTPUT (y DOUBLE)
           LANGUAGE WASM USING FILE '{modules}/online.wasm';",
        folder.display(),
        folder.display()
    )
}

/// What regression by stochastic gradient descent gives for the rows in order, before it learns from each.
fn regression() -> Vec<String> {
    let (mut bias, mut weights) = (0.0, [0.0, 0.0]);
    let mut lines = Vec::new();
    for line in ROWS.lines() {
        let cell = |i: usize| line.split(',').nth(i).unwrap().parse::<f64>().ok();
        let (id, x, w) = (cell(0).unwrap(), cell(3), cell(4));
        let inputs = x.map(|x| [x / 1000.0, id / 100.0]);
        let y = inputs.map(|v| bias + weights[0] * v[0] + weights[1] * v[1]);
        lines.push(format!("1 x {id} | {}", y.map_or("NULL".to_owned(), |y| y.to_string())));
        if let (Some(v), Some(y), Some(truth)) = (inputs, y, w) {
            let step = 0.0625 * (truth - y);
            bias += step;
            weights[0] += step * v[0];
            weights[1] += step * v[1];
        }
    }
    lines.sort();
    lines
}

/// The rows of a query, compacted; all runs must give them.
#[track_caller]
fn rows(query: &str) -> Vec<String> {
    let folder = folder();
    let text = format!("{}\n{query};", prelude(folder.path()));
    let statements = parse_script(&text).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    let (last, before) = statements.split_last().unwrap();
    let mut session = Session::new();
    for statement in before {
        session.execute(statement).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    }
    let Statement::Query(query) = &last.statement else { panic!("the last statement is a query") };
    let plan =
        plan_query(query, session.catalog(), session.settings()).unwrap_or_else(|e| panic!("{}", e.render(&text)));
    let options = JobOptions {
        time_zone: session.settings().zone(),
        watermark_interval_ms: session.settings().watermark_interval_ms(),
        ..JobOptions::default()
    };
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(wasmill_runtime::testing::memory::MemorySinks::default()),
        functions: session.functions(),
    };
    let (outcome, differences) = run_all(&plan, &options, &parts).unwrap_or_else(|e| panic!("{e}"));
    if let Some(d) = differences.first() {
        panic!("run '{}' gives {:?} instead of {:?}", d.run, d.got, d.expected);
    }
    compact(&outcome.tables.values().flatten().cloned().collect::<Vec<_>>())
}

/// Of each row the last two columns must be equal; gives how many rows there are.
#[track_caller]
fn agree(query: &str) -> usize {
    let rows = rows(query);
    for row in &rows {
        let cells: Vec<&str> = row.split_once(" x ").unwrap().1.split(" | ").collect();
        assert_eq!(cells[cells.len() - 1], cells[cells.len() - 2], "{row}");
    }
    rows.len()
}

/// The error of the last of some statements.
#[track_caller]
fn error(statements: &str) -> String {
    let folder = folder();
    let text = format!("{}\n{}", prelude(folder.path()), statements.replace("{DIR}", &folder.path().to_string_lossy()));
    let parsed = match parse_script(&text) {
        Ok(parsed) => parsed,
        Err(e) => return e.render(&text),
    };
    let mut session = Session::new();
    for statement in &parsed {
        if let Err(e) = session.execute(statement) {
            return e.render(&text);
        }
    }
    panic!("no statement fails")
}

#[track_caller]
fn says(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is missing in: {text}");
}

#[test]
fn aggregates_in_windows() {
    let select = "SELECT k, window_start, SUM(x), total(x) FROM";
    let group = "GROUP BY k, window_start, window_end";
    let second = |n: u32| format!("INTERVAL '{n}' SECOND");
    let (ten, five) = (second(10), second(5));
    assert_eq!(agree(&format!("{select} TUMBLE(TABLE t, DESCRIPTOR(ts), {ten}) {group}")), 10);
    assert!(agree(&format!("{select} HOP(TABLE t, DESCRIPTOR(ts), {five}, {ten}) {group}")) > 8);
    assert!(agree(&format!("{select} CUMULATE(TABLE t, DESCRIPTOR(ts), {five}, {ten}) {group}")) > 8);
    assert!(agree(&format!("{select} SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), {five}) {group}")) > 6);
    assert!(
        agree(&format!("{select} TUMBLE(TABLE t, DESCRIPTOR(ts), {ten}) {group} ALLOW LATENESS INTERVAL '1' HOUR")) > 9
    );
    let select = "SELECT window_start, SUM(DISTINCT x), total(DISTINCT x) FROM";
    let group = "GROUP BY window_start, window_end";
    assert!(agree(&format!("{select} HOP(TABLE t, DESCRIPTOR(ts), {five}, {ten}) {group}")) > 5);
    let select = "SELECT window_start, SUM(x) FILTER (WHERE w > 1), total(x) FILTER (WHERE w > 1) FROM";
    assert!(agree(&format!("{select} TUMBLE(TABLE t, DESCRIPTOR(ts), {ten}) {group}")) > 5);
    // States with memory of their own, merged.
    let longest = rows(&format!(
        "SELECT window_end, longest(line) FROM CUMULATE(TABLE t, DESCRIPTOR(ts), {ten}, INTERVAL '1' MINUTE) {group}"
    ));
    assert_eq!(longest.len(), 10);
    says(&longest[0], "to be or not to be");
    says(&longest[9], "fortune");
    let mean = rows(
        "SELECT k, mean(x, w) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY k, window_start, window_end",
    );
    assert_eq!(mean[1..], ["1 x b | 15.25", "1 x c | 3.875", "1 x c | 9"]);
    says(&mean[0], "1 x a | 338.83");
}

#[test]
fn aggregates_by_key() {
    assert_eq!(agree("SELECT k, SUM(x), total(x) FROM t GROUP BY k"), 3);
    assert_eq!(agree("SELECT SUM(DISTINCT x), total(DISTINCT x) FROM t"), 1);
    // The inner query updates its rows: the outer aggregate takes rows back.
    let counts = "(SELECT k, SUM(x) AS s, COUNT(*) AS n FROM t GROUP BY k)";
    assert_eq!(agree(&format!("SELECT n, SUM(s), total(s) FROM {counts} GROUP BY n")), 2);
    assert_eq!(agree(&format!("SELECT SUM(DISTINCT s), total(DISTINCT s) FROM {counts}")), 1);
    let e = error(&format!("SELECT longest(k) FROM {counts};"));
    says(&e, "aggregate function 'longest' cannot take rows back");
    says(&e, "export 'longest__retract'");
    assert_eq!(rows("SELECT k, longest(line) FROM t GROUP BY k").len(), 3);
}

#[test]
fn aggregates_over_rows() {
    let over = |frame: &str| format!("OVER (PARTITION BY k ORDER BY ts {frame})");
    for frame in [
        "",
        "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW",
        "RANGE BETWEEN INTERVAL '20' SECOND PRECEDING AND CURRENT ROW",
        "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
    ] {
        let over = over(frame);
        assert!(agree(&format!("SELECT id, SUM(x) {over}, total(x) {over} FROM t")) >= 12);
        assert!(agree(&format!("SELECT id, SUM(DISTINCT x) {over}, total(DISTINCT x) {over} FROM t")) >= 12);
        assert!(
            agree(&format!(
                "SELECT id, SUM(x) FILTER (WHERE w > 1) {over}, total(x) FILTER (WHERE w > 1) {over} FROM t"
            )) >= 12
        );
        // longest cannot take rows back: its frames are computed anew.
        let longest = rows(&format!("SELECT id, longest(line) {over} FROM t"));
        assert!(longest.len() >= 12);
        assert!(longest.contains(&"1 x 1 | to be or not to be".to_owned()), "{longest:?}");
    }
    let longest =
        rows(&format!("SELECT id, longest(line) {} FROM t", over("ROWS BETWEEN 1 PRECEDING AND CURRENT ROW")));
    assert!(longest.contains(&"1 x 11 | of outrageous".to_owned()), "{longest:?}");
    assert!(
        longest.contains(&"1 x 4 | the question".to_owned()) || longest.contains(&"1 x 4 | tis nobler".to_owned()),
        "{longest:?}"
    );
    let by_column = "OVER (PARTITION BY k ORDER BY id)";
    assert_eq!(agree(&format!("SELECT id, SUM(x) {by_column}, total(x) {by_column} FROM t")), 13);
}

#[test]
fn aggregates_on_arrival() {
    for frame in
        ["RANGE BETWEEN INTERVAL '20' SECOND PRECEDING AND CURRENT ROW", "ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", ""]
    {
        let over = format!("OVER (PARTITION BY k ORDER BY ts {frame})");
        assert!(agree(&format!("SELECT id, SUM(x) {over}, total(x) {over} FROM t EMIT ON ARRIVAL")) >= 12);
    }
    let e = error("SELECT mean(x, w) OVER (PARTITION BY k ORDER BY ts) FROM t EMIT ON ARRIVAL;");
    says(&e, "cannot merge groups, which an unbounded frame that is answered on arrival needs");
    // In processing time no row is out of order, so nothing is merged.
    let in_processing_time =
        "SELECT id, SUM(x * w) OVER o / SUM(w) FILTER (WHERE x IS NOT NULL) OVER o, mean(x, w) OVER o
        FROM (SELECT *, PROCTIME() AS p FROM t) WINDOW o AS (PARTITION BY k ORDER BY p)";
    assert_eq!(agree(in_processing_time), 13);
}

#[test]
fn what_an_aggregate_cannot_do_is_refused() {
    let hop = "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND)";
    let e = error(&format!("SELECT mean(x, w) FROM {hop} GROUP BY window_start, window_end;"));
    says(&e, "aggregate function 'mean' cannot merge groups, and these windows are put together from parts");
    let tumble = "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)";
    let e = error(&format!(
        "SELECT mean(x, w) FROM {tumble} GROUP BY window_start, window_end ALLOW LATENESS INTERVAL '1' HOUR;"
    ));
    says(&e, "and late rows are allowed");
    says(&error("SELECT total(x, w) FROM t;"), "function 'total' takes 1 arguments, not 2");
    says(&error("SELECT total(line) FROM t;"), "argument 'x' of function 'total' is DOUBLE");
    says(&error("SELECT * FROM t WHERE total(x) > 1;"), "aggregate total is not allowed in WHERE");
    says(&error("SELECT words(line) FROM t;"), "table function 'words' gives rows, not a value");
    says(&error("SELECT words(line) OVER (ORDER BY ts) FROM t;"), "'words' is no aggregate function");
}

#[test]
fn table_functions() {
    let words = rows("SELECT id, word, pos FROM t CROSS JOIN LATERAL TABLE(words(line)) AS r (word, pos) WHERE id < 4");
    let expected = [
        "1 x 1 | be | 2",
        "1 x 1 | be | 6",
        "1 x 1 | not | 4",
        "1 x 1 | or | 3",
        "1 x 1 | to | 1",
        "1 x 1 | to | 5",
        "1 x 2 | is | 2",
        "1 x 2 | that | 1",
        "1 x 3 | question | 2",
        "1 x 3 | the | 1",
    ];
    assert_eq!(words, expected);
    let all = rows("SELECT id, r.word FROM t, LATERAL TABLE(words(line)) AS r");
    assert_eq!(all.len(), 24, "two words of the first line come twice");
    let left = rows(
        "SELECT id, word, pos FROM t LEFT JOIN LATERAL TABLE(words(line)) AS r (word, pos) ON TRUE WHERE id BETWEEN 4 AND 5",
    );
    assert_eq!(left, ["1 x 4 | NULL | NULL", "1 x 5 | whether | 1"]);
    // Rows that are taken back take back what they gave; the time attribute stays one.
    let updated = "(SELECT k, MAX(line) AS line FROM t GROUP BY k)";
    assert_eq!(rows(&format!("SELECT k, word FROM {updated} AS u, LATERAL TABLE(words(u.line)) AS r")).len(), 7);
    let windowed = rows(
        "SELECT window_start, COUNT(*) FROM TUMBLE(TABLE (SELECT ts, word FROM t, LATERAL TABLE(words(line)) AS r),
        DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end",
    );
    assert_eq!(windowed.len(), 2);
}

#[test]
fn table_functions_by_themselves() {
    assert_eq!(rows("SELECT * FROM TABLE(words('x y'))"), ["1 x x | 1", "1 x y | 2"]);
    let e = |sql: &str| error(sql);
    says(
        &e("SELECT * FROM t, LATERAL TABLE(words(line)) AS r (word);"),
        "'words' gives 2 columns, and 1 names are given",
    );
    says(&e("SELECT * FROM t LEFT JOIN LATERAL TABLE(words(line)) AS r ON r.pos = 1;"), "takes only ON TRUE");
    says(&e("SELECT * FROM t, LATERAL TABLE(words(id, 1)) AS r;"), "takes 1 arguments, not 2");
    says(&e("SELECT * FROM t, LATERAL TABLE(total(x)) AS r;"), "'total' is no table function");
    says(&e("SELECT * FROM t, LATERAL TABLE(wrods(line)) AS r;"), "did you mean 'words'?");
    says(&e("SELECT * FROM LATERAL TABLE(words('a'));"), "needs a table before it");
}

#[test]
fn models() {
    // The model's column x stands beside the table's: it becomes x0, as in Flink.
    let expected = ["1 x 1 | 10 | 19.5 | true", "1 x 2 | 20 | 38.5 | true", "1 x 3 | 5 | NULL | NULL"];
    for call in [
        "ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, w))",
        "TABLE(ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, w)))",
        "ML_PREDICT(MODEL => MODEL linear, INPUT => TABLE t, ARGS => DESCRIPTOR(x, w))",
    ] {
        assert_eq!(rows(&format!("SELECT id, x, score, x0 FROM {call} WHERE id < 4")), expected, "{call}");
    }
    // The time attribute passes through, integers are taken as DOUBLE.
    let windows = rows("SELECT window_start, SUM(score) FROM TUMBLE(TABLE (SELECT * FROM
        ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, id))), DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end");
    assert_eq!(windows.len(), 2);
    let e = |sql: &str| error(sql);
    says(&e("SELECT * FROM ML_PREDICT(TABLE t, MODEL linaer, DESCRIPTOR(x, w));"), "did you mean 'linear'?");
    says(
        &e("SELECT * FROM ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x));"),
        "model 'linear' takes 2 columns, not 1",
    );
    says(&e("SELECT * FROM ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, line));"), "column 'line' is STRING");
    says(&e("SELECT * FROM ML_PREDICT(TABLE t, linear, DESCRIPTOR(x, w));"), "write MODEL before its name");
    says(&e("SELECT * FROM ML_PREDICT(TABLE t, MODEL linear);"), "ML_PREDICT lacks its argument ARGS");
    says(
        &e("SELECT * FROM ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, w), MAP['async', 'true']);"),
        "CONFIG of ML_PREDICT",
    );
    says(
        &e("DROP MODEL linear; SELECT * FROM ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, w));"),
        "unknown model 'linear'",
    );
    says(
        &e("CREATE MODEL linear INPUT (a INT) OUTPUT (b INT) LANGUAGE WASM USING FILE 'x.wasm';"),
        "there is a model 'linear' already",
    );
    says(
        &e("CREATE MODEL m INPUT (a DOUBLE) OUTPUT (b DOUBLE) WITH ('provider' = 'openai');"),
        "models that another server runs",
    );
}

#[test]
fn models_that_learn() {
    let expected = regression();
    let scaled = "(SELECT id, x / 1000 AS a, id / 100.0E0 AS b, w FROM t)";
    for model in ["regression", "regression_by_row"] {
        let call = format!("ML_PREDICT(TABLE {scaled}, MODEL {model}, DESCRIPTOR(a, b), LABELS => DESCRIPTOR(w))");
        assert_eq!(rows(&format!("SELECT id, y FROM {call}")), expected, "{model}");
    }
    let untaught = rows(&format!(
        "SELECT id, y FROM ML_PREDICT(TABLE {scaled}, MODEL regression, DESCRIPTOR(a, b)) WHERE id > 11"
    ));
    assert_eq!(untaught, ["1 x 12 | 0", "1 x 13 | 0"]);
    let e = |sql: &str| error(sql);
    says(
        &e("SELECT * FROM ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, w), LABELS => DESCRIPTOR(w));"),
        "model 'linear' does not learn",
    );
    let of = |inner: &str| {
        format!(
            "SELECT * FROM ML_PREDICT(TABLE ({inner}), MODEL regression, DESCRIPTOR(a, b), LABELS => DESCRIPTOR(c));"
        )
    };
    says(&e(&of("SELECT 1e0 AS a, 2e0 AS b, COUNT(*) AS c FROM t")), "a model that learns");
    says(&e(&of("SELECT 1e0 AS a, 2e0 AS b, 'x' AS c")), "column 'c' is");
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/c").display().to_string();
    let model = |clause: &str, with: &str| {
        format!(
            "CREATE MODEL r INPUT (a DOUBLE, b DOUBLE) OUTPUT (y DOUBLE) {clause} LANGUAGE WASM AS 'regression' USING FILE '{modules}/online.wasm' {with};"
        )
    };
    let learn = "SELECT * FROM ML_PREDICT(TABLE t, MODEL r, DESCRIPTOR(x, w), LABELS => DESCRIPTOR(w));";
    says(&e(&(model("", "WITH ('on-error' = 'null')") + learn)), "learns, and cannot go on after a failure");
    says(&e(&(model("LABEL (truth STRING)", "") + learn)), "'truth' of model 'r' is STRING");
    let cannot = format!(
        "CREATE MODEL l INPUT (a DOUBLE, b DOUBLE) OUTPUT (s DOUBLE, p BOOLEAN) LABEL (t DOUBLE)
        LANGUAGE WASM AS 'linear' USING FILE '{modules}/model.wasm' WITH ('artifact' = '{{DIR}}/linear.txt');"
    );
    says(&e(&cannot), "model 'l' has a LABEL, and does not learn");
}

#[test]
fn a_column_may_be_called_model() {
    let sql = "SELECT model m, COUNT(*) FROM (VALUES ('a', 1), ('b', 2)) AS v (model, n) GROUP BY model";
    assert_eq!(rows(sql).len(), 2);
}

#[test]
fn wrong_statements() {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/c").display().to_string();
    let file = |name: &str| format!("LANGUAGE WASM USING FILE '{modules}/{name}.wasm'");
    let e = error(&format!("CREATE AGGREGATE FUNCTION sum(x DOUBLE) RETURNS DOUBLE {};", file("aggregates")));
    says(&e, "'sum' is a built-in aggregate function");
    let e = error(&format!("CREATE AGGREGATE FUNCTION totla(x DOUBLE) RETURNS DOUBLE {};", file("aggregates")));
    says(&e, "does not export a function 'totla__state_size'");
    let e = error(&format!("CREATE AGGREGATE FUNCTION total(x DOUBLE) RETURNS DOUBLE {};", file("aggregates")));
    says(&e, "there is a function 'total' already");
    let e = error(&format!("CREATE TABLE FUNCTION blend(x DOUBLE) RETURNS TABLE () {};", file("columns")));
    says(&e, "a table function gives at least one column");
    let e = error(&format!("CREATE FUNCTION f(x DOUBLE) RETURNS TABLE (a INT) {};", file("columns")));
    says(&e, "only table functions return a TABLE");
    let e = error(&format!("CREATE AGGREGATE FUNCTION f {} WITH ('on-error' = 'null');", file("aggregates")));
    says(&e, "option 'on-error' of an aggregate function cannot be 'null'");
    let e = error(&format!("CREATE AGGREGATE FUNCTION f {};", file("aggregates")));
    says(&e, "the arguments and results of 'f' are not declared");
    let e = error(&format!(
        "CREATE MODEL m INPUT (a DOUBLE) OUTPUT (b DOUBLE) LANGUAGE WASM AS 'linear' USING FILE '{modules}/model.wasm' WITH ('artifact' = '{{DIR}}/none.txt');"
    ));
    says(&e, "cannot read the artifact");
    says(&e, "none.txt'");
}
