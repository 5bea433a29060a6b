//! The queries of `examples/nexmark` give the rows of Apache Flink (`expected/`, made by `make-expected.sh` there).

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;

/// How often each row comes.
type Bag = BTreeMap<String, i64>;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/nexmark")
}

/// The rows of a query, as `run.sh` runs it.
fn rows(query: &str, settings: &[&str]) -> Bag {
    let read = |file: &str| fs::read_to_string(example().join(file)).expect("a file of the example");
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script.sql");
    let text = [read("tables.sql"), read("function.sql"), read(&format!("queries/{query}.sql"))].concat();
    fs::write(&script, text).expect("the script");
    let output = Command::new(env!("CARGO_BIN_EXE_wasmill"))
        .current_dir(example())
        .args(["run", "-q", "--output", "csv"])
        .args(settings.iter().flat_map(|s| ["--set", s]))
        .arg(&script)
        .output()
        .expect("the binary starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{query}: {complaints}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    bag(text.lines().skip(1).map(shorten))
}

fn expected(query: &str) -> Bag {
    let file = example().join(format!("expected/{query}.csv.gz"));
    let mut text = String::new();
    let file = fs::File::open(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    assert!(!text.is_empty(), "{query} has no expected rows");
    bag(text.lines().map(str::to_owned))
}

fn bag(rows: impl Iterator<Item = String>) -> Bag {
    let mut bag = Bag::new();
    rows.for_each(|row| *bag.entry(row).or_default() += 1);
    bag
}

/// A text of more than 24 bytes as its FNV-1a hash of 32 bits, as in the expected files. No field of these queries has commas.
fn shorten(row: &str) -> String {
    let fields = row.split(',').map(|field| {
        let field = field.strip_prefix('"').and_then(|f| f.strip_suffix('"')).unwrap_or(field);
        if field.len() <= 24 {
            return field.to_owned();
        }
        let hash = field
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        format!("{:08x}", (hash ^ (hash >> 32)) as u32)
    });
    fields.collect::<Vec<_>>().join(",")
}

fn check(query: &str) {
    let expected = expected(query);
    for settings in [&[][..], &["parallelism.default=3", "execution.checkpointing.interval=20ms"]] {
        let got = rows(query, settings);
        let lacks = expected.iter().find(|(row, n)| got.get(*row) != Some(n));
        let has = got.iter().find(|(row, n)| expected.get(*row) != Some(n));
        assert!(got == expected, "{query} with {settings:?} lacks {lacks:?}, has {has:?}");
    }
}

macro_rules! queries {
    ($($query:ident)*) => { $( #[test] fn $query() { check(stringify!($query)); } )* };
}

queries! { q0 q1 q2 q5 q7 q8 q11 q12 q14 q21 q22 }

#[test]
fn every_query_is_checked() {
    let files = fs::read_dir(example().join("queries")).expect("the queries");
    assert_eq!(files.count(), 11, "a query of the example that no test runs");
}
