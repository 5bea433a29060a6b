//! Table functions: any number of rows for each row of a batch. udf-sdk/ABI.md, "Table functions".
//!
//! ```text
//! batch ──ok──> parent rows and columns
//!   └─fails──> instance thrown away; the rows again, one by one
//!                'fail': the first that fails is the error        'skip': those that fail give no rows
//! ```

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, new_empty_array};
use arrow::compute::concat;
use arrow::datatypes::Int32Type;
use wasmill_expr::{Context, UserTable};
use wasmill_plan::{DataType, Field, Result as PlanResult, TypeKind};
use wasmtime::TypedFunc;

use crate::check;
use crate::columns::{Call, Guest};
use crate::compiled::{Compiled, Started};
use crate::component::ComponentInstance;
use crate::error::Result;
use crate::instance::Failure;
use crate::module::{COLUMNS_SUFFIX, Module};
use crate::options::{FunctionOptions, OnError};
use crate::replay::one_by_one;
use crate::signature::{self, Kind};
use crate::usage::UsageSnapshot;

/// Rows that one call may give.
pub(crate) const RESULT_ROWS_MAX: usize = 1 << 22;

/// What CREATE TABLE FUNCTION declares.
#[derive(Clone, Debug)]
pub struct TableSpec {
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
    /// WITH (…).
    pub options: FunctionOptions,
}

/// A table function in Wasm. Cloning is cheap and shares code and counters.
#[derive(Clone)]
pub struct TableFunction {
    inner: Arc<Inner>,
}

struct Inner {
    compiled: Compiled,
    args: Vec<Field>,
    arg_types: Vec<DataType>,
    /// The parent-row index, then the columns.
    results: Vec<DataType>,
    first: Mutex<Option<Running>>,
}

enum Running {
    Module { guest: Guest, run: TypedFunc<(u32, u32), u32> },
    Component(ComponentInstance),
}

impl TableFunction {
    /// Loads and checks the module, and makes an instance of it, so that nothing of that can fail at the first row.
    ///
    /// # Errors
    /// As [`Module::load`]; the export is missing or has another type; a type that does not cross; the module describes
    /// itself otherwise.
    pub fn create(spec: TableSpec) -> Result<Self> {
        let module = Module::load(&spec.path, &spec.options)?;
        Self::from_module(spec, &module)
    }

    /// The same with a module that is loaded already.
    ///
    /// # Errors
    /// As [`TableFunction::create`].
    pub fn from_module(spec: TableSpec, module: &Module) -> Result<Self> {
        signature::check_description(module, Kind::Table, &spec.name, &spec.export, &spec.args, |described| {
            signature::columns_differ(described, &spec.returns)
        })?;
        if module.component.is_none() {
            signature::columns_abi(module, &format!("the table function '{}'", spec.export))?;
            signature::needs(module, &spec.export, COLUMNS_SUFFIX, 2, 1, "Table functions")?;
        }
        let arg_types: Vec<DataType> = spec.args.iter().map(|a| a.data_type.clone()).collect();
        let mut results = vec![DataType::not_null(TypeKind::Int)];
        results.extend(spec.returns.iter().map(|f| f.data_type.clone()));
        signature::check_types(&spec.name, arg_types.iter().chain(&results))?;
        let compiled = Compiled::new_of_either(module, &spec.name, &spec.export, &spec.options)?;
        let inner = Inner { compiled, args: spec.args, arg_types, results, first: Mutex::new(None) };
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
    pub fn table(&self) -> WasmTable {
        WasmTable { function: self.inner.clone(), running: None }
    }
}

impl Inner {
    fn start(&self) -> Result<Running, Failure> {
        Ok(match self.compiled.start()? {
            Started::Module(mut guest) => {
                let run = guest.export(&format!("{}{COLUMNS_SUFFIX}", self.compiled.export), "(i32, i32) -> i32")?;
                Running::Module { guest, run }
            }
            Started::Component(instance) => Running::Component(instance),
        })
    }

    fn take_or_start(&self) -> Result<Running, Failure> {
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(first) => Ok(first),
            None => self.start(),
        }
    }
}

/// The rows that a call gave: the row that each belongs to, and the columns.
type Rows = (Vec<u32>, Vec<ArrayRef>);

/// An evaluator; owns an instance of the module from its first batch on.
pub struct WasmTable {
    function: Arc<Inner>,
    running: Option<Running>,
}

impl WasmTable {
    /// One try at a batch; the instance is gone if it fails.
    fn attempt(&mut self, args: &[ArrayRef], rows: usize, timeout: Option<Duration>) -> Result<Rows, Failure> {
        let function = &*self.function;
        let running = match &mut self.running {
            Some(running) => running,
            None => self.running.insert(function.take_or_start()?),
        };
        running.arm(timeout);
        let result = running.rows(function, args, rows);
        if result.is_err() {
            self.running = None;
            function.compiled.usage.failed();
        }
        result
    }

    /// The rows of a batch that failed, one by one.
    fn replay(&mut self, args: &[ArrayRef], rows: usize) -> PlanResult<Rows> {
        let function = self.function.clone();
        let skips = function.compiled.options.on_error == OnError::Skip;
        let attempt = |one: &[ArrayRef]| self.attempt(one, 1, None);
        let given = one_by_one(&function.compiled, &function.args, args, rows, skips, attempt, |given| &given.1)?;
        let mut parents = Vec::new();
        for (row, of_row) in given.iter().enumerate() {
            match of_row {
                Some((of_row, _)) => parents.extend(std::iter::repeat_n(row as u32, of_row.len())),
                None => function.compiled.usage.skipped(),
            }
        }
        let column = |(i, ty): (usize, &DataType)| -> PlanResult<ArrayRef> {
            let parts: Vec<&dyn Array> = given.iter().flatten().map(|(_, columns)| &*columns[i]).collect();
            Ok(if parts.is_empty() { new_empty_array(&ty.to_arrow()) } else { concat(&parts)? })
        };
        let columns = function.results[1..].iter().enumerate().map(column).collect::<PlanResult<_>>()?;
        Ok((parents, columns))
    }
}

impl Running {
    fn arm(&mut self, timeout: Option<Duration>) {
        match self {
            Self::Module { guest, .. } => guest.instance.arm(timeout),
            Self::Component(instance) => instance.arm(timeout),
        }
    }

    fn rows(&mut self, function: &Inner, args: &[ArrayRef], rows: usize) -> Result<Rows, Failure> {
        let call = Call { rows, args, arg_types: &function.arg_types, results: &function.results, ..Call::default() };
        let mut columns = match self {
            Self::Module { guest, run } => {
                let placed = guest.place(&call)?;
                let code = guest.run(run, (placed.input, placed.output))?;
                guest.results_of_any_length(code, &placed, &function.results, RESULT_ROWS_MAX)?.1
            }
            Self::Component(instance) => instance.columns(&call, RESULT_ROWS_MAX)?,
        };
        let parents = columns.remove(0);
        if parents.null_count() > 0 {
            return Err(Failure::wrong("its parent-row index, column 0, has a NULL"));
        }
        let parents = parents.as_primitive::<Int32Type>().values().clone();
        if let Some(at) = parents.windows(2).position(|w| w[1] < w[0]) {
            let (from, to) = (parents[at], parents[at + 1]);
            return Err(Failure::wrong(format!("its parent-row index falls from {from} to {to}")));
        }
        if let Some(wrong) = parents.iter().find(|&&p| p < 0 || p as usize >= rows) {
            return Err(Failure::wrong(format!("its parent-row index names row {wrong} of {rows}")));
        }
        for (column, ty) in columns.iter().zip(&function.results[1..]) {
            check::result(column, ty, false)?;
        }
        Ok((parents.iter().map(|&p| p as u32).collect(), columns))
    }
}

impl UserTable for WasmTable {
    fn call(&mut self, args: &[ArrayRef], rows: usize, _context: &Context) -> PlanResult<Rows> {
        let started = Instant::now();
        let result = match self.attempt(args, rows, None) {
            Ok(given) => Ok(given),
            Err(_) => self.replay(args, rows),
        };
        self.function.compiled.usage.batch(rows, started.elapsed());
        result
    }
}
