//! Scalar expressions: what each built-in function is (name, types, kernel) and how a bound [`wasmill_plan::Expr`] is
//! evaluated over an Arrow batch, with Flink's results.
//!
//! ```text
//! planner:  name + argument types --Function::infer--> Signature (casts to insert, result type)
//! runtime:  Expr --Evaluator::new--> Evaluator --evaluate(batch)--> ArrayRef
//! ```

pub mod aggregate;
pub mod calendar;
pub mod cast;
pub mod display;
pub mod evaluator;
pub mod function;
pub mod functions;
mod number;
pub mod registry;
pub mod typing;
mod vector;
mod version;

pub use evaluator::{
    Evaluator, NoUserFunctions, Predicate, Selection, UserAggregate, UserFunctions, UserModel, UserScalar, UserTable,
};
pub use evaluator::{KeyedRows, ProcessResult, TimerChange, TimerClock, UserProcess};
pub use function::{Argument, CallSite, ColumnValue, Context, Function, Kernel, Seeds, Signature};
pub use version::{ModuleVersion, NameKind, UserName};
