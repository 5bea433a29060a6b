//! Random rows, against the definition of the windows.

use std::collections::BTreeMap;
use std::fmt::Write;

use wasmill_plan::WindowKind;

use super::{SECOND, by_key, hop, session, tumble};
use crate::harness::Harness;
use crate::testing::rows::format_ms;

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
