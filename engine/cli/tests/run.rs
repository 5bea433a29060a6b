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
fn of_a_row_only_the_fields_that_are_read_travel() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl");
    let events = "{\"kind\":2,\"bid\":{\"price\":5,\"url\":\"a\",\"at\":\"2020-01-01 00:00:01\"}}\n\
        {\"kind\":1,\"bid\":null}\n\
        {\"kind\":2,\"bid\":{\"price\":null,\"url\":\"b\"}}\n\
        {\"kind\":2}\n";
    std::fs::write(&file, events).expect("the events");
    let tables = format!(
        "CREATE TABLE events (kind INT, bid ROW<price BIGINT, url STRING, at TIMESTAMP(3)>,
           at AS CASE kind WHEN 2 THEN bid.at ELSE TIMESTAMP '2020-01-01 00:00:00' END)
         WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'json');
         CREATE VIEW bids AS SELECT bid.price AS price, bid.url AS url, at FROM events WHERE kind = 2;",
        file.display()
    );
    let explained = wasmill(&["explain", "-e", &format!("{tables} SELECT price, at FROM bids")]);
    assert!(text(&explained.stdout).contains("Source events (kind, bid[price, at])"), "{}", text(&explained.stdout));
    let rows = |query: &str| {
        let output = wasmill(&["run", "-q", "--output", "csv", "-e", &format!("{tables} {query}")]);
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(rows("SELECT price, at FROM bids"), ["5,2020-01-01 00:00:01.000", ",", ","]);
    // As a whole, and whether it is there at all.
    assert_eq!(rows("SELECT kind FROM events WHERE bid IS NULL"), ["1", "2"]);
    assert_eq!(rows("SELECT bid, bid.price FROM events WHERE kind = 1"), [","]);
    let whole = rows("SELECT bid, url FROM (SELECT bid, bid.url AS url FROM events) WHERE url = 'b'");
    assert_eq!(whole, ["\"(NULL, b, NULL)\",b"]);
}

#[test]
fn a_file_has_the_columns_of_its_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.jsonl");
    let sql = format!(
        "CREATE TABLE written (id INT, name STRING) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'json');
         INSERT INTO written SELECT 1 + 1, UPPER('a')",
        file.display()
    );
    let output = wasmill(&["run", "-q", "-e", &sql]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(std::fs::read_to_string(&file).expect("the rows"), "{\"id\":2,\"name\":\"A\"}\n");
}
