//! Reads bytes as a table of every type.

use std::time::Duration;

use wasmill_connectors::Connectors;
use wasmill_plan::{Column, ColumnKind, DataType, Field, SourceNode, Table, TypeKind};
use wasmill_runtime::source::{SourceEvent, SourceFactory};

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

/// With each set of options: all records by `dead-letter`, then the first error by `fail`.
pub fn read_all_ways(format: &str, bytes: &[u8], options: &[&[(&str, &str)]]) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("written");
    for options in options {
        for on_error in ["fail", "dead-letter:d"] {
            let path = file.path().to_string_lossy();
            let mut all =
                vec![("connector", "filesystem"), ("format", format), ("path", &*path), ("on-error", on_error)];
            all.extend(*options);
            let column = |(name, kind): (&str, TypeKind)| Column {
                name: name.into(),
                data_type: DataType::nullable(kind),
                kind: ColumnKind::Physical,
            };
            let table = Table {
                name: "t".into(),
                columns: columns(format).into_iter().map(column).collect(),
                watermark: None,
                primary_key: vec![],
                options: all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            };
            let projection = table.source_columns();
            let node = SourceNode::new(Box::new(table), projection);
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
