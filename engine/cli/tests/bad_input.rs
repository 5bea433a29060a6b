//! Every kind of bad input, as a user meets it: the exit code, what is said, and that nothing that was accepted is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder, and the binary run in it.
struct Place {
    folder: tempfile::TempDir,
}

/// How a run ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        files.iter().for_each(|(name, text)| place.write(name, text));
        place
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmill"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
    fn run(&self, sql: &str) -> Ended {
        ended(self.command(&["run", "-q", "-e", sql]).output().expect("the binary starts"))
    }
    /// Fails with that code, says all of `parts`, and does not panic.
    fn fails(&self, code: i32, sql: &str, parts: &[&str]) -> Ended {
        let ended = self.run(sql);
        assert!(!ended.stderr.contains("panicked"), "{sql}\n{}", ended.stderr);
        for part in parts {
            assert!(ended.stderr.contains(part), "{sql}\nlacks: {part}\n{}", ended.stderr);
        }
        assert_eq!(ended.code, Some(code), "{sql}\n{}", ended.stderr);
        ended
    }
    fn gives(&self, sql: &str, rows: &str) {
        let ended = self.run(sql);
        assert_eq!(ended.code, Some(0), "{sql}\n{}", ended.stderr);
        assert_eq!(ended.stdout, rows, "{sql}");
    }
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// `CREATE TABLE t (columns) WITH (filesystem, path, format, more)`.
fn table(name: &str, columns: &str, path: &str, format: &str, more: &str) -> String {
    format!(
        "CREATE TABLE {name} ({columns}) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = '{format}'{more});\n"
    )
}

const LETTERS: &str = "source STRING, place STRING, reason STRING, raw BYTES";

#[test]
fn names_and_options_that_do_not_exist() {
    let place = Place::new(&[("in.csv", "1,a\n")]);
    let t = table("events", "id INT, name STRING", "in.csv", "csv", "");
    place.fails(
        2,
        "SELCT 1",
        &["error: expected a statement, found 'SELCT'", "hint: did you mean SELECT?", "  1 | SELCT 1"],
    );
    place.fails(2, "SELECT * FROM event", &["error: unknown table 'event'"]);
    place.fails(2, &format!("{t}SELECT * FROM event"), &["unknown table 'event'", "did you mean 'events'?", "^^^^^"]);
    place.fails(2, &format!("{t}SELECT nam FROM events"), &["column 'nam' not found", "did you mean 'name'?", "^^^"]);
    place.fails(2, &format!("{t}SELECT UPPR(name) FROM events"), &["UPPR", "did you mean", "UPPER", "^^^^"]);
    place.fails(2, &format!("{t}SELECT id + name FROM events"), &["error: ", "^"]);
    place.fails(
        2,
        &format!("{t}SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(id), INTERVAL '1' HOUR)) GROUP BY window_start, window_end"),
        &["error: ", "WATERMARK", "^^"],
    );
    let with = |options: &str| format!("CREATE TABLE t (id INT) WITH ({options})");
    let file = "'connector' = 'filesystem', 'path' = 'x', 'format' = 'json'";
    for (options, parts) in [
        (
            format!("{file}, 'json.ignore-parse-error' = 'true'"),
            ["no option 'json.ignore-parse-error'", "did you mean 'json.ignore-parse-errors'?"],
        ),
        (
            format!("{file}, 'json.ignore-parse-errors' = 'yes'"),
            ["'yes' is not a value of option 'json.ignore-parse-errors'", "use 'true' or 'false'"],
        ),
        (
            format!("{file}, 'on-error' = 'ignore'"),
            ["'ignore' is not a value of option 'on-error'", "'dead-letter:TABLE'"],
        ),
        (format!("{file}, 'record.max-size' = 'big'"), ["'big' is not a value", "'16 mb'"]),
        (format!("{file}, 'source.monitor-interval' = 'soon'"), ["'soon' is not a value", "'1 s'"]),
        (format!("{file}, 'replay.speed' = '-1'"), ["'-1' is not a value", "at least 0"]),
        (
            "'connector' = 'filesystm'".to_owned(),
            ["connector 'filesystm' is not supported", "did you mean 'filesystem'?"],
        ),
        ("'connector' = 'filesystem', 'format' = 'json'".to_owned(), ["option 'path' is missing", "add 'path'"]),
        (
            "'connector' = 'filesystem', 'path' = 'x'".to_owned(),
            ["option 'format' is missing", "add 'format' = 'json'"],
        ),
        (
            "'connector' = 'filesystem', 'path' = 'x', 'format' = 'jsn'".to_owned(),
            ["format 'jsn' is not supported", "did you mean 'json'?"],
        ),
        ("'path' = 'x'".to_owned(), ["has no option 'connector'", "the connectors are"]),
        (
            "'connector' = 'filesystem', 'path' = 's3://b/x', 'format' = 'json'".to_owned(),
            ["scheme 's3'", "local path"],
        ),
    ] {
        place.fails(2, &with(&options), &[parts[0], parts[1], "  1 | "]);
    }
    let types = [
        ("m MAP<INT, INT>", "json", "keys of type STRING"),
        ("m MAP<STRING, INT>", "csv", "CSV has no MAP"),
        ("a ARRAY<ARRAY<INT>>", "csv", "holds no other"),
        ("i INTERVAL DAY TO SECOND", "parquet", "no INTERVAL DAY TO SECOND"),
        ("a INT", "raw", "exactly one column of type STRING or BYTES"),
    ];
    for (column, format, part) in types {
        place.fails(2, &table("t", column, "x", format, ""), &[part]);
    }
    place.fails(2, "SET 'parallelism.defalt' = '2'", &["unknown setting", "parallelism.default"]);
}

#[test]
fn input_that_is_not_there_or_cannot_be_read() {
    let place = Place::new(&[("payments.csv", "1\n"), ("file", "1\n"), ("empty/.keep", "")]);
    let read = |path: &str| format!("{}SELECT * FROM t", table("t", "id INT", path, "csv", ""));
    place.fails(1, &read("payment.csv"), &["'payment.csv' does not exist; did you mean './payments.csv'?"]);
    place.fails(1, &read("no/such/file.csv"), &["does not exist: there is no 'no'"]);
    place.fails(1, &read("*.json"), &["no file matches '*.json'"]);
    place.fails(1, &read("file/below"), &["cannot open 'file/below'"]);
    place.fails(2, &read("[.csv"), &["'[.csv' is no valid glob"]);
    place.gives(&read("empty"), "id\n");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", place.path("empty/dangling.csv")).expect("a link");
        place.fails(1, &read("empty"), &["dangling.csv' does not exist"]);
    }
    let missing = ended(place.command(&["run", "no.sql"]).output().expect("the binary starts"));
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("no.sql"), "{}", missing.stderr);
    let folder = ended(place.command(&["run", "empty"]).output().expect("the binary starts"));
    assert_eq!(folder.code, Some(2), "{}", folder.stderr);
}

/// As root nothing is forbidden, so the binary runs as nobody.
#[cfg(unix)]
#[test]
fn folders_that_may_not_be_read_or_written() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    let place = Place::new(&[("closed/in.csv", "1\n"), ("closed.csv", "1\n"), ("open.csv", "1\n"), ("full/.keep", "")]);
    let mode =
        |name: &str, mode| fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
    let is_root = fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    let binary = place.path("wasmill");
    fs::copy(env!("CARGO_BIN_EXE_wasmill"), &binary).expect("a copy");
    mode(".", 0o755);
    mode("closed", 0o000);
    mode("closed.csv", 0o000);
    mode("full", 0o555);
    let run = |sql: &str| {
        let mut command = Command::new(&binary);
        command.args(["run", "-q", "-e", sql]).current_dir(place.folder.path()).env("HOME", "/nonexistent");
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        ended(command.output().expect("the binary starts"))
    };
    let read = |path: &str| run(&format!("{}SELECT * FROM t", table("t", "id INT", path, "csv", "")));
    for (path, part) in [("closed", "cannot read folder 'closed'"), ("closed.csv", "cannot open 'closed.csv'")] {
        let ended = read(path);
        assert!(ended.stderr.contains(part) && ended.stderr.contains("Permission denied"), "{path}: {}", ended.stderr);
        assert_eq!(ended.code, Some(1));
    }
    assert_eq!(read("open.csv").stdout, "id\n1\n");
    for path in ["full/out.csv", "full/parts"] {
        let ended = run(&format!("{}INSERT INTO t VALUES (1)", table("t", "id INT", path, "csv", "")));
        assert!(
            ended.stderr.contains("cannot write") && ended.stderr.contains("Permission denied"),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.code, Some(1));
    }
    mode("closed", 0o755);
}

#[test]
fn output_that_cannot_be_written() {
    let place = Place::new(&[("file", "x"), ("in.csv", "1\n2\n")]);
    let write = |path: &str| format!("{}INSERT INTO t VALUES (1)", table("t", "id INT", path, "csv", ""));
    place.fails(1, &write("file/out.csv"), &["cannot write", "file"]);
    place.fails(1, &write("/proc/out.csv"), &["cannot write"]);
    place.fails(2, &write("/dev/null"), &["no regular file", "blackhole"]);
    place.fails(2, &write("out*.csv"), &["is a glob"]);
    assert!(Path::new("/dev/null").metadata().is_ok_and(|m| !m.is_file()));
    let both = format!(
        "{}{}EXECUTE STATEMENT SET BEGIN INSERT INTO a VALUES (1); INSERT INTO b VALUES (2); END",
        table("a", "id INT", "out.csv", "csv", ""),
        table("b", "id INT", "./out.csv", "csv", "")
    );
    place.fails(2, &both, &["tables 'a' and 'b' both write"]);
    let twice = format!(
        "{}EXECUTE STATEMENT SET BEGIN INSERT INTO a VALUES (1); INSERT INTO a VALUES (2); END",
        table("a", "id INT", "out.csv", "csv", "")
    );
    place.gives(&twice, "");
    assert_eq!(place.read("out.csv"), "1\n2\n");
    // A file that is read may be written: it is replaced when the job ends.
    place.gives(&format!("{}INSERT INTO t SELECT id + 10 FROM t", table("t", "id INT", "in.csv", "csv", "")), "");
    assert_eq!(place.read("in.csv"), "11\n12\n");
    let follow = format!(
        "{}{}INSERT INTO b SELECT * FROM a",
        table("a", "id INT", "folder", "csv", ", 'source.monitor-interval' = '1 s'"),
        table("b", "id INT", "folder/below", "csv", "")
    );
    place.fails(2, &follow, &["would read its own rows for ever"]);
    place.fails(
        2,
        &format!("{}INSERT INTO t SELECT 'x', 1", table("t", "id INT", "o", "csv", "")),
        &["gives 2 columns"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_a_reader_that_leaves() {
    let place = Place::new(&[]);
    let shell = |script: &str| {
        let script = script.replace("wasmill", env!("CARGO_BIN_EXE_wasmill"));
        let mut command = Command::new("bash");
        ended(command.args(["-c", &script]).current_dir(place.folder.path()).output().expect("bash starts"))
    };
    let rows = "CREATE TABLE g (id INT, s STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '200000', 'rows-per-second' = '100000000');";
    let sinks = [
        "SELECT * FROM g",
        "CREATE TABLE p (id INT, s STRING) WITH ('connector' = 'print'); INSERT INTO p SELECT * FROM g",
        "CREATE TABLE o (id INT, s STRING) WITH ('connector' = 'stdout', 'format' = 'json'); INSERT INTO o SELECT * FROM g",
    ];
    for sink in sinks {
        let full = shell(&format!("wasmill run -q -e \"{rows}{sink}\" > /dev/full"));
        assert!(
            full.stderr.contains("standard output")
                && ["No space left", "the disk is full"].iter().any(|p| full.stderr.contains(p)),
            "{sink}: {}",
            full.stderr
        );
        assert_eq!(full.code, Some(1), "{sink}");
        let left = shell(&format!("set -o pipefail; wasmill run -q -e \"{rows}{sink}\" | head -n 1 | wc -l"));
        assert_eq!((left.code, left.stdout.trim(), left.stderr.as_str()), (Some(0), "1", ""), "{sink}");
    }
    for format in ["csv", "json", "parquet"] {
        let sink = table("t", "id INT, s STRING", &format!("out.{format}"), format, "");
        let full = shell(&format!("ulimit -f 100; wasmill run -q -e \"{rows}{sink}INSERT INTO t SELECT * FROM g\""));
        assert!(
            full.stderr.contains(&format!("cannot write 'out.{format}'")) && full.stderr.contains("File too large"),
            "{format}: {}",
            full.stderr
        );
        assert_eq!(full.code, Some(1), "{format}");
        assert!(!place.path(&format!("out.{format}")).exists(), "a half-written file is never seen");
    }
}

#[test]
fn rows_that_cannot_be_decoded() {
    let place = Place::new(&[("in.json", "{\"id\":1}\n{\"id\":\"x\"}\nrubbish\n{\"id\":4}\n")]);
    place.write("bytes.json", b"{\"id\":1,\"s\":\"\xff\"}\n{\"id\":2}\n");
    let t = |more: &str| table("t", "id BIGINT, s STRING", "in.json", "json", more);
    let failed = place.fails(
        1,
        &format!("{}SELECT id FROM t", t("")),
        &[
            "error: a row of table 't' cannot be decoded: field 'id': 'x' is not a BIGINT",
            "'on-error' = 'skip'",
            "detail: at in.json:2",
        ],
    );
    assert_eq!(failed.stdout, "id\n1\n", "the rows before are given");
    place.gives(&format!("{}SELECT id FROM t", t(", 'on-error' = 'skip'")), "id\n1\n4\n");
    let counted = ended(
        place
            .command(&["run", "-e", &format!("{}SELECT id FROM t", t(", 'on-error' = 'skip'"))])
            .output()
            .expect("starts"),
    );
    assert!(counted.stderr.contains("2 rejected"), "{}", counted.stderr);
    place.fails(
        1,
        &format!("{}SELECT id, s FROM b", table("b", "id BIGINT, s STRING", "bytes.json", "json", "")),
        &["invalid UTF-8 at byte 14", "bytes.json:1"],
    );
    let time = table("t", "at TIMESTAMP(3)", "time.csv", "csv", "");
    for text in ["999999999-01-01 00:00:00", "2020-02-30 00:00:00", "2020-01-01 25:00:00", "soon"] {
        place.write("time.csv", text);
        place.fails(1, &format!("{time}SELECT * FROM t"), &[text, "is not a TIMESTAMP", "time.csv:1"]);
    }
    place.write("nano.csv", "9999-01-01 00:00:00\n");
    let nano = table("t", "at TIMESTAMP(9)", "nano.csv", "csv", "");
    place.fails(1, &format!("{nano}SELECT * FROM t"), &["9999-01-01 00:00:00", "nano.csv:1"]);
    // A NULL in the time attribute.
    place.write("null.csv", "\n");
    let null = "CREATE TABLE t (at TIMESTAMP(3), x INT, WATERMARK FOR at AS at) WITH ('connector' = 'filesystem', 'path' = 'null.csv', 'format' = 'csv');";
    place.write("null.csv", ",1\n");
    place.fails(1, &format!("{null}SELECT * FROM t"), &["column 'at' is the time attribute"]);
}

#[test]
fn rows_for_the_dead_letter_table() {
    let place = Place::new(&[("in.json", "{\"id\":1}\n{\"id\":\"x\"}\nrubbish\n{\"id\":4}\n")]);
    place.write("bytes.json", b"{\"id\":1,\"s\":\"\xff\"}\n");
    let t = |path: &str, letters: &str| {
        table("t", "id BIGINT, s STRING", path, "json", &format!(", 'on-error' = 'dead-letter:{letters}'"))
    };
    let bad = table("bad", LETTERS, "bad.json", "json", "");
    place.gives(&format!("{}{bad}SELECT id FROM t", t("in.json", "bad")), "id\n1\n4\n");
    assert_eq!(
        place.read("bad.json"),
        "{\"source\":\"t\",\"place\":\"in.json:2\",\"reason\":\"field 'id': 'x' is not a BIGINT\",\"raw\":\"eyJpZCI6IngifQ==\"}\n\
         {\"source\":\"t\",\"place\":\"in.json:3\",\"reason\":\"invalid JSON at byte 1: expected an object\",\"raw\":\"cnViYmlzaA==\"}\n"
    );
    // Some of the columns, in another order, raw as text.
    let some = table("bad", "raw STRING, place STRING", "some.csv", "csv", "");
    place.gives(&format!("{}{some}SELECT id FROM t", t("bytes.json", "bad")), "id\n");
    assert_eq!(place.read("some.csv"), "\"{\"\"id\"\":1,\"\"s\"\":\"\"\u{fffd}\"\"}\",bytes.json:1\n");
    // An INSERT into the same table.
    let both =
        format!("{}{bad}INSERT INTO bad SELECT 'me', 'here', s, CAST(NULL AS BYTES) FROM t", t("in.json", "bad"));
    place.gives(&both, "");
    assert_eq!(place.read("bad.json").lines().count(), 4);
    // At several instances, with checkpoints.
    let set = "SET 'parallelism.default' = '3'; SET 'execution.checkpointing.interval' = '10 ms';";
    place.gives(&format!("{set}{}{bad}SELECT id FROM t", t("in.json", "bad")), "id\n1\n4\n");
    assert_eq!(place.read("bad.json").lines().count(), 2);

    place.fails(
        2,
        &format!("{}SELECT id FROM t", t("in.json", "bad")),
        &["the dead-letter table of 't', 'bad', does not exist", "CREATE TABLE `bad` (source STRING"],
    );
    place.fails(
        2,
        &format!("{}{bad}SELECT id FROM t", t("in.json", "bda")),
        &["'bda', does not exist", "did you mean 'bad'?"],
    );
    let other = table("bad", "place STRING, line INT", "x.json", "json", "");
    place.fails(
        2,
        &format!("{}{other}SELECT id FROM t", t("in.json", "bad")),
        &["has a column 'line', which dead letters lack", "takes the columns"],
    );
    let typed = table("bad", "place INT", "x.json", "json", "");
    place.fails(
        2,
        &format!("{}{typed}SELECT id FROM t", t("in.json", "bad")),
        &["column 'place' of type INT", "dead letters have"],
    );
    let source = "CREATE TABLE bad (raw STRING) WITH ('connector' = 'datagen');";
    place.fails(
        2,
        &format!("{}{source}SELECT id FROM t", t("in.json", "bad")),
        &["the dead-letter table of 't'", "cannot be written"],
    );
    let unwritable = table("bad", LETTERS, "in.json/x.json", "json", "");
    place.fails(
        1,
        &format!("{}{unwritable}SELECT id FROM t", t("in.json", "bad")),
        &["dead letters cannot be written to 'bad'", "in.json"],
    );
    let lookup = format!(
        "{}{bad}SELECT * FROM (VALUES (CAST(1 AS BIGINT))) AS v (k) JOIN t FOR SYSTEM_TIME AS OF PROCTIME() ON k = t.id",
        t("in.json", "bad")
    );
    place.fails(2, &lookup, &["held in memory", "'on-error' = 'skip'"]);
}

#[test]
fn files_that_break_off_or_have_another_schema() {
    let place = Place::new(&[("plain.json.gz", "{\"id\":1}\n")]);
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/parquet");
    let parquet = fs::read(corpus.join("plain.parquet")).expect("an example");
    place.write("whole.parquet", &parquet);
    place.write("short.parquet", &parquet[..parquet.len() / 2]);
    place.write("footer.parquet", [&parquet[..parquet.len() - 100], &[7; 100]].concat());
    place.write("empty.parquet", "");
    let text: String = (0..50_000).map(|i| format!("{{\"id\":{i}}}\n")).collect();
    place.write("plain.json", &text);
    let shell = Command::new("bash")
        .args(["-c", "gzip -k plain.json -c > whole.json.gz; head -c 40000 whole.json.gz > short.json.gz; cat whole.json.gz whole.json.gz > two.json.gz; cp whole.json.gz named.txt"])
        .current_dir(place.folder.path())
        .status();
    assert!(shell.is_ok_and(|s| s.success()));
    let json = |path: &str| format!("{}SELECT COUNT(*) AS n FROM t", table("t", "id BIGINT", path, "json", ""));
    let rows = |path: &str| format!("{}SELECT id FROM t", table("t", "id BIGINT", path, "json", ""));
    let last = |sql: &str| place.run(sql).stdout.lines().last().unwrap_or_default().to_owned();
    assert_eq!(last(&json("whole.json.gz")), "+U,50000");
    assert_eq!(last(&json("two.json.gz")), "+U,100000", "all members are read");
    assert_eq!(last(&json("named.txt")), "+U,50000", "compressed files are known by their bytes");
    let short = place.fails(1, &rows("short.json.gz"), &["the file is truncated", "short.json.gz:"]);
    assert!(short.stdout.lines().count() > 1000, "the rows before are given");
    place.fails(1, &rows("plain.json.gz"), &["is not compressed as its name says"]);

    let column = |columns: &str, path: &str| format!("{}SELECT * FROM t", table("t", columns, path, "parquet", ""));
    place.gives(&column("a BIGINT, b STRING", "whole.parquet"), "a,b\n1,x\n,\n-5,é\n");
    // What Arrow says about the columns in its own metadata is damaged: it is not needed.
    place.write("schema.parquet", fs::read(corpus.join("arrow-schema-of-unknown-width.parquet")).expect("an example"));
    place.gives(&column("a BIGINT", "schema.parquet"), "a\n1\n\n-5\n");
    for (columns, path, parts) in [
        ("a INT", "whole.parquet", ["column 'a' is declared as INT, but the file has Int64", "whole.parquet"]),
        ("bb STRING", "whole.parquet", ["the file has no column 'bb'", "did you mean 'b'?"]),
        ("b BIGINT", "whole.parquet", ["column 'b' is declared as BIGINT", "Utf8"]),
        ("a BIGINT", "short.parquet", ["cannot be read as Parquet", "short.parquet"]),
        ("a BIGINT", "footer.parquet", ["cannot be read as Parquet", "footer.parquet"]),
        ("a BIGINT", "empty.parquet", ["cannot be read as Parquet", "empty.parquet"]),
        ("a BIGINT", "plain.json", ["cannot be read as Parquet", "plain.json"]),
    ] {
        place.fails(1, &column(columns, path), &parts);
    }
}

#[test]
fn headers_and_quotes_of_csv() {
    let place = Place::new(&[]);
    let read = |text: &str, more: &str| {
        place.write("in.csv", text);
        format!("{}SELECT a, b FROM t", table("t", "a INT, b STRING", "in.csv", "csv", more))
    };
    let header = ", 'csv.header' = 'true'";
    place.gives(&read("\u{feff}b,a\nx,1\n", header), "a,b\n1,x\n");
    place.gives(&read("\u{feff}1,x\r\n2,y\r\n", ""), "a,b\n1,x\n2,y\n");
    place.gives(&read("1,\"x\ny\"\n2,\"a\"\"b\"\n", ""), "a,b\n1,\"x\ny\"\n2,\"a\"\"b\"\n");
    place.fails(1, &read("b,aa\nx,1\n", header), &["the header has no column 'a'", "did you mean 'aa'?", "in.csv:1"]);
    place.fails(1, &read("1,x,3\n", ""), &["the row has 3 fields, the table has 2", "in.csv:1"]);
    place.fails(1, &read("1,x\n2\n", ""), &["the row has 1 field, the table has 2", "in.csv:2"]);
    place.fails(1, &read("1,\"x\n2,y\n", ""), &["in.csv:1"]);
    place.fails(1, &read("x,x\n", ""), &["field 'a': 'x' is not an INT", "in.csv:1"]);
}

#[test]
fn a_line_of_100_megabytes() {
    let place = Place::new(&[]);
    let mut text = b"{\"id\":1}\n{\"id\":2,\"s\":\"".to_vec();
    text.resize(100 << 20, b'x');
    text.extend_from_slice(b"\"}\n{\"id\":3}\n");
    place.write("in.json", &text);
    let t = |more: &str| table("t", "id BIGINT, s STRING", "in.json", "json", more);
    place.fails(
        1,
        &format!("{}SELECT id FROM t", t("")),
        &["longer than 16777216 bytes ('record.max-size')", "in.json:2"],
    );
    place.gives(&format!("{}SELECT id FROM t", t(", 'on-error' = 'skip'")), "id\n1\n3\n");
    place.gives(
        &format!("{}SELECT id, CHAR_LENGTH(s) AS n FROM t WHERE id = 2", t(", 'record.max-size' = '200 mb'")),
        &format!("id,n\n2,{}\n", (100 << 20) - 22),
    );
}

#[test]
fn a_followed_stream_is_stopped_by_ctrl_c_and_loses_nothing() {
    let place = Place::new(&[("in/a.json", "{\"id\":1}\n{\"id\":2}\n{\"id\":")]);
    let sql = format!(
        "{}{}INSERT INTO o SELECT id FROM t",
        table("t", "id INT", "in", "json", ", 'source.monitor-interval' = '10 ms'"),
        table("o", "id INT", "out.json", "json", "")
    );
    let child = place.command(&["run", "-e", &sql]).stderr(Stdio::piped()).spawn().expect("the binary starts");
    // The hidden folder of parts is there once rows were written.
    let parts = place.path(".out.json.parts");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !parts.exists() {
        assert!(std::time::Instant::now() < until, "no rows are written");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    let ended = ended(child.wait_with_output().expect("an end"));
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert_eq!(place.read("out.json"), "{\"id\":1}\n{\"id\":2}\n");
    assert!(ended.stderr.contains("stopped: 2 rows in, 2 out"), "{}", ended.stderr);
}

#[test]
fn modules_that_are_wrong_or_hostile() {
    let place = Place::new(&[("text.wasm", "not a module"), ("empty.wasm", ""), ("folder/x", "")]);
    let module = |name: &str, text: &str| place.write(name, wat::parse_str(text).expect("a module"));
    module(
        "f.wasm",
        r#"(module
          (func (export "twice") (param f64) (result f64) (f64.add (local.get 0) (local.get 0)))
          (func (export "trap") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
          (func (export "spin") (param i32) (result i32)
            (if (i32.eq (local.get 0) (i32.const 2)) (then (loop $l (br $l)))) (local.get 0))
          (func $deep (export "deep") (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1))))"#,
    );
    module(
        "eats.wasm",
        r#"(module (memory 1) (func (export "eats") (param i32) (result i32)
          (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable))"#,
    );
    module(
        "imports.wasm",
        r#"(module (import "env" "now" (func (result i64))) (func (export "f") (result i64) (call 0)))"#,
    );
    let valid = fs::read(place.path("f.wasm")).expect("the module");
    place.write("cut.wasm", &valid[..valid.len() - 20]);

    let create = |signature: &str, more: &str| format!("CREATE FUNCTION {signature} LANGUAGE WASM {more};");
    let fails = |signature: &str, more: &str, parts: &[&str]| place.fails(2, &create(signature, more), parts);
    fails("f(a INT) RETURNS INT", "USING FILE 'no.wasm'", &["no.wasm", "  1 | CREATE FUNCTION"]);
    fails("f(a INT) RETURNS INT", "USING FILE 'folder'", &["folder", "^^^"]);
    fails("f(a INT) RETURNS INT", "USING FILE 'text.wasm'", &["text.wasm", "^^^"]);
    fails("f(a INT) RETURNS INT", "USING FILE 'empty.wasm'", &["empty.wasm", "empty"]);
    fails("f(a INT) RETURNS INT", "USING FILE 'cut.wasm'", &["cut.wasm"]);
    fails("twise(a DOUBLE) RETURNS DOUBLE", "USING FILE 'f.wasm'", &["twise", "twice"]);
    fails("twice(a DOUBLE, b DOUBLE) RETURNS DOUBLE", "USING FILE 'f.wasm'", &["twice", "f64"]);
    fails("twice(a STRING) RETURNS DOUBLE", "USING FILE 'f.wasm'", &["twice", "STRING"]);
    fails("twice(a DOUBLE) RETURNS INT", "USING FILE 'f.wasm'", &["twice", "INT"]);
    fails("f() RETURNS BIGINT", "USING FILE 'imports.wasm'", &["env", "now"]);
    fails(
        "twice(a DOUBLE) RETURNS DOUBLE",
        "USING FILE 'f.wasm' WITH ('memory.maks' = '1MB')",
        &["memory.maks", "did you mean 'memory.max'?", "^^^"],
    );
    fails(
        "twice(a DOUBLE) RETURNS DOUBLE",
        "USING FILE 'f.wasm' WITH ('timeout' = 'long')",
        &["timeout", "long", "^^^"],
    );
    fails("twice(a DOUBLE) RETURNS DOUBLE", "USING FILE 'f.wasm' WITH ('sha256' = '00')", &["sha256"]);

    let run = |name: &str, file: &str, with: &str, values: &str| {
        let create = create(&format!("{name}(a INT) RETURNS INT"), &format!("USING FILE '{file}' WITH ({with})"));
        format!("{create} SELECT a, {name}(a) AS r FROM (VALUES {values}) AS t (a)")
    };
    let trapped = place.fails(
        1,
        &run("trap", "f.wasm", "'timeout' = '1s'", "(1), (0), (2)"),
        &["function 'trap'", "a = 0", "f.wasm"],
    );
    assert!(!trapped.stderr.contains("0x"), "no addresses: {}", trapped.stderr);
    place.gives(&run("trap", "f.wasm", "'on-error' = 'null'", "(1), (0), (-1)"), "a,r\n1,1\n0,\n-1,-1\n");
    place.fails(
        1,
        &run("spin", "f.wasm", "'timeout' = '50 ms'", "(1), (2), (3)"),
        &["function 'spin'", "a = 2", "'timeout' = '50 ms'"],
    );
    place.gives(
        &run("spin", "f.wasm", "'timeout' = '50 ms', 'on-error' = 'null'", "(1), (2), (3)"),
        "a,r\n1,1\n2,\n3,3\n",
    );
    place.fails(1, &run("deep", "f.wasm", "'timeout' = '1s'", "(1)"), &["function 'deep'", "stack"]);
    place.fails(1, &run("eats", "eats.wasm", "'memory.max' = '8MB'", "(1)"), &["function 'eats'", "memory"]);
    // The script ends at the first statement that fails: what came before is done.
    let before =
        place.fails(2, &format!("SELECT 1 AS x; {}", create("f() RETURNS INT", "USING FILE 'no.wasm'")), &["no.wasm"]);
    assert_eq!(before.stdout, "x\n1\n");
}

#[test]
fn statements_of_any_depth_and_length_run_or_are_refused() {
    let place = Place::new(&[("in.csv", "1\n2\n")]);
    let t = table("t", "id INT", "in.csv", "csv", "");
    let many = |n: usize, one: &str| one.repeat(n);
    place.gives(&format!("{t}SELECT id FROM t WHERE id = 1{}", many(3000, " OR id = 3")), "id\n1\n");
    place.gives(&format!("{t}SELECT id{} AS x FROM t", many(3000, " + id")), "x\n3001\n6002\n");
    place.gives(&format!("{t}SELECT {}id{} AS x FROM t", many(60, "ABS("), many(60, ")")), "x\n1\n2\n");
    place.fails(2, &format!("SELECT {}1{}", many(9000, "("), many(9000, ")")), &["nests too deep"]);
    place.gives(&format!("SELECT CHAR_LENGTH('{}') AS n", many(100_000, "x")), "n\n100000\n");
}
