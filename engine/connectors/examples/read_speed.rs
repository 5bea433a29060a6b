//! How fast a source reads: `cargo run --release -p wasmill-connectors --example read_speed -- json|csv|parquet|nexmark [ROWS]`.
//!
//! Writes a file of events of about 125 bytes, reads it three times with two of its seven columns and with all, and prints
//! rows a second on one core, by the time that the thread really ran (on Linux), so that other work does not count.

use std::fmt::Write;
use std::time::{Duration, Instant};

use wasmill_connectors::{Connectors, TableSinks};
use wasmill_plan::{Column, ColumnKind, DataType, SinkNode, SourceNode, Table, TypeKind};
use wasmill_runtime::batch::Batch;
use wasmill_runtime::sink::SinkFactory;
use wasmill_runtime::source::{SourceEvent, SourceFactory};

type Failure = Box<dyn std::error::Error>;

fn events(format: &str, path: &str) -> Table {
    let columns = [
        ("tx_id", TypeKind::BigInt),
        ("card", DataType::string().kind),
        ("merchant", DataType::string().kind),
        ("amount", TypeKind::Double),
        ("ts", TypeKind::Timestamp(3)),
        ("lat", TypeKind::Double),
        ("online", TypeKind::Boolean),
    ];
    let column = |(name, kind): (&str, TypeKind)| Column {
        name: name.into(),
        data_type: DataType::nullable(kind),
        kind: ColumnKind::Physical,
    };
    let options = [("connector", "filesystem"), ("format", format), ("path", path)];
    Table {
        name: "events".into(),
        columns: columns.map(column).into(),
        watermark: None,
        primary_key: vec![],
        options: options.map(|(k, v)| (k.into(), v.into())).into(),
    }
}

fn write_json(path: &str, rows: u64) -> Result<(), Failure> {
    let mut text = String::new();
    for i in 0..rows {
        let (second, milli) = (i / 1000 % 60, i % 1000);
        writeln!(
            text,
            "{{\"tx_id\":{i},\"card\":\"4929{:08}\",\"merchant\":\"m{:05}\",\"amount\":{}.{:02},\"ts\":\"2020-01-01 00:00:{second:02}.{milli:03}\",\"lat\":{}.{:04},\"online\":{}}}",
            i * 7919 % 100_000_000,
            i * 31 % 90_000,
            i % 900,
            i % 100,
            i % 90,
            i % 10_000,
            i % 2 == 0
        )?;
    }
    Ok(std::fs::write(path, text)?)
}

/// How long this thread has run.
fn ran(started: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    match text.split(' ').next().and_then(|ns| ns.parse().ok()) {
        Some(ns) => Duration::from_nanos(ns),
        None => started.elapsed(),
    }
}

fn read(node: &SourceNode) -> Result<(u64, Duration), Failure> {
    let mut source = Connectors.source(node, 0, 1)?;
    let (mut rows, started) = (0, Instant::now());
    let before = ran(started);
    loop {
        match source.poll(Duration::ZERO)? {
            SourceEvent::Rows(batch) => rows += batch.num_rows() as u64,
            SourceEvent::End => return Ok((rows, ran(started) - before)),
            _ => {}
        }
    }
}

/// Writes the JSON events again in another format.
fn convert(from: &Table, to: &Table) -> Result<(), Failure> {
    let node = SourceNode::new(Box::new(from.clone()), from.source_columns());
    let mut source = Connectors.source(&node, 0, 1)?;
    let sinks = TableSinks::default();
    let mut sink = sinks.sink(&SinkNode { table: Some(Box::new(to.clone())) }, &to.schema(), 0, 1)?;
    let started = Instant::now();
    loop {
        match source.poll(Duration::ZERO)? {
            SourceEvent::Rows(batch) => sink.write(&Batch::append(batch))?,
            SourceEvent::End => break,
            _ => {}
        }
    }
    sink.finish()?;
    println!("read JSON and write {}: {:.2} s", to.option("format").unwrap_or(""), started.elapsed().as_secs_f64());
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let format = arguments.next().unwrap_or_else(|| "json".into());
    let rows: u64 = arguments.next().map_or(Ok(2_000_000), |n| n.parse())?;
    let folder = std::env::temp_dir().join("wasmill-read-speed");
    std::fs::create_dir_all(&folder)?;
    let at = |name: &str| folder.join(name).display().to_string();
    let json = events("json", &at("events.json"));
    let table = if format == "nexmark" {
        let column = Column {
            name: "event_type".into(),
            data_type: DataType::nullable(TypeKind::Int),
            kind: ColumnKind::Physical,
        };
        let options = [("connector", "nexmark".to_owned()), ("events.num", rows.to_string())];
        Table { columns: vec![column], options: options.map(|(k, v)| (k.into(), v)).into(), ..json }
    } else {
        write_json(&at("events.json"), rows)?;
        let table = events(&format, &at(&format!("events.{format}")));
        if format != "json" {
            convert(&json, &table)?;
        }
        table
    };
    let all = table.source_columns();
    for projection in [all.iter().copied().filter(|i| [0, 3].contains(i)).collect(), all.clone()] {
        let node = SourceNode::new(Box::new(table.clone()), projection);
        for _ in 0..3 {
            let (read, took) = read(&node)?;
            let ns = took.as_nanos() as f64 / read as f64;
            println!(
                "{format}, {} columns: {read} rows, {ns:.0} ns a row, {:.2} M rows/s",
                node.projection.len(),
                1e3 / ns
            );
        }
    }
    Ok(())
}
