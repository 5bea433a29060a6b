//! The stateless operators and the watermark, through the harness.

use wasmill_plan::{DataType, Expr, ExprKind, Operator, TypeKind, Unnest, Value};

use crate::harness::Harness;
use crate::testing::rows;

fn column(index: usize, data_type: &str) -> Expr {
    Expr::column(index, rows::data_type(data_type))
}

#[test]
fn calc_filters_by_true_alone_and_keeps_kinds_and_steps() {
    let projection = vec![
        column(1, "INT"),
        Expr { kind: ExprKind::CurrentWatermark, data_type: DataType::nullable(TypeKind::Timestamp(3)) },
        Expr::literal(Value::Text("x".into()), DataType::string()),
    ];
    let operator = Operator::Calc { filter: Some(column(0, "BOOLEAN")), projection };
    Harness::new(operator, &["keep BOOLEAN, v INT"], "v INT, w TIMESTAMP(3), c STRING").check(
        "true | 1
         ^ 00:00:01
         false | 2
         ^ 00:00:02
         NULL | 3
         -U true | 4
         +U true | NULL

         false | 5
         end",
        "+I 1 | NULL | x
         watermark 00:00:02
         -U 4 | 00:00:02 | x
         +U NULL | 00:00:02 | x
         watermark MAX",
    );
}

#[test]
fn calc_with_a_constant_filter_and_without_columns() {
    let none = Operator::Calc {
        filter: Some(Expr::literal(Value::Boolean(false), rows::data_type("BOOLEAN"))),
        projection: vec![],
    };
    Harness::new(none, &["v INT"], "").check("1\n2\nend", "watermark MAX");
    let all = Operator::Calc { filter: None, projection: vec![Expr::literal(Value::Int(7), rows::data_type("INT"))] };
    Harness::new(all, &["v INT"], "seven INT").check("1\n2\nend", "+I 7\n+I 7\nwatermark MAX");
}

fn watermark() -> Harness {
    let operator = Operator::Watermark { time_column: 0, expr: column(1, "TIMESTAMP(3)") };
    Harness::new(operator, &["t TIMESTAMP(3), w TIMESTAMP(3)"], "t TIMESTAMP(3), w TIMESTAMP(3)")
}

#[test]
fn a_watermark_rises_at_once_by_more_than_the_interval() {
    watermark().check(
        "00:00:01 | 00:00:01
         00:00:01 | 00:00:01.200
         00:00:01 | NULL
         00:00:01 | 00:00:01.201
         00:00:01 | 00:00:00.500
         00:00:09 | 00:00:01.300

         00:00:09 | 00:00:09
         end",
        "+I 00:00:01 | 00:00:01
         watermark 00:00:01
         +I 00:00:01 | 00:00:01.200
         +I 00:00:01 | NULL
         +I 00:00:01 | 00:00:01.201
         watermark 00:00:01.201
         +I 00:00:01 | 00:00:00.500
         +I 00:00:09 | 00:00:01.300
         +I 00:00:09 | 00:00:09
         watermark 00:00:09
         watermark MAX",
    );
}

#[test]
fn watermarks_begin_at_the_epoch_and_those_from_upstream_end() {
    watermark().check(
        "00:00:00 | -5000
         00:00:00 | 200
         watermark 00:00:07
         00:00:00 | 201
         end",
        "+I 00:00:00 | 1969-12-31 23:59:55
         +I 00:00:00 | 00:00:00.200
         +I 00:00:00 | 00:00:00.201
         watermark 00:00:00.201
         watermark MAX",
    );
}

#[test]
fn a_row_without_its_time_fails_with_advice() {
    let error = watermark().error("00:00:01 | 00:00:01\nNULL | NULL");
    assert!(error.starts_with("rowtime is NULL: column 't'") && error.contains("filter such rows out"), "{error}");
}

#[test]
fn expand_gives_each_row_once_per_set() {
    let operator = Operator::Expand { columns: vec![0, 2], sets: vec![vec![0, 1], vec![0], vec![]] };
    Harness::new(operator, &["a STRING, v INT, b INT"], "a STRING, v INT, b INT, $e BIGINT").check(
        "x | 1 | 10
         ^ 00:00:01
         -D NULL | 2 | 20
         end",
        "+I x | 1 | 10 | 0
         +I x | 1 | NULL | 1
         +I NULL | 1 | NULL | 3
         watermark 00:00:01
         -D NULL | 2 | 20 | 0
         -D NULL | 2 | NULL | 1
         -D NULL | 2 | NULL | 3
         watermark MAX",
    );
}

fn unnest(collection: &str, outer: bool, ordinality: bool, width: usize, output: &str) -> Harness {
    let operator = Operator::Unnest(Unnest { collection: column(1, collection), outer, ordinality, width });
    Harness::new(operator, &[&format!("k STRING, c {collection}")], output)
}

#[test]
fn unnest_of_an_array() {
    let script = "a | [1, null, 3]
         ^ 00:00:01
         b | []
         ^ 00:00:02
         -D c | [4]
         d | NULL
         end";
    unnest("ARRAY<INT>", false, false, 1, "k STRING, c ARRAY<INT>, v INT").check(
        script,
        "+I a | [1, NULL, 3] | 1
         +I a | [1, NULL, 3] | NULL
         +I a | [1, NULL, 3] | 3
         watermark 00:00:02
         -D c | [4] | 4
         watermark MAX",
    );
    unnest("ARRAY<INT>", true, true, 1, "k STRING, c ARRAY<INT>, v INT, o INT").check(
        script,
        "+I a | [1, NULL, 3] | 1 | 1
         +I a | [1, NULL, 3] | NULL | 2
         +I a | [1, NULL, 3] | 3 | 3
         watermark 00:00:01
         +I b | [] | NULL | NULL
         watermark 00:00:02
         -D c | [4] | 4 | 1
         +I d | NULL | NULL | NULL
         watermark MAX",
    );
}

#[test]
fn unnest_of_rows_maps_and_multisets() {
    let rows = "ARRAY<ROW<x INT, y STRING>>";
    unnest(rows, false, false, 2, &format!("k STRING, c {rows}, x INT, y STRING")).check(
        "a | [{\"x\": 1, \"y\": \"p\"}, null]\nend",
        "+I a | [(1, p), NULL] | 1 | p\n+I a | [(1, p), NULL] | NULL | NULL\nwatermark MAX",
    );
    let map = "MAP<STRING, INT>";
    unnest(map, false, false, 2, &format!("k STRING, c {map}, key STRING, v INT")).check(
        "a | {\"p\": 1, \"q\": null}\nend",
        "+I a | {p=1, q=NULL} | p | 1\n+I a | {p=1, q=NULL} | q | NULL\nwatermark MAX",
    );
    let bag = "MULTISET<STRING>";
    unnest(bag, false, false, 1, &format!("k STRING, c {bag}, v STRING"))
        .check("a | {\"p\": 2}\nend", "+I a | {p=2} | p\n+I a | {p=2} | p\nwatermark MAX");
}
