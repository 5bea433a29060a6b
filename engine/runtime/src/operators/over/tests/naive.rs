//! Random rows, against frames computed row by row from nothing.

use super::*;
use crate::batch::{Batch, NO_WATERMARK};
use crate::operator::Output;
use crate::testing::{operator_context, rows as text};
use arrow::array::RecordBatch;

const INPUT: &str = "k INT, t TIMESTAMP(3), v BIGINT, d DOUBLE, s STRING";
const RESULTS: &str =
    "c BIGINT, su BIGINT, sd DOUBLE, mx DOUBLE, mn STRING, fi STRING, la STRING, dc BIGINT, ds BIGINT, li STRING";

#[derive(Clone, Debug)]
struct Row {
    k: u64,
    t: i64,
    v: Option<i64>,
    d: Option<f64>,
    s: Option<String>,
}

impl Row {
    fn line(&self) -> String {
        let (v, d) = (self.v.map_or("NULL".into(), |v| v.to_string()), show(self.d));
        let s = self.s.clone().unwrap_or("NULL".into());
        format!("{} | {} | {v} | {d} | {s}", self.k, text::format_ms(self.t))
    }
}

fn show(v: Option<f64>) -> String {
    v.map_or("NULL".into(), |v| format!("{v}"))
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
    fn rows(&mut self, count: usize, disorder: u64) -> Vec<Row> {
        let mut now = 100_000;
        let mut row = || {
            now += self.below(20) as i64 * self.below(2) as i64;
            Row {
                k: self.below(8) * self.below(2) / 4,
                t: now - self.below(disorder + 1) as i64,
                v: (self.below(5) > 0).then(|| self.below(7) as i64 - 3),
                d: (self.below(5) > 0)
                    .then(|| if self.below(60) == 0 { f64::NAN } else { self.below(99) as f64 / 4.0 }),
                s: (self.below(4) > 0).then(|| format!("s{}", self.below(30))),
            }
        };
        (0..count).map(|_| row()).collect()
    }
}

#[derive(Default)]
struct Lines {
    rows: Vec<String>,
    late: Vec<String>,
}

impl Output for Lines {
    fn emit(&mut self, batch: Batch) {
        self.rows.extend(text::lines(&batch.rows));
    }
    fn late(&mut self, rows: RecordBatch) {
        self.late.extend(text::lines(&rows));
    }
}

fn functions() -> Vec<OverFunction> {
    [
        "COUNT",
        "SUM 2 BIGINT",
        "SUM 3 DOUBLE",
        "MAX 3 DOUBLE",
        "MIN 4 STRING",
        "FIRST_VALUE 4 STRING",
        "LAST_VALUE 4 STRING",
        "COUNT DISTINCT 2",
        "SUM DISTINCT 2 BIGINT",
        "LISTAGG 4 STRING",
    ]
    .map(|f| aggregate(f, INPUT))
    .into()
}

fn results(frame: &[&Row]) -> String {
    let ints: Vec<i64> = frame.iter().filter_map(|r| r.v).collect();
    let doubles: Vec<f64> = frame.iter().filter_map(|r| r.d).collect();
    let texts: Vec<&str> = frame.iter().filter_map(|r| r.s.as_deref()).collect();
    let max = doubles.iter().copied().reduce(|a, b| if a.is_nan() || a > b { a } else { b });
    let or_null = |v: Option<&&str>| v.map_or("NULL".to_owned(), |v| (*v).to_owned());
    let distinct: std::collections::HashSet<i64> = ints.iter().copied().collect();
    format!(
        "{} | {} | {} | {} | {} | {} | {} | {} | {} | {}",
        frame.len(),
        if ints.is_empty() { "NULL".into() } else { ints.iter().sum::<i64>().to_string() },
        show((!doubles.is_empty()).then(|| doubles.iter().sum())),
        show(max),
        or_null(texts.iter().min()),
        or_null(texts.first()),
        or_null(texts.last()),
        distinct.len(),
        if ints.is_empty() { "NULL".into() } else { distinct.iter().sum::<i64>().to_string() },
        if texts.is_empty() { "NULL".into() } else { texts.join(",") },
    )
}

/// Feeds the rows in batches of `size`; the watermark follows the greatest time by `delay` behind every batch. Gives the
/// lines, and the watermark before each row.
fn run(
    frames: &[OverFrame],
    on_arrival: bool,
    rows: &[Row],
    size: usize,
    delay: i64,
    reload: bool,
) -> (Lines, Vec<i64>) {
    let groups = frames.iter().map(|f| (f.clone(), functions())).collect();
    let plan = over(groups, on_arrival);
    let (input, all) = (text::schema(INPUT), vec![RESULTS; frames.len()].join(", "));
    let output = text::schema(&format!("{INPUT}, {all}"));
    let make =
        || crate::build::operator(&plan, std::slice::from_ref(&input), &output, &operator_context("over")).unwrap();
    let (mut operator, mut out, mut marks, mut watermark) = (make(), Lines::default(), Vec::new(), NO_WATERMARK);
    let mut highest = i64::MIN;
    for part in rows.chunks(size) {
        let lines: Vec<String> = part.iter().map(Row::line).collect();
        let mut batch = Batch::append(text::batch(&input, &lines.iter().map(String::as_str).collect::<Vec<_>>()));
        batch.watermark = watermark;
        marks.extend(vec![watermark; part.len()]);
        operator.on_batch(0, batch, &mut out).unwrap();
        highest = highest.max(part.iter().map(|r| r.t).max().unwrap());
        if highest - delay > watermark {
            watermark = highest - delay;
            operator.on_watermark(watermark, &mut out).unwrap();
        }
        if reload {
            let mut fresh = make();
            let saved: Vec<RecordBatch> = operator.state().into_iter().map(|t| t.save().unwrap()).collect();
            fresh.state().into_iter().zip(saved).for_each(|(t, rows)| t.load(rows).unwrap());
            operator = fresh;
        }
    }
    operator.on_watermark(i64::MAX, &mut out).unwrap();
    (out, marks)
}

#[test]
fn in_event_time() {
    let frames = [range(Some(50)), rows(Some(5)), rows(None), range(None), range(Some(0)), rows(Some(0))];
    for (seed, size, reload) in [(1, 7, false), (2, 64, true), (3, 1000, false)] {
        let input = Random(seed).rows(1500, 60);
        let (out, marks) = run(&frames, false, &input, size, 30, reload);
        let (late, mut kept): (Vec<_>, Vec<_>) = input.iter().zip(&marks).partition(|(r, mark)| r.t <= **mark);
        kept.sort_by_key(|(r, _)| r.t);
        let mut expected: Vec<String> = Vec::new();
        for (at, (row, _)) in kept.iter().enumerate() {
            let before: Vec<&Row> = kept[..=at].iter().map(|x| x.0).filter(|r| r.k == row.k).collect();
            let peers = kept[at + 1..].iter().map(|x| x.0).filter(|r| r.k == row.k && r.t == row.t);
            let with_peers: Vec<&Row> = before.iter().copied().chain(peers).collect();
            let frame = |f: &OverFrame| match f {
                OverFrame::Rows { preceding: Some(n) } => {
                    results(&before[before.len().saturating_sub(*n as usize + 1)..])
                }
                OverFrame::Rows { preceding: None } => results(&before),
                OverFrame::Range { preceding_ms } => {
                    let from = preceding_ms.map_or(i64::MIN, |ms| row.t - ms);
                    results(&with_peers.iter().copied().filter(|r| r.t >= from).collect::<Vec<_>>())
                }
            };
            let columns: Vec<String> = frames.iter().map(frame).collect();
            expected.push(format!("{} | {}", row.line(), columns.join(" | ")));
        }
        assert!(!late.is_empty() || size == 1000, "the test needs late rows");
        assert_eq!(out.late, late.iter().map(|(r, _)| r.line()).collect::<Vec<_>>());
        for (found, expected) in out.rows.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(out.rows.len(), expected.len());
    }
}

#[test]
fn on_arrival() {
    for (frames, longest) in [
        (vec![range(Some(50)), range(Some(400)), range(Some(0))], 400),
        (vec![range(Some(300)), rows(Some(5)), rows(None), range(None), rows(Some(0))], 300),
    ] {
        for (seed, size, reload) in [(4, 7, false), (5, 64, true), (6, 1000, false)] {
            let input = Random(seed).rows(3000, 700);
            let (out, marks) = run(&frames, true, &input, size, 100, reload);
            let (mut expected, mut late, mut came) = (Vec::new(), Vec::new(), Vec::<&Row>::new());
            for (row, &mark) in input.iter().zip(&marks) {
                let oldest = mark.saturating_sub(longest);
                if row.t < oldest {
                    late.push(row.line());
                    continue;
                }
                came.push(row);
                let mut before: Vec<&Row> = came.iter().copied().filter(|r| r.k == row.k && r.t <= row.t).collect();
                before.sort_by_key(|r| r.t);
                let frame = |f: &OverFrame| match f {
                    OverFrame::Rows { preceding: Some(n) } => {
                        results(&before[before.len().saturating_sub(*n as usize + 1)..])
                    }
                    OverFrame::Range { preceding_ms: Some(ms) } => {
                        let from = (row.t - ms).max(oldest);
                        results(&before.iter().copied().filter(|r| r.t >= from).collect::<Vec<_>>())
                    }
                    _ => results(&before),
                };
                let columns: Vec<String> = frames.iter().map(frame).collect();
                expected.push(format!("{} | {}", row.line(), columns.join(" | ")));
            }
            assert!(!late.is_empty() || size == 1000, "the test needs late rows");
            assert_eq!(out.late, late);
            for (found, expected) in out.rows.iter().zip(&expected) {
                assert_eq!(found, expected);
            }
            assert_eq!(out.rows.len(), expected.len());
        }
    }
}
