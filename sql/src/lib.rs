//! SQL text → checked plan. No I/O, no clock, no thread.
//!
//! ```text
//! script text --parser::parse_script--> [ParsedStatement]
//!   CREATE …        --ddl-->     Catalog
//!   SET, RESET      --settings--> Settings
//!   queries, INSERT --planner (binder inside)--> wasmill_plan::Plan
//! ```
//!
//! Every error is a [`QueryError`] that points into the text that was parsed.

pub mod binder;
pub mod catalog;
pub mod ddl;
mod dialect;
pub mod error;
pub mod explain;
pub mod parser;
pub mod planner;
pub mod settings;
pub mod show;
pub mod statement;
pub mod types;

pub use catalog::{Catalog, FunctionKind, Model, Relation, UserFunction, View};
pub use error::{QueryError, Result, Span, nearest};
pub use parser::{is_complete, parse_script};
pub use planner::{plan_inserts, plan_query, query_schema};
pub use settings::Settings;
pub use statement::{InsertStatement, Name, ParsedStatement, QueryStatement, Statement};
