//! Models: loaded from an artifact once in each instance, then predicting batches. udf-sdk/ABI.md, "Models".
//!
//! ```text
//! CREATE MODEL ──> ModelFunction::create   checks exports and types, reads the artifact, loads it, predicts no row
//!   ── model() ──> WasmModel               one for each place in each operator's instance; a failure costs the instance,
//!                                          and the next one loads the artifact again
//! ```

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, new_empty_array, new_null_array};
use arrow::compute::{concat, take};
use sha2::{Digest, Sha256};
use wasmill_expr::UserModel;
use wasmill_plan::{DataType, Field, Result as PlanResult, TypeKind};
use wasmtime::TypedFunc;

use crate::check;
use crate::columns::{Call, Guest};
use crate::compiled::Compiled;
use crate::error::{Error, Result, bytes_text};
use crate::instance::Failure;
use crate::module::Module;
use crate::options::{FunctionOptions, OnError};
use crate::replay::one_by_one;
use crate::signature::{self, Kind};
use crate::usage::UsageSnapshot;

const ARTIFACT_BYTES_MAX: u64 = 256 << 20;
/// Loading may take so many times the limit of a batch.
const LOAD_TIMEOUTS: u32 = 10;
const PREDICT_SUFFIX: &str = "__predict__cols";
const LOAD_SUFFIX: &str = "__load";
const LEARN_SUFFIX: &str = "__learn";
const TOGETHER_SUFFIX: &str = "__predict_learn__cols";
const SNAPSHOT_SUFFIX: &str = "__snapshot";
const RESTORE_SUFFIX: &str = "__restore";
const SECTION: &str = "Models";

/// What CREATE MODEL declares.
#[derive(Clone, Debug)]
pub struct ModelSpec {
    /// The name in SQL.
    pub name: String,
    /// The exports' common part: AS, or else the name.
    pub export: String,
    /// The module: USING FILE.
    pub path: PathBuf,
    /// INPUT.
    pub input: Vec<Field>,
    /// OUTPUT.
    pub output: Vec<Field>,
    /// LABEL: what it learns from beside its INPUT. `None`: its OUTPUT, where its module can learn.
    pub labels: Option<Vec<Field>>,
    /// WITH (…), the artifact's path among them.
    pub options: FunctionOptions,
}

/// A model in Wasm. Cloning is cheap and shares code, artifact and counters.
#[derive(Clone)]
pub struct ModelFunction {
    inner: Arc<Inner>,
}

struct Inner {
    compiled: Compiled,
    input: Vec<Field>,
    input_types: Vec<DataType>,
    output_types: Vec<DataType>,
    learning: Option<Learning>,
    artifact: Option<Vec<u8>>,
    first: Mutex<Option<Running>>,
}

/// What a model that learns has beside its predictions.
struct Learning {
    labels: Vec<Field>,
    /// Of the INPUT columns, then the labels.
    types: Vec<DataType>,
    /// Predicts and learns in one call.
    together: bool,
}

struct Running {
    guest: Guest,
    predict: TypedFunc<(u32, u32), u32>,
    learner: Option<Learner>,
}

/// The exports of a model that learns.
struct Learner {
    learn: TypedFunc<(u32, u32), u32>,
    together: Option<TypedFunc<(u32, u32), u32>>,
    snapshot: TypedFunc<u32, u32>,
    restore: TypedFunc<(u32, u32, u32), u32>,
}

impl ModelFunction {
    /// Loads and checks the module, reads the artifact, loads it into an instance, and predicts a batch of no rows.
    ///
    /// # Errors
    /// As [`Module::load`]; an export is missing or has another type; a type that does not cross; the module describes
    /// itself otherwise; the artifact is missing, too large, or refused by the module.
    pub fn create(spec: ModelSpec) -> Result<Self> {
        let module = Module::load(&spec.path, &spec.options)?;
        Self::from_module(spec, &module)
    }

    /// The same with a module that is loaded already.
    ///
    /// # Errors
    /// As [`ModelFunction::create`].
    pub fn from_module(spec: ModelSpec, module: &Module) -> Result<Self> {
        let ModelSpec { name, export, input, output, labels, options, .. } = spec;
        signature::check_description(module, Kind::Model, &name, &export, &input, |described| {
            signature::columns_differ(described, &output)
        })?;
        signature::columns_abi(module, &format!("the model '{export}'"))?;
        signature::needs(module, &export, PREDICT_SUFFIX, 2, 1, SECTION)?;
        let loads = signature::may_have(module, &export, LOAD_SUFFIX, 3, 1, SECTION)?;
        let learns = signature::may_have(module, &export, LEARN_SUFFIX, 2, 1, SECTION)?;
        let together = signature::may_have(module, &export, TOGETHER_SUFFIX, 2, 1, SECTION)?;
        if learns {
            signature::needs(module, &export, SNAPSHOT_SUFFIX, 1, 1, SECTION)?;
            signature::needs(module, &export, RESTORE_SUFFIX, 3, 1, SECTION)?;
        } else if labels.is_some() {
            return Err(Error::new(format!("model '{name}' has a LABEL, and does not learn"))
                .detail(format!("'{}' does not export '{export}{LEARN_SUFFIX}'", module.path().display()))
                .hint("leave LABEL out"));
        }
        let types = |fields: &[Field]| fields.iter().map(|f| f.data_type.clone()).collect::<Vec<_>>();
        let (input_types, output_types) = (types(&input), types(&output));
        let learning = learns.then(|| {
            let labels = labels.unwrap_or_else(|| output.clone());
            Learning { types: [types(&input), types(&labels)].concat(), labels, together }
        });
        let of_labels = learning.iter().flat_map(|l| &l.types);
        signature::check_types(&name, input_types.iter().chain(&output_types).chain(of_labels))?;
        let artifact = match (&options.artifact, loads) {
            (None, false) => None,
            (Some(path), true) => Some(read_artifact(path)?),
            (None, true) => {
                return Err(Error::new(format!("model '{name}' needs an artifact"))
                    .detail(format!("its module exports '{export}{LOAD_SUFFIX}'"))
                    .hint("name the file: WITH ('artifact' = 'weights.json')"));
            }
            (Some(_), false) => {
                return Err(Error::new(format!("model '{name}' takes no artifact"))
                    .detail(format!("'{}' does not export '{export}{LOAD_SUFFIX}'", module.path().display()))
                    .hint("leave the option 'artifact' out"));
            }
        };
        let compiled = Compiled::new(module, &name, &export, &options)?;
        let first = Mutex::new(None);
        let inner = Inner { compiled, input, input_types, output_types, learning, artifact, first };
        let mut first = inner.start().map_err(|failure| inner.refused(&failure))?;
        let none: Vec<ArrayRef> = inner.input_types.iter().map(|ty| new_empty_array(&ty.to_arrow())).collect();
        first.guest.instance.arm(None);
        first.predict(&inner, &none, 0).map_err(|failure| {
            Error::new(format!("model '{}' cannot predict a batch of no rows", inner.compiled.name))
                .detail(failure.text())
        })?;
        *inner.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The digest of the module's file.
    pub fn sha256(&self) -> [u8; 32] {
        self.inner.compiled.sha256
    }
    /// The digest of its artifact, where it has one.
    pub fn artifact_sha256(&self) -> Option<[u8; 32]> {
        self.inner.artifact.as_ref().map(|bytes| Sha256::digest(bytes).into())
    }
    /// What was used so far, over all places.
    pub fn usage(&self) -> UsageSnapshot {
        self.inner.compiled.usage()
    }
    /// What it learns from beside its INPUT; empty where it cannot learn.
    pub fn labels(&self) -> &[Field] {
        self.inner.learning.as_ref().map_or(&[], |l| &l.labels)
    }
    /// A predictor with an instance of its own.
    pub fn model(&self) -> WasmModel {
        WasmModel { model: self.inner.clone(), running: None }
    }
}

fn read_artifact(path: &Path) -> Result<Vec<u8>> {
    let cannot = || Error::new(format!("cannot read the artifact '{}'", path.display()));
    let metadata = std::fs::metadata(path).map_err(|e| cannot().detail(e))?;
    if !metadata.is_file() {
        return Err(cannot().detail("it is not a regular file"));
    }
    if metadata.len() > ARTIFACT_BYTES_MAX {
        let (has, may) = (bytes_text(metadata.len()), bytes_text(ARTIFACT_BYTES_MAX));
        return Err(cannot().detail(format!("it has {has}, an artifact may have {may}")));
    }
    std::fs::read(path).map_err(|e| cannot().detail(e))
}

impl Inner {
    /// A fresh instance with its artifact.
    fn start(&self) -> Result<Running, Failure> {
        let mut guest = self.compiled.guest()?;
        let export = &self.compiled.export;
        let predict = guest.export(&format!("{export}{PREDICT_SUFFIX}"), "(i32, i32) -> i32")?;
        if let Some(artifact) = &self.artifact {
            let load: TypedFunc<(u32, u32, u32), u32> =
                guest.export(&format!("{export}{LOAD_SUFFIX}"), "(i32, i32, i32) -> i32")?;
            guest.instance.arm(Some(self.compiled.options.timeout * LOAD_TIMEOUTS));
            guest.give_bytes(&load, artifact, "the artifact")?;
        }
        let learner = match &self.learning {
            None => None,
            Some(learning) => Some(Learner {
                learn: guest.export(&format!("{export}{LEARN_SUFFIX}"), "(i32, i32) -> i32")?,
                together: learning
                    .together
                    .then(|| guest.export(&format!("{export}{TOGETHER_SUFFIX}"), "(i32, i32) -> i32"))
                    .transpose()?,
                snapshot: guest.export(&format!("{export}{SNAPSHOT_SUFFIX}"), "(i32) -> i32")?,
                restore: guest.export(&format!("{export}{RESTORE_SUFFIX}"), "(i32, i32, i32) -> i32")?,
            }),
        };
        Ok(Running { guest, predict, learner })
    }

    fn take_or_start(&self) -> Result<Running, Failure> {
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(first) => Ok(first),
            None => self.start(),
        }
    }

    fn refused(&self, failure: &Failure) -> Error {
        match &self.compiled.options.artifact {
            Some(artifact) => Error::new(format!(
                "model '{}' cannot be made of the artifact '{}'",
                self.compiled.name,
                artifact.display()
            ))
            .detail(failure.text()),
            None => self.compiled.does_not_start(failure),
        }
    }
}

impl Running {
    fn predict(&mut self, model: &Inner, args: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>, Failure> {
        let predict = self.predict.clone();
        self.columns(&predict, model, args, &model.input_types, rows)
    }

    /// The OUTPUT columns that `function` gives for rows of `args`.
    fn columns(
        &mut self,
        function: &TypedFunc<(u32, u32), u32>,
        model: &Inner,
        args: &[ArrayRef],
        arg_types: &[DataType],
        rows: usize,
    ) -> Result<Vec<ArrayRef>, Failure> {
        let results = &model.output_types;
        let call = Call { rows, args, arg_types, results, result_rows: rows, ..Call::default() };
        let placed = self.guest.place(&call)?;
        let code = self.guest.run(function, (placed.input, placed.output))?;
        let columns = self.guest.results(code, &placed, results, rows)?;
        for (column, ty) in columns.iter().zip(results) {
            check::result(column, ty, false)?;
        }
        Ok(columns)
    }
}

impl Running {
    fn learner(&self) -> &Learner {
        self.learner.as_ref().expect("the planner lets only models with labels learn")
    }

    /// Predicts and learns row by row; `all` are the INPUT columns, then the labels.
    fn predict_then_learn(&mut self, model: &Inner, all: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>, Failure> {
        let types = &model.learning.as_ref().expect("it has labels").types;
        let inputs = model.input_types.len();
        if let Some(together) = self.learner().together.clone() {
            return self.columns(&together, model, all, types, rows);
        }
        let labelled = |row: usize| all[inputs..].iter().all(|label| label.is_valid(row));
        let (mut parts, mut from): (Vec<Vec<ArrayRef>>, usize) = Default::default();
        // Rows up to one that is learnt from are predicted together.
        while from < rows {
            let learnt = (from..rows).find(|&row| labelled(row));
            let to = learnt.map_or(rows, |row| row + 1);
            let part: Vec<ArrayRef> = all[..inputs].iter().map(|c| c.slice(from, to - from)).collect();
            parts.push(self.predict(model, &part, to - from)?);
            if let Some(row) = learnt {
                let one: Vec<ArrayRef> = all.iter().map(|c| c.slice(row, 1)).collect();
                self.learn(model, &one, 1)?;
            }
            from = to;
        }
        let column = |i: usize| {
            let parts: Vec<&dyn Array> = parts.iter().map(|columns| &*columns[i]).collect();
            concat(&parts).map_err(|e| Failure::wrong(e.to_string()))
        };
        (0..model.output_types.len()).map(column).collect()
    }

    /// Learns from rows of the INPUT columns and the labels, of which none is NULL.
    fn learn(&mut self, model: &Inner, all: &[ArrayRef], rows: usize) -> Result<(), Failure> {
        let types = &model.learning.as_ref().expect("it has labels").types;
        let learn = self.learner().learn.clone();
        let placed = self.guest.place(&Call { rows, args: all, arg_types: types, ..Call::default() })?;
        let code = self.guest.run(&learn, (placed.input, placed.output))?;
        self.guest.succeeded(code, &placed)
    }

    fn snapshot(&mut self) -> Result<Vec<u8>, Failure> {
        let bytes = [DataType::not_null(TypeKind::Varbinary(wasmill_plan::MAX_LENGTH))];
        let placed = self.guest.place(&Call { results: &bytes, result_rows: 1, ..Call::default() })?;
        let snapshot = self.learner().snapshot.clone();
        let code = self.guest.run(&snapshot, placed.output)?;
        let column = self.guest.results(code, &placed, &bytes, 1)?.remove(0);
        match column.is_null(0) {
            true => Err(Failure::wrong("it gave NULL as its snapshot")),
            false => Ok(column.as_binary::<i32>().value(0).to_vec()),
        }
    }
}

/// A predictor; owns an instance of the module from its first batch on.
pub struct WasmModel {
    model: Arc<Inner>,
    running: Option<Running>,
}

impl WasmModel {
    /// One try at a batch; the instance is gone if it fails.
    fn attempt(&mut self, args: &[ArrayRef], rows: usize, timeout: Option<Duration>) -> Result<Vec<ArrayRef>, Failure> {
        let model = &*self.model;
        let running = match &mut self.running {
            Some(running) => running,
            None => self.running.insert(model.take_or_start()?),
        };
        running.guest.instance.arm(timeout);
        let result = running.predict(model, args, rows);
        if result.is_err() {
            self.running = None;
            model.compiled.usage.failed();
        }
        result
    }

    /// The predictions of a batch that failed, row by row.
    fn replay(&mut self, args: &[ArrayRef], rows: usize, failure: &Failure) -> PlanResult<Vec<ArrayRef>> {
        let model = self.model.clone();
        let nulls = model.compiled.options.on_error == OnError::Null;
        let attempt = |one: &[ArrayRef]| self.attempt(one, 1, None);
        let given = one_by_one(&model.compiled, &model.input, args, rows, nulls, attempt, |given| given)?;
        if !nulls {
            let why = format!("{}; none of the {rows} rows of the batch fails by itself", failure.text());
            return Err(model.compiled.failed(&why));
        }
        given.iter().filter(|row| row.is_none()).for_each(|_| model.compiled.usage.nulled());
        let column = |(i, ty): (usize, &DataType)| -> PlanResult<ArrayRef> {
            let null = new_null_array(&ty.to_arrow(), 1);
            let parts: Vec<&dyn Array> =
                given.iter().map(|row| row.as_ref().map_or(&*null, |columns| &*columns[i])).collect();
            Ok(concat(&parts)?)
        };
        model.output_types.iter().enumerate().map(column).collect()
    }
}

impl UserModel for WasmModel {
    fn predict(&mut self, args: &[ArrayRef], rows: usize) -> PlanResult<Vec<ArrayRef>> {
        let started = Instant::now();
        let result = match self.attempt(args, rows, None) {
            Ok(columns) => Ok(columns),
            Err(failure) => self.replay(args, rows, &failure),
        };
        self.model.compiled.usage.batch(rows, started.elapsed());
        result
    }

    fn predict_then_learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> PlanResult<Vec<ArrayRef>> {
        let started = Instant::now();
        let model = self.model.clone();
        let all = [args, labels].concat();
        let running = self.learning_instance()?;
        running.guest.instance.arm(None);
        let result = running.predict_then_learn(&model, &all, rows);
        model.compiled.usage.batch(rows, started.elapsed());
        result.map_err(|failure| {
            model.compiled.usage.failed();
            // What was learnt is in the instance that failed: rows cannot be tried again.
            model.compiled.failed(&format!("predicting and learning a batch of {rows} rows: {}", failure.text()))
        })
    }

    fn learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> PlanResult<()> {
        let started = Instant::now();
        let model = self.model.clone();
        let labelled = |row: &u32| labels.iter().all(|label| label.len() != rows || label.is_valid(*row as usize));
        let known: UInt32Array = (0..rows as u32).filter(labelled).collect();
        if known.is_empty() || labels.iter().any(|label| label.len() != rows && label.is_null(0)) {
            return Ok(());
        }
        let pick = |column: &ArrayRef| match column.len() == rows {
            true => take(column, &known, None),
            false => Ok(column.clone()),
        };
        let all = args.iter().chain(labels).map(pick).collect::<Result<Vec<_>, _>>()?;
        let running = self.learning_instance()?;
        running.guest.instance.arm(None);
        let result = running.learn(&model, &all, known.len());
        model.compiled.usage.batch(rows, started.elapsed());
        result.map_err(|failure| {
            model.compiled.usage.failed();
            model.compiled.failed(&format!("learning from a batch of {} rows: {}", known.len(), failure.text()))
        })
    }

    fn save(&mut self) -> PlanResult<Vec<u8>> {
        let model = self.model.clone();
        let running = self.learning_instance()?;
        running.guest.instance.arm(Some(model.compiled.options.timeout * LOAD_TIMEOUTS));
        running.snapshot().map_err(|f| model.compiled.failed(&format!("giving its snapshot: {}", f.text())))
    }

    fn load(&mut self, snapshot: &[u8]) -> PlanResult<()> {
        let model = self.model.clone();
        let running = self.learning_instance()?;
        running.guest.instance.arm(Some(model.compiled.options.timeout * LOAD_TIMEOUTS));
        let restore = running.learner().restore.clone();
        let restored = running.guest.give_bytes(&restore, snapshot, "a snapshot");
        restored.map_err(|f| model.compiled.failed(&format!("restoring its snapshot: {}", f.text())))
    }
}

impl WasmModel {
    /// The instance that learns; it stays until the job ends.
    fn learning_instance(&mut self) -> PlanResult<&mut Running> {
        if self.running.is_none() {
            let fresh = self.model.take_or_start();
            self.running = Some(
                fresh.map_err(|f| self.model.compiled.failed(&format!("the module does not start: {}", f.text())))?,
            );
        }
        Ok(self.running.as_mut().expect("made above"))
    }
}
