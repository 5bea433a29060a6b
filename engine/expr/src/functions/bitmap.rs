//! BITMAP functions: sets of 32-bit integers, held as serialised 32-bit Roaring bitmaps
//! (<https://github.com/RoaringBitmap/RoaringFormatSpec>). An INT is a member by its bits, so that -1 is 4294967295.

use std::sync::Arc;

use arrow::array::{AsArray, Int32Builder, ListBuilder};
use arrow::datatypes::{Field, Int32Type, Int64Type};
use roaring::RoaringBitmap;
use wasmill_plan::{DataType, Error, Result, TypeKind};

use super::arguments::{Param::*, bytes, params, strict, string};
use super::columns::{binary, kernel, list, try_binaries, try_numbers, try_texts};
use crate::Function;
use crate::function::{Argument, CallSite, Kernel, Signature};

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "BITMAP_BUILD",
        aliases: &[],
        usage: "BITMAP_BUILD(ARRAY<INT>)",
        infer: infer_build,
        kernel: bitmap_build,
    },
    Function {
        name: "BITMAP_CARDINALITY",
        aliases: &[],
        usage: "BITMAP_CARDINALITY(bitmap)",
        infer: |a| strict(params(a, &[Bitmap], &[])?, TypeKind::BigInt),
        kernel: bitmap_cardinality,
    },
    Function {
        name: "BITMAP_FROM_BYTES",
        aliases: &[],
        usage: "BITMAP_FROM_BYTES(bytes)",
        infer: |a| strict(params(a, &[Bytes], &[])?, TypeKind::Bitmap),
        kernel: bitmap_from_bytes,
    },
    Function {
        name: "BITMAP_TO_BYTES",
        aliases: &[],
        usage: "BITMAP_TO_BYTES(bitmap)",
        infer: |a| strict(params(a, &[Bitmap], &[])?, bytes()),
        kernel: |_| kernel(|args, rows| Ok(args[0].to_array(rows))),
    },
    Function {
        name: "BITMAP_TO_ARRAY",
        aliases: &[],
        usage: "BITMAP_TO_ARRAY(bitmap)",
        infer: |a| strict(params(a, &[Bitmap], &[])?, TypeKind::Array(Box::new(DataType::nullable(TypeKind::Int)))),
        kernel: bitmap_to_array,
    },
    Function {
        name: "BITMAP_TO_STRING",
        aliases: &[],
        usage: "BITMAP_TO_STRING(bitmap)",
        infer: |a| strict(params(a, &[Bitmap], &[])?, string()),
        kernel: bitmap_to_string,
    },
    Function {
        name: "BITMAP_AND",
        aliases: &[],
        usage: "BITMAP_AND(bitmap, bitmap)",
        infer: |a| strict(params(a, &[Bitmap, Bitmap], &[])?, TypeKind::Bitmap),
        kernel: |_| of_two(|a, b| a & b),
    },
    Function {
        name: "BITMAP_OR",
        aliases: &[],
        usage: "BITMAP_OR(bitmap, bitmap)",
        infer: |a| strict(params(a, &[Bitmap, Bitmap], &[])?, TypeKind::Bitmap),
        kernel: |_| of_two(|a, b| a | b),
    },
    Function {
        name: "BITMAP_XOR",
        aliases: &[],
        usage: "BITMAP_XOR(bitmap, bitmap)",
        infer: |a| strict(params(a, &[Bitmap, Bitmap], &[])?, TypeKind::Bitmap),
        kernel: |_| of_two(|a, b| a ^ b),
    },
    Function {
        name: "BITMAP_ANDNOT",
        aliases: &[],
        usage: "BITMAP_ANDNOT(bitmap, bitmap)",
        infer: |a| strict(params(a, &[Bitmap, Bitmap], &[])?, TypeKind::Bitmap),
        kernel: |_| of_two(|a, b| a - b),
    },
];

fn infer_build(args: &[Argument]) -> Result<Signature, String> {
    let given = &args.first().ok_or("takes 1 argument, not 0")?.data_type;
    let item = match &given.kind {
        TypeKind::Array(item) if item.kind.is_integer() && item.kind != TypeKind::BigInt => item,
        TypeKind::Array(item) if item.kind == TypeKind::Null => item,
        kind => return Err(format!("argument 1 must be an ARRAY<INT>, not {kind}")),
    };
    let item = DataType { kind: TypeKind::Int, nullable: item.nullable };
    let array = DataType { kind: TypeKind::Array(Box::new(item)), nullable: given.nullable };
    params(args, &[Array], &[])?;
    strict(vec![array], TypeKind::Bitmap)
}

/// Reads a serialised bitmap.
pub(crate) fn read(bytes: &[u8]) -> Result<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes).map_err(|e| Error::data(format!("not a serialised bitmap: {e}")))
}

fn write(bitmap: &RoaringBitmap, out: &mut Vec<u8>) -> Result<()> {
    bitmap.serialize_into(out).map_err(|e| Error::data(format!("a bitmap cannot be serialised: {e}")))
}

/// NULL elements are left out.
fn bitmap_build(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let arrays = list(&args[0]);
        try_binaries(rows, |row, out| {
            let Some(values) = arrays.get(row) else { return Ok(None) };
            let bitmap: RoaringBitmap = values.as_primitive::<Int32Type>().iter().flatten().map(|v| v as u32).collect();
            write(&bitmap, out).map(Some)
        })
    })
}

fn bitmap_cardinality(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let bitmaps = binary(&args[0]);
        try_numbers::<Int64Type>(rows, |row| bitmaps.get(row).map(|bytes| Ok(read(bytes)?.len() as i64)).transpose())
    })
}

/// Checks the bytes and gives them in one form.
fn bitmap_from_bytes(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let serialised = binary(&args[0]);
        try_binaries(rows, |row, out| {
            let Some(bytes) = serialised.get(row) else { return Ok(None) };
            write(&read(bytes)?, out).map(Some)
        })
    })
}

/// The members in ascending order of their unsigned value.
fn bitmap_to_array(_: &CallSite) -> Result<Box<dyn Kernel>> {
    kernel(|args, rows| {
        let bitmaps = binary(&args[0]);
        let item = Field::new("item", arrow::datatypes::DataType::Int32, true);
        let mut lists = ListBuilder::with_capacity(Int32Builder::new(), rows).with_field(item);
        for row in 0..rows {
            let Some(bytes) = bitmaps.get(row) else {
                lists.append_null();
                continue;
            };
            read(bytes)?.iter().for_each(|v| lists.values().append_value(v as i32));
            lists.append(true);
        }
        Ok(Arc::new(lists.finish()))
    })
}

/// `{1,2,4294967295}`.
fn bitmap_to_string(_: &CallSite) -> Result<Box<dyn Kernel>> {
    use std::fmt::Write;
    kernel(|args, rows| {
        let bitmaps = binary(&args[0]);
        try_texts(rows, |row, out| {
            let Some(bytes) = bitmaps.get(row) else { return Ok(None) };
            out.push('{');
            for (i, member) in read(bytes)?.iter().enumerate() {
                let comma = if i > 0 { "," } else { "" };
                // Writing to a String cannot fail.
                let _ = write!(out, "{comma}{member}");
            }
            out.push('}');
            Ok(Some(()))
        })
    })
}

fn of_two(f: fn(&RoaringBitmap, &RoaringBitmap) -> RoaringBitmap) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| {
        let (a, b) = (binary(&args[0]), binary(&args[1]));
        try_binaries(rows, |row, out| {
            let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
            write(&f(&read(a)?, &read(b)?), out).map(Some)
        })
    })
}

#[cfg(test)]
mod tests;
