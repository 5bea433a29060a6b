//! IPv4 addresses as text and as numbers.

use std::fmt::Write;

use arrow::datatypes::Int64Type;
use wasmill_plan::{Result, TypeKind};

use super::arguments::{Param::*, nullable, params, string};
use super::columns::{bigint, kernel, numbers, text, texts};
use crate::Function;
use crate::function::{CallSite, Kernel};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "INET_ATON",
        aliases: &[],
        usage: "INET_ATON(address)",
        infer: |a| nullable(params(a, &[Text], &[])?, TypeKind::BigInt),
        kernel: inet_aton,
    },
    Function {
        name: "INET_NTOA",
        aliases: &[],
        usage: "INET_NTOA(number)",
        infer: |a| nullable(params(a, &[BigInt], &[])?, string()),
        kernel: inet_ntoa,
    },
];

/// NULL for what is no address. Short forms as in C: `a.b` is `a.0.0.b`, `a.b.c` is `a.b.0.c`, `a` is `0.0.0.a`; leading
/// zeros are decimal. No part exceeds 255.
fn inet_aton(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let s = text(&args[0]);
        numbers::<Int64Type>(rows, |row| address(s.get(row)?).map(i64::from))
    })
}

fn address(s: &str) -> Option<u32> {
    let mut parts = [0u32; 4];
    let mut count = 0;
    for part in s.split('.') {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *parts.get_mut(count)? =
            part.bytes().try_fold(0u32, |n, b| n.checked_mul(10)?.checked_add((b - b'0').into()))?;
        count += 1;
    }
    if parts.iter().any(|p| *p > 255) {
        return None;
    }
    Some(match count {
        1 => parts[0],
        2 => parts[0] << 24 | parts[1],
        3 => parts[0] << 24 | parts[1] << 16 | parts[2],
        _ => parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3],
    })
}

/// NULL outside of 32 bits.
fn inet_ntoa(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let number = bigint(&args[0]);
        texts(rows, |row, out| {
            let number = u32::try_from(number.get(row)?).ok()?;
            write!(out, "{}", std::net::Ipv4Addr::from(number)).ok()
        })
    })
}

#[cfg(test)]
mod tests;
