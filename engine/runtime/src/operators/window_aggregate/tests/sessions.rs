//! SESSION.

use super::{by_key, session};

#[test]
fn sessions_merge_and_a_row_is_late_when_its_session_has_closed() {
    // The case session-late-merge of Flink, whose watermark is 2 s behind.
    by_key(session(5)).check(
        "a | 00:00:10 | 1
         ^ 00:00:08
         a | 00:00:13 | 2
         ^ 00:00:11
         b | 00:00:20 | 3
         ^ 00:00:18
         a | 00:00:11 | 4
         a | 00:00:12 | 5
         b | 00:00:22 | 6
         ^ 00:00:20
         b | 00:00:05 | 7
         b | 00:00:18 | 8
         a | 00:00:19 | 9
         a | 00:00:40 | 10
         ^ 00:00:38
         b | 00:00:21 | 11
         end",
        "late a | 00:00:11 | 4
         late a | 00:00:12 | 5
         late b | 00:00:05 | 7
         late b | 00:00:21 | 11
         +I a | 2 | 3 | 00:00:10 | 00:00:18 | 00:00:17.999
         +I a | 1 | 9 | 00:00:19 | 00:00:24 | 00:00:23.999
         +I b | 3 | 17 | 00:00:18 | 00:00:27 | 00:00:26.999
         watermark 00:00:38
         +I a | 1 | 10 | 00:00:40 | 00:00:45 | 00:00:44.999
         watermark MAX",
    );
}

#[test]
fn a_row_between_two_sessions_joins_them() {
    by_key(session(5)).check(
        "a | 00:00:10 | 1
         a | 00:00:20 | 2
         a | 00:00:30 | 4
         a | 00:00:15 | 8
         end",
        "+I a | 3 | 11 | 00:00:10 | 00:00:25 | 00:00:24.999
         +I a | 1 | 4 | 00:00:30 | 00:00:35 | 00:00:34.999
         watermark MAX",
    );
}
