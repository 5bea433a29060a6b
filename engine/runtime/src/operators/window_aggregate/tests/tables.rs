//! The window functions without aggregation.

use wasmill_plan::{Operator, WindowKind, WindowSpec, WindowTable};

use super::{INPUT, WINDOW, hop, session, tumble};
use crate::harness::Harness;

fn table(kind: WindowKind) -> Harness {
    let window = WindowSpec { kind, time_column: 1, time_zone: None };
    Harness::new(Operator::WindowTable(WindowTable { window }), &[INPUT], &format!("{INPUT}, {WINDOW}")).keyed(&[0])
}

#[test]
fn a_window_table_gives_each_row_once_per_window() {
    table(hop(5, 10)).check(
        "a | 00:00:06 | 1
         ^ 00:00:06
         a | 00:00:01 | 2
         -D b | 00:00:12 | 3
         watermark 00:01:00

         a | 00:00:01 | 4",
        "+I a | 00:00:06 | 1 | 00:00:00 | 00:00:10 | 00:00:09.999
         +I a | 00:00:06 | 1 | 00:00:05 | 00:00:15 | 00:00:14.999
         watermark 00:00:06
         +I a | 00:00:01 | 2 | 1969-12-31 23:59:55 | 00:00:05 | 00:00:04.999
         +I a | 00:00:01 | 2 | 00:00:00 | 00:00:10 | 00:00:09.999
         -D b | 00:00:12 | 3 | 00:00:05 | 00:00:15 | 00:00:14.999
         -D b | 00:00:12 | 3 | 00:00:10 | 00:00:20 | 00:00:19.999
         watermark 00:01:00
         +I a | 00:00:01 | 4 | 1969-12-31 23:59:55 | 00:00:05 | 00:00:04.999
         +I a | 00:00:01 | 4 | 00:00:00 | 00:00:10 | 00:00:09.999",
    );
    assert!(table(tumble(1)).error("a | NULL | 1").contains("NULL"));
}

#[test]
fn a_session_table_waits_for_the_end_of_the_session() {
    table(session(5)).check(
        "a | 00:00:01 | 1
         b | 00:00:07 | NULL
         a | 00:00:04 | 3
         b | 00:00:06 | 4
         watermark 00:00:12

         a | 00:00:02 | 5
         b | 00:00:20 | 6
         end",
        "+I a | 00:00:01 | 1 | 00:00:01 | 00:00:09 | 00:00:08.999
         +I a | 00:00:04 | 3 | 00:00:01 | 00:00:09 | 00:00:08.999
         +I b | 00:00:07 | NULL | 00:00:06 | 00:00:12 | 00:00:11.999
         +I b | 00:00:06 | 4 | 00:00:06 | 00:00:12 | 00:00:11.999
         watermark 00:00:12
         late a | 00:00:02 | 5
         +I b | 00:00:20 | 6 | 00:00:20 | 00:00:25 | 00:00:24.999
         watermark MAX",
    );
}
