//! A component at work: one store and instance with its limits and deadline.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::ArrayRef;
use wasmill_plan::DataType;
use wasmtime::Store;
use wasmtime::component::{Func, InstancePre, Type, TypedFunc};

use super::entry::Entry;
use super::value;
use crate::columns::{Call, image};
use crate::engine::shared;
use crate::instance::{Failure, Limits, failure, ticks};
use crate::options::FunctionOptions;
use crate::usage::Usage;

/// What a message of the guest's shows.
const MESSAGE_CHARS_MAX: usize = 1000;
/// Core instances of one component: Python's libraries are one each.
const INSTANCES_MAX: usize = 256;

type CallFunction = TypedFunc<(String, Vec<u8>), (Result<Vec<u8>, String>,)>;

/// See the module.
pub(crate) struct ComponentInstance {
    store: Store<Limits>,
    timeout: Duration,
    entry: Running,
}

enum Running {
    World { describe: TypedFunc<(), (String,)>, call: CallFunction, function: String },
    Typed { function: Func, parameters: Vec<Type>, returns: Type },
}

impl ComponentInstance {
    pub(super) fn new(
        pre: &InstancePre<Limits>,
        entry: &Entry,
        options: &FunctionOptions,
        usage: &Arc<Usage>,
    ) -> Result<Self, Failure> {
        let mut store = Store::new(&shared().engine, Limits::new(options, 0, INSTANCES_MAX, usage));
        store.limiter(|limits| limits);
        store.epoch_deadline_trap();
        store.set_epoch_deadline(ticks(options.timeout));
        let failed = |e: &wasmtime::Error, store: &Store<Limits>| failure(e, store.data(), options.timeout, u32::MAX);
        let instance = pre.instantiate(&mut store).map_err(|e| failed(&e, &store))?;
        let entry = match entry {
            Entry::World { describe, call, function } => {
                let other =
                    |_| Failure::wrong("its 'describe' and 'call' have other types than udf-sdk/udf.wit gives them");
                Running::World {
                    describe: instance.get_typed_func(&mut store, describe).map_err(other)?,
                    call: instance.get_typed_func(&mut store, call).map_err(other)?,
                    function: function.clone(),
                }
            }
            Entry::Typed { function, parameters, returns } => Running::Typed {
                function: instance.get_func(&mut store, function).expect("checked with the signature"),
                parameters: parameters.iter().map(|(_, ty)| ty.clone()).collect(),
                returns: returns[0].clone(),
            },
        };
        Ok(Self { store, timeout: options.timeout, entry })
    }

    /// Starts the clock of what comes next; `None` for the function's own limit.
    pub(crate) fn arm(&mut self, timeout: Option<Duration>) {
        self.store.set_epoch_deadline(ticks(timeout.unwrap_or(self.timeout)));
    }

    /// What the component says of its functions.
    pub(super) fn describe(&mut self) -> Result<String, Failure> {
        let Running::World { describe, .. } = &self.entry else { return Ok(String::new()) };
        let (text,) = describe.call(&mut self.store, ()).map_err(|e| failed(&e, &self.store, self.timeout))?;
        Ok(text)
    }

    /// A function of the world that gives any number of rows, at most `rows_max`, in several columns.
    pub(crate) fn columns(&mut self, call: &Call, rows_max: usize) -> Result<Vec<ArrayRef>, Failure> {
        let Running::World { call: world, function, .. } = &self.entry else {
            return Err(Failure::wrong("an export of its own type gives one value a row"));
        };
        let given = world.call(&mut self.store, (function.clone(), image::write(call)?));
        match given.map_err(|e| failed(&e, &self.store, self.timeout))?.0 {
            Ok(bytes) => image::read_all(&bytes, self.store.data().guest_bytes_max(), call.results, rows_max),
            Err(message) => Err(says(&message)),
        }
    }

    /// The function over a batch.
    pub(crate) fn batch(
        &mut self,
        args: &[ArrayRef],
        rows: usize,
        returns: &DataType,
        arg_types: &[DataType],
    ) -> Result<ArrayRef, Failure> {
        let (store, timeout) = (&mut self.store, self.timeout);
        match &self.entry {
            Running::World { call, function, .. } => {
                let results = std::slice::from_ref(returns);
                let batch = Call { rows, args, arg_types, results, result_rows: rows, ..Call::default() };
                let given = call.call(&mut *store, (function.clone(), image::write(&batch)?));
                match given.map_err(|e| failed(&e, store, timeout))?.0 {
                    Ok(bytes) => image::read(&bytes, store.data().guest_bytes_max(), rows, returns),
                    Err(message) => Err(says(&message)),
                }
            }
            Running::Typed { function, parameters, returns: result } => {
                let arguments = value::Arguments::new(args, parameters);
                let mut column = value::Column::new(returns, rows);
                for row in 0..rows {
                    let Some(values) = arguments.row(row) else {
                        column.push_null();
                        continue;
                    };
                    let mut given = [wasmtime::component::Val::Bool(false)];
                    function.call(&mut *store, &values, &mut given).map_err(|e| failed(&e, store, timeout))?;
                    let [given] = given;
                    column.push(given, result).map_err(|message| says(&message))?;
                }
                column.finish()
            }
        }
    }
}

fn says(message: &str) -> Failure {
    let shown: String = message.chars().take(MESSAGE_CHARS_MAX).flat_map(char::escape_debug).collect();
    Failure::wrong(if shown.is_empty() {
        "it gave an error without a message".to_owned()
    } else {
        format!("it says: {shown}")
    })
}

fn failed(e: &wasmtime::Error, store: &Store<Limits>, timeout: Duration) -> Failure {
    failure(e, store.data(), timeout, u32::MAX)
}
