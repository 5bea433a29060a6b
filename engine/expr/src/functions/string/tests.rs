//! Tests of the string functions.

use crate::functions::testing::{b, call, d, i, null, ok, t};

#[test]
fn case_and_trim() {
    assert_eq!(ok("UPPER", &[t("straße é")]), "STRASSE É");
    assert_eq!(ok("LOWER", &[t("ÀB")]), "àb");
    assert_eq!(ok("INITCAP", &[t("hELLO wORLD_x 2nd")]), "Hello World_X 2nd");
    assert_eq!(ok("TRIM", &[t("  a  ")]), "a");
    assert_eq!(ok("LTRIM", &[t("abcddcba"), t("abc")]), "ddcba");
    assert_eq!(ok("RTRIM", &[t("abcddcba"), t("abc")]), "abcdd");
    assert_eq!(ok("TRIM", &[null()]), "NULL");
    assert_eq!(ok("TRIM", &[t("x"), null()]), "NULL");
}

#[test]
fn padding_and_repeating() {
    assert_eq!(ok("LPAD", &[t("äää"), i(5), t("12")]), "12äää");
    assert_eq!(ok("RPAD", &[t("äää"), i(13), t("12345")]), "äää1234512345");
    assert_eq!(ok("LPAD", &[t("ab"), i(1), t("?")]), "a");
    assert_eq!(ok("LPAD", &[t("ab"), i(5), t("")]), "NULL");
    assert_eq!(ok("RPAD", &[t("ab"), i(-2), t("?")]), "NULL");
    assert_eq!(ok("REPEAT", &[t("ab"), i(3)]), "ababab");
    assert_eq!(ok("REPEAT", &[t("ab"), i(-1)]), "");
    assert!(call("REPEAT", &[t("ab"), i(i32::MAX.into())]).is_err());
}

#[test]
fn parts() {
    let s = "This is a test String.";
    assert_eq!(ok("SUBSTRING", &[t(s), i(2), i(3)]), "his");
    assert_eq!(ok("SUBSTRING", &[t(s), i(-7)]), "String.");
    assert_eq!(ok("SUBSTRING", &[t(s), i(0), i(2)]), "Th");
    assert_eq!(ok("SUBSTRING", &[t("1世3"), i(1), i(2)]), "1世");
    assert_eq!(ok("SUBSTRING", &[t(s), i(2), i(-1)]), "NULL");
    assert_eq!(ok("SUBSTRING", &[t("ab"), i(-3)]), "");
    assert_eq!(ok("LEFT", &[t(s), i(2)]), "Th");
    assert_eq!(ok("RIGHT", &[t("aé"), i(1)]), "é");
    assert_eq!(ok("RIGHT", &[t("a"), i(-1)]), "");
    assert_eq!(ok("OVERLAY", &[t("This is a old string"), t("new"), i(11), i(3)]), "This is a new string");
    assert_eq!(ok("OVERLAY", &[t("xxxxxtest"), t("xxxx"), i(6)]), "xxxxxxxxx");
    assert_eq!(ok("OVERLAY", &[t("123456789"), t("abc"), i(2), i(-1)]), "1abc");
    assert_eq!(ok("OVERLAY", &[t("123456789"), t("It"), i(-1), i(4)]), "123456789");
    assert_eq!(ok("SPLIT_INDEX", &[t("AQIDBA"), t("I"), i(1)]), "DBA");
    assert_eq!(ok("SPLIT_INDEX", &[t("AQIDBA"), i(73), i(0)]), "AQ");
    assert_eq!(ok("SPLIT_INDEX", &[t("AQIDBA"), i(0), i(0)]), "NULL");
    assert_eq!(ok("SPLIT_INDEX", &[t("AQIDBA"), t("I"), i(-1)]), "NULL");
    assert_eq!(ok("SPLIT_INDEX", &[t("AQIDBA"), t("I"), i(2)]), "NULL");
    assert_eq!(ok("SPLIT_INDEX", &[t("/é//"), t("/"), i(0)]), "");
    assert_eq!(ok("SPLIT_INDEX", &[t("/é//"), t("/"), i(1)]), "é");
    assert_eq!(ok("SPLIT_INDEX", &[t("/é//"), t("/"), i(3)]), "");
    assert_eq!(ok("SPLIT_INDEX", &[t("/é//"), t("/"), i(4)]), "NULL");
    assert_eq!(ok("SPLIT", &[t(",1,"), t(",")]), "[, 1, ]");
    assert_eq!(ok("SPLIT", &[t("aé"), t("")]), "[a, é]");
    assert_eq!(ok("SPLIT", &[t(""), t(",")]), "[]");
    assert_eq!(ok("REVERSE", &[t("aé")]), "éa");
    assert_eq!(ok("SUBSTRING_INDEX", &[t("a.b.c"), t("."), i(2)]), "a.b");
    assert_eq!(ok("SUBSTRING_INDEX", &[t("a.b.c"), t("."), i(-1)]), "c");
}

#[test]
fn joining() {
    assert_eq!(ok("CONCAT", &[t("a"), t("b"), t("c")]), "abc");
    assert_eq!(ok("||", &[t("a"), null()]), "NULL");
    assert_eq!(ok("CONCAT_WS", &[t("~"), null(), t("AA"), t(""), null(), t("C")]), "AA~~C");
    assert_eq!(ok("ELT", &[i(2), t("a"), t("b")]), "b");
    assert_eq!(ok("ELT", &[i(3), t("a"), t("b")]), "NULL");
    assert!(call("ELT", &[i(-1), t("a")]).is_err());
    assert!(call("ELT", &[i(1), t("a"), b(b"x")]).is_err());
}

#[test]
fn searching() {
    assert_eq!(ok("CHAR_LENGTH", &[t("aé")]), "2");
    assert_eq!(ok("POSITION", &[t("STR"), t("xSTRING")]), "2");
    assert_eq!(ok("LOCATE", &[t("é"), t("éaéa"), i(2)]), "3");
    assert_eq!(ok("LOCATE", &[t("x"), t("éaéa")]), "0");
    assert_eq!(ok("INSTR", &[t("Corporate Floor"), t("or"), i(3), i(2)]), "14");
    assert_eq!(ok("INSTR", &[t("Corporate Floor"), t("or"), i(-3), i(2)]), "2");
    assert!(call("INSTR", &[t("a"), t("a"), i(1), i(0)]).is_err());
    assert_eq!(ok("STARTSWITH", &[t("in中文"), t("in中")]), "true");
    assert_eq!(ok("ENDSWITH", &[b(&[1, 2, 3]), b(&[2, 3])]), "true");
    assert_eq!(ok("IS_ALPHA", &[t("abc")]), "true");
    assert_eq!(ok("IS_ALPHA", &[null()]), "false");
    assert_eq!(ok("IS_DIGIT", &[t("11.4")]), "false");
    assert_eq!(ok("IS_DECIMAL", &[t("-11.4e3")]), "true");
    assert_eq!(ok("IS_DECIMAL", &[i(2)]), "true");
    assert_eq!(ok("IS_DECIMAL", &[t("inf")]), "false");
}

#[test]
fn replacing() {
    assert_eq!(ok("REPLACE", &[t("This is"), t("is"), t("x")]), "Thx x");
    assert_eq!(ok("REPLACE", &[t("ab"), t(""), t("-")]), "-a-b-");
    assert_eq!(ok("TRANSLATE", &[t("www.apache.org"), t("abcde."), t("123")]), "www1p13horg");
    assert_eq!(ok("TRANSLATE", &[t("www.apache.org"), t("abc"), null()]), "www.phe.org");
    assert_eq!(ok("TRANSLATE", &[t("a"), null(), t("x")]), "a");
}

#[test]
fn encodings() {
    assert_eq!(ok("ASCII", &[t("efg")]), "101");
    assert_eq!(ok("ASCII", &[t("")]), "0");
    assert_eq!(ok("CHR", &[i(300)]), ",");
    assert_eq!(ok("CHR", &[i(-1)]), "");
    assert_eq!(ok("CHR", &[i(149)]), "\u{95}");
    assert_eq!(ok("ENCODE", &[t("é"), t("utf-16le")]), "e900");
    assert_eq!(ok("DECODE", &[b(&[0xe9, 0]), t("UTF-16LE")]), "é");
    assert!(call("ENCODE", &[t("a"), t("ebcdic")]).is_err());
    assert_eq!(ok("TO_BASE64", &[t("你好")]), "5L2g5aW9");
    assert_eq!(ok("FROM_BASE64", &[t("aGVsbG8gd29ybGQ=")]), "hello world");
    assert_eq!(ok("FROM_BASE64", &[t("aGVsbG8gd29ybGQ")]), "hello world");
    assert!(call("FROM_BASE64", &[t("?")]).is_err());
}

#[test]
fn formats() {
    assert_eq!(ok("PRINTF", &[t("%s %s"), i(1), i(2), i(3)]), "1 2");
    assert_eq!(ok("PRINTF", &[t("%08d|%-5s|%5s"), i(1024), t("a"), t("b")]), "00001024|a    |    b");
    assert_eq!(ok("PRINTF", &[t("%.1f %e"), d(10.25), d(10.24)]), "10.3 1.024000e+01");
    assert_eq!(ok("PRINTF", &[t("%,d %x %+d"), i(1234567), i(-1), i(5)]), "1,234,567 ffffffff +5");
    assert_eq!(ok("PRINTF", &[t("%2$s %1$s %%"), t("a"), t("b")]), "b a %");
    assert_eq!(ok("PRINTF", &[t("%d"), null()]), "null");
    assert_eq!(ok("PRINTF", &[t("%s")]), "NULL");
    assert_eq!(ok("PRINTF", &[t("%d"), t("a")]), "NULL");
    assert!(call("PRINTF", &[i(1)]).is_err());
}
