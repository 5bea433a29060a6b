//! Nanoseconds per row of a user's aggregate function beside the built-in one that does the same, on one core, from memory:
//! `cargo run --release -p wasmill-server --example user_aggregate_speed`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMillisecondArray};
use wasmill_plan::{
    AggregateCall, DataType, Field, Lateness, Operator as Node, Over, OverAnswer, OverFrame, OverFunction, OverGroup,
    Schema, TypeKind, WindowAggregate, WindowKind, WindowSpec, Windowing,
};
use wasmill_runtime::batch::MAX_WATERMARK;
use wasmill_runtime::{Batch, Output, build, testing};
use wasmill_server::Session;
use wasmill_sql::parse_script;

const ROWS: usize = 8192;
const BATCHES: usize = 200;

struct Count(usize);
impl Output for Count {
    fn emit(&mut self, batch: Batch) {
        self.0 += batch.len();
    }
    fn late(&mut self, rows: RecordBatch) {
        self.0 += rows.num_rows();
    }
}

fn double() -> DataType {
    DataType::nullable(TypeKind::Double)
}

fn call(function: &str) -> AggregateCall {
    AggregateCall {
        function: function.to_owned(),
        args: vec![2],
        constants: Vec::new(),
        distinct: false,
        filter: None,
        arg_types: vec![double()],
        data_type: double(),
    }
}

fn input() -> Schema {
    let field = |name: &str, kind| Field::new(name, DataType::nullable(kind));
    Schema::new(vec![field("k", TypeKind::BigInt), field("t", TypeKind::Timestamp(3)), field("x", TypeKind::Double)])
}

/// Rows one millisecond apart, keys at random.
fn batches(keys: u64) -> Vec<Batch> {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut batch = |b: usize| {
        let first = (b * ROWS) as i64;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values((0..ROWS).map(|_| (next() % keys) as i64))),
            Arc::new(TimestampMillisecondArray::from_iter_values(first..first + ROWS as i64)),
            Arc::new(Float64Array::from_iter_values((0..ROWS).map(|_| (next() % 1000) as f64))),
        ];
        Batch::append(RecordBatch::try_new(input().to_arrow(), columns).expect("columns"))
    };
    (0..BATCHES).map(&mut batch).collect()
}

fn ns_a_row(session: &Session, node: &Node, output: &Schema, batches: &[Batch]) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let context =
            wasmill_runtime::OperatorContext { functions: session.functions(), ..testing::operator_context("speed") };
        let mut operator = build::operator(node, &[input()], output, &context).expect("an operator");
        let mut out = Count(0);
        let start = Instant::now();
        for (i, batch) in batches.iter().enumerate() {
            operator.on_batch(0, batch.clone(), &mut out).expect("a batch");
            operator.on_watermark(((i + 1) * ROWS) as i64 - 1000, &mut out).expect("a watermark");
        }
        operator.on_watermark(MAX_WATERMARK, &mut out).expect("the end");
        best = best.min(start.elapsed().as_nanos() as f64 / (ROWS * batches.len()) as f64);
    }
    best
}

fn window(function: &str, kind: WindowKind) -> (Node, Schema) {
    let spec = WindowSpec { kind, time_column: 1, time_zone: None };
    let mut fields = vec![input().fields[0].clone(), Field::new("a", double())];
    for name in ["window_start", "window_end", "window_time"] {
        fields.push(Field::new(name, DataType::nullable(TypeKind::Timestamp(3))));
    }
    let node = WindowAggregate {
        windowing: Windowing::Assign(spec),
        keys: vec![0],
        aggregates: vec![call(function)],
        lateness: Lateness::default(),
    };
    (Node::WindowAggregate(node), Schema::new(fields))
}

fn group(function: &str) -> (Node, Schema) {
    let fields = vec![input().fields[0].clone(), Field::new("a", double())];
    (Node::GroupAggregate { keys: vec![0], aggregates: vec![call(function)] }, Schema::new(fields))
}

fn over(function: &str, frame: OverFrame) -> (Node, Schema) {
    let groups = vec![OverGroup { frame, functions: vec![OverFunction::Aggregate(call(function))] }];
    let mut fields = input().fields;
    fields.push(Field::new("a", double()));
    let node = Over { partition: vec![0], time_column: 1, groups, answer: OverAnswer::AtWatermark, ties: Vec::new() };
    (Node::Over(node), Schema::new(fields))
}

fn main() {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/c/aggregates.wasm");
    let statement = format!(
        "CREATE AGGREGATE FUNCTION total(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE '{}';",
        module.display()
    );
    let mut session = Session::new();
    for parsed in parse_script(&statement).expect("a statement") {
        session.execute(&parsed).expect("the SDK's example");
    }
    let (few, many) = (batches(1000), batches(100_000));
    let tumble = || WindowKind::Tumble { size_ms: 60_000, offset_ms: 0 };
    let hop = || WindowKind::Hop { slide_ms: 10_000, size_ms: 60_000, offset_ms: 0 };
    let range = || OverFrame::Range { preceding_ms: Some(60_000) };
    println!("{:36} {:>12} {:>12} {:>7}", "ns a row", "SUM built in", "total, Wasm", "ratio");
    let compare = |name: &str, plan: &dyn Fn(&str) -> (Node, Schema), batches: &[Batch]| {
        let [built_in, user] = ["SUM", "total"].map(|function| {
            let (node, output) = plan(function);
            ns_a_row(&session, &node, &output, batches)
        });
        println!("{name:36} {built_in:12.1} {user:12.1} {:7.2}", user / built_in);
    };
    compare("tumble 1 min, 1,000 keys", &|f| window(f, tumble()), &few);
    compare("tumble 1 min, 100,000 keys", &|f| window(f, tumble()), &many);
    compare("hop 10 s of 1 min, 1,000 keys", &|f| window(f, hop()), &few);
    compare("group by, 1,000 keys", &group, &few[..20]);
    compare("over range 1 min, 1,000 keys", &|f| over(f, range()), &few[..20]);
}
