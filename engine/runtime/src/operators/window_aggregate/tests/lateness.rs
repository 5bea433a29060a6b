//! ALLOW LATENESS, and times that are none.

use super::{SECOND, by_key, hop, keyed, session, tumble};

#[test]
fn allowed_lateness_corrects_what_was_given() {
    keyed(tumble(10), 5 * SECOND).check(
        "a | 00:00:01 | 1
         watermark 00:00:10

         a | 00:00:02 | 2
         b | 00:00:03 | 4

         watermark 00:00:15
         a | 00:00:04 | 8
         end",
        "+I a | 1 | 1 | 00:00:00 | 00:00:10 | 00:00:09.999
         watermark 00:00:10
         -U a | 1 | 1 | 00:00:00 | 00:00:10 | 00:00:09.999
         +U a | 2 | 3 | 00:00:00 | 00:00:10 | 00:00:09.999
         +I b | 1 | 4 | 00:00:00 | 00:00:10 | 00:00:09.999
         watermark 00:00:15
         late a | 00:00:04 | 8
         watermark MAX",
    );
    keyed(hop(5, 10), 5 * SECOND).check(
        "a | 00:00:06 | 1
         watermark 00:00:12

         a | 00:00:07 | 2
         end",
        "+I a | 1 | 1 | 00:00:00 | 00:00:10 | 00:00:09.999
         watermark 00:00:12
         -U a | 1 | 1 | 00:00:00 | 00:00:10 | 00:00:09.999
         +U a | 2 | 3 | 00:00:00 | 00:00:10 | 00:00:09.999
         +I a | 2 | 3 | 00:00:05 | 00:00:15 | 00:00:14.999
         watermark MAX",
    );
    keyed(session(5), 10 * SECOND).check(
        "a | 00:00:10 | 1
         b | 00:00:10 | 1
         watermark 00:00:15

         a | 00:00:10 | 2
         b | 00:00:12 | 4
         a | 00:00:08 | 8
         watermark 00:00:17

         a | 00:00:01 | 16
         end",
        "+I a | 1 | 1 | 00:00:10 | 00:00:15 | 00:00:14.999
         +I b | 1 | 1 | 00:00:10 | 00:00:15 | 00:00:14.999
         watermark 00:00:15
         -U a | 1 | 1 | 00:00:10 | 00:00:15 | 00:00:14.999
         +U a | 2 | 3 | 00:00:10 | 00:00:15 | 00:00:14.999
         -D b | 1 | 1 | 00:00:10 | 00:00:15 | 00:00:14.999
         -D a | 2 | 3 | 00:00:10 | 00:00:15 | 00:00:14.999
         +I a | 3 | 11 | 00:00:08 | 00:00:15 | 00:00:14.999
         +I b | 2 | 5 | 00:00:10 | 00:00:17 | 00:00:16.999
         watermark 00:00:17
         late a | 00:00:01 | 16
         watermark MAX",
    );
}

#[test]
fn a_null_time_is_an_error() {
    let message = by_key(tumble(10)).error("a | NULL | 1");
    assert!(message.contains("time attribute is NULL"), "{message}");
    let message = by_key(session(10)).error("a | NULL | 1");
    assert!(message.contains("time attribute is NULL"), "{message}");
}
