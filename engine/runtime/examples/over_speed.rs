//! Speed of OVER RANGE 1 hour with COUNT, SUM and MAX by card, from memory, on one core.
//!
//! `cargo run --release -p wasmill-runtime --example over_speed [rows]`

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Float64Array, Int64Array, RecordBatch, TimestampMillisecondArray};
use wasmill_plan::{AggregateCall, DataType, Over, OverAnswer, OverFrame, OverFunction, OverGroup, TypeKind};
use wasmill_runtime::testing::{operator_context, rows::schema};
use wasmill_runtime::{Batch, NO_WATERMARK, Output, build};

struct Counted(u64);

impl Output for Counted {
    fn emit(&mut self, batch: Batch) {
        self.0 += batch.len() as u64;
    }
    fn late(&mut self, _rows: RecordBatch) {}
}

const INPUT: &str = "card BIGINT, t TIMESTAMP(3), amount DOUBLE";

fn call(function: &str, arg: Option<usize>) -> OverFunction {
    let double = DataType::nullable(TypeKind::Double);
    OverFunction::Aggregate(AggregateCall {
        function: function.to_owned(),
        args: arg.into_iter().collect(),
        constants: vec![],
        distinct: false,
        filter: None,
        arg_types: arg.map(|_| double.clone()).into_iter().collect(),
        data_type: if function == "COUNT" { DataType::not_null(TypeKind::BigInt) } else { double },
    })
}

/// Rows in batches of 8,192: card, time and amount by row; every `late_every`th row is up to a minute behind.
fn batches(rows: usize, cards: u64, ms_per_row: f64, late_every: u64) -> Vec<RecordBatch> {
    let mut state = 42u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let schema = schema(INPUT).to_arrow();
    let starts = (0..rows).step_by(8192);
    let batch = |start: usize| {
        let count = 8192.min(rows - start);
        let cards: Int64Array = (0..count).map(|_| Some((random() % cards) as i64)).collect();
        let time = |row: usize| (row as f64 * ms_per_row) as i64;
        let times: TimestampMillisecondArray = (start..start + count)
            .map(|row| {
                Some(
                    time(row)
                        - if late_every > 0 && random() % late_every == 0 { (random() % 60_000) as i64 } else { 0 },
                )
            })
            .collect();
        let amounts: Float64Array = (0..count).map(|_| Some((random() % 100_000) as f64 / 100.0)).collect();
        RecordBatch::try_new(schema.clone(), vec![Arc::new(cards), Arc::new(times), Arc::new(amounts)])
    };
    starts.map(batch).collect::<Result<_, _>>().expect("columns of the schema")
}

fn measure(name: &str, input: &[RecordBatch], on_arrival: bool, frames_ms: &[i64]) {
    let group = |&ms: &i64| OverGroup {
        frame: OverFrame::Range { preceding_ms: Some(ms) },
        functions: vec![call("COUNT", None), call("SUM", Some(2)), call("MAX", Some(2))],
    };
    let groups: Vec<OverGroup> = frames_ms.iter().map(group).collect();
    let results = vec!["c BIGINT, s DOUBLE, m DOUBLE"; groups.len()].join(", ");
    let answer = if on_arrival { OverAnswer::OnArrival } else { OverAnswer::AtWatermark };
    let plan = Over { partition: vec![0], time_column: 1, groups, answer, ties: vec![] };
    let (plan, output) = (wasmill_plan::Operator::Over(plan), schema(&format!("{INPUT}, {results}")));
    let mut operator =
        build::operator(&plan, &[schema(INPUT)], &output, &operator_context("over")).expect("a known operator");
    let (mut out, mut watermark, start) = (Counted(0), NO_WATERMARK, Instant::now());
    for rows in input {
        let times = rows.column(1).as_any().downcast_ref::<TimestampMillisecondArray>().expect("times").values();
        let highest = times.iter().max().copied().unwrap_or(0);
        let batch = Batch { watermark, ..Batch::append(rows.clone()) };
        operator.on_batch(0, batch, &mut out).expect("good rows");
        if highest - 5_000 > watermark {
            watermark = highest - 5_000;
            operator.on_watermark(watermark, &mut out).expect("good rows");
        }
    }
    operator.on_watermark(i64::MAX, &mut out).expect("good rows");
    let rows: usize = input.iter().map(RecordBatch::num_rows).sum();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name:55} {:8.2} M rows/s {:7.0} ns/row, {} out",
        rows as f64 / seconds / 1e6,
        seconds * 1e9 / rows as f64,
        out.0
    );
}

fn main() {
    let rows = std::env::args().nth(1).map_or(4_000_000, |n| n.parse().expect("a number of rows"));
    let hour = 3_600_000;
    let uniform = batches(rows, 10_000, 10.0, 0);
    let hot = batches(rows, 1, 1.0, 0);
    let disordered = batches(rows, 10_000, 10.0, 10);
    let hot_disordered = batches(rows, 1, 1.0, 10);
    measure("10,000 cards, 1 hour", &uniform, false, &[hour]);
    measure("one card (3.6 M rows an hour), 1 hour", &hot, false, &[hour]);
    measure("10,000 cards, four frames", &uniform, false, &[60_000, 300_000, hour, 7 * 24 * hour]);
    measure("on arrival, 10,000 cards, 1 hour", &uniform, true, &[hour]);
    measure("on arrival, one card, 1 hour", &hot, true, &[hour]);
    measure("on arrival, 10,000 cards, 10 % up to a minute late", &disordered, true, &[hour]);
    measure("on arrival, one card, 10 % up to a minute late", &hot_disordered, true, &[hour]);
    measure("on arrival, 10,000 cards, four frames", &uniform, true, &[60_000, 300_000, hour, 7 * 24 * hour]);
}
