//! What is known of an expression without evaluating it.

use wasmill_plan::{Expr, ExprKind, TypeKind};

/// Functions whose result is another at each batch, or each row.
const VOLATILE: &[&str] = &[
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_ROW_TIMESTAMP",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "NOW",
    "PROCTIME",
    "UNIX_TIMESTAMP",
    "RAND",
    "RAND_INTEGER",
    "UUID",
];

/// Functions that may read the session's time zone without having a TIMESTAMP_LTZ argument or result.
const ZONED: &[&str] = &["FROM_UNIXTIME", "UNIX_TIMESTAMP", "TO_TIMESTAMP", "DATE_FORMAT", "CONVERT_TZ"];

/// Functions that are cheap and never fail, so that they may see rows that do not need them.
const TOTAL: &[&str] = &[
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "IS NULL",
    "IS NOT NULL",
    "IS TRUE",
    "IS NOT TRUE",
    "IS FALSE",
    "IS NOT FALSE",
    "IS UNKNOWN",
    "IS NOT UNKNOWN",
    "IS DISTINCT FROM",
    "IS NOT DISTINCT FROM",
    "AND",
    "OR",
    "NOT",
    "IN",
    "FIELD",
];

/// Whether the expression reads no column and nothing that changes.
pub(super) fn is_foldable(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Column(_) | ExprKind::CurrentWatermark | ExprKind::UserFunction { .. } => false,
        ExprKind::Call { function, .. } if VOLATILE.contains(&function.as_str()) => false,
        _ => expr.children().into_iter().all(is_foldable),
    }
}

/// Whether the result may depend on the session's time zone.
pub(super) fn reads_zone(expr: &Expr) -> bool {
    if matches!(expr.data_type.kind, TypeKind::TimestampLtz(_)) {
        return true;
    }
    if let ExprKind::Call { function, .. } = &expr.kind
        && ZONED.contains(&function.as_str())
    {
        return true;
    }
    expr.children().into_iter().any(reads_zone)
}

/// Whether evaluating it for rows that do not need it can do no harm.
pub(super) fn is_total(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::CurrentWatermark => true,
        ExprKind::UserFunction { .. } => false,
        ExprKind::Cast { .. } | ExprKind::Case { .. } => false,
        ExprKind::Call { args, .. } => is_slight(expr) && args.iter().all(is_total),
    }
}

/// Whether the operation itself, its arguments left aside, is cheap and never fails.
pub fn is_slight(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::CurrentWatermark => true,
        ExprKind::UserFunction { .. } | ExprKind::Cast { .. } | ExprKind::Case { .. } => false,
        ExprKind::Call { function, .. } => {
            let arithmetic = matches!(function.as_str(), "+" | "-" | "*")
                && (expr.data_type.kind.is_integer()
                    || matches!(expr.data_type.kind, TypeKind::Float | TypeKind::Double));
            arithmetic || TOTAL.contains(&function.as_str())
        }
    }
}

/// Whether two evaluations over the same row give the same value.
pub fn is_repeatable(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::CurrentWatermark => false,
        ExprKind::Call { function, .. } if VOLATILE.contains(&function.as_str()) => false,
        _ => expr.children().into_iter().all(is_repeatable),
    }
}

/// The direct parts that are evaluated for every row for which the expression is.
pub fn eager_children(expr: &Expr) -> Vec<&Expr> {
    let lazy = match &expr.kind {
        ExprKind::Case { .. } => true,
        ExprKind::Call { function, .. } => matches!(function.as_str(), "AND" | "OR" | "COALESCE" | "IFNULL" | "IF"),
        _ => false,
    };
    let mut children = expr.children();
    if lazy {
        children.truncate(1);
    }
    children
}
