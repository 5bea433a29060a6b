//! `datagen`, `nexmark` and replays.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{drain, node, read, row, string, table};
use wasmill_connectors::{Connectors, validate};
use wasmill_plan::{DataType, Table, TypeKind};
use wasmill_runtime::source::{SourceEvent, SourceFactory};

fn generated(columns: &[(&str, TypeKind)], more: &[(&str, &str)]) -> Table {
    let mut options = vec![("connector", "datagen"), ("rows-per-second", "100000000"), ("number-of-rows", "1000")];
    options.extend(more);
    table(columns, &options)
}

#[test]
fn rows_keep_their_bounds_and_their_seed() {
    let columns = [
        ("i", TypeKind::Int),
        ("d", TypeKind::Double),
        ("s", string()),
        ("n", TypeKind::TinyInt),
        ("t", TypeKind::Timestamp(3)),
        ("dec", TypeKind::Decimal(5, 2)),
        ("a", TypeKind::Array(Box::new(DataType::nullable(TypeKind::Boolean)))),
    ];
    let options = [
        ("fields.i.min", "-3"),
        ("fields.i.max", "3"),
        ("fields.d.min", "0"),
        ("fields.d.max", "1"),
        ("fields.s.length", "5"),
        ("fields.n.null-rate", "0.5"),
        ("fields.a.length", "2"),
        ("start-time", "2020-01-01 00:00:00"),
    ];
    let rows = read(&generated(&columns, &options)).rows();
    assert_eq!(rows.len(), 1000);
    assert_eq!(rows, read(&generated(&columns, &options)).rows());
    let mut seeded = options.to_vec();
    seeded.push(("seed", "1"));
    assert_ne!(rows, read(&generated(&columns, &seeded)).rows());
    let nulls = rows.iter().filter(|r| r.split('|').nth(3) == Some("NULL")).count();
    assert!((400..600).contains(&nulls), "{nulls}");
    for text in &rows {
        let cells: Vec<_> = text.split('|').collect();
        assert!((-3..=3).contains(&cells[0].parse::<i32>().unwrap()));
        assert!((0.0..1.0).contains(&cells[1].parse::<f64>().unwrap()));
        assert_eq!(cells[2].len(), 5);
        assert!(cells[4].starts_with("2020-01-01T00:00:00"));
        assert!(cells[5].parse::<f64>().unwrap().abs() < 1000.0);
    }
}

#[test]
fn a_sequence_ends_the_table_and_instances_share_it() {
    let columns = [("i", TypeKind::BigInt), ("s", string())];
    let options = [
        ("fields.i.kind", "sequence"),
        ("fields.i.start", "5"),
        ("fields.i.end", "12"),
        ("fields.s.kind", "sequence"),
        ("fields.s.start", "0"),
        ("fields.s.end", "99"),
    ];
    let table = generated(&columns, &options);
    let mut rows: Vec<String> =
        (0..3).flat_map(|i| drain(&mut *Connectors.source(&node(&table), i, 3).unwrap()).rows()).collect();
    rows.sort_by_key(|r| r.split('|').next().unwrap().parse::<i64>().unwrap());
    assert_eq!(rows, (0..8).map(|i| format!("{}|{i}", i + 5)).collect::<Vec<_>>());
}

#[test]
fn a_generator_continues_where_its_position_says() {
    let columns = [("i", TypeKind::BigInt)];
    let table = generated(&columns, &[("number-of-rows", "20000")]);
    let whole = read(&table).rows();
    let mut first = Connectors.source(&node(&table), 0, 1).unwrap();
    let mut rows = Vec::new();
    while rows.is_empty() {
        if let SourceEvent::Rows(batch) = first.poll(Duration::from_millis(1)).unwrap() {
            rows = common::rows_of(&batch);
        }
    }
    let mut second = Connectors.source(&node(&table), 0, 1).unwrap();
    second.seek(&first.position()).unwrap();
    rows.extend(drain(&mut *second).rows());
    assert_eq!(rows, whole);
    let mut other = Connectors.source(&node(&table), 0, 2).unwrap();
    assert!(other.seek(&first.position()).unwrap_err().to_string().contains("parallelism"));
}

#[test]
fn the_pace_is_kept() {
    let table = table(
        &[("i", TypeKind::Int)],
        &[("connector", "datagen"), ("rows-per-second", "1000"), ("number-of-rows", "50")],
    );
    let started = Instant::now();
    assert_eq!(read(&table).rows().len(), 50);
    assert!(started.elapsed() >= Duration::from_millis(48), "{:?}", started.elapsed());
}

#[test]
fn wrong_generator_options_are_named() {
    let error = |options: &[(&str, &str)]| {
        validate(&generated(&[("i", TypeKind::Int), ("b", TypeKind::Boolean)], options), None).unwrap_err().message
    };
    assert!(error(&[("fields.x.min", "1")]).contains("no column 'x'"));
    assert!(error(&[("fields.i.min", "3"), ("fields.i.max", "1")]).contains("is above"));
    assert!(error(&[("fields.i.kind", "sequence")]).contains("needs option 'fields.i.start'"));
    assert!(
        error(&[("fields.b.kind", "sequence"), ("fields.b.start", "1"), ("fields.b.end", "2")])
            .contains("cannot be a sequence")
    );
    assert!(error(&[("fields.i.knd", "random")]).contains("no option 'fields.i.knd'"));
}

fn nexmark(more: &[(&str, &str)]) -> Table {
    let (bigint, time) = (TypeKind::BigInt, TypeKind::Timestamp(3));
    let person = row(&[
        ("id", bigint.clone()),
        ("name", string()),
        ("emailAddress", string()),
        ("creditCard", string()),
        ("city", string()),
        ("state", string()),
        ("dateTime", time.clone()),
        ("extra", string()),
    ]);
    let auction = row(&[
        ("id", bigint.clone()),
        ("itemName", string()),
        ("description", string()),
        ("initialBid", bigint.clone()),
        ("reserve", bigint.clone()),
        ("dateTime", time.clone()),
        ("expires", time.clone()),
        ("seller", bigint.clone()),
        ("category", bigint.clone()),
        ("extra", string()),
    ]);
    let bid = row(&[
        ("auction", bigint.clone()),
        ("bidder", bigint.clone()),
        ("price", bigint),
        ("channel", string()),
        ("url", string()),
        ("dateTime", time),
        ("extra", string()),
    ]);
    let mut options = vec![("connector", "nexmark")];
    options.extend(more);
    table(&[("event_type", TypeKind::Int), ("person", person), ("auction", auction), ("bid", bid)], &options)
}

#[test]
fn nexmark_events_have_the_published_shape() {
    let rows = read(&nexmark(&[("events.num", "5000"), ("first-event.rate", "100")])).rows();
    let count = |kind: &str| rows.iter().filter(|r| r.starts_with(kind)).count();
    assert_eq!((count("0|"), count("1|"), count("2|")), (100, 300, 4600));
    assert!(
        rows[0].starts_with("0|{id: 1000, name: ") && rows[0].contains("dateTime: 2020-01-01T00:00:00, "),
        "{}",
        rows[0]
    );
    assert!(rows[1].starts_with("1|NULL|{id: 1000, itemName: "), "{}", rows[1]);
    assert!(
        rows[53].contains("{id: 1005, ") && rows[53].contains("dateTime: 2020-01-01T00:00:00.530, "),
        "{}",
        rows[53]
    );
    let hot = rows.iter().filter(|r| r.contains("{auction: 1200, ")).count();
    assert!(hot > 300, "{hot} bids on a hot auction");
    assert!(rows.iter().filter(|r| r.contains("bidder: 2001,")).count() > 1000);
    let bytes: usize =
        rows.iter().filter(|r| r.starts_with("2|")).map(|r| r.split("extra: ").nth(1).unwrap().len() - 1).sum();
    assert!((60..75).contains(&(bytes / 4600)), "{}", bytes / 4600);
}

#[test]
fn nexmark_checks_its_columns_and_rates() {
    let mut wrong = nexmark(&[]);
    wrong.columns[0].data_type = DataType::nullable(TypeKind::BigInt);
    assert!(validate(&wrong, None).unwrap_err().message.contains("column 'event_type' of connector 'nexmark' is INT"));
    assert!(validate(&nexmark(&[("next-event.rate", "5")]), None).unwrap_err().message.contains("changes"));
    assert!(validate(&nexmark(&[]), None).is_ok());
}

#[test]
fn a_replay_keeps_the_pace_of_event_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.json");
    let line = |ms: u32| format!("{{\"id\":{ms},\"ts\":\"2020-01-01 00:00:00.{ms:03}\"}}\n");
    fs::write(&path, [0, 0, 500, 900].map(line).concat()).unwrap();
    let options = [
        ("connector", "filesystem"),
        ("format", "json"),
        ("path", path.to_str().unwrap()),
        ("replay.speed", "10"),
        ("replay.time-column", "ts"),
    ];
    let table = table(&[("id", TypeKind::Int), ("ts", TypeKind::Timestamp(3))], &options);
    let mut only_id = node(&table);
    only_id.projection = vec![0];
    let started = Instant::now();
    let mut source = Connectors.source(&only_id, 0, 1).unwrap();
    let SourceEvent::Rows(first) = source.poll(Duration::ZERO).unwrap() else { panic!("no rows") };
    assert_eq!(common::rows_of(&first), ["0", "0"]);
    assert!(matches!(source.poll(Duration::ZERO).unwrap(), SourceEvent::Pending));
    let position = source.position();
    assert_eq!(drain(&mut *source).rows(), ["500", "900"]);
    assert!(started.elapsed() >= Duration::from_millis(89), "{:?}", started.elapsed());

    let mut again = Connectors.source(&only_id, 0, 1).unwrap();
    again.seek(&position).unwrap();
    assert_eq!(drain(&mut *again).rows(), ["500", "900"]);
}
