//! Tests of LIKE and SIMILAR TO.

use crate::functions::testing::{call, ok, t};

fn like(s: &str, pattern: &str) -> String {
    ok("LIKE", &[t(s), t(pattern)])
}

#[test]
fn patterns() {
    for (s, pattern, want) in [
        ("test", "t%es%t", "true"),
        ("test", "te_t", "true"),
        ("test", "%es%", "true"),
        ("test", "test%%", "true"),
        ("", "", "true"),
        ("test", "", "false"),
        ("aXbXc", "%X_", "true"),
        ("ab", "ab%ab", "false"),
        ("é", "_", "true"),
        ("TE_ST", "%E\\_S%", "false"),
        ("a\nb", "a_b", "true"),
    ] {
        assert_eq!(like(s, pattern), want, "{s} LIKE {pattern}");
    }
}

#[test]
fn escapes() {
    let with = |s: &str, pattern: &str, escape: &str| call("LIKE", &[t(s), t(pattern), t(escape)]);
    assert_eq!(with("test%", "test!%", "!").unwrap(), "true");
    assert_eq!(with("te_st", "te__st", "_").unwrap(), "true");
    assert_eq!(with("test", "te_t", "").unwrap(), "true");
    assert!(with("test", "%e_t%", "ab").is_err());
    assert!(with("test", "!e", "!").is_err());
}

#[test]
fn similar_to() {
    let similar = |s: &str, pattern: &str| ok("SIMILAR TO", &[t(s), t(pattern)]);
    assert_eq!(similar("TEST", ".EST"), "true");
    assert_eq!(similar("TEST", "EST"), "false");
    assert_eq!(similar("abc", "%(b|d)%"), "true");
    assert_eq!(similar("abd", "[a-b]+d"), "true");
    assert_eq!(ok("SIMILAR TO", &[t("*_This"), t("&*&_Th(is)?"), t("&")]), "true");
}
