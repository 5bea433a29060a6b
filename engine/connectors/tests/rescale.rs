//! Sources that continue with another number of instances: each row once, whatever had been read.

mod common;

use std::fs;
use std::time::Duration;

use common::{drain, node, rows_of, string, table};
use wasmill_connectors::Connectors;
use wasmill_plan::{Table, TypeKind};
use wasmill_runtime::source::{SourceEvent, SourceFactory};

/// Reads the table with 3, then 2, 5 and 1 instances: each polls as often as `polls` says and the next go on from there.
fn rows_over_changes(table: &Table, polls: impl Fn(usize, usize) -> usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut positions = Vec::new();
    for (round, parallelism) in [3, 2, 5, 1].into_iter().enumerate() {
        let mut next = Vec::new();
        for index in 0..parallelism {
            let mut source = Connectors.source(&node(table), index, parallelism).unwrap();
            if !positions.is_empty() {
                source.seek_all(&positions).unwrap();
            }
            if parallelism == 1 {
                rows.extend(drain(&mut *source).rows());
            }
            for _ in 0..polls(round, index) {
                if let SourceEvent::Rows(batch) = source.poll(Duration::ZERO).unwrap() {
                    rows.extend(rows_of(&batch));
                }
            }
            next.push(serde_json::from_str(&source.position().to_string()).unwrap());
        }
        positions = next;
    }
    rows.sort();
    rows
}

fn check(table: &Table) {
    let mut whole = drain(&mut *Connectors.source(&node(table), 0, 1).unwrap()).rows();
    whole.sort();
    assert!(whole.len() > 20_000);
    for skew in 0..4 {
        let rows = rows_over_changes(table, |round, index| (round * 2 + index * skew) % 4);
        assert_eq!(rows.len(), whole.len(), "skew {skew}");
        assert!(rows == whole, "other rows, skew {skew}");
    }
}

fn files(lines: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a", "b", "c", "d"] {
        let line = |i: usize| format!("{{\"id\":{i},\"name\":\"{file}\",\"ts\":{i}}}\n");
        fs::write(dir.path().join(file), (0..lines).map(line).collect::<String>()).unwrap();
    }
    dir
}

#[test]
fn files_are_shared_anew() {
    let dir = files(20_000);
    let options = [("connector", "filesystem"), ("format", "json"), ("path", dir.path().to_str().unwrap())];
    check(&table(&[("id", TypeKind::BigInt), ("name", string())], &options));
}

#[test]
fn replayed_files_are_shared_anew_within_a_batch() {
    let dir = files(30);
    let options = [
        ("connector", "filesystem"),
        ("format", "json"),
        ("path", dir.path().to_str().unwrap()),
        ("replay.speed", "1"),
        ("replay.time-column", "ts"),
    ];
    let table = table(&[("id", TypeKind::BigInt), ("name", string()), ("ts", TypeKind::BigInt)], &options);
    let rows = rows_over_changes(&table, |_, _| 2);
    assert_eq!(rows.len(), 4 * 30, "{rows:?}");
    let mut unique = rows.clone();
    unique.dedup();
    assert_eq!(unique, rows);
}

#[test]
fn generated_rows_are_shared_anew() {
    for (end, more) in [("100000", ("seed", "3")), ("99991", ("seed", "0"))] {
        let options = [("connector", "datagen"), ("rows-per-second", "1000000000"), ("number-of-rows", end), more];
        check(&table(&[("id", TypeKind::BigInt), ("name", string())], &options));
    }
}

#[test]
fn a_file_that_changed_since_its_position_is_refused() {
    let dir = files(20_000);
    let options = [("connector", "filesystem"), ("format", "json"), ("path", dir.path().to_str().unwrap())];
    let table = table(&[("id", TypeKind::BigInt), ("name", string())], &options);
    let mut first = Connectors.source(&node(&table), 0, 1).unwrap();
    assert!(matches!(first.poll(Duration::ZERO).unwrap(), SourceEvent::Rows(_)));
    let position = first.position();
    let text: String = (0..20_000).map(|i| format!("{{\"id\":{},\"name\":\"x\"}}\n", i + 7)).collect();
    fs::write(dir.path().join("a"), text).unwrap();
    let mut second = Connectors.source(&node(&table), 0, 1).unwrap();
    second.seek(&position).unwrap();
    let error = drain(&mut *second).error_text();
    assert!(error.contains("is not as it was when it was read before"), "{error}");
    // A file that came later is not part of what was being read.
    fs::write(dir.path().join("e"), "no JSON").unwrap();
    let mut third = Connectors.source(&node(&table), 0, 1).unwrap();
    third.seek_all(&[serde_json::json!({"files": {}, "letters": []})]).unwrap();
    assert_eq!(drain(&mut *third).rows(), [""; 0]);
}
