//! Kernels of DECIMALs: exact, rounded half up to the result's scale; what exceeds its precision is NULL.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType as A, Decimal128Type, i256};
use wasmill_plan::Result;

use super::{Operation, by_zero};
use crate::number::{fits, pow10, round_half_up, round_half_up_wide};
use crate::vector::try_binary;
use crate::{ColumnValue, Context, Kernel};

/// The kernel for sides of scales `s1` and `s2` and a result of that precision and scale.
pub(super) fn kernel(operation: Operation, (s1, s2): (u8, u8), (precision, scale): (u8, u8)) -> Box<dyn Kernel> {
    let arrow = A::Decimal128(precision, scale as i8);
    Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let result = try_binary::<Decimal128Type, Decimal128Type, Decimal128Type>(args, rows, |a, b| {
            if b == 0 && matches!(operation, Operation::Divide | Operation::Modulo) {
                return Err(by_zero());
            }
            let value = narrow(operation, (a, s1), (b, s2), scale).or_else(|| wide(operation, (a, s1), (b, s2), scale));
            Ok(value.filter(|value| fits(*value, precision)))
        })?;
        Ok(Arc::new(result.with_data_type(arrow.clone())))
    })
}

/// The result where no step overflows 128 bits.
fn narrow(operation: Operation, (a, s1): (i128, u8), (b, s2): (i128, u8), scale: u8) -> Option<i128> {
    let common = s1.max(s2);
    let aligned = || Some((a.checked_mul(pow10(common - s1)?)?, b.checked_mul(pow10(common - s2)?)?));
    match operation {
        Operation::Add => {
            let (a, b) = aligned()?;
            Some(round_half_up(a.checked_add(b)?, common, scale))
        }
        Operation::Subtract => {
            let (a, b) = aligned()?;
            Some(round_half_up(a.checked_sub(b)?, common, scale))
        }
        Operation::Multiply => Some(round_half_up(a.checked_mul(b)?, s1 + s2, scale)),
        Operation::Modulo => {
            let (a, b) = aligned()?;
            Some(round_half_up(a.checked_rem(b)?, common, scale))
        }
        Operation::Divide => {
            let up = i32::from(scale) + i32::from(s2) - i32::from(s1);
            let (dividend, divisor) = if up >= 0 {
                (a.checked_mul(pow10(u8::try_from(up).ok()?)?)?, b)
            } else {
                (a, b.checked_mul(pow10(u8::try_from(-up).ok()?)?)?)
            };
            let (quotient, rest) = (dividend / divisor, dividend % divisor);
            let away = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
            let sign = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
            Some(if away { quotient + sign } else { quotient })
        }
    }
}

/// The same in 256 bits; `None` where even those, or the result's 128, are not enough.
fn wide(operation: Operation, (a, s1): (i128, u8), (b, s2): (i128, u8), scale: u8) -> Option<i128> {
    let common = s1.max(s2);
    let ten = |n: u8| i256::from_i128(10).checked_pow(n.into());
    let (a, b) = (i256::from_i128(a), i256::from_i128(b));
    let aligned = || Some((a.checked_mul(ten(common - s1)?)?, b.checked_mul(ten(common - s2)?)?));
    let (exact, from) = match operation {
        Operation::Add => {
            let (a, b) = aligned()?;
            (a.checked_add(b)?, common)
        }
        Operation::Subtract => {
            let (a, b) = aligned()?;
            (a.checked_sub(b)?, common)
        }
        Operation::Multiply => (a.checked_mul(b)?, s1 + s2),
        Operation::Modulo => {
            let (a, b) = aligned()?;
            (a.checked_rem(b)?, common)
        }
        Operation::Divide => {
            // One digit more than wanted carries the rounding; a remainder beyond it cannot change half up.
            let up = i32::from(scale) + 1 + i32::from(s2) - i32::from(s1);
            let (dividend, divisor) = if up >= 0 {
                (a.checked_mul(ten(u8::try_from(up).ok()?)?)?, b)
            } else {
                (a, b.checked_mul(ten(u8::try_from(-up).ok()?)?)?)
            };
            (dividend.checked_div(divisor)?, scale + 1)
        }
    };
    round_half_up_wide(exact, from, scale)?.to_i128()
}
