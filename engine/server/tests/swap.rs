//! Hot swap and shadow runs: ALTER FUNCTION and ALTER MODEL outside jobs, while jobs run, over a crash, and refused.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use wasmill_connectors::Connectors;
use wasmill_expr::{UserFunctions, UserName};
use wasmill_plan::{Error, Plan, Result};
use wasmill_runtime::checkpoint::{CheckpointStore, MemoryStore};
use wasmill_runtime::source::{Source, SourceEvent};
use wasmill_runtime::testing::memory::{MemorySinks, RESULT};
use wasmill_runtime::{CheckpointOptions, Job, JobHandle, JobOptions, JobParts, Swap};
use wasmill_server::{Answer, Session};
use wasmill_sql::{Statement, parse_script, plan_query};

type Functions = Arc<dyn UserFunctions + Send + Sync>;

/// `f(x DOUBLE) RETURNS DOUBLE` with that body.
fn module(folder: &Path, name: &str, body: &str) -> String {
    let wat = format!("(module (func (export \"f\") (param f64) (result f64) {body}))");
    let path = folder.join(name);
    std::fs::write(&path, wat::parse_str(wat).expect("the test's own module")).unwrap();
    path.display().to_string()
}

/// A folder with `v1.wasm` (adds 1000), `v2.wasm` (adds 2000), `trap.wasm` (fails at 7 and adds 3000), `other.wasm` (of
/// another type), `broken.wasm`, artifacts of the linear model, and rows 1 to 60 in six files.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let adds = |n: u32| format!("(f64.add (local.get 0) (f64.const {n}))");
    module(path, "v1.wasm", &adds(1000));
    module(path, "v2.wasm", &adds(2000));
    module(path, "trap.wasm", &format!("(if (f64.eq (local.get 0) (f64.const 7)) (then unreachable)) {}", adds(3000)));
    let other = wat::parse_str("(module (func (export \"f\") (param i64) (result i64) (local.get 0)))").unwrap();
    std::fs::write(path.join("other.wasm"), other).unwrap();
    std::fs::write(path.join("broken.wasm"), b"\0asm\x01\0\0\0\x0a\xff").unwrap();
    std::fs::write(path.join("one.txt"), "1 1 0").unwrap();
    std::fs::write(path.join("two.txt"), "2 1 0").unwrap();
    std::fs::write(path.join("cut.txt"), "2 1 x").unwrap();
    std::fs::create_dir(path.join("rows")).unwrap();
    for file in 0..6 {
        let rows: String = (file * 10 + 1..file * 10 + 11).map(|i| format!("{i},{i},k{}\n", i % 7)).collect();
        std::fs::write(path.join(format!("rows/{file}.csv")), rows).unwrap();
    }
    folder
}

fn c_example(file: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../udf-sdk/examples/c").join(file).display().to_string()
}

fn prelude(folder: &Path) -> String {
    let dir = folder.display();
    format!(
        "CREATE TABLE t (id INT, x DOUBLE, k STRING) WITH ('connector' = 'filesystem', 'path' = '{dir}/rows', 'format' = 'csv');
         CREATE FUNCTION f(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE '{dir}/v1.wasm';
         CREATE AGGREGATE FUNCTION total(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE '{aggregates}';
         CREATE PROCESS FUNCTION merchants LANGUAGE WASM USING FILE '{process}';
         CREATE MODEL linear INPUT (a DOUBLE, b DOUBLE) OUTPUT (score DOUBLE, positive BOOLEAN)
           LANGUAGE WASM USING FILE '{model}' WITH ('artifact' = '{dir}/one.txt');
         CREATE MODEL regression INPUT (a DOUBLE, b DOUBLE) OUTPUT (y DOUBLE) LANGUAGE WASM USING FILE '{online}';",
        aggregates = c_example("aggregates.wasm"),
        process = c_example("process.wasm"),
        model = c_example("model.wasm"),
        online = c_example("online.wasm"),
    )
}

fn session(folder: &Path) -> Session {
    let mut session = Session::new();
    execute(&mut session, &prelude(folder)).unwrap();
    session
}

/// Executes statements; jobs of the background are started. The rendered error of the first that fails.
fn execute(session: &mut Session, text: &str) -> std::result::Result<Option<String>, String> {
    let mut note = None;
    for statement in &parse_script(text).map_err(|e| e.render(text))? {
        match session.execute(statement).map_err(|e| e.render(text))? {
            Answer::Job(job) => {
                assert!(job.is_in_background());
                session.run_in_background(*job).map_err(|e| e.render(text))?;
            }
            Answer::Done(told) => note = told,
            Answer::Listing(_) | Answer::Text(_) => {}
        }
    }
    Ok(note)
}

#[track_caller]
fn says(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is missing in: {text}");
}

fn plan(session: &Session, query: &str) -> Plan {
    let statements = parse_script(query).unwrap();
    let Statement::Query(query) = &statements[0].statement else { panic!("a query") };
    plan_query(query, session.catalog(), session.settings()).unwrap_or_else(|e| panic!("{e}"))
}

/// Holds sources after so many batches each.
#[derive(Clone, Default)]
struct Gate {
    allowed: Arc<AtomicUsize>,
    held: Arc<Mutex<BTreeMap<usize, bool>>>,
}

struct Gated {
    gate: Gate,
    number: usize,
    inner: Box<dyn Source>,
    given: usize,
}

impl Gated {
    fn hold(&self, held: bool) {
        self.gate.held.lock().unwrap().insert(self.number, held);
    }
}

impl Source for Gated {
    fn poll(&mut self, wait: Duration) -> Result<SourceEvent> {
        if self.given >= self.gate.allowed.load(SeqCst) {
            self.hold(true);
            std::thread::sleep(wait.min(Duration::from_millis(1)));
            return Ok(SourceEvent::Pending);
        }
        let event = self.inner.poll(wait)?;
        match event {
            SourceEvent::Rows(_) => self.given += 1,
            SourceEvent::End => self.hold(true),
            _ => {}
        }
        Ok(event)
    }
    fn position(&self) -> Json {
        self.inner.position()
    }
    fn seek(&mut self, position: &Json) -> Result<()> {
        self.inner.seek(position)
    }
    fn seek_all(&mut self, positions: &[Json]) -> Result<()> {
        self.inner.seek_all(positions)
    }
}

impl Gate {
    /// Lets every source give that many batches in all, and waits until they have.
    fn allow(&self, batches: usize) {
        self.held.lock().unwrap().values_mut().for_each(|held| *held = false);
        self.allowed.store(batches, SeqCst);
        until("the sources are held", || self.held.lock().unwrap().values().all(|held| *held));
    }
    fn open(&self) {
        self.allowed.store(usize::MAX, SeqCst);
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A job whose sources give one batch a file, and stand at a gate.
struct Held {
    gate: Gate,
    sinks: MemorySinks,
    store: Arc<MemoryStore>,
}

impl Held {
    fn new() -> Self {
        Self { gate: Gate::default(), sinks: MemorySinks::default(), store: Arc::default() }
    }
    fn start(&self, plan: &Plan, functions: Functions, parallelism: usize, checkpoints: bool) -> Result<JobHandle> {
        let gate = self.gate.clone();
        gate.held.lock().unwrap().clear();
        let count = AtomicUsize::new(0);
        let wrap = move |inner| -> Box<dyn Source> {
            let number = count.fetch_add(1, SeqCst);
            gate.held.lock().unwrap().insert(number, false);
            Box::new(Gated { gate: gate.clone(), number, inner, given: 0 })
        };
        let checkpoints = checkpoints.then(|| CheckpointOptions { interval: None, store: self.store.clone() });
        let restore = self.store.latest()?;
        let options = JobOptions {
            parallelism,
            checkpoints,
            restore,
            batch_rows_max: Some(10),
            source_wrapper: Some(Arc::new(wrap)),
            ..JobOptions::default()
        };
        let parts = JobParts { sources: Arc::new(Connectors), sinks: Arc::new(self.sinks.clone()), functions };
        Job::start(plan, &options, &parts)
    }
    /// The visible rows as `(id, value)`.
    fn rows(&self) -> Vec<(u32, f64)> {
        let tables = self.sinks.visible();
        let row = |line: &String| {
            let (id, value) = line[3..].split_once(" | ").unwrap_or_else(|| panic!("{line}"));
            (id.parse().unwrap(), value.parse().unwrap())
        };
        let mut rows: Vec<(u32, f64)> = tables.get(RESULT).into_iter().flatten().map(row).collect();
        rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
        rows
    }
}

fn swap(job: &JobHandle, name: UserName, functions: &Functions) -> Result<u64> {
    let pending = job.swap(Swap { name, functions: functions.clone() });
    pending.vote()?;
    pending.decide(true)
}

/// The session's functions once an ALTER was executed.
fn altered(session: &mut Session, text: &str) -> Functions {
    execute(session, text).unwrap();
    session.functions()
}

#[test]
fn rows_before_the_barrier_see_the_old_version_and_rows_behind_it_the_new_one() {
    let folder = folder();
    for parallelism in [1, 3] {
        for checkpoints in [true, false] {
            let mut session = session(folder.path());
            let query = plan(&session, "SELECT id, f(x) FROM t");
            let held = Held::new();
            let job = held.start(&query, session.functions(), parallelism, checkpoints).unwrap();
            held.gate.allow(1);
            let read = job.metrics().rows_read();
            let dir = folder.path().display();
            let v2 = altered(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/v2.wasm'"));
            swap(&job, UserName::function("F"), &v2).unwrap();
            held.gate.open();
            job.wait().unwrap();
            let rows = held.rows();
            assert_eq!(rows.iter().map(|r| r.0).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
            let by = |version: f64| rows.iter().filter(|(id, v)| *v == f64::from(*id) + version).count() as u64;
            assert_eq!((by(1000.0), by(2000.0)), (read, 60 - read), "parallelism {parallelism}");
            assert_eq!(read, 10 * parallelism as u64);
        }
    }
}

#[test]
fn a_crash_behind_the_swap_goes_on_with_the_new_version() {
    let folder = folder();
    let dir = folder.path().display();
    let mut session = session(folder.path());
    let v1 = session.functions();
    let query = plan(&session, "SELECT id, f(x) FROM t");
    let held = Held::new();
    let job = held.start(&query, v1.clone(), 3, true).unwrap();
    held.gate.allow(1);
    let first = job.trigger_checkpoint().unwrap();
    let v2 = altered(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/v2.wasm'"));
    assert_eq!(swap(&job, UserName::function("f"), &v2).unwrap(), first + 1);
    // Rows behind the swap that no checkpoint has.
    held.gate.allow(2);
    job.cancel();
    assert!(matches!(job.wait(), Err(Error::Stopped)));
    let latest = held.store.latest().unwrap().unwrap();
    assert_eq!(latest.modules[0].sha256, v2.version(&UserName::function("f")).unwrap().sha256);
    // The old module is refused, the new one goes on where the checkpoint was taken, also with other instances.
    let error = held.start(&query, v1, 3, true).err().expect("another module").to_string();
    says(&error, "was taken with another module of function 'f'");
    let job = held.start(&query, v2, 2, true).unwrap();
    held.gate.open();
    job.wait().unwrap();
    let rows = held.rows();
    assert_eq!(rows.iter().map(|r| r.0).collect::<Vec<_>>(), (1..=60).collect::<Vec<_>>());
    assert_eq!(rows.iter().filter(|(id, v)| *v == f64::from(*id) + 1000.0).count(), 30);
}

#[test]
fn what_a_model_learnt_and_what_functions_hold_crosses() {
    let folder = folder();
    let dir = folder.path().display();
    let learnt = "SELECT id, y FROM ML_PREDICT(TABLE (SELECT id, x / 100 AS a, 1e0 AS b, x / 50 AS truth FROM t),
        MODEL regression, DESCRIPTOR(a, b), LABELS => DESCRIPTOR(truth))";
    let processed =
        "SELECT * FROM merchants(input => TABLE (SELECT MOD(id, 3) AS g, k AS merchant FROM t) PARTITION BY g)";
    let summed = "SELECT CAST(COUNT(*) AS INT), total(x) FROM t";
    let alter =
        "ALTER MODEL regression AS 'regression_by_row' USING FILE '{F}'".replace("{F}", &c_example("online.wasm"));
    let copy = folder.path().join("copy.wasm");
    std::fs::copy(c_example("aggregates.wasm"), &copy).unwrap();
    for (query, name, alter) in [
        (learnt, UserName::model("regression"), alter.as_str()),
        (
            processed,
            UserName::function("merchants"),
            // What the function in C remembers, the one in Rust goes on with.
            &format!("ALTER FUNCTION merchants USING FILE '{}'", c_example("../rust/examples.wasm")),
        ),
        (summed, UserName::function("total"), &format!("ALTER FUNCTION total USING FILE '{dir}/copy.wasm'")),
    ] {
        let mut outcomes = Vec::new();
        for swapped in [false, true] {
            let mut session = session(folder.path());
            let query = plan(&session, query);
            let held = Held::new();
            let job = held.start(&query, session.functions(), 1, true).unwrap();
            held.gate.allow(3);
            if swapped {
                let new = altered(&mut session, alter);
                swap(&job, name.clone(), &new).unwrap();
                held.gate.allow(4);
                job.cancel();
                assert!(job.wait().is_err());
                let job = held.start(&query, new, 1, true).unwrap();
                held.gate.open();
                job.wait().unwrap();
            } else {
                held.gate.open();
                job.wait().unwrap();
            }
            outcomes.push(wasmill_runtime::testing::matrix::compact(&held.sinks.visible()[RESULT]));
        }
        assert_eq!(outcomes[0], outcomes[1], "{name}");
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_the_job_goes_on() {
    let folder = folder();
    let path = folder.path();
    let mut session = session(path);
    let query = plan(&session, "SELECT CAST(COUNT(*) AS INT), total(x) FROM t");
    let held = Held::new();
    let job = held.start(&query, session.functions(), 1, true).unwrap();
    held.gate.allow(2);
    let new = altered(
        &mut session,
        "CREATE OR REPLACE AGGREGATE FUNCTION total(x DOUBLE) RETURNS DOUBLE LANGUAGE WASM AS 'larger' USING FILE '{F}'"
            .replace("{F}", &larger_state(path))
            .as_str(),
    );
    let error = swap(&job, UserName::function("total"), &new).unwrap_err().to_string();
    says(&error, "the state was made by another module");
    // A checkpoint, and the rest of the rows, by the old version.
    job.trigger_checkpoint().unwrap();
    held.gate.open();
    job.wait().unwrap();
    assert_eq!(wasmill_runtime::testing::matrix::compact(&held.sinks.visible()[RESULT]), ["1 x 60 | 1830"]);
}

#[test]
fn a_model_that_does_not_take_what_was_learnt_is_refused_and_the_job_goes_on() {
    let folder = folder();
    let wat = r#"(module (memory (export "memory") 4)
        (func (export "wm_abi") (result i32) (i32.const 1))
        (func (export "wm_alloc") (param i32 i32) (result i32) (i32.const 65536))
        (func (export "wm_free") (param i32 i32 i32))
        (func (export "regression__predict__cols") (param i32 i32) (result i32) (i32.const 0))
        (func (export "regression__learn") (param i32 i32) (result i32) (i32.const 0))
        (func (export "regression__snapshot") (param i32) (result i32) (i32.const 2))
        (func (export "regression__restore") (param i32 i32 i32) (result i32) (i32.const 2)))"#;
    let path = folder.path().join("refusing.wasm");
    std::fs::write(&path, wat::parse_str(wat).unwrap()).unwrap();
    let learnt = "SELECT id, y FROM ML_PREDICT(TABLE (SELECT id, x / 100 AS a, 1e0 AS b, x / 50 AS truth FROM t),
        MODEL regression, DESCRIPTOR(a, b), LABELS => DESCRIPTOR(truth))";
    let mut outcomes = Vec::new();
    for swapped in [false, true] {
        let mut session = session(folder.path());
        let query = plan(&session, learnt);
        let held = Held::new();
        let job = held.start(&query, session.functions(), 1, true).unwrap();
        held.gate.allow(3);
        if swapped {
            let new = altered(&mut session, &format!("ALTER MODEL regression USING FILE '{}'", path.display()));
            let error = swap(&job, UserName::model("regression"), &new).unwrap_err().to_string();
            says(&error, "restoring its snapshot");
        }
        held.gate.open();
        job.wait().unwrap();
        outcomes.push(held.sinks.visible()[RESULT].clone());
    }
    assert_eq!(outcomes[0], outcomes[1]);
}

#[test]
fn swaps_among_checkpoints_lose_and_repeat_nothing() {
    let folder = folder();
    let dir = folder.path().display();
    for checkpoints in [true, false] {
        let mut session = session(folder.path());
        execute(
            &mut session,
            "CREATE TABLE n (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '200000',
               'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '60000')",
        )
        .unwrap();
        let v1 = session.functions();
        let v2 = altered(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/v2.wasm'"));
        // An exchange in between: barriers are aligned.
        let query =
            plan(&session, "SELECT id, MAX(f(id)) FROM (SELECT id, COUNT(*) FROM n GROUP BY id) AS g GROUP BY id");
        let held = Held::new();
        held.gate.open();
        let job = held.start(&query, v1.clone(), 3, checkpoints).unwrap();
        let mut swaps = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| while checkpoints && job.trigger_checkpoint().is_ok() {});
            while !job.is_finished() {
                let functions = if swaps % 2 == 0 { &v2 } else { &v1 };
                let pending = job.swap(Swap { name: UserName::function("f"), functions: functions.clone() });
                // One in three is called off, before or behind the vote.
                match swaps % 3 {
                    0 => drop(pending),
                    1 => drop(pending.vote().map(|()| pending.decide(true))),
                    _ => drop(pending.vote().map(|()| pending.decide(false))),
                }
                swaps += 1;
            }
        });
        job.wait().unwrap();
        assert!(swaps > 10, "{swaps}");
        let lines = wasmill_runtime::testing::matrix::compact(&held.sinks.visible()[RESULT]);
        assert_eq!(lines.len(), 60_000);
        for line in lines {
            let (id, value) = line.strip_prefix("1 x ").unwrap_or_else(|| panic!("{line}")).split_once(" | ").unwrap();
            let (id, value): (f64, f64) = (id.parse().unwrap(), value.parse().unwrap());
            assert!(value == id + 1000.0 || value == id + 2000.0, "{line}");
        }
    }
}

/// An aggregate function `larger` whose state has 64 bytes.
fn larger_state(folder: &Path) -> String {
    let wat = r#"(module (memory (export "memory") 2)
        (func (export "wm_abi") (result i32) (i32.const 1))
        (func (export "wm_alloc") (param i32 i32) (result i32) (i32.const 1024))
        (func (export "wm_free") (param i32 i32 i32))
        (func (export "larger__state_size") (result i32) (i32.const 64))
        (func (export "larger__init") (param i32 i32 i32))
        (func (export "larger__acc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "larger__retract") (param i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "larger__merge") (param i32 i32 i32 i32 i32) (result i32) (i32.const 0))
        (func (export "larger__finish") (param i32 i32 i32 i32) (result i32) (i32.const 0)))"#;
    let path = folder.join("larger.wasm");
    std::fs::write(&path, wat::parse_str(wat).unwrap()).unwrap();
    path.display().to_string()
}

#[test]
fn versions_that_do_not_fit_are_refused_and_change_nothing() {
    let folder = folder();
    let dir = folder.path().display();
    let mut session = session(folder.path());
    let before = session.functions().version(&UserName::function("f"));
    let refused = |session: &mut Session, text: &str, part: &str| {
        let error = execute(session, text).expect_err(text);
        says(&error, part);
    };
    refused(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/other.wasm'"), "'f'");
    refused(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/none.wasm'"), "none.wasm");
    refused(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/broken.wasm'"), "not valid WebAssembly");
    refused(&mut session, &format!("ALTER FUNCTION f AS 'g' USING FILE '{dir}/v2.wasm'"), "'g'");
    refused(&mut session, "ALTER FUNCTION f SET ('timeout' = 'soon')", "not a duration");
    refused(&mut session, &format!("ALTER FUNCTION g USING FILE '{dir}/v2.wasm'"), "unknown function 'g'");
    refused(
        &mut session,
        &format!("ALTER MODEL linear SET ('artifact' = '{dir}/none.txt')"),
        "cannot read the artifact",
    );
    refused(&mut session, &format!("ALTER MODEL linear SET ('artifact' = '{dir}/cut.txt')"), "not a list of numbers");
    refused(&mut session, &format!("ALTER MODEL linear USING FILE '{}'", c_example("columns.wasm")), "does not export");
    refused(&mut session, "ALTER FUNCTION f DROP SHADOW", "nothing runs in shadow");
    refused(&mut session, "ALTER FUNCTION f RENAME TO g", "is not supported");
    assert_eq!(session.functions().version(&UserName::function("f")), before);
    assert!(execute(&mut session, "ALTER FUNCTION IF EXISTS g SET ('timeout' = '1 s')").unwrap().is_some());
    execute(&mut session, &format!("ALTER MODEL linear SET ('artifact' = '{dir}/two.txt', 'timeout' = '2 s')"))
        .unwrap();
    execute(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/v2.wasm'")).unwrap();
    assert_ne!(session.functions().version(&UserName::function("f")), before);
    says(session.catalog().text("f").unwrap(), "v1.wasm';\nALTER FUNCTION f USING FILE");
    assert_eq!(session.catalog().model("linear").unwrap().options["timeout"], "2 s");
}

/// The rows of a table of JSON lines that jobs have written.
fn json_rows(folder: &Path) -> Vec<Json> {
    let mut rows = Vec::new();
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(|f| !f.file_name().to_string_lossy().starts_with('.')) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        rows.extend(text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()));
    }
    rows
}

/// A session with a job in the background that scores a row each millisecond or so.
fn background(folder: &Path, checkpoints: bool) -> Session {
    let mut session = session(folder);
    let dir = folder.display();
    let interval = if checkpoints { "SET 'execution.checkpointing.interval' = '20 ms';" } else { "" };
    execute(
        &mut session,
        &format!(
            "SET 'table.dml-sync' = 'false'; SET 'parallelism.default' = '3'; {interval}
             CREATE TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '2000',
               'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '100000000');
             CREATE TABLE scored (id BIGINT, y DOUBLE)
               WITH ('connector' = 'filesystem', 'path' = '{dir}/scored/', 'format' = 'json');
             INSERT INTO scored SELECT id, f(CAST(id AS DOUBLE)) FROM numbers;"
        ),
    )
    .unwrap();
    session
}

fn rows_in(session: &Session) -> u64 {
    session.background_progress().rows_in
}

#[test]
fn alter_changes_a_job_in_the_background_and_loses_no_row() {
    for checkpoints in [false, true] {
        let folder = folder();
        let dir = folder.path().display();
        let mut session = background(folder.path(), checkpoints);
        until("rows", || rows_in(&session) > 300);
        // What a job cannot take leaves it and the catalog as they are.
        let error = execute(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/other.wasm'")).unwrap_err();
        says(&error, "error");
        let note = execute(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/v2.wasm'")).unwrap();
        says(&note.unwrap(), "in force in job 1 from epoch");
        let then = rows_in(&session);
        until("more rows", || rows_in(&session) > then + 300);
        execute(&mut session, "SHOW JOBS; STOP JOB '1'").unwrap();
        assert_eq!(session.background_jobs(), 0);
        let mut rows: Vec<(i64, f64)> = json_rows(&folder.path().join("scored"))
            .iter()
            .map(|row| (row["id"].as_i64().unwrap(), row["y"].as_f64().unwrap()))
            .collect();
        rows.sort_by_key(|r| r.0);
        let mut ids: Vec<i64> = rows.iter().map(|r| r.0).collect();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "no row twice");
        let by = |version: f64| rows.iter().filter(|(id, y)| *y == *id as f64 + version).count();
        assert!(by(1000.0) >= 300 && by(2000.0) >= 300 && by(1000.0) + by(2000.0) == count);
    }
}

#[test]
fn a_candidate_runs_beside_the_current_version_and_its_traps_hurt_nobody() {
    let folder = folder();
    let dir = folder.path().display();
    let mut session = background(folder.path(), true);
    execute(
        &mut session,
        &format!(
            "CREATE TABLE compared (x DOUBLE, current_result DOUBLE, candidate_result DOUBLE, candidate_error STRING)
               WITH ('connector' = 'filesystem', 'path' = '{dir}/compared/', 'format' = 'json');
             CREATE TABLE wrong (y DOUBLE) WITH ('connector' = 'blackhole');
             CREATE TABLE narrow (x INT) WITH ('connector' = 'blackhole');"
        ),
    )
    .unwrap();
    let error = execute(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/v2.wasm' SHADOW INTO wrong"));
    says(&error.unwrap_err(), "takes the columns (x DOUBLE, current_result DOUBLE");
    let error = execute(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/v2.wasm' SHADOW INTO narrow"));
    says(&error.unwrap_err(), "should be DOUBLE");
    let error = execute(&mut session, &format!("ALTER FUNCTION total USING FILE '{dir}/v2.wasm' SHADOW INTO narrow"));
    says(&error.unwrap_err(), "is no scalar function");
    // From the start for a job of its own, whose rows are known; in the stream for the job that runs.
    execute(&mut session, &format!("ALTER FUNCTION f USING FILE '{dir}/trap.wasm' SHADOW INTO compared")).unwrap();
    let then = rows_in(&session);
    until("more rows", || rows_in(&session) > then + 300);
    execute(&mut session, "STOP JOB '1'; CREATE TABLE hole (y DOUBLE) WITH ('connector' = 'blackhole'); INSERT INTO hole SELECT f(x) FROM t").unwrap();
    until("the end", || {
        session.take_ended_jobs().into_iter().all(|j| j.outcome.is_ok()) && session.background_jobs() == 0
    });
    let rows = json_rows(&folder.path().join("compared"));
    assert!(rows.len() >= 360, "{}", rows.len());
    let mut trapped = 0;
    for row in &rows {
        let x = row["x"].as_f64().unwrap();
        assert_eq!(row["current_result"].as_f64(), Some(x + 1000.0));
        let error = row["candidate_error"].as_str();
        assert_eq!(row["candidate_result"].as_f64(), (x != 7.0).then_some(x + 3000.0), "{row}");
        assert_eq!(error.is_some(), x == 7.0, "{row}");
        trapped += usize::from(error.is_some_and(|e| e.contains("gave up")));
    }
    assert!(trapped >= 1);
    execute(&mut session, "ALTER FUNCTION f DROP SHADOW").unwrap();
    assert!(session.functions().shadow_table(&UserName::function("f")).is_none());
}

#[test]
fn a_model_and_a_candidate_that_hangs() {
    let folder = folder();
    let dir = folder.path().display();
    module(folder.path(), "hang.wasm", "(loop (br 0)) (local.get 0)");
    let mut session = session(folder.path());
    execute(
        &mut session,
        &format!(
            "SET 'table.dml-sync' = 'false';
             CREATE TABLE hole (y DOUBLE) WITH ('connector' = 'blackhole');
             CREATE TABLE models (a DOUBLE, current_score DOUBLE, candidate_score DOUBLE, candidate_positive BOOLEAN)
               WITH ('connector' = 'filesystem', 'path' = '{dir}/models/', 'format' = 'json');
             CREATE TABLE hung (x DOUBLE, candidate_result DOUBLE, candidate_error STRING)
               WITH ('connector' = 'filesystem', 'path' = '{dir}/hung/', 'format' = 'json');
             ALTER MODEL linear SET ('artifact' = '{dir}/two.txt') SHADOW INTO models;
             ALTER FUNCTION f USING FILE '{dir}/hang.wasm' WITH ('timeout' = '20 ms') SHADOW INTO hung;
             INSERT INTO hole SELECT score FROM ML_PREDICT(TABLE t, MODEL linear, DESCRIPTOR(x, x));
             INSERT INTO hole SELECT f(x) FROM t;"
        ),
    )
    .unwrap();
    until("the end", || {
        let ended = session.take_ended_jobs();
        assert!(ended.iter().all(|job| job.outcome.is_ok()), "{ended:?}");
        session.background_jobs() == 0
    });
    let rows = json_rows(&folder.path().join("models"));
    assert_eq!(rows.len(), 60);
    for row in rows {
        let a = row["a"].as_f64().unwrap();
        assert_eq!((row["current_score"].as_f64(), row["candidate_score"].as_f64()), (Some(a + 1.0), Some(a + 2.0)));
        assert_eq!(row["candidate_positive"], true);
    }
    let rows = json_rows(&folder.path().join("hung"));
    assert_eq!(rows.len(), 60);
    let says = |row: &Json, part: &str| row["candidate_error"].as_str().is_some_and(|e| e.contains(part));
    assert!(rows.iter().all(|row| says(row, "'timeout'") || says(row, "given up")), "{:?}", rows.last());
}
