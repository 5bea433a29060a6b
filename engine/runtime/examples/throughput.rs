//! Measures what a row costs in the runtime itself: `cargo run --release -p wasmill-runtime --example throughput`.
//!
//! Each line is the best of five runs over 8,000,000 rows in memory (k BIGINT, t TIMESTAMP(3), v DOUBLE), batches of 8,192.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMillisecondArray};
use serde_json::{Value as Json, json};
use wasmill_expr::NoUserFunctions;
use wasmill_plan::{
    ChangelogMode, DataType, Expr, Field, Input, NodeId, Operator, Plan, Result, Schema, SinkNode, SourceNode, Table,
    TypeKind, Value,
};
use wasmill_runtime::sink::{Sink, SinkFactory};
use wasmill_runtime::source::{Source, SourceEvent, SourceFactory};
use wasmill_runtime::{Batch, Job, JobOptions, JobParts};

const ROWS: usize = 8_000_000;
const BATCH_ROWS: usize = 8_192;

struct Repeat {
    batch: RecordBatch,
    left: usize,
}

impl Source for Repeat {
    fn poll(&mut self, _wait: Duration) -> Result<SourceEvent> {
        if self.left == 0 {
            return Ok(SourceEvent::End);
        }
        let rows = self.left.min(self.batch.num_rows());
        self.left -= rows;
        Ok(SourceEvent::Rows(self.batch.slice(0, rows)))
    }
    fn position(&self) -> Json {
        json!(null)
    }
    fn seek(&mut self, _position: &Json) -> Result<()> {
        Ok(())
    }
}

struct Sources(RecordBatch, usize);

impl SourceFactory for Sources {
    fn source(&self, _: &SourceNode, _: usize, parallelism: usize) -> Result<Box<dyn Source>> {
        Ok(Box::new(Repeat { batch: self.0.clone(), left: self.1 / parallelism }))
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn write(&mut self, _batch: &Batch) -> Result<()> {
        Ok(())
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

impl SinkFactory for Nowhere {
    fn sink(&self, _: &SinkNode, _: &Schema, _: usize, _: usize) -> Result<Box<dyn Sink>> {
        Ok(Box::new(Self))
    }
}

fn bigint() -> DataType {
    DataType::nullable(TypeKind::BigInt)
}

fn double() -> DataType {
    DataType::nullable(TypeKind::Double)
}

fn time() -> DataType {
    DataType::nullable(TypeKind::Timestamp(3))
}

fn columns() -> Schema {
    Schema::new(vec![Field::new("k", bigint()), Field::new("t", time()), Field::new("v", double())])
}

fn batch() -> RecordBatch {
    let keys = (0..BATCH_ROWS as i64).map(|i| i.wrapping_mul(0x9E37_79B9) % 10_007);
    let columns_of: Vec<ArrayRef> = vec![
        Arc::new(keys.collect::<Int64Array>()),
        Arc::new(TimestampMillisecondArray::from_iter_values(0..BATCH_ROWS as i64)),
        Arc::new((0..BATCH_ROWS).map(|i| (i % 1000) as f64).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(columns().to_arrow(), columns_of).expect("columns of the schema")
}

fn add(plan: &mut Plan, name: &str, operator: Operator, input: Option<Input>) -> NodeId {
    plan.add(name, operator, input.into_iter().collect(), columns(), ChangelogMode::Append)
}

fn source(plan: &mut Plan) -> NodeId {
    let name = "t".to_owned();
    let table = Table { name, columns: vec![], watermark: None, primary_key: vec![], options: [].into() };
    add(plan, "source", Operator::Source(SourceNode::new(Box::new(table), vec![0, 1, 2])), None)
}

fn calc(plan: &mut Plan, input: NodeId) -> NodeId {
    let boolean = DataType::nullable(TypeKind::Boolean);
    let limit = Expr::literal(Value::Float(500.0), double());
    let filter = Expr::call(">", vec![Expr::column(2, double()), limit.clone()], boolean);
    let scaled = Expr::call("*", vec![Expr::column(2, double()), limit], double());
    let projection = vec![Expr::column(0, bigint()), Expr::column(1, time()), scaled];
    add(plan, "calc", Operator::Calc { filter: Some(filter), projection }, Some(Input::forward(input)))
}

fn sink(plan: &mut Plan, input: NodeId) {
    add(plan, "sink", Operator::Sink(SinkNode { table: None }), Some(Input::forward(input)));
}

fn measure(name: &str, plan: &Plan, rows: usize, batch_rows: usize, options: &JobOptions) {
    let parts = JobParts {
        sources: Arc::new(Sources(batch().slice(0, batch_rows), rows)),
        sinks: Arc::new(Nowhere),
        functions: Arc::new(NoUserFunctions),
    };
    let run = || {
        let started = Instant::now();
        Job::start(plan, options, &parts).and_then(wasmill_runtime::JobHandle::wait).expect("the job runs");
        started.elapsed()
    };
    let best = (0..5).map(|_| run()).min().expect("five runs");
    let ns = best.as_nanos() as f64 / rows as f64;
    println!("{name:<58} {ns:>8.2} ns/row  {:>8.1} M rows/s", 1000.0 / ns);
}

fn main() {
    let one = JobOptions::default();
    let mut bare = Plan::default();
    let read = source(&mut bare);
    sink(&mut bare, read);
    measure("source, sink", &bare, ROWS, BATCH_ROWS, &one);
    measure("source, sink, batches of one row", &bare, ROWS / 10, 1, &one);

    let mut filtered = Plan::default();
    let read = source(&mut filtered);
    let read = calc(&mut filtered, read);
    sink(&mut filtered, read);
    measure("filter v > 500, project v * 500", &filtered, ROWS, BATCH_ROWS, &one);
    measure("filter, project, batches of one row", &filtered, ROWS / 10, 1, &one);

    let mut marked = Plan::default();
    let read = source(&mut marked);
    let operator = Operator::Watermark { time_column: 1, expr: Expr::column(1, time()) };
    let read = add(&mut marked, "watermark", operator, Some(Input::forward(read)));
    sink(&mut marked, read);
    measure("watermark", &marked, ROWS, BATCH_ROWS, &one);

    let mut keyed = Plan::default();
    let read = source(&mut keyed);
    let united = add(&mut keyed, "union", Operator::Union, Some(Input::by_key(read, vec![0])));
    sink(&mut keyed, united);
    for parallelism in [1, 2, 3] {
        let options = JobOptions { parallelism, pipelined: true, ..JobOptions::default() };
        measure(&format!("exchange by k, parallelism {parallelism}"), &keyed, ROWS, BATCH_ROWS, &options);
    }
    let options = JobOptions { pipelined: true, ..JobOptions::default() };
    measure("exchange by k, parallelism 1, batches of one row", &keyed, ROWS / 10, 1, &options);
}
