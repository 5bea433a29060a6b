//! Casts to CHAR and VARCHAR, and to BINARY and VARBINARY: cut, and filled up where the length is fixed.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, StringBuilder};
use arrow::datatypes as a;
use wasmill_plan::{MAX_LENGTH, TypeKind};

use super::Convert;
use crate::display::{Style, write_value};

/// The conversion of any type to a text type.
pub(super) fn convert(from: TypeKind, to: &TypeKind) -> Convert {
    let (length, fixed) = match to {
        TypeKind::Char(n) => (*n, true),
        TypeKind::Varchar(n) => (*n, false),
        _ => (MAX_LENGTH, false),
    };
    if from.is_text() {
        let never_cut = match from {
            TypeKind::Char(n) => n == length || (!fixed && n <= length),
            TypeKind::Varchar(n) => !fixed && n <= length,
            _ => false,
        };
        if never_cut || (length == MAX_LENGTH && !fixed) {
            return Box::new(|array, _, _| Ok(array.clone()));
        }
        return Box::new(move |array, _, _| {
            let texts = array.as_string::<i32>();
            let mut result = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
            let mut buffer = String::new();
            for text in texts.iter() {
                match text {
                    None => result.append_null(),
                    Some(text) => {
                        buffer.clear();
                        buffer.push_str(text);
                        fit(&mut buffer, length as usize, fixed);
                        result.append_value(&buffer);
                    }
                }
            }
            Ok(Arc::new(result.finish()))
        });
    }
    Box::new(move |array, context, _| {
        if let (TypeKind::BigInt | TypeKind::Int, MAX_LENGTH) = (&from, length) {
            return Ok(arrow::compute::cast(array, &a::DataType::Utf8)?);
        }
        let style = Style::Cast(context.time_zone);
        let mut result = StringBuilder::with_capacity(array.len(), array.len() * 8);
        let mut buffer = String::new();
        for row in 0..array.len() {
            if array.is_null(row) {
                result.append_null();
                continue;
            }
            buffer.clear();
            write_value(array, row, &from, style, &mut buffer);
            fit(&mut buffer, length as usize, fixed);
            result.append_value(&buffer);
        }
        Ok(Arc::new(result.finish()))
    })
}

/// Cuts to `length` characters, or fills up with blanks where the length is fixed.
fn fit(text: &mut String, length: usize, fixed: bool) {
    if length == MAX_LENGTH as usize {
        return;
    }
    if text.len() > length
        && let Some((at, _)) = text.char_indices().nth(length)
    {
        text.truncate(at);
    }
    if fixed {
        let count = text.chars().count();
        (count..length).for_each(|_| text.push(' '));
    }
}

/// The conversion of text (as UTF-8), bytes or a bitmap to BINARY or VARBINARY.
pub(super) fn fit_bytes(to: &TypeKind) -> Convert {
    let (length, fixed) = match to {
        TypeKind::Binary(n) => (*n as usize, true),
        TypeKind::Varbinary(n) => (*n as usize, false),
        _ => (MAX_LENGTH as usize, false),
    };
    Box::new(move |array: &ArrayRef, _, _| {
        let bytes = arrow::compute::cast(array, &a::DataType::Binary)?;
        if length == MAX_LENGTH as usize {
            return Ok(bytes);
        }
        let bytes = bytes.as_binary::<i32>();
        let mut result = BinaryBuilder::with_capacity(bytes.len(), bytes.value_data().len());
        let mut buffer = Vec::new();
        for value in bytes.iter() {
            match value {
                None => result.append_null(),
                Some(value) => {
                    buffer.clear();
                    buffer.extend_from_slice(&value[..value.len().min(length)]);
                    if fixed {
                        buffer.resize(length, 0);
                    }
                    result.append_value(&buffer);
                }
            }
        }
        Ok(Arc::new(result.finish()))
    })
}
