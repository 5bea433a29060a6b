//! User functions in WebAssembly: loads, checks, limits, compiles and calls them, on columns.
//!
//! ```text
//! CREATE FUNCTION … USING FILE ──> FunctionSpec
//!   Module::load           module.rs      reads and validates the file, refuses imports and what is too large
//!   wasi::satisfy          wasi.rs        what language runtimes import, put into the module, without authority
//!   signature::check       signature.rs   declaration against exports and the module's own description (descriptor.rs)
//!   rewrite::rewrite       rewrite/       a plain export: adds the loop over columns and the arena that it reads
//!   prune::prune           prune.rs       leaves out what the function never reaches
//!   cache::compile         cache.rs       Cranelift, or code compiled before
//! ──> Function ── scalar() ──> WasmScalar (an instance of its own)
//!   evaluate               scalar.rs      a batch; on a failure the rows one by one
//!     PlainInstance        plain.rs       by the added loop
//!     ColumnsInstance      columns/       by the guest's own `f__cols`
//!       Instance           instance.rs    limits, deadline, traps in words
//!     ComponentInstance    component/     a component's own, from Python or JavaScript
//! ──> AggregateFunction ── aggregate() ──> WasmAggregate       aggregate/     states of groups in guest memory
//! ──> ModelFunction ── model() ──> WasmModel                   model.rs       an artifact, loaded once per instance
//! ──> TableFunction ── table() ──> WasmTable                   table.rs       any number of rows for each row
//! ──> ProcessFunction ── process() ──> WasmProcess             process.rs     rows of keys, with their state and timers
//! ```
//!
//! A guest has no authority: it imports nothing, its memory and time are capped, and after any failure its instance is
//! thrown away. See `udf-sdk/ABI.md` for the contract with guests.

mod aggregate;
mod cache;
mod check;
mod columns;
mod compiled;
mod component;
mod descriptor;
mod engine;
mod error;
mod function;
mod instance;
mod language;
mod model;
mod module;
mod options;
mod plain;
mod process;
mod prune;
mod replay;
mod report;
mod rewrite;
mod scalar;
mod signature;
mod table;
mod usage;
mod wasi;

pub use aggregate::{AggregateFunction, AggregateSpec, WasmAggregate};
pub use descriptor::{Description, NamedPart, Part, Returns, StateField};
pub use error::{Error, Result, bytes_text};
pub use function::{Function, FunctionSpec};
pub use model::{ModelFunction, ModelSpec, WasmModel};
pub use module::{FunctionDescription, Module, ModuleDescription};
pub use options::{FunctionOptions, OPTION_NAMES, OnError, hex};
pub use process::{ProcessFunction, ProcessSpec, WasmProcess};
pub use rewrite::{Effort, Shape};
pub use scalar::WasmScalar;
pub use signature::Kind;
pub use table::{TableFunction, TableSpec, WasmTable};
pub use usage::UsageSnapshot;
