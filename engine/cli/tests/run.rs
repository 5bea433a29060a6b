//! The binary from outside: what goes to which stream, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn wasmill(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wasmill")).args(args).output().expect("the binary starts")
}

/// Started with pipes for all its streams.
fn start(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_wasmill"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Its exit code, which must come soon, and what it wrote to standard error.
fn end(mut child: Child) -> (Option<i32>, String) {
    let until = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if Instant::now() > until {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::yield_now();
    };
    let mut text = String::new();
    child.stderr.take().expect("standard error").read_to_string(&mut text).expect("UTF-8");
    (status.code(), text)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

const ENDLESS: &str = "CREATE TABLE t (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000'); ";

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
    let output = wasmill(&["run", "-e", "STOP JOB 'a'"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("there is no running job 'a'"), "{}", text(&output.stderr));
}

#[test]
fn a_script_waits_for_its_jobs_in_the_background() {
    let jobs = "SET 'table.dml-sync' = 'false';
        CREATE TABLE n (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000');
        CREATE TABLE endless (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100');
        CREATE TABLE hole (id BIGINT) WITH ('connector' = 'blackhole');
        INSERT INTO hole SELECT id FROM endless;
        INSERT INTO hole SELECT id FROM n;
        SHOW JOBS; STOP JOB '1';";
    let output = wasmill(&["run", "-o", "json", "-e", jobs]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (rows, told) = (text(&output.stdout), text(&output.stderr));
    assert!(rows.starts_with("{\"job id\":\"1\"}\n{\"job id\":\"2\"}\n"), "{rows}");
    assert!(rows.contains("\"status\":\"RUNNING\""), "{rows}");
    assert!(told.contains("job 2 done: 1,000 rows in"), "{told}");
    // One that fails is the exit code of the script, which goes on.
    let fails = "SET 'table.dml-sync' = 'false'; CREATE TABLE hole (id INT) WITH ('connector' = 'blackhole');
        INSERT INTO hole SELECT CAST(x AS INT) FROM (VALUES ('a')) AS t (x);";
    let output = wasmill(&["run", "-e", fails]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("error: job 1 (insert into hole) failed"), "{}", text(&output.stderr));
    assert_eq!(wasmill(&["check", "-e", jobs]).status.code(), Some(0));
}

#[test]
fn functions_show_their_limits_and_what_they_used() {
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/nexmark/function/count_char.wasm");
    let script = format!(
        "CREATE FUNCTION count_char(s STRING, c STRING) RETURNS BIGINT LANGUAGE WASM USING FILE '{module}'
           WITH ('timeout' = '2 s');
         CREATE TABLE hole (n BIGINT) WITH ('connector' = 'blackhole');
         INSERT INTO hole SELECT count_char(x, 'a') FROM (VALUES ('banana'), ('b'), ('c')) AS t (x);
         SHOW USER FUNCTIONS; DESCRIBE FUNCTION count_char;"
    );
    let output = wasmill(&["run", "-o", "json", "-e", &script]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for part in ["\"timeout\":\"2000 ms\"", "\"kind\":\"scalar function\"", "\"rows\":\"3\"", "\"calls\":\"1\""] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(shown.contains("{\"info name\":\"module sha256\",\"info value\":\""), "{shown}");
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
}

#[test]
fn check_and_explain_plan_and_run_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = folder.path().join("out.csv");
    let script = format!(
        "CREATE TABLE out (n INT) WITH ('connector' = 'filesystem', 'path' = '{}', 'format' = 'csv');
        INSERT INTO out SELECT 1;
        SELECT 1 AS n WHERE TRUE",
        target.display()
    );
    let path = folder.path().join("job.sql");
    std::fs::write(&path, script).expect("the script");
    let path = path.to_str().expect("a path");
    let checked = wasmill(&["check", path]);
    assert_eq!((checked.status.code(), text(&checked.stdout)), (Some(0), ""));
    assert_eq!(text(&checked.stderr), "no mistake found in 3 statements, 2 jobs planned\n");
    let plan = wasmill(&["explain", path]);
    let plans = text(&plan.stdout);
    assert!(plans.starts_with("-- INSERT INTO out SELECT 1\nSink out"), "{plans}");
    assert!(plans.contains("\n\n-- SELECT 1 AS n WHERE TRUE\nSink rows to the caller"), "{plans}");
    assert_eq!((plan.status.code(), text(&plan.stderr)), (Some(0), ""));
    assert!(!target.exists());
    let one = wasmill(&["explain", "-e", "SELECT 1 AS n"]);
    assert!(text(&one.stdout).starts_with("Sink rows to the caller"), "{}", text(&one.stdout));
}

#[test]
fn statements_on_standard_input_run_as_they_arrive() {
    let mut child = start(&["-q", "--output", "csv"]);
    let mut input = child.stdin.take().expect("standard input");
    let mut lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
    let mut line = || lines.next().expect("a line").expect("UTF-8");
    input.write_all(b"SELECT 1\n  AS one; -- the first\n").expect("a write");
    assert_eq!((line(), line()), ("one".to_owned(), "1".to_owned()), "before the second is there");
    input.write_all(b"SELECT 2 AS two;\nSELECT * FROM nothing;\nSELECT 3;\n").expect("a write");
    drop(input);
    assert_eq!((line(), line()), ("two".to_owned(), "2".to_owned()));
    let (code, errors) = end(child);
    assert_eq!(code, Some(2), "the first mistake ends it");
    assert!(errors.contains("\n  4 | SELECT * FROM nothing;\n"), "{errors}");
}

#[test]
fn help_has_examples() {
    let help = wasmill(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for word in ["Examples:", "wasmill run job.sql", "wasmill check", "Exit code"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
    assert!(text(&wasmill(&["run", "--help"]).stdout).contains("wasmill run -e"));
    let wrong = wasmill(&["job.sql"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("wasmill run job.sql"), "{}", text(&wrong.stderr));
}

#[test]
fn rows_of_tables_are_summed_up_on_standard_error() {
    let script = "CREATE TABLE a (n INT) WITH ('connector' = 'blackhole');
        CREATE TABLE b (n INT) WITH ('connector' = 'blackhole');
        CREATE VIEW v AS SELECT * FROM (VALUES (1), (2), (3)) AS t (n);
        EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT n FROM v; INSERT INTO b SELECT n FROM v WHERE n > 2; END";
    let output = wasmill(&["run", "-e", script]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), ""));
    let summary = text(&output.stderr);
    assert!(summary.starts_with("done: "), "{summary}");
    assert!(summary.contains("\n  a  3 rows\n  b  1 row\n"), "{summary}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_what_was_read_and_ends_with_130() {
    let mut child = start(&["run", "--output", "csv", "-e", &format!("{ENDLESS} SELECT id FROM t; SELECT 'not run'")]);
    let mut output = BufReader::new(child.stdout.take().expect("standard output"));
    let mut first = String::new();
    output.read_line(&mut first).expect("a line");
    assert_eq!(first, "id\n");
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("UTF-8");
    assert!(rest.ends_with('\n') && !rest.contains("not run"), "whole rows");
    let (code, errors) = end(child);
    assert_eq!(code, Some(130), "{errors}");
    assert!(errors.contains("stopping: ") && errors.contains("\nstopped: "), "{errors}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut child = start(&["run", "--output", "csv", "-e", &format!("{ENDLESS} SELECT id FROM t")]);
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("standard output")).read_line(&mut first).expect("a line");
    assert_eq!(end(child), (Some(0), String::new()));
    // An insert behind it was not done, which is no success.
    let rest = "CREATE TABLE b (id BIGINT) WITH ('connector' = 'blackhole'); SELECT id FROM t; INSERT INTO b SELECT 1";
    let mut child = start(&["run", "--output", "csv", "-e", &format!("{ENDLESS} {rest}")]);
    BufReader::new(child.stdout.take().expect("standard output")).read_line(&mut first).expect("a line");
    let (code, errors) = end(child);
    assert_eq!(code, Some(1));
    assert!(errors.contains("standard output was closed before the script was done"), "{errors}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_ends_with_1() {
    for query in ["SELECT 1", "SHOW FUNCTIONS"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let output = Command::new(env!("CARGO_BIN_EXE_wasmill"))
            .args(["run", "-e", query])
            .stdout(full)
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stderr), "error: cannot write to standard output: the disk is full\n");
    }
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
