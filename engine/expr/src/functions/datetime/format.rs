//! DATE_FORMAT.

use arrow::array::{Array, ArrayRef};
use wasmill_plan::{DataType, Result, TypeKind, Value};

use super::pattern::Pattern;
use super::{Moment, as_given};
use crate::cast::temporal::as_integers;
use crate::function::{Argument, CallSite, ColumnValue, Context, Kernel, Signature};
use crate::functions::arguments::string;
use crate::functions::columns::{text, texts};
use crate::vector::length;

/// The form in which functions read a text without a pattern.
pub(super) const STANDARD: &str = "yyyy-MM-dd HH:mm:ss";

pub(super) fn infer_format(args: &[Argument]) -> Result<Signature, String> {
    let [time, pattern] = args else { return Err("two arguments were expected".to_owned()) };
    let kind = &time.data_type.kind;
    if !(kind.is_timestamp() || kind.is_text() || *kind == TypeKind::Null) {
        return Err("a timestamp was expected".to_owned());
    }
    if !pattern.data_type.kind.is_text() && pattern.data_type.kind != TypeKind::Null {
        return Err("the pattern must be text".to_owned());
    }
    let mut signature = as_given(args, string());
    signature.args[1] = DataType { kind: string(), nullable: pattern.data_type.nullable };
    signature.returns.nullable = true;
    Ok(signature)
}

/// A pattern that is compiled once where it is constant.
pub(super) struct Patterns {
    constant: Option<Option<Pattern>>,
}

impl Patterns {
    /// Of the argument at `index`; `default` where there is none.
    pub fn new(site: &CallSite, index: usize, default: &str) -> Self {
        let constant = match site.literals.get(index) {
            None => Some(Pattern::new(default)),
            Some(Some(Value::Text(text))) => Some(Pattern::new(text)),
            Some(_) => None,
        };
        Self { constant }
    }
    /// Calls `f` with the pattern of a row.
    pub fn with<R>(
        &self,
        args: &[ColumnValue],
        index: usize,
        row: usize,
        f: impl FnOnce(&Pattern) -> Option<R>,
    ) -> Option<R> {
        match &self.constant {
            Some(pattern) => f(pattern.as_ref()?),
            None => f(&Pattern::new(text(&args[index]).get(row)?)?),
        }
    }
}

pub(super) fn format(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let patterns = Patterns::new(site, 1, "");
    let standard = Pattern::new(STANDARD);
    let kind = site.args[0].kind.clone();
    Ok(Box::new(move |args: &[ColumnValue], rows: usize, context: &Context| -> Result<ArrayRef> {
        let rows = length(args, rows);
        let value = &args[0];
        if kind.is_text() {
            let value = text(value);
            return texts(rows, |row, out| {
                let moment = standard.as_ref()?.read_leniently(value.get(row)?)?;
                patterns.with(args, 1, row, |p| Some(p.write(moment, out)))
            });
        }
        let values = as_integers(value.array());
        texts(rows, |row, out| {
            let at = value.index(row);
            if values.is_null(at) {
                return None;
            }
            let moment = Moment::of(&kind, values.value(at), context.time_zone)?;
            patterns.with(args, 1, row, |p| Some(p.write(moment, out)))
        })
    }))
}
