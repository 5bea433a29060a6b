//! Tests of the functions on network addresses.

use crate::functions::testing::{i, ok, t};

#[test]
fn addresses() {
    for (address, want) in [
        ("192.168.1.1", "3232235777"),
        ("127.1", "2130706433"),
        ("127.0.1", "2130706433"),
        ("010.0.0.1", "167772161"),
        ("255", "255"),
        ("256", "NULL"),
        ("4294967296", "NULL"),
        ("256.1", "NULL"),
        ("1..2.3", "NULL"),
        ("1.2.3.4.5", "NULL"),
        (" 1.2.3.4", "NULL"),
        ("", "NULL"),
    ] {
        assert_eq!(ok("INET_ATON", &[t(address)]), want, "{address}");
    }
    assert_eq!(ok("INET_NTOA", &[i(2_130_706_433)]), "127.0.0.1");
    assert_eq!(ok("INET_NTOA", &[i(-1)]), "NULL");
}
