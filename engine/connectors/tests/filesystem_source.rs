//! The `filesystem` source: paths, compression, positions and bad input.

mod common;

use std::fs;
use std::io::Write;
use std::time::Duration;

use common::{drain, node, read, row, string, table};
use wasmill_connectors::Connectors;
use wasmill_plan::{Column, ColumnKind, DataType, SourceNode, Table, TypeKind};
use wasmill_runtime::source::{Source, SourceEvent, SourceFactory};

fn json_table(path: &std::path::Path, more: &[(&str, &str)]) -> Table {
    let mut options = vec![("connector", "filesystem"), ("format", "json"), ("path", path.to_str().unwrap())];
    options.extend(more);
    table(&[("id", TypeKind::BigInt), ("name", string())], &options)
}

fn gz(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_of_a_folder_are_read_in_the_order_of_their_names() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("b.json"), "{\"id\":2,\"name\":\"b\"}\n").unwrap();
    fs::write(dir.path().join("a.json.gz"), gz("{\"id\":1,\"name\":\"a\"}\n")).unwrap();
    fs::write(dir.path().join("c.zst"), zstd::encode_all(&b"{\"id\":3}"[..], 1).unwrap()).unwrap();
    fs::write(dir.path().join(".hidden"), "no JSON").unwrap();
    fs::write(dir.path().join("_SUCCESS"), "no JSON").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/e"), "{\"name\":\"e\",\"id\":4,\"other\":[1,{\"x\":\"}\"}]}").unwrap();
    assert_eq!(read(&json_table(dir.path(), &[])).rows(), ["1|a", "2|b", "3|NULL", "4|e"]);
    assert_eq!(read(&json_table(&dir.path().join("[ab].json*"), &[])).rows(), ["1|a", "2|b"]);

    let all = json_table(dir.path(), &[]);
    let shares: Vec<_> = (0..2).map(|i| drain(&mut *Connectors.source(&node(&all), i, 2).unwrap()).rows()).collect();
    assert_eq!(shares, [vec!["1|a", "3|NULL"], vec!["2|b", "4|e"]]);
}

#[test]
fn a_source_continues_where_its_position_says() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..20_000).map(|i| format!("{{\"id\":{i},\"name\":\"n{i}\"}}\n")).collect();
    for (name, bytes) in [("a.json", text.clone().into_bytes()), ("b.json.gz", gz(&text))] {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let table = json_table(dir.path(), &[]);
    let whole = read(&table).rows();
    assert_eq!(whole.len(), 40_000);
    for polls in 0..7 {
        let mut first = Connectors.source(&node(&table), 0, 1).unwrap();
        let mut rows = Vec::new();
        for _ in 0..polls {
            if let SourceEvent::Rows(batch) = first.poll(Duration::ZERO).unwrap() {
                rows.extend(common::rows_of(&batch));
            }
        }
        let position = serde_json::from_str(&first.position().to_string()).unwrap();
        let mut second = Connectors.source(&node(&table), 0, 1).unwrap();
        second.seek(&position).unwrap();
        rows.extend(drain(&mut *second).rows());
        assert_eq!(rows, whole, "after {polls} polls");
    }
}

#[test]
fn positions_of_all_instances_serve_another_parallelism() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a", "b", "c"] {
        let text: String = (0..10_000).map(|i| format!("{{\"id\":{i},\"name\":\"{file}\"}}\n")).collect();
        fs::write(dir.path().join(file), text).unwrap();
    }
    let table = json_table(dir.path(), &[]);
    let mut rows = Vec::new();
    let mut positions = Vec::new();
    for index in 0..2 {
        let mut source = Connectors.source(&node(&table), index, 2).unwrap();
        if let SourceEvent::Rows(batch) = source.poll(Duration::ZERO).unwrap() {
            rows.extend(common::rows_of(&batch));
        }
        positions.push(source.position());
    }
    let mut source = Connectors.source(&node(&table), 0, 1).unwrap();
    source.seek_all(&positions).unwrap();
    rows.extend(drain(&mut *source).rows());
    rows.sort();
    let mut whole = read(&table).rows();
    whole.sort();
    assert_eq!(rows, whole);
}

#[test]
fn only_columns_of_the_projection_are_decoded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    fs::write(&path, "{\"id\":\"not a number\",\"name\":\"a\"}\n").unwrap();
    let table = json_table(&path, &[]);
    let node = SourceNode::new(Box::new(table.clone()), vec![1]);
    assert_eq!(drain(&mut *Connectors.source(&node, 0, 1).unwrap()).rows(), ["a"]);
    let none = SourceNode::new(Box::new(table), vec![]);
    assert_eq!(drain(&mut *Connectors.source(&none, 0, 1).unwrap()).batches[0].num_rows(), 1);
}

#[test]
fn metadata_columns_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    fs::write(&path, "{\"id\":1}\n{\"id\":2}\n").unwrap();
    let mut table = json_table(&path, &[]);
    for (key, data_type) in [
        ("file.name", DataType::string()),
        ("file.size", DataType::nullable(TypeKind::Int)),
        ("file.path", DataType::string()),
        ("file.modification-time", DataType::nullable(TypeKind::TimestampLtz(3))),
    ] {
        table.columns.push(Column {
            name: key.into(),
            data_type,
            kind: ColumnKind::Metadata { key: key.into(), is_virtual: true },
        });
    }
    let rows = read(&table).rows();
    assert_eq!(rows.len(), 2);
    assert!(rows[1].starts_with(&format!("2|NULL|in.json|18|{}|20", path.display())), "{}", rows[1]);
}

#[test]
fn a_followed_file_gives_new_rows_and_waits_for_whole_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    fs::write(&path, "{\"id\":1}\n{\"id\":").unwrap();
    let mut source =
        Connectors.source(&node(&json_table(dir.path(), &[("source.monitor-interval", "1 ms")])), 0, 1).unwrap();
    let next = |source: &mut dyn Source| loop {
        match source.poll(Duration::from_millis(5)).unwrap() {
            SourceEvent::Rows(batch) => return common::rows_of(&batch),
            SourceEvent::Pending => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(next(&mut *source), ["1|NULL"]);
    assert!(matches!(source.poll(Duration::from_millis(5)).unwrap(), SourceEvent::Pending));
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"2}\n{\"id\":3}\n").unwrap();
    assert_eq!(next(&mut *source), ["2|NULL", "3|NULL"]);
    fs::write(dir.path().join("later.json"), "{\"id\":4}\n").unwrap();
    assert_eq!(next(&mut *source), ["4|NULL"]);
}

#[test]
fn a_missing_file_names_the_nearest_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("payments.json"), "").unwrap();
    let error = read(&json_table(&dir.path().join("payment.json"), &[])).error_text();
    assert!(error.contains("does not exist; did you mean") && error.contains("payments.json'?"), "{error}");
    let error = read(&json_table(&dir.path().join("no/such/file"), &[])).error_text();
    assert!(error.contains("does not exist: there is no"), "{error}");
    let error = read(&json_table(&dir.path().join("*.csv"), &[])).error_text();
    assert!(error.contains("no file matches"), "{error}");
}

#[test]
fn bad_records_fail_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    let cases: [(&[u8], &str); 8] = [
        (b"{\"id\":1}\n{\"id\":2", "invalid JSON at byte 8: expected ',' or '}'"),
        (b"{\"id\":1}\n{\"id\":\"x\"}", "field 'id': 'x' is not a BIGINT"),
        (b"{\"id\":1}\n{\"id\":99999999999999999999}", "field 'id': '99999999999999999999' is not a BIGINT"),
        (b"{\"id\":1}\n{\"name\":\"\xFF\"}", "invalid UTF-8 at byte 10"),
        (b"{\"id\":1}\n{\"name\":\"a\x01\"}", "no unescaped control character"),
        (b"{\"id\":1}\n{\"name\":\"\\q\"}", "expected one of the escapes"),
        (b"{\"id\":1}\n[{\"id\":1}, 2]", "expected an object"),
        (b"{\"id\":1}\n{\"id\":1}}", "expected the end of the record"),
    ];
    for (bytes, message) in cases {
        fs::write(&path, bytes).unwrap();
        let run = read(&json_table(&path, &[]));
        assert_eq!(run.rows(), ["1|NULL"], "rows before the bad one are given");
        let error = run.error_text();
        assert!(error.contains(message), "{error}");
        assert!(error.ends_with("in.json:2"), "{error}");
    }
}

#[test]
fn on_error_skips_or_sends_exactly_the_bad_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    fs::write(&path, "{\"id\":1,\"name\":\"a\"}\nrubbish\n{\"name\":\"half\",\"id\":[]}\n{\"id\":2}\n").unwrap();
    let skip = read(&json_table(&path, &[("on-error", "skip")]));
    assert_eq!((skip.rows(), skip.skipped), (vec!["1|a".into(), "2|NULL".into()], 2));
    let letters = read(&json_table(&path, &[("on-error", "dead-letter:bad")]));
    assert_eq!(letters.rows(), ["1|a", "2|NULL"]);
    assert_eq!(letters.letters.len(), 2);
    assert_eq!(letters.letters[0].raw, b"rubbish");
    assert!(letters.letters[1].place.ends_with("in.json:3"));
    assert_eq!(letters.letters[1].reason, "field 'id': '[]' is not a BIGINT");
}

#[test]
fn dead_letters_that_wait_are_part_of_the_position() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    fs::write(&path, "{\"id\":1}\nrubbish\n").unwrap();
    let table = json_table(&path, &[("on-error", "dead-letter:bad")]);
    let mut first = Connectors.source(&node(&table), 0, 1).unwrap();
    assert!(matches!(first.poll(Duration::ZERO).unwrap(), SourceEvent::Rows(_)));
    let mut second = Connectors.source(&node(&table), 0, 1).unwrap();
    second.seek(&first.position()).unwrap();
    let run = drain(&mut *second);
    assert_eq!((run.rows().len(), run.letters.len()), (0, 1));
    assert_eq!(run.letters[0].raw, b"rubbish");
}

#[test]
fn ignored_parse_errors_are_null() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    fs::write(&path, "{\"id\":\"x\",\"name\":\"a\"}\nrubbish\n{\"id\":3}\n").unwrap();
    let run = read(&json_table(&path, &[("json.ignore-parse-errors", "true")]));
    assert_eq!((run.rows(), run.skipped), (vec!["NULL|a".into(), "3|NULL".into()], 1));
}

#[test]
fn a_truncated_gz_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json.gz");
    let text: String = (0..5000).map(|i| format!("{{\"id\":{i}}}\n")).collect();
    let bytes = gz(&text);
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let run = read(&json_table(&path, &[]));
    assert!(!run.rows().is_empty());
    assert!(run.error_text().contains("the file is truncated"), "{}", run.error_text());
    fs::write(&path, "plain").unwrap();
    assert!(read(&json_table(&path, &[])).error_text().contains("is not compressed as its name says"));
    let mut damaged = bytes;
    let middle = damaged.len() / 2;
    damaged[middle..middle + 50].fill(0xAA);
    fs::write(&path, &damaged).unwrap();
    assert!(read(&json_table(&path, &[])).error.is_some());
}

#[test]
fn a_record_that_is_too_long_is_named_and_the_next_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    let long = format!("{{\"id\":1,\"name\":\"{}\"}}\n{{\"id\":2}}\n", "x".repeat(3_000_000));
    fs::write(&path, long).unwrap();
    let fail = read(&json_table(&path, &[("record.max-size", "1 mb")])).error_text();
    assert!(fail.contains("longer than 1048576 bytes ('record.max-size')") && fail.ends_with("in.json:1"), "{fail}");
    let letters = read(&json_table(&path, &[("record.max-size", "1 mb"), ("on-error", "dead-letter:d")]));
    assert_eq!(letters.rows(), ["2|NULL"]);
    assert_eq!(letters.letters[0].raw.len(), 65_536);
    assert_eq!(read(&json_table(&path, &[])).rows().len(), 2);
}

#[test]
fn nested_values_and_conversions_are_those_of_flink() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    let columns = [
        ("r", row(&[("a", TypeKind::Int), ("b", string())])),
        ("l", TypeKind::Array(Box::new(DataType::nullable(TypeKind::Double)))),
        ("m", TypeKind::Map(Box::new(DataType::string()), Box::new(DataType::nullable(TypeKind::Int)))),
        ("d", TypeKind::Decimal(5, 2)),
        ("t", TypeKind::Timestamp(3)),
        ("z", TypeKind::TimestampLtz(3)),
        ("b", TypeKind::Boolean),
        ("s", string()),
        ("i", TypeKind::Int),
    ];
    let lines = [
        r#"{"r":{"b":"x\u00e9\ud83d\ude00","a":1},"l":[1,null,2.5],"m":{"k":1,"\"":null},"d":1.005,"t":"2020-10-10 00:00:01.5","z":"2020-10-10 00:00:01Z","b":"TRUE","s":1.50,"i":1.9}"#,
        r#"{"r":null,"l":[],"m":{},"d":"1e2","t":null,"b":false,"s":{"a": [1, "b c"]},"i":" 7 "}"#,
        r#"{"i":1,"i":2,"d":1000}"#,
    ];
    fs::write(&path, lines.join("\n")).unwrap();
    let options = [("connector", "filesystem"), ("format", "json"), ("path", path.to_str().unwrap())];
    assert_eq!(
        read(&table(&columns, &options)).rows(),
        [
            "{a: 1, b: xé😀}|[1.0, , 2.5]|{k: 1, \": }|1.01|2020-10-10T00:00:01.500|2020-10-10T00:00:01Z|true|1.50|1",
            "{}|[]|{}|100.00|NULL|NULL|false|{\"a\":[1,\"b c\"]}|7",
            "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|2",
        ]
        .map(|line| line
            .replace("[1.0, , 2.5]", "[1.0, NULL, 2.5]")
            .replace("\": }", "\": NULL}")
            .replace("{}|[]", "NULL|[]"))
    );
}
