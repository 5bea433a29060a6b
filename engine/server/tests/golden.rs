//! The golden scripts of `tests/golden`: each is run whole, in batches of one row, at parallelism 3, and with a crash and
//! restore at every batch; all must give the same rows, and those are the rows that Apache Flink gave (`expected.txt`, made
//! by `tests/golden/make-expected.sh`).
//!
//! A first line `-- skips: RUN, …` in `case.sql` names runs whose result may differ by nature, with the reason behind it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use regex::{Captures, Regex};
use wasmill_connectors::Connectors;
use wasmill_expr::NoUserFunctions;
use wasmill_runtime::testing::matrix::run_all;
use wasmill_runtime::{JobOptions, JobParts};
use wasmill_server::Session;
use wasmill_sql::{Statement, parse_script, plan_query};

/// How often each row is left after applying the kinds.
type Bag = BTreeMap<String, i64>;

#[test]
fn scripts_give_the_rows_of_flink_in_every_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let only = std::env::var("GOLDEN").unwrap_or_default();
    let mut cases: Vec<_> =
        fs::read_dir(&folder).expect("the folder of golden scripts").flatten().map(|e| e.path()).collect();
    cases.retain(|c| c.join("case.sql").exists() && c.to_string_lossy().contains(&only));
    cases.sort();
    assert!(!cases.is_empty(), "no golden script in {}", folder.display());
    let failures: Vec<String> =
        cases.iter().filter_map(|case| check(case).err().map(|why| format!("{}: {why}", name(case)))).collect();
    assert!(failures.is_empty(), "{} of {} scripts:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn check(case: &Path) -> Result<(), String> {
    let text = fs::read_to_string(case.join("case.sql")).map_err(|e| e.to_string())?;
    let text = text.replace("{DIR}", &case.to_string_lossy());
    let skips = text.lines().next().filter(|l| l.starts_with("-- skips:")).unwrap_or_default().to_owned();
    let statements = parse_script(&text).map_err(|e| e.render(&text))?;
    let (query, before) = statements.split_last().ok_or("no statement")?;
    let mut session = Session::new();
    for statement in before {
        session.execute(statement).map_err(|e| e.to_string())?;
    }
    let Statement::Query(query) = &query.statement else { return Err("the last statement must be a query".to_owned()) };
    let plan = plan_query(query, session.catalog(), session.settings()).map_err(|e| e.render(&text))?;
    let options = JobOptions {
        time_zone: session.settings().zone(),
        watermark_interval_ms: session.settings().watermark_interval_ms(),
        ..JobOptions::default()
    };
    // The sinks are replaced by the runs.
    let parts = JobParts {
        sources: Arc::new(Connectors),
        sinks: Arc::new(wasmill_runtime::testing::memory::MemorySinks::default()),
        functions: Arc::new(NoUserFunctions),
    };
    let (outcome, differences) = run_all(&plan, &options, &parts).map_err(|e| e.to_string())?;
    let rows = outcome.tables.values().flatten();
    let got = fold(rows.map(|line| line.split_once(' ').unwrap_or((line, ""))));
    let expected = fs::read_to_string(case.join("expected.txt")).map_err(|e| format!("expected.txt: {e}"))?;
    let want = fold(expected.lines().filter_map(|line| line.split_once('|')).filter(|(kind, _)| kind.len() == 2));
    if got != want {
        return Err(format!("not Flink's rows: {}", difference(&want, &got)));
    }
    let unexcused = differences.iter().find(|d| !skips.contains(d.run));
    unexcused
        .map_or(Ok(()), |d| Err(format!("run '{}' gives other rows: {:?} instead of {:?}", d.run, d.got, d.expected)))
}

fn fold<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> Bag {
    let mut bag = Bag::new();
    for (kind, row) in rows {
        *bag.entry(canonical(row)).or_default() += if kind.starts_with('+') { 1 } else { -1 };
    }
    bag.retain(|_, n| *n != 0);
    bag
}

/// One spelling for numbers, times, NULL and separators, since Flink's text and ours differ in them.
fn canonical(row: &str) -> String {
    let time = Regex::new(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(\.\d+)?Z?").expect("a pattern");
    let number = Regex::new(r"-?\b\d+(\.\d+)?([eE][-+]?\d+)?\b").expect("a pattern");
    let row = row.replace(" | ", ",").replace("null", "NULL");
    let row = time.replace_all(&row, |c: &Captures| {
        let part = |i| c.get(i).map_or("", |m: regex::Match| m.as_str());
        let seconds = if part(3).is_empty() { ":00" } else { part(3) };
        format!("<{}_{}{}{}>", part(1), part(2), seconds, part(4).trim_end_matches('0').trim_end_matches('.'))
            .replace(['-', ':', '.'], "_")
    });
    let row = number.replace_all(&row, |c: &Captures| match c[0].parse::<f64>() {
        Ok(v) => format!("{v:.8e}"),
        Err(_) => c[0].to_owned(),
    });
    row.split_whitespace().collect()
}

fn difference(want: &Bag, got: &Bag) -> String {
    let lacks = want.iter().find(|(row, n)| got.get(*row) != Some(n));
    let has = got.iter().find(|(row, n)| want.get(*row) != Some(n));
    format!("lacks {lacks:?}, has {has:?}")
}
