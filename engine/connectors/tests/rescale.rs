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

/// All rows that `parallelism` instances give, in the order of the instances.
fn rows_of_all(table: &Table, parallelism: usize) -> Vec<String> {
    let rows = |index| {
        let run = drain(&mut *Connectors.source(&node(table), index, parallelism).unwrap());
        assert!(run.error.is_none(), "{}", run.error_text());
        run.rows()
    };
    (0..parallelism).flat_map(rows).collect()
}

#[test]
fn a_file_is_cut_anywhere_and_each_record_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in");
    let texts = [
        "a\r\nbb\r\n\r\n\nccc\ndddddddd\n\n",
        "a\nbb\nccc",
        "abcdefgh\nijklmnop\nqrstuvwx\n",
        "\n\n\n\n\n",
        "\u{feff}x\ny\n",
    ];
    for text in texts {
        fs::write(&path, text).unwrap();
        let expected: Vec<&str> = text.lines().collect();
        for split in 1..=text.len() {
            let split = format!("{split} b");
            let options = [
                ("connector", "filesystem"),
                ("format", "raw"),
                ("path", path.to_str().unwrap()),
                ("source.split-size", split.as_str()),
            ];
            let table = table(&[("line", string())], &options);
            for parallelism in [2, 3] {
                let mut rows = rows_of_all(&table, parallelism);
                let mut expected = expected.clone();
                rows.sort();
                expected.sort_unstable();
                assert_eq!(rows, expected, "{text:?} in parts of {split} at {parallelism}");
            }
        }
    }
}

#[test]
fn the_parts_of_a_file_are_shared_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (json, csv) = (dir.path().join("a.json"), dir.path().join("a.csv"));
    let json_line = |i: usize| {
        format!("{{\"id\":{i},\"name\":\"{}\"}}{}", "x".repeat(i % 90), if i % 2 == 0 { "\n" } else { "\r\n" })
    };
    fs::write(&json, (0..60_000).map(json_line).collect::<String>().trim_end()).unwrap();
    // Lines of 16 bytes: parts begin where lines do.
    let csv_lines = (0..60_000).map(|i| format!("a\"{i:06},{i:06}\n"));
    fs::write(&csv, format!("name,        id\n{}", csv_lines.collect::<String>())).unwrap();
    let table_of = |path: &std::path::Path, format: &str, more: &[(&str, &str)]| {
        let mut options = vec![("connector", "filesystem"), ("format", format), ("path", path.to_str().unwrap())];
        options.extend(more);
        table(&[("id", TypeKind::BigInt), ("name", string())], &options)
    };
    check(&table_of(&json, "json", &[("source.split-size", "50003 b")]));
    let quotes = ("csv.disable-quote-character", "true");
    check(&table_of(&csv, "csv", &[("csv.header", "true"), quotes, ("source.split-size", "32000 b")]));
    // With quotes a record may hold line breaks: one instance reads it all.
    fs::write(&csv, "1,\"a\nb\"\n".repeat(1000)).unwrap();
    let quoted = table_of(&csv, "csv", &[("source.split-size", "100 b")]);
    let first = drain(&mut *Connectors.source(&node(&quoted), 0, 2).unwrap()).rows();
    assert_eq!(first, vec!["1|a\nb"; 1000]);
    assert_eq!(drain(&mut *Connectors.source(&node(&quoted), 1, 2).unwrap()).rows(), [""; 0]);
}

#[test]
fn the_row_groups_of_a_parquet_file_are_shared_anew() {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.parquet");
    let id: ArrayRef = std::sync::Arc::new((0..60_000).collect::<Int64Array>());
    let name: ArrayRef = std::sync::Arc::new((0..60_000).map(|i| Some(format!("n{i}"))).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("id", id), ("name", name)]).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1_700)).build();
    let mut writer = ArrowWriter::try_new(fs::File::create(&path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let options = |split| {
        [
            ("connector", "filesystem"),
            ("format", "parquet"),
            ("path", path.to_str().unwrap()),
            ("source.split-size", split),
        ]
    };
    let columns = [("id", TypeKind::BigInt), ("name", string())];
    let (cut, whole) = (table(&columns, &options("20 kb")), table(&columns, &options("0 b")));
    check(&cut);
    let share = |table: &Table| drain(&mut *Connectors.source(&node(table), 1, 2).unwrap()).rows().len();
    assert!((10_000..50_000).contains(&share(&cut)), "{}", share(&cut));
    assert_eq!(share(&whole), 0);
}

#[test]
fn errors_in_a_part_name_the_line_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    let line = |i: usize| if i == 2_345 { "{\"id\":x}\n".to_owned() } else { format!("{{\"id\":{i}}}\n") };
    fs::write(&path, (1..=4_000).map(line).collect::<String>()).unwrap();
    let options = [
        ("connector", "filesystem"),
        ("format", "json"),
        ("path", path.to_str().unwrap()),
        ("source.split-size", "1 kb"),
        ("on-error", "dead-letter:x"),
    ];
    let table = table(&[("id", TypeKind::BigInt)], &options);
    let runs: Vec<_> = (0..3).map(|i| drain(&mut *Connectors.source(&node(&table), i, 3).unwrap())).collect();
    let places: Vec<&str> = runs.iter().flat_map(|r| &r.letters).map(|l| l.place.as_str()).collect();
    assert_eq!(places, [format!("{}:2345", path.display())]);
    assert_eq!(runs.iter().map(|r| r.rows().len()).sum::<usize>(), 3_999);
}

#[test]
fn a_file_that_changed_before_a_part_was_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    let text: String = (0..4_000).map(|i| format!("{{\"id\":{i}}}\n")).collect();
    fs::write(&path, &text).unwrap();
    let options = [
        ("connector", "filesystem"),
        ("format", "json"),
        ("path", path.to_str().unwrap()),
        ("source.split-size", "1 kb"),
    ];
    let table = table(&[("id", TypeKind::BigInt)], &options);
    let position = Connectors.source(&node(&table), 1, 2).unwrap().position();
    for other in [text.replace("id", "ix"), text[..text.len() / 2].to_owned()] {
        fs::write(&path, other).unwrap();
        let mut source = Connectors.source(&node(&table), 1, 2).unwrap();
        source.seek(&position).unwrap();
        let error = drain(&mut *source).error_text();
        assert!(error.contains("is not as it was when it was read before"), "{error}");
    }
}
