//! Kernels of integers (which wrap around, as Java's) and floating-point numbers.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{
    Decimal128Type, DurationMillisecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalYearMonthType,
};
use wasmill_plan::{Error, Result, TypeKind};

use super::{Operation, by_zero};
use crate::vector::{binary, try_binary, unary};
use crate::{ColumnValue, Context, Kernel};

macro_rules! boxed {
    (|$args:ident, $rows:ident| $body:expr) => {
        Box::new(move |$args: &[ColumnValue], $rows: usize, _: &Context| -> Result<ArrayRef> { $body })
    };
}

macro_rules! integers {
    ($t:ty, $operation:expr) => {
        match $operation {
            Operation::Add => {
                boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a.wrapping_add(b)))))
            }
            Operation::Subtract => {
                boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a.wrapping_sub(b)))))
            }
            Operation::Multiply => {
                boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a.wrapping_mul(b)))))
            }
            Operation::Divide => boxed!(|args, rows| Ok(Arc::new(try_binary::<$t, $t, $t>(args, rows, |a, b| {
                if b == 0 { Err(by_zero()) } else { Ok(Some(a.wrapping_div(b))) }
            })?))),
            Operation::Modulo => boxed!(|args, rows| Ok(Arc::new(try_binary::<$t, $t, $t>(args, rows, |a, b| {
                if b == 0 { Err(by_zero()) } else { Ok(Some(a.wrapping_rem(b))) }
            })?))),
        }
    };
}

macro_rules! floats {
    ($t:ty, $operation:expr) => {
        match $operation {
            Operation::Add => boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a + b)))),
            Operation::Subtract => boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a - b)))),
            Operation::Multiply => boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a * b)))),
            Operation::Divide => boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a / b)))),
            Operation::Modulo => boxed!(|args, rows| Ok(Arc::new(binary::<$t, $t, $t>(args, rows, |a, b| a % b)))),
        }
    };
}

/// The kernel of an operation whose sides and result are all of this type.
pub(super) fn kernel(operation: Operation, kind: &TypeKind) -> Result<Box<dyn Kernel>> {
    Ok(match kind {
        TypeKind::TinyInt => integers!(Int8Type, operation),
        TypeKind::SmallInt => integers!(Int16Type, operation),
        TypeKind::Int => integers!(Int32Type, operation),
        TypeKind::BigInt => integers!(Int64Type, operation),
        TypeKind::Float => floats!(Float32Type, operation),
        TypeKind::Double => floats!(Float64Type, operation),
        TypeKind::IntervalYearMonth => integers!(IntervalYearMonthType, operation),
        TypeKind::IntervalDayTime => integers!(DurationMillisecondType, operation),
        other => return Err(Error::query(format!("cannot apply '{}' to {other}", operation.sign()))),
    })
}

/// The kernel of `-a`.
pub(super) fn negate(kind: &TypeKind) -> Result<Box<dyn Kernel>> {
    macro_rules! wrapping {
        ($t:ty) => {
            boxed!(|args, _rows| Ok(Arc::new(unary::<$t, $t>(&args[0], |a| a.wrapping_neg()))))
        };
    }
    Ok(match kind {
        TypeKind::TinyInt => wrapping!(Int8Type),
        TypeKind::SmallInt => wrapping!(Int16Type),
        TypeKind::Int => wrapping!(Int32Type),
        TypeKind::BigInt => wrapping!(Int64Type),
        TypeKind::IntervalYearMonth => wrapping!(IntervalYearMonthType),
        TypeKind::IntervalDayTime => wrapping!(DurationMillisecondType),
        TypeKind::Float => boxed!(|args, _rows| Ok(Arc::new(unary::<Float32Type, Float32Type>(&args[0], |a| -a)))),
        TypeKind::Double => boxed!(|args, _rows| Ok(Arc::new(unary::<Float64Type, Float64Type>(&args[0], |a| -a)))),
        TypeKind::Decimal(..) => {
            let arrow = kind.to_arrow();
            boxed!(|args, _rows| {
                let negated = unary::<Decimal128Type, Decimal128Type>(&args[0], |a| a.wrapping_neg());
                Ok(Arc::new(negated.with_data_type(arrow.clone())))
            })
        }
        TypeKind::Null => boxed!(|args, _rows| Ok(args[0].array().clone())),
        other => return Err(Error::query(format!("cannot negate {other}"))),
    })
}
