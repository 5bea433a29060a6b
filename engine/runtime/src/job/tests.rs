//! Tests of whole jobs: end, stop, failure, checkpoints and restores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::array::RecordBatch;
use serde_json::{Value as Json, json};
use wasmill_expr::NoUserFunctions;
use wasmill_plan::{
    AggregateCall, ChangelogMode, DataType, Expr, ExprKind, Input, Lateness, NodeId, Operator, Schema, SinkNode,
    SourceNode, Table, TypeKind, Value, WindowAggregate, WindowKind, WindowSpec, Windowing,
};

use super::*;
use crate::batch::{Batch, MAX_WATERMARK};
use crate::checkpoint::MemoryStore;
use crate::clock::ManualClock;
use crate::sink::Sink;
use crate::source::{DeadLetter, SourceEvent};
use crate::testing::matrix::{run, run_all, run_crashing};
use crate::testing::memory::{MemorySinks, MemorySources};
use crate::testing::{NoSources, rows};

const COLUMNS: &str = "k INT, t TIMESTAMP(3), v INT";

fn table(name: &str, options: &[(&str, &str)]) -> Box<Table> {
    let options = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Box::new(Table { name: name.to_owned(), columns: vec![], watermark: None, primary_key: vec![], options })
}

/// Builds plans line by line.
#[derive(Default)]
struct Build(Plan);

impl Build {
    fn add(&mut self, name: &str, operator: Operator, inputs: Vec<Input>) -> NodeId {
        self.0.add(name, operator, inputs, rows::schema(COLUMNS), ChangelogMode::Append)
    }
    fn source(&mut self, name: &str) -> NodeId {
        let source = SourceNode::new(table(name, &[]), vec![0, 1, 2]);
        self.add("source", Operator::Source(source), vec![])
    }
    fn watermark(&mut self, input: NodeId) -> NodeId {
        let expr = Expr::column(1, DataType::nullable(TypeKind::Timestamp(3)));
        self.add("watermark", Operator::Watermark { time_column: 1, expr }, vec![Input::forward(input)])
    }
    fn union(&mut self, inputs: &[NodeId]) -> NodeId {
        self.add("union", Operator::Union, inputs.iter().map(|&i| Input::by_key(i, vec![0])).collect())
    }
    fn sink(&mut self, name: &str, input: NodeId) -> NodeId {
        let node = SinkNode { table: Some(table(name, &[])) };
        self.add("sink", Operator::Sink(node), vec![Input::forward(input)])
    }
    /// k, the watermark in force at the row, v.
    fn current_watermark(&mut self, input: NodeId) -> NodeId {
        let time = DataType::nullable(TypeKind::Timestamp(3));
        let int = || DataType::nullable(TypeKind::Int);
        let mark = Expr { kind: ExprKind::CurrentWatermark, data_type: time };
        let projection = vec![Expr::column(0, int()), mark, Expr::column(2, int())];
        self.add("calc", Operator::Calc { filter: None, projection }, vec![Input::forward(input)])
    }
}

fn batches(sizes: &[usize], key_of: impl Fn(usize) -> usize) -> Vec<RecordBatch> {
    let schema = rows::schema(COLUMNS);
    let mut row = 0;
    let mut batch = |size: usize| {
        let lines: Vec<String> = (row..row + size).map(|i| format!("{} | {} | {i}", key_of(i), i * 1000)).collect();
        row += size;
        rows::batch(&schema, &lines.iter().map(String::as_str).collect::<Vec<_>>())
    };
    sizes.iter().map(|&s| batch(s)).collect()
}

fn parts(sources: impl SourceFactory + 'static, sinks: &MemorySinks) -> JobParts {
    JobParts { sources: Arc::new(sources), sinks: Arc::new(sinks.clone()), functions: Arc::new(NoUserFunctions) }
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} does not happen");
        std::thread::yield_now();
    }
}

fn checkpointed() -> JobOptions {
    let store = Arc::new(MemoryStore::default());
    JobOptions { checkpoints: Some(CheckpointOptions { interval: None, store }), ..JobOptions::default() }
}

/// Gives rows for ever, or nothing, or fails, as its table's name says.
struct Odd;

struct OddSource {
    name: String,
    polls: Arc<AtomicUsize>,
}

impl SourceFactory for Odd {
    fn source(&self, node: &SourceNode, _: usize, _: usize) -> Result<Box<dyn Source>> {
        Ok(Box::new(OddSource { name: node.table.name.clone(), polls: Arc::default() }))
    }
}

impl Source for OddSource {
    fn poll(&mut self, _wait: Duration) -> Result<SourceEvent> {
        let poll = self.polls.fetch_add(1, Ordering::Relaxed);
        std::thread::yield_now();
        match self.name.as_str() {
            "silent" => Ok(SourceEvent::Pending),
            "one" if poll > 0 => Ok(SourceEvent::Pending),
            "fails" => Err(Error::External { message: "the disk is gone".into(), retryable: false }),
            "panics" => panic!("a mistake"),
            "letters" => Ok(match poll {
                0 => SourceEvent::DeadLetters(vec![DeadLetter {
                    source: "letters".into(),
                    place: "f:1".into(),
                    reason: "bad".into(),
                    raw: vec![0xff],
                }]),
                1 => SourceEvent::Rows(batches(&[1], |i| i).remove(0)),
                _ => SourceEvent::End,
            }),
            _ => Ok(SourceEvent::Rows(batches(&[3], |i| i).remove(0))),
        }
    }
    fn position(&self) -> Json {
        json!(self.polls.load(Ordering::Relaxed))
    }
    fn seek(&mut self, _position: &Json) -> Result<()> {
        Ok(())
    }
    fn skipped(&self) -> u64 {
        u64::from(self.name == "letters")
    }
}

#[test]
fn watermarks_rise_behind_rows_whatever_the_batches() {
    let mut plan = Build::default();
    let source = plan.source("t");
    let marked = plan.watermark(source);
    let calc = plan.current_watermark(marked);
    plan.sink("out", calc);
    let memory = MemorySources::default().with("t", batches(&[2, 3], |_| 7));
    let parts = parts(memory, &MemorySinks::default());
    let (straight, differences) = run_all(&plan.0, &JobOptions::default(), &parts).unwrap();
    assert_eq!(
        straight.tables["out"],
        // The watermark of the row at 0 does not rise above the epoch, where it begins.
        ["+I 7 | NULL | 0", "+I 7 | NULL | 1", "+I 7 | 00:00:01 | 2", "+I 7 | 00:00:02 | 3", "+I 7 | 00:00:03 | 4"]
    );
    assert!(differences.is_empty(), "{differences:?}");
    assert_eq!(straight.metrics.node("watermark-1").unwrap().watermark, MAX_WATERMARK);
}

#[test]
fn rows_of_a_key_keep_their_order_at_parallelism_3() {
    let mut plan = Build::default();
    let source = plan.source("t");
    let union = plan.union(&[source]);
    plan.sink("out", union);
    let memory = MemorySources::default().with("t", batches(&[500, 500], |i| i % 13));
    let options = JobOptions { parallelism: 3, source_parallelism: Some(1), ..JobOptions::default() };
    let outcome = run(&plan.0, &options, &parts(memory, &MemorySinks::default())).unwrap();
    let lines = &outcome.tables["out"];
    assert_eq!(lines.len(), 1000);
    for key in 0..13 {
        let values = lines.iter().filter(|l| l.starts_with(&format!("+I {key} |")));
        let values: Vec<u32> = values.map(|l| l.rsplit(' ').next().unwrap().parse().unwrap()).collect();
        assert!(values.is_sorted() && values.len() >= 76, "key {key}");
    }
    assert_eq!(outcome.metrics.rows_read(), 1000);
    assert_eq!(outcome.metrics.rows_written(), 1000);
}

#[test]
fn two_inputs_lose_and_repeat_nothing_over_crashes() {
    let mut plan = Build::default();
    let (a, b) = (plan.source("a"), plan.source("b"));
    let (a, b) = (plan.watermark(a), plan.watermark(b));
    let union = plan.union(&[a, b]);
    plan.sink("out", union);
    plan.sink("also", a);
    let memory = MemorySources::default()
        .with("a", batches(&[4, 1, 3, 2, 5], |i| i % 5))
        .with("b", batches(&[2, 6, 1, 7, 1, 1, 3], |i| 100 + i % 7));
    let parts = parts(memory, &MemorySinks::default());
    let (straight, differences) = run_all(&plan.0, &JobOptions::default(), &parts).unwrap();
    assert!(differences.is_empty(), "{differences:?}");
    assert_eq!(straight.tables["out"].len(), 36);
    assert_eq!(straight.tables["also"].len(), 15);
    let wide = JobOptions { source_parallelism: Some(3), ..JobOptions::default() };
    let (_, differences) = run_all(&plan.0, &wide, &parts).unwrap();
    assert!(differences.is_empty(), "{differences:?}");
    // In one task the sources are read in turn, so two runs give the same order.
    assert_eq!(run(&plan.0, &JobOptions::default(), &parts).unwrap().tables, straight.tables);
}

#[test]
fn a_thread_behind_the_exchange_keeps_the_order() {
    let mut plan = Build::default();
    let source = plan.source("t");
    let marked = plan.watermark(source);
    let union = plan.union(&[marked]);
    plan.sink("out", union);
    let memory = MemorySources::default().with("t", batches(&[50; 40], |i| i % 5));
    let parts = parts(memory, &MemorySinks::default());
    let pipelined = JobOptions { pipelined: true, ..JobOptions::default() };
    let one = run(&plan.0, &JobOptions::default(), &parts).unwrap();
    assert_eq!(run(&plan.0, &pipelined, &parts).unwrap().tables, one.tables);
    assert_eq!(run_crashing(&plan.0, &pipelined, &parts, &[1]).unwrap().compacted(), one.compacted());
}

#[test]
fn constant_rows_are_a_source() {
    let mut plan = Build::default();
    let int = |v| Expr::literal(Value::Int(v), DataType::nullable(TypeKind::Int));
    let time = |v| Expr::literal(Value::Int(v), DataType::nullable(TypeKind::Timestamp(3)));
    let rows = vec![vec![int(1), time(5000), int(2)], vec![int(3), time(6000), int(4)]];
    let values = plan.add("values", Operator::Values { rows }, vec![]);
    plan.sink("out", values);
    let (straight, differences) =
        run_all(&plan.0, &JobOptions::default(), &parts(NoSources, &MemorySinks::default())).unwrap();
    assert!(differences.is_empty(), "{differences:?}");
    assert_eq!(straight.tables["out"], ["+I 1 | 00:00:05 | 2", "+I 3 | 00:00:06 | 4"]);
}

#[test]
fn a_silent_source_holds_the_watermark_back_until_it_is_idle() {
    let mut plan = Build::default();
    let (one, silent) = (plan.source("one"), plan.source("silent"));
    let (one, silent) = (plan.watermark(one), plan.watermark(silent));
    let union = plan.union(&[one, silent]);
    plan.sink("out", union);
    for parallelism in [1, 3] {
        let clock = Arc::new(ManualClock::default());
        let options = JobOptions { parallelism, clock: clock.clone(), ..JobOptions::default() };
        let sinks = MemorySinks::default();
        let job = Job::start(&plan.0, &options, &parts(Odd, &sinks)).unwrap();
        let mark = |uid: &str| job.metrics().node(uid).unwrap().watermark;
        until("the watermark of the source with rows", || mark("watermark-2") == 2000);
        assert_eq!(mark("union-4"), i64::MIN);
        assert_eq!(job.metrics().watermark_holder.unwrap().uid, "watermark-3");
        clock.advance(10_000);
        until("the merged watermark", || mark("union-4") == 2000);
        job.stop();
        let report = job.wait().unwrap();
        assert!(report.stopped);
        assert_eq!(report.metrics.node("union-4").unwrap().watermark, 2000, "a stop does not raise the watermark");
        assert_eq!(sinks.visible()["out"].len(), 3 * parallelism);
    }
}

#[test]
fn a_watermark_that_is_held_back_comes_when_the_source_pauses() {
    let mut plan = Build::default();
    let source = plan.source("one");
    let marked = plan.watermark(source);
    plan.sink("out", marked);
    let clock = Arc::new(ManualClock::default());
    let options = JobOptions { clock: clock.clone(), watermark_interval_ms: 60_000, ..JobOptions::default() };
    let job = Job::start(&plan.0, &options, &parts(Odd, &MemorySinks::default())).unwrap();
    let node = || job.metrics().node("watermark-1").unwrap().clone();
    until("the rows", || node().rows_out == 3);
    assert_eq!(node().watermark, i64::MIN);
    clock.advance(60_000);
    until("the watermark", || node().watermark == 2000);
}

#[test]
fn windows_in_processing_time_close_by_the_clock() {
    for (parallelism, exchange_first) in [(1, true), (1, false), (3, true), (3, false)] {
        let mut plan = Build::default();
        let source = plan.source("one");
        let exchanged = |input, yes: bool| if yes { Input::by_key(input, vec![0]) } else { Input::forward(input) };
        let stamped = rows::schema(&format!("{COLUMNS}, at TIMESTAMP_LTZ(3)"));
        let inputs = vec![exchanged(source, exchange_first)];
        let stamp = plan.0.add("processing-time", Operator::ProcessingTime, inputs, stamped, ChangelogMode::Append);
        let counted = rows::schema(
            "k INT, n BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3), window_time TIMESTAMP_LTZ(3)",
        );
        let count = AggregateCall {
            function: "COUNT".to_owned(),
            args: vec![],
            constants: vec![],
            distinct: false,
            filter: None,
            arg_types: vec![],
            data_type: DataType::not_null(TypeKind::BigInt),
        };
        let kind = WindowKind::Tumble { size_ms: 10_000, offset_ms: 0 };
        let aggregate = Operator::WindowAggregate(WindowAggregate {
            windowing: Windowing::Assign(WindowSpec { kind, time_column: 3, time_zone: Some("UTC".to_owned()) }),
            keys: vec![0],
            aggregates: vec![count],
            lateness: Lateness::default(),
        });
        let inputs = vec![exchanged(stamp, !exchange_first)];
        let window = plan.0.add("window", aggregate, inputs, counted, ChangelogMode::Append);
        plan.sink("out", window);
        let clock = Arc::new(ManualClock::at(12_345));
        let options =
            JobOptions { parallelism, clock: clock.clone(), watermark_interval_ms: 1, ..JobOptions::default() };
        let sinks = MemorySinks::default();
        let job = Job::start(&plan.0, &options, &parts(Odd, &sinks)).unwrap();
        let node = |uid: &str| job.metrics().node(uid).unwrap().clone();
        until("the rows", || node("window-2").rows_in == 3 * parallelism as u64);
        clock.set(19_999);
        until("the watermark before the end", || node("processing-time-1").watermark == 19_998);
        assert_eq!(node("window-2").rows_out, 0);
        clock.set(20_000);
        until("the window", || node("window-2").rows_out == 3);
        job.stop();
        job.wait().unwrap();
        let mut lines = sinks.visible().remove("out").unwrap();
        lines.sort();
        let line = |k| format!("+I {k} | {parallelism} | 00:00:10 | 00:00:20 | 00:00:19.999");
        assert_eq!(lines, [line(0), line(1), line(2)]);
    }
}

#[test]
fn the_first_error_ends_the_job_and_panics_name_the_operator() {
    for (name, expected) in [("fails", "the disk is gone"), ("panics", "panicked: a mistake")] {
        for parallelism in [1, 3] {
            let mut plan = Build::default();
            let (bad, good) = (plan.source(name), plan.source("endless"));
            let union = plan.union(&[good]);
            plan.sink("out", bad);
            plan.sink("out", union);
            let options = JobOptions { parallelism, ..checkpointed() };
            let error =
                Job::start(&plan.0, &options, &parts(Odd, &MemorySinks::default())).unwrap().wait().unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

/// Fails or panics at the first row.
struct BadSinks(bool);

impl SinkFactory for BadSinks {
    fn sink(&self, _: &SinkNode, _: &Schema, _: usize, _: usize) -> Result<Box<dyn Sink>> {
        Ok(Box::new(Self(self.0)))
    }
}

impl Sink for BadSinks {
    fn write(&mut self, _batch: &Batch) -> Result<()> {
        if self.0 { panic!("no room") } else { Err(Error::BrokenPipe) }
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_fails_ends_a_job_whose_sources_never_end() {
    let mut plan = Build::default();
    let source = plan.source("endless");
    let union = plan.union(&[source]);
    plan.sink("out", union);
    for parallelism in [1, 3] {
        for panics in [false, true] {
            let options = JobOptions { parallelism, pipelined: true, ..JobOptions::default() };
            let sinks: Arc<dyn SinkFactory> = Arc::new(BadSinks(panics));
            let parts = JobParts { sinks, ..parts(Odd, &MemorySinks::default()) };
            let error = Job::start(&plan.0, &options, &parts).unwrap().wait().unwrap_err();
            match panics {
                true => assert_eq!(error.to_string(), "operator 'sink-2' panicked: no room"),
                false => assert!(matches!(error, Error::BrokenPipe), "{error}"),
            }
        }
    }
}

#[test]
fn a_stopped_job_goes_on_from_its_last_checkpoint() {
    let mut plan = Build::default();
    let source = plan.source("one");
    let marked = plan.watermark(source);
    plan.sink("out", marked);
    let options = checkpointed();
    let store = options.checkpoints.as_ref().unwrap().store.clone();
    let sinks = MemorySinks::default();
    let job = Job::start(&plan.0, &options, &parts(Odd, &sinks)).unwrap();
    until("the rows", || job.metrics().rows_written() == 3);
    assert!(sinks.visible()["out"].is_empty(), "rows are visible with their checkpoint");
    assert_eq!(job.trigger_checkpoint().unwrap(), 1);
    until("the commit", || sinks.visible()["out"].len() == 3);
    job.stop();
    let report = job.wait().unwrap();
    assert_eq!((report.stopped, report.epoch), (true, Some(2)));
    let options = JobOptions { restore: store.latest().unwrap(), ..options };
    let job = Job::start(&plan.0, &options, &parts(Odd, &sinks)).unwrap();
    assert_eq!(job.metrics().node("watermark-1").unwrap().watermark, 2000, "the watermark is restored");
    assert_eq!(job.trigger_checkpoint().unwrap(), 3);
}

#[test]
fn checkpoints_come_at_their_interval() {
    let mut plan = Build::default();
    let source = plan.source("silent");
    plan.sink("out", source);
    let mut options = checkpointed();
    options.checkpoints.as_mut().unwrap().interval = Some(Duration::from_millis(1));
    let store = options.checkpoints.as_ref().unwrap().store.clone();
    let job = Job::start(&plan.0, &options, &parts(Odd, &MemorySinks::default())).unwrap();
    until("three checkpoints", || store.latest().unwrap().is_some_and(|c| c.epoch >= 3));
    job.stop();
    assert!(job.wait().unwrap().epoch.unwrap() > 3);
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let mut plan = Build::default();
    let source = plan.source("endless");
    plan.sink("out", source);
    let sinks = MemorySinks::default();
    let job = Job::start(&plan.0, &JobOptions::default(), &parts(Odd, &sinks)).unwrap();
    assert!(job.trigger_checkpoint().unwrap_err().to_string().contains("takes no checkpoints"));
    job.cancel();
    assert!(matches!(job.wait(), Err(Error::Stopped)));
    let foreign = Checkpoint { epoch: 4, ..Checkpoint::default() };
    let options = JobOptions { restore: Some(Arc::new(foreign)), ..JobOptions::default() };
    let error = Job::start(&plan.0, &options, &parts(Odd, &sinks)).err().unwrap();
    assert!(error.to_string().contains("of another query"), "{error}");
    assert!(Job::start(&plan.0, &JobOptions::default(), &parts(NoSources, &sinks)).is_err());
}

#[test]
fn rows_that_cannot_be_decoded_go_to_their_table() {
    let mut plan = Plan::default();
    let source = SourceNode::new(table("letters", &[("on-error", "dead-letter:bad")]), vec![0, 1, 2]);
    let schema = rows::schema(COLUMNS);
    let node = plan.add("source", Operator::Source(source), vec![], schema.clone(), ChangelogMode::Append);
    let sink = SinkNode { table: None };
    plan.add("sink", Operator::Sink(sink), vec![Input::forward(node)], schema, ChangelogMode::Append);
    let sinks = MemorySinks::default();
    let report = Job::start(&plan, &JobOptions::default(), &parts(Odd, &sinks)).unwrap().wait().unwrap();
    assert_eq!(sinks.visible()["bad"], ["+I letters | f:1 | bad | ff"]);
    assert_eq!(sinks.visible()[""].len(), 1);
    assert_eq!(report.metrics.node("source-0").unwrap().rejected, 1);
}

#[test]
fn dropping_the_handle_ends_the_job() {
    let mut plan = Build::default();
    let source = plan.source("endless");
    let union = plan.union(&[source]);
    plan.sink("out", union);
    let options = JobOptions { parallelism: 3, ..JobOptions::default() };
    drop(Job::start(&plan.0, &options, &parts(Odd, &MemorySinks::default())).unwrap());
}
