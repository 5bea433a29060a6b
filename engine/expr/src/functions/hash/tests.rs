//! Tests of the digests.

use crate::functions::testing::{b, call, i, null, ok, t};

#[test]
fn digests() {
    assert_eq!(ok("MD5", &[t("abc")]), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(ok("MD5", &[b(b"abc")]), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(ok("SHA1", &[t("abc")]), "a9993e364706816aba3e25717850c26c9cd0d89d");
    let sha224 = "90a3ed9e32b2aaf4c61c410eb925426119e1a9dc53d4286ade99a809";
    assert_eq!(ok("SHA224", &[t("test")]), sha224);
    assert_eq!(ok("SHA2", &[t("test"), i(224)]), sha224);
    assert_eq!(ok("SHA2", &[null(), i(512)]), "NULL");
    assert!(call("SHA2", &[t("test"), i(100)]).is_err());
}

#[test]
fn java_hash_code() {
    assert_eq!(ok("HASH_CODE", &[t("a")]), "97");
    assert_eq!(ok("HASH_CODE", &[t("polygenelubricants")]), i32::MIN.to_string());
}
