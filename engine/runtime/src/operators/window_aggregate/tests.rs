//! Windows of every shape: as Flink gives them, and against the definition over random rows.

use std::collections::BTreeMap;
use std::fmt::Write;

use wasmill_plan::{
    AggregateCall, DataType, Lateness, Operator, TypeKind, WindowAggregate, WindowKind, WindowSpec, WindowTable,
    Windowing,
};

use crate::harness::Harness;
use crate::testing::rows::format_ms;

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

/// A small generator of pseudo-random numbers (splitmix64).
struct Random(u64);
impl Random {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as i64
    }
}

struct Row {
    key: &'static str,
    time: i64,
    value: i64,
    watermark: i64,
}

/// Random rows in batches with steps between them; at the end all windows close.
fn random_script(random: &mut Random) -> (String, Vec<Row>) {
    let (mut script, mut rows) = (String::new(), Vec::new());
    let (mut now, mut watermark) = (0, i64::MIN);
    for _ in 0..40 {
        now += random.below(3) * SECOND;
        let row = Row {
            key: ["a", "b", "c"][random.below(3) as usize],
            time: now - random.below(12) * SECOND + random.below(2),
            value: random.below(10),
            watermark,
        };
        writeln!(script, "{} | {} | {}", row.key, format_ms(row.time), row.value).unwrap();
        rows.push(row);
        if random.below(2) == 0 && now - 4 * SECOND > watermark {
            watermark = now - 4 * SECOND;
            writeln!(script, "^ {}", format_ms(watermark)).unwrap();
        }
        if random.below(4) == 0 {
            script.push('\n');
        }
    }
    script.push_str("\nend");
    (script, rows)
}

/// The result of one window.
fn line(key: &str, values: &[i64], start: i64, end: i64) -> String {
    let sum: i64 = values.iter().sum();
    let times = [start, end, end - 1].map(format_ms).join(" | ");
    format!("+I {key} | {} | {sum} | {times}", values.len())
}

/// The windows of a time by definition: starts are tried one by one.
fn windows(kind: &WindowKind, time: i64) -> Vec<(i64, i64)> {
    let (size, slide) = match *kind {
        WindowKind::Tumble { size_ms, .. } => (size_ms, size_ms),
        WindowKind::Hop { slide_ms, size_ms, .. } => (size_ms, slide_ms),
        WindowKind::Cumulate { step_ms, max_size_ms, .. } => {
            let start = (-100..100).map(|k| k * max_size_ms).find(|s| *s <= time && time < s + max_size_ms).unwrap();
            let ends = (1..=max_size_ms / step_ms).map(|n| start + n * step_ms);
            return ends.filter(|end| time < *end).map(|end| (start, end)).collect();
        }
        WindowKind::Session { .. } => unreachable!(),
    };
    (-100..200).map(|k| (k * slide, k * slide + size)).filter(|(s, e)| *s <= time && time < *e).collect()
}

#[test]
fn random_rows_agree_with_the_definition_of_slices() {
    let mut random = Random(3);
    for kind in [
        tumble(5),
        hop(2, 6),
        hop(4, 6),
        hop(5, 3),
        WindowKind::Cumulate { step_ms: 2 * SECOND, max_size_ms: 8 * SECOND, offset_ms: 0 },
    ] {
        for _ in 0..10 {
            let (script, rows) = random_script(&mut random);
            let mut expected = BTreeMap::<(i64, i64, &str), Vec<i64>>::new();
            let mut late = 0;
            for row in &rows {
                let all = windows(&kind, row.time);
                let open: Vec<_> = all.iter().filter(|(_, end)| row.watermark < end - 1).collect();
                late += usize::from(open.is_empty() && !all.is_empty());
                for (start, end) in open {
                    expected.entry((*end, *start, row.key)).or_default().push(row.value);
                }
            }
            let mut expected: Vec<_> =
                expected.iter().map(|((end, start, key), values)| line(key, values, *start, *end)).collect();
            check(&by_key(kind.clone()), &script, &mut expected, late);
        }
    }
}

#[test]
fn random_rows_agree_with_the_definition_of_sessions() {
    let mut random = Random(5);
    let gap = 3 * SECOND;
    for _ in 0..40 {
        let (script, rows) = random_script(&mut random);
        // (key, start, end, values) of the sessions so far.
        let mut sessions: Vec<(&str, i64, i64, Vec<i64>)> = Vec::new();
        let mut late = 0;
        for row in &rows {
            let touches = |s: &(&str, i64, i64, Vec<i64>)| {
                s.0 == row.key && s.1 <= row.time + gap && row.time <= s.2 && s.2 - 1 > row.watermark
            };
            let (touching, mut rest): (Vec<_>, Vec<_>) = sessions.into_iter().partition(touches);
            let mut merged = (row.key, row.time, row.time + gap, vec![row.value]);
            for (_, start, end, values) in &touching {
                merged.1 = merged.1.min(*start);
                merged.2 = merged.2.max(*end);
                merged.3.extend(values);
            }
            if merged.2 - 1 <= row.watermark {
                late += 1;
                rest.extend(touching);
            } else {
                rest.push(merged);
            }
            sessions = rest;
        }
        let mut expected: Vec<_> = sessions.iter().map(|(key, start, end, v)| line(key, v, *start, *end)).collect();
        check(&by_key(session(3)), &script, &mut expected, late);
    }
}

/// The script gives those rows, whatever their order, and so many late ones, in every run.
fn check(harness: &Harness, script: &str, expected: &mut [String], late: usize) {
    let lines = harness.run(script).expect("a run");
    let mut results: Vec<_> = lines.iter().filter(|l| l.starts_with('+')).cloned().collect();
    results.sort();
    expected.sort();
    assert_eq!(results.join("\n"), expected.join("\n"), "{script}");
    assert_eq!(lines.iter().filter(|l| l.starts_with("late")).count(), late, "{script}");
    harness.check(script, &lines.join("\n"));
}
