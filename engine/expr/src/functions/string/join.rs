//! CONCAT, `||`, CONCAT_WS and ELT.

use arrow::datatypes::DataType as Arrow;
use wasmill_plan::{Result, TypeKind, Value};

use crate::function::{Argument, CallSite, Kernel, Signature};
use crate::functions::arguments::{Param, length, nullable, variadic};
use crate::functions::columns::{bigint, binaries, binary, kernel, text, texts};

/// NULL where any part is.
pub(super) fn concat(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let parts: Vec<_> = args.iter().map(text).collect();
        texts(rows, |row, out| {
            for part in &parts {
                out.push_str(part.get(row)?);
            }
            Some(())
        })
    })
}

/// Leaves NULL parts out; NULL where the separator is.
pub(super) fn concat_ws(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (separator, parts) = (text(&args[0]), args[1..].iter().map(text).collect::<Vec<_>>());
        texts(rows, |row, out| {
            let separator = separator.get(row)?;
            for (i, part) in parts.iter().filter_map(|part| part.get(row)).enumerate() {
                if i > 0 {
                    out.push_str(separator);
                }
                out.push_str(part);
            }
            Some(())
        })
    })
}

/// `ELT(index, value, …)`: all values are texts, or all are bytes.
pub(super) fn infer_elt(args: &[Argument]) -> Result<Signature, String> {
    let bytes = args.iter().skip(1).any(|a| a.data_type.kind.is_binary());
    let value = if bytes { Param::Bytes } else { Param::Text };
    let types = variadic(args, &[Param::BigInt, value], value)?;
    if let Some(Value::Int(index @ ..0)) = args[0].literal {
        return Err(format!("the index must be 0 or more, not {index}"));
    }
    let longest = types[1..].iter().map(|t| length(&t.kind)).max().unwrap_or(0);
    let fixed = types[1..].iter().all(|t| matches!(t.kind, TypeKind::Char(n) | TypeKind::Binary(n) if n == longest));
    let kind = match (bytes, fixed) {
        (false, true) => TypeKind::Char(longest),
        (false, false) => TypeKind::Varchar(longest),
        (true, true) => TypeKind::Binary(longest),
        (true, false) => TypeKind::Varbinary(longest),
    };
    nullable(types, kind)
}

/// The value with that index from 1; NULL outside of them.
pub(super) fn elt(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let (index, values) = (bigint(&args[0]), &args[1..]);
        let pick = |row| values.get(usize::try_from(index.get(row)?.checked_sub(1)?).ok()?);
        if values[0].data_type() == &Arrow::Utf8 {
            texts(rows, |row, out| {
                out.push_str(text(pick(row)?).get(row)?);
                Some(())
            })
        } else {
            binaries(rows, |row, out| {
                out.extend_from_slice(binary(pick(row)?).get(row)?);
                Some(())
            })
        }
    })
}
