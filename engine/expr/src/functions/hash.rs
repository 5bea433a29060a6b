//! Hash functions: the digests as lower-case hexadecimal text, and Java's hash code.

use arrow::datatypes::Int32Type;
use sha2::Digest;
use wasmill_plan::{Error, Result, TypeKind, Value};

use super::arguments::{Param::*, params, strict};
use super::columns::{int, kernel, numbers, octets, text, texts, try_texts};
use crate::Function;
use crate::function::{Argument, CallSite, Kernel, Signature};

/// A digest of a text (its UTF-8) or bytes.
macro_rules! digest {
    ($name:literal, $digest:ty, $digits:literal) => {
        Function {
            name: $name,
            aliases: &[],
            usage: concat!($name, "(text or bytes)"),
            infer: |a| strict(params(a, &[TextOrBytes], &[])?, TypeKind::Char($digits)),
            kernel: |_| {
                kernel(|args, rows| {
                    let bytes = octets(&args[0]);
                    texts(rows, |row, out| write_hex(&<$digest>::digest(bytes.get(row)?), out))
                })
            },
        }
    };
}

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    digest!("MD5", md5::Md5, 32),
    digest!("SHA1", sha1::Sha1, 40),
    digest!("SHA224", sha2::Sha224, 56),
    digest!("SHA256", sha2::Sha256, 64),
    digest!("SHA384", sha2::Sha384, 96),
    digest!("SHA512", sha2::Sha512, 128),
    Function {
        name: "SHA2",
        aliases: &[],
        usage: "SHA2(text or bytes, 224 | 256 | 384 | 512)",
        infer: infer_sha2,
        kernel: sha2_of_length,
    },
    Function {
        name: "HASH_CODE",
        aliases: &[],
        usage: "HASH_CODE(text)",
        infer: |a| strict(params(a, &[Text], &[])?, TypeKind::Int),
        kernel: hash_code,
    },
];

fn write_hex(bytes: &[u8], out: &mut String) -> Option<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    Some(())
}

fn infer_sha2(args: &[Argument]) -> Result<Signature, String> {
    let types = params(args, &[TextOrBytes, Int], &[])?;
    if let Some(Value::Int(bits)) = args[1].literal
        && !matches!(bits, 224 | 256 | 384 | 512)
    {
        return Err(format!("the length must be 224, 256, 384 or 512 bits, not {bits}"));
    }
    strict(types, TypeKind::Varchar(128))
}

fn sha2_of_length(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (bytes, bits) = (octets(&args[0]), int(&args[1]));
        try_texts(rows, |row, out| {
            let (Some(bytes), Some(bits)) = (bytes.get(row), bits.get(row)) else { return Ok(None) };
            Ok(match bits {
                224 => write_hex(&sha2::Sha224::digest(bytes), out),
                256 => write_hex(&sha2::Sha256::digest(bytes), out),
                384 => write_hex(&sha2::Sha384::digest(bytes), out),
                512 => write_hex(&sha2::Sha512::digest(bytes), out),
                _ => return Err(Error::data(format!("SHA2 has no digest of {bits} bits"))),
            })
        })
    })
}

/// The absolute value of Java's `String.hashCode`.
fn hash_code(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        numbers::<Int32Type>(rows, |row| {
            let code = s.get(row)?.encode_utf16().fold(0i32, |h, unit| h.wrapping_mul(31).wrapping_add(unit.into()));
            Some(code.wrapping_abs())
        })
    })
}

#[cfg(test)]
mod tests;
