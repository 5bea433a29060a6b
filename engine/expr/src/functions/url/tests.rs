//! Tests of the functions on URLs.

use crate::functions::testing::{call, i, ok, t};

#[test]
fn parts_of_urls() {
    let url = "http://user:pass@host:80/a/../file;param?query=x%20y&q2=2#Ref";
    for (part, want) in [
        ("HOST", "host"),
        ("PATH", "/file;param"),
        ("QUERY", "query=x%20y&q2=2"),
        ("REF", "Ref"),
        ("PROTOCOL", "http"),
        ("FILE", "/file;param?query=x%20y&q2=2"),
        ("AUTHORITY", "user:pass@host:80"),
        ("USERINFO", "user:pass"),
        ("host", "NULL"),
    ] {
        assert_eq!(ok("PARSE_URL", &[t(url), t(part)]), want, "{part}");
    }
    assert_eq!(ok("PARSE_URL", &[t(url), t("QUERY"), t("q2")]), "2");
    assert_eq!(ok("PARSE_URL", &[t(url), t("QUERY"), t("q3")]), "NULL");
    assert_eq!(ok("PARSE_URL", &[t("invalid://host"), t("HOST")]), "NULL");
    assert_eq!(ok("PARSE_URL", &[t("http://host"), t("PATH")]), "");
    assert_eq!(ok("PARSE_URL", &[t("http://host/?#"), t("REF")]), "");
    assert_eq!(ok("PARSE_URL", &[t("http://host:x/"), t("HOST")]), "NULL");
}

#[test]
fn encodings() {
    assert_eq!(ok("URL_ENCODE", &[t("a b/é~*")]), "a+b%2F%C3%A9%7E*");
    assert_eq!(ok("URL_DECODE", &[t("a+b%2F%C3%A9")]), "a b/é");
    assert_eq!(ok("URL_DECODE", &[t("%")]), "NULL");
    assert_eq!(ok("URL_DECODE", &[t("%zz")]), "NULL");
    assert_eq!(ok("URL_DECODE_RECURSIVE", &[t("a%252520b")]), "a b");
    assert_eq!(ok("URL_DECODE_RECURSIVE", &[t("a%252520b"), i(2)]), "a%20b");
    assert!(call("URL_DECODE_RECURSIVE", &[t("a"), i(0)]).is_err());
}
