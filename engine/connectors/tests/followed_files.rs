//! Files that are followed as they grow: half-written lines, rotation, truncation, and who reads what.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{node, rows_of, string, table};
use wasmill_connectors::Connectors;
use wasmill_plan::{Table, TypeKind};
use wasmill_runtime::source::{Source, SourceEvent, SourceFactory};

fn followed(path: &Path, format: &str, more: &[(&str, &str)]) -> Table {
    let path = path.to_str().unwrap();
    let mut options =
        vec![("connector", "filesystem"), ("format", format), ("path", path), ("source.monitor-interval", "1 ms")];
    options.extend(more);
    table(&[("id", TypeKind::BigInt), ("name", string())], &options)
}

fn source(table: &Table) -> Box<dyn Source> {
    Connectors.source(&node(table), 0, 1).unwrap()
}

/// The rows that come until `count` are there, then until nothing more comes.
fn next(source: &mut dyn Source, count: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut quiet = 0;
    let until = Instant::now() + Duration::from_secs(20);
    while rows.len() < count || quiet < 3 {
        assert!(Instant::now() < until, "only {rows:?}");
        match source.poll(Duration::from_millis(3)).unwrap() {
            SourceEvent::Rows(batch) => {
                rows.extend(rows_of(&batch));
                quiet = 0;
            }
            SourceEvent::Pending => quiet += 1,
            SourceEvent::DeadLetters(_) => {}
            SourceEvent::End => panic!("a followed path has no end"),
        }
    }
    rows
}

fn append(path: &Path, text: &[u8]) {
    fs::OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text).unwrap();
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    append(&path, b"{\"id\":1}\n{\"id\":2}\n");
    let mut source = source(&followed(&path, "json", &[]));
    assert_eq!(next(&mut *source, 2), ["1|NULL", "2|NULL"]);
    fs::write(&path, "{\"id\":3}\n").unwrap();
    assert_eq!(next(&mut *source, 1), ["3|NULL"]);
    append(&path, b"{\"id\":4}\n");
    assert_eq!(next(&mut *source, 1), ["4|NULL"]);
    // Written again and longer than before, between two looks.
    fs::write(&path, "{\"id\":5,\"name\":\"other\"}\n{\"id\":6}\n").unwrap();
    assert_eq!(next(&mut *source, 2), ["5|other", "6|NULL"]);
}

#[test]
fn a_rotated_file_is_read_on_under_its_new_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.json");
    append(&path, b"{\"id\":1}\n");
    let mut source = source(&followed(&dir.path().join("app.json*"), "json", &[]));
    assert_eq!(next(&mut *source, 1), ["1|NULL"]);
    append(&path, b"{\"id\":2}\n");
    fs::rename(&path, dir.path().join("app.json.1")).unwrap();
    append(&path, b"{\"id\":3}\n");
    let mut rows = next(&mut *source, 2);
    rows.sort();
    assert_eq!(rows, ["2|NULL", "3|NULL"], "row 1 is not read again");
    fs::remove_file(&path).unwrap();
    assert_eq!(next(&mut *source, 0), [""; 0]);
    append(&path, b"{\"id\":4}\n");
    assert_eq!(next(&mut *source, 1), ["4|NULL"]);
}

#[test]
fn a_path_that_comes_to_be_and_a_header_are_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later/in.csv");
    let mut source = source(&followed(&path, "csv", &[("csv.header", "true")]));
    assert_eq!(next(&mut *source, 0), [""; 0]);
    fs::create_dir(dir.path().join("later")).unwrap();
    append(&path, b"name,i");
    assert_eq!(next(&mut *source, 0), [""; 0]);
    append(&path, b"d\na,1\n\"b\n");
    assert_eq!(next(&mut *source, 1), ["1|a"]);
    append(&path, b"c\",2\n");
    assert_eq!(next(&mut *source, 1), ["2|b\nc"]);
    let position = source.position();
    append(&path, b"d,3\n");
    let mut again = self::source(&followed(&path, "csv", &[("csv.header", "true")]));
    again.seek(&position).unwrap();
    assert_eq!(next(&mut *again, 1), ["3|d"]);
}

#[test]
fn compressed_and_columnar_files_are_read_once_they_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..2000).map(|i| format!("{{\"id\":{i}}}\n")).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let whole = encoder.finish().unwrap();
    let path = dir.path().join("in.json.gz");
    append(&path, &whole[..whole.len() / 2]);
    let mut gz = source(&followed(&path, "json", &[]));
    let first = next(&mut *gz, 0).len();
    assert!(first < 2000);
    append(&path, &whole[whole.len() / 2..]);
    assert_eq!(next(&mut *gz, 2000 - first).len() + first, 2000);
    // A second member behind the first.
    append(&path, &whole);
    assert_eq!(next(&mut *gz, 2000).len(), 2000);

    let folder = dir.path().join("parquet");
    fs::create_dir(&folder).unwrap();
    let example = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/parquet/plain.parquet")).unwrap();
    let path = folder.join("a.parquet");
    append(&path, &example[..example.len() - 10]);
    let mut table = followed(&folder, "parquet", &[]);
    table.columns.truncate(1);
    table.columns[0].name = "a".into();
    let mut parquet = source(&table);
    assert_eq!(next(&mut *parquet, 0), [""; 0]);
    append(&path, &example[example.len() - 10..]);
    assert_eq!(next(&mut *parquet, 3), ["1", "NULL", "-5"]);
}

#[test]
fn a_new_file_never_changes_who_reads_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let table = followed(dir.path(), "json", &[]);
    let mut sources: Vec<_> = (0..3).map(|i| Connectors.source(&node(&table), i, 3).unwrap()).collect();
    let mut rows = Vec::new();
    // Names that sort before, between and behind those that are there.
    for (id, name) in ["m", "a", "z", "b", "n", "y", "0", "k"].iter().enumerate() {
        append(&dir.path().join(name), format!("{{\"id\":{id}}}\n").as_bytes());
        for source in &mut sources {
            rows.extend(next(&mut **source, 0));
        }
    }
    rows.sort();
    assert_eq!(rows, (0..8).map(|i| format!("{i}|NULL")).collect::<Vec<_>>());
    // And at another number of instances.
    let positions: Vec<_> = sources.iter().map(|s| s.position()).collect();
    append(&dir.path().join("k"), b"{\"id\":8}\n");
    append(&dir.path().join("c"), b"{\"id\":9}\n");
    let mut rows = Vec::new();
    for index in 0..2 {
        let mut source = Connectors.source(&node(&table), index, 2).unwrap();
        source.seek_all(&positions).unwrap();
        rows.extend(next(&mut *source, 0));
    }
    rows.sort();
    assert_eq!(rows, ["8|NULL", "9|NULL"]);
}
