//! What an encoder writes, its decoder reads back: random rows of every type, through each text format and its options.

use arrow::array::{ArrayRef, RecordBatch};
use wasmill_plan::{Column, ColumnKind, DataType, Field, Options, Schema, Table, TypeKind};

use crate::column::ColumnBuilder;
use crate::format::Format;
use crate::random::Random;
use crate::records::{Blocking, Next, Records};

const TEXTS: &[&str] = &[
    "a",
    "two words",
    "\"",
    "\\",
    ",",
    ";",
    "a\"b",
    "\n",
    "\r\n",
    "\t",
    "é",
    "😀",
    "#",
    " lead",
    "trail ",
    "'",
    "\u{1}",
    "\u{7f}",
    "a,b\nc\"d\\e;f",
    "\\n",
    "null",
    "x\"\"y",
];

fn push(column: &mut ColumnBuilder, random: &mut Random, nested: bool) {
    if random.below(5) == 0 {
        return column.push_null();
    }
    let small = random.below(2) == 0;
    let bits = if small { random.below(100) as i64 - 50 } else { random.bits() as i64 };
    match column {
        ColumnBuilder::Null(_) => column.push_null(),
        ColumnBuilder::Boolean { values } => values.push(bits & 1 == 0),
        ColumnBuilder::TinyInt(v) => v.push(bits as i8),
        ColumnBuilder::SmallInt(v) => v.push(bits as i16),
        ColumnBuilder::Int(v) | ColumnBuilder::Months(v) => v.push(bits as i32),
        ColumnBuilder::BigInt(v) | ColumnBuilder::Millis(v) => v.push(bits),
        ColumnBuilder::Float(v) => {
            v.push(if small { bits as f32 / 8.0 } else { finite(f64::from(f32::from_bits(bits as u32))) as f32 })
        }
        ColumnBuilder::Double(v) => v.push(if small { bits as f64 / 8.0 } else { finite(f64::from_bits(bits as u64)) }),
        ColumnBuilder::Decimal { values, precision, .. } => {
            values.push(i128::from(bits) % 10i128.pow(u32::from(*precision)));
        }
        ColumnBuilder::Text(text) => text.push(TEXTS[random.below(TEXTS.len() as u64) as usize].as_bytes()),
        ColumnBuilder::Bytes(bytes) => bytes.push(&random.bits().to_le_bytes()[..1 + random.below(8) as usize]),
        ColumnBuilder::Date(v) => v.push(random.below(2_932_896 + 719_528) as i32 - 719_528),
        ColumnBuilder::Time { values, .. } => values.push(random.below(86_400_000) as i32),
        ColumnBuilder::Timestamp { values, precision, .. } => {
            let range = if *precision > 6 { 9_000_000_000_000_000_000u64 } else { 62_000_000_000_000 };
            values.push((i128::from(random.below(2 * range)) - i128::from(range)) as i64);
        }
        ColumnBuilder::Array { lists, items } => {
            for _ in 0..1 + random.below(3) {
                push_plain(items, random, nested);
            }
            lists.seal(items.len());
        }
        ColumnBuilder::Map { lists, keys, values } => {
            let ColumnBuilder::Text(names) = &mut **keys else { panic!("text keys") };
            names.push(b"key \"1\"");
            push(values, random, true);
            lists.seal(keys.len());
        }
        ColumnBuilder::Row(row) => {
            row.fields().iter_mut().for_each(|f| push_plain(f, random, nested));
            row.seal();
        }
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 1.5 }
}

/// Elements of an ARRAY or ROW; in CSV they cannot hold the delimiter.
fn push_plain(column: &mut ColumnBuilder, random: &mut Random, any: bool) {
    match column {
        ColumnBuilder::Text(text) if !any => text.push(b"plain, \"text\""),
        column if any => push(column, random, any),
        ColumnBuilder::Int(values) => values.push(random.below(1000) as i32 - 500),
        other => push(other, random, any),
    }
}

fn columns(csv: bool) -> Vec<(&'static str, TypeKind)> {
    let nullable = |kind| Box::new(DataType::nullable(kind));
    let mut columns = vec![
        ("boolean", TypeKind::Boolean),
        ("tinyint", TypeKind::TinyInt),
        ("smallint", TypeKind::SmallInt),
        ("int", TypeKind::Int),
        ("bigint", TypeKind::BigInt),
        ("float", TypeKind::Float),
        ("double", TypeKind::Double),
        ("decimal", TypeKind::Decimal(18, 9)),
        ("integer decimal", TypeKind::Decimal(10, 0)),
        ("text", DataType::string().kind),
        ("bytes", DataType::bytes().kind),
        ("date", TypeKind::Date),
        ("time", TypeKind::Time(3)),
        ("t3", TypeKind::Timestamp(3)),
        ("t6", TypeKind::Timestamp(6)),
        ("z9", TypeKind::TimestampLtz(9)),
        ("months", TypeKind::IntervalYearMonth),
        ("array", TypeKind::Array(nullable(TypeKind::Int))),
        (
            "row",
            TypeKind::Row(vec![
                Field::new("x", DataType::nullable(TypeKind::Int)),
                Field::new("y", DataType::string()),
            ]),
        ),
    ];
    if !csv {
        columns.push(("map", TypeKind::Map(Box::new(DataType::string()), nullable(TypeKind::Double))));
        let inner =
            TypeKind::Row(vec![Field::new("a b", DataType::nullable(TypeKind::Array(nullable(TypeKind::BigInt))))]);
        columns.push(("deep", TypeKind::Array(nullable(inner))));
    }
    columns
}

fn table(csv: bool, options: &[(&str, &str)]) -> Table {
    Table {
        name: "t".into(),
        columns: columns(csv)
            .into_iter()
            .map(|(name, kind)| Column {
                name: name.into(),
                data_type: DataType::nullable(kind),
                kind: ColumnKind::Physical,
            })
            .collect(),
        watermark: None,
        primary_key: vec![],
        options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Options>(),
    }
}

fn finish(schema: &Schema, mut builders: Vec<ColumnBuilder>) -> RecordBatch {
    let columns: Vec<ArrayRef> =
        builders.iter_mut().zip(&schema.fields).map(|(b, f)| b.finish(&f.data_type.kind).unwrap()).collect();
    RecordBatch::try_new(schema.to_arrow(), columns).unwrap()
}

fn builders(schema: &Schema) -> Vec<ColumnBuilder> {
    schema.fields.iter().map(|f| ColumnBuilder::new(&f.data_type.kind)).collect()
}

fn round_trip(csv: bool, options: &[(&str, &str)]) {
    let table = table(csv, options);
    let format = Format::of(&table).unwrap();
    let schema = table.schema();
    for seed in 0..20 {
        let mut written = builders(&schema);
        for row in 0..100 {
            let mut random = Random::at(seed, 0, row);
            for column in &mut written {
                push(column, &mut random, !csv);
            }
        }
        let written = finish(&schema, written);
        let names: Vec<String> = schema.fields.iter().map(|f| f.name.clone()).collect();
        let (mut encoder, mut text) = (format.encoder(&names), Vec::new());
        encoder.header(&mut text);
        encoder.encode(&written, &mut text);

        let mut decoder = format.decoder(&table, &schema.fields);
        let mut records = Records::new(Box::new(Blocking(std::io::Cursor::new(text.clone()))), 1 << 20, false);
        let (mut read, mut rows) = (builders(&schema), 0);
        loop {
            match records.next(&decoder) {
                Next::Record { bytes, .. } if decoder.expects_header() => decoder.header(bytes).unwrap(),
                Next::Record { bytes, line } => {
                    let done = decoder.decode(bytes, &mut read, rows);
                    assert!(done.is_ok(), "line {line}: {:?}: {}", done.err(), String::from_utf8_lossy(bytes));
                    rows += 1;
                }
                Next::TooLong { .. } => panic!("too long"),
                Next::More => {
                    records.fill(std::time::Duration::ZERO).unwrap();
                }
                Next::End => break,
            }
        }
        let read = finish(&schema, read);
        assert_eq!(read.num_rows(), written.num_rows());
        for (index, name) in names.iter().enumerate() {
            let (a, b) = (read.column(index), written.column(index));
            for row in 0..100 {
                assert_eq!(
                    a.slice(row, 1).as_ref(),
                    b.slice(row, 1).as_ref(),
                    "column '{name}', seed {seed}, row {row}"
                );
            }
        }
    }
}

#[test]
fn json_reads_what_it_writes() {
    round_trip(false, &[("format", "json")]);
    round_trip(false, &[("format", "json"), ("json.timestamp-format.standard", "ISO-8601")]);
    round_trip(false, &[("format", "json"), ("json.encode.decimal-as-plain-number", "true")]);
    round_trip(false, &[("format", "json"), ("json.encode.ignore-null-fields", "true")]);
}

#[test]
fn csv_reads_what_it_writes() {
    let literal = ("csv.null-literal", "n/a");
    round_trip(true, &[("format", "csv"), literal]);
    round_trip(true, &[("format", "csv"), literal, ("csv.header", "true")]);
    round_trip(true, &[("format", "csv"), literal, ("csv.escape-character", "\\")]);
    round_trip(true, &[("format", "csv"), literal, ("csv.field-delimiter", "\\t"), ("csv.quote-character", "'")]);
    round_trip(true, &[("format", "csv"), literal, ("csv.allow-comments", "true"), ("csv.field-delimiter", "|")]);
}
