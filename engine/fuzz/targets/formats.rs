//! Any bytes as the text or Parquet file of a table of every type: rows, dead letters or an error, never a panic; and what was
//! read is read again the same.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use wasmill_connectors::Connectors;
use wasmill_plan::{Column, ColumnKind, DataType, Field, SourceNode, Table, TypeKind};
use wasmill_runtime::source::{SourceEvent, SourceFactory};

/// As JSON lines.
///
/// # Panics
/// As the module says, and where a line is taken that is no JSON, or refused though it is.
pub fn json(bytes: &[u8]) {
    read_all_ways("json", bytes, &[&[], &[("json.ignore-parse-errors", "true")]]);
    json_is_json(bytes);
}

/// As CSV, with several sets of options.
///
/// # Panics
/// As the module says.
pub fn csv(bytes: &[u8]) {
    let options: &[&[(&str, &str)]] = &[
        &[],
        &[("csv.header", "true")],
        &[("csv.escape-character", "\\"), ("csv.allow-comments", "true"), ("csv.ignore-parse-errors", "true")],
        &[("csv.disable-quote-character", "true"), ("csv.null-literal", "n")],
    ];
    read_all_ways("csv", bytes, options);
}

/// As a Parquet file.
///
/// # Panics
/// As the module says.
pub fn parquet(bytes: &[u8]) {
    read_all_ways("parquet", bytes, &[&[]]);
}

/// Another parser agrees on what is JSON.
fn json_is_json(bytes: &[u8]) {
    let file = written(bytes);
    let node = node("json", &[("b", DataType::string().kind)], file.path(), &[("on-error", "dead-letter:d")]);
    let mut refused = HashSet::new();
    let mut source = Connectors.source(&node, 0, 1).expect("a source");
    loop {
        match source.poll(Duration::ZERO) {
            Ok(SourceEvent::End) => break,
            Ok(SourceEvent::DeadLetters(letters)) => {
                let line = |place: &str| place.rsplit(':').next().and_then(|n| n.parse::<usize>().ok());
                refused.extend(letters.iter().filter_map(|l| line(&l.place)));
            }
            Ok(_) => {}
            // What looks compressed is another matter.
            Err(_) => return,
        }
    }
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = if index == 0 { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let taken = !refused.contains(&(index + 1));
        match serde_json::from_slice::<serde_json::Value>(line) {
            Ok(value) => {
                let rows = |v: &serde_json::Value| v.as_array().is_some_and(|a| a.iter().all(|v| v.is_object()));
                assert_eq!(taken, value.is_object() || rows(&value), "{:?}", String::from_utf8_lossy(line));
            }
            Err(e) => {
                // It has limits of its own.
                let text = e.to_string();
                let other = ["number out of range", "recursion limit", "surrogate", "unexpected end of hex escape"];
                let is_other = other.iter().any(|o| text.contains(o));
                assert!(!taken || is_other, "{text}: {:?}", String::from_utf8_lossy(line));
            }
        }
    }
}

fn columns(format: &str) -> Vec<(&'static str, TypeKind)> {
    let boxed = |kind| Box::new(DataType::nullable(kind));
    let mut columns = vec![
        ("a", TypeKind::BigInt),
        ("b", DataType::string().kind),
        ("c", TypeKind::Double),
        ("d", TypeKind::Decimal(10, 2)),
        ("e", TypeKind::Timestamp(9)),
        ("f", TypeKind::TimestampLtz(3)),
        ("g", TypeKind::Date),
        ("h", TypeKind::Time(3)),
        ("i", TypeKind::Boolean),
        ("j", DataType::bytes().kind),
        ("k", TypeKind::Array(boxed(TypeKind::TinyInt))),
        (
            "l",
            TypeKind::Row(vec![
                Field::new("x", DataType::nullable(TypeKind::Float)),
                Field::new("y", DataType::string()),
            ]),
        ),
    ];
    if format == "json" {
        columns.push(("m", TypeKind::Map(Box::new(DataType::string()), boxed(TypeKind::Int))));
        columns.push(("n", TypeKind::Multiset(Box::new(DataType::string()))));
    }
    columns
}

fn written(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("written");
    file
}

fn node(format: &str, columns: &[(&str, TypeKind)], path: &Path, options: &[(&str, &str)]) -> SourceNode {
    let path = path.to_string_lossy();
    let mut all = vec![("connector", "filesystem"), ("format", format), ("path", &*path)];
    all.extend(options);
    let column = |(name, kind): &(&str, TypeKind)| Column {
        name: (*name).into(),
        data_type: DataType::nullable(kind.clone()),
        kind: ColumnKind::Physical,
    };
    let table = Table {
        name: "t".into(),
        columns: columns.iter().map(column).collect(),
        watermark: None,
        primary_key: vec![],
        options: all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    };
    let projection = table.source_columns();
    SourceNode::new(Box::new(table), projection)
}

/// With each set of options: all records by `dead-letter`, then the first error by `fail`.
fn read_all_ways(format: &str, bytes: &[u8], options: &[&[(&str, &str)]]) {
    let file = written(bytes);
    for options in options {
        for on_error in ["fail", "dead-letter:d"] {
            let mut all = options.to_vec();
            all.push(("on-error", on_error));
            let node = node(format, &columns(format), file.path(), &all);
            assert_eq!(read(&node), read(&node));
        }
    }
}

fn read(node: &SourceNode) -> Vec<String> {
    let mut seen = Vec::new();
    let mut source = match Connectors.source(node, 0, 1) {
        Ok(source) => source,
        Err(e) => return vec![e.to_string()],
    };
    loop {
        match source.poll(Duration::ZERO) {
            Ok(SourceEvent::End) => return seen,
            Ok(event) => seen.push(format!("{event:?}")),
            Err(e) => {
                seen.push(e.to_string());
                return seen;
            }
        }
    }
}
