//! A changelog per key, as Flink gives it.

use wasmill_plan::{AggregateCall, DataType, Operator as Node, TypeKind};

use crate::harness::Harness;

fn call(function: &str, arg: Option<usize>, returns: TypeKind) -> AggregateCall {
    AggregateCall {
        function: function.to_owned(),
        args: arg.into_iter().collect(),
        constants: Vec::new(),
        distinct: false,
        filter: None,
        arg_types: arg.iter().map(|_| DataType::nullable(TypeKind::Int)).collect(),
        data_type: DataType::nullable(returns),
    }
}

fn harness(keys: Vec<usize>, retracting: bool) -> Harness {
    let aggregates = vec![
        call("COUNT", None, TypeKind::BigInt),
        call("SUM", Some(1), TypeKind::Int),
        call("MIN", Some(1), TypeKind::Int),
    ];
    let key = if keys.is_empty() { "" } else { "k STRING, " };
    let output = format!("{key}n BIGINT, s INT, low INT");
    let mut harness =
        Harness::new(Node::GroupAggregate { keys: keys.clone(), aggregates }, &["k STRING, v INT"], &output);
    if !keys.is_empty() {
        harness = harness.keyed(&keys);
    }
    harness.context.retracting = retracting;
    harness
}

#[test]
fn each_row_gives_the_result_of_its_key() {
    harness(vec![0], false).check(
        "a | 5
         NULL | 1
         a | 3
         a | NULL
         NULL | NULL

         b | NULL
         a | 7
         end",
        "+I a | 1 | 5 | 5
         +I NULL | 1 | 1 | 1
         -U a | 1 | 5 | 5
         +U a | 2 | 8 | 3
         -U a | 2 | 8 | 3
         +U a | 3 | 8 | 3
         -U NULL | 1 | 1 | 1
         +U NULL | 2 | 1 | 1
         +I b | 1 | NULL | NULL
         -U a | 3 | 8 | 3
         +U a | 4 | 15 | 3
         watermark MAX",
    );
}

#[test]
fn a_key_whose_rows_are_all_taken_back_is_deleted_and_may_come_again() {
    harness(vec![0], true).check(
        "a | 5
         -D b | 1
         a | 3
         -U a | 3
         -D a | 5
         +I a | 9

         -D a | 9
         -D a | 9
         +I a | 2
         end",
        "+I a | 1 | 5 | 5
         -U a | 1 | 5 | 5
         +U a | 2 | 8 | 3
         -U a | 2 | 8 | 3
         +U a | 1 | 5 | 5
         -D a | 1 | 5 | 5
         +I a | 1 | 9 | 9
         -D a | 1 | 9 | 9
         +I a | 1 | 2 | 2
         watermark MAX",
    );
}

#[test]
fn no_row_no_result_and_no_change_no_update() {
    harness(Vec::new(), false).check("end", "watermark MAX");
    let low = vec![call("MIN", Some(1), TypeKind::Int)];
    let node = Node::GroupAggregate { keys: Vec::new(), aggregates: low };
    Harness::new(node, &["k STRING, v INT"], "low INT").check(
        "a | 5
         a | 7
         b | 4
         end",
        "+I 5
         -U 5
         +U 4
         watermark MAX",
    );
}
