//! JSON values as text: what a STRING column gets where the value is no string.

use super::cursor::Cursor;

/// Appends the value's compact form: white space between tokens is dropped, everything else stays as it was written.
pub(crate) fn write_compact(value: &[u8], out: &mut Vec<u8>) {
    let mut cursor = Cursor::new(value);
    loop {
        match cursor.peek() {
            0 if cursor.at >= value.len() => return,
            b'"' => {
                let start = cursor.at;
                if cursor.string().is_err() {
                    return;
                }
                out.extend_from_slice(&value[start..cursor.at]);
            }
            byte => {
                out.push(byte);
                cursor.at += 1;
            }
        }
    }
}
