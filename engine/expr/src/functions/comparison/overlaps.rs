//! `(start, end) OVERLAPS (start, end)`, as a function of four arguments; an end may be an interval from its start.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use wasmill_plan::{DataType, Error, Result, TypeKind};

use crate::functions::arithmetic::shifter;
use crate::typing::common_kind;
use crate::vector::{int_reader, length, valid_rows};
use crate::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};

fn is_interval(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::IntervalDayTime | TypeKind::IntervalYearMonth)
}

/// All points become the common type of the starts; intervals stay.
pub(super) fn infer(args: &[Argument]) -> Result<Signature, String> {
    let [a, b, c, d] = args else { return Err("takes two pairs of points in time".into()) };
    let mut common = TypeKind::Null;
    for point in [a, c, b, d] {
        let kind = &point.data_type.kind;
        if is_interval(kind) {
            continue;
        }
        let is_point = matches!(kind, TypeKind::Date | TypeKind::Time(_) | TypeKind::Null) || kind.is_timestamp();
        common = common_kind(&common, kind)
            .filter(|_| is_point)
            .ok_or_else(|| format!("cannot apply OVERLAPS to {kind}"))?;
    }
    let nullable = args.iter().any(|a| a.data_type.nullable);
    let args = args.iter().map(|arg| {
        if is_interval(&arg.data_type.kind) {
            arg.data_type.clone()
        } else {
            DataType { kind: common.clone(), nullable: arg.data_type.nullable }
        }
    });
    Ok(Signature { args: args.collect(), returns: DataType { kind: TypeKind::Boolean, nullable } })
}

/// Flink (Calcite): each pair is put in order, then `max(starts) <= min(ends)`.
pub(super) fn kernel(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let point = site.args[0].kind.clone();
    let end_of = |kind: &TypeKind| match kind {
        TypeKind::IntervalYearMonth => Some(shifter(&point, true)),
        TypeKind::IntervalDayTime => Some(shifter(&point, false)),
        _ => None,
    };
    let (first, second) = (end_of(&site.args[1].kind), end_of(&site.args[3].kind));
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, _: &Context| -> Result<ArrayRef> {
        let length = length(args, rows);
        let nulls = valid_rows(&args.iter().collect::<Vec<_>>(), length);
        let readers: Option<Vec<_>> = args.iter().map(|arg| int_reader(arg.array())).collect();
        let Some(readers) = readers else { return Err(Error::query("OVERLAPS over columns that are not of times")) };
        let result: BooleanArray = (0..length)
            .map(|row| {
                if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                    return None;
                }
                let value = |i: usize| readers[i](args[i].index(row));
                let pair = |start: i64, end: i64, shift: Option<fn(i64, i64) -> Option<i64>>| {
                    let end = shift.map_or(Some(end), |shift| shift(start, end)).unwrap_or(i64::MAX);
                    (start.min(end), start.max(end))
                };
                let (s1, e1) = pair(value(0), value(1), first);
                let (s2, e2) = pair(value(2), value(3), second);
                Some(s1.max(s2) <= e1.min(e2))
            })
            .collect();
        Ok(Arc::new(result))
    }))
}
