//! The golden scripts of `tests/golden`: each is run whole, in batches of one row, at parallelism 3, and with a crash and
//! restore at every batch; all must give the same rows, and those are the rows that Apache Flink gave (`expected.txt`, made
//! by `tests/golden/make-expected.sh`).
//!
//! A script has tables, views and settings, and one query or more; each query is a job of its own. Flink's rows of a query
//! follow a line `# columns […]`. `GOLDEN=name cargo test` runs the scripts whose folder has that in its name.
//!
//! A first line `-- skips: RUN; RUN: reason` in `case.sql` names runs whose result may differ by nature.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use regex::{Captures, Regex};
use wasmill_connectors::Connectors;
use wasmill_expr::NoUserFunctions;
use wasmill_plan::Plan;
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
    let failures = in_parallel(&cases, |case| match check(case) {
        Ok(()) => Vec::new(),
        Err(why) => why.into_iter().map(|why| format!("{}: {why}", name(case))).collect(),
    });
    assert!(failures.is_empty(), "of {} scripts:\n{}", cases.len(), failures.join("\n"));
}

/// What `f` gives for each case, in their order; one thread a core.
fn in_parallel(cases: &[PathBuf], f: impl Fn(&Path) -> Vec<String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Vec<String>>> = cases.iter().map(|_| Mutex::default()).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(index) = Some(next.fetch_add(1, Relaxed)).filter(|i| *i < cases.len()) {
                    *results[index].lock().expect("no other thread holds it") = f(&cases[index]);
                }
            });
        }
    });
    results.into_iter().flat_map(|r| r.into_inner().expect("all threads have ended")).collect()
}

fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs the script; gives what is wrong, query by query.
fn check(case: &Path) -> Result<(), Vec<String>> {
    let one = |why: String| vec![why];
    let text = fs::read_to_string(case.join("case.sql")).map_err(|e| one(e.to_string()))?;
    let text = text.replace("{DIR}", &case.to_string_lossy());
    let expected = fs::read_to_string(case.join("expected.txt")).map_err(|e| one(format!("expected.txt: {e}")))?;
    let mut expected = expected.split("# columns ").skip(1);
    let skips = text.lines().next().filter(|l| l.starts_with("-- skips:")).unwrap_or_default();
    let statements = parse_script(&text).map_err(|e| one(e.render(&text)))?;
    let mut session = Session::new();
    let (mut queries, mut failures) = (0, Vec::new());
    for statement in &statements {
        let Statement::Query(query) = &statement.statement else {
            session.execute(statement).map_err(|e| one(e.to_string()))?;
            continue;
        };
        queries += 1;
        let rows = expected.next().ok_or_else(|| one(format!("expected.txt has no rows of query {queries}")))?;
        let plan = plan_query(query, session.catalog(), session.settings()).map_err(|e| e.render(&text));
        if let Err(why) = plan.and_then(|plan| check_query(&plan, &session, rows, skips)) {
            failures.push(format!("query {queries}: {why}"));
        }
    }
    if queries == 0 || expected.next().is_some() {
        failures.push(format!("expected.txt has the rows of more than {queries} queries"));
    }
    if failures.is_empty() { Ok(()) } else { Err(failures) }
}

/// Runs one query in every way, and compares it with Flink's section of `expected.txt`.
fn check_query(plan: &Plan, session: &Session, expected: &str, skips: &str) -> Result<(), String> {
    if expected.contains("# error") {
        return Err("Flink refuses it: it is no golden script".to_owned());
    }
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
    let (outcome, differences) = run_all(plan, &options, &parts).map_err(|e| e.to_string())?;
    let rows = outcome.tables.values().flatten();
    let got = fold(rows.map(|line| line.split_once(' ').unwrap_or((line, ""))));
    let want = fold(expected.lines().filter_map(|line| line.split_once('|')).filter(|(kind, _)| kind.len() == 2));
    if got != want {
        return Err(format!("not Flink's rows: {}", difference(&want, &got)));
    }
    let skips: Vec<&str> = skips.split(':').nth(1).unwrap_or_default().split(';').map(str::trim).collect();
    let unexcused = differences.iter().find(|d| !skips.contains(&d.run));
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

/// One spelling for numbers, times, NULL and separators, since Flink's text and ours differ in them, and one order of a
/// map's entries, which have none.
fn canonical(row: &str) -> String {
    let time = Regex::new(r"(?:(\d{4}-\d\d-\d\d)[T ]|\b)(\d\d:\d\d)(:\d\d)?(\.\d+)?Z?").expect("a pattern");
    let number = Regex::new(r"-?\b\d+(\.\d+)?([eE][-+]?\d+)?\b").expect("a pattern");
    let nested = Regex::new(r"\+I\[([^\[\]]*)\]").expect("a pattern");
    let row = row.replace(" | ", ",").replace("null", "NULL");
    let row = nested.replace_all(&row, "($1)");
    // The lines of a run leave the first day of 1970 out.
    let row = time.replace_all(&row, |c: &Captures| {
        let part = |i, otherwise| c.get(i).map_or(otherwise, |m: regex::Match| m.as_str());
        let fraction = part(4, "").trim_end_matches('0').trim_end_matches('.');
        format!("<{}_{}{}{fraction}>", part(1, "1970-01-01"), part(2, ""), part(3, ":00")).replace(['-', ':', '.'], "_")
    });
    let row = number.replace_all(&row, |c: &Captures| match c[0].parse::<f64>() {
        Ok(v) => format!("{v:.8e}"),
        Err(_) => c[0].to_owned(),
    });
    let row: String = row.split_whitespace().collect();
    let entries = Regex::new(r"\{([^{}]*)\}").expect("a pattern");
    let sorted = entries.replace_all(&row, |c: &Captures| {
        let mut entries: Vec<&str> = c[1].split(',').collect();
        entries.sort_unstable();
        format!("{{{}}}", entries.join(","))
    });
    sorted.into_owned()
}

fn difference(want: &Bag, got: &Bag) -> String {
    let lacks = want.iter().find(|(row, n)| got.get(*row) != Some(n));
    let has = got.iter().find(|(row, n)| want.get(*row) != Some(n));
    format!("lacks {lacks:?}, has {has:?}")
}
