//! Drives one operator by a script in unit tests, in several ways that must agree.
//!
//! ```text
//! Harness::new(plan_node, &["k STRING, t TIMESTAMP(3), v INT"], "k STRING, total BIGINT")
//!     .keyed(&[0])                     // also runs as 3 instances, and is rescaled to 2
//!     .check("a | 00:00:01 | 5        a row, +I, on port 0
//!             -U b | 00:00:02 | 1     with its kind
//!             1> a | 7                on port 1
//!             ^ 00:00:02              the watermark rises behind the row above, inside the batch
//!
//!             watermark 00:00:10      alone; it and an empty line end a batch
//!             end",
//!            "+I a | 5
//!             watermark 00:00:02
//!             late b | 00:00:01 | 1
//!             watermark MAX")
//! ```
//! The first run, batch by batch as written, must give exactly these lines. Then the same is run one row at a time, and with
//! state saved and loaded into a fresh operator after every step: the rows left after applying the kinds, and the late rows,
//! must be the same. `#` starts a comment line.

use arrow::array::{RecordBatch, UInt8Array, UInt16Array};
use wasmill_plan::{Result, Schema};

use crate::batch::{Batch, MAX_WATERMARK, NO_WATERMARK, RowKind, WatermarkStep};
use crate::build;
use crate::operator::{Operator, OperatorContext, Output};
use crate::state::{KEY_GROUP_COLUMN, Scope, hash_rows, instance_of, key_group};
use crate::testing::{operator_context, rows};

/// See the module.
pub(crate) struct Harness {
    operator: wasmill_plan::Operator,
    inputs: Vec<Schema>,
    output: Schema,
    keys: Vec<Vec<usize>>,
    /// Given to every operator that the harness makes.
    pub(crate) context: OperatorContext,
}

/// A line of a script.
#[derive(Clone, Debug)]
enum Event {
    Row { port: usize, kind: RowKind, cells: String },
    Step(i64),
    Watermark(i64),
    Cut,
}

/// What goes into the operator at once.
#[derive(Clone, Debug)]
enum Feed {
    Batch(usize, Batch),
    Watermark(i64),
}

#[derive(Default)]
struct Collected {
    batches: Vec<Batch>,
    late: Vec<RecordBatch>,
}

impl Output for Collected {
    fn emit(&mut self, batch: Batch) {
        if !batch.is_empty() {
            self.batches.push(batch);
        }
    }
    fn late(&mut self, rows: RecordBatch) {
        self.late.push(rows);
    }
}

impl Harness {
    /// For that operator over inputs of those schemas (see [`rows::schema`]).
    pub(crate) fn new(operator: wasmill_plan::Operator, inputs: &[&str], output: &str) -> Self {
        Self {
            operator,
            inputs: inputs.iter().map(|s| rows::schema(s)).collect(),
            output: rows::schema(output),
            keys: Vec::new(),
            context: operator_context("operator-under-test"),
        }
    }

    /// Rows belong to instances by those columns of each port, so [`Harness::check`] also runs several instances.
    pub(crate) fn keyed(mut self, columns: &[usize]) -> Self {
        self.keys = vec![columns.to_vec(); self.inputs.len()];
        self
    }

    /// As [`Harness::keyed`], with other columns on each port.
    #[allow(dead_code)]
    pub(crate) fn keyed_by(mut self, columns: &[&[usize]]) -> Self {
        self.keys = columns.iter().map(|c| c.to_vec()).collect();
        self
    }

    /// Runs the script in every way.
    ///
    /// # Panics
    /// Where a run fails, gives other lines than `expected`, or differs from the first.
    #[track_caller]
    pub(crate) fn check(&self, script: &str, expected: &str) {
        let whole = self.run(script).unwrap_or_else(|e| panic!("the run fails: {e}"));
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        assert_eq!(whole.join("\n"), expected.join("\n"), "left: what came, right: what was expected");
        let result = compact(&whole);
        let must_agree = |name: &str, run: Result<Vec<String>>| {
            let lines = run.unwrap_or_else(|e| panic!("the run {name} fails: {e}"));
            assert_eq!(compact(&lines).join("\n"), result.join("\n"), "left: {name}, right: as written");
        };
        must_agree("one row at a time", self.drive(&single_rows(self.feeds(script, true)), 1, false));
        must_agree("with state saved and loaded", self.drive(&self.feeds(script, false), 1, true));
        must_agree("one row at a time, saved and loaded", self.drive(&self.feeds(script, true), 1, true));
        if !self.keys.is_empty() {
            must_agree("at parallelism 3", self.drive(&self.feeds(script, false), 3, false));
            must_agree("rescaled between 3 and 2", self.drive(&self.feeds(script, false), 3, true));
        }
    }

    /// Runs the script batch by batch and gives the output's lines.
    ///
    /// # Errors
    /// What the operator fails with.
    pub(crate) fn run(&self, script: &str) -> Result<Vec<String>> {
        self.drive(&self.feeds(script, false), 1, false)
    }

    /// The message of the error that the script ends in.
    ///
    /// # Panics
    /// Where it does not fail.
    #[track_caller]
    #[allow(dead_code)]
    pub(crate) fn error(&self, script: &str) -> String {
        self.run(script).expect_err("the script must fail").to_string()
    }

    fn make(&self, instance: usize, parallelism: usize) -> Result<Box<dyn Operator>> {
        let context = OperatorContext { instance, parallelism, ..self.context.clone() };
        build::operator(&self.operator, &self.inputs, &self.output, &context)
    }

    fn feeds(&self, script: &str, one_row: bool) -> Vec<Feed> {
        let mut feeds = Vec::new();
        let mut watermark = NO_WATERMARK;
        let mut open: Vec<(RowKind, String)> = Vec::new();
        let mut steps: Vec<WatermarkStep> = Vec::new();
        let mut open_port = 0;
        let close = |port: usize,
                     open: &mut Vec<(RowKind, String)>,
                     steps: &mut Vec<WatermarkStep>,
                     watermark: &mut i64,
                     feeds: &mut Vec<Feed>| {
            if open.is_empty() {
                return;
            }
            let lines: Vec<&str> = open.iter().map(|(_, cells)| cells.as_str()).collect();
            let mut batch = Batch::append(rows::batch(&self.inputs[port], &lines));
            if open.iter().any(|(kind, _)| *kind != RowKind::Insert) {
                batch.kinds = Some(open.iter().map(|(kind, _)| *kind as u8).collect::<UInt8Array>());
            }
            batch.watermark = *watermark;
            batch.steps = std::mem::take(steps);
            *watermark = batch.last_watermark();
            let risen = !batch.steps.is_empty();
            feeds.push(Feed::Batch(port, batch));
            if risen {
                feeds.push(Feed::Watermark(*watermark));
            }
            open.clear();
        };
        for event in parse(script) {
            match event {
                Event::Row { port, kind, cells } => {
                    if one_row || port != open_port {
                        close(open_port, &mut open, &mut steps, &mut watermark, &mut feeds);
                    }
                    open_port = port;
                    open.push((kind, cells));
                }
                Event::Step(to) => {
                    assert!(!open.is_empty(), "'^' stands behind a row of a batch");
                    let after_row = open.len() as u32 - 1;
                    assert!(steps.last().is_none_or(|s| s.watermark < to) && to > watermark, "watermarks rise");
                    steps.push(WatermarkStep { after_row, watermark: to });
                }
                Event::Watermark(to) => {
                    close(open_port, &mut open, &mut steps, &mut watermark, &mut feeds);
                    assert!(to > watermark, "watermarks rise");
                    watermark = to;
                    feeds.push(Feed::Watermark(to));
                }
                Event::Cut => close(open_port, &mut open, &mut steps, &mut watermark, &mut feeds),
            }
        }
        close(open_port, &mut open, &mut steps, &mut watermark, &mut feeds);
        feeds
    }

    /// Runs `parallelism` instances; with `reload`, state moves into fresh ones after every feed, whose number then
    /// alternates between `parallelism` and one less.
    fn drive(&self, feeds: &[Feed], parallelism: usize, reload: bool) -> Result<Vec<String>> {
        let mut instances = self.instances(parallelism)?;
        let mut lines = Vec::new();
        let mut given = NO_WATERMARK;
        for feed in feeds {
            let mut out = Collected::default();
            let count = instances.len();
            match feed {
                Feed::Batch(port, batch) if count == 1 => instances[0].on_batch(*port, batch.clone(), &mut out)?,
                Feed::Batch(port, batch) => {
                    for (instance, operator) in instances.iter_mut().enumerate() {
                        let part = self.part(*port, batch, instance, count);
                        if !part.is_empty() {
                            operator.on_batch(*port, part, &mut out)?;
                        }
                    }
                }
                Feed::Watermark(to) => {
                    let mut lowest = MAX_WATERMARK;
                    for operator in &mut instances {
                        let returned = operator.on_watermark(*to, &mut out)?;
                        assert!(returned <= *to, "an operator gives no watermark above its input's");
                        lowest = lowest.min(returned);
                    }
                    self.print(&mut out, &mut lines, &mut given);
                    raise(lowest, &mut given, &mut lines);
                }
            }
            self.print(&mut out, &mut lines, &mut given);
            if reload {
                let next = if parallelism == 1 || count < parallelism { parallelism } else { parallelism - 1 };
                instances = self.reload(instances, next)?;
            }
        }
        Ok(lines)
    }

    fn instances(&self, parallelism: usize) -> Result<Vec<Box<dyn Operator>>> {
        (0..parallelism).map(|i| self.make(i, parallelism)).collect()
    }

    /// The rows of a batch that belong to an instance.
    fn part(&self, port: usize, batch: &Batch, instance: usize, parallelism: usize) -> Batch {
        let columns: Vec<_> = self.keys[port].iter().map(|&c| batch.rows.column(c).clone()).collect();
        let hashes = hash_rows(&columns, batch.len());
        crate::batch::select(batch, Some(&hashes), |row| instance_of(key_group(hashes[row]), parallelism) == instance)
    }

    fn reload(&self, mut old: Vec<Box<dyn Operator>>, parallelism: usize) -> Result<Vec<Box<dyn Operator>>> {
        let mut fresh = self.instances(parallelism)?;
        let tables = old[0].state().len();
        for table in 0..tables {
            let mut saved = Vec::new();
            for operator in &mut old {
                saved.push(operator.state()[table].save()?);
            }
            for (instance, operator) in fresh.iter_mut().enumerate() {
                let mut state = operator.state();
                let target = &mut state[table];
                let rows = match target.scope() {
                    Scope::Instance if saved.len() == parallelism => saved[instance].clone(),
                    Scope::Instance => arrow::compute::concat_batches(&saved[0].schema(), &saved)?,
                    Scope::Keyed => {
                        let all = arrow::compute::concat_batches(&saved[0].schema(), &saved)?;
                        assert_eq!(all.schema().field(0).name(), KEY_GROUP_COLUMN, "table '{}'", target.name());
                        let groups =
                            all.column(0).as_any().downcast_ref::<UInt16Array>().expect("key groups are UInt16");
                        let mine =
                            groups.values().iter().map(|&g| Some(instance_of(g, parallelism) == instance)).collect();
                        arrow::compute::filter_record_batch(&all, &mine)?
                    }
                };
                target.load(rows)?;
            }
        }
        Ok(fresh)
    }

    fn print(&self, out: &mut Collected, lines: &mut Vec<String>, given: &mut i64) {
        for batch in out.batches.drain(..) {
            assert_eq!(batch.rows.schema(), self.output.to_arrow(), "the output's columns are the plan's");
            for (row, line) in rows::lines(&batch.rows).into_iter().enumerate() {
                lines.push(format!("{} {line}", batch.kind(row).symbol()));
                for step in batch.steps.iter().filter(|s| s.after_row as usize == row) {
                    raise(step.watermark, given, lines);
                }
            }
        }
        for late in out.late.drain(..) {
            lines.extend(rows::lines(&late).into_iter().map(|l| format!("late {l}")));
        }
    }
}

fn raise(to: i64, given: &mut i64, lines: &mut Vec<String>) {
    if to > *given {
        *given = to;
        let text = if to == MAX_WATERMARK { "MAX".to_owned() } else { rows::format_ms(to) };
        lines.push(format!("watermark {text}"));
    }
}

/// Feeds of one row need no steps: the watermark follows.
fn single_rows(feeds: Vec<Feed>) -> Vec<Feed> {
    feeds
        .into_iter()
        .map(|feed| match feed {
            Feed::Batch(port, batch) => Feed::Batch(port, Batch { steps: Vec::new(), ..batch }),
            watermark => watermark,
        })
        .collect()
}

fn parse(script: &str) -> Vec<Event> {
    let time = |text: &str| rows::timestamp_ms(text.trim()).unwrap_or_else(|| panic!("'{text}' is no time"));
    let event = |line: &str| {
        let line = line.trim();
        if line.is_empty() {
            return Event::Cut;
        }
        if line == "end" {
            return Event::Watermark(MAX_WATERMARK);
        }
        if let Some(at) = line.strip_prefix("watermark ") {
            return Event::Watermark(time(at));
        }
        if let Some(at) = line.strip_prefix("^ ") {
            return Event::Step(time(at));
        }
        let (port, line) = match line.split_once("> ") {
            Some((port, rest)) if port.len() == 1 => (port.parse().expect("a port"), rest.trim()),
            _ => (0, line),
        };
        let (kind, cells) = match line.split_once(' ') {
            Some(("+I", cells)) => (RowKind::Insert, cells),
            Some(("-U", cells)) => (RowKind::UpdateBefore, cells),
            Some(("+U", cells)) => (RowKind::UpdateAfter, cells),
            Some(("-D", cells)) => (RowKind::Delete, cells),
            _ => (RowKind::Insert, line),
        };
        Event::Row { port, kind, cells: cells.to_owned() }
    };
    script.lines().filter(|l| !l.trim_start().starts_with('#')).map(event).collect()
}

/// The rows left after applying the kinds, then the late rows, both sorted.
fn compact(lines: &[String]) -> Vec<String> {
    let mut counts = std::collections::BTreeMap::<&str, i64>::new();
    let mut late = Vec::new();
    for line in lines {
        match line.split_at_checked(3) {
            Some(("+I " | "+U ", row)) => *counts.entry(row).or_default() += 1,
            Some(("-U " | "-D ", row)) => *counts.entry(row).or_default() -= 1,
            _ if line.starts_with("late ") => late.push(line.clone()),
            _ => {}
        }
    }
    late.sort();
    let mut rows: Vec<String> =
        counts.into_iter().filter(|(_, n)| *n != 0).map(|(row, n)| format!("{n} x {row}")).collect();
    rows.append(&mut late);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_pass_through_a_union_in_every_run() {
        let harness =
            Harness::new(wasmill_plan::Operator::Union, &["k STRING, v INT", "k STRING, v INT"], "k STRING, v INT");
        harness.keyed(&[0]).check(
            "a | 1
             ^ 00:00:01
             -D b | NULL
             1> c | 3
             watermark 00:00:10
             end",
            "+I a | 1
             watermark 00:00:01
             -D b | NULL
             +I c | 3
             watermark 00:00:10
             watermark MAX",
        );
    }

    #[test]
    fn values_of_every_type_print_as_they_were_written() {
        let schema = "a ARRAY<INT>, m MAP<STRING, INT>, r ROW<x INT, y STRING>, d DECIMAL(5, 2), t TIMESTAMP(6), \
                      l TIMESTAMP_LTZ(3), e DATE, b BOOLEAN, f DOUBLE";
        let cells = "[1, null] | {\"k\": 2} | {\"x\": 1, \"y\": \"z\"} | -1.5 | 2020-01-31 10:00:00.5 | 00:00:01 | 2020-02-29 | true | 1.5";
        let batch = rows::batch(&rows::schema(schema), &[cells]);
        assert_eq!(
            rows::lines(&batch),
            ["[1, NULL] | {k=2} | (1, z) | -1.50 | 2020-01-31 10:00:00.500 | 00:00:01 | 2020-02-29 | true | 1.5"]
        );
    }
}
