//! TUMBLE, HOP, CUMULATE, and windows that rows carry.

use wasmill_plan::{Lateness, Operator, WindowAggregate, WindowKind, Windowing};

use super::{SECOND, WINDOW, aggregate, by_key, count_and_sum, hop, tumble};
use crate::harness::Harness;

#[test]
fn tumble_drops_and_shows_late_rows() {
    by_key(tumble(10)).check(
        "a | 00:00:01 | 1
         ^ 00:00:01
         b | 00:00:11 | 2
         ^ 00:00:11
         a | 00:00:03 | 3
         a | 00:00:12 | 4

         a | 00:00:10 | NULL
         end",
        "late a | 00:00:03 | 3
         +I a | 1 | 1 | 00:00:00 | 00:00:10 | 00:00:09.999
         watermark 00:00:11
         +I b | 1 | 2 | 00:00:10 | 00:00:20 | 00:00:19.999
         +I a | 2 | 4 | 00:00:10 | 00:00:20 | 00:00:19.999
         watermark MAX",
    );
}

#[test]
fn a_late_row_counts_in_the_hops_that_are_open() {
    // The case late-old-hop of Flink, in part: at 11 s, the row of 3 s is late for [-10, 5) and [-5, 10), not for [0, 15).
    by_key(hop(5, 15)).check(
        "a | 00:00:01 | 1
         ^ 00:00:01
         a | 00:00:11 | 2
         ^ 00:00:11
         a | 00:00:03 | 3
         end",
        "+I a | 1 | 1 | 1969-12-31 23:59:50 | 00:00:05 | 00:00:04.999
         +I a | 1 | 1 | 1969-12-31 23:59:55 | 00:00:10 | 00:00:09.999
         watermark 00:00:11
         +I a | 3 | 6 | 00:00:00 | 00:00:15 | 00:00:14.999
         +I a | 1 | 2 | 00:00:05 | 00:00:20 | 00:00:19.999
         +I a | 1 | 2 | 00:00:10 | 00:00:25 | 00:00:24.999
         watermark MAX",
    );
}

#[test]
fn hops_may_leave_gaps() {
    by_key(hop(10, 4)).check(
        "a | 00:00:01 | 1
         a | 00:00:05 | 2
         a | 00:00:12 | 3
         end",
        "+I a | 1 | 1 | 00:00:00 | 00:00:04 | 00:00:03.999
         +I a | 1 | 3 | 00:00:10 | 00:00:14 | 00:00:13.999
         watermark MAX",
    );
}

#[test]
fn cumulate_grows_and_takes_late_rows_into_what_is_open() {
    by_key(WindowKind::Cumulate { step_ms: 5 * SECOND, max_size_ms: 15 * SECOND, offset_ms: 0 }).check(
        "a | 00:00:01 | 1
         b | 00:00:07 | 2
         watermark 00:00:10

         a | 00:00:02 | 4
         c | 00:00:16 | 8
         end",
        "+I a | 1 | 1 | 00:00:00 | 00:00:05 | 00:00:04.999
         +I a | 1 | 1 | 00:00:00 | 00:00:10 | 00:00:09.999
         +I b | 1 | 2 | 00:00:00 | 00:00:10 | 00:00:09.999
         watermark 00:00:10
         +I a | 2 | 5 | 00:00:00 | 00:00:15 | 00:00:14.999
         +I b | 1 | 2 | 00:00:00 | 00:00:15 | 00:00:14.999
         +I c | 1 | 8 | 00:00:15 | 00:00:20 | 00:00:19.999
         +I c | 1 | 8 | 00:00:15 | 00:00:25 | 00:00:24.999
         +I c | 1 | 8 | 00:00:15 | 00:00:30 | 00:00:29.999
         watermark MAX",
    );
}

#[test]
fn retracted_rows_leave_their_window() {
    let mut harness = by_key(tumble(10));
    harness.context.retracting = true;
    harness.check(
        "a | 00:00:01 | 1
         b | 00:00:01 | 2
         -U a | 00:00:01 | 1
         +U a | 00:00:01 | 5
         -D b | 00:00:01 | 2
         end",
        "+I a | 1 | 5 | 00:00:00 | 00:00:10 | 00:00:09.999
         watermark MAX",
    );
}

#[test]
fn days_of_the_session_zone_have_their_own_length() {
    // The clock goes forward in Berlin on 31 March 2024: that day ends after 23 hours.
    let day = WindowKind::Tumble { size_ms: 86_400 * SECOND, offset_ms: 0 };
    let output = "k STRING, n BIGINT, s INT, ws TIMESTAMP(3), we TIMESTAMP(3), wt TIMESTAMP_LTZ(3)";
    let input = "k STRING, t TIMESTAMP_LTZ(3), v INT";
    let harness = Harness::new(aggregate(day, Some("Europe/Berlin"), vec![0], 0), &[input], output).keyed(&[0]);
    harness.check(
        "a | 2024-03-30 22:30:00 | 1
         a | 2024-03-30 23:30:00 | 2
         a | 2024-03-31 21:59:59 | 4
         watermark 2024-03-31 21:59:59.999

         a | 2024-03-31 21:59:59 | 8
         a | 2024-03-31 22:00:00 | 16
         end",
        "+I a | 1 | 1 | 2024-03-30 00:00:00 | 2024-03-31 00:00:00 | 2024-03-30 22:59:59.999
         +I a | 2 | 6 | 2024-03-31 00:00:00 | 2024-04-01 00:00:00 | 2024-03-31 21:59:59.999
         watermark 2024-03-31 21:59:59.999
         late a | 2024-03-31 21:59:59 | 8
         +I a | 1 | 16 | 2024-04-01 00:00:00 | 2024-04-02 00:00:00 | 2024-04-01 21:59:59.999
         watermark MAX",
    );
}

#[test]
fn attached_windows_fire_at_their_end() {
    let node = |start_column| {
        Operator::WindowAggregate(WindowAggregate {
            windowing: Windowing::Attached { start_column, end_column: 1, time_zone: None },
            keys: Vec::new(),
            aggregates: count_and_sum(),
            lateness: Lateness::default(),
        })
    };
    let input = "ws TIMESTAMP(3), we TIMESTAMP(3), v INT";
    let output = format!("n BIGINT, s INT, {WINDOW}");
    Harness::new(node(Some(0)), &[input], &output).check(
        "00:00:00 | 00:00:10 | 1
         00:00:00 | 00:00:05 | 2
         00:00:05 | 00:00:10 | 4
         00:00:00 | 00:00:10 | 8
         watermark 00:00:05

         00:00:00 | 00:00:05 | 16
         end",
        "+I 1 | 2 | 00:00:00 | 00:00:05 | 00:00:04.999
         watermark 00:00:05
         late 00:00:00 | 00:00:05 | 16
         +I 2 | 9 | 00:00:00 | 00:00:10 | 00:00:09.999
         +I 1 | 4 | 00:00:05 | 00:00:10 | 00:00:09.999
         watermark MAX",
    );
    Harness::new(node(None), &[input], &output).check(
        "00:00:00 | 00:00:10 | 1
         00:00:05 | 00:00:10 | 4
         end",
        "+I 2 | 5 | NULL | 00:00:10 | 00:00:09.999
         watermark MAX",
    );
}
