//! Whatever the input, the format, the chunks and the number of threads: what one thread gives.

use std::collections::BTreeMap;
use std::io;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use wasmill_plan::{Column, ColumnKind, DataType, Field, Table, TypeKind};

use super::*;
use crate::format::Format;
use crate::on_error::Rejects;
use crate::records::{ByteInput, Framing};
use crate::text_reader::{Step, TextReader};

const RECORD_BYTES_MAX: usize = 90;

/// Gives a few bytes at a time, and fails behind the last where it is to.
struct Dribble {
    bytes: Vec<u8>,
    at: usize,
    random: SmallRng,
    fails: bool,
}

impl ByteInput for Dribble {
    fn read(&mut self, into: &mut [u8], _wait: Duration) -> io::Result<Option<usize>> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() && self.fails {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = self.random.random_range(1..100).min(rest.len()).min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(Some(count))
    }
}

/// What a format, an input and options give.
struct Case {
    format: &'static str,
    text: Vec<u8>,
    on_error: &'static str,
    fails: bool,
    until: Option<u64>,
    /// Whether the first byte is inside of a record of the part before.
    inside: bool,
    seed: u64,
}

#[derive(Debug, Default, PartialEq)]
struct Given {
    ids: Vec<i64>,
    letters: Vec<String>,
    skipped: u64,
    error: Option<String>,
    end: (u64, u64),
}

impl Case {
    fn table(&self) -> Table {
        let options = [("format", self.format), ("on-error", self.on_error), ("csv.ignore-parse-errors", "false")];
        Table {
            name: "t".into(),
            columns: vec![Column {
                name: "id".into(),
                data_type: DataType::nullable(TypeKind::BigInt),
                kind: ColumnKind::Physical,
            }],
            watermark: None,
            primary_key: vec![],
            options: options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        }
    }

    /// From a position.
    fn reader(&self, from: (u64, u64)) -> TextReader {
        let random = SmallRng::seed_from_u64(self.seed);
        let bytes = self.text[from.0 as usize..].to_vec();
        let input = Box::new(Dribble { bytes, at: 0, random, fails: self.fails });
        let records = Records::new(input, RECORD_BYTES_MAX, false).starting_at(from.0, from.1).ending_at(self.until);
        let records = if self.inside && from.0 == 0 { records.behind_line_break() } else { records };
        let fields = [Field::new("id", DataType::nullable(TypeKind::BigInt))];
        let decoder = Format::of(&self.table()).unwrap().decoder(&self.table(), &fields);
        TextReader::new("file".into(), records, decoder, &fields, RECORD_BYTES_MAX)
    }

    /// Reads to the end or an error. Checks with `resume` that reading can go on at each position: with what was given before and after.
    fn read(&self, mut reader: TextReader, given: Given, resume: Option<&Given>) -> Given {
        let table = self.table();
        let mut rejects = Rejects::new("t", &table.options);
        let mut given = given;
        loop {
            let step = match reader.read(&mut rejects, Duration::ZERO) {
                Ok(step) => step,
                Err(error) => {
                    given.error = Some(format!("{error:?}"));
                    break;
                }
            };
            match step {
                Step::Rows { columns, rows } => {
                    let ids = columns[0].as_primitive::<Int64Type>();
                    assert_eq!(ids.len(), rows);
                    given.ids.extend(ids.values());
                }
                Step::Rejected => {}
                Step::Pending => panic!("a file never waits"),
                Step::End => break,
            }
            take(&mut rejects, &mut given);
            if let Some(whole) = resume {
                let before = Given {
                    ids: given.ids.clone(),
                    letters: given.letters.clone(),
                    skipped: given.skipped,
                    ..Given::default()
                };
                assert_eq!(&self.read(self.reader(reader.position()), before, None), whole);
            }
        }
        take(&mut rejects, &mut given);
        // Before the first whole record of a part two places mean the same.
        given.end = if self.inside { (0, 0) } else { reader.position() };
        given
    }
}

fn take(rejects: &mut Rejects, given: &mut Given) {
    given.skipped += std::mem::take(&mut rejects.skipped);
    for letter in rejects.take().into_iter().flatten() {
        given.letters.push(format!("{} {} {}", letter.place, letter.reason, String::from_utf8_lossy(&letter.raw)));
    }
}

fn random_text(random: &mut SmallRng, format: &str) -> Vec<u8> {
    let mut text = Vec::new();
    if random.random_bool(0.1) {
        text.extend(b"\xEF\xBB\xBF");
    }
    for id in 0..random.random_range(0..200) {
        let long = "x".repeat(random.random_range(0..300));
        let is_json = format == "json";
        match random.random_range(0..40) {
            0 => text.extend(b"no number"),
            1 if is_json => text.extend(format!("{{\"id\":{id},\"x\":\"{long}\"}}").bytes()),
            1 => text.extend(format!("{id}{}", " ".repeat(long.len())).bytes()),
            2 => text.extend(b"\xFF"),
            3 => {}
            4 if !is_json => text.extend(b"\"1\n2\""),
            _ if is_json => text.extend(format!("{{\"id\":{id}}}").bytes()),
            5..20 => text.extend(format!("\"{id}\"").bytes()),
            _ => text.extend(id.to_string().bytes()),
        }
        text.extend(if random.random_bool(0.1) { &b"\r\n"[..] } else { b"\n" });
    }
    if random.random_bool(0.3) {
        text.extend(b"{\"id\":1}");
    }
    text
}

#[test]
fn threads_give_what_one_thread_gives() {
    let mut random = SmallRng::seed_from_u64(7);
    let mut seen = BTreeMap::new();
    for seed in 0..600 {
        let format = if random.random() { "json" } else { "csv" };
        let text = random_text(&mut random, format);
        let is_part = format == "json" && random.random_bool(0.2);
        let case = Case {
            format,
            until: is_part.then(|| random.random_range(0..=text.len() as u64)),
            inside: is_part && random.random(),
            text,
            on_error: ["fail", "skip", "dead-letter:d"][random.random_range(0..3)],
            fails: random.random_bool(0.1),
            seed,
        };
        let whole = case.read(case.reader((0, 0)), Given::default(), None);
        let (threads, size) = (random.random_range(1..4), random.random_range(1..2_000));
        let ahead = case.reader((0, 0)).ahead(threads, size).unwrap();
        let resume = (!case.inside).then_some(&whole);
        let shown = String::from_utf8_lossy(&case.text).into_owned();
        assert_eq!(case.read(ahead, Given::default(), resume), whole, "{format} in chunks of {size}: {shown}");
        *seen.entry((format, whole.error.is_some(), whole.letters.is_empty(), whole.ids.is_empty())).or_insert(0) += 1;
    }
    assert!(seen.len() >= 10, "{seen:?}");
}

#[test]
fn a_reader_that_is_dropped_ends_its_threads() {
    let text: Vec<u8> = (0..50_000).flat_map(|id| format!("{{\"id\":{id}}}\n").into_bytes()).collect();
    let case = Case { format: "json", text, on_error: "fail", fails: false, until: None, inside: false, seed: 1 };
    let mut reader = case.reader((0, 0)).ahead(2, 1_000).unwrap();
    let mut rejects = Rejects::new("t", &case.table().options);
    assert!(matches!(reader.read(&mut rejects, Duration::ZERO), Ok(Step::Rows { .. })));
    // Waits for its threads: were they not to end, neither would the test.
    drop(reader);
}

#[test]
fn records_that_end_in_a_buffer_are_found_as_when_they_are_read() {
    let mut random = SmallRng::seed_from_u64(8);
    let table =
        Case { format: "csv", text: vec![], on_error: "fail", fails: false, until: None, inside: false, seed: 0 }
            .table();
    let decoder = Format::of(&table).unwrap().decoder(&table, &[]);
    for _ in 0..20_000 {
        let text: Vec<u8> = (0..random.random_range(0..20)).map(|_| b"\"\n,a\r"[random.random_range(0..5)]).collect();
        let mut length = 0;
        while let Some(next) = decoder.record_length(&text[length..], 0) {
            length += next;
        }
        assert_eq!(decoder.whole_records(&text), length, "{:?}", String::from_utf8_lossy(&text));
    }
}
