//! Nanoseconds per row of the aggregating operators, on one core, from memory:
//! `cargo run --release --example aggregate_speed`.

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use wasmill_plan::{
    AggregateCall, DataType, Field, Lateness, Operator as Node, Schema, SortKey, TypeKind, WindowAggregate, WindowKind,
    WindowRank, WindowSpec, Windowing,
};
use wasmill_runtime::batch::{MAX_WATERMARK, NO_WATERMARK};
use wasmill_runtime::{Batch, Operator, Output, WatermarkStep, build, testing};

const ROWS: usize = 8192;
const BATCHES: usize = 400;

struct Count(usize);
impl Output for Count {
    fn emit(&mut self, batch: Batch) {
        self.0 += batch.len();
    }
    fn late(&mut self, rows: RecordBatch) {
        self.0 += rows.num_rows();
    }
}

fn call(function: &str, arg: Option<usize>, kind: TypeKind) -> AggregateCall {
    let returns = if function == "COUNT" { TypeKind::BigInt } else { kind.clone() };
    AggregateCall {
        function: function.to_owned(),
        args: arg.into_iter().collect(),
        constants: Vec::new(),
        distinct: false,
        filter: None,
        arg_types: arg.iter().map(|_| DataType::nullable(kind.clone())).collect(),
        data_type: DataType::nullable(returns),
    }
}

fn input() -> Schema {
    let field = |name: &str, kind| Field::new(name, DataType::nullable(kind));
    Schema::new(vec![
        field("id", TypeKind::BigInt),
        field("name", DataType::string().kind),
        field("t", TypeKind::Timestamp(3)),
        field("v", TypeKind::BigInt),
    ])
}

/// Rows one millisecond apart, keys at random, a watermark step per `every` rows.
fn batches(keys: u64, every: usize) -> Vec<Batch> {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut watermark = NO_WATERMARK;
    (0..BATCHES)
        .map(|b| {
            let ids: Vec<i64> = (0..ROWS).map(|_| (next() % keys) as i64).collect();
            let names = StringArray::from_iter_values(ids.iter().map(|id| format!("customer-{id}")));
            let first = (b * ROWS) as i64;
            let times = TimestampMillisecondArray::from_iter_values(first..first + ROWS as i64);
            let values = Int64Array::from_iter_values((0..ROWS).map(|_| (next() % 1000) as i64));
            let columns: Vec<ArrayRef> =
                vec![Arc::new(Int64Array::from(ids)), Arc::new(names), Arc::new(times), Arc::new(values)];
            let mut batch = Batch::append(RecordBatch::try_new(input().to_arrow(), columns).expect("columns"));
            batch.watermark = watermark;
            batch.steps = (0..ROWS)
                .step_by(every)
                .map(|row| WatermarkStep { after_row: row as u32, watermark: first + row as i64 - 1000 })
                .collect();
            watermark = batch.last_watermark();
            batch
        })
        .collect()
}

fn run(name: &str, node: &Node, output: &Schema, batches: &[Batch]) {
    let mut best = f64::MAX;
    let mut given = 0;
    for _ in 0..3 {
        let mut operator: Box<dyn Operator> =
            build::operator(node, &[input()], output, &testing::operator_context("speed")).expect("an operator");
        let mut out = Count(0);
        let start = Instant::now();
        for batch in batches {
            let watermark = batch.last_watermark();
            operator.on_batch(0, batch.clone(), &mut out).expect("a batch");
            operator.on_watermark(watermark, &mut out).expect("a watermark");
        }
        operator.on_watermark(MAX_WATERMARK, &mut out).expect("the end");
        best = best.min(start.elapsed().as_nanos() as f64 / (ROWS * batches.len()) as f64);
        given = out.0;
    }
    println!("{name:44} {best:7.1} ns a row  {:7.1} M rows/s  {given} rows out", 1000.0 / best);
}

fn window(kind: WindowKind, key: usize, aggregates: Vec<AggregateCall>) -> (Node, Schema) {
    let spec = WindowSpec { kind, time_column: 2, time_zone: None };
    let mut fields = vec![input().fields[key].clone()];
    for (i, call) in aggregates.iter().enumerate() {
        fields.push(Field::new(format!("a{i}"), call.data_type.clone()));
    }
    for name in ["window_start", "window_end", "window_time"] {
        fields.push(Field::new(name, DataType::nullable(TypeKind::Timestamp(3))));
    }
    let node = WindowAggregate {
        windowing: Windowing::Assign(spec),
        keys: vec![key],
        aggregates,
        lateness: Lateness::default(),
    };
    (Node::WindowAggregate(node), Schema::new(fields))
}

fn main() {
    let tumble = || WindowKind::Tumble { size_ms: 60_000, offset_ms: 0 };
    let three = || {
        let v = TypeKind::BigInt;
        vec![call("COUNT", None, v.clone()), call("SUM", Some(3), v.clone()), call("MAX", Some(3), v)]
    };
    let only = std::env::args().nth(1).unwrap_or_default();
    let run = |name: &str, (node, output): (Node, Schema), batches: &[Batch]| {
        if name.contains(&only) {
            run(name, &node, &output, batches);
        }
    };
    let (rare, each) = (batches(1000, ROWS), batches(1000, 1));
    run("tumble, BIGINT key, count", window(tumble(), 0, vec![call("COUNT", None, TypeKind::BigInt)]), &rare);
    run("tumble, BIGINT key, count sum max", window(tumble(), 0, three()), &rare);
    run("tumble, BIGINT key, a watermark a row", window(tumble(), 0, three()), &each);
    run("tumble, STRING key, count sum max", window(tumble(), 1, three()), &rare);
    run("tumble, 1 M BIGINT keys, count sum max", window(tumble(), 0, three()), &batches(1_000_000, ROWS));
    let hop = WindowKind::Hop { slide_ms: 10_000, size_ms: 60_000, offset_ms: 0 };
    run("hop 10 s of 60 s, BIGINT key, three", window(hop, 0, three()), &rare);
    let cumulate = WindowKind::Cumulate { step_ms: 10_000, max_size_ms: 60_000, offset_ms: 0 };
    run("cumulate 10 s to 60 s, BIGINT key, three", window(cumulate, 0, three()), &rare);
    let session = WindowKind::Session { gap_ms: 2_000, partition: vec![0] };
    run("session 2 s, BIGINT key, three", window(session, 0, three()), &rare);
    let mut distinct = call("COUNT", Some(3), TypeKind::BigInt);
    distinct.distinct = true;
    run("tumble, count distinct", window(tumble(), 0, vec![distinct]), &rare);

    let mut fields = vec![input().fields[0].clone()];
    fields.extend(three().iter().enumerate().map(|(i, c)| Field::new(format!("a{i}"), c.data_type.clone())));
    let group = |keys: Vec<usize>, skip| {
        let output = Schema::new(fields[skip..].to_vec());
        (Node::GroupAggregate { keys, aggregates: three() }, output)
    };
    run("group, BIGINT key, three", group(vec![0], 0), &rare[..50]);
    run("group, no key, three", group(Vec::new(), 1), &rare[..10]);

    let rank = WindowRank {
        windowing: Windowing::Assign(WindowSpec { kind: tumble(), time_column: 2, time_zone: None }),
        partition: vec![0],
        order: vec![SortKey { column: 3, descending: true, nulls_first: false }],
        last_of_ties: false,
        from: 1,
        to: 3,
        with_rank: false,
    };
    run("rank 3 per key in a tumbling window", (Node::WindowRank(rank), input()), &rare);
}
