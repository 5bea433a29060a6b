//! The operator with a function that does what its rows say.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use wasmill_expr::{KeyedRows, ProcessResult, TimerChange, TimerClock, UserFunctions, UserProcess, UserScalar};
use wasmill_plan::{DataType, Error, Expr, Operator as Node, Process, Result, StateField, TypeKind};

use super::kept::Kept;
use crate::clock::ManualClock;
use crate::harness::Harness;
use crate::operator::{Operator, Output};
use crate::testing::{operator_context, rows};

/// Commands of a row or in a timer's name, separated by `,`: `add` (to the key's count, and gives it), `set NAME SECONDS`,
/// `wait NAME SECONDS` (by the clock), `clear [NAME]`, `forget`. A timer gives its name, and does what follows a `!` in it, with
/// `_` for blanks.
struct Obedient;

impl Obedient {
    fn run(&self, row: u32, commands: &str, count: &mut Option<i64>, result: &mut ProcessResult) -> Vec<String> {
        let mut said = Vec::new();
        for command in commands.split(',').map(str::trim) {
            let words: Vec<&str> = command.split(' ').collect();
            let timer = |clock| TimerChange {
                row,
                name: words.get(1).map(|&name| name.to_owned()),
                time: words.get(2).map(|s| s.parse::<i64>().unwrap() * 1000),
                clock,
            };
            match words[0] {
                "add" => {
                    *count = Some(count.unwrap_or(0) + 1);
                    said.push(format!("count {}", count.unwrap()));
                }
                "set" | "clear" => result.timers.push(timer(TimerClock::EventTime)),
                "wait" => result.timers.push(timer(TimerClock::ProcessingTime)),
                "forget" => *count = None,
                "" => {}
                other => panic!("{other}"),
            }
        }
        said
    }

    fn call(
        &self,
        rows: &KeyedRows<'_>,
        commands: impl Fn(usize) -> (String, Option<String>),
    ) -> Result<ProcessResult> {
        let state = rows.state[0].as_primitive::<Int64Type>();
        let mut counts: Vec<Option<i64>> = state.iter().collect();
        let (mut result, mut said) = (ProcessResult::default(), Vec::new());
        for (row, &key) in rows.key.iter().enumerate() {
            let (todo, first) = commands(row);
            let lines = self.run(row as u32, &todo, &mut counts[key as usize], &mut result);
            for line in first.into_iter().chain(lines) {
                result.parents.push(row as u32);
                said.push(line);
            }
        }
        let changed =
            (0..rows.keys as u32).filter(|&key| counts[key as usize] != state.iter().nth(key as usize).unwrap());
        result.changed = changed.collect();
        result.fields = vec![1; result.changed.len()];
        let written: Int64Array = result.changed.iter().map(|&key| counts[key as usize]).collect();
        result.state = vec![Arc::new(written)];
        result.columns = vec![Arc::new(StringArray::from(said))];
        Ok(result)
    }
}

impl UserProcess for Obedient {
    fn process(&mut self, rows: &KeyedRows<'_>, args: &[ArrayRef]) -> Result<ProcessResult> {
        let commands = args[0].as_string::<i32>();
        self.call(rows, |row| (commands.value(row).to_owned(), None))
    }
    fn timer(&mut self, timers: &KeyedRows<'_>, names: &StringArray) -> Result<ProcessResult> {
        self.call(timers, |row| {
            let name = if names.is_null(row) { "" } else { names.value(row) };
            let (said, todo) = name.split_once('!').unwrap_or((name, ""));
            (todo.replace('_', " "), Some(format!("timer {said}")))
        })
    }
}

struct Functions;

impl UserFunctions for Functions {
    fn scalar(&self, name: &str) -> Result<Box<dyn UserScalar>> {
        Err(Error::query(name))
    }
    fn process(&self, _name: &str) -> Result<Box<dyn UserProcess>> {
        Ok(Box::new(Obedient))
    }
}

const INPUT: &str = "k STRING, t TIMESTAMP(3), todo STRING";
const OUTPUT: &str = "k STRING, said STRING, rowtime TIMESTAMP(3)";

fn node(ordered: bool, ttl_ms: Option<i64>) -> Process {
    let count = StateField { name: "count".into(), data_type: DataType::nullable(TypeKind::BigInt), ttl_ms };
    Process {
        function: "obedient".into(),
        uid: None,
        partition: vec![0],
        args: vec![Expr::column(2, DataType::string())],
        state: vec![count],
        time_column: Some(1),
        order: ordered.then(Vec::new),
        outputs: vec![DataType::string()],
    }
}

fn harness(ordered: bool) -> Harness {
    let mut harness = Harness::new(Node::Process(node(ordered, None)), &[INPUT], OUTPUT).keyed(&[0]);
    harness.context.functions = Arc::new(Functions);
    harness
}

#[test]
fn with_an_order_rows_and_timers_come_by_their_times() {
    harness(true).check(
        "a | 00:00:03 | add
         a | 00:00:01 | add,set x 2
         b | 00:00:02 | add
         NULL | 00:00:02 | add
         watermark 00:00:02
         a | 00:00:02 | add
         a | 00:00:05 | add,set x 6
         a | 00:00:09 | add,clear x
         a | 00:00:05.500 | set x 9
         watermark 00:00:20
         end",
        "+I a | count 1 | 00:00:01
         +I b | count 1 | 00:00:02
         +I NULL | count 1 | 00:00:02
         +I a | timer x | 00:00:02
         watermark 00:00:02
         late a | 00:00:02 | add
         +I a | count 2 | 00:00:03
         +I a | count 3 | 00:00:05
         +I a | count 4 | 00:00:09
         watermark 00:00:20
         watermark MAX",
    );
}

#[test]
fn without_one_rows_come_as_they_arrive() {
    harness(false).check(
        "a | 00:00:03 | add,set x 4
         ^ 00:00:03
         a | 00:00:01 | add,set y 2
         a | 00:00:05 | add
         ^ 00:00:05
         b | 00:00:01 | add
         a | 00:00:06 | add
         end",
        "+I b | count 1 | 00:00:01
         +I a | count 1 | 00:00:03
         +I a | count 2 | 00:00:01
         +I a | count 3 | 00:00:05
         +I a | timer y | 00:00:02
         +I a | timer x | 00:00:04
         +I a | count 4 | 00:00:06
         watermark 00:00:05
         watermark MAX",
    );
}

#[test]
fn timers_are_replaced_cleared_and_set_by_timers() {
    harness(true).check(
        "a | 00:00:01 | set x 3,set x 5,set y 4,clear y,set w!set_w_9 6
         a | 00:00:30 | add
         b | 00:00:01 | set x 2,set y 3,clear
         watermark 00:00:40
         end",
        "+I a | timer x | 00:00:05
         +I a | timer w | 00:00:06
         +I a | timer w | 00:00:09
         +I a | count 1 | 00:00:30
         watermark 00:00:40
         watermark MAX",
    );
}

#[test]
fn a_field_is_null_when_its_time_is_over() {
    let mut kept = Kept::new(vec![arrow::datatypes::DataType::Utf8], &node(true, Some(1_000)).state).unwrap();
    let keys: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec!["a", "b"]))];
    let ids = kept.ids(&keys, &crate::state::hash_rows(&keys, 2)).unwrap();
    let value = |n: i64| vec![Arc::new(Int64Array::from(vec![n])) as ArrayRef];
    kept.write(&ids[..1], &[1], &value(1), 0).unwrap();
    kept.write(&ids[1..], &[1], &value(2), 500).unwrap();
    let seen =
        |kept: &Kept, now| kept.state(&ids, now).unwrap()[0].as_primitive::<Int64Type>().iter().collect::<Vec<_>>();
    assert_eq!(seen(&kept, 999), [Some(1), Some(2)]);
    assert_eq!(seen(&kept, 1_000), [None, Some(2)]);
    // A field that is not written keeps its time.
    kept.write(&ids[1..], &[0], &value(9), 1_400).unwrap();
    assert_eq!(seen(&kept, 1_499), [None, Some(2)]);
    kept.now_ms = 1_499;
    let saved = crate::state::StateTable::save(&mut kept).unwrap();
    assert_eq!(saved.num_rows(), 1, "what is over is not saved");
    let mut restored = Kept::new(vec![arrow::datatypes::DataType::Utf8], &node(true, Some(1_000)).state).unwrap();
    crate::state::StateTable::load(&mut restored, saved).unwrap();
    let ids = restored.ids(&keys, &crate::state::hash_rows(&keys, 2)).unwrap();
    let state = restored.state(&ids, 1_499).unwrap();
    assert_eq!(state[0].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None, Some(2)]);
    let state = restored.state(&ids, 1_500).unwrap();
    assert_eq!(state[0].null_count(), 2);
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Output for Lines {
    fn emit(&mut self, batch: crate::batch::Batch) {
        self.0.extend(rows::lines(&batch.rows));
    }
    fn late(&mut self, _rows: arrow::array::RecordBatch) {}
}

#[test]
fn timers_of_processing_time_fire_in_pauses() {
    let clock = Arc::new(ManualClock::at(10_000));
    let mut context = operator_context("p");
    context.clock = clock.clone();
    context.functions = Arc::new(Functions);
    let (input, output) = (rows::schema(INPUT), rows::schema(OUTPUT));
    let make = || super::ProcessOperator::new(&node(false, None), &input, &output, &context).unwrap();
    let mut operator = make();
    let mut out = Lines::default();
    let batch = rows::batch(&input, &["a | 00:00:01 | wait x 12,wait y 20", "b | 00:00:01 | wait x 11"]);
    operator.on_batch(0, crate::batch::Batch::append(batch), &mut out).unwrap();
    operator.on_pause(&mut out).unwrap();
    assert!(out.0.is_empty(), "{:?}", out.0);
    clock.set(12_000);
    operator.on_pause(&mut out).unwrap();
    assert_eq!(out.0, ["b | timer x | 00:00:11", "a | timer x | 00:00:12"]);
    let saved: Vec<_> = operator.state().into_iter().map(|table| table.save().unwrap()).collect();
    let mut restored = make();
    restored.state().into_iter().zip(saved).for_each(|(table, rows)| table.load(rows).unwrap());
    clock.set(25_000);
    out.0.clear();
    restored.on_pause(&mut out).unwrap();
    assert_eq!(out.0, ["a | timer y | 00:00:20"]);
}

#[test]
fn keys_whose_state_is_over_are_forgotten_without_a_checkpoint() {
    let mut kept = Kept::new(vec![arrow::datatypes::DataType::Int64], &node(true, Some(60_000)).state).unwrap();
    let mut most = 0;
    // A thousand new keys a second: 60,000 have state at a time.
    for second in 0..300 {
        let now_ms = second * 1_000;
        kept.sweep_in_time(now_ms).unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(second * 1_000..(second + 1) * 1_000));
        let hashes = crate::state::hash_rows(std::slice::from_ref(&column), 1_000);
        let ids = kept.ids(std::slice::from_ref(&column), &hashes).unwrap();
        kept.write(&ids, &[1; 1_000], &[column], now_ms).unwrap();
        most = most.max(kept.len());
    }
    assert!((60_000..130_000).contains(&most), "{most}");
}
