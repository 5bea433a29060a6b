//! The binary from outside: what goes to which stream, and how it ends.

use std::process::{Command, Output};

fn wasmill(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wasmill")).args(args).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn rows_come_as_json_csv_and_table() {
    let query = "SELECT * FROM (VALUES (1, 'a,b'), (2, '')) AS t (id, name)";
    let json = wasmill(&["run", "-q", "-e", query, "--output", "json"]);
    assert_eq!(text(&json.stdout), "{\"id\":1,\"name\":\"a,b\"}\n{\"id\":2,\"name\":\"\"}\n");
    assert_eq!(text(&json.stderr), "");
    let csv = wasmill(&["run", "-e", query]);
    assert_eq!(text(&csv.stdout), "id,name\n1,\"a,b\"\n2,\"\"\n");
    assert!(text(&csv.stderr).starts_with("done: "), "{}", text(&csv.stderr));
    let table = wasmill(&["run", "-e", "SELECT 1 AS n, 'x'", "--output", "table"]);
    assert_eq!(
        text(&table.stdout),
        "+---+--------+\n| n | EXPR$1 |\n+---+--------+\n| 1 | x      |\n+---+--------+\n1 row\n"
    );
    assert_eq!(table.status.code(), Some(0));
}

#[test]
fn a_changelog_begins_with_op() {
    let query = "SELECT COUNT(*) AS n FROM (VALUES (1), (2)) AS t (id)";
    let json = wasmill(&["run", "-q", "-e", query, "--output", "json"]);
    let lines: Vec<&str> = text(&json.stdout).lines().collect();
    assert_eq!(lines, ["{\"op\":\"+I\",\"n\":1}", "{\"op\":\"-U\",\"n\":1}", "{\"op\":\"+U\",\"n\":2}"]);
}

#[test]
fn wrong_sql_ends_with_2_and_runs_nothing() {
    let output = wasmill(&["run", "-e", "SELECT 1;\nSELECT a FORM t"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "", "a syntax error is found before anything runs");
    assert!(text(&output.stderr).contains("\n  2 | SELECT a FORM t\n"), "{}", text(&output.stderr));
    let table = "CREATE TABLE t (id INT) WITH ('connector' = 'datagn')";
    let output = wasmill(&["check", "-e", table]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean 'datagen'?"));
    assert_eq!(wasmill(&["run"]).status.code(), Some(2));
    assert_eq!(wasmill(&["run", "no such file.sql"]).status.code(), Some(2));
    assert_eq!(wasmill(&["run", "-e", "SELECT 1", "--set", "nonsense=1"]).status.code(), Some(2));
}

#[test]
fn a_failed_job_ends_with_1_and_stops_the_script() {
    let output = wasmill(&["run", "-e", "SELECT CAST(x AS INT) FROM (VALUES ('a')) AS t (x); SELECT 2"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
}

#[test]
fn a_script_builds_up_its_session() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script.sql");
    let sql =
        "CREATE TABLE t (id BIGINT, at TIMESTAMP(3), twice AS id * 2, WATERMARK FOR at AS at - INTERVAL '1' SECOND)
        WITH ('connector' = 'datagen', 'number-of-rows' = '3');
        CREATE TABLE u WITH ('number-of-rows' = '2') LIKE t;
        CREATE VIEW v AS SELECT id, twice FROM u;
        SELECT 1 AS n FROM v;
        DROP VIEW v;
        SHOW TABLES";
    std::fs::write(&script, sql).expect("the script");
    let output = wasmill(&["run", "-q", script.to_str().expect("a path"), "--output", "json"]);
    let rows = "{\"n\":1}\n{\"n\":1}\n{\"table name\":\"t\"}\n{\"table name\":\"u\"}\n";
    assert_eq!(text(&output.stdout), rows, "{}", text(&output.stderr));
    let plan = wasmill(&["explain", "-e", "SELECT 1 AS n WHERE TRUE"]);
    assert!(text(&plan.stdout).starts_with("Sink rows to the caller"), "{}", text(&plan.stdout));
}

#[test]
fn late_rows_correct_a_window_or_go_to_their_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("in.csv");
    let seconds = [1, 12, 2, 15, 3].map(|s| format!("{s},2024-01-01 00:00:{s:02}\n"));
    std::fs::write(&input, seconds.concat()).expect("the input");
    let sql = format!(
        "CREATE TABLE t (v INT, at TIMESTAMP(3), WATERMARK FOR at AS at)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
         CREATE TABLE gone (v INT) WITH ('connector' = 'print');
         SELECT SUM(v) AS s FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), INTERVAL '10' SECOND))
         GROUP BY window_start, window_end ALLOW LATENESS INTERVAL '5' SECOND LATE ROWS INTO gone",
        input.display()
    );
    let output = wasmill(&["run", "-e", &sql, "--output", "json"]);
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    let of = |sum: i32| format!("\"s\":{sum}}}");
    assert!(lines.iter().any(|l| l.ends_with(&of(3))), "the row of 2 s counts: {lines:?}");
    assert!(lines.iter().any(|l| l.ends_with(&of(27))), "{lines:?}");
    assert!(lines.contains(&"+I[3]"), "the row of 3 s is too late: {lines:?}");
    assert!(text(&output.stderr).contains("1 late"), "{}", text(&output.stderr));
}

#[test]
fn windows_in_processing_time_take_every_row() {
    let rows = "CREATE TABLE t (v INT, p AS PROCTIME()) WITH ('connector' = 'datagen', 'number-of-rows' = '100');";
    let counted = |query: &str| {
        let output = wasmill(&["run", "-q", "-e", &format!("{rows} {query}"), "--output", "json"]);
        let count = |line: &str| line.rsplit("\"n\":").next()?.trim_end_matches('}').parse::<i64>().ok();
        text(&output.stdout).lines().filter_map(count).sum::<i64>()
    };
    let day = "INTERVAL '1' DAY";
    let table = format!("TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), {day}))");
    assert_eq!(counted(&format!("SELECT COUNT(*) AS n FROM {table} GROUP BY window_start, window_end")), 100);
    let old = format!("SELECT TUMBLE_PROCTIME(p, {day}) AS at, COUNT(*) AS n FROM t GROUP BY TUMBLE(p, {day}), v");
    assert_eq!(counted(&old), 100);
    let session = "SELECT COUNT(*) AS n FROM t GROUP BY SESSION(p, INTERVAL '1' HOUR)";
    assert_eq!(counted(session), 100);
    for (query, message) in [
        (format!("SELECT TUMBLE_ROWTIME(p, {day}) FROM t GROUP BY TUMBLE(p, {day})"), "no rowtime"),
        (format!("{session} ALLOW LATENESS INTERVAL '1' MINUTE"), "windows in event time"),
    ] {
        let output = wasmill(&["check", "-e", &format!("{rows} {query}")]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}
