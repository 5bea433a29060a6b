//! The time of the batch: NOW(), PROCTIME(), CURRENT_DATE and their kin.

use arrow::array::ArrayRef;
use wasmill_plan::{DataType, Result, TypeKind};

use super::Moment;
use crate::function::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};
use crate::vector::int_column;

fn none(args: &[Argument], returns: TypeKind) -> Result<Signature, String> {
    match args {
        [] => Ok(Signature { args: vec![], returns: DataType::not_null(returns) }),
        _ => Err("no argument was expected".to_owned()),
    }
}

pub(super) fn infer_instant(args: &[Argument]) -> Result<Signature, String> {
    none(args, TypeKind::TimestampLtz(3))
}

pub(super) fn infer_local(args: &[Argument]) -> Result<Signature, String> {
    none(args, TypeKind::Timestamp(3))
}

pub(super) fn infer_time(args: &[Argument]) -> Result<Signature, String> {
    none(args, TypeKind::Time(0))
}

pub(super) fn infer_date(args: &[Argument]) -> Result<Signature, String> {
    none(args, TypeKind::Date)
}

pub(super) fn kernel(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let kind = site.returns.kind.clone();
    Ok(Box::new(move |_: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let value = match kind {
            TypeKind::TimestampLtz(_) => Some(context.now_ms),
            _ => Moment::of(&TypeKind::TimestampLtz(3), context.now_ms, context.time_zone)
                .and_then(|m| m.to(&kind, chrono_tz::UTC)),
        };
        Ok(int_column((0..rows).map(|_| value), &kind))
    }))
}
