//! A candidate beside a function or model: it sees the same rows, and the results of both go into a table.
//!
//! ```text
//! arguments ──> current ────────> the query
//!          └──> candidate ┐
//!               current ──┴─────> table t: arguments, current_…, candidate_…, candidate_error
//! ```
//! What the candidate fails on is an error in its row and never one of the job. One that keeps failing for too long is given up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, UInt32Array, new_null_array};
use arrow::compute::{concat, take};
use arrow::datatypes::SchemaRef;
use wasmill_connectors as connectors;
use wasmill_expr::{Context, UserModel, UserScalar};
use wasmill_plan::{DataType, Field, Result, Schema, Table};
use wasmill_sql::QueryError;

use crate::functions::About;

/// So much time a candidate may spend on calls that fail, in one place of the query.
const FAILING_MAX: Duration = Duration::from_secs(2);
/// So many calls may fail while the rows of a batch that fail are looked for.
const FAILURES_MAX: usize = 64;

/// A candidate and where its results go.
pub(crate) struct Shadow<T> {
    pub candidate: T,
    pub about: About,
    pub table: ShadowTable,
}

/// The table that takes the results of both.
#[derive(Clone)]
pub(crate) struct ShadowTable {
    pub table: Table,
    /// For each column that is written, what stands in it.
    parts: Arc<[Part]>,
    schema: SchemaRef,
}

/// What a column of the table takes.
#[derive(Clone, Copy, Debug)]
enum Part {
    Argument(usize),
    Current(usize),
    Candidate(usize),
    Error,
}

impl ShadowTable {
    /// Checks that `table` can take the arguments and `results` of `what`: some of the columns that they have, by name.
    /// The only result of a function has no name.
    ///
    /// # Errors
    /// The table cannot be written, or has a column that is none of them.
    pub fn new(what: &str, table: &Table, args: &[Field], results: &[Field]) -> Result<Self, QueryError> {
        let of = format!("the shadow table of {what}");
        let sink = connectors::validate(table, Some(connectors::Role::Sink));
        sink.map_err(|e| QueryError { hint: e.hint, ..QueryError::new(format!("{of}: {}", e.message)) })?;
        let name = |prefix: &str, field: &Field| match field.name.as_str() {
            "" => format!("{prefix}_result"),
            name => format!("{prefix}_{name}"),
        };
        let of_args = args.iter().enumerate().map(|(i, f)| (f.name.clone(), &f.data_type, Part::Argument(i)));
        let current = results.iter().enumerate().map(|(i, f)| (name("current", f), &f.data_type, Part::Current(i)));
        let candidate =
            results.iter().enumerate().map(|(i, f)| (name("candidate", f), &f.data_type, Part::Candidate(i)));
        let error_type = DataType::string();
        let error = ("candidate_error".to_owned(), &error_type, Part::Error);
        let known: Vec<(String, &DataType, Part)> = of_args.chain(current).chain(candidate).chain([error]).collect();
        let takes = || {
            let all: Vec<String> = known.iter().map(|(name, ty, _)| format!("{name} {}", ty.kind)).collect();
            format!("'{}' takes the columns ({}), or some of them", table.name, all.join(", "))
        };
        let mut parts = Vec::new();
        let mut fields = Vec::new();
        for column in table.sink_columns().into_iter().map(|c| &table.columns[c]) {
            let Some((_, ty, part)) = known.iter().find(|(name, ..)| *name == column.name) else {
                return Err(QueryError::new(format!("{of} has a column '{}', which is none of it", column.name))
                    .with_hint(takes()));
            };
            if column.data_type.to_arrow() != ty.to_arrow() {
                let (is, should) = (&column.data_type.kind, &ty.kind);
                return Err(QueryError::new(format!(
                    "{of} has column '{}' of type {is}, it should be {should}",
                    column.name
                ))
                .with_hint(takes()));
            }
            if !column.data_type.nullable {
                return Err(QueryError::new(format!("{of} has column '{}' NOT NULL, and it may be NULL", column.name))
                    .with_hint(takes()));
            }
            parts.push(*part);
            fields.push(Field::new(&column.name, column.data_type.clone()));
        }
        Ok(Self { table: table.clone(), parts: parts.into(), schema: Schema::new(fields).to_arrow() })
    }

    /// The rows of a batch.
    fn rows(&self, args: &[ArrayRef], rows: usize, current: &[ArrayRef], tried: &Tried) -> Result<RecordBatch> {
        let column = |part: &Part| match *part {
            Part::Argument(i) => repeated(&args[i], rows),
            Part::Current(i) => repeated(&current[i], rows),
            Part::Candidate(i) => Ok(tried.columns[i].clone()),
            Part::Error => Ok(tried.errors.clone()),
        };
        let columns = self.parts.iter().map(column).collect::<Result<_>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// A column of `rows` rows; a column of one value stands for a constant.
fn repeated(array: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    if array.len() == rows {
        return Ok(array.clone());
    }
    Ok(take(array, &UInt32Array::from(vec![0; rows]), None)?)
}

/// How a candidate has done so far.
#[derive(Default)]
struct Trial {
    failing: Duration,
    given_up: Option<String>,
}

/// What a candidate gave for a batch.
struct Tried {
    columns: Vec<ArrayRef>,
    errors: ArrayRef,
}

impl Trial {
    /// Tries a batch; one that fails is halved until the rows that fail are found. `like` has the types of the results.
    fn run(
        &mut self,
        args: &[ArrayRef],
        rows: usize,
        like: &[ArrayRef],
        mut call: impl FnMut(&[ArrayRef], usize) -> Result<Vec<ArrayRef>>,
    ) -> Result<Tried> {
        let mut pieces: Vec<Vec<ArrayRef>> = Vec::new();
        let mut errors: Vec<Option<String>> = Vec::with_capacity(rows);
        let mut todo = vec![(0, rows)];
        let mut failures = 0;
        while let Some((from, count)) = todo.pop() {
            let slice = |a: &ArrayRef| if a.len() == rows { a.slice(from, count) } else { a.clone() };
            let started = Instant::now();
            let result = match &self.given_up {
                Some(why) => Err(why.clone()),
                None => call(&args.iter().map(slice).collect::<Vec<_>>(), count).map_err(|e| e.to_string()),
            };
            match result {
                Ok(columns) => {
                    pieces.push(columns.iter().map(|c| repeated(c, count)).collect::<Result<_>>()?);
                    errors.extend(std::iter::repeat_n(None, count));
                }
                Err(_) if count > 1 && failures < FAILURES_MAX && self.given_up.is_none() => {
                    failures += 1;
                    self.failed(started.elapsed());
                    let half = count / 2;
                    todo.extend([(from + half, count - half), (from, half)]);
                }
                Err(why) => {
                    failures += 1;
                    self.failed(started.elapsed());
                    pieces.push(like.iter().map(|c| new_null_array(c.data_type(), count)).collect());
                    errors.extend(std::iter::repeat_n(Some(why), count));
                }
            }
        }
        let column = |i: usize| -> Result<ArrayRef> {
            Ok(concat(&pieces.iter().map(|piece| &*piece[i] as &dyn Array).collect::<Vec<_>>())?)
        };
        let columns = (0..like.len()).map(column).collect::<Result<_>>()?;
        Ok(Tried { columns, errors: Arc::new(StringArray::from(errors)) })
    }

    fn failed(&mut self, time: Duration) {
        self.failing += time;
        if self.failing > FAILING_MAX && self.given_up.is_none() {
            self.give_up(format!("given up: calls that failed took {} ms", self.failing.as_millis()));
        }
    }

    fn give_up(&mut self, why: String) {
        self.given_up = Some(why);
    }
}

/// A scalar function and its candidate.
pub(crate) struct ShadowedScalar {
    current: Box<dyn UserScalar>,
    candidate: Box<dyn UserScalar>,
    trial: Trial,
    table: ShadowTable,
    pending: Option<RecordBatch>,
}

impl ShadowedScalar {
    pub fn new(current: Box<dyn UserScalar>, candidate: Box<dyn UserScalar>, table: ShadowTable) -> Self {
        Self { current, candidate, trial: Trial::default(), table, pending: None }
    }
}

impl UserScalar for ShadowedScalar {
    fn call(&mut self, args: &[ArrayRef], rows: usize, context: &Context) -> Result<ArrayRef> {
        let current = self.current.call(args, rows, context)?;
        if rows > 0 {
            let like = [current.clone()];
            let candidate = &mut self.candidate;
            let tried =
                self.trial.run(args, rows, &like, |args, rows| Ok(vec![candidate.call(args, rows, context)?]))?;
            self.pending = Some(self.table.rows(args, rows, &like, &tried)?);
        }
        Ok(current)
    }
    fn take_shadow(&mut self) -> Option<RecordBatch> {
        self.pending.take()
    }
}

/// A model and its candidate, which learns from the same rows.
pub(crate) struct ShadowedModel {
    current: Box<dyn UserModel>,
    candidate: Box<dyn UserModel>,
    trial: Trial,
    table: ShadowTable,
    pending: Option<RecordBatch>,
}

impl ShadowedModel {
    pub fn new(current: Box<dyn UserModel>, candidate: Box<dyn UserModel>, table: ShadowTable) -> Self {
        Self { current, candidate, trial: Trial::default(), table, pending: None }
    }

    /// What a call that cannot be tried again gave.
    fn once(&mut self, rows: usize, current: &[ArrayRef], result: Result<Vec<ArrayRef>>) -> Result<Tried> {
        let mut result = Some(result.map_err(|e| {
            self.trial.give_up(format!("given up: {e}"));
            e
        }));
        self.trial.run(&[], rows, current, |_, _| result.take().expect("a batch that fails is given up"))
    }
}

impl UserModel for ShadowedModel {
    fn predict(&mut self, args: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>> {
        let current = self.current.predict(args, rows)?;
        if rows > 0 {
            let candidate = &mut self.candidate;
            let tried = self.trial.run(args, rows, &current, |args, rows| candidate.predict(args, rows))?;
            self.pending = Some(self.table.rows(args, rows, &current, &tried)?);
        }
        Ok(current)
    }
    fn predict_then_learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> Result<Vec<ArrayRef>> {
        let current = self.current.predict_then_learn(args, labels, rows)?;
        if rows > 0 {
            let result = match self.trial.given_up {
                None => self.candidate.predict_then_learn(args, labels, rows),
                // The trial knows why.
                Some(_) => Ok(Vec::new()),
            };
            let tried = self.once(rows, &current, result)?;
            self.pending = Some(self.table.rows(args, rows, &current, &tried)?);
        }
        Ok(current)
    }
    fn learn(&mut self, args: &[ArrayRef], labels: &[ArrayRef], rows: usize) -> Result<()> {
        self.current.learn(args, labels, rows)?;
        if self.trial.given_up.is_none()
            && let Err(error) = self.candidate.learn(args, labels, rows)
        {
            self.trial.give_up(format!("given up: {error}"));
        }
        Ok(())
    }
    fn save(&mut self) -> Result<Vec<u8>> {
        self.current.save()
    }
    fn load(&mut self, snapshot: &[u8]) -> Result<()> {
        self.current.load(snapshot)?;
        if let Err(error) = self.candidate.load(snapshot) {
            self.trial.give_up(format!("given up: {error}"));
        }
        Ok(())
    }
    fn take_shadow(&mut self) -> Option<RecordBatch> {
        self.pending.take()
    }
}
