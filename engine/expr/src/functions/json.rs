//! JSON functions, with SQL/JSON paths in `lax` and `strict` mode (a path that names no mode is strict, as in Flink).
//!
//! # How the clauses of SQL arrive
//! Clauses are text literals after the plain arguments, in upper case with single spaces, in any order:
//!
//! ```text
//! JSON_EXISTS(j, p [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])  JSON_EXISTS(j, p, 'UNKNOWN ON ERROR')
//! JSON_VALUE(j, p RETURNING INT NULL ON EMPTY DEFAULT 42 ON ERROR)
//!                               JSON_VALUE(j, p, 'RETURNING INT', 'NULL ON EMPTY', 'DEFAULT ON ERROR', 42)
//! JSON_QUERY(j, p RETURNING ARRAY<STRING> WITH CONDITIONAL ARRAY WRAPPER EMPTY ARRAY ON EMPTY NULL ON ERROR)
//!     JSON_QUERY(j, p, 'RETURNING ARRAY<STRING>', 'WITH CONDITIONAL ARRAY WRAPPER', 'EMPTY ARRAY ON EMPTY', 'NULL ON ERROR')
//! JSON_OBJECT(KEY 'a' VALUE 1, KEY 'b' VALUE JSON_ARRAY(2) ABSENT ON NULL)
//!                               JSON_OBJECT('a', 1, 'b', JSON_ARRAY(2, …), 'ABSENT ON NULL RAW 3')
//! JSON_ARRAY(1, JSON(t) NULL ON NULL)                          JSON_ARRAY(1, t, 'NULL ON NULL RAW 1')
//! x IS JSON [VALUE | SCALAR | OBJECT | ARRAY]                  `IS JSON VALUE`(x), …; `IS NOT JSON …` is NOT of it
//! ```
//! - The default of `DEFAULT … ON EMPTY` or `… ON ERROR` is the argument after the clause.
//! - `RETURNING` names a type as [`TypeKind`] prints it: `INT`, `DECIMAL(10, 2)`, `ARRAY<STRING>`.
//! - `ARRAY` may be left out of a wrapper clause.
//! - `RAW i j` names the arguments (from 0) of JSON_OBJECT and JSON_ARRAY that are JSON text, to go in as JSON and not as a
//!   string: direct calls of JSON_OBJECT and JSON_ARRAY, and the text of `JSON(t)`. The clause of these two functions is always
//!   their last argument; a planner gives `NULL ON NULL` (JSON_OBJECT) or `ABSENT ON NULL` (JSON_ARRAY) where the user wrote
//!   none.
//! - A call of `JSON` is allowed only there, so that it is never a call of a function here.

mod cells;
mod clauses;
mod construct;
mod node;
mod path;
mod query;
mod quote;

use wasmill_plan::TypeKind;

use super::arguments::{Param::*, params, strict, string, total};
use crate::Function;

/// This family's functions.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "JSON_EXISTS",
        aliases: &[],
        usage: "JSON_EXISTS(json, path [{TRUE | FALSE | UNKNOWN | ERROR} ON ERROR])",
        infer: query::infer_exists,
        kernel: query::exists,
    },
    Function {
        name: "JSON_VALUE",
        aliases: &[],
        usage: "JSON_VALUE(json, path [RETURNING type] [{NULL | ERROR | DEFAULT value} ON EMPTY] [… ON ERROR])",
        infer: query::infer_value,
        kernel: query::value,
    },
    Function {
        name: "JSON_QUERY",
        aliases: &[],
        usage: "JSON_QUERY(json, path [RETURNING type] [{WITHOUT | WITH CONDITIONAL | WITH UNCONDITIONAL} ARRAY WRAPPER] \
                [{NULL | EMPTY ARRAY | EMPTY OBJECT | ERROR} ON EMPTY] [… ON ERROR])",
        infer: query::infer_query,
        kernel: query::query,
    },
    Function {
        name: "JSON_OBJECT",
        aliases: &[],
        usage: "JSON_OBJECT([KEY] key VALUE value, … [{NULL | ABSENT} ON NULL])",
        infer: construct::infer_object,
        kernel: construct::object,
    },
    Function {
        name: "JSON_ARRAY",
        aliases: &[],
        usage: "JSON_ARRAY(value, … [{NULL | ABSENT} ON NULL])",
        infer: construct::infer_array,
        kernel: construct::array,
    },
    Function {
        name: "JSON_STRING",
        aliases: &[],
        usage: "JSON_STRING(value)",
        infer: |a| strict(params(a, &[Any], &[])?, string()),
        kernel: construct::string,
    },
    Function {
        name: "JSON",
        aliases: &[],
        usage: "JSON(text)",
        infer: |_| Err(construct::JSON_MISPLACED.to_owned()),
        kernel: |_| Err(wasmill_plan::Error::query(construct::JSON_MISPLACED)),
    },
    Function {
        name: "JSON_QUOTE",
        aliases: &[],
        usage: "JSON_QUOTE(text)",
        infer: |a| strict(params(a, &[Text], &[])?, string()),
        kernel: quote::quote,
    },
    Function {
        name: "JSON_UNQUOTE",
        aliases: &[],
        usage: "JSON_UNQUOTE(text)",
        infer: |a| strict(params(a, &[Text], &[])?, string()),
        kernel: quote::unquote,
    },
    Function {
        name: "IS JSON VALUE",
        aliases: &["IS JSON"],
        usage: "text IS JSON [VALUE]",
        infer: |a| total(params(a, &[Text], &[])?, TypeKind::Boolean),
        kernel: |_| query::is_json(|_| true),
    },
    Function {
        name: "IS JSON SCALAR",
        aliases: &[],
        usage: "text IS JSON SCALAR",
        infer: |a| total(params(a, &[Text], &[])?, TypeKind::Boolean),
        kernel: |_| query::is_json(|node| node.is_scalar()),
    },
    Function {
        name: "IS JSON OBJECT",
        aliases: &[],
        usage: "text IS JSON OBJECT",
        infer: |a| total(params(a, &[Text], &[])?, TypeKind::Boolean),
        kernel: |_| query::is_json(|node| matches!(node, node::Node::Object(_))),
    },
    Function {
        name: "IS JSON ARRAY",
        aliases: &[],
        usage: "text IS JSON ARRAY",
        infer: |a| total(params(a, &[Text], &[])?, TypeKind::Boolean),
        kernel: |_| query::is_json(|node| matches!(node, node::Node::Array(_))),
    },
];

#[cfg(test)]
mod tests;
