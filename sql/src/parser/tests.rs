//! Tests of the parser: statements, clauses and their errors.

use super::*;
use crate::statement::{ColumnDefKind, Statement};

fn one(text: &str) -> Statement {
    match parse_script(text) {
        Ok(mut statements) if statements.len() == 1 => statements.remove(0).statement,
        Ok(statements) => panic!("{} statements in {text}", statements.len()),
        Err(error) => panic!("{}", error.render(text)),
    }
}

fn shown(text: &str) -> String {
    parse_script(text).expect_err(text).render(text)
}

fn expr(text: &str) -> String {
    match one(&format!("SELECT {text}")) {
        Statement::Query(query) => query.query.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn statements_are_split_at_semicolons() {
    let script = "SET 'a' = 'b'; -- c;\nEXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT CASE WHEN a THEN 1 END FROM s; \
                  INSERT INTO u SELECT 'x;y'; END; SELECT 1";
    let statements = parse_script(script).unwrap();
    assert_eq!(statements.len(), 3);
    assert!(matches!(&statements[1].statement, Statement::StatementSet(inserts) if inserts.len() == 2));
    assert_eq!(statements[2].text, "SELECT 1");
    assert_eq!(statements[2].span.line, 2);
    assert!(parse_script(" ;; -- nothing\n").unwrap().is_empty());
    assert!(is_complete("SELECT 1;") && !is_complete("SELECT 1") && !is_complete("SELECT 'a;"));
    assert!(!is_complete("EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1;"));
    assert!(!is_complete("SELECT 1; /* a") && !is_complete("SELECT `a;") && is_complete("SELECT 1; -- a"));
    assert!(is_complete("SELECT /*+ OPTIONS('a' = 'b') */ 1"), "no further line makes it readable");
}

#[test]
fn trailing_clauses() {
    let text = "SELECT * FROM t EMIT ON ARRIVAL LATE ROWS INTO l ALLOW LATENESS INTERVAL '1 00:00:01.5' DAY TO SECOND";
    let Statement::Query(query) = one(text) else { panic!() };
    assert!(query.emit_on_arrival.is_some());
    assert_eq!(query.allow_lateness_ms.unwrap().0, 86_401_500);
    assert_eq!(query.late_rows_into.unwrap().0, "l");
    let Statement::CreateView(view) = one("CREATE VIEW v (a) AS (SELECT b FROM t AS x EMIT ON ARRIVAL)") else {
        panic!()
    };
    assert!(view.query.emit_on_arrival.is_some());
    assert_eq!(view.text, "(SELECT b FROM t AS x EMIT ON ARRIVAL)");
    assert!(shown("SELECT 1 FROM t EMIT ON ARRIVAL EMIT ON ARRIVAL").contains("twice"));
    assert!(shown("SELECT 1 FROM t ALLOW LATENESS INTERVAL '1' MONTH").contains("days or less"));
}

#[test]
fn create_table() {
    let text = "CREATE TABLE IF NOT EXISTS `t 1` (id BIGINT NOT NULL, name STRING COMMENT 'x', \
                r ROW<a ARRAY<MAP<STRING, INT>>, b INT NOT NULL>, c AS UPPER(name), m TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL, \
                at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'x')";
    let Statement::CreateTable(table) = one(text) else { panic!() };
    assert!(table.if_not_exists && table.watermark.is_some());
    assert_eq!(table.name.text, "t 1");
    assert_eq!(table.columns.len(), 6);
    let ColumnDefKind::Physical(row) = &table.columns[2].kind else { panic!() };
    assert_eq!(row.to_string(), "ROW<`a` ARRAY<MAP<STRING, INT>>, `b` INT NOT NULL>");
    assert!(
        matches!(&table.columns[4].kind, ColumnDefKind::Metadata { is_virtual: true, key: Some(k), .. } if k == "timestamp")
    );
    assert_eq!(table.options[0].key.text, "connector");
    let Statement::CreateTable(like) = one("CREATE TABLE a WITH ('x' = 'y') LIKE b (EXCLUDING ALL INCLUDING OPTIONS)")
    else {
        panic!()
    };
    assert_eq!(like.like.unwrap().options.len(), 2);
}

#[test]
fn forms_of_expressions() {
    assert_eq!(expr("CAST(a AS ROW(x INT, y ARRAY<STRING>))"), "SELECT CAST(a AS ROW<`x` INT, `y` ARRAY<STRING>>)");
    assert_eq!(expr("CAST(NULL AS INTERVAL DAY(2) TO SECOND(3))"), "SELECT CAST(NULL AS INTERVAL DAY TO SECOND(3))");
    assert_eq!(expr("MAP['a', 1]['a']"), "SELECT MAP('a', 1)['a']");
    assert_eq!(expr("a IS NOT JSON ARRAY AND b"), "SELECT NOT IS JSON ARRAY(a) AND b");
    assert_eq!(expr("a IS DISTINCT FROM b AND c"), "SELECT a IS DISTINCT FROM b AND c");
    assert_eq!(
        expr("JSON_VALUE(j, '$.a' RETURNING INT DEFAULT 1 ON ERROR)"),
        "SELECT JSON_VALUE(j, '$.a', 'RETURNING INT', 'DEFAULT ON ERROR', 1)"
    );
    assert_eq!(
        expr("JSON_OBJECT(KEY 'a' VALUE JSON(b), 'c' VALUE 1 ABSENT ON NULL)"),
        "SELECT JSON_OBJECT('a', b, 'c', 1, 'ABSENT ON NULL RAW 1')"
    );
    assert_eq!(expr("JSON_ARRAY()"), "SELECT JSON_ARRAY('ABSENT ON NULL')");
    assert_eq!(expr("U&'\\0041' || _UTF16'b'"), "SELECT 'A' || 'b'");
    assert_eq!(
        expr("x NOT BETWEEN SYMMETRIC 2 AND 1 OR y"),
        "SELECT NOT (x BETWEEN 2 AND 1 OR x BETWEEN 1 AND 2) OR y"
    );
    assert_eq!(
        expr("f(t => TABLE s PARTITION BY (a, b), DESCRIPTOR(c))"),
        "SELECT f(t => TABLE(s, a, b), DESCRIPTOR(c))"
    );
    assert_eq!(
        expr("f(TABLE s PARTITION BY a, b, DESCRIPTOR(c), INTERVAL '1' DAY)"),
        "SELECT f(TABLE(s, a, b), DESCRIPTOR(c), INTERVAL '1' DAY)"
    );
    assert_eq!(expr("date, `timestamp`, t.r.x, value"), "SELECT date, `timestamp`, t.r.x, value");
    assert_eq!(expr("TRIM(LEADING FROM a), TRIM('x' FROM b)"), "SELECT TRIM(LEADING a), TRIM('x' FROM b)");
    assert_eq!(expr("INTERVAL -'1' DAY"), "SELECT INTERVAL '-1' DAY");
}

#[test]
fn syntax_errors_point_and_suggest() {
    let shown_at = |text: &str, message: &str, place: &str| {
        let shown = shown(text);
        assert!(shown.contains(message), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let column = lines[2].find('^').unwrap_or_else(|| panic!("{shown}"));
        assert!(lines[1][column..].starts_with(place), "{shown}");
    };
    shown_at("SELECT a FORM t WHERE b", "did you mean FROM", "t");
    shown_at("SELECT FROM t", "reserved word", "FROM");
    shown_at("SELEC 1", "did you mean SELECT", "SELEC");
    shown_at("SELECT * FROM (SELECT a FROM t WHERE) x", "expected an expression", ")");
    shown_at("SELECT CAST(a AS INTT)", "did you mean INT", "INTT");
    shown_at("SELECT (a + ) FROM t", "expected an expression", ")");
    shown_at("SELECT a FROM t GRUOP BY a", "did you mean GROUP", "BY");
    shown_at("CREATE TABLE t (a INT, WATERMARK FOR a AS a", "found the end of the statement", "");
    shown_at("SELECT 'abc FROM t", "not closed", "'");
    shown_at("SELECT \"a\" FROM t WHERE x = = 1", "expected an expression", "= 1");
    shown_at("ALTER TABLE t ADD c INT", "ALTER TABLE is not supported", "ALTER");
    shown_at("SELECT /*+ OPTIONS('a'='b') */ 1", "a hint is not supported", "/*+");
    shown_at("SELECT a::INT FROM t", "CAST", "::");
    shown_at("INSERT INTO t VALUES (1, 2", "expected", "");
}

#[test]
fn hostile_input_ends() {
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(shown(&deep).contains("nests too deep"));
    let open = format!("SELECT * FROM {}", "(".repeat(40));
    assert!(parse_script(&open).is_err());
    for text in [
        "\u{0}",
        "SELECT '\u{feff}",
        "`",
        "/*",
        "SELECT 1 FROM",
        "U&'\\00'",
        "x'4",
        "EXECUTE",
        "WITH",
        "INTERVAL",
        "((((",
        "'",
    ] {
        let _ = parse_script(text);
    }
}
