//! The `filesystem` sink: parts, epochs, restores, and one file made of parts.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray, UInt8Array};
use common::{read, string, table};
use wasmill_connectors::TableSinks;
use wasmill_plan::{SinkNode, Table, TypeKind};
use wasmill_runtime::batch::Batch;
use wasmill_runtime::sink::{Sink, SinkFactory};

fn target(path: &Path, format: &str, more: &[(&str, &str)]) -> Table {
    let mut options = vec![("connector", "filesystem"), ("format", format), ("path", path.to_str().unwrap())];
    options.extend(more);
    table(&[("id", TypeKind::BigInt), ("name", string())], &options)
}

fn sink(sinks: &TableSinks, table: &Table, index: usize, parallelism: usize) -> Box<dyn Sink> {
    let node = SinkNode { table: Some(Box::new(table.clone())) };
    sinks.sink(&node, &table.schema(), index, parallelism).unwrap()
}

fn rows(ids: std::ops::Range<i64>) -> Batch {
    let schema = target(Path::new("x"), "json", &[]).schema().to_arrow();
    let names = StringArray::from_iter_values(ids.clone().map(|i| format!("n{i}")));
    Batch::append(
        RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from_iter_values(ids)), Arc::new(names)]).unwrap(),
    )
}

fn visible(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|n| !n.starts_with('.'));
    names.sort();
    names
}

fn ids(table: &Table) -> Vec<i64> {
    let mut ids: Vec<i64> = read(table).rows().iter().map(|r| r.split('|').next().unwrap().parse().unwrap()).collect();
    ids.sort();
    ids
}

#[test]
fn rows_become_visible_with_their_epochs_commit() {
    let dir = tempfile::tempdir().unwrap();
    let table = target(dir.path(), "json", &[]);
    let sinks = TableSinks::default();
    let mut sink = sink(&sinks, &table, 0, 1);
    sink.write(&rows(0..3)).unwrap();
    sink.flush().unwrap();
    assert_eq!(visible(dir.path()), [""; 0]);
    sink.prepare(1).unwrap();
    sink.write(&rows(3..5)).unwrap();
    assert_eq!(visible(dir.path()), [""; 0]);
    sink.commit(1).unwrap();
    sink.commit(1).unwrap();
    assert_eq!(visible(dir.path()), ["part-1-0-1-0.json"]);
    sink.finish().unwrap();
    assert_eq!(visible(dir.path()), ["part-1-0-1-0.json", "part-1-0-2-0.json"]);
    assert_eq!(ids(&table), [0, 1, 2, 3, 4]);
}

/// A crash at every step, then a restore of the last complete epoch and the same rows again.
#[test]
fn nothing_is_lost_or_seen_twice_after_a_crash() {
    for (format, suffix) in
        [("json", ""), ("csv", ""), ("parquet", ""), ("json", "out.json"), ("parquet", "out.parquet")]
    {
        for crash in 0..8 {
            let dir = tempfile::tempdir().unwrap();
            let table = target(&dir.path().join(suffix), format, &[]);
            let mut completed = 0;
            let steps = |sink: &mut dyn Sink, from: u64, until: usize, completed: &mut u64| {
                let mut step = 0;
                for epoch in from + 1..=2 {
                    let first = (epoch as i64 - 1) * 10;
                    let actions: [&mut dyn FnMut(&mut dyn Sink); 3] = [
                        &mut |s| s.write(&rows(first..first + 10)).unwrap(),
                        &mut |s| s.prepare(epoch).unwrap(),
                        &mut |s| s.commit(epoch).unwrap(),
                    ];
                    for (number, action) in actions.into_iter().enumerate() {
                        if step == until {
                            return;
                        }
                        action(sink);
                        if number == 1 {
                            *completed = epoch;
                        }
                        step += 1;
                    }
                }
                sink.write(&rows(20..25)).unwrap();
                if step < until {
                    sink.finish().unwrap();
                }
            };
            let sinks = TableSinks::default();
            steps(&mut *sink(&sinks, &table, 0, 1), 0, crash, &mut completed);
            let sinks = TableSinks::default();
            let mut again = sink(&sinks, &table, 0, 1);
            let mut ignored = 0;
            let ended = crash == 7 && !suffix.is_empty();
            if completed > 0 && !ended {
                again.restore(completed).unwrap();
                again.commit(completed).unwrap();
            }
            if ended {
                let error = again.restore(completed).unwrap_err().to_string();
                assert!(error.contains("is complete: the job had ended"), "{error}");
            } else {
                steps(&mut *again, completed, usize::MAX, &mut ignored);
            }
            assert_eq!(ids(&table), (0..25).collect::<Vec<_>>(), "{format} {suffix}, crash at step {crash}");
        }
    }
}

#[test]
fn another_run_adds_and_a_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let folder = target(&dir.path().join("out"), "csv", &[("csv.header", "true")]);
    let file = target(&dir.path().join("new/out.csv.gz"), "csv", &[("csv.header", "true")]);
    for _ in 0..2 {
        for table in [&folder, &file] {
            let sinks = TableSinks::default();
            let mut parts = [sink(&sinks, table, 0, 2), sink(&sinks, table, 1, 2)];
            for (index, part) in parts.iter_mut().enumerate() {
                part.write(&rows(index as i64..index as i64 + 1)).unwrap();
            }
            parts.iter_mut().for_each(|p| p.finish().unwrap());
        }
    }
    assert_eq!(ids(&folder), [0, 0, 1, 1]);
    assert_eq!(ids(&file), [0, 1]);
    assert_eq!(visible(&dir.path().join("new")), ["out.csv.gz"]);
    assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 1, "no hidden folder is left");
}

#[test]
fn two_sinks_of_one_table_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let table = target(dir.path(), "json", &[]);
    let sinks = TableSinks::default();
    let mut both = [sink(&sinks, &table, 0, 1), sink(&sinks, &table, 0, 1)];
    both[0].write(&rows(0..1)).unwrap();
    both[1].write(&rows(1..2)).unwrap();
    both.iter_mut().for_each(|s| s.finish().unwrap());
    assert_eq!(ids(&table), [0, 1]);
}

#[test]
fn parts_roll_and_compress() {
    let dir = tempfile::tempdir().unwrap();
    let table = target(dir.path(), "json", &[("sink.rolling-policy.file-size", "1 kb"), ("sink.compression", "zstd")]);
    let sinks = TableSinks::default();
    let mut sink = sink(&sinks, &table, 0, 1);
    for first in [0, 100, 200] {
        sink.write(&rows(first..first + 100)).unwrap();
    }
    sink.prepare(5).unwrap();
    sink.commit(5).unwrap();
    assert_eq!(visible(dir.path()), ["part-1-0-5-0.json.zst", "part-1-0-5-1.json.zst", "part-1-0-5-2.json.zst"]);
    assert_eq!(ids(&table).len(), 300);
}

#[test]
fn an_empty_result_is_an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    for (name, format) in [("a.csv", "csv"), ("b.parquet", "parquet"), ("c.jsonl.gz", "json")] {
        let table = target(&dir.path().join(name), format, &[]);
        let sinks = TableSinks::default();
        sink(&sinks, &table, 0, 1).finish().unwrap();
        assert_eq!(read(&table).rows(), [""; 0]);
        assert!(read(&table).error.is_none(), "{}", read(&table).error_text());
    }
}

#[test]
fn updates_and_unwritable_places_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let sinks = TableSinks::default();
    let mut good = sink(&sinks, &target(&dir.path().join("a"), "json", &[]), 0, 1);
    let batch = Batch::changes(rows(0..1).rows, UInt8Array::from(vec![3]));
    assert!(good.write(&batch).unwrap_err().to_string().contains("only new rows"));
    let mut bad = sink(&sinks, &target(&dir.path().join("file/below"), "json", &[]), 0, 1);
    let error = bad.write(&rows(0..1)).unwrap_err().to_string();
    assert!(error.starts_with("cannot write '") && error.contains("file/below"), "{error}");
}
