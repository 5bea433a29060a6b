//! The attributes of the crate `wasmill`. Each leaves its item as it is and adds the exports of ABI.md that call it, and a line
//! of the custom section `wasmill.udf`.
//!
//! ```text
//! tokens --signature.rs--> Function, Implementation --sql.rs--> SQL types --describe.rs--> the section's line
//!                                                 └─scalar.rs, table.rs, aggregate.rs, model.rs, process.rs--> exports
//! struct --state.rs--> the fields of a process function's state
//! ```
//!
//! The code is written as text and parsed again: a signature is simple enough to be read without a parser of all of Rust, and a
//! function's build has nothing to wait for.

mod aggregate;
mod arguments;
mod describe;
mod fault;
mod model;
mod process;
mod scalar;
mod signature;
mod sql;
mod state;
mod table;

use proc_macro::TokenStream;

use fault::Fault;

/// A scalar function. `#[wasmill::scalar(name = "…")]` gives the export another name, `returns = "TYPE"` names the result's SQL
/// type where the attribute does not know it.
#[proc_macro_attribute]
pub fn scalar(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, scalar::expand)
}

/// A scalar function of whole columns: `fn name(batch: &Batch) -> Result<Vec<T>, String>`, without NULLs in the result.
/// `#[wasmill::batch(arguments = "DOUBLE, DOUBLE")]` describes what it reads.
#[proc_macro_attribute]
pub fn batch(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, scalar::expand_batch)
}

/// A table function: gives what can be iterated, of values or tuples. `#[wasmill::table(word, position)]` names the columns.
#[proc_macro_attribute]
pub fn table(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, table::expand)
}

/// An aggregate function, on the `impl` block of the type that is its state. `accumulate(&mut self, …)` and `finish(&self)` must be
/// there, `retract(&mut self, …)` and `merge(&mut self, other: &Self)` may. The type is `Default`, and `Copy`, or has
/// `save(&self) -> Vec<u8>` and `load(bytes: &[u8]) -> Self`. `#[wasmill::aggregate]` names the function as the type in snake case.
#[proc_macro_attribute]
pub fn aggregate(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, aggregate::expand)
}

/// A model, on the `impl` block of its type. `predict(&self, …)` must be there; `load(artifact: &[u8]) -> Self` (without it the type
/// is `Default`), `learn(&mut self, …, labels…)`, `snapshot(&self) -> Vec<u8>`, `restore(&mut self, bytes: &[u8])` and
/// `merge(&mut self, bytes: &[u8])` may. `predict(&self, inputs: &[f64])` takes any number of DOUBLE columns, as CREATE MODEL declares them.
/// `#[wasmill::model(score)]` names the columns of the OUTPUT.
#[proc_macro_attribute]
pub fn model(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, model::expand)
}

/// A process function, on the `impl` block of the type that is its state (`#[derive(wasmill::State)]`).
/// `process(&mut self, context: &mut Context<R>, …)` must be there, whose `R` is a value or tuple of the columns that it gives;
/// `timer(&mut self, context: &mut Context<R>, name: Option<&str>)`, with or without the name, where it sets timers.
/// `#[wasmill::process(payments, total)]` names the columns.
#[proc_macro_attribute]
pub fn process(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, process::expand)
}

/// The state of a process function: a struct that is `Default`. `#[ttl("1 h")]` before a field makes it its default again so long after
/// it was written last, `#[sql("TYPE")]` names the SQL type of a type of another name.
#[proc_macro_derive(State, attributes(ttl, sql))]
pub fn state(item: TokenStream) -> TokenStream {
    match state::expand(item) {
        Ok(code) => code.parse().expect("the attribute writes valid Rust"),
        Err(fault) => fault.compile_error(),
    }
}

fn expand(
    attribute: TokenStream,
    item: TokenStream,
    with: fn(TokenStream, TokenStream) -> Result<(TokenStream, String), Fault>,
) -> TokenStream {
    match with(attribute, item.clone()) {
        Ok((item, code)) => {
            let added: TokenStream = code.parse().expect("the attribute writes valid Rust");
            item.into_iter().chain(added).collect()
        }
        Err(fault) => item.into_iter().chain(fault.compile_error()).collect(),
    }
}
