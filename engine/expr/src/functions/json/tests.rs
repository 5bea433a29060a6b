//! Tests of the JSON functions.

use crate::functions::testing::{call, d, i, null, ok, t};

const DOCUMENT: &str = r#"{"type": "account", "age": 42, "on": true, "none": null, "balance": 123456789.987654321,
    "address": {"city": "Munich"}, "roles": ["user", "viewer"], "a b": "right", "items": [{"p": 1}, {"p": 12, "q": 0}]}"#;

fn value(clauses: &[&str]) -> String {
    let given: Vec<_> = std::iter::once(t(DOCUMENT)).chain(clauses.iter().map(|c| t(c))).collect();
    ok("JSON_VALUE", &given)
}

fn query(clauses: &[&str]) -> String {
    let given: Vec<_> = std::iter::once(t(DOCUMENT)).chain(clauses.iter().map(|c| t(c))).collect();
    ok("JSON_QUERY", &given)
}

#[test]
fn values() {
    assert_eq!(value(&["$.type"]), "account");
    assert_eq!(value(&["$.balance"]), "123456789.987654321");
    assert_eq!(value(&["strict $.['a b']"]), "right");
    assert_eq!(value(&["$['roles'][-1]"]), "viewer");
    assert_eq!(value(&["$.age", "RETURNING INT"]), "42");
    assert_eq!(value(&["$.balance", "RETURNING DOUBLE"]), "123456789.98765433");
    assert_eq!(value(&["$.on", "RETURNING BOOLEAN"]), "true");
    assert_eq!(value(&["$.type", "RETURNING INT"]), "NULL");
    assert_eq!(value(&["$.address"]), "NULL");
    assert_eq!(value(&["lax $.nothing", "DEFAULT ON EMPTY", "x", "DEFAULT ON ERROR", "y"]), "x");
    assert_eq!(value(&["strict $.nothing", "DEFAULT ON EMPTY", "x", "DEFAULT ON ERROR", "y"]), "y");
    let with_number =
        [t(DOCUMENT), t("strict $.x"), t("RETURNING INT"), t("NULL ON EMPTY"), t("DEFAULT ON ERROR"), i(7)];
    assert_eq!(ok("JSON_VALUE", &with_number), "7");
    assert!(call("JSON_VALUE", &[t("{"), t("strict $.a"), t("ERROR ON ERROR")]).is_err());
    assert!(call("JSON_VALUE", &[t("{}"), t("lax $.a"), t("ERROR ON EMPTY")]).is_err());
    assert!(call("JSON_VALUE", &[t("{}"), t("$"), t("SOMETHING ELSE")]).is_err());
    assert_eq!(ok("JSON_VALUE", &[null(), t("$.a")]), "NULL");
}

#[test]
fn existence() {
    let exists = |json: &str, path: &str| ok("JSON_EXISTS", &[t(json), t(path)]);
    assert_eq!(exists(DOCUMENT, "lax $.roles[1]"), "true");
    assert_eq!(exists(DOCUMENT, "lax $.roles[2]"), "false");
    assert_eq!(exists(DOCUMENT, "strict $.none"), "false");
    assert_eq!(exists("{", "lax $"), "false");
    assert_eq!(ok("JSON_EXISTS", &[t(DOCUMENT), t("strict $.x"), t("UNKNOWN ON ERROR")]), "NULL");
    assert_eq!(ok("JSON_EXISTS", &[t(DOCUMENT), t("strict $.x"), t("TRUE ON ERROR")]), "true");
    assert!(call("JSON_EXISTS", &[t(DOCUMENT), t("strict $.x"), t("ERROR ON ERROR")]).is_err());
}

#[test]
fn queries() {
    assert_eq!(query(&["$.address"]), r#"{"city":"Munich"}"#);
    assert_eq!(query(&["$.age"]), "NULL");
    assert_eq!(query(&["$.age", "WITH CONDITIONAL WRAPPER"]), "[42]");
    assert_eq!(query(&["$.roles", "WITH CONDITIONAL ARRAY WRAPPER"]), r#"["user","viewer"]"#);
    assert_eq!(query(&["$.roles", "WITH UNCONDITIONAL WRAPPER"]), r#"[["user","viewer"]]"#);
    assert_eq!(query(&["lax $.x", "EMPTY OBJECT ON EMPTY"]), "{}");
    assert_eq!(query(&["strict $.x", "EMPTY ARRAY ON ERROR"]), "[]");
    assert_eq!(query(&["$.roles", "RETURNING ARRAY<STRING>"]), "[user, viewer]");
    assert_eq!(query(&["$.items[*].p", "RETURNING ARRAY<INT>"]), "[1, 12]");
    assert_eq!(query(&["$.roles", "RETURNING ARRAY<INT>", "EMPTY ARRAY ON ERROR"]), "[]");
    assert_eq!(query(&["$..p"]), "[1,12]");
    assert_eq!(query(&["$.items[?(@.p > 10 && @.q == 0)].p"]), "[12]");
    assert_eq!(query(&["$.roles[0:1]"]), r#"["user"]"#);
}

#[test]
fn construction() {
    assert_eq!(ok("JSON_OBJECT", &[]), "{}");
    assert_eq!(ok("JSON_OBJECT", &[t("b"), i(1), t("a"), t("x\n"), t("NULL ON NULL")]), r#"{"a":"x\n","b":1}"#);
    assert_eq!(ok("JSON_OBJECT", &[t("K"), null(), t("ABSENT ON NULL")]), "{}");
    assert_eq!(ok("JSON_OBJECT", &[t("K"), t(r#"{"x": [1.50]}"#), t("NULL ON NULL RAW 1")]), r#"{"K":{"x":[1.50]}}"#);
    assert_eq!(ok("JSON_ARRAY", &[t(" "), t("[1]"), d(1.0), t("NULL ON NULL RAW 0 1")]), "[null,[1],1.0]");
    assert_eq!(ok("JSON_ARRAY", &[null(), i(2), t("ABSENT ON NULL")]), "[2]");
    assert!(call("JSON_OBJECT", &[t("K"), t("{"), t("NULL ON NULL RAW 1")]).is_err());
    assert!(call("JSON", &[t("{}")]).is_err());
    assert_eq!(ok("JSON_STRING", &[t("V")]), "\"V\"");
    assert_eq!(ok("JSON_STRING", &[null()]), "NULL");
}

#[test]
fn quoting() {
    assert_eq!(ok("JSON_QUOTE", &[t("≠\t/")]), r#""\u2260\t\/""#);
    assert_eq!(ok("JSON_UNQUOTE", &[t(r#""\u0041\ud83d\ude00""#)]), "A😀");
    assert_eq!(ok("JSON_UNQUOTE", &[t(r#""""#)]), "");
    assert_eq!(ok("JSON_UNQUOTE", &[t(r#""["\t\u0032"]""#)]), "[\"\t2\"]");
    for same in [r#"""#, r#""\u006z""#, "[1,2]", "[}", r#""ok""\uzzzz""#] {
        assert_eq!(ok("JSON_UNQUOTE", &[t(same)]), same);
    }
}

#[test]
fn kinds_of_json() {
    assert_eq!(ok("IS JSON", &[t("a")]), "false");
    assert_eq!(ok("IS JSON VALUE", &[t("\"a\"")]), "true");
    assert_eq!(ok("IS JSON SCALAR", &[t("{}")]), "false");
    assert_eq!(ok("IS JSON OBJECT", &[t("{}")]), "true");
    assert_eq!(ok("IS JSON ARRAY", &[t("[01]")]), "false");
    assert!(call("IS JSON", &[i(1)]).is_err());
    let deep = "[".repeat(100_000);
    assert_eq!(ok("IS JSON", &[t(&deep)]), "false");
}
