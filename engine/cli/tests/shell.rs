//! The shell as a user sees it: typed into on a pseudo-terminal.

mod terminal;

use std::path::Path;

use terminal::Terminal;

fn shell(state: &Path) -> Terminal {
    let mut shell = Terminal::start(state, state, &[]);
    shell.expect("wasmill> ");
    shell
}

#[test]
fn statements_run_and_mistakes_are_shown_under_the_text() {
    let state = tempfile::tempdir().expect("a folder");
    let mut shell = shell(state.path());
    shell.press("SELECT 1 + 1 AS two;\r");
    shell.expect("| two |");
    shell.expect("|   2 |");
    shell.expect("1 row");
    shell.press("CREATE TABLE payments (id BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '3');\r");
    shell.expect("table payments created, 1 column");
    shell.press("SELECT * FROM paymets;\r");
    shell.expect("error: unknown table 'paymets'");
    shell.expect("^^^^^^^");
    shell.expect("hint: did you mean 'payments'?");
    // Over two lines.
    shell.press("SELECT 40\r");
    shell.expect("      -> ");
    shell.press("+ 2 AS answer;\r");
    shell.expect("| answer |");
    shell.expect("|     42 |");
    shell.press("CREATE TABLE keys (id INT) WITH ('connector' = 'stdin', 'format' = 'csv');\r");
    shell.expect("table keys created");
    shell.press("SELECT * FROM keys;\r");
    shell.expect("error: table 'keys' reads standard input, which is the keyboard here");
    shell.press("quit\r");
    assert_eq!(shell.exit_code(), Some(0));
}

#[test]
fn commands_help_and_completion() {
    let state = tempfile::tempdir().expect("a folder");
    std::fs::write(state.path().join("job.sql"), "SELECT 'from the file' AS t;\nSELECT oops;").expect("a script");
    let mut shell = shell(state.path());
    shell.press("hlep\r");
    shell.expect("hint: did you mean 'help'?");
    shell.press("help\r");
    shell.expect("EMIT ON ARRIVAL");
    shell.expect("nexmark");
    shell.press("help tumble\r");
    shell.expect("TABLE(CUMULATE(TABLE t");
    shell.press("SHOW TAB\t;\r");
    shell.expect("| table name |");
    shell.expect("0 rows");
    shell.press("CREATE VIEW numbers AS SELECT * FROM (VALUES (7)) AS t (lucky_number);\r");
    shell.expect("view numbers created");
    shell.press("SELECT luc\t AS x FROM num\t;\r");
    shell.expect("| 7 |");
    shell.press("source job.sql\r");
    shell.expect("| from the file |");
    shell.expect("  2 | SELECT oops;");
    shell.expect("wasmill> ");
    shell.press("\u{4}");
    assert_eq!(shell.exit_code(), Some(0));
}

#[test]
fn queries_that_change_are_shown_in_place_and_stopped() {
    let state = tempfile::tempdir().expect("a folder");
    let mut shell = shell(state.path());
    shell.press("CREATE TABLE clicks (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '200');\r");
    shell.expect("table clicks created");
    shell.press("SELECT id > 0 AS is_positive, COUNT(*) AS n FROM clicks GROUP BY id > 0;\r");
    shell.expect("is_positive");
    shell.expect("2 rows · ");
    shell.expect("q stops");
    shell.press("q");
    shell.expect("| is_positive |");
    shell.expect("2 rows");
    shell.expect("stopped: ");
    // The same as a changelog, stopped by Ctrl-C.
    shell.press("SET 'sql-client.execution.result-mode' = 'changelog';\r");
    shell.expect("is now 'changelog'");
    shell.press("SELECT COUNT(*) AS n FROM clicks;\r");
    shell.expect("| op |");
    shell.expect("| -U |");
    shell.press("\u{3}");
    shell.expect("stopping");
    shell.expect("stopped: ");
    // INSERT shows its progress in place.
    shell.press("CREATE TABLE hole (id BIGINT) WITH ('connector' = 'blackhole');\r");
    shell.expect("table hole created");
    shell.press("INSERT INTO hole SELECT id FROM clicks;\r");
    shell.expect(" rows in");
    shell.press("\u{3}");
    shell.expect("stopped: ");
    // A query that updates and ends is printed as it ended.
    shell.press("RESET;\r");
    shell.expect("all settings have their defaults");
    shell.press("SELECT COUNT(*) AS n FROM (VALUES (1), (2), (3)) AS t (x);\r");
    shell.expect("| n |");
    shell.expect("| 3 |");
    shell.expect("1 row");
    shell.expect("wasmill> ");
    shell.press("\u{4}");
    assert_eq!(shell.exit_code(), Some(0));
}

#[test]
fn the_history_is_kept_but_for_entries_behind_a_blank() {
    let state = tempfile::tempdir().expect("a folder");
    let mut first = shell(state.path());
    first.press(" SELECT 'secret' AS password;\r");
    first.expect("| secret ");
    first.expect("wasmill> ");
    // Ctrl-C takes back what is typed.
    first.press("SELECT rubbish");
    first.expect("rubbish");
    first.press("\u{3}");
    first.expect("wasmill> ");
    first.press("SELECT 'kept' AS word;\r");
    first.expect("| kept |");
    first.expect("wasmill> ");
    first.press("quit\r");
    assert_eq!(first.exit_code(), Some(0));
    let path = state.path().join("wasmill/history");
    let history = std::fs::read_to_string(&path).expect("a history");
    assert!(history.contains("SELECT 'kept' AS word;"), "{history}");
    assert!(!history.contains("secret") && !history.contains("rubbish"), "{history}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    let mut second = shell(state.path());
    // The last entry is 'quit', the one before it the statement.
    second.press("\u{1b}[A\u{1b}[A\r");
    second.expect("| kept |");
    second.expect("wasmill> ");
    second.press("\u{4}");
    assert_eq!(second.exit_code(), Some(0));
}

#[test]
fn a_wrong_setting_ends_it() {
    let state = tempfile::tempdir().expect("a folder");
    let mut shell = Terminal::start(state.path(), state.path(), &["--set", "paralelism.default=2"]);
    shell.expect("hint: did you mean 'parallelism.default'?");
    assert_eq!(shell.exit_code(), Some(2));
}

#[test]
fn a_job_in_the_background_is_altered_and_stopped() {
    let state = tempfile::tempdir().expect("a folder");
    for (name, sum) in [("v1", 1), ("v2", 2)] {
        let wat = format!(
            "(module (func (export \"f\") (param f64) (result f64) (f64.add (local.get 0) (f64.const {sum}))))"
        );
        let wasm = wat::parse_str(wat).expect("the test's own module");
        std::fs::write(state.path().join(format!("{name}.wasm")), wasm).expect("a module");
    }
    let mut shell = shell(state.path());
    for (typed, shown) in [
        ("CREATE FUNCTION f(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'v1.wasm';", "function f created"),
        ("CREATE TABLE n (x DOUBLE) WITH ('connector' = 'datagen', 'rows-per-second' = '200');", "table n created"),
        ("CREATE TABLE hole (y DOUBLE) WITH ('connector' = 'blackhole');", "table hole created"),
        ("SET 'table.dml-sync' = 'false';", "is now 'false'"),
        ("INSERT INTO hole SELECT f(x) FROM n;", "| job id |"),
        ("ALTER FUNCTION f USING FILE 'v2.wasm';", "in force in job 1 from epoch 2 on"),
        ("ALTER FUNCTION f USING FILE 'v3.wasm';", "v3.wasm"),
        ("SHOW JOBS;", "RUNNING"),
    ] {
        shell.press(typed);
        shell.press("\r");
        shell.expect(shown);
        shell.expect("wasmill> ");
    }
    // Leaving asks.
    shell.press("\u{4}");
    shell.expect("1 job runs in the background: stop and leave? [y/N] ");
    shell.press("n\r");
    shell.expect("wasmill> ");
    shell.press("STOP JOB '1';\r");
    shell.expect("job 1 stopped");
    shell.expect("wasmill> ");
    shell.press("INSERT INTO hole SELECT f(x) FROM n;\r");
    shell.expect("| job id |");
    shell.expect("wasmill> ");
    shell.press("quit\r");
    shell.expect("stop and leave? [y/N] ");
    shell.press("y\r");
    shell.expect("job 2 stopped: ");
    assert_eq!(shell.exit_code(), Some(0));
}
