//! Tests of OVER in event time and on arrival.

use wasmill_plan::{
    AggregateCall, DataType, Operator, Over, OverAnswer, OverFrame, OverFunction, OverGroup, SortKey, TypeKind,
};

use crate::harness::Harness;
use crate::testing::rows::{data_type, schema};

/// Calls an aggregate: `SUM 2 BIGINT`, `COUNT`, `SUM DISTINCT 2 BIGINT FILTER 3`.
fn aggregate(text: &str, input: &str) -> OverFunction {
    let mut words = text.split(' ').peekable();
    let function = words.next().unwrap().to_owned();
    let distinct = words.next_if_eq(&"DISTINCT").is_some();
    let args: Vec<usize> = words.next().map(|w| w.parse().unwrap()).into_iter().collect();
    let arg_types: Vec<DataType> = args.iter().map(|&c| schema(input).fields[c].data_type.clone()).collect();
    let data_type = words.next().map_or(DataType::not_null(TypeKind::BigInt), data_type);
    let filter = words.next_if_eq(&"FILTER").and_then(|_| words.next()).map(|w| w.parse().unwrap());
    OverFunction::Aggregate(AggregateCall { function, args, constants: vec![], distinct, filter, arg_types, data_type })
}

fn rows(preceding: Option<u64>) -> OverFrame {
    OverFrame::Rows { preceding }
}

fn range(preceding_ms: Option<i64>) -> OverFrame {
    OverFrame::Range { preceding_ms }
}

fn lag(column: usize, offset: u64, default: Option<usize>) -> OverFunction {
    OverFunction::Lag { column, offset, default, data_type: DataType::nullable(TypeKind::BigInt) }
}

const INPUT: &str = "k STRING, t TIMESTAMP(3), v BIGINT, d DOUBLE, s STRING, m DECIMAL(10, 2), f BOOLEAN";

fn over(groups: Vec<(OverFrame, Vec<OverFunction>)>, on_arrival: bool) -> Operator {
    let groups = groups.into_iter().map(|(frame, functions)| OverGroup { frame, functions }).collect();
    let answer = if on_arrival { OverAnswer::OnArrival } else { OverAnswer::AtWatermark };
    Operator::Over(Over { partition: vec![0], time_column: 1, groups, answer, ties: vec![] })
}

fn harness(input: &str, groups: Vec<(OverFrame, Vec<OverFunction>)>, results: &str) -> Harness {
    Harness::new(over(groups, false), &[input], &format!("{input}, {results}")).keyed(&[0])
}

#[test]
fn a_bounded_frame_judges_lateness_by_the_key() {
    // Flink's OverAggregateITCase.testRowTimeBoundedNonPartitionedRowsOver, case over-rows-2-global-late.
    let input = "k INT, t TIMESTAMP(3)";
    let functions = vec![aggregate("COUNT 0", input), aggregate("SUM 0 INT", input)];
    let mut operator = over(vec![(rows(Some(2)), functions)], false);
    let Operator::Over(plan) = &mut operator else { unreachable!() };
    plan.partition = vec![];
    Harness::new(operator, &[input], &format!("{input}, c BIGINT, s INT")).check(
        "2 | 2000
         2 | 2000
         1 | 1000
         1 | 1000
         2 | 2000
         1 | 1000
         20 | 20000
         ^ 3000
         2 | 2000
         3 | 3000
         4 | 4000
         5 | 5000
         6 | 6000
         7 | 7000
         ^ 7000
         9 | 9000
         8 | 8000
         8 | 8000
         end",
        "+I 1 | 00:00:01 | 1 | 1
         +I 1 | 00:00:01 | 2 | 2
         +I 1 | 00:00:01 | 3 | 3
         +I 2 | 00:00:02 | 3 | 4
         +I 2 | 00:00:02 | 3 | 5
         +I 2 | 00:00:02 | 3 | 6
         late 2 | 00:00:02
         +I 3 | 00:00:03 | 3 | 7
         +I 4 | 00:00:04 | 3 | 9
         +I 5 | 00:00:05 | 3 | 12
         +I 6 | 00:00:06 | 3 | 15
         +I 7 | 00:00:07 | 3 | 18
         watermark 00:00:07
         +I 8 | 00:00:08 | 3 | 21
         +I 8 | 00:00:08 | 3 | 23
         +I 9 | 00:00:09 | 3 | 25
         +I 20 | 00:00:20 | 3 | 37
         watermark MAX",
    );
}

#[test]
fn lag_sees_the_rows_of_its_own_time() {
    // Flink's OverAggregateITCase.testLagFunction, case over-lag.
    let input = "k INT, t TIMESTAMP(3), b BIGINT, e BIGINT";
    let functions = vec![lag(2, 1, None), lag(2, 2, None), lag(2, 2, Some(3))];
    harness(input, vec![(range(None), functions)], "x BIGINT, y BIGINT, z BIGINT").check(
        "1 | 1000 | 1 | 10086
         1 | 5000 | 2 | 10086
         1 | 2000 | 3 | 10086
         1 | 3000 | 4 | 10086
         1 | 3000 | 5 | 10086
         watermark 4000
         1 | 21000 | 6 | 10086
         1 | 22000 | 7 | 10086
         end",
        "+I 1 | 00:00:01 | 1 | 10086 | NULL | NULL | 10086
         +I 1 | 00:00:02 | 3 | 10086 | 1 | NULL | 10086
         +I 1 | 00:00:03 | 4 | 10086 | 4 | 3 | 3
         +I 1 | 00:00:03 | 5 | 10086 | 4 | 3 | 3
         watermark 00:00:04
         +I 1 | 00:00:05 | 2 | 10086 | 5 | 4 | 4
         +I 1 | 00:00:21 | 6 | 10086 | 2 | 5 | 5
         +I 1 | 00:00:22 | 7 | 10086 | 6 | 2 | 2
         watermark MAX",
    );
}

#[test]
fn frames_share_the_rows_of_a_key() {
    let groups = vec![
        (range(Some(60_000)), vec![aggregate("COUNT", INPUT), aggregate("SUM 3 DOUBLE", INPUT)]),
        (range(Some(300_000)), vec![aggregate("MAX 2 BIGINT", INPUT), aggregate("AVG 2 BIGINT", INPUT)]),
        (rows(None), vec![OverFunction::RowNumber, aggregate("MIN 4 STRING", INPUT)]),
        (range(None), vec![OverFunction::Rank, OverFunction::DenseRank, lag(2, 1, None)]),
    ];
    let results = "c BIGINT, s DOUBLE, x BIGINT, a BIGINT, n BIGINT, l STRING, r BIGINT, dr BIGINT, g BIGINT";
    harness(INPUT, groups, results).check(
        "a | 00:00:10 | 5 | 0.5 | y | 1.00 | true
         b | 00:00:20 | 1 | 1.5 | z | 1.00 | true
         a | 00:01:10 | NULL | NULL | x | 1.00 | true
         a | 00:01:11 | 7 | 2 | NULL | 1.00 | true
         ^ 00:01:00
         a | 00:00:59 | 9 | 9 | late | 1.00 | true
         a | 00:05:20 | 4 | 1 | w | 1.00 | true
         a | 00:05:20 | 4 | 1 | w | 1.00 | true
         end",
        "late a | 00:00:59 | 9 | 9 | late | 1.00 | true
         +I a | 00:00:10 | 5 | 0.5 | y | 1.00 | true | 1 | 0.5 | 5 | 5 | 1 | y | 1 | 1 | NULL
         +I b | 00:00:20 | 1 | 1.5 | z | 1.00 | true | 1 | 1.5 | 1 | 1 | 1 | z | 1 | 1 | NULL
         watermark 00:01:00
         +I a | 00:01:10 | NULL | NULL | x | 1.00 | true | 2 | 0.5 | 5 | 5 | 2 | x | 2 | 2 | 5
         +I a | 00:01:11 | 7 | 2 | NULL | 1.00 | true | 2 | 2 | 7 | 6 | 3 | x | 3 | 3 | NULL
         +I a | 00:05:20 | 4 | 1 | w | 1.00 | true | 2 | 2 | 7 | 5 | 4 | w | 5 | 5 | 4
         +I a | 00:05:20 | 4 | 1 | w | 1.00 | true | 2 | 2 | 7 | 5 | 5 | w | 5 | 5 | 4
         watermark MAX",
    );
}

#[test]
fn every_function_slides() {
    let functions = vec![
        aggregate("COUNT DISTINCT 2", INPUT),
        aggregate("SUM 2 BIGINT FILTER 6", INPUT),
        aggregate("SUM 5 DECIMAL(38,2)", INPUT),
        aggregate("AVG 5 DECIMAL(38,6)", INPUT),
        aggregate("MAX 5 DECIMAL(10,2)", INPUT),
        aggregate("MAX 4 STRING", INPUT),
        aggregate("FIRST_VALUE 4 STRING", INPUT),
        aggregate("LAST_VALUE 4 STRING", INPUT),
        aggregate("LISTAGG 4 STRING", INPUT),
        aggregate("STDDEV_SAMP 3 DOUBLE", INPUT),
        aggregate("MIN 3 DOUBLE", INPUT),
    ];
    let results = "a BIGINT, b BIGINT, c DECIMAL(38,2), d DECIMAL(38,6), e DECIMAL(10,2), g STRING, h STRING, i STRING, \
                   j STRING, l DOUBLE, n DOUBLE";
    harness(INPUT, vec![(rows(Some(2)), functions)], results).check(
        "a | 00:00:01 | 5 | 1 | y | 1.25 | true
         a | 00:00:02 | 5 | 3 | NULL | 2.50 | false
         a | 00:00:03 | 6 | NaN | b | NULL | NULL
         a | 00:00:04 | NULL | 4 | c | -1.00 | true

         a | 00:00:05 | 8 | 4 | NULL | 1.00 | true
         a | 00:00:06 | 8 | -2 | NULL | 1.01 | true
         end",
        "+I a | 00:00:01 | 5 | 1 | y | 1.25 | true | 1 | 5 | 1.25 | 1.250000 | 1.25 | y | y | y | y | NULL | 1
         +I a | 00:00:02 | 5 | 3 | NULL | 2.50 | false | 1 | 5 | 3.75 | 1.875000 | 2.50 | y | y | y | y | 1.4142135623730951 | 1
         +I a | 00:00:03 | 6 | NaN | b | NULL | NULL | 2 | 5 | 3.75 | 1.875000 | 2.50 | y | y | b | y,b | NaN | 1
         +I a | 00:00:04 | NULL | 4 | c | -1.00 | true | 2 | NULL | 1.50 | 0.750000 | 2.50 | c | b | c | b,c | NaN | 3
         +I a | 00:00:05 | 8 | 4 | NULL | 1.00 | true | 2 | 8 | 0.00 | 0.000000 | 1.00 | c | b | c | b,c | NaN | 4
         +I a | 00:00:06 | 8 | -2 | NULL | 1.01 | true | 1 | 16 | 1.01 | 0.336667 | 1.01 | c | c | c | c | 3.4641016151377544 | -2
         watermark MAX",
    );
}

#[test]
fn a_null_time_is_an_error() {
    let harness = harness(INPUT, vec![(rows(None), vec![aggregate("COUNT", INPUT)])], "c BIGINT");
    assert_eq!(harness.error("a | NULL | 1 | 1 | y | 1.00 | true"), "the time attribute 't' is NULL");
}

#[test]
fn on_arrival_each_row_sees_what_has_come() {
    let groups = vec![
        (range(Some(60_000)), vec![aggregate("COUNT", INPUT), aggregate("SUM 3 DOUBLE", INPUT)]),
        (range(Some(10_000)), vec![aggregate("MAX 2 BIGINT", INPUT), aggregate("COUNT DISTINCT 2", INPUT)]),
        (rows(Some(1)), vec![lag(2, 1, None), aggregate("LAST_VALUE 4 STRING", INPUT)]),
    ];
    let results = "c BIGINT, s DOUBLE, x BIGINT, n BIGINT, g BIGINT, l STRING";
    Harness::new(over(groups, true), &[INPUT], &format!("{INPUT}, {results}")).keyed(&[0]).check(
        "a | 00:01:00 | 5 | 0.5 | y | 1.00 | true
         b | 00:01:00 | 1 | 1.5 | z | 1.00 | true
         a | 00:01:20 | 7 | NULL | NULL | 1.00 | true
         a | 00:01:10 | 9 | 0.25 | x | 1.00 | true
         ^ 00:01:15
         a | 00:01:10 | 9 | 0.25 | w | 1.00 | true
         a | 00:00:14.999 | 1 | 1 | late | 1.00 | true

         a | 00:00:15 | 2 | 2 | v | 1.00 | true
         watermark 00:02:15
         a | 00:01:15 | 3 | 0.125 | u | 1.00 | true
         end",
        "+I a | 00:01:00 | 5 | 0.5 | y | 1.00 | true | 1 | 0.5 | 5 | 1 | NULL | y
         +I b | 00:01:00 | 1 | 1.5 | z | 1.00 | true | 1 | 1.5 | 1 | 1 | NULL | z
         +I a | 00:01:20 | 7 | NULL | NULL | 1.00 | true | 2 | 0.5 | 7 | 1 | 5 | y
         +I a | 00:01:10 | 9 | 0.25 | x | 1.00 | true | 2 | 0.75 | 9 | 2 | 5 | x
         watermark 00:01:15
         +I a | 00:01:10 | 9 | 0.25 | w | 1.00 | true | 3 | 1 | 9 | 2 | 9 | w
         late a | 00:00:14.999 | 1 | 1 | late | 1.00 | true
         +I a | 00:00:15 | 2 | 2 | v | 1.00 | true | 1 | 2 | 2 | 1 | NULL | v
         watermark 00:02:15
         +I a | 00:01:15 | 3 | 0.125 | u | 1.00 | true | 1 | 0.125 | 3 | 1 | 9 | u
         watermark MAX",
    );
}

#[test]
fn what_leaves_a_frame_leaves_no_trace_in_sums_of_doubles() {
    let input = "k STRING, t TIMESTAMP(3), d DOUBLE";
    let functions = || vec![aggregate("SUM 2 DOUBLE", input), aggregate("AVG 2 DOUBLE", input)];
    for on_arrival in [false, true] {
        let groups = vec![(range(Some(5_000)), functions()), (rows(Some(1)), functions())];
        let output = format!("{input}, s DOUBLE, x DOUBLE, r DOUBLE, y DOUBLE");
        Harness::new(over(groups, on_arrival), &[input], &output).keyed(&[0]).check(
            "a | 00:00:01 | 1e17
             a | 00:00:02 | 0.25
             a | 00:00:09 | 0.25
             a | 00:00:10 | 0.75
             a | 00:00:20 | Infinity
             a | 00:00:30 | 0.5
             a | 00:00:31 | 0.5
             end",
            "+I a | 00:00:01 | 100000000000000000 | 100000000000000000 | 100000000000000000 | 100000000000000000 | 100000000000000000
             +I a | 00:00:02 | 0.25 | 100000000000000000 | 50000000000000000 | 100000000000000000 | 50000000000000000
             +I a | 00:00:09 | 0.25 | 0.25 | 0.25 | 0.5 | 0.25
             +I a | 00:00:10 | 0.75 | 1 | 0.5 | 1 | 0.5
             +I a | 00:00:20 | inf | inf | inf | inf | inf
             +I a | 00:00:30 | 0.5 | 0.5 | 0.5 | inf | inf
             +I a | 00:00:31 | 0.5 | 1 | 0.5 | 1 | 0.5
             watermark MAX",
        );
    }
}

#[test]
fn in_processing_time_rows_count_in_the_order_of_arrival() {
    let input = "k STRING, t TIMESTAMP(3), v BIGINT";
    let groups = vec![
        (rows(Some(1)), vec![aggregate("SUM 2 BIGINT", input)]),
        (range(None), vec![aggregate("COUNT", input), OverFunction::Rank, lag(2, 1, None)]),
        (range(Some(1_000)), vec![aggregate("COUNT", input)]),
        (range(None), vec![aggregate("COUNT DISTINCT 2", input)]),
        (range(Some(1_000)), vec![aggregate("SUM DISTINCT 2 BIGINT", input)]),
    ];
    let mut operator = over(groups, false);
    let Operator::Over(plan) = &mut operator else { unreachable!() };
    plan.answer = OverAnswer::ProcessingTime;
    let output = format!("{input}, s BIGINT, c BIGINT, r BIGINT, l BIGINT, n BIGINT, d BIGINT, sd BIGINT");
    Harness::new(operator, &[input], &output).keyed(&[0]).check(
        "a | 00:00:10 | 1
         a | 00:00:10 | 2
         b | 00:00:10 | 5
         watermark 00:01:00
         a | 00:00:11.500 | 2
         a | 00:00:05 | 4
         end",
        "+I a | 00:00:10 | 1 | 1 | 1 | 1 | NULL | 1 | 1 | 1
         +I a | 00:00:10 | 2 | 3 | 2 | 2 | 1 | 2 | 2 | 3
         +I b | 00:00:10 | 5 | 5 | 1 | 1 | NULL | 1 | 1 | 5
         watermark 00:01:00
         +I a | 00:00:11.500 | 2 | 4 | 3 | 3 | 2 | 1 | 2 | 2
         +I a | 00:00:05 | 4 | 6 | 4 | 4 | 2 | 2 | 3 | 6
         watermark MAX",
    );
}

#[test]
fn a_sort_orders_rows_of_one_time_by_other_columns() {
    let input = "v BIGINT, t TIMESTAMP(3)";
    let ties = vec![SortKey { column: 0, descending: true, nulls_first: false }];
    let plan = Over { partition: vec![], time_column: 1, groups: vec![], answer: OverAnswer::AtWatermark, ties };
    Harness::new(Operator::Over(plan), &[input], input).check(
        "1 | 2000
         NULL | 1000
         3 | 1000
         2 | 2000
         7 | 1000
         watermark 1500
         4 | 1000
         5 | 1200
         end",
        "+I 7 | 00:00:01
         +I 3 | 00:00:01
         +I NULL | 00:00:01
         watermark 00:00:01.500
         late 4 | 00:00:01
         +I 5 | 00:00:01.200
         +I 2 | 00:00:02
         +I 1 | 00:00:02
         watermark MAX",
    );
}

#[path = "tests/naive.rs"]
mod naive;
