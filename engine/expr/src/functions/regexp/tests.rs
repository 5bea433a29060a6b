//! Tests of the functions with regular expressions.

use crate::functions::testing::{i, null, ok, t};

#[test]
fn finding() {
    assert_eq!(ok("REGEXP", &[t("100-200"), t("(\\d+)")]), "true");
    assert_eq!(ok("REGEXP", &[t("a"), t("")]), "false");
    assert_eq!(ok("REGEXP", &[t("a"), t("(")]), "false");
    assert_eq!(ok("REGEXP_COUNT", &[t("abcabcabc"), t("abcab")]), "1");
    assert_eq!(ok("REGEXP_INSTR", &[t("Helloworld! Hello"), t("\\bHello\\b")]), "13");
    assert_eq!(ok("REGEXP_SUBSTR", &[t("a.b"), t("\\.")]), ".");
    assert_eq!(ok("REGEXP_SUBSTR", &[t("a"), t("b")]), "NULL");
}

#[test]
fn extracting_and_replacing() {
    assert_eq!(ok("REGEXP_EXTRACT", &[t("foothebar"), t("foo(.*?)(bar)"), i(1)]), "the");
    assert_eq!(ok("REGEXP_EXTRACT", &[t("foothebar"), t("foo(.*?)(bar)"), i(3)]), "NULL");
    assert_eq!(ok("REGEXP_EXTRACT", &[t("foo"), null()]), "NULL");
    assert_eq!(ok("REGEXP_EXTRACT_ALL", &[t("abcdeabde"), t("(abcdeabde)|([a-z]*)"), i(2)]), "[, ]");
    assert_eq!(ok("REGEXP_EXTRACT_ALL", &[t("100-200, 300-400"), t("(\\d+)-(\\d+)")]), "[100, 300]");
    assert_eq!(ok("REGEXP_EXTRACT_ALL", &[t("ab"), t(""), i(0)]), "[, , ]");
    assert_eq!(ok("REGEXP_EXTRACT_ALL", &[t("ab"), t("(a)"), i(-1)]), "NULL");
    assert_eq!(ok("REGEXP_REPLACE", &[t("fooobar"), t("oo"), t("$")]), "f$obar");
    assert_eq!(ok("REGEXP_REPLACE", &[t("foobar"), t("oo|ar"), t("")]), "fb");
    assert_eq!(ok("REGEXP_SPLIT", &[t("a1b22c"), t("\\d+")]), "[a, b, c]");
}

/// What Java's syntax has and Rust's has not, or has otherwise.
#[test]
fn java_syntax() {
    for (s, expression, want) in [
        ("٣", "\\d", "false"),
        ("é", "\\w", "false"),
        ("a-b", "[\\w-.]+", "true"),
        ("ab", "a(?=b)", "true"),
        ("abab", "(ab)\\1", "true"),
        ("a.b", "\\Qa.b\\E", "true"),
        ("axb", "\\Qa.b\\E", "false"),
        ("aaa", "a++a", "false"),
        ("X", "\\p{Upper}", "true"),
        ("é", "\\p{Alpha}", "false"),
        ("é", "\\p{IsAlphabetic}", "true"),
        ("a/b", "a\\/b", "true"),
        ("a_b", "a\\_b", "true"),
        ("~", "[~#]", "true"),
        ("b", "[a-z&&[^a]]", "true"),
        ("a", "[a-z&&[^a]]", "false"),
        ("AB", "(?i)ab", "true"),
        ("x{", "x\\{", "true"),
        ("aa", "^a{2}$", "true"),
    ] {
        assert_eq!(ok("REGEXP", &[t(s), t(expression)]), want, "{s} {expression}");
    }
}
