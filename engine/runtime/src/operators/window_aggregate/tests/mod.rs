//! Windows of every shape: as Flink gives them, and against the definition over random rows.

mod lateness;
mod random;
mod sessions;
mod slices;
mod tables;

use wasmill_plan::{
    AggregateCall, DataType, Lateness, Operator, TypeKind, WindowAggregate, WindowKind, WindowSpec, Windowing,
};

use crate::harness::Harness;

const SECOND: i64 = 1000;

fn call(function: &str, arg: Option<usize>, kind: TypeKind) -> AggregateCall {
    let data_type =
        if function == "COUNT" { DataType::not_null(TypeKind::BigInt) } else { DataType::nullable(kind.clone()) };
    AggregateCall {
        function: function.to_owned(),
        args: arg.into_iter().collect(),
        constants: Vec::new(),
        distinct: false,
        filter: None,
        arg_types: arg.iter().map(|_| DataType::nullable(kind.clone())).collect(),
        data_type,
    }
}

fn count_and_sum() -> Vec<AggregateCall> {
    vec![call("COUNT", None, TypeKind::Int), call("SUM", Some(2), TypeKind::Int)]
}

fn aggregate(kind: WindowKind, zone: Option<&str>, keys: Vec<usize>, allowed_ms: i64) -> Operator {
    let spec = WindowSpec { kind, time_column: 1, time_zone: zone.map(str::to_owned) };
    Operator::WindowAggregate(WindowAggregate {
        windowing: Windowing::Assign(spec),
        keys,
        aggregates: count_and_sum(),
        lateness: Lateness { allowed_ms },
    })
}

const INPUT: &str = "k STRING, t TIMESTAMP(3), v INT";
const WINDOW: &str = "window_start TIMESTAMP(3), window_end TIMESTAMP(3), window_time TIMESTAMP(3)";

fn by_key(kind: WindowKind) -> Harness {
    keyed(kind, 0)
}

fn keyed(kind: WindowKind, allowed_ms: i64) -> Harness {
    let output = format!("k STRING, n BIGINT, s INT, {WINDOW}");
    Harness::new(aggregate(kind, None, vec![0], allowed_ms), &[INPUT], &output).keyed(&[0])
}

fn tumble(seconds: i64) -> WindowKind {
    WindowKind::Tumble { size_ms: seconds * SECOND, offset_ms: 0 }
}
fn hop(slide: i64, size: i64) -> WindowKind {
    WindowKind::Hop { slide_ms: slide * SECOND, size_ms: size * SECOND, offset_ms: 0 }
}
fn session(gap: i64) -> WindowKind {
    WindowKind::Session { gap_ms: gap * SECOND, partition: vec![0] }
}
