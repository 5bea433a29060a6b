//! Process functions: the rows and timers of keys, with the state that the engine keeps for them. udf-sdk/ABI.md, "Process
//! functions".
//!
//! ```text
//! in: key row, time, arguments   state: a row a key ──f__process──> out[0] rows   out[1] state written   out[2] timers
//! in: key row, time, name        state: a row a key ──f__timer────> the same
//!   └─fails──> instance thrown away; the rows again one by one, each with the state that those before it left
//!                'fail': the first that fails is the error        'skip': those that fail change and give nothing
//! ```

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::{Int32Type, Int64Type, TimestampMillisecondType};
use wasmill_expr::{KeyedRows, ProcessResult, TimerChange, TimerClock, UserProcess};
use wasmill_plan::{DataType, Field, Result as PlanResult, StateField, TypeKind};
use wasmtime::TypedFunc;

use crate::check;
use crate::columns::{Call, Guest};
use crate::compiled::Compiled;
use crate::error::{Error, Result};
use crate::instance::Failure;
use crate::module::Module;
use crate::options::{FunctionOptions, OnError};
use crate::replay::one_by_one;
use crate::signature::{self, Kind};
use crate::table::RESULT_ROWS_MAX;
use crate::usage::UsageSnapshot;

/// Fields of a state: a bit each in what a call says it wrote.
const FIELDS_MAX: usize = 63;
/// Bytes of the name of a timer.
const TIMER_NAME_BYTES_MAX: usize = 1024;
const PROCESS_SUFFIX: &str = "__process";
const TIMER_SUFFIX: &str = "__timer";

/// What CREATE PROCESS FUNCTION declares.
#[derive(Clone, Debug)]
pub struct ProcessSpec {
    /// The name in SQL.
    pub name: String,
    /// The export without its suffix: AS, or else the name.
    pub export: String,
    /// The module: USING FILE.
    pub path: PathBuf,
    /// Names and types of the arguments.
    pub args: Vec<Field>,
    /// Names and types of the columns that it gives.
    pub returns: Vec<Field>,
    /// STATE (…).
    pub state: Vec<StateField>,
    /// WITH (…).
    pub options: FunctionOptions,
}

/// A process function in Wasm. Cloning is cheap and shares code and counters.
#[derive(Clone)]
pub struct ProcessFunction {
    inner: Arc<Inner>,
}

struct Inner {
    compiled: Compiled,
    /// Of a call with rows: the key row, the time, the arguments; of one with timers: the key row, the time, the name.
    rows: [Vec<DataType>; 2],
    names: [Vec<Field>; 2],
    state: Vec<DataType>,
    /// The parent row, then the columns that it gives.
    given: Vec<DataType>,
    /// The key row, the fields written, then the fields.
    written: Vec<DataType>,
    /// Row, name, time, clock.
    timers: Vec<DataType>,
    has_timer: bool,
    first: Mutex<Option<Running>>,
}

struct Running {
    guest: Guest,
    process: Run,
    /// Absent where the function sets no timers.
    timer: Option<Run>,
}

type Run = TypedFunc<(u32, u32, u32), u32>;

impl ProcessFunction {
    /// Loads and checks the module, and makes an instance of it, so that nothing of that can fail at the first row.
    ///
    /// # Errors
    /// As [`Module::load`]; an export is missing or has another type; a type that does not cross; the module describes
    /// itself otherwise.
    pub fn create(spec: ProcessSpec) -> Result<Self> {
        let module = Module::load(&spec.path, &spec.options)?;
        Self::from_module(spec, &module)
    }

    /// The same with a module that is loaded already.
    ///
    /// # Errors
    /// As [`ProcessFunction::create`].
    pub fn from_module(spec: ProcessSpec, module: &Module) -> Result<Self> {
        let section = "Process functions";
        signature::check_description(module, Kind::Process, &spec.name, &spec.export, &spec.args, |described| {
            signature::columns_differ(described, &spec.returns)
        })?;
        signature::check_state(module, &spec.name, &spec.export, &spec.state)?;
        if module.is_component() {
            return Err(signature::missing(module, &spec.export));
        }
        signature::columns_abi(module, &format!("the process function '{}'", spec.export))?;
        signature::needs(module, &spec.export, PROCESS_SUFFIX, 3, 1, section)?;
        let has_timer = signature::may_have(module, &spec.export, TIMER_SUFFIX, 3, 1, section)?;
        if spec.state.len() > FIELDS_MAX {
            return Err(Error::new(format!("the state of '{}' has {} fields", spec.name, spec.state.len()))
                .detail(format!("at most {FIELDS_MAX} are possible"))
                .hint("put several into a ROW"));
        }
        let key = DataType::not_null(TypeKind::Int);
        let time = DataType::nullable(TypeKind::TimestampLtz(3));
        let text = DataType::string();
        let types = |fields: &[Field]| fields.iter().map(|f| f.data_type.clone()).collect::<Vec<_>>();
        let state: Vec<DataType> = spec.state.iter().map(|f| f.data_type.clone().with_nullable(true)).collect();
        let with = |first: &[DataType], rest: &[DataType]| [first, rest].concat();
        let (args, returns) = (types(&spec.args), types(&spec.returns));
        signature::check_types(&spec.name, args.iter().chain(&returns).chain(&state))?;
        let columns = [Field::new("key", key.clone()), Field::new("time", time.clone())];
        let name = Field::new("name", text.clone());
        let compiled = Compiled::new(module, &spec.name, &spec.export, &spec.options)?;
        let inner = Inner {
            compiled,
            rows: [with(&[key.clone(), time.clone()], &args), vec![key.clone(), time.clone(), text.clone()]],
            names: [[&columns[..], &spec.args].concat(), [&columns[..], &[name]].concat()],
            given: with(&[key.clone()], &returns),
            written: with(&[key.clone(), DataType::not_null(TypeKind::BigInt)], &state),
            timers: vec![key.clone(), text, time, key],
            state,
            has_timer,
            first: Mutex::new(None),
        };
        let first = inner.start().map_err(|failure| inner.compiled.does_not_start(&failure))?;
        *inner.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The digest of the module's file.
    pub fn sha256(&self) -> [u8; 32] {
        self.inner.compiled.sha256
    }
    /// What was used so far, over all places.
    pub fn usage(&self) -> UsageSnapshot {
        self.inner.compiled.usage()
    }
    /// An evaluator with an instance of its own.
    pub fn process(&self) -> WasmProcess {
        WasmProcess { function: self.inner.clone(), running: None }
    }
}

impl Inner {
    fn start(&self) -> Result<Running, Failure> {
        let mut guest = self.compiled.guest()?;
        let (export, signature) = (&self.compiled.export, "(i32, i32, i32) -> i32");
        let process = guest.export(&format!("{export}{PROCESS_SUFFIX}"), signature)?;
        let timer = match self.has_timer {
            true => Some(guest.export(&format!("{export}{TIMER_SUFFIX}"), signature)?),
            false => None,
        };
        Ok(Running { guest, process, timer })
    }

    fn take_or_start(&self) -> Result<Running, Failure> {
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(first) => Ok(first),
            None => self.start(),
        }
    }
}

/// What is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Process = 0,
    Timer = 1,
}

/// An evaluator; owns an instance of the module from its first call on.
pub struct WasmProcess {
    function: Arc<Inner>,
    running: Option<Running>,
}

impl WasmProcess {
    /// One try at a call; the instance is gone if it fails. `columns` are those of `in`, the key rows first.
    fn attempt(
        &mut self,
        entry: Entry,
        columns: &[ArrayRef],
        rows: usize,
        state: &[ArrayRef],
        keys: usize,
    ) -> Result<ProcessResult, Failure> {
        let function = &*self.function;
        let running = match &mut self.running {
            Some(running) => running,
            None => self.running.insert(function.take_or_start()?),
        };
        running.guest.instance.arm(None);
        let result = running.call(function, entry, columns, rows, state, keys);
        if result.is_err() {
            self.running = None;
            function.compiled.usage.failed();
        }
        result
    }

    fn call(
        &mut self,
        entry: Entry,
        rows: &KeyedRows<'_>,
        more: impl Iterator<Item = ArrayRef>,
    ) -> PlanResult<ProcessResult> {
        let started = Instant::now();
        let count = rows.key.len();
        let key = Int32Array::from_iter_values(rows.key.iter().map(|&key| key as i32));
        let times = rows.times.reinterpret_cast::<TimestampMillisecondType>().with_timezone("+00:00");
        let first: [ArrayRef; 2] = [Arc::new(key), Arc::new(times)];
        let columns: Vec<ArrayRef> = first.into_iter().chain(more).collect();
        let result = match self.attempt(entry, &columns, count, rows.state, rows.keys) {
            Ok(result) => Ok(result),
            Err(_) => self.replay(entry, &columns, rows),
        };
        self.function.compiled.usage.batch(count, started.elapsed());
        result
    }

    /// The rows of a call that failed, one by one: each sees what those before it wrote.
    fn replay(&mut self, entry: Entry, columns: &[ArrayRef], rows: &KeyedRows<'_>) -> PlanResult<ProcessResult> {
        let function = self.function.clone();
        let skips = function.compiled.options.on_error == OnError::Skip;
        // The state of each key, a row of its own, and which of its fields are written.
        let row_of = |column: &ArrayRef, key: usize| column.slice(key, 1);
        let mut states: Vec<Vec<ArrayRef>> =
            (0..rows.keys).map(|key| rows.state.iter().map(|column| row_of(column, key)).collect()).collect();
        let mut fields = vec![0u64; rows.keys];
        let mut changed = vec![false; rows.keys];
        let mut next = 0;
        let attempt = |one: &[ArrayRef]| {
            let key = rows.key[next] as usize;
            next += 1;
            let mut one = one.to_vec();
            one[0] = Arc::new(Int32Array::from(vec![0]));
            let result = self.attempt(entry, &one, 1, &states[key], 1)?;
            if !result.changed.is_empty() {
                changed[key] = true;
                fields[key] |= result.fields[0];
                for (i, column) in result.state.iter().enumerate() {
                    if result.fields[0] >> i & 1 == 1 {
                        states[key][i] = column.clone();
                    }
                }
            }
            Ok(result)
        };
        let names = &function.names[entry as usize];
        let given = one_by_one(&function.compiled, names, columns, rows.key.len(), skips, attempt, |one| &one.columns)?;
        let mut all = ProcessResult::default();
        for (row, of_row) in given.iter().enumerate() {
            let Some(of_row) = of_row else {
                function.compiled.usage.skipped();
                continue;
            };
            all.parents.extend(of_row.parents.iter().map(|_| row as u32));
            all.timers.extend(of_row.timers.iter().map(|change| TimerChange { row: row as u32, ..change.clone() }));
        }
        let joined = |parts: Vec<&dyn Array>, ty: &DataType| -> PlanResult<ArrayRef> {
            Ok(if parts.is_empty() { new_empty_array(&ty.kind.to_arrow()) } else { concat(&parts)? })
        };
        for (i, ty) in function.given[1..].iter().enumerate() {
            all.columns.push(joined(given.iter().flatten().map(|one| &*one.columns[i]).collect(), ty)?);
        }
        all.changed = (0..rows.keys as u32).filter(|&key| changed[key as usize]).collect();
        all.fields = all.changed.iter().map(|&key| fields[key as usize]).collect();
        for (i, ty) in function.state.iter().enumerate() {
            all.state.push(joined(all.changed.iter().map(|&key| &*states[key as usize][i]).collect(), ty)?);
        }
        Ok(all)
    }
}

impl Running {
    fn call(
        &mut self,
        function: &Inner,
        entry: Entry,
        columns: &[ArrayRef],
        rows: usize,
        state: &[ArrayRef],
        keys: usize,
    ) -> Result<ProcessResult, Failure> {
        let run = match (entry, &self.timer) {
            (Entry::Process, _) => self.process.clone(),
            (Entry::Timer, Some(timer)) => timer.clone(),
            (Entry::Timer, None) => {
                let export = &function.compiled.export;
                return Err(Failure::wrong(format!("a timer fires, and it does not export '{export}{TIMER_SUFFIX}'")));
            }
        };
        let more: [&[DataType]; 2] = [&function.written, &function.timers];
        let call = Call {
            rows,
            args: columns,
            arg_types: &function.rows[entry as usize],
            results: &function.given,
            state: Some((state, &function.state, keys)),
            more_results: &more,
            ..Call::default()
        };
        let placed = self.guest.place(&call)?;
        let code = self.guest.run(&run, (placed.input, placed.state, placed.output))?;
        let part = |index: usize, types: &[DataType], rows_max: usize| {
            // An error stands in the first result.
            let code = if index == 0 { code } else { 0 };
            self.guest.results_of_any_length(code, &placed.result(index), types, rows_max)
        };
        let (_, mut given) = part(0, &function.given, RESULT_ROWS_MAX)?;
        let (_, mut written) = part(1, &function.written, keys)?;
        let (_, timers) = part(2, &function.timers, RESULT_ROWS_MAX)?;
        let parents = indexes(&given.remove(0), "parent-row index", rows)?;
        for (column, ty) in given.iter().zip(&function.given[1..]) {
            check::result(column, ty, false)?;
        }
        let changed = indexes(&written.remove(0), "key-row index of the state", keys)?;
        if let Some(twice) = changed.windows(2).find(|w| w[0] == w[1]) {
            return Err(Failure::wrong(format!("it writes the state of key row {} twice", twice[0])));
        }
        let fields = written.remove(0);
        let mask = if function.state.is_empty() { 0 } else { u64::MAX >> (64 - function.state.len()) };
        let fields: Vec<u64> = fields.as_primitive::<Int64Type>().values().iter().map(|&f| f as u64).collect();
        if let Some(wrong) = fields.iter().find(|&&f| f & !mask != 0) {
            let count = function.state.len();
            return Err(Failure::wrong(format!("it writes the fields {wrong:#b} of a state that has {count}")));
        }
        for (column, ty) in written.iter().zip(&function.written[2..]) {
            check::result(column, ty, false)?;
        }
        let timers = timer_changes(&timers, rows)?;
        Ok(ProcessResult { parents, columns: given, changed, fields, state: written, timers })
    }
}

/// Row numbers that do not fall and are below `rows`.
fn indexes(column: &ArrayRef, what: &str, rows: usize) -> Result<Vec<u32>, Failure> {
    if column.null_count() > 0 {
        return Err(Failure::wrong(format!("its {what}, column 0, has a NULL")));
    }
    let values = column.as_primitive::<Int32Type>().values();
    if let Some(w) = values.windows(2).find(|w| w[1] < w[0]) {
        return Err(Failure::wrong(format!("its {what} falls from {} to {}", w[0], w[1])));
    }
    if let Some(wrong) = values.iter().find(|&&v| v < 0 || v as usize >= rows) {
        return Err(Failure::wrong(format!("its {what} names row {wrong} of {rows}")));
    }
    Ok(values.iter().map(|&v| v as u32).collect())
}

fn timer_changes(columns: &[ArrayRef], rows: usize) -> Result<Vec<TimerChange>, Failure> {
    let of = indexes(&columns[0], "row index of the timers", rows)?;
    let names: &StringArray = columns[1].as_string();
    let times = columns[2].as_primitive::<TimestampMillisecondType>();
    let clocks = columns[3].as_primitive::<Int32Type>();
    let change = |(i, row): (usize, u32)| {
        let name = names.is_valid(i).then(|| names.value(i).to_owned());
        if let Some(long) = name.as_ref().filter(|name| name.len() > TIMER_NAME_BYTES_MAX) {
            let bytes = long.len();
            return Err(Failure::wrong(format!(
                "it gave a timer a name of {bytes} bytes, {TIMER_NAME_BYTES_MAX} are allowed"
            )));
        }
        let clock = match clocks.is_valid(i).then(|| clocks.value(i)) {
            None | Some(0) => TimerClock::EventTime,
            Some(1) => TimerClock::ProcessingTime,
            Some(other) => return Err(Failure::wrong(format!("it gave a timer the clock {other}; there are 0 and 1"))),
        };
        Ok(TimerChange { row, name, time: times.is_valid(i).then(|| times.value(i)), clock })
    };
    of.into_iter().enumerate().map(change).collect()
}

impl UserProcess for WasmProcess {
    fn process(&mut self, rows: &KeyedRows<'_>, args: &[ArrayRef]) -> PlanResult<ProcessResult> {
        self.call(Entry::Process, rows, args.iter().cloned())
    }
    fn timer(&mut self, timers: &KeyedRows<'_>, names: &StringArray) -> PlanResult<ProcessResult> {
        self.call(Entry::Timer, timers, std::iter::once(Arc::new(names.clone()) as ArrayRef))
    }
}
