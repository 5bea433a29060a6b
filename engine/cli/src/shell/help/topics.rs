//! The topics of `help`. Each example is planned by a test, over the tables that the test declares.

/// Something that `help` explains.
pub(super) struct Topic {
    /// Where the overview lists it.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Other names that users may look for.
    pub also: &'static [&'static str],
    /// One line.
    pub summary: &'static str,
    /// How it is written; `[…]` may be left out.
    pub syntax: &'static str,
    /// What else there is to know.
    pub text: &'static str,
    /// SQL that works.
    pub example: &'static str,
}

impl Topic {
    /// All its names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.also.iter().copied())
    }
}

const STATEMENTS: &str = "Statements";
const CLAUSES: &str = "Clauses of queries";
const EXTENSIONS: &str = "Extensions to Flink's SQL";
const SHELL: &str = "The shell";

/// All topics, in the order of the overview.
pub(super) const TOPICS: &[Topic] = &[
    Topic {
        group: STATEMENTS,
        name: "CREATE TABLE",
        also: &["CREATE", "TABLE", "WITH OPTIONS", "WATERMARK", "CREATE TABLE AS", "CREATE TABLE LIKE"],
        summary: "declare a source or sink of rows",
        syntax: "\
CREATE TABLE [IF NOT EXISTS] name (
  column TYPE [NOT NULL],
  column AS expression,
  column TYPE METADATA [FROM 'key'] [VIRTUAL],
  WATERMARK FOR column AS column - INTERVAL '5' SECOND,
  PRIMARY KEY (column) NOT ENFORCED
) WITH ('connector' = '…', 'format' = '…', …)

CREATE TABLE name [WITH (…)] LIKE other
CREATE TABLE name WITH (…) AS SELECT …",
        text: "The watermark says how late rows may come; windows and OVER need it. 'help filesystem' and its kin list options.",
        example: "\
CREATE TABLE transfers (
  id     BIGINT,
  amount DOUBLE,
  at     TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'transfers.csv', 'format' = 'csv', 'csv.header' = 'true');",
    },
    Topic {
        group: STATEMENTS,
        name: "CREATE VIEW",
        also: &["VIEW"],
        summary: "name a query",
        syntax: "CREATE [TEMPORARY] VIEW [IF NOT EXISTS] name [(columns)] AS SELECT …",
        text: "",
        example: "CREATE VIEW small AS SELECT tx_id, amt FROM payments WHERE amt < 10;",
    },
    Topic {
        group: STATEMENTS,
        name: "CREATE FUNCTION",
        also: &["FUNCTION", "WASM"],
        summary: "use a function of a WebAssembly module",
        syntax: "\
CREATE [OR REPLACE] FUNCTION [IF NOT EXISTS] name(argument TYPE, …) RETURNS TYPE
  LANGUAGE WASM [AS 'export'] USING FILE 'module.wasm'
  [WITH ('memory.max' = '64MB', 'timeout' = '1s', 'on-error' = 'fail', 'sha256' = '…')]",
        text: "",
        example: "\
CREATE FUNCTION fraud_score(amount DOUBLE, distance DOUBLE) RETURNS DOUBLE
  LANGUAGE WASM USING FILE 'fraud.wasm';",
    },
    Topic {
        group: STATEMENTS,
        name: "CREATE AGGREGATE FUNCTION",
        also: &["AGGREGATE FUNCTION", "AGGREGATE"],
        summary: "one value for the rows of a group, from a WebAssembly module",
        syntax: "\
CREATE [OR REPLACE] AGGREGATE FUNCTION [IF NOT EXISTS] name(argument TYPE, …) RETURNS TYPE
  LANGUAGE WASM [AS 'export'] USING FILE 'module.wasm' [WITH ('on-error' = 'fail' | 'skip', …)]",
        text: "It stands where built-in aggregates do: in windows, GROUP BY and OVER, with DISTINCT and FILTER.",
        example: "\
CREATE AGGREGATE FUNCTION geo_mean(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'stats.wasm';
SELECT merchant, geo_mean(amt) FROM payments GROUP BY merchant;",
    },
    Topic {
        group: STATEMENTS,
        name: "CREATE TABLE FUNCTION",
        also: &["TABLE FUNCTION", "LATERAL"],
        summary: "any number of rows for each row, from a WebAssembly module",
        syntax: "\
CREATE [OR REPLACE] TABLE FUNCTION [IF NOT EXISTS] name(argument TYPE, …) RETURNS TABLE (column TYPE, …)
  LANGUAGE WASM [AS 'export'] USING FILE 'module.wasm' [WITH ('on-error' = 'fail' | 'skip', …)]",
        text: "",
        example: "\
CREATE TABLE FUNCTION words(line STRING) RETURNS TABLE (word STRING) LANGUAGE WASM USING FILE 'words.wasm';
SELECT tx_id, word FROM payments CROSS JOIN LATERAL TABLE(words(merchant)) AS t (word);",
    },
    Topic {
        group: STATEMENTS,
        name: "CREATE PROCESS FUNCTION",
        also: &["PROCESS FUNCTION", "PROCESS", "STATE", "TIMER"],
        summary: "rows of each key with state and timers, in a WebAssembly module",
        syntax: "\
CREATE [OR REPLACE] PROCESS FUNCTION [IF NOT EXISTS] name(argument TYPE, …) RETURNS TABLE (column TYPE, …)
  [STATE (field TYPE, …)] LANGUAGE WASM [AS 'export'] USING FILE 'module.wasm'
  [WITH ('state.field.ttl' = '1 d', 'on-error' = 'fail' | 'skip', …)]
… FROM name(input => TABLE t [PARTITION BY key] [ORDER BY time] [, argument => value] [, uid => 'name'])",
        text: "Its arguments are the input's columns of their names, or values given by name. With ORDER BY rows come in the order of time and timers between them; without, as they arrive.",
        example: "\
CREATE PROCESS FUNCTION quiet LANGUAGE WASM USING FILE 'quiet.wasm';
SELECT * FROM quiet(input => TABLE payments PARTITION BY merchant ORDER BY at);",
    },
    Topic {
        group: STATEMENTS,
        name: "CREATE MODEL",
        also: &["MODEL", "ML_PREDICT", "PREDICT"],
        summary: "use a model in a WebAssembly module",
        syntax: "\
CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name INPUT (column TYPE, …) OUTPUT (column TYPE, …) [LABEL (column TYPE, …)]
  LANGUAGE WASM [AS 'export'] USING FILE 'module.wasm' [WITH ('artifact' = 'weights.json', …)]
… FROM ML_PREDICT(TABLE t, MODEL name, DESCRIPTOR(column, …) [, LABELS => DESCRIPTOR(column, …)])",
        text: "With LABELS it learns from each row behind its prediction. 'help INSERT INTO MODEL' is for labels that arrive later.",
        example: "\
CREATE MODEL fraud INPUT (amount DOUBLE) OUTPUT (score DOUBLE)
  LANGUAGE WASM AS 'gbt' USING FILE 'models.wasm' WITH ('artifact' = 'fraud_xgb.json');
SELECT tx_id, score FROM ML_PREDICT(TABLE payments, MODEL fraud, DESCRIPTOR(amt));",
    },
    Topic {
        group: STATEMENTS,
        name: "INSERT INTO MODEL",
        also: &["LEARN", "LEARNING"],
        summary: "a model learns from labels that arrive on another stream",
        syntax: "INSERT INTO MODEL name [(columns)] SELECT input, …, label, … FROM …",
        text: "It stands in a STATEMENT SET with the query that predicts by the model. Where both streams have a time attribute, rows are taken in the order of time, predictions first; EMIT ON ARRIVAL behind the query that predicts takes them as they arrive.",
        example: "\
EXECUTE STATEMENT SET BEGIN
  INSERT INTO MODEL fraud SELECT amt, is_fraud FROM chargebacks;
  INSERT INTO scores SELECT tx_id, score FROM ML_PREDICT(TABLE payments, MODEL fraud, DESCRIPTOR(amt));
END;",
    },
    Topic {
        group: STATEMENTS,
        name: "ALTER FUNCTION",
        also: &["ALTER", "ALTER MODEL", "SHADOW", "SHADOW INTO"],
        summary: "another version of a function or model, also while jobs run",
        syntax: "\
ALTER FUNCTION | MODEL [IF EXISTS] name USING FILE 'v2.wasm' [WITH ('key' = 'value', …)]
ALTER FUNCTION | MODEL name SET ('key' = 'value', …)
… SHADOW INTO table
ALTER FUNCTION | MODEL name DROP SHADOW",
        text: "A job that runs changes to it at one point of its input, with what a model has learnt; or refuses, and goes on as before. SHADOW runs it beside the one of now and writes both results to a table.",
        example: "\
ALTER FUNCTION fraud_score USING FILE 'fraud-2.wasm' SHADOW INTO comparison;
ALTER FUNCTION fraud_score USING FILE 'fraud-2.wasm';",
    },
    Topic {
        group: STATEMENTS,
        name: "SELECT",
        also: &["WITH", "QUERY", "WHERE", "UNION", "UNION ALL"],
        summary: "query tables and show the rows",
        syntax: "\
[WITH name AS (SELECT …), …]
SELECT [DISTINCT] expression [AS name], …
FROM table | view | (SELECT …) | TABLE(window) [JOIN …]
[WHERE …] [GROUP BY …] [HAVING …]
[UNION ALL SELECT …]
[EMIT ON ARRIVAL] [ALLOW LATENESS INTERVAL '…' UNIT] [LATE ROWS INTO table]",
        text: "A query that updates its rows, or never ends, is shown as a table that changes in place: q leaves it, Ctrl-C stops it.",
        example: "\
WITH large AS (SELECT * FROM payments WHERE amt > 100)
SELECT merchant, COUNT(*) AS payments, AVG(amt) AS average FROM large GROUP BY merchant;",
    },
    Topic {
        group: STATEMENTS,
        name: "VALUES",
        also: &[],
        summary: "rows written into the statement",
        syntax: "VALUES (value, …), (value, …)",
        text: "",
        example: "SELECT * FROM (VALUES (1, 'one'), (2, 'two')) AS t (id, name);",
    },
    Topic {
        group: STATEMENTS,
        name: "INSERT INTO",
        also: &["INSERT"],
        summary: "write the rows of a query to a table",
        syntax: "INSERT INTO table [(columns)] SELECT … | VALUES …",
        text: "The statement is done when its input has ended. Ctrl-C stops it: what was read so far is finished. With SET 'table.dml-sync' = 'false' it runs in the background: 'help STOP JOB'.",
        example: "INSERT INTO alerts SELECT tx_id, amt FROM payments WHERE amt > 500;",
    },
    Topic {
        group: STATEMENTS,
        name: "STATEMENT SET",
        also: &["EXECUTE", "EXECUTE STATEMENT SET", "BEGIN STATEMENT SET", "BEGIN"],
        summary: "several INSERTs as one job that reads each source once",
        syntax: "EXECUTE STATEMENT SET BEGIN INSERT …; INSERT …; END",
        text: "",
        example: "\
EXECUTE STATEMENT SET BEGIN
  INSERT INTO alerts SELECT tx_id, amt FROM payments WHERE amt > 500;
  INSERT INTO late_payments SELECT * FROM payments WHERE merchant = 'unknown';
END;",
    },
    Topic {
        group: STATEMENTS,
        name: "EXPLAIN",
        also: &["PLAN"],
        summary: "show how a query or INSERT would run",
        syntax: "EXPLAIN [PLAN FOR] SELECT … | INSERT INTO … | STATEMENT SET BEGIN … END",
        text: "The plan is read from the bottom: sources below, the result on top. [updates] marks rows that change later.",
        example: "EXPLAIN SELECT merchant, SUM(amt) AS total FROM payments GROUP BY merchant;",
    },
    Topic {
        group: STATEMENTS,
        name: "SHOW",
        also: &[
            "SHOW TABLES",
            "SHOW VIEWS",
            "SHOW FUNCTIONS",
            "SHOW MODELS",
            "SHOW CREATE TABLE",
            "SHOW CREATE",
            "SHOW COLUMNS",
        ],
        summary: "list what there is",
        syntax: "\
SHOW TABLES | VIEWS | [USER] FUNCTIONS | MODELS | JOBS | CATALOGS | DATABASES
SHOW CREATE TABLE | VIEW | FUNCTION | MODEL name
SHOW COLUMNS FROM name",
        text: "SHOW USER FUNCTIONS and SHOW MODELS list limits, and what was really used in this session.",
        example: "SHOW TABLES;\nSHOW CREATE TABLE payments;",
    },
    Topic {
        group: STATEMENTS,
        name: "DESCRIBE",
        also: &["DESC"],
        summary: "show the columns of a table or view, or all about a function",
        syntax: "DESCRIBE name\nDESCRIBE FUNCTION | MODEL name",
        text: "",
        example: "DESCRIBE payments;",
    },
    Topic {
        group: STATEMENTS,
        name: "SET",
        also: &["SETTINGS"],
        summary: "show or change settings",
        syntax: "SET;\nSET 'key' = 'value'",
        text: "A setting holds for the statements that follow. 'help parallelism.default' and its kin explain a key.",
        example: "SET 'parallelism.default' = '2';",
    },
    Topic {
        group: STATEMENTS,
        name: "RESET",
        also: &[],
        summary: "set a setting, or all, back to the default",
        syntax: "RESET ['key']",
        text: "",
        example: "RESET 'parallelism.default';",
    },
    Topic {
        group: STATEMENTS,
        name: "DROP",
        also: &["DROP TABLE", "DROP VIEW", "DROP FUNCTION"],
        summary: "forget a table, view or function; its data stay",
        syntax: "DROP [TEMPORARY] TABLE | VIEW | FUNCTION [IF EXISTS] name",
        text: "",
        example: "DROP VIEW IF EXISTS small;",
    },
    Topic {
        group: STATEMENTS,
        name: "STOP JOB",
        also: &["STOP", "JOBS", "JOB", "SHOW JOBS", "BACKGROUND"],
        summary: "end a job that runs in the background",
        syntax: "SET 'table.dml-sync' = 'false'\nINSERT INTO …\nSHOW JOBS\nSTOP JOB 'id'",
        text: "INSERT and STATEMENT SET answer the id of their job and go on in the background. STOP JOB ends the sources where they are and finishes what was read. Leaving the shell does so to all jobs; a script waits for its jobs.",
        example: "SET 'table.dml-sync' = 'false';\nINSERT INTO alerts SELECT tx_id, amt FROM payments WHERE amt > 500;\nSHOW JOBS;",
    },
    Topic {
        group: STATEMENTS,
        name: "USE",
        also: &[],
        summary: "name the only catalog or database, as Flink's scripts do",
        syntax: "USE [CATALOG] name",
        text: "",
        example: "USE default_database;",
    },
    Topic {
        group: CLAUSES,
        name: "TUMBLE",
        also: &["HOP", "CUMULATE", "SESSION", "WINDOW", "WINDOWS"],
        summary: "windows of time: TUMBLE, HOP, CUMULATE, SESSION",
        syntax: "\
TABLE(TUMBLE(TABLE t, DESCRIPTOR(at), INTERVAL '1' HOUR))
TABLE(HOP(TABLE t, DESCRIPTOR(at), INTERVAL '5' MINUTE, INTERVAL '1' HOUR))         slide, size
TABLE(CUMULATE(TABLE t, DESCRIPTOR(at), INTERVAL '10' MINUTE, INTERVAL '1' DAY))    step, size
TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(at), INTERVAL '30' MINUTE))        gap",
        text: "They add window_start, window_end and window_time; group by the first two. A window is given when the watermark passes its end.",
        example: "\
SELECT window_start, merchant, SUM(amt) AS total
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(at), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, merchant;",
    },
    Topic {
        group: CLAUSES,
        name: "GROUP BY",
        also: &["GROUPING SETS", "ROLLUP", "CUBE", "HAVING", "FILTER", "DISTINCT"],
        summary: "aggregate by key; GROUPING SETS, ROLLUP, CUBE, FILTER, DISTINCT",
        syntax: "GROUP BY expression, … | GROUPING SETS ((a), (b), ()) | ROLLUP (a, b) | CUBE (a, b)",
        text: "Without a window the result is updated with each row; with one, each window gives its rows once.",
        example: "\
SELECT merchant, COUNT(DISTINCT cc_num) AS cards, COUNT(*) FILTER (WHERE amt > 100) AS large
FROM payments GROUP BY merchant;",
    },
    Topic {
        group: CLAUSES,
        name: "OVER",
        also: &["PARTITION BY", "ROWS", "RANGE", "LAG", "OVER WINDOW"],
        summary: "aggregate over the rows before each row; several windows in one SELECT",
        syntax: "\
f(x) OVER (PARTITION BY k ORDER BY at RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW)
f(x) OVER (PARTITION BY k ORDER BY at ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)",
        text: "With EMIT ON ARRIVAL each row is answered when it arrives, else when the watermark has passed it.",
        example: "\
SELECT tx_id,
  COUNT(*) OVER (PARTITION BY cc_num ORDER BY at RANGE BETWEEN INTERVAL '1' MINUTE PRECEDING AND CURRENT ROW) AS per_minute,
  AVG(amt) OVER (PARTITION BY cc_num ORDER BY at RANGE BETWEEN INTERVAL '7' DAY PRECEDING AND CURRENT ROW) AS average
FROM payments EMIT ON ARRIVAL;",
    },
    Topic {
        group: CLAUSES,
        name: "JOIN",
        also: &["LOOKUP JOIN", "LEFT JOIN", "UNNEST", "CROSS JOIN"],
        summary: "add the columns of a table held in memory; UNNEST an array",
        syntax: "\
FROM stream [LEFT] JOIN bounded_table FOR SYSTEM_TIME AS OF PROCTIME() AS b ON stream.k = b.k
FROM stream CROSS JOIN UNNEST(array) AS t (item)",
        text: "The table on the right is read once, at the start.",
        example: "\
SELECT p.tx_id, h.city
FROM payments AS p LEFT JOIN holders FOR SYSTEM_TIME AS OF PROCTIME() AS h ON p.cc_num = h.cc_num;
SELECT tx_id, tag FROM payments CROSS JOIN UNNEST(tags) AS t (tag);",
    },
    Topic {
        group: CLAUSES,
        name: "ROW_NUMBER",
        also: &["TOP-N", "TOP N", "DEDUPLICATION", "DEDUPLICATE", "RANK"],
        summary: "the first n rows by key, or the last row: Top-N and deduplication",
        syntax: "\
SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY x DESC) AS n FROM t) WHERE n <= 3",
        text: "",
        example: "\
SELECT merchant, tx_id, amt FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY merchant ORDER BY amt DESC) AS n FROM payments
) WHERE n <= 3;",
    },
    Topic {
        group: EXTENSIONS,
        name: "EMIT ON ARRIVAL",
        also: &["EMIT"],
        summary: "answer each row when it arrives, not when the watermark passes",
        syntax: "SELECT … OVER (…) … FROM t EMIT ON ARRIVAL",
        text: "The answer holds what has arrived by then; the watermark only bounds the state.",
        example: "\
SELECT tx_id, SUM(amt) OVER (PARTITION BY cc_num ORDER BY at
  RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) AS last_hour
FROM payments EMIT ON ARRIVAL;",
    },
    Topic {
        group: EXTENSIONS,
        name: "ALLOW LATENESS",
        also: &["LATENESS", "LATE ROWS INTO", "LATE ROWS", "LATE"],
        summary: "let late rows correct a window, or keep them in a table",
        syntax: "SELECT … [ALLOW LATENESS INTERVAL '1' MINUTE] [LATE ROWS INTO table]",
        text: "Without them late rows are dropped and counted; the progress line shows how many.",
        example: "\
SELECT window_start, COUNT(*) AS payments
FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(at), INTERVAL '1' HOUR))
GROUP BY window_start, window_end
LATE ROWS INTO late_payments;",
    },
    Topic {
        group: SHELL,
        name: "keys",
        also: &["keyboard", "shortcuts"],
        summary: "the keys of the line editor and of the table view",
        syntax: "",
        text: "\
  Tab            complete; again for the next candidate
  Enter          run, once the statement has its semicolon
  Alt-Enter      a new line, even behind a semicolon
  Up, Down       statements typed before; Ctrl-R searches them
  Right          take the grey suggestion
  Ctrl-C         clear what is typed; stop what runs
  Ctrl-D         leave
  Ctrl-A, Ctrl-E, Ctrl-W, Ctrl-U, Ctrl-K, Ctrl-Z   as in Emacs

In the table of a running query:
  q, Esc         stop it and leave
  Up, Down, PageUp, PageDown, Home, End            move through the rows
  Left, Right    move through the columns",
        example: "",
    },
    Topic {
        group: SHELL,
        name: "results",
        also: &["result-mode", "output"],
        summary: "how the rows of a query are shown",
        syntax: "SET 'sql-client.execution.result-mode' = 'table' | 'changelog' | 'tableau'",
        text: "\
table      rows as they come; a query that updates its rows, or has no end, as a table that changes in place (default)
changelog  each change as a row, with its kind first: +I added, -U and +U before and after an update, -D deleted
tableau    the same as changelog",
        example: "SET 'sql-client.execution.result-mode' = 'changelog';",
    },
];
