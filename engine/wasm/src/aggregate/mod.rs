//! Aggregate functions: the states of all groups in guest memory, one call a batch. udf-sdk/ABI.md, "Aggregate functions".
//!
//! ```text
//! CREATE AGGREGATE FUNCTION ──> AggregateFunction::create      checks exports, types, description
//!   ── aggregate() ──> WasmAggregate                           one for each place in each operator's instance
//!        update, retract   a batch: rows and their groups      mod.rs: on-error
//!        States            the array in guest memory           states.rs: room, init, calls
//! ```

mod states;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray};
use wasmill_expr::UserAggregate;
use wasmill_plan::{DataType, Error as PlanError, Field, Result as PlanResult};

use crate::check;
use crate::compiled::Compiled;
use crate::error::{Error, Result};
use crate::instance::Failure;
use crate::module::Module;
use crate::options::{FunctionOptions, OnError};
use crate::report::row_text;
use crate::signature::{self, Kind};
use crate::usage::UsageSnapshot;
use states::{Accumulate, Exports, States};

/// Groups of one call that gives results or loads states.
const CALL_GROUPS_MAX: usize = 8192;
/// So many rows of a batch may run into the time limit before the job fails even with `'on-error' = 'skip'`.
const TIMEOUTS_MAX: u32 = 3;

/// What CREATE AGGREGATE FUNCTION declares.
#[derive(Clone, Debug)]
pub struct AggregateSpec {
    /// The name in SQL.
    pub name: String,
    /// The exports' common part: AS, or else the name.
    pub export: String,
    /// The module: USING FILE.
    pub path: PathBuf,
    /// Names and types of the arguments.
    pub args: Vec<Field>,
    /// The result's type.
    pub returns: DataType,
    /// WITH (…).
    pub options: FunctionOptions,
}

/// An aggregate function in Wasm. Cloning is cheap and shares code and counters.
#[derive(Clone)]
pub struct AggregateFunction {
    inner: Arc<Inner>,
}

struct Inner {
    compiled: Compiled,
    args: Vec<Field>,
    arg_types: Vec<DataType>,
    returns: DataType,
    exports: Exports,
    /// The instance that CREATE made for its checks, for the first place.
    first: Mutex<Option<States>>,
}

impl AggregateFunction {
    /// Loads and checks the module, and makes an instance of it, so that nothing of that can fail at the first row.
    ///
    /// # Errors
    /// As [`Module::load`]; an export is missing or has another type; a type that does not cross; the module describes
    /// itself otherwise; the state's size is out of range.
    pub fn create(spec: AggregateSpec) -> Result<Self> {
        let module = Module::load(&spec.path, &spec.options)?;
        Self::from_module(spec, &module)
    }

    /// The same with a module that is loaded already.
    ///
    /// # Errors
    /// As [`AggregateFunction::create`].
    pub fn from_module(spec: AggregateSpec, module: &Module) -> Result<Self> {
        signature::check_description(module, Kind::Aggregate, &spec.name, &spec.export, &spec.args, |described| {
            signature::returns_differ(described, &spec.returns)
        })?;
        let arg_types: Vec<DataType> = spec.args.iter().map(|a| a.data_type.clone()).collect();
        signature::check_types(&spec.name, arg_types.iter().chain([&spec.returns]))?;
        let exports = Exports::find(module, &spec.export)?;
        if spec.options.on_error == OnError::Skip && exports.save {
            return Err(Error::new("option 'on-error' = 'skip' needs states that are plain bytes")
                .detail(format!("the module exports '{}__save': its states may refer to other memory", spec.export))
                .hint(
                    "with 'fail', a row that fails stops the job; let the function leave out what it does not take",
                ));
        }
        let compiled = Compiled::new(module, &spec.name, &spec.export, &spec.options)?;
        let inner =
            Inner { compiled, args: spec.args, arg_types, returns: spec.returns, exports, first: Mutex::new(None) };
        let first = inner.states().map_err(|failure| inner.compiled.does_not_start(&failure))?;
        *inner.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether rows can be taken back.
    pub fn can_retract(&self) -> bool {
        self.inner.exports.retract
    }
    /// Whether groups can be merged.
    pub fn can_merge(&self) -> bool {
        self.inner.exports.merge
    }
    /// The digest of the module's file.
    pub fn sha256(&self) -> [u8; 32] {
        self.inner.compiled.sha256
    }
    /// What was used so far, over all places.
    pub fn usage(&self) -> UsageSnapshot {
        self.inner.compiled.usage()
    }
    /// Accumulators with an instance of their own, without groups.
    pub fn aggregate(&self) -> WasmAggregate {
        WasmAggregate { function: self.inner.clone(), states: None, groups: 0, to_clear: Vec::new() }
    }
}

impl Inner {
    /// States without groups, in a fresh instance.
    fn states(&self) -> Result<States, Failure> {
        States::new(self.compiled.guest()?, &self.compiled.export, &self.exports)
    }

    fn error(&self, what: &str, failure: &Failure) -> PlanError {
        self.compiled.usage.failed();
        self.compiled.failed(&format!("{what}: {}", failure.text()))
    }
}

/// The accumulators of one place in a query.
pub struct WasmAggregate {
    function: Arc<Inner>,
    states: Option<States>,
    /// Wanted so far; room is made at the next call.
    groups: usize,
    /// To be emptied at the next call.
    to_clear: Vec<u32>,
}

impl WasmAggregate {
    /// The states, with room for all groups, and those that were cleared empty.
    fn ready(&mut self) -> PlanResult<&mut States> {
        let function = &self.function;
        if self.states.is_none() {
            let first = function.first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let states = first.map_or_else(|| function.states(), Ok);
            self.states = Some(states.map_err(|f| function.error("the module does not start", &f))?);
        }
        let states = self.states.as_mut().expect("made above");
        states.guest.instance.arm(None);
        let room = states.resize(self.groups);
        room.map_err(|f| function.error(&format!("the states of {} groups cannot be made", self.groups), &f))?;
        for groups in self.to_clear.chunks(CALL_GROUPS_MAX) {
            states.clear(groups).map_err(|f| function.error("a state could not be emptied", &f))?;
        }
        self.to_clear.clear();
        Ok(states)
    }

    fn accumulate(&mut self, way: Accumulate, groups: &[u32], args: &[ArrayRef]) -> PlanResult<()> {
        if groups.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let function = self.function.clone();
        let undo = function.compiled.options.on_error == OnError::Skip;
        let states = self.ready()?;
        let before = undo.then(|| states.copy(groups));
        let result = states.accumulate(way, groups, args, &function.arg_types);
        function.compiled.usage.batch(groups.len(), started.elapsed());
        match (result, before) {
            (Ok(()), _) => Ok(()),
            (Err(failure), None) => {
                function.compiled.usage.failed();
                self.states = None;
                Err(self.explain(way, args, groups.len(), &failure))
            }
            (Err(_), Some(before)) => {
                function.compiled.usage.failed();
                self.start_again(groups, &before)?;
                self.one_by_one(way, groups, args)
            }
        }
    }

    /// Goes on in a fresh instance with the states as they were before a call that failed on `groups`.
    fn start_again(&mut self, groups: &[u32], before: &[u8]) -> PlanResult<()> {
        let mut old = self.states.take().expect("a call failed in it");
        old.put(groups, before);
        let bytes = old.bytes();
        let mut fresh =
            self.function.states().map_err(|f| self.function.error("the module does not start again", &f))?;
        fresh.restore(&bytes).map_err(|f| self.function.error("its states do not fit a fresh instance", &f))?;
        self.states = Some(fresh);
        Ok(())
    }

    /// The rows of a batch that failed, without those that fail by themselves.
    fn one_by_one(&mut self, way: Accumulate, groups: &[u32], args: &[ArrayRef]) -> PlanResult<()> {
        let function = self.function.clone();
        let mut timeouts = 0;
        for row in 0..groups.len() {
            let one = &groups[row..=row];
            let args_of_row: Vec<ArrayRef> = args.iter().map(|a| a.slice(row, 1)).collect();
            let states = self.states.as_mut().expect("made anew after each failure");
            let before = states.copy(one);
            states.guest.instance.arm(None);
            if let Err(failure) = states.accumulate(way, one, &args_of_row, &function.arg_types) {
                function.compiled.usage.failed();
                timeouts += u32::from(failure.timed_out);
                if timeouts > TIMEOUTS_MAX {
                    let place = row_text(row, groups.len(), &function.args, args);
                    return Err(function.compiled.failed(&format!("{place}: {}", failure.text())));
                }
                function.compiled.usage.skipped();
                self.start_again(one, &before)?;
            }
        }
        Ok(())
    }

    /// The error of a batch, with the first row that fails on an empty group where there is one.
    fn explain(&self, way: Accumulate, args: &[ArrayRef], rows: usize, failure: &Failure) -> PlanError {
        let function = &self.function;
        let alone = |row: usize| -> Result<(), Failure> {
            let mut states = function.states()?;
            states.guest.instance.arm(None);
            states.resize(1)?;
            let args: Vec<ArrayRef> = args.iter().map(|a| a.slice(row, 1)).collect();
            states.accumulate(way, &[0], &args, &function.arg_types)
        };
        let started = Instant::now();
        // All that went well lie in one instance; a row that fails in it is tried again alone.
        let first = function.states().and_then(|mut states| {
            states.guest.instance.arm(None);
            states.resize(1)?;
            let fails = |row: &usize| {
                let args: Vec<ArrayRef> = args.iter().map(|a| a.slice(*row, 1)).collect();
                states.accumulate(way, &[0], &args, &function.arg_types).is_err()
            };
            Ok((0..rows).find(fails))
        });
        if let Ok(Some(row)) = first
            && started.elapsed() < 4 * function.compiled.options.timeout
            && let Err(failure) = alone(row)
        {
            let place = row_text(row, rows, &function.args, args);
            return function.compiled.failed(&format!("{place}: {}", failure.text()));
        }
        let verb = if way == Accumulate::Add { "adding" } else { "taking back" };
        function.compiled.failed(&format!("{verb} a batch of {rows} rows: {}", failure.text()))
    }
}

impl UserAggregate for WasmAggregate {
    fn can_retract(&self) -> bool {
        self.function.exports.retract
    }
    fn can_merge(&self) -> bool {
        self.function.exports.merge
    }
    fn resize(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
    }
    fn update(&mut self, groups: &[u32], args: &[ArrayRef]) -> PlanResult<()> {
        self.accumulate(Accumulate::Add, groups, args)
    }
    fn retract(&mut self, groups: &[u32], args: &[ArrayRef]) -> PlanResult<()> {
        self.accumulate(Accumulate::Retract, groups, args)
    }
    fn merge(&mut self, into: &[u32], from: &[u32]) -> PlanResult<()> {
        let function = self.function.clone();
        let states = self.ready()?;
        for (into, from) in into.chunks(CALL_GROUPS_MAX).zip(from.chunks(CALL_GROUPS_MAX)) {
            states.guest.instance.arm(None);
            states.merge(into, from).map_err(|f| function.error("merging groups", &f))?;
        }
        Ok(())
    }
    fn finish(&mut self, groups: &[u32]) -> PlanResult<ArrayRef> {
        let function = self.function.clone();
        let states = self.ready()?;
        let mut parts: Vec<ArrayRef> = Vec::new();
        for groups in groups.chunks(CALL_GROUPS_MAX) {
            states.guest.instance.arm(None);
            let part = states.finish(groups, &function.returns).and_then(|part| {
                check::result(&part, &function.returns, false)?;
                Ok(part)
            });
            parts.push(part.map_err(|f| function.error("the result of a group", &f))?);
        }
        concat(parts, &function.returns.to_arrow())
    }
    fn clear(&mut self, groups: &[u32]) {
        self.to_clear.extend_from_slice(groups);
    }
    fn save(&mut self, groups: &[u32]) -> PlanResult<ArrayRef> {
        let function = self.function.clone();
        let states = self.ready()?;
        let mut parts: Vec<ArrayRef> = Vec::new();
        for groups in groups.chunks(CALL_GROUPS_MAX) {
            states.guest.instance.arm(None);
            parts.push(states.save(groups).map_err(|f| function.error("saving states", &f))?);
        }
        concat(parts, &arrow::datatypes::DataType::Binary)
    }
    fn load(&mut self, groups: &[u32], saved: &ArrayRef) -> PlanResult<()> {
        let function = self.function.clone();
        let states = self.ready()?;
        if let Some(row) = states.wrong_size(saved.as_binary::<i32>()) {
            let bytes = saved.as_binary::<i32>().value(row).len();
            let size = states.size;
            return Err(PlanError::Corrupt {
                message: format!(
                    "a saved state of function '{}' has {bytes} bytes, its module's states have {size}: the state was \
                     made by another module",
                    function.compiled.name
                ),
            });
        }
        for start in (0..groups.len()).step_by(CALL_GROUPS_MAX) {
            let count = CALL_GROUPS_MAX.min(groups.len() - start);
            states.guest.instance.arm(None);
            let loaded = states.load(&groups[start..start + count], &saved.slice(start, count));
            loaded.map_err(|f| function.error("loading saved states", &f))?;
        }
        Ok(())
    }
}

fn concat(parts: Vec<ArrayRef>, empty: &arrow::datatypes::DataType) -> PlanResult<ArrayRef> {
    match parts.as_slice() {
        [] => Ok(arrow::array::new_empty_array(empty)),
        [only] => Ok(only.clone()),
        several => Ok(arrow::compute::concat(&several.iter().map(|p| &**p as &dyn Array).collect::<Vec<_>>())?),
    }
}
